"""What to try is told to ZenML users by what they have, not by flags of our command line."""

import ast
import re
from pathlib import Path

import pytest

import seldon_deployer
from seldon_deployer.errors import ConfigError
from seldon_deployer.zenml_plugin.wording import IN_ZENML, in_zenml_words, told_in_zenml_words

ROOT = Path(seldon_deployer.__file__).parent
# What an error on its way through a model deployer may come from.
ROOMS = (
    "artifacts",
    "catalogue",
    "cluster",
    "config",
    "deployer",
    "manifest",
    "service",
    "storage",
)
# Of commands that have no part in a deployment.
OF_OTHER_COMMANDS = {"--uri"}


def hints():
    """Every text that is given as a hint, from the source."""
    for path in (path for room in ROOMS for path in (ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.keyword) and node.arg == "hint":
                for part in ast.walk(node.value):
                    if isinstance(part, ast.Constant) and isinstance(part.value, str):
                        yield part.value


def test_no_hint_names_a_flag_that_zenml_has_no_word_for():
    flags = {
        flag
        for hint in hints()
        for flag in re.findall(r"--[a-z][a-z-]*(?:=local)?", re.sub(r"`[^`]*`", "", hint))
    }
    assert {"--runtime=local", "--adopt"} <= flags
    assert flags - OF_OTHER_COMMANDS <= set(IN_ZENML)


@pytest.mark.parametrize("flag", IN_ZENML)
def test_each_flag_is_told_as_what_zenml_has(flag):
    told = in_zenml_words(f"do this, or {flag}", "seldon")
    assert told == f"do this, or {IN_ZENML[flag].format(name='seldon')}"


def test_commands_in_backquotes_stay_as_they_are():
    hint = "look with `kubectl get sdep -o yaml --show-managed-fields --context a`"
    assert in_zenml_words(hint, "seldon") == hint


def test_the_error_stays_the_same_error():
    error = ConfigError("no", why="because", hint="--runtime=local")
    with pytest.raises(ConfigError) as caught, told_in_zenml_words("seldon"):
        raise error
    assert caught.value is error
    assert str(error) == "no: because. Try: zenml model-deployer update seldon --runtime=local"
