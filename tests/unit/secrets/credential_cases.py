"""Credentials of every kind, with values that must appear nowhere."""

from __future__ import annotations

import base64
import json

from seldon_deployer.secrets.connection_string import EMULATOR_ACCOUNT, EMULATOR_KEY

CANARY = "canary7Qx"
KEY_ID = f"AKIA{CANARY}"
ACCOUNT_KEY = base64.b64encode(CANARY.encode()).decode()
SERVICE_ACCOUNT = {
    "type": "service_account",
    "client_email": f"{CANARY}@example.iam.gserviceaccount.com",
    "private_key": f"-----BEGIN PRIVATE KEY-----\n{CANARY}\n-----END PRIVATE KEY-----\n",
}
SAS_URL = f"https://models.blob.core.windows.net/iris?sv=2022-11-02&sr=c&sig={CANARY}%3D"

S3_KEY = {
    "rclone_config_s3_access_key_id": KEY_ID,
    "rclone_config_s3_secret_access_key": f"secret/{CANARY}",
}
S3_FULL = {
    **S3_KEY,
    "rclone_config_s3_type": "s3",
    "rclone_config_s3_provider": "minio",
    "rclone_config_s3_env_auth": False,
    "rclone_config_s3_session_token": f"token+{CANARY}=",
    "rclone_config_s3_region": "eu-central-1",
    "rclone_config_s3_endpoint": "http://127.0.0.1:9000",
}
GS_ACCOUNT = {"rclone_config_gs_service_account_credentials": json.dumps(SERVICE_ACCOUNT, indent=2)}
GS_TOKEN = {
    "rclone_config_gs_token": json.dumps(
        {"access_token": CANARY, "expiry": "2099-01-01T00:00:00Z"}
    ),
    "rclone_config_gs_client_secret": CANARY,
    "rclone_config_gs_auth_url": "https://accounts.google.com/o/oauth2/auth",
    "rclone_config_gs_project_number": 123456789012,
}
USER_KEY = {
    "type": "authorized_user",
    "client_id": f"{CANARY}.apps.googleusercontent.com",
    "client_secret": CANARY,
    "refresh_token": f"1//{CANARY}",
}
GS_USER = {"rclone_config_gs_service_account_credentials": json.dumps(USER_KEY)}
SIGNATURE = f"sv=2022-11-02&sr=c&sp=rl&se=2999-01-01T00%3A00%3A00Z&sig={CANARY}%3D"
AZ_KEY = {
    "rclone_config_azureblob_account": "models",
    "rclone_config_azureblob_key": ACCOUNT_KEY,
}

# In the home of whoever runs rclone.
PRINCIPAL_FILE = "azure-principal.json"
KEY_STRING = (
    f"DefaultEndpointsProtocol=https;AccountName=models;AccountKey={ACCOUNT_KEY};"
    "EndpointSuffix=core.windows.net"
)


def az(**values):
    """The keys of Azure, without their prefix."""
    return {f"rclone_config_azureblob_{key}": value for key, value in values.items()}


def string(text):
    """A connection string's case."""
    return ("seldon_az", az(connection_string=text))


# name -> (schema, keys as a user writes them)
VALID = {
    "s3 key": ("seldon_s3", S3_KEY),
    "s3 everything": ("seldon_s3", S3_FULL),
    "s3 identity of the pod": ("seldon_s3", {"rclone_config_s3_env_auth": True}),
    "s3 temporary key": (
        "seldon_s3",
        {
            "rclone_config_s3_access_key_id": f"ASIA{CANARY}",
            "rclone_config_s3_secret_access_key": CANARY,
            "rclone_config_s3_session_token": CANARY,
        },
    ),
    "s3 public": ("seldon_s3", {"rclone_config_s3_anonymous": True}),
    "gs user key": ("seldon_gs", GS_USER),
    "gs service account": ("seldon_gs", GS_ACCOUNT),
    "gs token": ("seldon_gs", GS_TOKEN),
    "gs anonymous": ("seldon_gs", {"rclone_config_gs_anonymous": "true"}),
    "gs identity of the pod": ("seldon_gs", {"rclone_config_gs_anonymous": False}),
    "az key": ("seldon_az", AZ_KEY),
    "az sas url": ("seldon_az", {"rclone_config_azureblob_sas_url": SAS_URL}),
    "az identity of the pod": (
        "seldon_az",
        {"rclone_config_azureblob_account": "models", "rclone_config_azureblob_use_msi": True},
    ),
    "az chosen identity of the pod": (
        "seldon_az",
        az(account="models", use_msi=True, msi_client_id=f"00000000-{CANARY}"),
    ),
    "az service principal file": (
        "seldon_az",
        az(account="models", service_principal_file=f"~/{PRINCIPAL_FILE}"),
    ),
    "az sas token": ("seldon_az", az(account="models", sas_token=f"?{SIGNATURE}")),
    "az sas token of a sovereign cloud": (
        "seldon_az",
        az(account="models", sas_token=SIGNATURE, endpoint="blob.core.chinacloudapi.cn"),
    ),
    "az key of a sovereign cloud": (
        "seldon_az",
        {**AZ_KEY, **az(endpoint="https://models.blob.core.chinacloudapi.cn")},
    ),
    "az public": ("seldon_az", az(account="models", anonymous=True)),
    "az emulator": ("seldon_az", az(use_emulator=True)),
    "az key string": string(KEY_STRING),
    "az key string of a sovereign cloud": string(
        f"AccountName=models;AccountKey={ACCOUNT_KEY};EndpointSuffix=core.usgovcloudapi.net"
    ),
    "az key string with its address": string(
        f"AccountName=models;AccountKey={ACCOUNT_KEY};"
        "BlobEndpoint=https://models.blob.storage.azure.net/"
    ),
    "az sas string": string(
        f"BlobEndpoint=https://models.blob.core.windows.net/;SharedAccessSignature={SIGNATURE}"
    ),
    "az sas string with its account": string(
        f"AccountName=models;SharedAccessSignature={SIGNATURE}"
    ),
    "az emulator string": string("UseDevelopmentStorage=true"),
    "az emulator string in parts": string(
        f"DefaultEndpointsProtocol=http;AccountName={EMULATOR_ACCOUNT};AccountKey={EMULATOR_KEY};"
        f"BlobEndpoint=http://127.0.0.1:10000/{EMULATOR_ACCOUNT};"
    ),
}


def hidden_in(text: str) -> bool:
    """Whether no form of the canary is in a text: plain, or base64 at any offset."""
    forms = [CANARY]
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + CANARY.encode()).decode()
        # Without the characters that the neighbours change.
        forms.append(encoded[4 if offset else 0 : -4])
    return not any(form in text for form in forms)
