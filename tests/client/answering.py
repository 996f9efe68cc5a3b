"""Servers for the client's tests: of HTTP that answer as told, of TCP, and with TLS."""

from __future__ import annotations

import json
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Answer:
    """What a server says to one request."""

    status: int = 200
    body: Any = b""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass
class Request:
    """What a server was asked."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def message(self) -> Any:
        return json.loads(self.body)


class Server:
    """An HTTP server and the requests that it got, in their order."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.requests: list[Request] = []


@contextmanager
def serving(
    answer: Answer | Callable[[Request], Answer] | list[Answer],
    context: ssl.SSLContext | None = None,
) -> Iterator[Server]:
    """An HTTP server: always the same answer, one by the request, or one after the other."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            names = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(length)
            if len(body) < length:
                # Its client is gone: nothing was asked.
                self.close_connection = True
                return
            request = Request(self.command, self.path, names, body)
            with lock:
                server.requests.append(request)
                number = len(server.requests) - 1
            if callable(answer):
                told = answer(request)
            else:
                told = answer[min(number, len(answer) - 1)] if isinstance(answer, list) else answer
            self.send_response_only(told.status)
            headers = {"Content-Type": "application/json"} | told.headers
            headers.setdefault("Content-Length", str(len(told.content)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(told.content)

        do_GET = do_POST  # noqa: N815

        def log_message(self, *args: Any) -> None:
            pass

    class Listening(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *args: Any) -> None:
            """Clients that hang up are part of the tests."""

    listening = Listening(("127.0.0.1", 0), Handler)
    if context is not None:
        # The handshake belongs to each connection's own thread.
        listening.socket = context.wrap_socket(
            listening.socket, server_side=True, do_handshake_on_connect=False
        )
    scheme = "http" if context is None else "https"
    server = Server(f"{scheme}://127.0.0.1:{listening.server_port}/seldon/models/iris")
    thread = threading.Thread(target=listening.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server
    finally:
        listening.shutdown()
        thread.join()
        listening.server_close()


@contextmanager
def raw_server(answer: Callable[[socket.socket, int], object]) -> Iterator[str]:
    """A TCP server; `answer` gets each connection and its number."""
    listening = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        number = 0
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                answer(connection, number)
            number += 1

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/seldon/models/iris"
    finally:
        # Closing alone does not wake a thread that waits in accept.
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()


def read_request(connection: socket.socket) -> bytes:
    """All of a request: what is left unread at the end resets the connection, and a reset may
    overtake the answer.
    """
    read = b""
    while piece := connection.recv(65536):
        read += piece
        head, end, body = read.partition(b"\r\n\r\n")
        told = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
        if end and len(body) >= (int(told[1]) if told else 0):
            break
    return read


def free_port() -> int:
    """A port where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])
