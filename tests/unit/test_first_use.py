"""Classes that are built on first use, in scripts that have names of their own."""

from __future__ import annotations

import subprocess
import sys

import pytest

# Names that our annotations use, and that people have for other things.
_NAMES = "Any, Env, Graph, HPA, Model, PDB, Path, Probe, Protocol, Resources, Unit, Value, Volume"
_CONFIG = "DeploymentConfig(model_name='a', model_uri='s3://m/a', pdb={'minAvailable': 1})"
_UNIT = "units.Model('a', model_uri='s3://m/a', resources={'limits': {'cpu': '1'}})"
_OTHER = "units.Model('b', model_uri='s3://m/b')"
_GRAPH = f"units.Combiner('c', [{_UNIT}, {_OTHER}], python_class='m.C')"
_MANIFEST = "SeldonDeployment.from_object({'metadata': {'name': 'a'}, 'spec': {'predictors': []}})"


@pytest.mark.parametrize("made", [_CONFIG, _UNIT, _GRAPH, _MANIFEST])
@pytest.mark.parametrize("indent", ["", "    "])
def test_a_script_may_have_any_names_of_its_own(made: str, indent: str) -> None:
    lines = [
        f"{_NAMES} = [{{'of': 'the user'}}] * {_NAMES.count(',') + 1}",
        "from seldon_deployer import DeploymentConfig, graph as units",
        "from seldon_deployer.manifest.resource import SeldonDeployment",
        f"print(repr({made}))",
    ]
    script = "\n".join(("def main():" if indent else "", *(indent + line for line in lines)))
    script += "\nmain()" if indent else ""
    alone = [line.strip() for line in lines[1:]]

    given = [
        subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False)
        for text in (script, "\n".join(alone))
    ]

    assert [each.returncode for each in given] == [0, 0], given[0].stderr
    assert given[0].stdout == given[1].stdout
