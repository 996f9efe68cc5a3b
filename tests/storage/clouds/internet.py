"""The clouds' own addresses, on loopback: a proxy that leads to servers of the tests.

rclone and the clouds' libraries are run as they are, with the addresses they have built in:
`https://storage.googleapis.com` is asked through this proxy, and answered by a server here whose
certificate an authority of the tests has signed. An address that no server is here for is refused:
no test reaches the real one.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatch
from ipaddress import ip_address
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_HOSTS = (
    "storage.googleapis.com", "*.googleapis.com", "*.blob.core.windows.net",
    "login.microsoftonline.com", "login.microsoft.com", "localhost",
)  # fmt: skip
_PIECE_BYTES = 1 << 16


@dataclass(frozen=True)
class Certificates:
    """Files in PEM: the authority's certificate, and a server's with its key."""

    authority: Path
    certificate: Path
    key: Path


@dataclass(frozen=True)
class Internet:
    """The proxy: `routes` are the ports of loopback by pattern of `host:port`."""

    port: int
    certificates: Certificates
    routes: dict[str, int]
    asked: list[str]
    # The connection that brings so many bytes next is cut; one for each number.
    cuts: list[int]
    # The same for what goes to a server.
    upload_cuts: list[int]

    @property
    def environment(self) -> Mapping[str, str]:
        """What makes Go, Python's requests and OpenSSL ask through it, and trust it."""
        proxy = f"http://127.0.0.1:{self.port}"
        names = ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy")
        authority = str(self.certificates.authority)
        trust = {"SSL_CERT_FILE": authority, "REQUESTS_CA_BUNDLE": authority}
        return {
            **dict.fromkeys(names, proxy),
            **trust,
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }


@contextmanager
def run_internet(folder: Path) -> Iterator[Internet]:
    """Run the proxy until the end of the block; certificates go into `folder`."""
    routes: dict[str, int] = {}
    asked: list[str] = []
    cuts: list[int] = []
    upload_cuts: list[int] = []

    class Handler(_Handler):
        pending = cuts
        pending_uploads = upload_cuts

        def find_port(self, address: str) -> int | None:
            asked.append(address)
            return next(
                (port for pattern, port in routes.items() if fnmatch(address, pattern)), None
            )

    class Server(ThreadingTCPServer):
        daemon_threads = True
        # A client that opens many connections at once should not wait for their turn.
        request_queue_size = 64

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield Internet(
                server.server_address[1],
                _make_certificates(folder),
                routes,
                asked,
                cuts,
                upload_cuts,
            )
        finally:
            server.shutdown()


class _Handler(StreamRequestHandler):
    disable_nagle_algorithm = True
    pending: list[int]
    pending_uploads: list[int]

    def find_port(self, address: str) -> int | None:
        raise NotImplementedError

    def handle(self) -> None:
        line = self.rfile.readline()
        if not line:
            return
        method, target, version = line.decode("latin-1").split()
        headers = self._read_headers()
        if method == "CONNECT":
            start = b""
            address = target
        else:
            parts = urlsplit(target)
            path = parts._replace(scheme="", netloc="").geturl() or "/"
            # One request a connection: where the next one goes is not known before it comes.
            kept = b"".join(each for each in headers if not each.lower().startswith(b"connection"))
            start = f"{method} {path} {version}\r\n".encode() + kept + b"Connection: close\r\n\r\n"
            address = parts.netloc if parts.port else f"{parts.netloc}:80"
        port = self.find_port(address)
        if port is None:
            self.wfile.write(b"HTTP/1.1 502 No such host\r\nContent-Length: 0\r\n\r\n")
            return
        with socket.create_connection(("127.0.0.1", port)) as server:
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if start:
                server.sendall(start)
            else:
                self.wfile.write(b"HTTP/1.1 200 Connected\r\n\r\n")
            self._pipe_both(server)

    def _pipe_both(self, server: socket.socket) -> None:
        back = threading.Thread(
            target=_pipe, args=(server, self.connection, self.pending), daemon=True
        )
        back.start()
        _pipe(self.connection, server, self.pending_uploads)
        back.join()

    def _read_headers(self) -> list[bytes]:
        headers = []
        while (line := self.rfile.readline()) not in (b"\r\n", b""):
            headers.append(line)
        return headers


def _pipe(source: socket.socket, target: socket.socket, cuts: list[int]) -> None:
    brought = 0
    with suppress(OSError):
        while data := source.recv(_PIECE_BYTES):
            target.sendall(data)
            brought += len(data)
            if cuts and brought >= cuts[0]:
                del cuts[0]
                break
            if not cuts:
                brought = 0
    # Whoever is cut off there is cut off here.
    for each in (source, target):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


def _make_certificates(folder: Path) -> Certificates:
    now = datetime.now(UTC)
    authority_key, key = (
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP256R1()),
    )
    authority_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority of the tests")])

    def begin(name: x509.Name, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(authority_name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()),
                critical=False,
            )
        )

    authority = (
        begin(authority_name, authority_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                key_cert_sign=True,
                crl_sign=True,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .sign(authority_key, hashes.SHA256())
    )
    names = [x509.DNSName(host) for host in _HOSTS]
    certificate = (
        begin(
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "stores of the tests")]),
            key.public_key(),
        )
        .add_extension(
            x509.SubjectAlternativeName([*names, x509.IPAddress(ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    made = Certificates(folder / "authority.pem", folder / "server.pem", folder / "server.key")
    made.authority.write_bytes(authority.public_bytes(pem))
    made.certificate.write_bytes(certificate.public_bytes(pem))
    made.key.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return made
