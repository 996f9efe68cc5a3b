"""A config.json that tells no task is not an error: the deployment may name one."""

from __future__ import annotations

import pytest

from seldon_deployer.artifacts.pretrained_task import find_task


@pytest.mark.parametrize(
    "config",
    [
        b"",
        b"\xff",
        b"[]",
        b"[" * 60_000,
        b'{"architectures": null}',
        b'{"architectures": [1, null]}',
        b'{"architectures": ["BertForMaskedLM", "BertForCausalLM"]}',
        b'{"architectures": ["BertForMaskedLM"]',
    ],
)
def test_no_task_follows_from_what_names_no_single_one(config):
    assert find_task(config) is None
