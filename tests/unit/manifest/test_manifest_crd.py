from __future__ import annotations

from typing import Any

from shared_data import SHARED, load_documents, needs_crd

from seldon_deployer.manifest.crd import build_crd, resource_schema
from seldon_deployer.manifest.generate import schema_of_models

TEXTS = {"description"}


def test_names_versions_and_subresources_are_seldons() -> None:
    crd = build_crd()
    spec = crd["spec"]

    assert crd["metadata"]["name"] == "seldondeployments.machinelearning.seldon.io"
    assert spec["names"]["shortNames"] == ["sdep"]
    assert [(one["name"], one["served"], one["storage"]) for one in spec["versions"]] == [
        ("v1", True, True),
        ("v1alpha2", True, False),
        ("v1alpha3", True, False),
    ]
    for version in spec["versions"]:
        assert version["subresources"]["scale"]["specReplicasPath"] == ".spec.replicas"
        assert version["subresources"]["status"] == {}


def test_the_shipped_schema_is_that_of_the_models() -> None:
    command = "python -m seldon_deployer.manifest.generate"

    assert resource_schema() == schema_of_models(), f"the models changed: run {command}"


def test_each_call_gives_a_schema_of_its_own() -> None:
    resource_schema()["properties"].clear()

    assert resource_schema()["properties"]


def test_the_schema_is_structural() -> None:
    for path, schema in walk(resource_schema(), ""):
        is_typed = "type" in schema or schema.get("x-kubernetes-int-or-string")
        assert is_typed, f"{path} has no type"


@needs_crd
def test_the_schema_says_what_seldons_own_says() -> None:
    theirs = load_documents(next((SHARED / "crd").glob("*.yaml")))[0]

    for version in theirs["spec"]["versions"]:
        differences = list(compare(resource_schema(), version["schema"]["openAPIV3Schema"], ""))

        # Details of volumes, metrics and constraints are kept whole instead of being spelt out.
        assert all(kept for _, kept in differences), differences


def walk(schema: dict[str, Any], path: str) -> Any:
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from walk(child, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from walk(schema[key], f"{path}[{key}]")


def compare(ours: dict[str, Any], theirs: dict[str, Any], path: str) -> Any:
    """(path, whether it is only that ours keeps unknown fields) for each difference."""
    whole = ours.get("x-kubernetes-preserve-unknown-fields", False)
    nested = {"properties", "items", "additionalProperties"}
    for key in (set(ours) | set(theirs)) - nested - TEXTS:
        if ours.get(key) != theirs.get(key) and key != "x-kubernetes-preserve-unknown-fields":
            yield f"{path} {key}", whole and key not in ours
    our_names, their_names = set(ours.get("properties", {})), set(theirs.get("properties", {}))
    for name in our_names ^ their_names:
        yield f"{path}.{name}", whole and name in their_names
    for name in our_names & their_names:
        yield from compare(ours["properties"][name], theirs["properties"][name], f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if key in ours and key in theirs:
            yield from compare(ours[key], theirs[key], f"{path}[{key}]")
        elif key in theirs or key in ours:
            yield f"{path}[{key}]", whole
