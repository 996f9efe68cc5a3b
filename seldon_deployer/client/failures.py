"""An answer that is no prediction, or none at all, as an error that says who said what."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from seldon_deployer.client.messages import Call, NoReply, Reply
from seldon_deployer.errors import PredictionError

_REASON_LIMIT = 500
_SERVER_LIMIT = 40
# What a unit that works says of some data and not of other.
_OF_DATA = frozenset({200, 400, 413, 422, 500})
_OF_SIZE = frozenset({413})
# Seldon's own words for what the code of a unit returned; it answers them as if the data were bad.
_OF_RETURNED = "Unknown data type returned as payload"


def read_json(reply: Reply) -> Any:
    """The JSON of an answer; None where it is none. NaN is read: Seldon's own server writes it."""
    try:
        return json.loads(reply.body)
    except (ValueError, RecursionError):
        return None


def says_failure(message: Any) -> bool:
    """Whether a message calls itself failed: an orchestrator passes these on with HTTP 200."""
    status = message.get("status") if isinstance(message, dict) else None
    return isinstance(status, dict) and status.get("status") in (1, "FAILURE")


def refusal(name: str, call: Call, reply: Reply) -> PredictionError:
    """The error for an answer that is none of the expected."""
    message = read_json(reply)
    if 300 <= reply.status < 400:
        return _redirected(name, call, reply)
    if reply.status in {401, 403}:
        return _error(
            name,
            reply,
            _reason(message) or _describe(reply),
            "the way to the service asks for credentials: give auth (on the command line "
            "--token-file), or others than these",
        )
    if reason := _reason(message):
        return _told(name, call, reply, message, reason)
    return _error(name, reply, _describe(reply), _hint(name, call, reply.status))


def no_message(name: str, call: Call, reply: Reply) -> PredictionError:
    """The error for a 200 that is no message."""
    hint = "check that the URL leads to Seldon's ingress, and not to another server"
    if "html" in reply.headers.get("content-type", ""):
        hint = (
            f"a web page, perhaps for logging in, answers at {call.url}: give auth, or check the "
            "URL"
        )
    return PredictionError(
        f"{name} answered with something that is no message",
        why=_describe(reply),
        hint=hint,
        status=reply.status,
    )


def unreadable(name: str, why: str) -> PredictionError:
    """The error for a message without data that can be read."""
    return PredictionError(
        f"{name} answered with a message that has no readable data",
        why=why,
        hint="send a whole message (a dict) to get the whole answer",
        status=200,
    )


def unanswered(name: str, call: Call, failure: NoReply, timeout_seconds: float) -> PredictionError:
    """The error for no answer."""
    if failure.is_timeout:
        return PredictionError(
            f"{name} did not answer within {timeout_seconds:g} s",
            why="it takes longer, or the service hangs",
            hint=f"allow more time, or see `seldon-deployer logs {name}`",
        )
    if failure.is_sent:
        return PredictionError(
            f"{name} got the request, and its answer was lost",
            why=failure.why,
            hint="the request was not sent again, as it may have been worked on: ask again, or "
            "allow that with Retries(after_sending=True)"
            if call.is_repeatable
            else "whether it counted is not known",
        )
    return PredictionError(
        f"{name} cannot be reached at {call.url}",
        why=failure.why,
        hint=failure.hint or f"see `seldon-deployer status {name}`, and check the base URL",
    )


def _told(name: str, call: Call, reply: Reply, message: Any, reason: str) -> PredictionError:
    """An error in the form of Seldon or V2: from the orchestrator or from a unit."""
    what = f"{name} answered with {reply.told_status}"
    if reply.status == 200:
        what = f"{name} answered with a failure"
    is_of_data = reply.status in _OF_DATA and not _is_orchestrators(message)
    if _is_orchestrators(message):
        what += " from its orchestrator"
        hint = f"a unit does not answer as it should: see `seldon-deployer logs {name}`"
    elif _OF_RETURNED in reason:
        hint = (
            "the unit's own code returned that: have it return an array or a list, or with "
            "protocol seldon a dict, a text or bytes"
        )
    else:
        hint = _hint(name, None, reply.status)
        is_refused = is_of_data and reply.status not in _OF_SIZE
        if is_refused and (doubt := call.doubt()):
            # A model that fails is as likely to have failed over these data.
            hint = f"{doubt}; or {hint}" if reply.status == 500 else doubt
    return PredictionError(what, why=reason, hint=hint, status=reply.status, is_of_data=is_of_data)


def _is_orchestrators(message: Any) -> bool:
    # Units give a reason beside the info, and write the status as a number.
    status = message.get("status") if isinstance(message, dict) else None
    return (
        isinstance(status, dict)
        and status.get("status") == "FAILURE"
        and not status.get("reason")
        and status.get("code") == 500
    )


def _hint(name: str, call: Call | None, status: int) -> str:
    see_status = f"see `seldon-deployer status {name}`"
    if status == 404 and call is not None:
        return (
            f"nothing takes {urlsplit(call.url).path} there: check namespace, name, protocol and "
            f"base URL; {see_status}"
        )
    if 200 < status < 300:
        return (
            "an orchestrator takes every status but 200 for a failure and stops there: have the "
            "unit answer 200"
        )
    hints = {
        400: "correct the data",
        404: see_status,
        405: "the URL is not the one that takes this request: check the base URL",
        408: "allow more time, or send less at once",
        413: "send fewer rows at once, or allow larger requests at the ingress",
        415: "check that the URL leads to Seldon's ingress, and not to another server",
        422: "correct the data",
        429: "send fewer requests at once",
        502: f"the ingress got no answer from its pods: {see_status}",
        503: f"where its pods are starting it answers in a moment; {see_status}",
        504: f"the model takes longer than the ingress waits: {see_status}",
    }
    return hints.get(status, f"see `seldon-deployer logs {name}`")


def _redirected(name: str, call: Call, reply: Reply) -> PredictionError:
    # What follows ? may be the state of a login.
    there, here = urlsplit(reply.headers.get("location", "")), urlsplit(call.url)
    place = urlunsplit((there.scheme, there.netloc.rpartition("@")[2], there.path, "", ""))
    hint = "a page for logging in stands before it: give auth"
    if there.hostname == here.hostname and there.path == here.path:
        hint = f"use {place}"
    return _error(name, reply, f"it leads to {place[:200] or 'nowhere'}", hint)


def _error(name: str, reply: Reply, why: str, hint: str) -> PredictionError:
    what = f"{name} answered with {reply.told_status}"
    is_of_data = reply.status in _OF_SIZE
    return PredictionError(what, why=why, hint=hint, status=reply.status, is_of_data=is_of_data)


def _reason(message: Any) -> str:
    """Find the reason in an error of Seldon's, V2's or MLServer's form; '' in another."""
    if not isinstance(message, dict):
        return ""
    status = message.get("status")
    if isinstance(status, dict):
        info, reason = status.get("info"), status.get("reason")
        words = str(info or reason or "")
        if info and reason:
            words = f"{info} ({reason})"
    else:
        told = message.get("error") or message.get("detail")
        # Validators tell a list of faults.
        words = told if isinstance(told, str) else json.dumps(told) if told else ""
    return words if len(words) <= _REASON_LIMIT else f"{words[:_REASON_LIMIT]}..."


def _describe(reply: Reply) -> str:
    """What came, without its content: that may be anything, and anybody's."""
    kind = reply.headers.get("content-type") or "no content type"
    server = reply.headers.get("server", "")[:_SERVER_LIMIT]
    by = f" from {server}" if server.isprintable() and server else ""
    return f"{len(reply.body)} bytes of {kind}{by}"
