"""fake-gcs-server at the address that Google has, behind a door that asks who comes.

The server keeps objects as Google does and asks nobody for credentials; the door in front of it
does: it gives tokens as Google's servers do (for a signed assertion of a service account, for a
refresh token, for the identity of a machine) and lets nobody pass without one but to public
buckets.
"""

from __future__ import annotations

import http.client
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from storage.clouds.internet import Internet
from storage.clouds.programs import find_program, free_port, run_server

PUBLIC = "public-models"
FORBIDDEN = "forbidden-models"
_PIECE_BYTES = 1 << 20
# Google keeps an upload in multiples of these.
_UNIT_BYTES = 1 << 18
_HOP = frozenset({"connection", "transfer-encoding", "keep-alive", "content-length"})


@dataclass
class Google:
    """A service account and a user with a refresh token, and what was asked for."""

    address: str
    token_address: str
    machine_host: str
    account: dict[str, str] = field(repr=False)
    refresh_token: str = field(repr=False)
    client_secret: str = field(repr=False)
    access_token: str = field(repr=False)
    token_requests: list[str] = field(default_factory=list)
    # Of uploads that were cut, how much is there.
    kept_bytes: dict[str, int] = field(default_factory=dict)


@contextmanager
def run_google(internet: Internet, folder: Path, secret: str) -> Iterator[Google]:
    """Run the server and its door; `secret` is in every credential."""
    program = find_program("gcs", ("go",))
    port = free_port()
    command = [
        str(program), "-host", "127.0.0.1", "-port", str(port), "-scheme", "http",
        "-backend", "filesystem", "-filesystem-root", str(folder / "objects"),
        "-external-url", "https://storage.googleapis.com", "-public-host", "storage.googleapis.com",
    ]  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(internet.certificates.certificate, internet.certificates.key)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    google = Google(
        "https://storage.googleapis.com", "", "", {}, f"1//{secret}", secret, f"ya29.{secret}"
    )
    handler = type(
        "Door", (_Door,), {"google": google, "server_port": port, "key": key.public_key()}
    )
    with (
        run_server(command, port, folder / "fake-gcs-server.log"),
        _serve(handler, context) as door,
        _serve(handler, None) as plain,
    ):
        internet.routes["storage.googleapis.com:443"] = door
        internet.routes["oauth2.googleapis.com:443"] = door
        internet.routes["iamcredentials.googleapis.com:443"] = door
        internet.routes["metadata.google.internal:80"] = plain
        google.token_address = f"http://127.0.0.1:{plain}/token"
        google.machine_host = f"127.0.0.1:{plain}"
        google.account |= {
            "type": "service_account",
            "project_id": "models",
            "private_key_id": "1",
            "private_key": key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ).decode(),
            "client_email": "deployer@models.iam.gserviceaccount.com",
            "client_id": "1",
            # Google's own: it is asked through the proxy.
            "token_uri": "https://oauth2.googleapis.com/token",
        }
        yield google


