"""The plugin costs nothing until it is used, and little then."""

import subprocess
import sys

import pytest

LISTED = "import sys; print(*(name for name in {names!r} if name in sys.modules))"


def _loaded_after(statement: str, *names: str) -> list[str]:
    code = f"{statement}\n{LISTED.format(names=names)}"
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return answer.stdout.split()


def test_naming_the_package_does_not_import_zenml():
    statement = "import seldon_deployer.zenml_plugin, seldon_deployer.steps"
    assert _loaded_after(statement, "zenml", "kubernetes", "sklearn") == []


@pytest.mark.parametrize(
    "statement",
    [
        "from seldon_deployer.zenml_plugin import SeldonModelDeployer",
        "from seldon_deployer.steps import seldon_model_deployer_step",
        "from seldon_deployer.steps import seldon_custom_model_deployer_step",
    ],
)
def test_the_plugin_imports_no_kubernetes_client_and_no_framework(statement):
    assert _loaded_after(statement, "kubernetes", "sklearn", "numpy.random", "zenml") == ["zenml"]


def test_all_public_names_are_there():
    import seldon_deployer.zenml_plugin as plugin

    assert sorted(plugin.__all__) == plugin.__all__
    assert all(hasattr(plugin, name) for name in plugin.__all__)
    with pytest.raises(AttributeError, match="nonsense"):
        plugin.nonsense  # noqa: B018
