"""The schemas of credentials: what they accept, refuse and make; values show up nowhere."""

from __future__ import annotations

import base64
import json
import logging
import traceback

import pytest
import yaml
from credential_cases import (
    AZ_KEY,
    CANARY,
    GS_ACCOUNT,
    GS_TOKEN,
    S3_FULL,
    S3_KEY,
    SAS_URL,
    SERVICE_ACCOUNT,
    SIGNATURE,
    USER_KEY,
    VALID,
    az,
    hidden_in,
)
from pydantic import SecretStr

from seldon_deployer.errors import ConfigError
from seldon_deployer.secrets import (
    SCHEMAS,
    build_secret,
    identity_credentials,
    parse_credential_file,
    parse_credentials,
    redacted,
)

S3, GS, AZ = "rclone_config_s3_", "rclone_config_gs_", "rclone_config_azureblob_"


def plain(credentials):
    return {key: value.get_secret_value() for key, value in credentials.environment().items()}


def decoded(secret):
    return {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}


@pytest.mark.parametrize(
    ("schema", "prefix", "of_zenml", "more"),
    [
        (
            "seldon_s3", S3,
            ["type", "provider", "env_auth", "access_key_id", "secret_access_key",
             "session_token", "region", "endpoint"],
            ["anonymous"],
        ),
        (
            "seldon_gs", GS,
            ["type", "client_secret", "token", "project_number",
             "service_account_credentials", "anonymous", "auth_url"],
            ["client_id", "token_url"],
        ),
        (
            "seldon_az", AZ,
            ["type", "account", "key", "sas_url", "use_msi"],
            ["anonymous", "connection_string", "endpoint", "msi_client_id", "msi_mi_res_id",
             "msi_object_id", "sas_token", "service_principal_file", "use_emulator"],
        ),
    ],
)  # fmt: skip
def test_the_keys_are_those_of_zenml_and_what_these_lack(schema, prefix, of_zenml, more):
    assert set(SCHEMAS[schema].keys()) == {prefix + key for key in (*of_zenml, *more)}


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ("s3 key", {"TYPE": "s3", "PROVIDER": "AWS", "ENV_AUTH": "false"}),
        ("s3 everything", {"PROVIDER": "Minio", "ENV_AUTH": "false", "REGION": "eu-central-1"}),
        ("s3 identity of the pod", {"TYPE": "s3", "PROVIDER": "AWS", "ENV_AUTH": "true"}),
        ("gs service account", {"TYPE": "google cloud storage", "ANONYMOUS": "false"}),
        ("gs token", {"ANONYMOUS": "false", "PROJECT_NUMBER": "123456789012"}),
        ("gs anonymous", {"TYPE": "google cloud storage", "ANONYMOUS": "true"}),
        ("gs identity of the pod", {"TYPE": "google cloud storage", "ANONYMOUS": "false"}),
        ("s3 public", {"TYPE": "s3", "PROVIDER": "AWS", "ENV_AUTH": "false"}),
        ("az key", {"TYPE": "azureblob", "ACCOUNT": "models", "USE_MSI": "false"}),
        ("az sas url", {"TYPE": "azureblob", "SAS_URL": SAS_URL, "USE_MSI": "false"}),
        ("az identity of the pod", {"ACCOUNT": "models", "USE_MSI": "true"}),
    ],
)
def test_the_environment_has_what_was_given_and_what_rclone_needs_besides(case, expected):
    schema, values = VALID[case]
    environment = plain(parse_credentials(schema, values))
    prefix = SCHEMAS[schema].prefix.upper()
    assert expected.items() <= {k.removeprefix(prefix): v for k, v in environment.items()}.items()
    assert {key.upper() for key in values} - set(environment) <= {
        (SCHEMAS[schema].prefix + key).upper() for key in SCHEMAS[schema].translated_keys
    }
    assert all("\n" not in value for value in environment.values())