@contextmanager
def _serve(handler: type[BaseHTTPRequestHandler], context: ssl.SSLContext | None) -> Iterator[int]:
    server = _Server(("127.0.0.1", 0), handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: clients come and go, and the tests cut their links."""


class _Door(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    google: Google
    server_port: int
    key: rsa.RSAPublicKey

    def do_GET(self) -> None:
        if self.path.startswith("/computeMetadata/") or self.path == "/":
            self._answer_machine()
        elif self.path.endswith("/allowedLocations"):
            self._answer(200, {"locations": [], "encodedLocations": "0x0"})
        else:
            self._pass()

    def do_POST(self) -> None:
        if self.path == "/token":
            self._answer_token()
        else:
            self._pass()

    def do_PUT(self) -> None:
        self._pass()

    def do_DELETE(self) -> None:
        self._pass()

    def do_HEAD(self) -> None:
        self._pass()

    def log_message(self, *_: object) -> None:
        pass

    def _answer_machine(self) -> None:
        self.google.token_requests.append("machine")
        if self.headers.get("Metadata-Flavor") != "Google":
            return self._answer(403, {})
        path = urlsplit(self.path).path
        if path.endswith("/token"):
            return self._answer(200, self._token(), flavor="Google")
        texts = {
            "/computeMetadata/v1/project/project-id": "models",
            "/computeMetadata/v1/universe/universe-domain": "googleapis.com",
            "/computeMetadata/v1/universe/universe_domain": "googleapis.com",
        }
        if path in texts:
            return self._send(200, texts[path].encode(), "text/plain", "Google")
        return self._answer(200, {"email": "default", "scopes": [], "aliases": []}, flavor="Google")

    def _answer_token(self) -> None:
        form = {name: values[0] for name, values in parse_qs(self._body().decode()).items()}
        grant = form.get("grant_type", "")
        self.google.token_requests.append(grant)
        if grant == "refresh_token":
            is_right = form.get("refresh_token") == self.google.refresh_token
        else:
            is_right = self._is_assertion(form.get("assertion", ""))
        if is_right:
            self._answer(200, self._token())
        else:
            self._answer(400, {"error": "invalid_grant", "error_description": "not known here"})

    def _is_assertion(self, text: str) -> bool:
        try:
            claims = jwt.decode(text, self.key, ["RS256"], options={"verify_aud": False})
        except jwt.InvalidTokenError:
            return False
        return claims["iss"] == self.google.account["client_email"]

    def _token(self) -> dict[str, object]:
        return {
            "access_token": self.google.access_token,
            "token_type": "Bearer",
            "expires_in": 3600,
        }

    def _pass(self) -> None:
        body = self._body()
        parts = urlsplit(self.path)
        session = parse_qs(parts.query).get("upload_id", [""])[0]
        if session and self.command == "PUT":
            # Who has an upload's address needs no token.
            return self._continue_upload(session, body)
        path = unquote(parts.path)
        bucket = path.partition("/b/")[2].partition("/")[0] or path.split("/")[1]
        authorization = self.headers.get("Authorization")
        if bucket != PUBLIC and authorization is None:
            return self._refuse(401, "required", "Anonymous caller does not have access.")
        if authorization not in (None, f"Bearer {self.google.access_token}"):
            return self._refuse(401, "authError", "Invalid Credentials")
        if bucket == FORBIDDEN:
            return self._refuse(403, "forbidden", "The caller does not have storage.objects.list.")
        return self._forward(body)

    def _continue_upload(self, session: str, body: bytes) -> None:
        """Keep what came before a link broke, and tell of it, as Google does.

        The server behind this door keeps nothing of a request that is cut, and takes the question
        how much it has for the end of the file.
        """
        kept = self.google.kept_bytes.get(session, 0)
        span, _, total = self.headers["Content-Range"].removeprefix("bytes ").partition("/")
        if span == "*":
            return self._send(308, b"", "text/plain", "", f"bytes=0-{kept - 1}" if kept else "")
        start = int(span.partition("-")[0])
        if start != kept:
            return self._refuse(400, "invalid", "These bytes do not follow.")
        if len(body) < int(self.headers["Content-Length"]):
            body = body[: len(body) // _UNIT_BYTES * _UNIT_BYTES]
            self.google.kept_bytes[session] = kept + len(body)
            span = f"{start}-{start + len(body) - 1}"
            if not body:
                return None
        self.headers.replace_header("Content-Range", f"bytes {span}/{total}")
        return self._forward(body)

    def _forward(self, body: bytes) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.server_port, timeout=60)
        with closing(connection):
            self._forward_over(connection, body)

    def _forward_over(self, connection: http.client.HTTPConnection, body: bytes) -> None:
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
        headers["Content-Length"] = str(len(body))
        # The addresses that it answers with are to be those that clients ask.
        headers |= {"Host": "storage.googleapis.com", "X-Forwarded-Proto": "https"}
        connection.request(self.command, self.path, body, headers)
        answer = connection.getresponse()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in _HOP:
                self.send_header(name, value)
        length = answer.getheader("Content-Length")
        data = b"" if length else answer.read()
        self.send_header("Content-Length", length or str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)
            while piece := answer.read(_PIECE_BYTES):
                self.wfile.write(piece)

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            data = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                data += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return data
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _refuse(self, status: int, reason: str, message: str) -> None:
        error = {
            "code": status,
            "message": message,
            "errors": [{"reason": reason, "message": message}],
        }
        self._answer(status, {"error": error})

    def _answer(self, status: int, body: dict[str, object], flavor: str = "") -> None:
        self._send(status, json.dumps(body).encode(), "application/json", flavor)

    def _send(self, status: int, data: bytes, kind: str, flavor: str, received: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        if received:
            self.send_header("Range", received)
        if flavor:
            self.send_header("Metadata-Flavor", flavor)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)
