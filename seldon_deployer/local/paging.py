"""Lists in pages: `limit` and `continue`."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

from seldon_deployer.local.status import bad_request

Object = dict[str, Any]


@dataclass(frozen=True)
class Page:
    """Some objects of a list, and what its ListMeta says of the rest."""

    objects: list[Object]
    metadata: Object


def page_of(objects: list[Object], version: str, limit: str, token: str) -> Page:
    """Cut one page; a token goes on after the last object of the page before.

    The pages of one list show the objects as they are when each is read. Raises ApiError 400.
    """
    if limit and not limit.isdecimal():
        raise bad_request(f'strconv.ParseInt: parsing "{limit}": invalid syntax')
    if token:
        version, after = _read_token(token)
        objects = [obj for obj in objects if _place(obj) > after]
    metadata: Object = {"resourceVersion": version}
    size = int(limit or 0)
    if size and len(objects) > size:
        metadata["continue"] = _write_token(version, _place(objects[size - 1]))
        metadata["remainingItemCount"] = len(objects) - size
        objects = objects[:size]
    return Page(objects, metadata)


def _place(obj: Object) -> tuple[str, str]:
    metadata = obj["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


def _write_token(version: str, place: tuple[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps([version, *place]).encode()).decode()


def _read_token(token: str) -> tuple[str, tuple[str, str]]:
    try:
        version, namespace, name = json.loads(base64.urlsafe_b64decode(token))
    except (binascii.Error, ValueError) as error:
        raise bad_request("continue key is not valid: it was not made by this server") from error
    return version, (namespace, name)
