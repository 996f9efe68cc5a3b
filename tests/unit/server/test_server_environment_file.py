"""`.s2i/environment`: what Seldon's images are built with, where the code runs unbuilt."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit_process import server_environment

from seldon_deployer.errors import UsageError
from seldon_deployer.server.environment_file import add_environment_file

SOURCES = Path(__file__).parent / "models"
COMMAND = [sys.executable, "-m", "seldon_deployer.server"]


@pytest.fixture
def run_beside(tmp_path):
    """Run a server that is expected to end by itself, in a folder with such a file."""

    def run(text, *arguments, **variables):
        (tmp_path / ".s2i").mkdir(exist_ok=True)
        (tmp_path / ".s2i/environment").write_text(text)
        return subprocess.run(
            [*COMMAND, *arguments, "--http-port", "0"],
            env=server_environment(SOURCES, **variables),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
        )

    return run


def last_line(result):
    return result.stderr.strip().splitlines()[-1]


def test_the_file_says_what_is_served_and_as_what(run_beside):
    text = "MODEL_NAME=served.Echo\nAPI_TYPE=REST\nSERVICE_TYPE=ROUTER\nPERSISTENCE=0\n"
    result = run_beside(text)
    assert "served.Echo cannot be served: it has no method route" in last_line(result)
    assert "has no effect" not in result.stderr
    text = "MODEL_NAME=served.FailsToLoad\nPERSISTENCE=1\n"
    result = run_beside(text)
    assert "served.FailsToLoad failed to load" in last_line(result)
    assert "PERSISTENCE has no effect here" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "variables"),
    [((), {"MODEL_NAME": "served.LeavesInLoad"}), (("served.LeavesInLoad",), {})],
)
def test_the_environment_and_arguments_win_over_the_file(run_beside, arguments, variables):
    result = run_beside("MODEL_NAME=served.FailsToLoad\n", *arguments, **variables)
    assert "served.LeavesInLoad failed to load" in last_line(result)


def test_the_users_class_sees_what_the_file_says(run_beside, tmp_path):
    (tmp_path / "Greeter.py").write_text(
        "import os\n"
        "class Greeter:\n"
        "    def predict(self, X, names): return X\n"
        "    def load(self): raise RuntimeError(os.environ['GREETING'])\n"
    )
    result = run_beside('# theirs\n\nMODEL_NAME = Greeter\nGREETING= hello = "all" \n')
    assert last_line(result).endswith('RuntimeError: hello = "all"')


@pytest.mark.parametrize("line", ["nothing", "=value", "two words=x", "export A=1", "A=\0"])
def test_a_line_that_sets_nothing_ends_the_start_without_telling_it(run_beside, line):
    result = run_beside(f"MODEL_NAME=served.Echo\n{line}\n")
    assert result.returncode == 2
    assert "try: write NAME=VALUE" in result.stderr
    assert last_line(result) == "error: line 2 of .s2i/environment sets no variable"


def test_a_bad_line_leaves_nothing_behind(tmp_path):
    file = tmp_path / "environment"
    file.write_text("A=1\nB\n")
    environment = {}
    with pytest.raises(UsageError):
        add_environment_file(environment, file)
    assert environment == {}


def test_a_file_that_is_no_text_is_a_clear_error(tmp_path):
    file = tmp_path / "environment"
    file.write_bytes(b"A=\xff\n")
    with pytest.raises(UsageError, match="it is no UTF-8 text"):
        add_environment_file({}, file)
    with pytest.raises(UsageError, match="cannot read"):
        add_environment_file({}, tmp_path)


NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.]*", fullmatch=True)
VALUES = st.text(st.characters(blacklist_characters="\n\r\0", codec="utf-8")).map(str.strip)


@given(st.dictionaries(NAMES, VALUES), st.dictionaries(NAMES, VALUES))
def test_what_is_written_is_read_and_what_is_set_is_kept(tmp_path_factory, written, before):
    file = tmp_path_factory.mktemp("s2i") / "environment"
    file.write_text("".join(f"{name}={value}\n" for name, value in written.items()), "utf-8")
    environment = dict(before)
    add_environment_file(environment, file)
    assert environment == written | before
