"""Connection strings and signatures of Azure: each becomes what rclone knows, or is refused."""

from __future__ import annotations

import base64
from contextlib import suppress

import pytest
from credential_cases import ACCOUNT_KEY, CANARY, SIGNATURE, az, hidden_in, string
from hypothesis import assume, given
from hypothesis import strategies as st

from seldon_deployer.errors import ConfigError
from seldon_deployer.secrets import parse_credentials
from seldon_deployer.secrets.connection_string import (
    EMULATOR_ACCOUNT,
    EMULATOR_KEY,
    account_endpoint,
    read_connection_string,
)

KEY = f"AccountName=models;AccountKey={ACCOUNT_KEY}"
SAS = f"SharedAccessSignature={SIGNATURE}"
EMULATED = f"AccountName={EMULATOR_ACCOUNT};AccountKey={EMULATOR_KEY}"


def environment(values):
    found = parse_credentials("seldon_az", values).environment()
    prefix = "RCLONE_CONFIG_AZUREBLOB_"
    plain = {key.removeprefix(prefix): value.get_secret_value() for key, value in found.items()}
    assert plain.pop("TYPE") == "azureblob"
    assert plain.pop("USE_MSI") == "false"
    return plain


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"DefaultEndpointsProtocol=https;{KEY};EndpointSuffix=core.windows.net",
         {"ACCOUNT": "models", "KEY": ACCOUNT_KEY}),
        (KEY, {"ACCOUNT": "models", "KEY": ACCOUNT_KEY}),
        (f" {KEY} ; ; ".strip(), {"ACCOUNT": "models", "KEY": ACCOUNT_KEY}),
        (f"accountname=models;ACCOUNTKEY={ACCOUNT_KEY}", {"ACCOUNT": "models", "KEY": ACCOUNT_KEY}),
        (f"{KEY};EndpointSuffix=core.usgovcloudapi.net",
         {"ACCOUNT": "models", "KEY": ACCOUNT_KEY, "ENDPOINT": "blob.core.usgovcloudapi.net"}),
        (f"{KEY};BlobEndpoint=https://models.blob.corp.example:8443/;QueueEndpoint=https://q/",
         {"ACCOUNT": "models", "KEY": ACCOUNT_KEY, "ENDPOINT": "blob.corp.example:8443"}),
        (f"AccountName=models;{SAS}",
         {"SAS_URL": f"https://models.blob.core.windows.net/?{SIGNATURE}"}),
        (f"BlobEndpoint=https://m.example/;SharedAccessSignature=?{SIGNATURE}",
         {"SAS_URL": f"https://m.example/?{SIGNATURE}"}),
        (f"BlobEndpoint=http://127.0.0.1:10000/models;{SAS}",
         {"SAS_URL": f"http://127.0.0.1:10000/models/?{SIGNATURE}"}),
        ("UseDevelopmentStorage=true",
         {"USE_EMULATOR": "true", "ENDPOINT": "http://127.0.0.1:10000/devstoreaccount1"}),
        ("UseDevelopmentStorage=TRUE;DevelopmentStorageProxyUri=http://azurite/",
         {"USE_EMULATOR": "true", "ENDPOINT": "http://azurite:10000/devstoreaccount1"}),
        (f"{EMULATED};BlobEndpoint=http://azurite:1/devstoreaccount1",
         {"USE_EMULATOR": "true", "ENDPOINT": "http://azurite:1/devstoreaccount1"}),
    ],
)  # fmt: skip
def test_a_connection_string_becomes_what_rclone_knows(text, expected):
    assert environment(az(connection_string=text)) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (CANARY, "not of the form NAME=VALUE"),
        (f"AccountKey={ACCOUNT_KEY}", "neither AccountName nor BlobEndpoint"),
        ("AccountName=models", "neither AccountName with AccountKey"),
        (f"AccountName=models;AcountKey={ACCOUNT_KEY}", "neither AccountName with AccountKey"),
        (f"{KEY};{KEY}", "one of its parts twice"),
        (f"{KEY};{SAS}", "exclude each other"),
        (f"AccountName=models;AccountKey={CANARY}!", "an AccountKey that is no base64"),
        (
            f"{KEY};BlobEndpoint=http://{CANARY}:10000/models",
            "rclone signs with a key for no other",
        ),
        (f"{KEY};BlobEndpoint=https://{CANARY}.example", "rclone signs with a key for no other"),
        (f"{KEY};BlobEndpoint={CANARY}.example", "does not begin with https://"),
        (f"BlobEndpoint=http://azurite:10000/models;{SAS}", "which rclone takes for a container"),
        (f"BlobEndpoint=http://127.0.0.1/a/b/c;{SAS}", "more than the account and its container"),
        ("AccountName=models;SharedAccessSignature=sv=1", "has no signature"),
    ],
)
def test_a_connection_string_that_cannot_work_is_refused(text, words):
    with pytest.raises(ConfigError) as caught:
        parse_credentials(*string(text))
    assert f"rclone_config_azureblob_connection_string {words}" in caught.value.why or (
        words in caught.value.why
    )
    assert hidden_in(str(caught.value))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"se": "2001-02-03T04:05:06Z"}, "ended at 2001-02-03 04:05 UTC"),
        ({"se": "2001-02-03"}, "ended at 2001-02-03 00:00 UTC"),
        ({"se": "tomorrow"}, "has an end (se=...) that is no time"),
        ({"sr": "b"}, "signed for a single blob"),
        ({"sp": "r"}, "does not allow to read and to list"),
        ({"ss": "fqt"}, "is not signed for blobs"),
        ({"srt": "o"}, "is not signed for containers and objects"),
    ],
)
@pytest.mark.parametrize("key", ["sas_token", "sas_url", "connection_string"])
def test_a_signature_that_cannot_read_a_folder_is_refused_in_every_form(key, changes, words):
    fields = {"sv": "2022-11-02", "sp": "rl", "sig": CANARY, **changes}
    token = "&".join(f"{name}={value}" for name, value in fields.items())
    values = {
        "sas_token": az(account="models", sas_token=token),
        "sas_url": az(sas_url=f"https://models.blob.core.windows.net/iris?{token}"),
        "connection_string": az(
            connection_string=f"AccountName=models;SharedAccessSignature={token}"
        ),
    }
    with pytest.raises(ConfigError) as caught:
        parse_credentials("seldon_az", values[key])
    assert words in caught.value.why
    assert hidden_in(str(caught.value))


