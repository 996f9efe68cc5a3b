"""What `render --kustomize` writes is read by the kustomize in kubectl, and applied by it."""

from __future__ import annotations

import yaml

from seldon_deployer.cli.run import run

RENDER = ["render", "--name", "iris", "--model-uri", "s3://m/1", "--implementation"]


def test_kustomize_builds_the_folder_and_an_overlay_says_the_namespace(kubectl, tmp_path):
    base, overlay = tmp_path / "base", tmp_path / "production"
    assert run([*RENDER, "SKLEARN_SERVER", "-n", "elsewhere", "--kustomize", str(base)]) == 0
    overlay.mkdir()
    patch = [{"op": "replace", "path": "/spec/replicas", "value": 3}]
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": kubectl.namespace,
        "resources": ["../base"],
        "patches": [{"target": {"kind": "SeldonDeployment"}, "patch": yaml.safe_dump(patch)}],
    }
    (overlay / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))

    [built] = yaml.safe_load_all(kubectl("kustomize", str(base)))
    kubectl("apply", "--server-side", "-k", str(overlay))

    assert built == yaml.safe_load((base / "iris.yaml").read_text())
    live = kubectl.get("sdep", "iris")
    assert live["metadata"]["namespace"] == kubectl.namespace
    assert live["spec"] == {**built["spec"], "replicas": 3}
