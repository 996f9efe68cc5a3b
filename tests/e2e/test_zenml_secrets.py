"""Which Secret the pods of a ZenML deployment get: named, made, shared, removed; values nowhere."""

import base64
import json
import sqlite3
import textwrap

import boto3
import pytest
from moto.server import ThreadedMotoServer
from zenml_scripts import PRELUDE
from zenml_store import ZenMLStore

pytestmark = pytest.mark.xdist_group("zenml")

CANARY = "canary7Qx"
SECRETS = textwrap.dedent("""
    import base64
    import boto3
    import os
    from zenml.enums import StackComponentType
    from zenml.stack import StackComponent
    from seldon_deployer.cluster import SECRETS
    from seldon_deployer.deployer import Deployer

    client = Client()
    KEYS = {
        "rclone_config_s3_access_key_id": "AKIAcanary7Qx",
        "rclone_config_s3_secret_access_key": "secret/canary7Qx",
        "rclone_config_s3_endpoint": os.environ["S3_OF_THE_TEST"],
        "rclone_config_s3_provider": "Minio",
    }

    def stored(name):
        # A trained model in the store, as ZenML would have written it.
        folder = artifact(name, classifier())
        s3 = boto3.client(
            "s3", endpoint_url=os.environ["S3_OF_THE_TEST"], region_name="us-east-1",
            aws_access_key_id="a", aws_secret_access_key="b",
        )
        s3.upload_file(f"{folder}/artifact.pkl", "models", f"{name}/artifact.pkl")
        return f"s3://models/{name}"

    def component(name, **options):
        client.create_stack_component(
            name=name, flavor="seldon_core",
            component_type=StackComponentType.MODEL_DEPLOYER,
            configuration={"runtime": "local", **options},
        )
        return StackComponent.from_model(client.get_stack_component("model_deployer", name))

    def secret(name):
        live = deployer.deployer.cluster.get(SECRETS, name)
        return live and {
            key: base64.b64decode(value).decode() for key, value in (live.get("data") or {}).items()
        }

    def secret_of(name):
        unit = deployer.deployer.get(name).manifest["spec"]["predictors"][0]["graph"]
        return unit.get("envSecretRefName")
""")


@pytest.fixture(scope="module")
def s3():
    server = ThreadedMotoServer("127.0.0.1", port=0)
    server.start()
    address = "http://{}:{}".format(*server.get_host_and_port())
    client = boto3.client(
        "s3",
        endpoint_url=address,
        region_name="us-east-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
    )
    client.create_bucket(Bucket="models")
    yield address
    server.stop()


@pytest.fixture(scope="module")
def store(tmp_path_factory, s3):
    with ZenMLStore(tmp_path_factory.mktemp("zenml-secrets")) as store:
        store.env["S3_OF_THE_TEST"] = s3
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


STORES = """
from pydantic import SecretStr
from zenml.models import ServiceConnectorRequest
from seldon_deployer.zenml_plugin.artifact_store import store_credentials

def store(name, flavor="s3", path="s3://bucket/zenml", connector=None, **options):
    created = client.create_stack_component(
        name=name, flavor=flavor, component_type=StackComponentType.ARTIFACT_STORE,
        configuration={"path": path, **options},
    )
    if connector:
        client.update_stack_component(
            name, StackComponentType.ARTIFACT_STORE, connector_id=connector.id
        )
    client.create_stack(
        name=name,
        components={
            StackComponentType.ORCHESTRATOR: "default",
            StackComponentType.ARTIFACT_STORE: name,
            StackComponentType.MODEL_DEPLOYER: "local_seldon",
        },
    )
    client.activate_stack(name)

def connector(name, kind, method, resource, **configuration):
    # As it is stored: ZenML's own way would import the cloud's libraries.
    secrets = {"aws_secret_access_key", "service_account_json"}
    return client.zen_store.create_service_connector(ServiceConnectorRequest(
        name=name, connector_type=kind, auth_method=method, resource_types=[resource],
        configuration={
            key: SecretStr(value) if key in secrets else value
            for key, value in configuration.items()
        },
    ))

def found(uri, **options):
    try:
        made = store_credentials([uri], **options)
    except SeldonDeployerError as error:
        return [type(error).__name__, str(error)]
    return made and {
        "name": made.name,
        "source": made.source,
        "values": {
            key: value.get_secret_value() for key, value in made.credentials.environment().items()
        },
    }
"""


