"""How a service is reached: credentials, TLS, timeouts."""

from __future__ import annotations

import logging
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from seldon_deployer.errors import ConfigError

if TYPE_CHECKING:
    import ssl

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_SECONDS = 5.0
PREDICTION_TIMEOUT_SECONDS = 60.0
# As many as a batch or a threaded server asks at once; more are opened when needed, not kept.
KEPT_CONNECTIONS = 16
KEPT_SECONDS = 15.0

Auth = str | tuple[str, str] | Callable[[], str]
"""A bearer token, a user and password, or what gives the token of the moment."""


@dataclass(frozen=True)
class Tls:
    """How the server is known to be the right one, and how it knows us."""

    ca_file: str | Path | None = None
    """Certificates to trust, PEM; else those of the system."""
    verify: bool = True
    """False believes any server, and so anybody between here and there."""
    certificate_file: str | Path | None = None
    """Certificate of the client, PEM, with its chain."""
    key_file: str | Path | None = None
    """Its key, where that is not in the same file."""

    def context(self) -> ssl.SSLContext:
        """Build the context for both HTTP libraries. Raises ConfigError naming a bad file."""
        import ssl

        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except (OSError, ssl.SSLError) as error:
            raise _unreadable("CA certificates", self.ca_file, error) from error
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.certificate_file is not None:
            try:
                # An encrypted key would ask for its password on the terminal.
                context.load_cert_chain(self.certificate_file, self.key_file, password="")
            except (OSError, ssl.SSLError) as error:
                raise _unreadable("client certificate", self.certificate_file, error) from error
        elif self.key_file is not None:
            raise ConfigError("a client key without its certificate", hint="give certificate_file")
        return context


@dataclass(frozen=True)
class Connection:
    """All that a transport needs to know beside the request."""

    auth: Auth | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    tls: Tls = field(default_factory=Tls)
    connect_timeout_seconds: float = CONNECT_TIMEOUT_SECONDS

    def __post_init__(self) -> None:
        for name, value in self.headers.items():
            _check_header(name, "the name of a header")
            _check_header(value, f"header {name}")

    def credentials(self) -> dict[str, str]:
        """The headers of one request that are not the protocol's own. Raises ConfigError."""
        headers = dict(self.headers)
        if self.auth is None:
            return headers
        if isinstance(self.auth, tuple):
            pair = ":".join(self.auth).encode()
            headers["Authorization"] = f"Basic {b64encode(pair).decode()}"
            return headers
        token = self.auth() if callable(self.auth) else self.auth
        # Files and environments end their tokens with a line break.
        token = token.strip()
        _check_header(token, "the token")
        headers["Authorization"] = f"Bearer {token}"
        return headers

    def warn_of_risks(self, url: str) -> None:
        """Say once what is not safe about going to this URL."""
        parts = urlsplit(url)
        is_here = parts.hostname in {"localhost", "127.0.0.1", "::1"}
        if parts.scheme in {"http", "grpc"} and not is_here and (self.auth or self.headers):
            log.warning("credentials go to %s without TLS: anybody on the way reads them", url)
        if parts.scheme == "https" and not self.tls.verify:
            log.warning("the certificate of %s is not verified", parts.netloc)


def _check_header(value: str, what: str) -> None:
    # HTTP libraries would quote the value, a secret, in their own complaint.
    if not value or not value.isascii() or not value.isprintable():
        raise ConfigError(f"{what} is empty or has characters that no header can hold")


def _unreadable(what: str, file: str | Path | None, error: Exception) -> ConfigError:
    why = error.strerror if isinstance(error, (FileNotFoundError, PermissionError)) else None
    return ConfigError(
        f"cannot use {file} for the {what}",
        why=why or "it is no PEM file of that kind, its key does not fit, or asks for a password",
    )
