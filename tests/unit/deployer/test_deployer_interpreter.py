"""The interpreter that a manifest for the embedded runtime names."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

import seldon_deployer.deployer.interpreter as module

CODE = "import runpy; print(runpy.run_path({path!r})['interpreter']())"


def test_an_environments_python_is_named_alike_whichever_name_started_it(tmp_path: Path) -> None:
    venv.create(tmp_path, symlinks=True)
    code = CODE.format(path=module.__file__)
    names = [path for path in (tmp_path / "bin").iterdir() if path.name.startswith("python")]
    told = {
        subprocess.run([name, "-c", code], capture_output=True, text=True, check=True).stdout
        for name in names
    }
    assert len(names) > 1
    assert told == {f"{tmp_path / 'bin' / 'python3'}\n"}


def test_it_is_the_python_that_runs_now() -> None:
    assert Path(module.interpreter()).samefile(sys.executable)
    assert Path(module.interpreter()).parent == Path(sys.executable).parent
