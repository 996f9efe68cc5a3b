"""One request to a Kubernetes API and its answer: timeouts, bounded retries, mapped errors.

The official client gives the configuration, credentials and connection pool; its own request
methods are not used, because they return nothing on 201, have no timeout by default and send a
GET up to four times.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit, urlunsplit

import urllib3
from urllib3.exceptions import HTTPError, NewConnectionError, ProtocolError

from seldon_deployer.cluster.failures import Call, Status, error_of, parse_status, unreachable
from seldon_deployer.errors import ClusterError

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_SECONDS = 5.0
READ_TIMEOUT_SECONDS = 30.0
# Waits between the attempts of a call that may be repeated.
RETRY_DELAYS_SECONDS = (0.1, 0.5, 1.5)
LONGEST_RETRY_AFTER_SECONDS = 5.0

_TIMEOUT = urllib3.Timeout(connect=CONNECT_TIMEOUT_SECONDS, read=READ_TIMEOUT_SECONDS)


class Transport:
    """Sends requests with the credentials and connection pool of an `ApiClient`.

    Thread-safe, as urllib3's pool is.
    """

    def __init__(self, api_client: Any, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._api_client = api_client
        self._sleep = sleep

    @property
    def server(self) -> str:
        """The address of the API server, without the credentials that may stand in it."""
        return self._address[0]

    @property
    def _address(self) -> tuple[str, str | None]:
        # Read anew each time: a client that refreshes itself may change it.
        parts = urlsplit(str(self._api_client.configuration.host).rstrip("/"))
        credentials, _, host = parts.netloc.rpartition("@")
        return urlunsplit(parts._replace(netloc=host)), unquote(credentials) or None

    def call(
        self,
        method: str,
        path: str,
        call: Call,
        *,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = "application/json",
        repeatable: bool = True,
    ) -> Any:
        """Send and return the parsed JSON answer.

        Repeated a few times while there is no connection or the API says it is busy, unless
        `repeatable` is False. Raises the error of the answer, or ClusterUnreachable.
        """
        delays = RETRY_DELAYS_SECONDS if repeatable else ()
        for delay in (*delays, None):
            try:
                response = self._send(method, path, params, body, content_type)
            except (NewConnectionError, ProtocolError) as error:
                # Refused, or cut before the answer: an idle connection that the server closed.
                if delay is None:
                    raise unreachable(error, self.server, call) from error
                self._sleep(delay)
                continue
            except HTTPError as error:
                raise unreachable(error, self.server, call) from error
            if response.status < 300:
                return _parsed(response.data, self.server)
            status = parse_status(response.status, response.data)
            if delay is None or not _is_passing(status):
                raise error_of(status, call)
            asked = status.retry_after_seconds or _seconds(response.headers.get("Retry-After"))
            self._sleep(min(max(delay, asked), LONGEST_RETRY_AFTER_SECONDS))
        raise AssertionError("the last attempt returns or raises")

    def open(
        self,
        path: str,
        call: Call,
        *,
        params: Mapping[str, str] | None = None,
        read_timeout_seconds: float | None,
    ) -> urllib3.BaseHTTPResponse:
        """Open a stream; the caller closes it. No read timeout when None.

        Raises the error of an answer of 300 or more, or ClusterUnreachable.
        """
        timeout = urllib3.Timeout(connect=CONNECT_TIMEOUT_SECONDS, read=read_timeout_seconds)
        try:
            response = self._send("GET", path, params, timeout=timeout, preload=False)
            if response.status < 300:
                return response
            status = parse_status(response.status, response.data)
        except HTTPError as error:
            raise unreachable(error, self.server, call) from error
        response.release_conn()
        raise error_of(status, call)

    def close(self) -> None:
        """Close the idle connections."""
        self._api_client.rest_client.pool_manager.clear()

    def _send(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        body: Any = None,
        content_type: str = "application/json",
        *,
        timeout: urllib3.Timeout = _TIMEOUT,
        preload: bool = True,
    ) -> urllib3.BaseHTTPResponse:
        headers = dict(self._api_client.default_headers)
        headers["Accept"] = "application/json"
        server, credentials = self._address
        if credentials is not None:
            headers |= urllib3.make_headers(basic_auth=credentials)
        self._api_client.update_params_for_auth(headers, [], ["BearerToken"])
        if body is not None:
            headers["Content-Type"] = content_type
        query = urlencode({key: value for key, value in (params or {}).items() if value})
        url = f"{server}{path}?{query}" if query else server + path
        log.debug("%s %s", method, url)
        response: urllib3.BaseHTTPResponse = self._api_client.rest_client.pool_manager.request(
            method,
            url,
            body=None if body is None else json.dumps(body).encode(),
            headers=headers,
            timeout=timeout,
            retries=False,
            redirect=False,
            preload_content=preload,
        )
        return response


def _is_passing(status: Status) -> bool:
    """Whether the API says that the same call may succeed in a moment."""
    if status.code in {429, 503}:
        return True
    return status.code in {500, 504} and status.reason == "ServerTimeout"


def _parsed(data: bytes, server: str) -> Any:
    try:
        return json.loads(data)
    except ValueError as error:
        raise ClusterError(
            f"{server} does not answer like a Kubernetes API",
            why="its answer is not JSON",
            hint="check `server:` of the cluster in your kubeconfig",
        ) from error


def _seconds(text: str | None) -> float:
    return float(text) if text is not None and text.isdecimal() else 0.0
