"""A bare HTTP client for the contract tests: what a server answers, to the letter."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import urllib3
from apiserver.harness import End

Object = dict[str, Any]

SDEPS = "/apis/machinelearning.seldon.io/v1/namespaces/{}/seldondeployments"
MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"
TIMEOUT_SECONDS = 20.0


@dataclass(frozen=True)
class Answer:
    """One answer; `body` is decoded where it is JSON."""

    status: int
    body: Any
    headers: Any = field(repr=False, default=None)

    @property
    def message(self) -> str:
        """What a refusal says."""
        return str(self.body["message"])

    @property
    def warnings(self) -> list[str]:
        """The texts of the Warning headers."""
        return list(self.headers.getlist("Warning"))


class Client:
    """Requests to one end, with its token."""

    def __init__(self, end: End) -> None:
        self.end = end
        ca = str(end.ca) if end.ca else None
        # A pool of its own: nothing is shared with the code under test.
        self._pool = urllib3.PoolManager(
            ca_certs=ca, retries=False, timeout=TIMEOUT_SECONDS, maxsize=4, assert_hostname=False
        )

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: dict[str, str] | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Send one request; `body` is written as JSON unless it is bytes."""
        answer = self._open(method, path, body, query, content_type, accept, headers)
        text = answer.data
        try:
            decoded = json.loads(text)
        except ValueError:
            decoded = text.decode()
        return Answer(answer.status, decoded, answer.headers)

    def get(self, path: str, **query: str) -> Answer:
        """GET with query parameters."""
        return self.request("GET", path, query=query)

    def post(self, path: str, body: Object, **query: str) -> Answer:
        """POST an object."""
        return self.request("POST", path, body, query=query)

    def put(self, path: str, body: Object, **query: str) -> Answer:
        """PUT an object."""
        return self.request("PUT", path, body, query=query)

    def patch(self, path: str, body: Any, content_type: str = MERGE, **query: str) -> Answer:
        """PATCH in one of the patch types."""
        return self.request("PATCH", path, body, query=query, content_type=content_type)

    def apply(self, path: str, body: Object, manager: str, **query: str) -> Answer:
        """PATCH by server-side apply."""
        return self.patch(path, body, APPLY, fieldManager=manager, **query)

    def delete(self, path: str, body: Object | None = None, **query: str) -> Answer:
        """DELETE."""
        return self.request("DELETE", path, body, query=query)

    @contextmanager
    def watch(
        self, path: str, accept: str = "application/json", **query: str
    ) -> Iterator[Iterator[Object]]:
        """Open a watch; yields its events as they come."""
        answer = self._open(
            "GET", path, None, {"watch": "true"} | query, "", accept, None, stream=True
        )
        try:
            yield _events(answer)
        finally:
            answer.close()

    def _open(
        self,
        method: str,
        path: str,
        body: Any,
        query: dict[str, str] | None,
        content_type: str,
        accept: str,
        headers: dict[str, str] | None,
        *,
        stream: bool = False,
    ) -> urllib3.BaseHTTPResponse:
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        given = {"Authorization": f"Bearer {self.end.token}", "Accept": accept}
        given["User-Agent"] = "contract/1.0"
        if data is not None:
            given["Content-Type"] = content_type
        url = urllib3.util.parse_url(self.end.server + path).url
        if query:
            from urllib.parse import urlencode

            url += f"?{urlencode(query)}"
        return self._pool.request(
            method, url, body=data, headers=given | (headers or {}), preload_content=not stream
        )


def _events(answer: urllib3.BaseHTTPResponse) -> Iterator[Object]:
    rest = b""
    for chunk in answer.stream(1 << 16):
        rest += chunk
        *lines, rest = rest.split(b"\n")
        for line in filter(None, lines):
            yield json.loads(line)
