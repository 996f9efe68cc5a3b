import base64
import json
import os
import sys
from pathlib import Path

import pytest

from seldon_deployer.local.pod_folder import (
    ConfigMissing,
    PodFolder,
    decode_secret,
    rewrite_paths,
)

SECRET = {"user": "anna", "pass": "s3cret"}


def read_data(kind: str, name: str):
    return {("secret", "known"): SECRET, ("configMap", "settings"): {"a": "1"}}.get((kind, name))


def pod(**spec) -> dict:
    return {
        "metadata": {
            "name": "iris-1",
            "namespace": "default",
            "uid": "u1",
            "labels": {"app": "iris"},
            "annotations": {"b": 'say "x"', "a": "1"},
        },
        "spec": {"containers": [], **spec},
    }


def folder_of(tmp_path: Path, **spec) -> PodFolder:
    folder = PodFolder(tmp_path / "u1", pod(**spec), read_data)
    folder.create()
    return folder


def env_of(tmp_path: Path, container: dict, ports=None, **spec) -> dict[str, str]:
    return folder_of(tmp_path, **spec).environment(container, ports or {})


@pytest.mark.parametrize(
    ("text", "rewritten"),
    [
        ("/mnt/models", "/real"),
        ("/mnt/models/model.joblib", "/real/model.joblib"),
        ('[{"name":"model_uri","value":"/mnt/models"}]', '[{"name":"model_uri","value":"/real"}]'),
        ("/mnt/models2 and /mnt/models-x", "/mnt/models2 and /mnt/models-x"),
        ("/a/mnt/models", "/a/mnt/models"),
    ],
)
def test_only_whole_mount_paths_are_rewritten(text, rewritten):
    assert rewrite_paths(text, {"/mnt/models": Path("/real")}) == rewritten


def test_the_longest_mount_path_wins():
    mounts = {"/mnt": Path("/short"), "/mnt/models": Path("/long")}

    assert rewrite_paths("/mnt/models/x /mnt/y", mounts) == "/long/x /short/y"


def test_paths_and_ports_in_variables_become_real(tmp_path):
    container = {
        "env": [
            {"name": "MLSERVER_MODEL_URI", "value": "/mnt/models"},
            {"name": "PREDICTIVE_UNIT_HTTP_SERVICE_PORT", "value": "9000"},
            {"name": "NINE_THOUSAND", "value": "9000"},
        ],
        "volumeMounts": [{"name": "v", "mountPath": "/mnt/models"}],
    }

    env = env_of(tmp_path, container, {9000: 21234}, volumes=[{"name": "v", "emptyDir": {}}])

    assert env["MLSERVER_MODEL_URI"] == str(tmp_path / "u1" / "volumes" / "v")
    assert Path(env["MLSERVER_MODEL_URI"]).is_dir()
    assert env["PREDICTIVE_UNIT_HTTP_SERVICE_PORT"] == "21234"
    assert env["NINE_THOUSAND"] == "9000"


def test_a_path_in_the_parameters_stays_json_whatever_the_folder_is_called(tmp_path):
    parameters = json.dumps([{"name": "model_uri", "value": "/mnt/models"}])
    container = {
        "name": "unit",
        "env": [{"name": "PREDICTIVE_UNIT_PARAMETERS", "value": parameters}],
        "volumeMounts": [{"name": "model", "mountPath": "/mnt/models"}],
    }
    home = tmp_path / 'a "quoted" hom\\é'

    env = env_of(home, container, volumes=[{"name": "model", "emptyDir": {}}])

    found = json.loads(env["PREDICTIVE_UNIT_PARAMETERS"])[0]["value"]
    assert found == str(home / "u1/volumes/model")


def test_a_port_that_int_cannot_read_stays_as_written(tmp_path):
    container = {"name": "unit", "env": [{"name": "A_PORT", "value": "\N{SUPERSCRIPT TWO}"}]}

    assert env_of(tmp_path, container)["A_PORT"] == "\N{SUPERSCRIPT TWO}"


def test_variables_come_from_secrets_maps_and_the_pod_itself(tmp_path):
    container = {
        "envFrom": [{"secretRef": {"name": "known"}, "prefix": "DB_"}],
        "env": [
            {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "a"}}},
            {"name": "NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "LABEL", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}},
            {"name": "BOTH", "value": "$(NAME)-$(A)-$(UNKNOWN)-$$(A)"},
        ],
    }

    env = env_of(tmp_path, container)

    assert (env["DB_user"], env["DB_pass"]) == ("anna", "s3cret")
    assert (env["A"], env["NAME"], env["LABEL"]) == ("1", "iris-1", "iris")
    assert env["BOTH"] == "iris-1-1-$(UNKNOWN)-$(A)"


def test_nothing_of_the_starters_environment_leaks_in(tmp_path):
    os.environ["SOMEBODYS_TOKEN"] = "x"
    try:
        env = env_of(tmp_path, {})
    finally:
        del os.environ["SOMEBODYS_TOKEN"]

    assert "SOMEBODYS_TOKEN" not in env
    assert env["PATH"] == os.environ["PATH"]


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ({"secretKeyRef": {"name": "none", "key": "a"}}, 'secret "none" not found'),
        (
            {"secretKeyRef": {"name": "known", "key": "none"}},
            "couldn't find key none in Secret default/known",
        ),
        ({"configMapKeyRef": {"name": "none", "key": "a"}}, 'configmap "none" not found'),
    ],
)
def test_a_missing_source_is_named_in_kubelets_words(tmp_path, source, says):
    with pytest.raises(ConfigMissing) as missing:
        env_of(tmp_path, {"env": [{"name": "X", "valueFrom": source}]})

    assert str(missing.value) == says
    assert "s3cret" not in says


