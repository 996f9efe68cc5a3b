"""What a registered artifact store, its secret or its connector give to pods, and what not."""

import ast
from importlib.util import find_spec
from pathlib import Path

import pytest

from seldon_deployer.secrets import SCHEMAS, parse_credentials
from seldon_deployer.zenml_plugin.store_access import connected_access, stored_access

CANARY = "canary7Qx"
AWS_KEY = {"aws_access_key_id": "AKIA1", "aws_secret_access_key": CANARY}
PAIR = {"access_key_id": "AKIA1", "secret_access_key": CANARY}
MINIO = {"client_kwargs": {"endpoint_url": "http://minio:9000", "region_name": "eu-west-1"}}
MINIO_ADDRESS = {"endpoint": "http://minio:9000", "region": "eu-west-1"}


@pytest.mark.parametrize(
    ("schema", "config", "secret", "address", "identity"),
    [
        ("seldon_s3", {"key": "AKIA1", "secret": CANARY}, {}, {}, PAIR),
        ("seldon_s3", MINIO, AWS_KEY, MINIO_ADDRESS, PAIR),
        ("seldon_s3", MINIO, PAIR, MINIO_ADDRESS, PAIR),
        ("seldon_s3", {"key": "AKIA2", "secret": "other"}, AWS_KEY, {}, PAIR),
        ("seldon_s3", {"config_kwargs": {"region_name": "eu-west-1"}}, {},
         {"region": "eu-west-1"}, {}),
        ("seldon_s3", {"key": None, "client_kwargs": None}, {}, {}, {}),
        ("seldon_gs", {}, {"token": '{"type": "service_account"}'}, {},
         {"service_account_credentials": '{"type": "service_account"}'}),
        ("seldon_gs", {}, {}, {}, {}),
        ("seldon_az", {}, {"connection_string": CANARY, "account_name": "a"}, {},
         {"connection_string": CANARY}),
        ("seldon_az", {}, {"account_name": "a", "account_key": CANARY}, {"account": "a"},
         {"key": CANARY}),
        ("seldon_az", {}, {"account_name": "a", "sas_token": CANARY}, {"account": "a"},
         {"sas_token": CANARY}),
        ("seldon_az", {}, {"account_name": "a"}, {"account": "a"}, {}),
        ("seldon_az", {}, {}, {}, {}),
    ],
)  # fmt: skip
def test_a_store_is_read_with_its_own_options_and_secret(schema, config, secret, address, identity):
    access = stored_access(schema, config, secret)
    assert (access.address, access.identity, access.unusable) == (address, identity, "")


@pytest.mark.parametrize(
    ("schema", "config", "secret", "reason"),
    [
        ("seldon_s3", {"key": "k", "secret": "s", "token": CANARY}, {}, "session token"),
        ("seldon_s3", {}, {**AWS_KEY, "aws_session_token": CANARY}, "session token"),
        ("seldon_az", {}, {"account_name": "a", "client_id": "i", "client_secret": CANARY},
         "service principal"),
    ],
)  # fmt: skip
def test_what_cannot_be_given_to_pods_says_why(schema, config, secret, reason):
    access = stored_access(schema, config, secret)
    assert reason in access.unusable
    assert access.identity == {}
    assert CANARY not in repr(access)


@pytest.mark.parametrize(
    ("connector", "method", "given", "address", "identity"),
    [
        ("aws", "secret-key", {**AWS_KEY, "region": "us-east-2"}, {"region": "us-east-2"}, PAIR),
        ("aws", "secret-key", {**AWS_KEY, "endpoint_url": "https://s3.corp"},
         {"endpoint": "https://s3.corp"}, PAIR),
        ("aws", "implicit", {"region": "us-east-2"}, {"region": "us-east-2"}, {}),
        ("gcp", "service-account",
         {"service_account_json": CANARY, "generate_temporary_tokens": "False"}, {},
         {"service_account_credentials": CANARY}),
        ("gcp", "user-account", {"user_account_json": CANARY, "generate_temporary_tokens": False},
         {}, {"service_account_credentials": CANARY}),
        ("gcp", "implicit", {"project_id": "p"}, {}, {}),
        ("azure", "implicit", {"storage_account": "models"}, {"account": "models"}, {}),
    ],
)  # fmt: skip
def test_a_connector_with_lasting_credentials_is_read(connector, method, given, address, identity):
    access = connected_access(connector, method, given, {})
    assert (access.address, access.identity, access.unusable) == (address, identity, "")


@pytest.mark.parametrize(
    ("connector", "method", "given", "reason"),
    [
        *[
            ("aws", method, {**AWS_KEY, "aws_session_token": CANARY, "region": "r"}, "temporary")
            for method in ("sts-token", "iam-role", "session-token", "federation-token")
        ],
        ("gcp", "service-account", {"service_account_json": CANARY},
         "--generate_temporary_tokens=False"),
        ("gcp", "user-account",
         {"user_account_json": CANARY, "generate_temporary_tokens": "True"},
         "--generate_temporary_tokens=False"),
        ("gcp", "oauth2-token", {"token": CANARY}, "temporary"),
        ("gcp", "external-account", {"external_account_json": CANARY}, "temporary"),
        ("gcp", "impersonation", {"service_account_json": CANARY}, "temporary"),
        ("azure", "access-token", {"token": CANARY}, "temporary"),
        ("azure", "service-principal", {"client_secret": CANARY}, "service principal"),
        ("docker", "password", {"password": CANARY}, "unknown"),
    ],
)  # fmt: skip
def test_a_connector_that_lends_for_a_while_is_not(connector, method, given, reason):
    access = connected_access(connector, method, given, {})
    assert reason in access.unusable
    assert access.identity == {}
    assert CANARY not in repr(access)


def test_the_stores_own_address_goes_before_the_connectors():
    given = {**AWS_KEY, "region": "us-east-2", "endpoint_url": "https://sts.corp"}
    assert connected_access("aws", "secret-key", given, MINIO).address == MINIO_ADDRESS


@pytest.mark.parametrize("connector", ["aws", "gcp", "azure"])
def test_every_method_that_zenml_has_is_known(connector):
    # The connectors themselves import their cloud's libraries: read what they define instead.
    [folder] = find_spec(f"zenml.integrations.{connector}").submodule_search_locations
    source = Path(folder, "service_connectors", f"{connector}_service_connector.py").read_text()
    [methods] = [
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.ClassDef) and node.name.endswith("AuthenticationMethods")
    ]
    names = [each.value.value for each in methods.body if isinstance(each, ast.Assign)]
    assert "implicit" in names
    for name in names:
        assert "unknown" not in connected_access(connector, name, {}, {}).unusable


def test_what_is_read_is_what_a_schema_takes():
    access = stored_access("seldon_s3", MINIO, AWS_KEY)
    prefix = SCHEMAS["seldon_s3"].prefix
    values = {prefix + key: value for key, value in {**access.address, **access.identity}.items()}
    assert parse_credentials("seldon_s3", values).text("endpoint") == "http://minio:9000"
