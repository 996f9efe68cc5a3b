"""Free ports for units: found once, kept for the pod's life, also while its process restarts."""

from __future__ import annotations

import random
import socket

from seldon_deployer.errors import LocalRuntimeError

# Below the range from which Linux and macOS give ports to outgoing connections: a unit that takes
# half a second to listen would else find its port taken by some client.
FIRST_PORT, LAST_PORT = 20_000, 32_000
_ATTEMPTS = 200


class PortLease:
    """One loopback port that nobody else is given until `release`."""

    def __init__(self) -> None:
        self._socket = _take_port()
        self.number: int = self._socket.getsockname()[1]

    def release(self) -> None:
        """Give the port back."""
        self._socket.close()


def find_port() -> int:
    """A port that is free now, for a listener of our own that keeps it over restarts."""
    lease = PortLease()
    lease.release()
    return lease.number


def _take_port() -> socket.socket:
    for port in random.sample(range(FIRST_PORT, LAST_PORT), _ATTEMPTS):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            try:
                # Without SO_REUSEADDR this fails where anybody holds the port.
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        holder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        # Both sides set SO_REUSEADDR and only the unit listens, so the unit may bind it too.
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", port))
        return holder
    raise LocalRuntimeError(
        "no free port for a unit",
        why=f"{_ATTEMPTS} ports between {FIRST_PORT} and {LAST_PORT} were all taken",
        hint="end programs that hold many ports on this machine",
    )
