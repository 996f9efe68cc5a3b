"""The versions that ZenML noted of a run's environment."""

from hypothesis import given
from hypothesis import strategies as st

from seldon_deployer.zenml_plugin.artifact_record import read_versions

FREEZE = """\
numpy==2.4.1
scikit-learn==1.9.0
Typing_Extensions==4.15.0
-e git+https://example.com/mine.git@abc#egg=mine
local @ file:///srv/local
# Editable install with no version control (seldon-deployer==0.1)
torch==2.9.0+cpu
"""


def test_pinned_packages_are_read_under_their_normal_names_and_others_left_out():
    assert read_versions({"python_packages": FREEZE}) == {
        "numpy": "2.4.1",
        "scikit-learn": "1.9.0",
        "typing-extensions": "4.15.0",
        "torch": "2.9.0+cpu",
    }


def test_a_list_of_lines_says_the_same_as_their_text():
    lines = {"python_packages": FREEZE.splitlines()}
    assert read_versions(lines) == read_versions({"python_packages": FREEZE})


def test_an_environment_that_notes_no_packages_gives_none():
    assert read_versions({}) == read_versions({"python_packages": None}) == {}


@given(st.text())
def test_any_text_is_read(text):
    read_versions({"python_packages": text})
