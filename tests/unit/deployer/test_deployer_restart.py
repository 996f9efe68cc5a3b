"""Restarts as revisions: what an update keeps of them, and what a restart changes."""

from __future__ import annotations

from copy import deepcopy

from hypothesis import given
from hypothesis import strategies as st

from seldon_deployer.deployer.restart import keep_restarts, with_secret_version
from seldon_deployer.manifest.revision import revisions

SECRETS = st.sampled_from([None, "s", "t"])
REVISIONS = st.text("0123456789abcdef", min_size=16, max_size=16)
VERSIONS = st.integers(1, 10**9).map(str)


def sdep(**predictors):
    """By name: (revision, Secret)."""
    spec = [
        {
            "name": name,
            "annotations": {"seldon-deployer/revision": revision},
            "graph": {"name": "u", **({"envSecretRefName": secret} if secret else {})},
        }
        for name, (revision, secret) in predictors.items()
    ]
    fields = {"f:spec": {"f:predictors": {}}}
    entry = {"manager": "seldon-deployer", "operation": "Apply", "fieldsV1": fields}
    metadata = {"name": "iris", "namespace": "n", "managedFields": [entry]}
    return {"apiVersion": "v1", "kind": "K", "metadata": metadata, "spec": {"predictors": spec}}


PREDICTORS = st.dictionaries(
    st.sampled_from(["default", "canary"]), st.tuples(REVISIONS, SECRETS), min_size=1
)


@given(predictors=PREDICTORS, version=VERSIONS)
def test_a_restart_is_another_revision_of_whom_it_concerns_and_of_nobody_else(predictors, version):
    live = sdep(**predictors)
    before = deepcopy(live)
    restarted = with_secret_version(live, "s", version)
    for name, (revision, secret) in predictors.items():
        expected = f"{revision}.{version}" if secret == "s" else revision
        assert revisions(restarted)[name] == expected
    assert live == before
    # The same version again is the same revision: nothing starts.
    live["spec"] = restarted["spec"]
    assert with_secret_version(live, "s", version)["spec"] == restarted["spec"]


@given(predictors=PREDICTORS, version=VERSIONS, update=PREDICTORS)
def test_an_update_keeps_the_restarts_of_those_that_keep_their_secret(predictors, version, update):
    restarted = with_secret_version(sdep(**predictors), "s", version)
    manifest = sdep(**update)
    kept = revisions(keep_restarts(manifest, restarted))
    for name, (revision, secret) in update.items():
        was_restarted = predictors.get(name, ("", None))[1] == "s"
        expected = f"{revision}.{version}" if was_restarted and secret == "s" else revision
        assert kept[name] == expected


@given(predictors=PREDICTORS)
def test_where_nothing_was_restarted_nothing_is_changed(predictors):
    manifest = sdep(**predictors)
    assert keep_restarts(manifest, None) == manifest
    assert keep_restarts(manifest, sdep(**predictors)) == manifest
