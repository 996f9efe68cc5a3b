"""The artifact store's own credentials: read from what ZenML has registered, or refused."""

import json

import pytest
from storage.s3_server import run_moto
from zenml_scripts import CANARY, PRELUDE, SECRETS
from zenml_store import ZenMLStore

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


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("zenml-store-credentials")
    with run_moto(folder) as s3, ZenMLStore(folder) as store:
        s3.put("models", {})
        store.env["STORE_ADDRESS"] = s3.endpoint
        store.set_up_local_stack()
        yield store


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


def test_a_model_in_the_artifact_store_is_served_with_the_stores_credentials(store):
    seen = store.script(
        PRELUDE
        + SECRETS
        + STORES
        + """
import json
client.create_secret("of-the-store", values={
    "aws_access_key_id": "AKIAcanary7Qx", "aws_secret_access_key": "secret/canary7Qx",
})
address = json.dumps({"endpoint_url": os.environ["STORE_ADDRESS"], "region_name": "us-east-1"})
store("serving", path="s3://models", authentication_secret="of-the-store", client_kwargs=address)
service = deploy("in-the-store", stored("in-the-store"))
name = secret_of("in-the-store")
made = secret(name)
prediction = np.asarray(service.predict([[6.0, 2.9, 4.8, 1.6]])).tolist()
deployer.delete_model_server(service.uuid)
client.activate_stack("local")
answer({"name": name, "made": made, "prediction": prediction, "left": secret(name)})
"""
    )
    assert seen["name"].startswith("zenml-serving-")
    assert seen["made"]["RCLONE_CONFIG_S3_ACCESS_KEY_ID"] == f"AKIA{CANARY}"
    assert sum(seen["prediction"][0]) == pytest.approx(1)
    assert seen["left"] is None


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
