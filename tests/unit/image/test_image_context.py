"""The build context: what is in it, that it is the same twice, and whose folder it may take."""

import re
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import seldon_deployer
from seldon_deployer.errors import UsageError
from seldon_deployer.image import ImageRequest, build_context, write_context
from seldon_deployer.image.code import FUNCTION_UNIT
from seldon_deployer.image.dockerfile import Recipe, write_dockerfile
from seldon_deployer.image.packages import (
    installed_versions,
    merge_requirements,
    requirement_name,
    system_packages,
    write_constraints,
)
from seldon_deployer.image.wheel import own_wheel


@pytest.fixture
def code(tmp_path):
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "mine.py").write_text("import numpy\nimport nowhere_to_be_found\n")
    return folder


def request(code, **fields):
    return ImageRequest(**{"python_class": "mine.Model", "code_path": code, **fields})


def build(asked):
    told = []
    return build_context(asked, tell=told.append), told


def test_the_same_request_gives_the_same_bytes_in_another_process(code):
    program = (
        "import hashlib, pathlib, sys; from seldon_deployer.image import *;"
        "files = build_context(ImageRequest(python_class='mine.Model', is_pinned=True,"
        "code_path=pathlib.Path(sys.argv[1])), tell=print);"
        "print(hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest())"
    )
    command = [sys.executable, "-c", program, str(code)]
    first, second = (
        subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(2)
    )
    assert first == second


def test_a_change_of_code_changes_the_code_and_the_label_alone(code):
    before, _ = build(request(code))
    (code / "mine.py").write_text("import numpy\nchanged = True\n")
    after, _ = build(request(code))
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {"Dockerfile", "code/mine.py"}
    lines = zip(before["Dockerfile"].splitlines(), after["Dockerfile"].splitlines(), strict=True)
    assert [one[:6] for one, other in lines if one != other] == [b"LABEL "]


def test_what_changes_seldom_comes_first(code):
    text = build(request(code, requirements=("lightgbm",)))[0]["Dockerfile"].decode()
    order = [text.index(word) for word in ("apt-get", "pip install", "COPY code/", "USER 8888")]
    assert order == sorted(order)
    assert "libgomp1" in text


def test_imports_are_required_and_what_nothing_provides_is_told(code):
    files, told = build(request(code, requirements=("scikit-learn>=1.3",)))
    assert files["requirements.txt"].decode() == "numpy\nscikit-learn>=1.3\n"
    assert ["nowhere_to_be_found" in each for each in told] == [True]


def test_versions_are_kept_on_request_but_for_what_is_asked_for_in_words(code):
    files, _ = build(request(code, is_pinned=True, requirements=("scikit-learn==1.3.0",)))
    lines = files["constraints.txt"].decode().splitlines()
    installed = installed_versions()
    assert f"numpy=={installed['numpy']}" in lines
    assert not any(line.startswith("scikit-learn=") for line in lines)
    # Installed from this folder, no index has it.
    assert not any(line.startswith("seldon-deployer") for line in lines)
    assert build(request(code))[0]["constraints.txt"] == b""


def test_code_that_is_not_there_is_an_error(code):
    parameters = {"predict_function": "mine.predict", "post_process": "yours.after"}
    wrapped = request(code, python_class=FUNCTION_UNIT, parameters=parameters)
    for asked, name in (request(code, python_class="yours.Model"), "Model"), (wrapped, "after"):
        with pytest.raises(UsageError, match=rf"the code of yours\.{name} is not in"):
            build(asked)


def test_a_server_of_ours_has_no_code_of_the_users(code):
    files, _ = build(request(code, python_class="seldon_deployer.server.sklearn.SKLearnServer"))
    assert not any(name.startswith("code/") for name in files)
    assert "COPY code/" not in files["Dockerfile"].decode()


def test_the_wheel_holds_the_package_and_what_pip_wants_to_know():
    name, content = own_wheel()
    assert name == f"seldon_deployer-{seldon_deployer.__version__}-py3-none-any.whl"
    with zipfile.ZipFile(BytesIO(content)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        record = archive.read(next(each for each in names if each.endswith("/RECORD"))).decode()
        metadata = archive.read(next(each for each in names if each.endswith("/METADATA")))
    assert {line.partition(",")[0] for line in record.splitlines()} == set(names)
    package = Path(seldon_deployer.__file__).parent
    assert f"seldon_deployer/{Path('py.typed')}" in names
    assert all((package.parent / each).exists() for each in names if "dist-info" not in each)
    assert b"Provides-Extra: server" in metadata
    # Where it was installed from is this machine's business.
    assert not any(each.endswith(("direct_url.json", ".pyc", ".pth")) for each in names)


def test_a_folder_of_somebody_else_is_left_alone(tmp_path, code):
    files, _ = build(request(code))
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "Dockerfile").write_text("FROM scratch\n")
    with pytest.raises(UsageError, match="somebody else's"):
        write_context(files, theirs)
    assert (theirs / "Dockerfile").read_text() == "FROM scratch\n"
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="somebody else's"):
        write_context(files, tmp_path / "file")


def test_a_folder_of_ours_is_written_anew_and_whole(tmp_path, code):
    folder = tmp_path / "deep" / "context"
    write_context({**build(request(code))[0], "code/old.py": b""}, folder)
    files, _ = build(request(code))
    write_context(files, folder)
    found = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    assert found == files
    assert [path.name for path in folder.parent.iterdir()] == ["context"]


@given(value=st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_any_value_of_a_variable_is_read_back_as_it_was(value):
    text = write_dockerfile(
        Recipe(base_image="b", wheel="w", python_class="a.B", env={"GIVEN": value})
    )
    [quoted] = re.findall(r'^ENV GIVEN="(.*)"$', text, re.MULTILINE)
    # Docker's rule: a backslash takes the meaning from the next character; a bare $ is a variable.
    assert re.search(r'(?<!\\)(\\\\)*[$"]', quoted) is None
    assert re.sub(r"\\(.)", r"\1", quoted) == value


@pytest.mark.parametrize(
    ("requirement", "name"),
    [
        ("Scikit_Learn>=1", "scikit-learn"),
        ("torch[extra]==2; python_version>'3'", "torch"),
        ("./local/thing", ""),
        ("https://example.com/a.whl", ""),
        ("name @ https://example.com/a.whl", "name"),
    ],
)
def test_requirements_are_known_by_their_normalised_names(requirement, name):
    assert requirement_name(requirement) == name


def test_the_earlier_of_two_requirements_of_a_package_wins():
    assert merge_requirements(["B>=1", "a"], ["b", "c"]) == ("a", "B>=1", "c")


def test_constraints_hold_what_an_index_can_have():
    given = {"torch": "2.5.1+cpu", "numpy": "2", "onnx opset": "17", "odd": "unknown"}
    assert write_constraints(given) == "numpy==2.*\ntorch==2.5.1\n"


def test_system_packages_follow_from_requirements():
    assert system_packages(["LightGBM==4.1", "numpy"]) == ("libgomp1",)
    assert system_packages(["numpy"]) == ()
