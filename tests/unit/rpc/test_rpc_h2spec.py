"""The cases of h2spec, which asks a server whether it speaks HTTP/2 as RFC 9113 and 7541 say."""

import asyncio
import os
import shutil
import subprocess
from pathlib import Path

import platformdirs
import pytest
from test_rpc_connections import serving

# From before Go had modules, hence the word.
VERSION = "v2.2.1+incompatible"


@pytest.fixture(scope="session")
def h2spec():
    """The program; Go builds it once."""
    folder = Path(platformdirs.user_cache_dir("seldon-deployer")) / f"tests/h2spec-{VERSION}"
    if not (folder / "h2spec").exists():
        if shutil.which("go") is None:
            pytest.skip("h2spec is built by Go: install it (Debian: golang); CI has it")
        module = f"github.com/summerwind/h2spec/cmd/h2spec@{VERSION}"
        environment = {**os.environ, "GOBIN": str(folder)}
        subprocess.run(["go", "install", module], env=environment, check=True, timeout=300)
    return folder / "h2spec"


def test_the_server_speaks_http2_by_all_cases_of_h2spec(h2spec):
    async def run():
        async with serving() as (_, port):
            command = (h2spec, "-h", "127.0.0.1", "-p", str(port), "-o", "5")
            process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
            told, _ = await process.communicate()
            return process.returncode, told.decode()

    code, told = asyncio.run(run())
    assert code == 0, told
    assert ", 0 failed" in told
