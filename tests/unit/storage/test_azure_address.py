"""Each of Azure's clouds has hosts of its own; an address may name one, and a Secret another."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from seldon_deployer.errors import ConfigError
from seldon_deployer.storage.azure_client import read_settings
from seldon_deployer.storage.location import parse_location

pytest.importorskip("azure.storage.blob")
KEY = {"account": "acc", "key": "a2V5"}
CLOUDS = ("core.windows.net", "core.chinacloudapi.cn", "core.usgovcloudapi.net")


def open_url(uri: str, values: dict[str, str] | None) -> str:
    environment = values and {
        f"RCLONE_CONFIG_AZUREBLOB_{key}".upper(): SecretStr(values[key]) for key in values
    }
    return str(read_settings(parse_location(uri), environment).open_client().url)


@pytest.mark.parametrize("cloud", CLOUDS)
@pytest.mark.parametrize("scheme", ["abfss", "wasbs"])
def test_an_account_is_asked_in_the_cloud_that_the_secret_names(scheme: str, cloud: str) -> None:
    kind = "dfs" if scheme == "abfss" else "blob"
    values = KEY | ({} if cloud == CLOUDS[0] else {"endpoint": f"blob.{cloud}"})

    expected = f"https://acc.blob.{cloud}/c"
    assert open_url(f"{scheme}://c@acc.{kind}.{cloud}/iris", values) == expected
    assert open_url("az://c/iris", values) == expected


@pytest.mark.parametrize("cloud", CLOUDS)
def test_this_machines_own_key_goes_to_the_cloud_of_the_address(
    cloud: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT", "acc")
    monkeypatch.setenv("AZURE_STORAGE_KEY", "a2V5")
    monkeypatch.delenv("AZURE_STORAGE_CONNECTION_STRING", raising=False)

    assert open_url(f"abfss://c@acc.dfs.{cloud}/iris", None) == f"https://acc.blob.{cloud}/c"


@pytest.mark.parametrize(
    ("cloud", "values"),
    [
        (CLOUDS[1], KEY),
        (CLOUDS[0], KEY | {"endpoint": f"blob.{CLOUDS[1]}"}),
        (CLOUDS[2], KEY | {"endpoint": f"blob.{CLOUDS[1]}"}),
    ],
)
def test_an_address_of_another_cloud_than_the_secret_is_refused(
    cloud: str, values: dict[str, str]
) -> None:
    with pytest.raises(ConfigError, match=f"AZUREBLOB_ENDPOINT alone.*set it to blob.{cloud}"):
        open_url(f"abfss://c@acc.dfs.{cloud}/iris", values)
