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


DONE = "-- script done --\n"
WORKER = f"""
import runpy, sys, traceback

for line in sys.stdin:
    try:
        runpy.run_path(line.strip(), run_name="__main__")
    except BaseException:
        traceback.print_exc(file=sys.stdout)
    print({DONE!r}, end="", flush=True)
"""


class ZenMLStore:
    """Runs scripts and commands against one store in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "work").mkdir(parents=True)
        self._worker: subprocess.Popen[str] | None = None
        self._scripts = 0
        # All that the scripts printed and logged.
        self.printed = ""
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
            # No cluster: neither by the variable nor in the home folder.
            "KUBECONFIG": "",
            "HOME": str(folder),
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

        All scripts of a store share one process, as ZenML takes seconds to import. Each is a
        file that runs as the main module: ZenML asks where that lies.
        """
        self._scripts += 1
        path = self.folder / "work" / f"script_{self._scripts}.py"
        answer = path.with_suffix(".json")
        path.write_text(
            "import json, pathlib\n"
            "def answer(value):\n"
            f"    pathlib.Path({str(answer)!r}).write_text(json.dumps(value, default=str))\n"
            + textwrap.dedent(code)
        )
        output = self._run_in_worker(path)
        self.printed += output
        assert answer.exists(), output
        return json.loads(answer.read_text())

    def _run_in_worker(self, path: Path) -> str:
        if self._worker is None:
            worker = self.folder / "work" / "worker.py"
            worker.write_text(WORKER)
            self._worker = subprocess.Popen(
                [sys.executable, str(worker)],
                env=self.env,
                cwd=self.folder / "work",
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        assert self._worker.stdin is not None
        assert self._worker.stdout is not None
        self._worker.stdin.write(f"{path}\n")
        self._worker.stdin.flush()
        lines = []
        for line in self._worker.stdout:
            if line == DONE:
                break
            lines.append(line)
        return "".join(lines)

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

    def __enter__(self) -> ZenMLStore:
        return self

    def __exit__(self, *_: object) -> None:
        """End the embedded runtime with every process of it, and the scripts' process."""
        try:
            self.script("from seldon_deployer.local.lifecycle import stop; stop(); answer(True)")
        finally:
            if self._worker is not None:
                self._worker.communicate()
