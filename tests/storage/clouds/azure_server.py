"""Azurite at the addresses that Azure has, and those who give tokens for it.

Azurite compares shared keys and signatures with the account's key, and takes any token that names
its audience and has not ended; no password of a tenant is checked by it. The two who give tokens
(the login of Microsoft, and what a virtual machine asks for its identity) are small servers here,
which do check what they are given.
"""

from __future__ import annotations

import base64
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import time
from urllib.parse import parse_qs, urlsplit

import jwt
from storage.clouds.internet import Certificates, Internet
from storage.clouds.programs import find_program, free_port, run_server

TENANT = "6f1d4ab0-0000-4000-8000-00000000c10d"
CLIENT_ID = "0b7d9c3e-0000-4000-8000-00000000a990"
IDENTITY = "5e11ab1e-0000-4000-8000-000000000001"
_RESOURCES = {"https://storage.azure.com", "https://storage.azure.com/"}


@dataclass(frozen=True)
class Azure:
    """One account with a key, a password of a service principal, and who asked for tokens."""

    account: str
    key: str = field(repr=False)
    password: str = field(repr=False)
    port: int
    token_requests: list[str]

    @property
    def address(self) -> str:
        """The account's address, as Azure has it."""
        return f"https://{self.account}.blob.core.windows.net"

    @property
    def connection_string(self) -> str:
        """As the portal shows it."""
        return (
            f"DefaultEndpointsProtocol=https;AccountName={self.account};AccountKey={self.key};"
            "EndpointSuffix=core.windows.net"
        )


@contextmanager
def run_azure(internet: Internet, folder: Path, secret: str) -> Iterator[Azure]:
    """Run azurite and the givers of tokens; `secret` is in every credential of the account."""
    main = find_program("azurite", ("node", "npm"))
    key = base64.b64encode(f"{secret}-account-key-of-the-tests".encode()).decode()
    port = free_port()
    command = [
        "node", str(main), "--blobHost", "127.0.0.1", "--blobPort", str(port),
        "--location", str(folder), "--cert", str(internet.certificates.certificate),
        "--key", str(internet.certificates.key), "--oauth", "basic",
        "--skipApiVersionCheck", "--disableTelemetry", "--silent",
    ]  # fmt: skip
    azure = Azure("models", key, f"{secret}-password", port, [])
    accounts = {"AZURITE_ACCOUNTS": f"models:{key};devstoreaccount1:{_emulator_key()}"}
    with (
        run_server(command, port, folder / "azurite.log", accounts),
        _run_login(azure, internet.certificates) as login,
        _run_machine(azure) as machine,
    ):
        internet.routes["*.blob.core.windows.net:443"] = port
        internet.routes["login.microsoft*.com:443"] = login
        internet.routes["169.254.169.254:80"] = machine
        yield azure


def _emulator_key() -> str:
    from seldon_deployer.secrets.connection_string import EMULATOR_KEY

    return EMULATOR_KEY


def _make_token(account: str) -> dict[str, object]:
    now = int(time())
    claims = {
        "aud": "https://storage.azure.com", "iss": f"https://sts.windows.net/{TENANT}/",
        "iat": now - 5, "nbf": now - 5, "exp": now + 3600, "sub": account,
    }  # fmt: skip
    token = jwt.encode(claims, "of the tests, and long enough for the hash", algorithm="HS256")
    return {
        "access_token": token, "token_type": "Bearer", "resource": "https://storage.azure.com/",
        "expires_in": "3600", "ext_expires_in": "3600", "expires_on": str(now + 3600),
        "not_before": str(now - 5),
    }  # fmt: skip


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    azure: Azure

    def answer(self, status: int, body: dict[str, object]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


class _Login(_Handler):
    """Microsoft's login: what a tenant is, and a token for a service principal's password."""

    def do_GET(self) -> None:
        root = f"https://login.microsoftonline.com/{TENANT}"
        if "discovery/instance" in self.path:
            self.answer(
                200,
                {
                    "tenant_discovery_endpoint": f"{root}/v2.0/.well-known/openid-configuration",
                    "metadata": [],
                },
            )
        elif TENANT in self.path and self.path.endswith("openid-configuration"):
            self.answer(
                200,
                {
                    "issuer": f"{root}/v2.0",
                    "authorization_endpoint": f"{root}/oauth2/v2.0/authorize",
                    "token_endpoint": f"{root}/oauth2/v2.0/token",
                },
            )
        else:
            self.answer(400, {"error": "invalid_tenant"})

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        form = {
            name: values[0] for name, values in parse_qs(self.rfile.read(length).decode()).items()
        }
        asked = form.get("scope", "").removesuffix("/.default") or form.get("resource", "")
        self.azure.token_requests.append(f"login {form.get('client_id')}")
        given = (form.get("grant_type"), form.get("client_id"), form.get("client_secret"))
        if TENANT not in self.path or given != (
            "client_credentials",
            CLIENT_ID,
            self.azure.password,
        ):
            self.answer(401, {"error": "invalid_client", "error_description": "wrong secret"})
        elif asked not in _RESOURCES:
            self.answer(400, {"error": "invalid_resource"})
        else:
            self.answer(200, _make_token(CLIENT_ID) | {"expires_in": 3600, "ext_expires_in": 3600})


class _Machine(_Handler):
    """What a virtual machine of Azure asks for a token of its identity."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.azure.token_requests.append(f"machine {query.get('client_id', '')}".strip())
        if self.headers.get("Metadata", "").lower() != "true":
            self.answer(400, {"error": "bad_request_102"})
        elif parts.path != "/metadata/identity/oauth2/token":
            self.answer(404, {"error": "not_found"})
        elif query.get("resource") not in _RESOURCES:
            self.answer(400, {"error": "invalid_resource"})
        elif query.get("client_id", IDENTITY) != IDENTITY:
            self.answer(
                400, {"error": "invalid_request", "error_description": "Identity not found"}
            )
        else:
            self.answer(200, _make_token(IDENTITY))


@contextmanager
def _run_login(azure: Azure, certificates: Certificates) -> Iterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.certificate, certificates.key)
    with _run(type("Login", (_Login,), {"azure": azure}), context) as port:
        yield port


@contextmanager
def _run_machine(azure: Azure) -> Iterator[int]:
    with _run(type("Machine", (_Machine,), {"azure": azure}), None) as port:
        yield port


@contextmanager
def _run(handler: type[_Handler], context: ssl.SSLContext | None) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
