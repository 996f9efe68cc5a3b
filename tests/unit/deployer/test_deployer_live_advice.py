"""What only the live cluster knows: each rule speaks of its case, and of no other."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from seldon_deployer.deployer.live_advice import LIVE_RULES, check_live
from seldon_deployer.deployer.live_facts import LiveFacts
from seldon_deployer.deployer.live_secrets import LiveSecret, read_environment
from seldon_deployer.manifest.advice import RULES

S3 = {"RCLONE_CONFIG_S3_TYPE": SecretStr("s3")}
LASTING = S3 | {
    "RCLONE_CONFIG_S3_ACCESS_KEY_ID": SecretStr("key"),
    "RCLONE_CONFIG_S3_SECRET_ACCESS_KEY": SecretStr("secret"),
    "RCLONE_CONFIG_S3_PROVIDER": SecretStr("AWS"),
}
SESSION = LASTING | {"RCLONE_CONFIG_S3_SESSION_TOKEN": SecretStr("token")}
MINIO = {"RCLONE_CONFIG_MINIO_TYPE": SecretStr("s3")}


def there(name="s", environment=None, keys=()):
    environment = environment or {}
    return LiveSecret(name, "there", frozenset((*environment, *keys)), environment)


def sdep(uri="s3://b/m", secret="s", predictors=1, pod=None, component=None, **unit):
    graph = {"name": "u", "modelUri": uri, **unit}
    if secret:
        graph["envSecretRefName"] = secret
    parts = [{"spec": pod or {}, **(component or {})}]
    made = [{"name": f"p{n}", "graph": graph, "componentSpecs": parts} for n in range(predictors)]
    return {"metadata": {"name": "iris"}, "spec": {"predictors": made}}


PULL = {"imagePullSecrets": [{"name": "pull"}]}
KEY = {"containers": [{"env": [{"valueFrom": {"secretKeyRef": {"name": "k", "key": "key"}}}]}]}
FINE = {"s": there(environment=S3)}
KEDA = {"kedaSpec": {"triggers": []}}

# rule: (manifest, facts that it speaks of, facts that it passes)
CASES = {
    "missing-secret": (
        sdep(),
        LiveFacts({"s": LiveSecret("s", "missing")}),
        LiveFacts(FINE),
    ),
    "missing-secret-key": (
        sdep(pod=KEY),
        LiveFacts({**FINE, "k": there("k")}),
        LiveFacts({**FINE, "k": there("k", keys=["key"])}),
    ),
    "missing-pull-secret": (
        sdep(pod=PULL),
        LiveFacts({**FINE, "pull": LiveSecret("pull", "missing")}),
        LiveFacts({**FINE, "pull": there("pull")}),
    ),
    "secret-without-remote": (
        sdep(),
        LiveFacts({"s": there(environment=MINIO)}),
        LiveFacts(FINE),
    ),
    "remote-without-secret": (
        sdep(secret=None),
        LiveFacts(may_have_default_secret=False),
        None,
    ),
    "ending-credentials": (
        sdep(),
        LiveFacts({"s": there(environment=SESSION)}),
        LiveFacts({"s": there(environment=LASTING)}),
    ),
    "missing-service-account": (
        sdep(serviceAccountName="sa"),
        LiveFacts(FINE, {"sa": False}),
        LiveFacts(FINE, {"sa": True}),
    ),
    "missing-claim": (
        sdep("pvc://claim/m", None),
        LiveFacts(claims={"claim": False}),
        LiveFacts(claims={"claim": True}),
    ),
    "traffic-without-mesh": (
        sdep(predictors=2),
        LiveFacts(FINE, has_mesh=False),
        LiveFacts(FINE, has_mesh=True),
    ),
    "keda-missing": (
        sdep(component=KEDA),
        LiveFacts(FINE, has_keda=False),
        LiveFacts(FINE, has_keda=True),
    ),
}


def rules_of(manifest, facts, **options):
    return {each.rule: each.severity for each in check_live(manifest, facts, **options)}


def test_every_rule_has_a_case():
    assert set(CASES) == set(LIVE_RULES)


def test_no_rule_is_called_like_one_over_the_manifest_alone():
    assert not set(LIVE_RULES) & set(RULES)


@pytest.mark.parametrize("name", CASES)
def test_a_rule_speaks_of_its_case_and_passes_the_other(name):
    manifest, wrong, fine = CASES[name]
    assert rules_of(manifest, wrong) == {name: LIVE_RULES[name].severity}
    assert rules_of(manifest, wrong, ignore=[name]) == {}
    if fine is not None:
        assert rules_of(manifest, fine, strict=True) == {}


@pytest.mark.parametrize(
    ("manifest", "facts", "rule"),
    [
        (sdep(), LiveFacts({"s": LiveSecret("s", "hidden")}), "missing-secret"),
        (
            sdep(serviceAccountName="sa"),
            LiveFacts(FINE, {"sa": None}),
            "missing-service-account",
        ),
        (sdep("pvc://claim/m", None), LiveFacts(claims={"claim": None}), "missing-claim"),
        (sdep(secret=None), LiveFacts(), "remote-without-secret"),
    ],
)
def test_what_we_may_not_read_is_a_warning_and_under_strict_an_error(manifest, facts, rule):
    assert rules_of(manifest, facts) == {rule: "warning"}
    assert rules_of(manifest, facts, strict=True) == {rule: "error"}
    assert rules_of(manifest, facts, strict=True, ignore=[rule]) == {}


@pytest.mark.parametrize("uri", ["gs://b/m", "pvc://claim/m", "/mnt/models/m", "file:///m"])
def test_some_addresses_need_no_secret(uri):
    assert rules_of(sdep(uri, None), LiveFacts(claims={"claim": True})) == {}
    assert rules_of(sdep(uri), LiveFacts({"s": there()}, claims={"claim": True})) == {}


def test_a_remote_of_ones_own_needs_its_own_keys():
    assert rules_of(sdep("minio://b/m"), LiveFacts({"s": there(environment=MINIO)})) == {}
    assert rules_of(sdep("minio://b/m"), LiveFacts(FINE)) == {"secret-without-remote": "error"}
    assert rules_of(sdep("az://c/m"), LiveFacts(FINE)) == {"secret-without-remote": "error"}


@pytest.mark.parametrize(("uri", "is_store"), [("s3://b/m", True), ("models:/iris/1", False)])
def test_an_address_of_no_store_is_told_which_there_are(uri, is_store):
    [found] = check_live(sdep(uri, None), LiveFacts(may_have_default_secret=False))

    assert ("it is none of the stores s3, gs, azureblob" in found.message) is not is_store


def test_an_optional_secret_may_be_missing():
    optional = {"secretRef": {"name": "o", "optional": True}}
    pod = {"containers": [{"envFrom": [optional]}]}
    assert rules_of(sdep(pod=pod), LiveFacts({**FINE, "o": LiveSecret("o", "missing")})) == {}


def test_only_rclones_names_are_read_from_a_secret_and_no_value_is_shown():
    canary = "canary9Zz"
    data = {
        "RCLONE_CONFIG_S3_TYPE": "czM=",
        "RCLONE_CONFIG_S3_SECRET_ACCESS_KEY": "Y2FuYXJ5OVp6",
        "password": "Y2FuYXJ5OVp6",
        "RCLONE_CONFIG_S3_REGION": "not base64!",
        "RCLONE_CONFIG_S3_ENDPOINT": "/w==",
    }
    live = {"metadata": {"name": "s"}, "data": data}
    found = read_environment(live)
    assert set(found) == {"RCLONE_CONFIG_S3_TYPE", "RCLONE_CONFIG_S3_SECRET_ACCESS_KEY"}
    assert found["RCLONE_CONFIG_S3_SECRET_ACCESS_KEY"].get_secret_value() == canary
    whole = LiveSecret("s", "there", frozenset(data), found, live)
    assert canary not in repr(whole)
    assert "Y2FuYXJ5OVp6" not in repr(whole)
