"""The embedded runtime keeps its logs small, and `logs --follow` goes on meanwhile."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
from e2e.embedded import PODS, Embedded, class_sdep, running, write_code

from seldon_deployer.local.rotation import LIMIT_BYTES

PATIENCE_SECONDS = 60


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    folder = tmp_path_factory.mktemp("home")
    with running(folder) as found:
        found.apply(class_sdep("talks", write_code(folder / "code")))
        found.wait_served("talks")
        yield found


def test_a_large_log_is_moved_away_and_followed(embedded: Embedded) -> None:
    pod = embedded.pods("talks")[0]
    log = embedded.home / "pods" / pod["metadata"]["uid"] / "logs" / "talks" / "0.log"
    url = f"{embedded.runtime.api_url}{PODS}/{pod['metadata']['name']}/log"
    followed = embedded.http.request(
        "GET", f"{url}?container=talks&follow=true", preload_content=False
    )

    # As the unit's own process would, which appends.
    with log.open("ab") as output:
        output.write(b"x" * (1 << 20) + b"\n")
        for _ in range(LIMIT_BYTES >> 20):
            output.write(b"x" * (1 << 20) + b"\n")
    end = time.monotonic() + PATIENCE_SECONDS
    while log.stat().st_size > LIMIT_BYTES and time.monotonic() < end:
        time.sleep(0.1)
    with log.open("ab") as output:
        output.write(b"after it was moved\n")

    seen = b""
    while b"after it was moved" not in seen[-100:]:
        seen += followed.read1()
    followed.close()
    assert log.stat().st_size < 1 << 20
    assert log.with_name("0.log.1").stat().st_size > LIMIT_BYTES
    assert seen.count(b"x") >= LIMIT_BYTES
    assert seen.count(b"after it was moved") == 1
    answer = embedded.predict("talks")
    assert answer.status == 200, json.loads(answer.data)
