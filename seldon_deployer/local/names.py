"""Names that the server makes."""

from __future__ import annotations

import secrets

# Without vowels and look-alikes, as Kubernetes has it: no words come out.
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_SUFFIX_LENGTH = 5
_MAX_BASE_LENGTH = 63 - _SUFFIX_LENGTH


def generate_name(base: str) -> str:
    """Make a name of `generateName`: the base, cut, and five random characters."""
    suffix = "".join(secrets.choice(_ALPHABET) for _ in range(_SUFFIX_LENGTH))
    return base[:_MAX_BASE_LENGTH] + suffix
