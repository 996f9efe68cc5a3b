"""What the schemas of all stores share: reading, checking and giving out the keys."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from base64 import b64decode
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, ClassVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, SecretStr, model_validator

from seldon_deployer.errors import ConfigError

Values = dict[str, SecretStr]

_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")

_NO_KEY = " is no key of "


class Credentials(BaseModel, ABC):
    """The credentials of one store, under the keys that rclone knows, in lower case.

    Making one checks it and raises ConfigError, which tells of every mistake and holds no value.
    An empty text is the same as a key that is left out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    schema_name: ClassVar[str]
    # What every key of the schema begins with.
    prefix: ClassVar[str]
    # What rclone calls the store.
    remote_type: ClassVar[str]
    flags: ClassVar[frozenset[str]] = frozenset()
    json_keys: ClassVar[frozenset[str]] = frozenset()
    url_keys: ClassVar[frozenset[str]] = frozenset()
    number_keys: ClassVar[frozenset[str]] = frozenset()
    # What users may write and rclone does not know: `completed` turns them into what it knows.
    translated_keys: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def keys(cls) -> list[str]:
        """The keys of the schema, as users write them."""
        return [*cls.model_fields, *sorted(cls.prefix + key for key in cls.translated_keys)]

    def environment(self) -> Values:
        """What rclone reads from the environment: RCLONE_CONFIG_* and its value."""
        found = ((key, getattr(self, key)) for key in type(self).model_fields)
        return {key.upper(): value for key, value in found if value is not None}

    @classmethod
    @abstractmethod
    def problems(cls, given: Values) -> Iterator[str]:
        """What cannot be about the keys together; `given` is without the prefix and well-formed."""

    @classmethod
    @abstractmethod
    def completed(cls, given: Values) -> Values:
        """The keys as rclone needs them; `given` is without the prefix and valid."""

    @abstractmethod
    def ending(self) -> str:
        """Why these end by themselves, so that a pod that starts later has none; '' if not."""

    def text(self, key: str) -> str:
        """The value of a key, given without the prefix; '' where there is none."""
        value = getattr(self, self.prefix + key)
        return "" if value is None else str(value.get_secret_value())

    @model_validator(mode="before")
    @classmethod
    def _check(cls, given: Any) -> dict[str, SecretStr]:
        if not isinstance(given, Mapping):
            raise cls._error(["the keys are no mapping"])
        values, problems = cls._read(given)
        kind = values.get("type")
        if kind is not None and kind.get_secret_value() != cls.remote_type:
            problems.append(f"{cls.prefix}type must be {cls.remote_type}")
        # An unreadable key would be missing to the rules: they are for readable sets alone.
        problems = problems or list(cls.problems(values))
        if problems:
            raise cls._error(problems)
        complete = {"type": SecretStr(cls.remote_type), **cls.completed(values)}
        return {cls.prefix + key: value for key, value in complete.items()}

    @classmethod
    def _read(cls, given: Mapping[Any, Any]) -> tuple[Values, list[str]]:
        """The values that are not empty, without the prefix, and what is wrong with the others."""
        values: Values = {}
        problems: list[str] = []
        known = cls.keys()
        for number, (key, raw) in enumerate(given.items(), start=1):
            if key not in known:
                problems.append(cls._unknown(key, number))
                continue
            text, problem = cls._read_value(key.removeprefix(cls.prefix), raw)
            if problem:
                problems.append(f"{key} {problem}")
            elif text:
                values[key.removeprefix(cls.prefix)] = SecretStr(text)
        return values, problems

    @classmethod
    def _read_value(cls, key: str, raw: Any) -> tuple[str, str]:
        """The value as text, or what is wrong with it."""
        if isinstance(raw, SecretStr):
            raw = raw.get_secret_value()
        if raw is None or raw == "":
            return "", ""
        if key in cls.flags:
            text = str(raw).lower() if isinstance(raw, (bool, str)) else ""
            return text, "" if text in {"true", "false"} else "must be true or false"
        if key in cls.json_keys:
            text = _one_line_json(raw)
            return text, "" if text else _why_no_json(raw)
        if key in cls.number_keys and type(raw) is int:
            return str(raw), ""
        if not isinstance(raw, str):
            # A number would lose its leading zeros, a date its form.
            return "", "must be text: put it in quotes"
        if raw != raw.strip() or not raw.isprintable():
            return "", "has a space at an end, a line break, or a character that nobody sees"
        if key in cls.url_keys and not is_url(raw):
            return "", "must begin with https:// or http:// and a host"
        return raw, ""

    @classmethod
    def _unknown(cls, key: Any, number: int) -> str:
        # A key may be a value with a forgotten space before it: only what looks like a key is told.
        if not (isinstance(key, str) and _KEY.fullmatch(key)):
            return f"key number {number}{_NO_KEY}{cls.schema_name}"
        similar = get_close_matches(key.lower(), cls.keys(), n=1)
        meant = f" (did you mean {similar[0]}?)" if similar else ""
        return f"{key}{_NO_KEY}{cls.schema_name}{meant}"

    @classmethod
    def _error(cls, problems: list[str]) -> ConfigError:
        return ConfigError(
            f"these {cls.schema_name} credentials cannot work",
            why="; ".join(problems),
            hint=f"the keys of {cls.schema_name}: {', '.join(cls.keys())}"
            if any(_NO_KEY in problem for problem in problems)
            else f"secrets/{cls.schema_name.removeprefix('seldon_')}.example.yaml tells what each "
            "key takes",
        )


def is_true(given: Values, key: str) -> bool:
    """Whether a flag is given as true."""
    return key in given and given[key].get_secret_value() == "true"


def is_url(text: str) -> bool:
    """Whether a text is an http:// or https:// address with a host."""
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        return False


def _one_line_json(raw: Any) -> str:
    """The JSON object in one line, as the environment wants it; '' when it is none.

    Base64 of it is taken too: so do Terraform and Google's own API give out keys.
    """
    try:
        value = json.loads(_plain(raw)) if isinstance(raw, str) else raw
        return json.dumps(value) if isinstance(value, dict) and value else ""
    except (TypeError, ValueError, RecursionError):
        return ""


def _why_no_json(raw: Any) -> str:
    # So the templates come, and so a key of Terraform does that has not been made yet.
    if raw in ({}, []) or (isinstance(raw, str) and raw.split() in (["{}"], ["{", "}"])):
        return "is empty: paste the JSON in its place"
    return "is no JSON object"


def _plain(text: str) -> str:
    # No JSON object is base64: it would have to begin with a brace.
    return text if text.lstrip().startswith("{") else b64decode(text, validate=True).decode()