def test_a_service_account_arrives_as_one_line_that_says_the_same():
    environment = plain(parse_credentials("seldon_gs", GS_ACCOUNT))
    line = environment["RCLONE_CONFIG_GS_SERVICE_ACCOUNT_CREDENTIALS"]
    assert json.loads(line) == SERVICE_ACCOUNT


def test_base64_of_a_service_account_is_the_service_account():
    encoded = base64.b64encode(json.dumps(SERVICE_ACCOUNT).encode()).decode()
    values = {f"{GS}service_account_credentials": encoded}
    assert parse_credentials("seldon_gs", values) == parse_credentials("seldon_gs", GS_ACCOUNT)


def test_a_users_own_google_key_is_the_token_and_the_client_that_rclone_knows():
    environment = plain(parse_credentials(*VALID["gs user key"]))
    prefix = GS.upper()
    assert f"{prefix}SERVICE_ACCOUNT_CREDENTIALS" not in environment
    assert environment[f"{prefix}CLIENT_ID"] == USER_KEY["client_id"]
    assert environment[f"{prefix}CLIENT_SECRET"] == USER_KEY["client_secret"]
    token = json.loads(environment[f"{prefix}TOKEN"])
    assert token["refresh_token"] == USER_KEY["refresh_token"]
    # What has ended is renewed before the first request.
    assert token["expiry"] < "2020"


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ("s3 key", ""),
        ("s3 temporary key", "session_token belongs to temporary keys"),
        ("gs service account", ""),
        ("gs user key", ""),
        ("gs token", "token has no refresh_token"),
        ("az key", ""),
        ("az sas url", ""),
        ("az sas token", "the signature of rclone_config_azureblob_sas_url ends at 2999-01-01"),
        ("az sas string", "ends at 2999-01-01 00:00 UTC"),
    ],
)
def test_credentials_that_end_by_themselves_say_so(case, reason):
    ending = parse_credentials(*VALID[case]).ending()
    assert reason in ending
    assert bool(reason) == bool(ending)
    assert hidden_in(ending)


@pytest.mark.parametrize(
    ("kind", "account", "expected"),
    [
        ("s3", None, {"RCLONE_CONFIG_S3_ENV_AUTH": "true"}),
        ("gs", None, {"RCLONE_CONFIG_GS_ANONYMOUS": "false"}),
        ("azureblob", "models", {"RCLONE_CONFIG_AZUREBLOB_USE_MSI": "true"}),
    ],
)
def test_the_identity_of_the_pods_is_credentials_too(kind, account, expected):
    identity = identity_credentials(kind, account)
    assert expected.items() <= plain(identity).items()


def test_there_is_no_identity_for_a_store_that_needs_more_or_none():
    assert [identity_credentials(kind) for kind in ("azureblob", "pvc", "file")] == [None] * 3


def test_an_endpoint_without_provider_is_no_aws():
    values = {**S3_KEY, f"{S3}endpoint": "https://minio.example.com"}
    assert plain(parse_credentials("seldon_s3", values))["RCLONE_CONFIG_S3_PROVIDER"] == "Other"


def test_an_endpoint_of_aws_without_provider_is_aws():
    values = {**S3_KEY, f"{S3}endpoint": "https://bucket.vpce-1.s3.eu-west-1.vpce.amazonaws.com"}
    assert plain(parse_credentials("seldon_s3", values))["RCLONE_CONFIG_S3_PROVIDER"] == "AWS"


def test_empty_texts_and_nulls_are_keys_left_out():
    values = {**S3_KEY, f"{S3}session_token": "", f"{S3}region": None}
    assert parse_credentials("seldon_s3", values) == parse_credentials("seldon_s3", S3_KEY)


def test_secret_values_are_taken_as_such():
    wrapped = {key: SecretStr(value) for key, value in S3_KEY.items()}
    assert parse_credentials("seldon_s3", wrapped) == parse_credentials("seldon_s3", S3_KEY)


