"""Ending to listen: who has connected is served, who comes later is refused."""

import socket
import sys

import pytest

from seldon_deployer.server.listening import stop_connecting


@pytest.mark.skipif(sys.platform != "linux", reason="the filter is Linux's: run this on Linux")
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_who_has_connected_is_accepted_and_nobody_else_is(host):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, 0), family=family, backlog=16)
    except OSError:
        pytest.skip(f"there is no {host} on this machine: enable IPv6")
    with listener, socket.create_connection(listener.getsockname()[:2]) as early:
        early.sendall(b"hello")
        stop_connecting(listener)
        with pytest.raises(TimeoutError):
            socket.create_connection(listener.getsockname()[:2], timeout=0.3)
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.recv(5) == b"hello"
            # And talks on, after the port is closed.
            address = listener.getsockname()[:2]
            listener.close()
            accepted.sendall(b"world")
            early.sendall(b"again")
            assert early.recv(5) == b"world"
            assert accepted.recv(5) == b"again"
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address, timeout=5)
