"""Which Secret: one rule, and one line that tells what it found."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_deployer.deployer.credentials import StorageCredentials, choose_secret
from seldon_deployer.errors import ConfigError
from seldon_deployer.secrets import parse_credentials

CANARY = "canary5Lp"
KEYS = parse_credentials(
    "seldon_s3",
    {"rclone_config_s3_access_key_id": CANARY, "rclone_config_s3_secret_access_key": CANARY},
)
MADE = StorageCredentials("made", KEYS, source="the ZenML secret minio")
STORED = StorageCredentials("stored", KEYS, source="the artifact store s3_store")


@given(
    secret_name=st.sampled_from([None, "", "configured"]),
    made_from=st.sampled_from([None, MADE]),
    existing=st.sampled_from([None, "", "existing"]),
    stored=st.sampled_from([None, STORED]),
)
def test_the_first_that_is_given_wins(secret_name, made_from, existing, stored):
    choice = choose_secret(
        secret_name=secret_name, made_from=made_from, existing=existing, of_store=lambda: stored
    )
    given_names = [
        secret_name,
        made_from and made_from.name,
        existing,
        stored and stored.name,
    ]
    assert choice.name == next(filter(None, given_names), None)
    by_name = {"made": MADE, "stored": STORED}
    assert choice.made_from is by_name.get(choice.name)
    assert "\n" not in choice.told
    assert (choice.name or "their own identity") in choice.told
    if choice.made_from:
        assert choice.made_from.source in choice.told


def test_the_artifact_store_is_asked_only_where_nothing_else_is_given():
    def refuse():
        raise ConfigError("its token is temporary")

    assert choose_secret(existing="there", of_store=refuse).name == "there"
    with pytest.raises(ConfigError, match="temporary"):
        choose_secret(of_store=refuse)


def test_no_value_is_in_what_is_told_or_shown():
    choice = choose_secret(made_from=MADE)
    assert CANARY not in f"{choice.told}{choice!r}{MADE!r}"
