"""What `make` promises a newcomer."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(
    shutil.which("make") is None, reason="needs make: install your system's package"
)
def test_an_installation_that_failed_is_an_error_and_is_tried_again_next_time(
    tmp_path: Path,
) -> None:
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    # Without an index pip finds nothing to build with.
    env = os.environ | {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": ""}
    result = subprocess.run(
        ["make", "install"], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=300
    )
    assert result.returncode != 0, result.stdout + result.stderr
    assert "ERROR" in result.stdout + result.stderr
    assert not (tmp_path / ".venv" / ".installed").exists()
