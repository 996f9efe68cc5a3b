"""The README's code blocks, run from top to bottom in an empty folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from apiserver.harness import Unavailable, find_kubectl

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(
    r"(?:<!-- (?P<note>.+?) -->\n)?```(?P<language>\w+)\n(?P<code>.*?)```", re.DOTALL
)


@dataclass(frozen=True)
class Block:
    language: str
    code: str
    note: str


def readme_blocks() -> list[Block]:
    text = (ROOT / "README.md").read_text()
    return [
        Block(match["language"], match["code"], match["note"] or "")
        for match in BLOCK.finditer(text)
    ]


def kubectl_folder() -> str | None:
    try:
        return str(Path(find_kubectl()).parent)
    except Unavailable:
        return None


def environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ZENML_")}
    kept.pop("KUBECONFIG", None)
    path = [str(Path(sys.executable).parent), kept.get("PATH", "")]
    if folder_of_kubectl := kubectl_folder():
        path.insert(0, folder_of_kubectl)
    return {
        **kept,
        "PATH": os.pathsep.join(path),
        "SELDON_DEPLOYER_HOME": str(folder / "runtime"),
        "ZENML_CONFIG_PATH": str(folder / "zenml"),
        "ZENML_ANALYTICS_OPT_IN": "false",
    }


def run(command: list[str], folder: Path, env: dict[str, str]) -> str:
    try:
        done = subprocess.run(
            command, cwd=folder, env=env, capture_output=True, text=True, timeout=300, check=False
        )
    except subprocess.TimeoutExpired as late:
        raise AssertionError(f"{command} hangs\n{late.stdout}\n{late.stderr}") from late
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_every_block_of_the_readme_runs(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    env = environment(tmp_path)
    ran = 0
    try:
        for block in readme_blocks():
            if block.note.startswith("not run here: "):
                continue
            if block.note == "needs kubectl" and not kubectl_folder():
                continue
            if block.note.startswith("file: "):
                (work / block.note.removeprefix("file: ")).write_text(block.code)
                continue
            command = (
                [sys.executable, "-c", block.code]
                if block.language == "python"
                else ["bash", "-euo", "pipefail", "-c", block.code]
            )
            run(command, work, env)
            ran += 1
    finally:
        run(["seldon-deployer", "local", "stop"], work, env)
    assert ran >= 7


@pytest.mark.parametrize("note", ["not run here: ", "file: ", "needs kubectl"])
def test_each_kind_of_note_is_in_use(note: str) -> None:
    assert any(block.note.startswith(note) for block in readme_blocks())
