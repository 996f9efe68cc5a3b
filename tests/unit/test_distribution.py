"""What ships: the wheel holds the package alone, the sdist an allow-list."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TRACKED_TOPS = {
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "Makefile",
    "PKG-INFO",
    "README.md",
    "bench",
    "constraints.txt",
    "docs",
    "examples",
    "pyproject.toml",
    "secrets",
    "seldon_deployer",
    "steps",
    "tests",
    ".gitignore",
}


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build both from a copy of the tree in which a user has filled in a secret."""
    folder = tmp_path_factory.mktemp("distribution")
    tree = folder / "tree"
    ignored = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info")
    shutil.copytree(ROOT, tree, ignore=ignored)
    shutil.copy(ROOT / ".gitignore", tree)
    (tree / "secrets").mkdir(exist_ok=True)
    for name in ("s3.yaml", "s3.json", "example.yaml"):
        (tree / "secrets" / name).write_text("secret_access_key: canary\n")
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder / "dist"), "."],
        cwd=tree,
        check=True,
        capture_output=True,
        timeout=120,
    )
    return folder / "dist"


def test_the_wheel_holds_the_package_alone(distributions: Path) -> None:
    (wheel,) = distributions.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"seldon_deployer"}
    assert "seldon_deployer/py.typed" in names


def test_the_sdist_is_an_allow_list_without_filled_in_secrets(distributions: Path) -> None:
    (sdist,) = distributions.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = [name.partition("/")[2] for name in archive.getnames()]
    assert {name.split("/")[0] for name in names} <= TRACKED_TOPS
    assert "secrets/s3.yaml" not in names
    templates = {f"secrets/{store}.example.yaml" for store in ("s3", "gs", "az")}
    assert {name for name in names if name.startswith("secrets/")} == {
        "secrets/README.md",
        *templates,
    }


def test_the_root_folders_for_users_are_no_packages() -> None:
    # A package named `secrets` would shadow the standard library's.
    assert not (ROOT / "secrets" / "__init__.py").exists()
    assert not (ROOT / "steps" / "__init__.py").exists()
