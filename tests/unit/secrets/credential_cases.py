"""Credentials of every kind, with values that must appear nowhere."""

from __future__ import annotations

import base64
import json

CANARY = "canary7Qx"
KEY_ID = f"AKIA{CANARY}"
ACCOUNT_KEY = base64.b64encode(CANARY.encode()).decode()
SERVICE_ACCOUNT = {
    "type": "service_account",
    "client_email": f"{CANARY}@example.iam.gserviceaccount.com",
    "private_key": f"-----BEGIN PRIVATE KEY-----\n{CANARY}\n-----END PRIVATE KEY-----\n",
}
SAS_URL = f"https://models.blob.core.windows.net/iris?sv=2022-11-02&sig={CANARY}%3D"

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
AZ_KEY = {
    "rclone_config_azureblob_account": "models",
    "rclone_config_azureblob_key": ACCOUNT_KEY,
}

# name -> (schema, keys as a user writes them)
VALID = {
    "s3 key": ("seldon_s3", S3_KEY),
    "s3 everything": ("seldon_s3", S3_FULL),
    "s3 identity of the pod": ("seldon_s3", {"rclone_config_s3_env_auth": True}),
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
}


def hidden_in(text: str) -> bool:
    """Whether no form of the canary is in a text: plain, or base64 at any offset."""
    forms = [CANARY]
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + CANARY.encode()).decode()
        # Without the characters that the neighbours change.
        forms.append(encoded[4 if offset else 0 : -4])
    return not any(form in text for form in forms)
