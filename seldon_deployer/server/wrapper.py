"""What Seldon's Python wrapper is told besides, by flags and by the environment of its images."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from seldon_deployer.errors import UsageError

_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
_TRUE = {"y", "yes", "t", "true", "on", "1"}
_FALSE = {"n", "no", "f", "false", "off", "0"}
# Taken without effect: the flag, its variable, and why.
_WITHOUT_EFFECT = (
    ("keepalive", "GUNICORN_KEEPALIVE", "connections are kept open while the client wants them"),
    ("grpc_threads", "GRPC_THREADS", "--threads is for both protocols"),
    ("persistence", "PERSISTENCE", "it had none in Seldon's wrapper either"),
)


def add_wrapper_flags(parser: argparse.ArgumentParser) -> None:
    """Take the flags of `seldon-core-microservice` that have no place of their own.

    Several of them take a value or none, as there.
    """
    group = parser.add_argument_group("flags of Seldon's wrapper")
    group.add_argument("--log-level", choices=_LEVELS, help="default INFO, or SELDON_LOG_LEVEL")
    group.add_argument(
        "--debug", nargs="?", const=True, type=read_switch, help="as --log-level DEBUG"
    )
    group.add_argument("--single-threaded", type=int, metavar="N", help="1 is --threads 1")
    group.add_argument("--pidfile", metavar="FILE", help="where to write the process's id")
    for name, _variable, why in _WITHOUT_EFFECT:
        flag = f"--{name.replace('_', '-')}"
        group.add_argument(
            flag, nargs="?", const=1, type=int, metavar="N", help=f"no effect: {why}"
        )
    group.add_argument(
        "--strict-compat",
        action="store_true",
        help="answer as the wrapper does where that is a fault clients may count on",
    )


def read_wrapper_settings(
    given: argparse.Namespace, environment: Mapping[str, str]
) -> dict[str, Any]:
    """The settings that these flags and variables make. Raises UsageError."""

    def is_on(name: str, default: str = "") -> bool:
        return is_true(environment.get(name) or default)

    level = given.log_level or environment.get("SELDON_LOG_LEVEL", "").upper()
    if given.debug or is_on("SELDON_DEBUG"):
        level = "DEBUG"
    return {
        "log_level": level if level in _LEVELS else "INFO",
        "pidfile": given.pidfile,
        "shows_metrics": is_on("INCLUDE_METRICS_IN_CLIENT_RESPONSE", "true"),
        "metadata": _read_metadata(environment.get("MODEL_METADATA", "")),
        "without_effect": _without_effect(given, environment),
        "passes_bytes": is_on("PAYLOAD_PASSTHROUGH"),
        "is_strict": given.strict_compat or is_on("SELDON_DEPLOYER_STRICT_COMPAT"),
    }


def _without_effect(given: argparse.Namespace, environment: Mapping[str, str]) -> tuple[str, ...]:
    """What is asked for in vain, a sentence each."""
    flags = {
        f"--{name.replace('_', '-')}": why
        for name, _variable, why in _WITHOUT_EFFECT
        if getattr(given, name) is not None
    }
    variables = {
        variable: why
        for _name, variable, why in _WITHOUT_EFFECT
        # Images that Seldon's tools made say PERSISTENCE=0, and mean nothing by it.
        if environment.get(variable, "0") not in ("", "0")
    }
    told = flags | variables
    return tuple(f"{name} has no effect here: {why}" for name, why in told.items())


def read_switch(text: str) -> bool:
    """The value of a flag that is on or off, for argparse: another word is refused."""
    if text.strip().lower() in _TRUE | _FALSE:
        return is_true(text)
    raise argparse.ArgumentTypeError(f"{text!r} is neither 1 nor 0")


def is_true(text: str) -> bool:
    """Whether a variable is on, as Seldon's wrapper reads them."""
    return text.strip().lower() in _TRUE


def _read_metadata(text: str) -> dict[str, Any]:
    if not text.strip():
        return {}
    import yaml

    try:
        given = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UsageError("MODEL_METADATA is no YAML", why=str(error).replace("\n", " ")) from error
    if not isinstance(given, dict):
        raise UsageError(
            "MODEL_METADATA is no mapping", hint="write it as name: ..., versions: ..."
        )
    return given
