"""`secret check` against a real S3 server, with credentials of a file and of a Secret."""

from __future__ import annotations

import json
import logging
import sys

import pytest
import yaml
from storage.servers import minio

from seldon_deployer import Deployer
from seldon_deployer.cli.run import run
from seldon_deployer.cluster import SECRETS
from seldon_deployer.local import lifecycle

__all__ = ["minio"]

CANARY = "canary3Kd"


@pytest.fixture(autouse=True)
def _as_it_was():
    """The command line takes the process's hook and the package's log; give both back."""
    hook, log = sys.excepthook, logging.getLogger("seldon_deployer")
    handlers, propagate, level = log.handlers[:], log.propagate, log.level
    yield
    sys.excepthook = hook
    log.handlers[:], log.propagate = handlers, propagate
    log.setLevel(level)


@pytest.fixture
def file(minio, tmp_path):
    """Writes a file of credentials, of the server's owner but for what is given."""

    def write(**others):
        path = tmp_path / "s3.yaml"
        keys = {"name": "storage", "schema": "seldon_s3", **minio.keys(), **others}
        path.write_text(yaml.safe_dump(keys))
        return str(path)

    minio.put("checked", {"iris/model.joblib": b"12345"})
    return write


def test_credentials_that_the_store_takes(file, capsys):
    assert run(["secret", "check", file()]) == 0
    assert capsys.readouterr().out == "s3: the store accepts these credentials\n"


def test_what_they_can_read_is_told(file, capsys):
    assert run(["secret", "check", file(), "--uri", "s3://checked/iris"]) == 0
    assert capsys.readouterr().out == "s3://checked/iris: 1 file, 5 bytes, can be read\n"
    assert run(["secret", "check", file(), "--uri", "s3://checked/iris", "-o", "json"]) == 0
    [told] = json.loads(capsys.readouterr().out)
    assert told == {"remote": "s3", "uri": "s3://checked/iris", "files": 1, "size_bytes": 5}


@pytest.mark.parametrize(
    "wrong",
    [
        {"rclone_config_s3_secret_access_key": CANARY},
        {"rclone_config_s3_access_key_id": CANARY},
    ],
)
@pytest.mark.parametrize("options", [[], ["--uri", "s3://checked/iris"]])
def test_credentials_that_the_store_refuses(file, capsys, wrong, options):
    assert run(["secret", "check", file(**wrong), *options, "--debug"]) == 1
    told = capsys.readouterr()
    assert "SignatureDoesNotMatch" in told.err or "InvalidAccessKeyId" in told.err
    assert "try:" in told.err
    assert CANARY not in told.out + told.err


def test_what_is_not_there(file, capsys):
    assert run(["secret", "check", file(), "--uri", "s3://checked/irs"]) == 1
    assert "did you mean iris?" in capsys.readouterr().err
    assert run(["secret", "check", file(), "--uri", "s3://not-there"]) == 1
    assert "s3://not-there" in capsys.readouterr().err


def test_a_store_that_does_not_answer(file, capsys):
    nowhere = file(rclone_config_s3_endpoint="http://127.0.0.1:9")
    assert run(["secret", "check", nowhere]) == 1
    assert "does not answer" in capsys.readouterr().err


def test_wrong_usage(file, tmp_path, capsys):
    assert run(["secret", "check", file(), "--uri", "gs://models"]) == 2
    assert "say nothing of gs://" in capsys.readouterr().err
    assert run(["secret", "check", str(tmp_path / "none.yaml")]) == 2
    assert "cannot read" in capsys.readouterr().err
    assert run(["secret", "check", file(), "--uri", "nonsense://models"]) == 2
    assert "nonsense:// is no kind of store" in capsys.readouterr().err


def test_a_secret_on_the_cluster_and_a_restart_of_what_uses_it(
    file, tmp_path_factory, capsys, monkeypatch
):
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("SELDON_DEPLOYER_HOME", str(home))
    # No cluster: neither by the variable nor in the home folder.
    monkeypatch.setenv("KUBECONFIG", "")
    monkeypatch.setenv("HOME", str(home))
    try:
        cluster = Deployer.local(home=home).cluster
        assert run(["secret", "check", "storage", "--runtime", "local"]) == 1
        assert "there is no Secret storage in namespace default" in capsys.readouterr().err
        assert run(["secret", "apply", file(), "--runtime", "local", "--restart"]) == 0
        assert run(["secret", "check", "storage", "--runtime", "local"]) == 0
        assert "accepts these credentials" in capsys.readouterr().out
        odd = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "odd"}}
        cluster.create(SECRETS, odd)
        assert run(["secret", "check", "odd", "--runtime", "local"]) == 2
        assert "no key is RCLONE_CONFIG_<REMOTE>_TYPE" in capsys.readouterr().err
        assert run(["secret", "apply", file(), "--restart", "--dry-run"]) == 2
        assert "exclude each other" in capsys.readouterr().err
        cluster.close()
    finally:
        lifecycle.stop(home)
