"""numpy is taken from 1.24 on: nothing is used that came with 2.0 or later."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import seldon_deployer

PACKAGE = Path(seldon_deployer.__file__).parent
# Source: release notes of NumPy 2.0 to 2.2, new functions and names of the main namespace.
NEWER = (
    "acos acosh asin asinh astype atan atan2 atanh bitwise_count bitwise_invert bitwise_left_shift "
    "bitwise_right_shift bool concat cumulative_prod cumulative_sum isdtype long matrix_transpose "
    "matvec permute_dims pow strings trapezoid ulong unique_all unique_counts unique_inverse "
    "unique_values unstack vecdot vecmat"
)


def newer_names(text: str) -> list[str]:
    names = set(NEWER.split())
    return [
        f"line {node.lineno}: np.{node.attr}"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "np"
        and node.attr in names
    ]


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_no_module_uses_a_name_that_older_numpy_has_not(path):
    assert newer_names(path.read_text()) == []


def test_a_newer_name_is_found():
    assert newer_names("import numpy as np\nx = np.bool") == ["line 2: np.bool"]
