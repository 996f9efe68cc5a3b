from __future__ import annotations

import subprocess
import sys

import pytest

import seldon_deployer

# What must not be imported before it is used.
HEAVY = ["kubernetes", "zenml", "sklearn", "numpy", "pandas", "aiohttp", "uvicorn", "rich"]


def test_the_public_names_are_few_and_sorted() -> None:
    assert seldon_deployer.__all__ == sorted(seldon_deployer.__all__)
    assert len(seldon_deployer.__all__) <= 15


@pytest.mark.parametrize("name", seldon_deployer.__all__)
def test_every_public_name_is_there(name: str) -> None:
    value = getattr(seldon_deployer, name)

    assert value.__name__ == name
    assert name in dir(seldon_deployer)


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = seldon_deployer.Nothing


@pytest.mark.parametrize(
    "statement",
    ["import seldon_deployer", "from seldon_deployer import DeploymentConfig, Deployer, Service"],
)
def test_importing_the_package_imports_nothing_heavy(statement: str) -> None:
    program = f"{statement}; import sys; print(*[m for m in {HEAVY} if m in sys.modules])"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
