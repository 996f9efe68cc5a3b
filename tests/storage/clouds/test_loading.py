"""The clouds' libraries are loaded with the first address that needs them, and may be missing."""

from __future__ import annotations

import subprocess
import sys

import pytest


def run(code):
    """What a new interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout


@pytest.mark.parametrize("module", ["gcs", "gcs_client", "azure", "azure_client"])
def test_the_module_of_a_store_loads_no_library_of_it(module):
    code = f"import sys, seldon_deployer.storage.{module}; print(*sys.modules, sep='\\n')"
    loaded = {name.partition(".")[0] for name in run(code).split()}
    assert not loaded & {"google", "azure", "requests", "urllib3", "google_crc32c"}


@pytest.mark.parametrize(
    ("address", "missing", "hint"),
    [
        ("gs://models/iris", "google.cloud.storage", "seldon-deployer[gcs]"),
        ("az://models/iris", "azure.storage.blob", "seldon-deployer[azure]"),
        ("abfss://c@models.dfs.core.windows.net/iris", "azure.identity", "seldon-deployer[azure]"),
    ],
)
def test_a_library_that_is_not_installed_is_named_with_the_extra(address, missing, hint):
    code = f"""
import sys
sys.modules[{missing!r}] = None
from seldon_deployer.errors import ConfigError
from seldon_deployer.storage import open_folder
try:
    open_folder({address!r}).list()
except ConfigError as error:
    print(error)
"""
    assert f"pip install '{hint}'" in run(code)
