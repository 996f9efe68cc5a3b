"""Messages in forms: `multipart/form-data`, a part for each field of the message. No I/O."""

from __future__ import annotations

import base64
from email.message import Message as MimePart
from email.parser import BytesParser
from email.policy import HTTP

from seldon_deployer.errors import PayloadError
from seldon_deployer.payload import Message
from seldon_deployer.server.encoding import decode_json

MULTIPART = b"multipart/form-data"


def read_multipart(content_type: bytes, body: bytes) -> Message:
    """Make a message of a form: `strData` is text, a file in `binData` bytes, all else JSON.

    Any other file is text, as with Seldon's wrapper. Of a repeated part the first one counts.
    content_type: the whole header, with the boundary. Raises PayloadError.
    Source: Seldon Core v1.17.1, Python wrapper, observed.
    """
    form = _parse(content_type, body)
    fields: Message = {}
    files: Message = {}
    for part in form:
        name = part.get_param("name", header="content-disposition")
        if not isinstance(name, str):
            raise PayloadError("a part of the form has no name")
        if part.get_filename() is None:
            fields.setdefault(name, _read_field(name, _content(name, part)))
        else:
            files.setdefault(name, _read_file(name, _content(name, part)))
    return fields | files


def _parse(content_type: bytes, body: bytes) -> list[MimePart]:
    try:
        form = BytesParser(policy=HTTP).parsebytes(
            b"Content-Type: " + content_type.replace(b"\n", b" ") + b"\r\n\r\n" + body
        )
    except (RecursionError, ValueError, LookupError) as error:
        raise PayloadError("the form cannot be read") from error
    # Without a boundary, or a first one, all of it is text.
    parts = form.get_payload()
    if not isinstance(parts, list):
        raise PayloadError("the form has no parts; is its boundary in the Content-Type?")
    return [part for part in parts if isinstance(part, MimePart)]


def _content(name: str, part: MimePart) -> bytes:
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        raise PayloadError(f"the part {name} of the form is a form or a mail itself")
    return content


def _read_field(name: str, content: bytes) -> object:
    if name == "strData":
        return _text(name, content)
    try:
        return decode_json(content)
    except PayloadError as error:
        raise PayloadError(f"the part {name} of the form is no JSON") from error


def _read_file(name: str, content: bytes) -> str:
    if name == "binData":
        return base64.b64encode(content).decode()
    return _text(name, content)


def _text(name: str, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise PayloadError(f"the part {name} of the form is no UTF-8 text") from error
