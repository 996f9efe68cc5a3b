"""SIGTERM in the middle of traffic: every request that was sent is answered, and right."""

from __future__ import annotations

import asyncio
import itertools
import re
import threading
import time
from dataclasses import dataclass, field

import grpc
import pytest
import urllib3
from protobuf_messages import wire_of
from unit_process import parameters

from seldon_deployer.server.grpc.definitions import message_class

BEFORE_SECONDS = 1.0
END_SECONDS = 30
CLIENTS = 6
KINDS = {
    "single": ((), {}),
    "batches": ((), {"max_batch_size": 8, "max_batch_delay_ms": 2}),
    "workers": (("--workers", "2"), {}),
    "threads": (("--threads", "3"), {}),
}


@dataclass
class Tally:
    """What clients have sent and got; `lost` are requests that got no answer, or a wrong one."""

    answered: int = 0
    after_the_signal: int = 0
    refused: int = 0
    lost: list[str] = field(default_factory=list)
    numbers: set[int] = field(default_factory=set)
    is_told: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, number: int) -> None:
        with self.lock:
            self.numbers.add(number)
            self.answered += 1
            self.after_the_signal += self.is_told


@pytest.fixture(params=KINDS)
def unit(request, start_unit, tmp_path):
    arguments, asked = KINDS[request.param]
    asked = dict(asked)
    ports = ("--grpc-port", "0", "--metrics-port", "0")
    asked["seen"] = str(tmp_path / "seen")
    unit = start_unit("loaded.Slow", *ports, *arguments, **parameters(**asked))
    unit.seen = tmp_path / "seen"
    return unit


def ask_over_rest(unit, tally: Tally, numbers, *, keeps_alive: bool) -> None:
    """Ask until nobody listens any more.

    A new connection that is refused, or reset where nobody took it, has lost nothing where the
    class never saw the request.
    """
    pool = urllib3.PoolManager(retries=False, maxsize=1, timeout=END_SECONDS)
    headers = {} if keeps_alive else {"Connection": "close"}
    is_new = True
    while True:
        number = next(numbers)
        body = {"data": {"ndarray": [[number]]}}
        try:
            answer = pool.request("POST", f"{unit.url}/predict", json=body, headers=headers)
        except urllib3.exceptions.NewConnectionError:
            tally.refused += 1
            return
        except urllib3.exceptions.HTTPError as error:
            if is_new:
                tally.refused += 1
            else:
                tally.lost.append(f"{number}: {error!r}")
            return
        is_new = answer.headers.get("Connection") == "close" or not keeps_alive
        if answer.status != 200 or answer.json()["data"]["ndarray"] != [[number]]:
            tally.lost.append(f"{number}: {answer.status} {answer.data!r}")
        tally.add(number)


@pytest.mark.parametrize("keeps_alive", [True, False])
def test_over_rest_nothing_is_lost(unit, keeps_alive):
    tally, numbers = Tally(), itertools.count()
    clients = [
        threading.Thread(
            target=ask_over_rest, args=(unit, tally, numbers), kwargs={"keeps_alive": keeps_alive}
        )
        for _ in range(CLIENTS)
    ]
    for client in clients:
        client.start()
    end_in_the_middle(unit, tally)
    for client in clients:
        client.join(END_SECONDS)
    check(unit, tally)


def check(unit, tally: Tally) -> None:
    assert not tally.lost
    assert tally.answered > CLIENTS
    assert tally.after_the_signal > 0
    seen = {int(line) for line in unit.seen.read_text().split()}
    assert seen == tally.numbers


def end_in_the_middle(unit, tally: Tally) -> None:
    time.sleep(BEFORE_SECONDS)
    tally.is_told = True
    unit.process.terminate()
    assert unit.process.wait(END_SECONDS) == 0


async def ask_over_grpc(address: str, tally: Tally, numbers) -> None:
    """Ask until nobody listens any more.

    UNAVAILABLE has lost nothing where the class never saw the request: clients send it elsewhere.
    """
    async with grpc.aio.insecure_channel(address) as channel:
        call = channel.unary_unary("/seldon.protos.Model/Predict")
        while True:
            number = next(numbers)
            wire = wire_of("seldon.protos.SeldonMessage", {"data": {"ndarray": [[number]]}})
            try:
                content = await call(wire, timeout=END_SECONDS)
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.UNAVAILABLE:
                    tally.lost.append(f"{number}: {error.code()} {error.details()}")
                tally.refused += 1
                return
            answer = message_class("seldon.protos.SeldonMessage").FromString(content)
            if answer.data.ndarray.values[0].list_value.values[0].number_value != number:
                tally.lost.append(f"{number}: another's answer")
            tally.add(number)


def address_of(unit) -> str:
    found = re.search(r"listening on grpc://(\S+)\n", unit.log.read_text())
    assert found, unit.log.read_text()
    return found[1]


def test_over_grpc_nothing_is_lost(unit):
    tally, numbers = Tally(), itertools.count()

    target = address_of(unit)

    async def load() -> None:
        await asyncio.gather(*(ask_over_grpc(target, tally, numbers) for _ in range(CLIENTS)))

    clients = threading.Thread(target=asyncio.run, args=(load(),))
    clients.start()
    end_in_the_middle(unit, tally)
    clients.join(END_SECONDS)
    check(unit, tally)
