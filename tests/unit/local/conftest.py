"""What the parts of the embedded runtime are tried on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from seldon_deployer.local.store import Store


@pytest.fixture
def store() -> Iterator[Store]:
    """A store in memory."""
    store = Store()
    yield store
    store.close()
