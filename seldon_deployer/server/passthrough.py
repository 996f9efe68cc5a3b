"""`PAYLOAD_PASSTHROUGH`: what is no message of Seldon's goes to `predict_raw` as it came.

Source: Seldon Core v1.17.1, Python wrapper.
"""

from __future__ import annotations

from collections.abc import Callable

from seldon_deployer.server.calls import Steps
from seldon_deployer.server.component import Component
from seldon_deployer.server.form import MULTIPART
from seldon_deployer.server.replies import Replies, Reply
from seldon_deployer.server.request import Scope, content_type, find_text


def answer_bytes(
    component: Component,
    replies: Replies,
    otherwise: Callable[[Scope, bytes], Steps[Reply]],
    scope: Scope,
    body: bytes,
) -> Steps[Reply]:
    """Answer a request by `predict_raw` of its bytes, or of the text in its argument `json`.

    What it returns as text or bytes is the body of the answer; a dict is a message, as always.
    otherwise: for forms of several parts, which are messages, and for classes that answer none
    whole. Raises UnitError.
    """
    if not content_type(scope).lower().startswith(MULTIPART):
        answer = component.call_bytes("predict", find_text(scope, body) or body)
        if isinstance(answer, dict):
            return replies.message(scope["path"], answer)
        if answer is not None:
            return replies.document(answer)
    return (yield from otherwise(scope, body))