def test_the_artifact_stores_own_key_is_taken_where_the_model_lies_in_it(store):
    seen = store.script(
        PRELUDE
        + SECRETS
        + STORES
        + """
import json
client.create_secret("aws", values={
    "aws_access_key_id": "AKIAcanary7Qx", "aws_secret_access_key": "secret/canary7Qx",
})
minio = json.dumps({"endpoint_url": "http://minio:9000"})
store("by-secret", authentication_secret="aws", client_kwargs=minio)
answers = {
    "secret": found("s3://bucket/zenml/step/model/1"),
    "elsewhere": found("s3://bucket/zenml2/model"),
    "local": found("/models/iris"),
}
store("by-reference", key="{{aws.aws_access_key_id}}", secret="{{aws.aws_secret_access_key}}")
answers["reference"] = found("s3://bucket/zenml/model")
store("by-nobody")
answers["nobody"] = found("s3://bucket/zenml/model")
store("for-a-while", key="ASIA", secret="s", token="canary7Qx")
answers["temporary"] = found("s3://bucket/zenml/model")
answers["identity"] = found("s3://bucket/zenml/model", service_account_name="reader")
store("lost", authentication_secret="nowhere")
answers["lost"] = found("s3://bucket/zenml/model")
client.activate_stack("local")
answers["local stack"] = found("s3://bucket/zenml/model")
answer(answers)
"""
    )
    pair = {
        "RCLONE_CONFIG_S3_ACCESS_KEY_ID": f"AKIA{CANARY}",
        "RCLONE_CONFIG_S3_SECRET_ACCESS_KEY": f"secret/{CANARY}",
    }
    assert pair.items() <= seen["secret"]["values"].items()
    assert seen["secret"]["values"]["RCLONE_CONFIG_S3_ENDPOINT"] == "http://minio:9000"
    assert seen["secret"]["values"]["RCLONE_CONFIG_S3_PROVIDER"] == "Other"
    assert seen["secret"]["name"].startswith("zenml-by-secret-")
    assert seen["secret"]["source"] == "the artifact store by-secret"
    assert pair.items() <= seen["reference"]["values"].items()
    assert seen["elsewhere"] is seen["local"] is seen["local stack"] is None
    assert seen["nobody"]["values"]["RCLONE_CONFIG_S3_ENV_AUTH"] == "true"
    assert seen["temporary"][0] == "ConfigError"
    assert "temporary" in seen["temporary"][1]
    assert "service_account_name" in seen["temporary"][1]
    assert seen["identity"]["values"]["RCLONE_CONFIG_S3_ENV_AUTH"] == "true"
    assert "temporary" in seen["identity"]["source"]
    assert "there is no ZenML secret nowhere" in seen["lost"][1]


SERVICE_ACCOUNT = {
    "type": "service_account",
    "project_id": "p",
    "private_key_id": "1",
    "private_key": f"-----BEGIN PRIVATE KEY-----\n{CANARY}\n-----END PRIVATE KEY-----\n",
    "client_email": "a@p.iam.gserviceaccount.com",
    "client_id": "1",
    "auth_uri": "https://accounts.google.com/o/oauth2/auth",
    "token_uri": "https://oauth2.googleapis.com/token",
}


def test_a_connector_with_lasting_credentials_is_read_and_one_without_is_refused(store):
    seen = store.script(
        PRELUDE
        + SECRETS
        + STORES
        + f"""
import json
aws = connector(
    "aws-key", "aws", "secret-key", "s3-bucket", region="eu-west-1",
    aws_access_key_id="AKIA{CANARY}", aws_secret_access_key="{CANARY}",
)
store("aws-by-key", connector=aws)
answers = {{"key": found("s3://bucket/zenml/model")}}
role = connector(
    "aws-role", "aws", "iam-role", "s3-bucket", region="eu-west-1",
    role_arn="arn:aws:iam::1:role/r",
    aws_access_key_id="AKIA{CANARY}", aws_secret_access_key="{CANARY}",
)
store("aws-by-role", connector=role)
answers["role"] = found("s3://bucket/zenml/model")
account = json.dumps({SERVICE_ACCOUNT!r})
for lasting in (True, False):
    gcp = connector(
        f"gcp-{{lasting}}", "gcp", "service-account", "gcs-bucket", service_account_json=account,
        generate_temporary_tokens=not lasting,
    )
    store(f"gcp-{{lasting}}", flavor="gcp", path="gs://bucket/zenml", connector=gcp)
    answers[f"gcp {{lasting}}"] = found("gs://bucket/zenml/model")
client.activate_stack("local")
answer(answers)
"""
    )
    assert seen["key"]["values"]["RCLONE_CONFIG_S3_ACCESS_KEY_ID"] == f"AKIA{CANARY}"
    assert seen["key"]["values"]["RCLONE_CONFIG_S3_REGION"] == "eu-west-1"
    assert seen["role"][0] == "ConfigError"
    assert "temporary tokens" in seen["role"][1]
    account = seen["gcp True"]["values"]["RCLONE_CONFIG_GS_SERVICE_ACCOUNT_CREDENTIALS"]
    assert json.loads(account)["private_key"] == SERVICE_ACCOUNT["private_key"]
    assert "--generate_temporary_tokens=False" in seen["gcp False"][1]


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