def without(values, *keys):
    return {key: value for key, value in values.items() if key not in keys}


def service_account(**changes):
    account = {k: v for k, v in {**SERVICE_ACCOUNT, **changes}.items() if v is not None}
    return {f"{GS}service_account_credentials": json.dumps(account)}


@pytest.mark.parametrize(
    ("schema", "values", "words"),
    [
        ("seldon_s3", {}, ["neither", f"{S3}access_key_id", f"{S3}env_auth"]),
        ("seldon_s3", {f"{S3}env_auth": False}, ["neither"]),
        ("seldon_s3", without(S3_KEY, f"{S3}secret_access_key"),
         [f"{S3}access_key_id is given without {S3}secret_access_key"]),
        ("seldon_s3", without(S3_KEY, f"{S3}access_key_id"),
         [f"{S3}secret_access_key is given without {S3}access_key_id"]),
        ("seldon_s3", {**S3_KEY, f"{S3}env_auth": "True"},
         [f"{S3}env_auth: true and {S3}access_key_id exclude each other",
          f"{S3}env_auth: true and {S3}secret_access_key exclude"]),
        ("seldon_s3", {f"{S3}session_token": CANARY}, ["neither"]),
        ("seldon_s3", {**S3_KEY, f"{S3}endpoint": f"minio.{CANARY}:9000"},
         [f"{S3}endpoint must begin with https://"]),
        ("seldon_s3", {**S3_KEY, f"{S3}endpoint": f"http://[{CANARY}"}, [f"{S3}endpoint must"]),
        ("seldon_s3", {**S3_KEY, f"{S3}type": CANARY}, [f"{S3}type must be s3"]),
        ("seldon_s3", {**S3_KEY, f"{S3}env_auth": CANARY}, [f"{S3}env_auth must be true or false"]),
        ("seldon_s3", {**S3_KEY, f"{S3}env_auth": 1}, [f"{S3}env_auth must be true or false"]),
        ("seldon_s3", {**S3_KEY, f"{S3}access_key_id": 12345},
         [f"{S3}access_key_id must be text: put it in quotes"]),
        ("seldon_s3", {**S3_KEY, f"{S3}secret_access_key": f"{CANARY}\n"},
         [f"{S3}secret_access_key has a space at an end, a line break"]),
        ("seldon_s3", {**S3_KEY, f"{S3}secret_access_key": f"{CANARY}\ud800"},
         [f"{S3}secret_access_key has"]),
        ("seldon_s3", {**S3_KEY, f"{S3}secret_acces_key": CANARY, "region": CANARY},
         [f"{S3}secret_acces_key is no key of seldon_s3 (did you mean {S3}secret_access_key?)",
          "region is no key of seldon_s3"]),
        ("seldon_s3", {**S3_KEY, f"{S3}region:{CANARY}": None}, ["key number 3 is no key"]),
        ("seldon_s3", AZ_KEY, [f"{AZ}account is no key of seldon_s3"]),
        ("seldon_gs", {}, ["there is none of"]),
        ("seldon_gs", {f"{GS}project_number": "1"}, ["there is none of"]),
        ("seldon_gs", {f"{GS}service_account_credentials": f"{{{CANARY}"},
         [f"{GS}service_account_credentials is no JSON object"]),
        ("seldon_gs", {f"{GS}service_account_credentials": f"/keys/{CANARY}.json"},
         [f"{GS}service_account_credentials is no JSON object"]),
        ("seldon_gs", {f"{GS}service_account_credentials": f'["{CANARY}"]'}, ["no JSON object"]),
        ("seldon_gs", {f"{GS}service_account_credentials": "[" * 100_000}, ["no JSON object"]),
        ("seldon_gs", {f"{GS}service_account_credentials": "{}"},
         [f"{GS}service_account_credentials is empty: paste the JSON in its place"]),
        ("seldon_gs", {f"{GS}service_account_credentials": "{ }\n"}, ["is empty: paste"]),
        ("seldon_gs", {f"{GS}token": {}}, [f"{GS}token is empty: paste the JSON in its place"]),
        ("seldon_gs", {f"{GS}token": CANARY}, [f"{GS}token is no JSON object"]),
        ("seldon_gs", service_account(private_key=None, client_email=""),
         ["it has no client_email and no private_key"]),
        ("seldon_gs", service_account(type="external_account"),
         ["its type is another", "workload identity"]),
        ("seldon_gs", service_account(type=[CANARY]), ["its type is another"]),
        ("seldon_gs", service_account(type="authorized_user"),
         ["authorized user: it has no client_id and no client_secret and no refresh_token"]),
        ("seldon_gs", service_account(private_key=f"-----BEGIN PRIVATE KEY-----\\n{CANARY}"),
         ["a private_key that is no PEM text"]),
        ("seldon_gs", {f"{GS}service_account_credentials": base64.b64encode(b"{}").decode()},
         ["no JSON object"]),
        ("seldon_gs", {f"{GS}token": {"token_type": CANARY}},
         [f"{GS}token has neither access_token nor refresh_token"]),
        ("seldon_gs", {f"{GS}token": {"access_token": CANARY, "expiry": "2001-02-03T04:05:06Z"}},
         [f"{GS}token ended at 2001-02-03 04:05 UTC and has no refresh_token"]),
        ("seldon_gs", {f"{GS}token": {"refresh_token": CANARY}, f"{GS}client_secret": CANARY},
         [f"{GS}client_id and {GS}client_secret belong together"]),
        ("seldon_gs", {**GS_ACCOUNT, f"{GS}anonymous": True},
         [f"{GS}anonymous: true and {GS}service_account_credentials exclude each other"]),
        ("seldon_gs", {**GS_ACCOUNT, **GS_TOKEN}, ["exclude each other"]),
        ("seldon_gs", {**GS_ACCOUNT, f"{GS}client_secret": CANARY},
         [f"{GS}client_secret is given without {GS}token"]),
        ("seldon_gs", {**GS_TOKEN, f"{GS}auth_url": CANARY}, [f"{GS}auth_url must begin with"]),
        ("seldon_gs", {**GS_ACCOUNT, f"{GS}type": "gcs"}, ["must be google cloud storage"]),
        ("seldon_az", {}, ["there is none of"]),
        ("seldon_az", {f"{AZ}account": CANARY}, ["there is none of"]),
        ("seldon_az", without(AZ_KEY, f"{AZ}account"), [f"{AZ}key is given without {AZ}account"]),
        ("seldon_az", {f"{AZ}use_msi": True}, [f"{AZ}use_msi is given without {AZ}account"]),
        ("seldon_az", {**AZ_KEY, f"{AZ}key": f"{CANARY}!"}, [f"{AZ}key is no base64"]),
        ("seldon_az", {**AZ_KEY, f"{AZ}use_msi": True}, ["exclude each other"]),
        ("seldon_az", {**AZ_KEY, f"{AZ}sas_url": SAS_URL}, ["exclude each other"]),
        ("seldon_s3", {**S3_KEY, f"{S3}access_key_id": f"ASIA{CANARY}"},
         ["temporary key of AWS", f"{S3}session_token"]),
        ("seldon_s3", {**S3_KEY, f"{S3}anonymous": True}, ["exclude each other"]),
        ("seldon_s3", {f"{S3}env_auth": True, f"{S3}anonymous": True}, ["exclude each other"]),
        ("seldon_s3", {**S3_KEY, f"{S3}provider": "aws", f"{S3}endpoint": "http://minio:9000"},
         [f"{S3}endpoint is none of AWS", "Minio or Other"]),
        ("seldon_az", {**AZ_KEY, f"{AZ}msi_client_id": CANARY}, [f"without {AZ}use_msi: true"]),
        ("seldon_az", az(account="a", use_msi=True, msi_client_id=CANARY, msi_object_id=CANARY),
         ["name one managed identity"]),
        ("seldon_az", az(account="a", anonymous=True, sas_token=SIGNATURE), ["exclude each other"]),
        ("seldon_az", az(sas_token=SIGNATURE), [f"{AZ}sas_token is given without {AZ}account"]),
        ("seldon_az", az(account="a", tenant=CANARY, client_id=CANARY, client_secret=CANARY),
         [f"{AZ}client_secret is of a service principal", f"{AZ}use_msi: true",
          f"{AZ}service_principal_file"]),
        ("seldon_az", az(service_principal_file="/a.json"), [f"given without {AZ}account"]),
        ("seldon_az", {**AZ_KEY, **az(endpoint=f"http://{CANARY}:10000/models")},
         [f"{AZ}endpoint is at no address of the form https://ACCOUNT.HOST"]),
        ("seldon_az", {**AZ_KEY, **az(endpoint=f"http://models.{CANARY}/")},
         [f"{AZ}endpoint is at no address of the form https://ACCOUNT.HOST"]),
        ("seldon_az", az(sas_url=SAS_URL, endpoint="a"), [f"{AZ}endpoint is given already"]),
        ("seldon_az", az(use_emulator=True, endpoint="azurite:10000"),
         [f"{AZ}endpoint must begin with"]),
        ("seldon_az", {f"{AZ}sas_url": f"models.blob.core.windows.net/iris?sig={CANARY}"},
         [f"{AZ}sas_url must begin with https://"]),
        ("seldon_az", {f"{AZ}sas_url": f"https://{CANARY}.blob.core.windows.net/iris?sv=1"},
         [f"{AZ}sas_url has no signature"]),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused_by_key_and_without_values(schema, values, words):
    with pytest.raises(ConfigError) as caught:
        parse_credentials(schema, values)
    for each in words:
        assert each in caught.value.why
    assert caught.value.__context__ is None
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert hidden_in(told.replace(__file__, ""))


def test_all_mistakes_are_told_at_once():
    with pytest.raises(ConfigError) as caught:
        parse_credentials("seldon_s3", {f"{S3}type": "gs", f"{S3}endpoint": "a", "b": 1})
    assert len(caught.value.why.split("; ")) == 3


def test_a_schema_of_nobody_is_refused_with_the_known_ones():
    with pytest.raises(ConfigError, match="seldon_az") as caught:
        parse_credentials(CANARY, {})
    assert hidden_in(str(caught.value))


@pytest.mark.parametrize("case", VALID)
def test_the_secret_is_labelled_and_holds_the_environment(case):
    credentials = parse_credentials(*VALID[case])
    secret = build_secret("storage", "models", credentials)
    assert (secret["apiVersion"], secret["kind"]) == ("v1", "Secret")
    assert secret["metadata"] == {
        "name": "storage",
        "namespace": "models",
        "labels": {"app.kubernetes.io/managed-by": "seldon-deployer"},
    }
    assert decoded(secret) == plain(credentials)
    assert "stringData" not in secret


@pytest.mark.parametrize("case", VALID)
def test_no_value_is_in_what_is_shown(case, caplog):
    caplog.set_level(logging.DEBUG)
    credentials = parse_credentials(*VALID[case])
    secret = build_secret("storage", "models", credentials)
    shown = redacted(secret)
    assert set(shown["data"]) == set(secret["data"])
    assert set(shown["data"].values()) == {"<redacted>"}
    for text in (
        repr(credentials), str(credentials), f"{credentials}", repr(credentials.environment()),
        credentials.model_dump_json(), repr(credentials.model_dump()), json.dumps(shown),
        caplog.text,
    ):  # fmt: skip
        assert hidden_in(text)


def test_what_other_tools_left_in_a_secret_is_redacted_too():
    note = "kubectl.kubernetes.io/last-applied-configuration"
    secret = {
        "metadata": {"name": "a", "annotations": {note: CANARY, "team": "a"}},
        "data": {"a": CANARY},
        "stringData": {"b": CANARY},
    }
    shown = redacted(secret)
    assert shown["metadata"]["annotations"] == {note: "<redacted>", "team": "a"}
    assert hidden_in(json.dumps(shown))
    assert secret["data"] == {"a": CANARY}


def test_a_file_has_name_schema_and_keys():
    text = yaml.safe_dump({"name": "storage", "schema": "seldon_s3", **S3_FULL})
    found = parse_credential_file(text, "s3.yaml")
    assert found.name == "storage"
    assert found.credentials == parse_credentials("seldon_s3", S3_FULL)
    assert hidden_in(repr(found))


def test_a_service_account_may_be_pasted_into_the_file_as_it_is():
    text = f"name: a\nschema: seldon_gs\n{GS}service_account_credentials: " + json.dumps(
        SERVICE_ACCOUNT
    )
    found = parse_credential_file(text, "gs.yaml")
    assert found.credentials == parse_credentials("seldon_gs", GS_ACCOUNT)


@pytest.mark.parametrize(
    "text",
    [
        f"{S3}secret_access_key: *{CANARY}",
        f"{S3}secret_access_key: !{CANARY} a",
        f"{S3}secret_access_key: '{CANARY}",
        f'{S3}secret_access_key: "\\{CANARY}"',
        f"{S3}secret_access_key: @{CANARY}",
        f"{S3}secret_access_key: %{CANARY}",
        f"{S3}secret_access_key: {CANARY}: {CANARY}",
        f"{S3}secret_access_key: {CANARY}\x07",
        f"{S3}secret_access_key:{CANARY}",
        f"{{{S3}secret_access_key:{CANARY}}}",
        f"{S3}secret_access_key: !!int {CANARY}",
        f"{S3}secret_access_key: !!timestamp {CANARY}",
        f"{S3}secret_access_key: !!binary {CANARY}",
        f"{S3}secret_access_key: !!bool {CANARY}",
        f"- {CANARY}",
        CANARY,
        f"a: 1\n---\nb: {CANARY}",
        "",
        f"name: {CANARY}\nschema: seldon_s3",
        f"name: a\nschema: {CANARY}",
        f"name: a\nschema: [{CANARY}]",
    ],
)
def test_a_broken_file_is_refused_without_a_part_of_it(text):
    with pytest.raises(ConfigError) as caught:
        parse_credential_file(text, "s3.yaml")
    assert hidden_in("".join(traceback.format_exception(caught.value)))


def gs_file(folder, path):
    text = f"name: a\nschema: seldon_gs\n{GS}service_account_file: {path}"
    return parse_credential_file(text, str(folder / "gs.yaml"))


def test_a_key_of_google_may_be_named_by_its_path(tmp_path):
    (tmp_path / "key.json").write_text(json.dumps(SERVICE_ACCOUNT, indent=2))
    found = gs_file(tmp_path, "key.json")
    assert found.credentials == parse_credentials("seldon_gs", GS_ACCOUNT)


@pytest.mark.parametrize(
    "content", [None, CANARY.encode(), b"\xff" + CANARY.encode(), b" " * 70_000]
)
def test_a_key_file_that_is_none_is_refused_without_its_text_or_path(tmp_path, content):
    name = f"{CANARY}.json"
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        gs_file(tmp_path, name)
    assert hidden_in("".join(traceback.format_exception(caught.value)))


def test_a_key_and_its_file_exclude_each_other(tmp_path):
    both = f"{GS}service_account_file: a\n{GS}service_account_credentials: b"
    text = f"name: a\nschema: seldon_gs\n{both}"
    with pytest.raises(ConfigError, match="exclude each other"):
        parse_credential_file(text, str(tmp_path / "gs.yaml"))
