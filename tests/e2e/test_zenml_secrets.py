"""Which Secret the pods of a ZenML deployment get: named, made, shared, removed; values nowhere."""

import base64
import sqlite3

import pytest
from storage.s3_server import run_moto
from zenml_scripts import CANARY, PRELUDE, SECRETS
from zenml_store import ZenMLStore


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("zenml-secrets")
    with run_moto(folder) as s3, ZenMLStore(folder) as store:
        s3.put("models", {})
        store.env["STORE_ADDRESS"] = s3.endpoint
        store.env["ZENML_LOGGING_VERBOSITY"] = "DEBUG"
        store.set_up_local_stack()
        yield store


def test_a_zenml_secret_becomes_a_secret_that_deployments_share_and_the_last_takes_along(store):
    seen = store.script(
        PRELUDE
        + SECRETS
        + """
client.create_secret("shared_keys", values=KEYS)
deployer = component("sharing", storage_secret="shared_keys")
uri = stored("shared")
first, second = deploy("first", uri), deploy("second", uri)
prediction = np.asarray(second.predict([[6.0, 2.9, 4.8, 1.6]])).tolist()
name = secret_of("first")
made = secret(name)
client.update_secret("shared_keys", add_or_update_values={"rclone_config_s3_region": "eu-west-1"})
deploy("first", uri)
refreshed = secret(name)
deployer.delete_model_server(first.uuid)
kept = secret(name) is not None
deployer.delete_model_server(second.uuid)
answer({
    "name": name, "prediction": prediction, "made": made, "refreshed": refreshed, "kept": kept,
    "left": secret(name), "second": second.config.secret_name,
})
"""
    )
    assert sum(seen["prediction"][0]) == pytest.approx(1)
    assert seen["name"].startswith("shared-keys-")
    assert seen["second"] == seen["name"]
    assert seen["made"]["RCLONE_CONFIG_S3_ACCESS_KEY_ID"] == f"AKIA{CANARY}"
    assert seen["made"]["RCLONE_CONFIG_S3_TYPE"] == "s3"
    assert "RCLONE_CONFIG_S3_REGION" not in seen["made"]
    assert seen["refreshed"]["RCLONE_CONFIG_S3_REGION"] == "eu-west-1"
    assert seen["kept"] is True
    assert seen["left"] is None


def test_the_secret_is_named_as_the_component_says_and_never_somebody_elses(store):
    seen = store.script(
        PRELUDE
        + SECRETS
        + """
client.create_secret("named-keys", values=KEYS)
cluster = deployer.deployer.cluster
theirs = {
    key.upper(): value for key, value in {**KEYS, "rclone_config_s3_type": "s3"}.items()
}
cluster.create(SECRETS, {
    "apiVersion": "v1", "kind": "Secret",
    "metadata": {"name": "theirs", "namespace": cluster.namespace},
    "data": {key: base64.b64encode(value.encode()).decode() for key, value in theirs.items()},
})
uri = stored("named")
deployer = component("naming", storage_secret="named-keys", kubernetes_secret_name="ours")
service = deploy("named", uri)
named = secret_of("named")
deployer.delete_model_server(service.uuid)
deployer = component("clashing", storage_secret="named-keys", kubernetes_secret_name="theirs")
clash = refused(deploy, "clashing", uri)
after_clash = left("clashing")
deployer = component("misnaming", storage_secret="named-keys", kubernetes_secret_name="No_Name")
misnamed = refused(deploy, "misnamed", uri)
deployer = component("using", kubernetes_secret_name="theirs")
service = deploy("using", uri)
used = secret_of("using")
deployer.delete_model_server(service.uuid)
answer({
    "named": named, "ours": secret("ours"), "clash": clash, "after_clash": after_clash,
    "misnamed": misnamed, "used": used, "untouched": secret("theirs") == theirs,
})
"""
    )
    assert seen["named"] == "ours"
    assert seen["ours"] is None
    assert seen["clash"][0] == "OwnershipError"
    assert seen["after_clash"] == {"rows": 0, "deployments": []}
    assert seen["misnamed"][0] == "ConfigError"
    assert "kubernetes_secret_name" in seen["misnamed"][1]
    assert seen["used"] == "theirs"
    assert seen["untouched"] is True


def test_a_deployments_own_secret_goes_before_the_components(store):
    seen = store.script(
        PRELUDE
        + SECRETS
        + """
deployer = component("outdone", storage_secret="not-even-there")
cluster = deployer.deployer.cluster
cluster.create(SECRETS, {
    "apiVersion": "v1", "kind": "Secret",
    "metadata": {"name": "its-own", "namespace": cluster.namespace},
    "data": {
        key.upper(): base64.b64encode(value.encode()).decode()
        for key, value in {**KEYS, "rclone_config_s3_type": "s3"}.items()
    },
})
service = deploy("outdone", stored("outdone"), secret_name="its-own")
used = secret_of("outdone")
deployer.delete_model_server(service.uuid)
answer(used)
"""
    )
    assert seen == "its-own"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (None, ["there is no ZenML secret storage-", "zenml secret create storage-"]),
        ({"password": CANARY}, ["holds no storage credentials", "rclone_config_s3_"]),
        ({"rclone_config_s3_access_key_id": CANARY, "rclone_config_gs_token": CANARY},
         ["its keys are of seldon_s3 and seldon_gs"]),
        ({"rclone_config_s3_access_key_id": CANARY},
         ["rclone_config_s3_access_key_id is given without rclone_config_s3_secret_access_key"]),
    ],
)  # fmt: skip
def test_a_zenml_secret_that_cannot_be_used_is_told_and_leaves_nothing(store, values, words):
    name = f"storage-{len(values or ())}-{words[0][:3]}"
    seen = store.script(
        PRELUDE
        + SECRETS
        + f"""
values = {values!r}
if values:
    client.create_secret({name!r}, values=values)
deployer = component({name!r}, storage_secret={name!r})
refusal = refused(deploy, "refused", stored("refused"))
answer({{"refusal": refusal, "left": left("refused")}})
"""
    )
    assert seen["refusal"][0] == "ConfigError"
    for each in words:
        assert each in seen["refusal"][1]
    assert CANARY not in seen["refusal"][1]
    assert seen["left"] == {"rows": 0, "deployments": []}


def forms(text):
    """A text as it is, and as base64 at every offset, without what its neighbours change."""
    yield text
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + text.encode()).decode()
        yield encoded[4 if offset else 0 : -4]


def test_no_value_is_in_zenmls_rows_or_in_what_was_logged(store):
    """Last: it looks at all that the tests before left behind."""
    assert "DEBUG" in store.printed or "debug" in store.printed
    databases = list(store.folder.glob("zenml/**/*.db"))
    assert databases
    for path in databases:
        with sqlite3.connect(path) as database:
            # ZenML keeps its own secrets in this table; nobody else's business.
            lines = [line for line in database.iterdump() if '"secret"' not in line]
        leaks = [line for line in lines for form in forms(CANARY) if form in line]
    assert not {line.split("|")[2].split(":")[0] for line in leaks}
    logs = [path for path in store.folder.rglob("*.log") if path.is_file()]
    texts = [store.printed, *(path.read_text(errors="replace") for path in logs)]
    lines = [line for text in texts for line in text.splitlines()]
    leaks = [line for line in lines for form in forms(CANARY) if form in line]
    assert not {line.split("|")[2].split(":")[0] for line in leaks}
