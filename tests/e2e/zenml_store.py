"""A ZenML store and an embedded runtime of their own, in a folder; used through processes.

ZenML keeps its state in module globals, and a user's own store must never be touched: so each
script of a test is a process with its own environment.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

BIN = Path(sys.executable).parent


class ZenMLStore:
    """Runs scripts and commands against one store in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "work").mkdir(parents=True)
        self.env = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("ZENML_", "SELDON_DEPLOYER_", "COVERAGE"))
        } | {
            "ZENML_CONFIG_PATH": str(folder / "zenml"),
            "ZENML_REPOSITORY_PATH": str(folder),
            "ZENML_CUSTOM_SOURCE_ROOT": str(folder / "work"),
            "ZENML_ANALYTICS_OPT_IN": "false",
            "ZENML_LOGGING_COLORS_DISABLED": "true",
            "SELDON_DEPLOYER_HOME": str(folder / "runtime"),
            "KUBECONFIG": str(folder / "no-kubeconfig"),
            "COLUMNS": "250",
        }

    def run(self, *command: str, **more_env: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment; the caller looks at the exit code."""
        return subprocess.run(
            [str(BIN / command[0]), *command[1:]],
            env=self.env | more_env,
            cwd=self.folder / "work",
            capture_output=True,
            text=True,
        )

    def done(self, *command: str, **more_env: str) -> str:
        """Run a program that must succeed, and return what it printed to both streams."""
        result = self.run(*command, **more_env)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout + result.stderr

    def script(self, code: str) -> Any:
        """Run Python code that calls `answer(value)`, and return that value.

        A file and not `-c`: ZenML asks where the main module lies.
        """
        number = len(list((self.folder / "work").glob("script_*.py")))
        path = self.folder / "work" / f"script_{number}.py"
        answer = path.with_suffix(".json")
        path.write_text(
            "import json, pathlib\n"
            "def answer(value):\n"
            f"    pathlib.Path({str(answer)!r}).write_text(json.dumps(value, default=str))\n"
            + textwrap.dedent(code)
        )
        result = self.run("python", str(path))
        assert answer.exists(), result.stdout + result.stderr
        assert result.returncode == 0, result.stdout + result.stderr
        return json.loads(answer.read_text())

    def set_up_local_stack(self) -> None:
        """Register flavor, component and stack without the command line: it starts slowly."""
        self.script("""
            from zenml.client import Client
            from zenml.enums import StackComponentType
            from seldon_deployer.zenml_plugin import register_flavor

            register_flavor()
            client = Client()
            client.create_stack_component(
                name="local_seldon",
                flavor="seldon_core",
                component_type=StackComponentType.MODEL_DEPLOYER,
                configuration={"runtime": "local"},
            )
            client.create_stack(
                name="local",
                components={
                    StackComponentType.ORCHESTRATOR: "default",
                    StackComponentType.ARTIFACT_STORE: "default",
                    StackComponentType.MODEL_DEPLOYER: "local_seldon",
                },
            )
            client.activate_stack("local")
            answer("ready")
        """)

    def close(self) -> None:
        """End the embedded runtime, with every process of it."""
        self.script("from seldon_deployer.local.lifecycle import stop; stop(); answer(True)")
