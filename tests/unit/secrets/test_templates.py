"""The templates at the root, as users copy and fill them in."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from credential_cases import ACCOUNT_KEY, KEY_STRING, SAS_URL, SERVICE_ACCOUNT

from seldon_deployer.errors import ConfigError
from seldon_deployer.secrets import SCHEMAS, parse_credential_file

FOLDER = Path(__file__).parents[3] / "secrets"
TEMPLATES = {"s3": "seldon_s3", "gs": "seldon_gs", "az": "seldon_az"}


def template(store):
    return (FOLDER / f"{store}.example.yaml").read_text()


def test_there_is_one_template_for_each_schema():
    names = sorted(path.name for path in FOLDER.glob("*.example.yaml"))
    assert names == sorted(f"{store}.example.yaml" for store in TEMPLATES)
    assert set(TEMPLATES.values()) == set(SCHEMAS)


@pytest.mark.parametrize("store", TEMPLATES)
def test_a_template_tells_of_every_key_and_of_no_other(store):
    schema = SCHEMAS[TEMPLATES[store]]
    told = set(re.findall(rf"^(?:# )?({schema.prefix}\w+):", template(store), re.MULTILINE))
    # A path stands for the key in the file alone.
    in_files = {"rclone_config_gs_service_account_file"} if store == "gs" else set()
    assert told == set(schema.keys()) - {f"{schema.prefix}type"} | in_files


@pytest.mark.parametrize("store", TEMPLATES)
def test_a_template_that_nobody_filled_in_is_refused(store):
    with pytest.raises(ConfigError):
        parse_credential_file(template(store), store)


@pytest.mark.parametrize(
    ("store", "filled"),
    [
        ("s3", {"access_key_id: ''": "access_key_id: id", "access_key: ''": "access_key: key"}),
        ("s3", {"# rclone_config_s3_env_auth": "rclone_config_s3_env_auth"}),
        ("gs", {"{}": json.dumps(SERVICE_ACCOUNT)}),
        ("az", {"account: ''": "account: models", "key: ''": f"key: {ACCOUNT_KEY}"}),
        ("az", {"'DefaultEndpointsProtocol=https;AccountName=...;...'": KEY_STRING,
                "# rclone_config_azureblob_conn": "rclone_config_azureblob_conn"}),
        ("az", {"'https://ACCOUNT.blob.core.windows.net/CONTAINER?sv=...&sig=...'": SAS_URL,
                "# rclone_config_azureblob_sas_url": "rclone_config_azureblob_sas_url"}),
    ],
)  # fmt: skip
def test_a_template_that_is_filled_in_is_taken(store, filled):
    text = template(store)
    for before, after in filled.items():
        assert before in text
        text = text.replace(before, after)
    found = parse_credential_file(text, store)
    assert found.name == yaml.safe_load(text)["name"]
    assert found.credentials.schema_name == TEMPLATES[store]


@pytest.mark.parametrize("store", TEMPLATES)
def test_an_error_names_the_keys_for_a_misspelt_one_and_the_template_for_all_else(store):
    schema = SCHEMAS[TEMPLATES[store]]
    misspelt = f"name: a\nschema: {TEMPLATES[store]}\n{schema.prefix}tipe: x\n"

    with pytest.raises(ConfigError) as nothing_given:
        parse_credential_file(template(store), store)
    with pytest.raises(ConfigError) as misspelt_key:
        parse_credential_file(misspelt, store)

    named = re.search(r"secrets/\S+", nothing_given.value.hint)
    assert named
    assert (FOLDER.parent / named[0]).is_file()
    assert set(schema.keys()) <= set(re.findall(r"\w+", misspelt_key.value.hint))


def test_a_kubernetes_secret_is_told_from_a_file_of_credentials():
    text = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {A: hidden-value}\n"

    with pytest.raises(ConfigError, match="is a Kubernetes Secret already") as caught:
        parse_credential_file(text, "a.yaml")

    assert "hidden-value" not in str(caught.value)
