"""Proxies for links that do not do what a link should."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


@contextmanager
def changing_proxy(
    target: tuple[str, int], change: Callable[[bytes], bytes]
) -> Iterator[tuple[str, int]]:
    """Pass bytes to `target`, and what comes back through `change`; gives the proxy's address."""
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def pass_on(one: socket.socket, other: socket.socket, how: Callable[[bytes], bytes]) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                other.sendall(how(data))
        with suppress(OSError):
            other.shutdown(socket.SHUT_RDWR)
        one.close()

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            server = socket.create_connection(target)
            for each in ((client, server, bytes), (server, client, change)):
                threads.append(threading.Thread(target=pass_on, args=each, daemon=True))
                threads[-1].start()

    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        host, port = listener.getsockname()
        yield str(host), int(port)
    finally:
        # Closing alone does not wake the thread that accepts.
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join()
