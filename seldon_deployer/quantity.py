"""How Kubernetes writes an amount of CPU or memory: `500m`, `1Gi`, `1e3`."""

from __future__ import annotations

import re
from decimal import Decimal

# In its own words.
QUANTITY_PATTERN = (
    r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))"
    r"(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$"
)

_QUANTITY = re.compile(QUANTITY_PATTERN)
_NUMBER = re.compile(r"[-+]?[0-9.]+")
_POWERS = {
    **{unit: Decimal(10) ** (3 * power) for power, unit in enumerate("kMGTPE", start=1)},
    **{f"{unit}i": Decimal(1024) ** power for power, unit in enumerate("KMGTPE", start=1)},
    "m": Decimal("1e-3"),
    "u": Decimal("1e-6"),
    "n": Decimal("1e-9"),
}


def read_quantity(text: str) -> Decimal:
    """How much a text is, in cores or bytes; raises ValueError for what is no quantity."""
    number = _NUMBER.match(text)
    if not number or not _QUANTITY.match(text):
        raise ValueError(f"{text!r} is no quantity such as 500m")
    unit = text[number.end() :]
    return Decimal(number[0]) * _POWERS[unit] if unit in _POWERS else Decimal(text)
