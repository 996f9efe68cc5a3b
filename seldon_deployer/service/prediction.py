"""The prediction client: one URL, kept connections, an error of its own for each failure."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NewConnectionError,
    ProtocolError,
    ReadTimeoutError,
    SSLError,
)

from seldon_deployer.errors import PayloadError, PredictionError
from seldon_deployer.payload import Message

CONNECT_TIMEOUT_SECONDS = 5.0
_REASON_LIMIT = 500
_POOL_SIZE = 16


class PredictionClient:
    """Asks one service for predictions. Safe to use from several threads."""

    def __init__(self, name: str, url: str) -> None:
        self._name = name
        self._url = url
        self._pool = urllib3.PoolManager(maxsize=_POOL_SIZE, retries=False)

    def ask(self, request: Message, *, timeout_seconds: float) -> Message:
        """Send a whole message, return the whole answer. Raises PredictionError."""
        response = self._send(_encode(request), timeout_seconds)
        answer = self._decode(response)
        if response.status != 200 or _says_failure(answer):
            raise self._refused(response.status, answer)
        if not isinstance(answer, dict):
            raise self._not_a_message(response)
        return answer

    def read(self, read: Callable[..., Any], answer: Message, **options: Any) -> Any:
        """Read an answer's value. Raises PredictionError where there is none."""
        try:
            return read(answer, **options)
        except PayloadError as error:
            raise PredictionError(
                f"{self._name} answered with a message that has no readable data",
                why=error.what,
                hint="send a whole message (a dict) to get the whole answer",
                status=200,
            ) from error

    def close(self) -> None:
        """Close the kept connections. The client stays usable."""
        self._pool.clear()

    def _send(self, body: bytes, timeout_seconds: float) -> urllib3.BaseHTTPResponse:
        timeout = urllib3.Timeout(
            connect=min(CONNECT_TIMEOUT_SECONDS, timeout_seconds), read=timeout_seconds
        )
        headers = {"Content-Type": "application/json"}
        # A kept connection may be closed just as it is used again; a prediction changes nothing,
        # so that it may be asked for a second time.
        for is_last in (False, True):
            try:
                return self._pool.request(
                    "POST", self._url, body=body, headers=headers, timeout=timeout
                )
            except ReadTimeoutError as error:
                raise PredictionError(
                    f"{self._name} did not answer within {timeout_seconds:g} s",
                    why="the prediction takes longer, or the service hangs",
                    hint=f"allow more time, or see `seldon-deployer logs {self._name}`",
                ) from error
            except ProtocolError as error:
                if is_last:
                    raise self._unreachable(
                        "the connection was closed without an answer"
                    ) from error
            except (NewConnectionError, ConnectTimeoutError, SSLError) as error:
                raise self._unreachable(_transport_reason(error)) from error
            except HTTPError as error:
                raise self._unreachable(type(error).__name__) from error
        raise AssertionError("the loop returns or raises")

    def _decode(self, response: urllib3.BaseHTTPResponse) -> Any:
        try:
            return json.loads(response.data)
        except ValueError as error:
            if response.status == 200:
                raise self._not_a_message(response) from error
            return None

    def _refused(self, status: int, answer: Any) -> PredictionError:
        why = _reason(answer) or f"HTTP {status}"
        if status in {401, 403}:
            hint = "the way to the service asks for credentials that this client does not have"
        elif status == 400:
            hint = "correct the data"
        elif status == 503:
            hint = (
                "where its pods are starting it answers in a moment; "
                f"`seldon-deployer status {self._name}` shows them"
            )
        elif status in {404, 502, 504}:
            hint = f"see `seldon-deployer status {self._name}`"
        else:
            hint = f"see `seldon-deployer logs {self._name}`"
        what = f"{self._name} answered with HTTP {status}"
        if status == 200:
            what = f"{self._name} answered with a failure"
        return PredictionError(what, why=why, hint=hint, status=status)

    def _not_a_message(self, response: urllib3.BaseHTTPResponse) -> PredictionError:
        kind = response.headers.get("Content-Type") or "no content type"
        return PredictionError(
            f"{self._name} answered with something that is no message",
            why=f"{len(response.data)} bytes of {kind}",
            hint="check that the base URL leads to Seldon's ingress, and not to another server",
            status=response.status,
        )

    def _unreachable(self, why: str) -> PredictionError:
        return PredictionError(
            f"{self._name} cannot be reached at {self._url}",
            why=why,
            hint=f"see `seldon-deployer status {self._name}`, and check the base URL",
        )


def _encode(request: Message) -> bytes:
    try:
        return json.dumps(request, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError) as error:
        raise PayloadError("the message cannot be sent as JSON", why=str(error)) from error


def _says_failure(answer: Any) -> bool:
    """Whether a message calls itself failed: an orchestrator passes these on with HTTP 200."""
    status = answer.get("status") if isinstance(answer, dict) else None
    return isinstance(status, dict) and status.get("status") in (1, "FAILURE")


def _reason(answer: Any) -> str:
    """Find the reason in an error of Seldon's or V2's form; '' when it has another."""
    if not isinstance(answer, dict):
        return ""
    status = answer.get("status")
    if isinstance(status, dict):
        info, reason = status.get("info"), status.get("reason")
        words = str(info or reason or "")
        if info and reason:
            words = f"{info} ({reason})"
    else:
        words = str(answer.get("error") or "")
    return words if len(words) <= _REASON_LIMIT else f"{words[:_REASON_LIMIT]}..."


def _transport_reason(error: HTTPError) -> str:
    # urllib3 counts a refused connection among the timeouts.
    if isinstance(error, ConnectTimeoutError) and not isinstance(error, NewConnectionError):
        return "no connection within the time allowed"
    if isinstance(error, SSLError):
        return "TLS failed: the certificate is not trusted, or the server speaks plain HTTP"
    cause = error.__cause__ or error.__context__
    if isinstance(cause, ConnectionRefusedError):
        return "connection refused: nothing listens there"
    return str(cause.strerror or cause) if isinstance(cause, OSError) else str(error)
