"""Kubernetes' own rules for names, keys and amounts, told in our words.

Each function returns what it was given, or raises ValueError that says what is wrong.
Source: Kubernetes 1.34, core/v1 validation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

from seldon_deployer import naming
from seldon_deployer.quantity import read_quantity

# Kubernetes says so of environment variables.
_ENV_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_DATA_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
GPU_RESOURCE = "nvidia.com/gpu"
_PORT_NAME = re.compile(r"(?=[a-z0-9-]*[a-z])[a-z0-9]+(-[a-z0-9]+)*")
_PERCENTAGE = re.compile(r"([0-9]|[1-9][0-9]|100)%")
_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")


def check_env_name(name: str) -> str:
    """The name of an environment variable."""
    if not _ENV_NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of an environment variable")
    return name


def check_data_key(key: str) -> str:
    """A key of a Secret."""
    if not _DATA_KEY.fullmatch(key) or key in (".", ".."):
        raise ValueError(f"{key!r} is no key of a Secret: letters, digits, '-', '_', '.'")
    return key


def check_object_name(name: str) -> str:
    """The name of a Secret, a service account or a claim."""
    if not naming.is_dns_subdomain(name):
        raise ValueError(
            f"{name!r} is no name of a Kubernetes object: lower-case letters, digits, '-', '.'"
        )
    return name


def check_dns_label(name: str) -> str:
    """The name of a container or a volume."""
    if len(name) > 63 or not _DNS_LABEL.fullmatch(name):
        raise ValueError(f"{name!r} is no name: at most 63 lower-case letters, digits, '-'")
    return name


def check_label_key(key: str) -> str:
    """A key of a label, an annotation or a node selector."""
    if not naming.is_label_key(key):
        raise ValueError(f"{key!r} is no key such as name or example.com/name")
    return key


def check_label_keys(mapping: Mapping[str, str]) -> None:
    """Keys of labels, annotations and node selectors."""
    for key in mapping:
        check_label_key(key)


def check_labels(labels: dict[str, str]) -> dict[str, str]:
    """Labels: keys and values."""
    check_label_keys(labels)
    for key, text in labels.items():
        if not naming.is_label_value(text):
            raise ValueError(
                f"{key}: {text!r} is no label value: at most 63 letters, digits, '-', '_', '.'"
            )
    return labels


def check_port(port: int | str) -> int | str:
    """A port's number or name."""
    if isinstance(port, int):
        if not 1 <= port <= 65535:
            raise ValueError(f"{port} is no port: 1 to 65535")
    elif len(port) > 15 or not _PORT_NAME.fullmatch(port):
        raise ValueError(f"{port!r} is no name of a port: at most 15 lower-case letters, digits")
    return port


def check_count(amount: int | str) -> int | str:
    """A number of pods, or a percentage of them."""
    if isinstance(amount, int):
        if amount < 0:
            raise ValueError(f"{amount} is less than 0")
    elif not _PERCENTAGE.fullmatch(amount):
        raise ValueError(f"{amount!r} is neither a number nor a percentage such as 50%")
    return amount


def check_path(path: str) -> str:
    """A path inside a volume: relative, and not out of it."""
    if path.startswith("/") or ".." in path.split("/"):
        raise ValueError(f"{path!r} is no relative path without '..'")
    return path


def check_resources(resources: Mapping[str, Mapping[str, str]]) -> None:
    """Requests and limits of a container: quantities, and no request above its limit."""
    for kind, sizes in resources.items():
        if kind not in ("requests", "limits"):
            raise ValueError(f"{kind!r} is neither requests nor limits")
        for resource, size in sizes.items():
            try:
                amount = read_quantity(size)
            except ValueError as error:
                raise ValueError(f"{kind}.{resource}: {error}") from None
            if amount < 0:
                raise ValueError(f"{kind}.{resource}: {size} is less than 0")
            _check_extended(kind, resource, size, amount)
    limits = resources.get("limits") or {}
    for resource, size in (resources.get("requests") or {}).items():
        limit = limits.get(resource)
        if limit is not None and read_quantity(size) > read_quantity(limit):
            raise ValueError(f"requests.{resource}: {size} is more than its limit {limit}")
        if _is_extended(resource) and (
            limit is None or read_quantity(size) != read_quantity(limit)
        ):
            raise ValueError(f"requests.{resource}: of a device, the request is the limit")


def _check_extended(kind: str, resource: str, size: str, amount: Decimal) -> None:
    if not naming.is_label_key(resource):
        raise ValueError(f"{kind}: {resource!r} is no name of a resource")
    if "/" not in resource and not (
        resource in ("cpu", "memory", "ephemeral-storage") or resource.startswith("hugepages-")
    ):
        raise ValueError(f"{kind}: {resource!r} is none of cpu, memory, ephemeral-storage")
    if _is_extended(resource) and amount != amount.to_integral_value():
        raise ValueError(f"{kind}.{resource}: {size} is no whole number")


def _is_extended(resource: str) -> bool:
    """Whether it is a device of a plugin, such as nvidia.com/gpu."""
    return "/" in resource and not resource.startswith("kubernetes.io/")
