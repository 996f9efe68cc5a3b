"""The whole path in one go: `make demo`, twice; `make demo-stop` ends it.

Sets ZenML up in a store of its own (`.demo/`, never yours), runs the iris pipeline on the
embedded runtime, and shows the service from each side. Every second run trains the other kind
of model, which is then served under the same URL.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / ".demo"
# Written last: its absence means that a set-up was cut off, and is done again from the start.
READY = DEMO / "ready"
LAST_MODEL = DEMO / "last-model"
BIN = Path(sys.executable).parent
FLOWER = [[6.0, 2.9, 4.8, 1.6]]


def demo_environment() -> dict[str, str]:
    """The environment that keeps ZenML and the runtime inside `.demo/`."""
    # A store or server of yours may be named there.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ZENML_")}
    return {
        **inherited,
        "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}",
        "ZENML_CONFIG_PATH": str(DEMO / "zenml"),
        # No `.zen` of yours is read or written; the steps are found from here all the same.
        "ZENML_REPOSITORY_PATH": str(DEMO),
        "ZENML_CUSTOM_SOURCE_ROOT": str(ROOT),
        "ZENML_ANALYTICS_OPT_IN": "false",
        "ZENML_LOGGING_COLORS_DISABLED": "false" if sys.stdout.isatty() else "true",
        **({} if sys.stdout.isatty() else {"NO_COLOR": "1"}),
        "SELDON_DEPLOYER_HOME": str(DEMO / "runtime"),
        # Wide enough that a table keeps whole names where the output is no terminal.
        "COLUMNS": str(shutil.get_terminal_size((180, 24)).columns),
    }


def main() -> None:
    """Run the demo, or stop what it left running."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stop", action="store_true", help="end the embedded runtime")
    started = time.monotonic()
    if parser.parse_args().stop:
        stop_runtime()
        return
    if not READY.exists():
        set_up()
    model = "forest" if LAST_MODEL.exists() and LAST_MODEL.read_text() == "logistic" else "logistic"
    say(f"train a {model} model on iris and serve it as `iris`")
    output = run("python", "-m", "examples.iris.run", "--model", model)
    LAST_MODEL.write_text(model)
    url, service = find(r"prediction URL: (\S+)", output), find(r"service: (\S+)", output)
    say("ask for a prediction over HTTP")
    curl(url, {"data": {"ndarray": FLOWER}})
    say("what ZenML's own command line says")
    run_together(
        ("zenml", "model-deployer", "models", "list"),
        ("zenml", "model-deployer", "models", "get-url", service),
    )
    say(f"done in {time.monotonic() - started:.0f} s; `make demo` again serves the other model")
    print("the service stays until `make demo-stop`")


def set_up() -> None:
    """Register flavor, model deployer and stack in a new store."""
    if DEMO.exists():
        say("an earlier set-up was not finished: starting over")
        stop_runtime()
        shutil.rmtree(DEMO)
    DEMO.mkdir()
    say("register the flavor, a model deployer and a stack (once)")
    run("seldon-deployer", "zenml", "register")
    run(
        *("zenml", "model-deployer", "register", "local_seldon"),
        *("--flavor=seldon_core", "--runtime=local"),
    )
    run(
        *("zenml", "stack", "register", "local_seldon_stack"),
        *("-o", "default", "-a", "default", "-d", "local_seldon", "--set"),
    )
    READY.touch()


def stop_runtime() -> None:
    """End the embedded runtime with all that it serves; fine when there is none."""
    if not DEMO.exists():
        print("nothing to stop: the demo never ran here")
        return
    run("seldon-deployer", "local", "stop")


def run(*command: str) -> str:
    """Run a command in the demo's environment, show its output as it comes, and return it."""
    print(f"$ {shlex.join(command)}", flush=True)
    lines = []
    with subprocess.Popen(
        _argv(command),
        env=demo_environment(),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(f"  {line}", end="", flush=True)
            lines.append(line)
    if process.returncode:
        raise SystemExit(
            f"demo: `{shlex.join(command)}` failed with exit code {process.returncode}"
        )
    return "".join(lines)


def run_together(*commands: tuple[str, ...]) -> None:
    """Run commands at once, as ZenML's command line takes seconds to start; show them in order."""
    processes = [
        subprocess.Popen(
            _argv(command),
            env=demo_environment(),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for command in commands
    ]
    for command, process in zip(commands, processes, strict=True):
        output, _ = process.communicate()
        print(f"$ {shlex.join(command)}\n{output}", flush=True)
        if process.returncode:
            raise SystemExit(f"demo: `{shlex.join(command)}` failed")


def curl(url: str, message: dict[str, object]) -> None:
    """Post a message with curl, or with Python where there is no curl."""
    body = json.dumps(message)
    print(f"$ curl -s {url} -H 'Content-Type: application/json' -d '{body}'", flush=True)
    headers = {"Content-Type": "application/json"}
    if shutil.which("curl"):
        arguments = ["curl", "-sS", "--fail", "--noproxy", "*", url, "-d", body]
        for name, value in headers.items():
            arguments += ["-H", f"{name}: {value}"]
        answer = subprocess.run(arguments, check=True, capture_output=True, text=True).stdout
    else:
        print("  (there is no curl here: asked by Python)")
        request = urllib.request.Request(url, data=body.encode(), headers=headers)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=30) as response:
            answer = response.read().decode()
    print(f"  {answer.strip()}", flush=True)


def find(pattern: str, output: str) -> str:
    """The first group of the pattern in a command's output; ends the demo without a match."""
    match = re.search(pattern, output)
    if match is None:
        raise SystemExit("demo: the run served no model; its output above says why")
    return match.group(1)


def say(text: str) -> None:
    """Print a heading."""
    print(f"\n==> {text}", flush=True)


def _argv(command: tuple[str, ...]) -> list[str]:
    return [str(BIN / command[0]), *command[1:]]


if __name__ == "__main__":
    main()