def test_an_optional_source_may_be_missing(tmp_path):
    reference = {"name": "none", "key": "a", "optional": True}

    env = env_of(tmp_path, {"env": [{"name": "X", "valueFrom": {"secretKeyRef": reference}}]})

    assert "X" not in env


def test_annotations_lie_in_the_volume_as_kubelet_writes_them(tmp_path):
    item = {"path": "annotations", "fieldRef": {"fieldPath": "metadata.annotations"}}

    folder_of(tmp_path, volumes=[{"name": "podinfo", "downwardAPI": {"items": [item]}}])

    text = (tmp_path / "u1" / "volumes" / "podinfo" / "annotations").read_text()
    assert text == 'a="1"\nb="say \\"x\\""'


def test_a_unit_is_told_where_its_annotations_lie(tmp_path):
    item = {"path": "annotations", "fieldRef": {"fieldPath": "metadata.annotations"}}
    volume = {"name": "podinfo", "downwardAPI": {"items": [item]}}
    container = {"volumeMounts": [{"name": "podinfo", "mountPath": "/etc/podinfo"}]}

    env = env_of(tmp_path, container, volumes=[volume])

    path = Path(env["SELDON_DEPLOYER_PODINFO"])
    assert path == tmp_path / "u1" / "volumes" / "podinfo" / "annotations"
    assert path.is_file()
    assert "SELDON_DEPLOYER_PODINFO" not in env_of(tmp_path, {})


def test_a_secrets_volume_is_its_owners_alone(tmp_path):
    folder_of(tmp_path, volumes=[{"name": "s", "secret": {"secretName": "known"}}])

    file = tmp_path / "u1" / "volumes" / "s" / "pass"
    assert file.read_text() == "s3cret"
    assert file.stat().st_mode & 0o077 == 0


def test_a_secrets_values_are_decoded():
    assert decode_secret({"a": base64.b64encode(b"x").decode()}) == {"a": "x"}


def test_removing_a_folder_leaves_nothing(tmp_path):
    folder = folder_of(tmp_path, volumes=[{"name": "v", "emptyDir": {}}])

    folder.remove()

    assert not (tmp_path / "u1").exists()


def test_code_and_interpreter_are_those_of_whoever_deployed(tmp_path):
    deployed = pod()
    deployed["metadata"]["annotations"] |= {
        "seldon-deployer/code-path": "/home/anna/code",
        "seldon-deployer/python": "/home/anna/.venv/bin/python",
    }
    folder = PodFolder(tmp_path / "u1", deployed, read_data)

    assert folder.interpreter() == "/home/anna/.venv/bin/python"
    assert folder.working_folder() == Path("/home/anna/code")
    assert folder.environment({}, {})["PYTHONPATH"] == "/home/anna/code"


def test_without_a_word_a_pod_runs_in_the_runtimes_own_interpreter(tmp_path):
    folder = folder_of(tmp_path)

    assert folder.interpreter() == sys.executable
    assert folder.working_folder() == tmp_path / "u1" / "work"
    assert "PYTHONPATH" not in folder.environment({}, {})


def claim_of(name: str) -> dict:
    return {"name": "claim", "persistentVolumeClaim": {"claimName": name}}


def test_a_claim_is_the_folder_of_its_name_in_the_home(tmp_path):
    (tmp_path / "volumes" / "models").mkdir(parents=True)
    folder = PodFolder(tmp_path / "pods" / "u1", pod(volumes=[claim_of("models")]), read_data)
    folder.create()

    mounts = folder.mounts({"volumeMounts": [{"name": "claim", "mountPath": "/mnt/pvc"}]})

    assert mounts == {"/mnt/pvc": tmp_path / "volumes" / "models"}


def test_a_claim_without_a_folder_is_not_found_and_says_which_folder_to_make(tmp_path):
    folder = PodFolder(tmp_path / "pods" / "u1", pod(volumes=[claim_of("models")]), read_data)

    with pytest.raises(ConfigMissing, match=f'"models" not found.*{tmp_path / "volumes/models"}'):
        folder.create()


@pytest.mark.parametrize(
    "source", [{"nfs": {"server": "h", "path": "/x"}}, {"csi": {"driver": "d"}}, {"ephemeral": {}}]
)
def test_a_volume_that_lies_elsewhere_is_not_an_empty_folder(tmp_path, source):
    with pytest.raises(ConfigMissing, match=f"of kind {next(iter(source))}.*hostPath"):
        folder_of(tmp_path, volumes=[{"name": "models", **source}])


@pytest.mark.parametrize(("kind", "is_there"), [("Directory", False), ("File", False), ("", True)])
def test_the_type_of_a_host_path_is_checked_as_kubelet_does(tmp_path, kind, is_there):
    volume = {"name": "v", "hostPath": {"path": str(tmp_path / "nothing"), "type": kind}}

    if is_there:
        folder_of(tmp_path, volumes=[volume])
    else:
        with pytest.raises(ConfigMissing, match=f"nothing is not a {kind.lower()}"):
            folder_of(tmp_path, volumes=[volume])


def test_a_host_path_is_made_where_its_type_says_so(tmp_path):
    path = tmp_path / "made" / "here"
    volume = {"name": "v", "hostPath": {"path": str(path), "type": "DirectoryOrCreate"}}

    folder = folder_of(tmp_path, volumes=[volume])

    assert path.is_dir()
    assert folder.mounts({"volumeMounts": [{"name": "v", "mountPath": "/m"}]}) == {"/m": path}
