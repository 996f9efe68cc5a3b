"""Which files of a folder a class or a function needs."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_deployer.image.code import FUNCTION_UNIT, find_code, imported_packages, named_code


@pytest.fixture
def folder(tmp_path):
    files = {
        "serve.py": "import helper, numpy, os\nfrom plain.deep import thing\nimport secrets\n",
        "helper.py": "def late():\n    from pack import rules\n",
        "pack/__init__.py": "",
        "pack/rules.py": "from . import other\nimport serve\nimport sklearn.base\n",
        "pack/other.py": "",
        "pack/table.json": "{}",
        "pack/.env": "KEY=canary",
        "pack/__pycache__/other.pyc": "",
        "plain/deep.py": "",
        "plain/data.csv": "",
        "secrets/s3.yaml": "canary",
        "secrets/fill.py": "",
        "unrelated.py": "",
        "seldon_deployer/__init__.py": "",
        "broken.py": "def (",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_imports_are_followed_within_the_folder_and_no_further(folder):
    found = [str(each) for each in find_code(folder, ["serve.predict"])]
    assert found == [
        "helper.py",
        "pack/__init__.py",
        "pack/other.py",
        "pack/rules.py",
        "pack/table.json",
        "plain/deep.py",
        "serve.py",
    ]


def test_our_own_package_beside_the_code_is_installed_and_not_the_users(folder):
    assert find_code(folder, ["seldon_deployer.server.sklearn.SKLearnServer"]) == []


def test_code_that_is_no_python_is_still_the_users(folder):
    assert find_code(folder, ["broken.Model"]) == [Path("broken.py")]


def test_packages_from_outside_are_told_apart_from_pythons_and_the_users(folder):
    assert imported_packages(folder, ["serve.predict"]) == {"numpy", "sklearn"}


def test_what_lies_beside_in_a_plain_folder_is_not_taken_along(folder):
    (folder / "plain" / "pipeline.py").write_text("import zenml\n")
    (folder / "pack" / "sub").mkdir()
    (folder / "pack" / "sub" / "__init__.py").write_text("from .. import other\nfrom . import deep")
    (folder / "pack" / "sub" / "deep.py").write_text("from ..rules import x\nimport torch")
    found = [str(each) for each in find_code(folder, ["plain.deep.thing"])]
    assert found == ["plain/deep.py"]
    assert "pack/table.json" in map(str, find_code(folder, ["pack.sub.Model"]))
    assert imported_packages(folder, ["pack.sub.Model"]) == {"torch", "sklearn", "numpy"}


@pytest.mark.parametrize(
    ("python_class", "parameters", "names"),
    [
        (None, {}, []),
        ("a.B", {"predict_function": "c.d"}, ["a.B"]),
        (FUNCTION_UNIT, {"predict_function": "a.b"}, ["a.b"]),
        (
            FUNCTION_UNIT,
            {"predict_function": "a.b", "post_process": "c.d", "loader": "", "loader_options": "e"},
            ["a.b", "c.d"],
        ),
    ],
)
def test_a_wrapped_function_names_the_code_by_its_parameters(python_class, parameters, names):
    assert named_code(python_class, parameters) == names


def test_the_wrapper_is_called_what_the_code_says():
    from seldon_deployer.server.function import PredictFunction

    assert f"{PredictFunction.__module__}.{PredictFunction.__name__}" == FUNCTION_UNIT


names = st.sampled_from(["a", "b", "c", "d"])


@given(graph=st.dictionaries(names, st.sets(names)), start=names)
def test_what_is_found_is_closed_under_imports(graph, start, tmp_path_factory):
    folder = tmp_path_factory.mktemp("code")
    for module, imports in graph.items():
        (folder / f"{module}.py").write_text(
            "".join(f"import {each}\n" for each in sorted(imports))
        )
    found = {each.stem for each in find_code(folder, [f"{start}.Class"])}
    wanted, waiting = set(), [start]
    while waiting:
        module = waiting.pop()
        if module in graph and module not in wanted:
            wanted.add(module)
            waiting += graph[module]
    assert found == wanted
