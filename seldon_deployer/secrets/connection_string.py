"""Connection strings of Azure Storage, turned into what rclone knows.

Source: "Configure Azure Storage connection strings" of the Azure Storage documentation.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from seldon_deployer.secrets.sas import is_ip

# Of the emulator, and published with it: they protect nothing.
EMULATOR_ACCOUNT = "devstoreaccount1"
EMULATOR_KEY = (
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)
EMULATOR_ADDRESS = f"http://127.0.0.1:10000/{EMULATOR_ACCOUNT}"
BLOB_HOST = "blob.core.windows.net"


def read_connection_string(text: str) -> dict[str, str]:
    """Read a connection string into keys of rclone's azureblob: account, key, sas_url and so on.

    Raises ValueError that says what is wrong and holds no part of the text.
    """
    parts = _split(text)
    if parts.get("usedevelopmentstorage", "").lower() == "true":
        proxy = parts.get("developmentstorageproxyuri")
        address = f"{proxy.rstrip('/')}:10000/{EMULATOR_ACCOUNT}" if proxy else EMULATOR_ADDRESS
        return {"use_emulator": "true", "endpoint": address}
    account, key = parts.get("accountname"), parts.get("accountkey")
    signature = parts.get("sharedaccesssignature")
    blob = _blob_address(parts)
    if signature and key:
        raise ValueError("has AccountKey and SharedAccessSignature, which exclude each other")
    if signature:
        if urlsplit(blob).path.strip("/") and not is_ip(urlsplit(blob).hostname or ""):
            raise ValueError(
                "is at an address with the account in its path, which rclone takes for a container"
            )
        return {"sas_url": sas_url(blob, signature)}
    if not (account and key):
        raise ValueError("has neither AccountName with AccountKey nor SharedAccessSignature")
    if (account, key) == (EMULATOR_ACCOUNT, EMULATOR_KEY):
        return {"use_emulator": "true", "endpoint": blob}
    return {"account": account, "key": key, "endpoint": account_endpoint(account, blob)}


def sas_url(address: str, signature: str) -> str:
    """The URL of an account with its signature; '' for none."""
    query = f"?{signature.removeprefix('?')}" if signature else ""
    return f"{address.rstrip('/')}/{query}"


def account_endpoint(account: str, address: str) -> str:
    """What rclone calls the endpoint: the host without the account; '' for Azure's usual one.

    address: with scheme, as the portal shows it, or bare: the host with or without the account.
    Raises ValueError where rclone cannot be told: it makes https://ACCOUNT.ENDPOINT of it.
    """
    is_bare = "://" not in address
    parts = urlsplit(f"https://{address}" if is_bare else address)
    host = parts.netloc.removeprefix(f"{account}.")
    # With a scheme it is a whole address: the account is part of it.
    is_whole = parts.scheme == "https" and host != parts.netloc
    if parts.path.strip("/") or not host or not (is_bare or is_whole):
        raise ValueError(
            "is at no address of the form https://ACCOUNT.HOST, and rclone signs with a key for "
            "no other: use a SAS for it"
        )
    return "" if host == BLOB_HOST else host


def _split(text: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for part in filter(None, (each.strip() for each in text.split(";"))):
        name, equals, value = part.partition("=")
        if not equals:
            raise ValueError("has a part that is not of the form NAME=VALUE")
        if name.lower() in parts:
            raise ValueError("has one of its parts twice")
        parts[name.lower()] = value
    return parts


def _blob_address(parts: dict[str, str]) -> str:
    given = parts.get("blobendpoint")
    if given:
        if urlsplit(given).scheme not in {"http", "https"}:
            raise ValueError("has a BlobEndpoint that does not begin with https:// or http://")
        return given.rstrip("/")
    account = parts.get("accountname")
    if not account:
        raise ValueError("has neither AccountName nor BlobEndpoint")
    return f"https://{account}.blob.{parts.get('endpointsuffix') or 'core.windows.net'}"