def test_a_signature_whose_end_a_policy_holds_is_taken():
    token = f"sv=2022-11-02&sr=c&si=readers&sig={CANARY}"
    credentials = parse_credentials("seldon_az", az(account="models", sas_token=token))
    assert credentials.ending() == ""


def test_a_public_container_is_a_url_without_signature():
    assert environment(az(account="models", anonymous=True)) == {
        "ACCOUNT": "models",
        "SAS_URL": "https://models.blob.core.windows.net/",
    }


NAMES = st.from_regex(r"[a-z0-9]{3,24}", fullmatch=True)
HOSTS = st.from_regex(r"[a-z]{1,8}(\.[a-z]{1,8}){1,3}", fullmatch=True)


@given(account=NAMES, host=HOSTS)
def test_an_endpoint_is_the_same_in_each_of_its_forms(account, host):
    # A bare host that begins like the account is taken for one with the account.
    assume(not host.startswith(f"{account}."))
    forms = [f"https://{account}.{host}", f"https://{account}.{host}/", f"{account}.{host}", host]
    assert {account_endpoint(account, form) for form in forms} == {host}


@given(account=NAMES, key=st.binary(min_size=1), host=HOSTS)
def test_a_key_string_keeps_account_key_and_address(account, key, host):
    key = base64.b64encode(key).decode()
    parts = read_connection_string(
        f"AccountName={account};AccountKey={key};BlobEndpoint=https://{account}.{host}"
    )
    assert parts == {"account": account, "key": key, "endpoint": host}


@given(st.text())
def test_any_text_is_read_or_refused_and_never_told(text):
    with suppress(ValueError):
        read_connection_string(f"{CANARY}{text}")
        return
    with pytest.raises(ValueError) as caught:
        read_connection_string(f"{CANARY}{text}")
    assert CANARY not in str(caught.value)
