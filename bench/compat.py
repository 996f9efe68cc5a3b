"""Our model server against seldon-core's own, the same requests to both: what differs, and why.

Requests are searched for, not listed: right ones, nearly right ones, and what no document can be,
over REST and gRPC, for classes that tell what they were given and that answer all there is. An
answer that differs has to be a row of `docs/differences.md`, found by a rule that reads the
exchange. What no rule explains is printed, the smallest of each kind, and the measurement is not
met. `SELDON_DEPLOYER_FUZZ=10` searches ten times as long, and each time elsewhere.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import urllib3
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bench.compat_rules import Answer, Exchange, explain, read_wire
from bench.measure import Row
from bench.running import Running, ours, seldon_core

# The strategies of the tests, which are no package.
sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "fuzz"))
from nearly_right import changed, feedbacks, message_lists, messages, rows, sent
from protobuf_messages import wire_of

TIMES = int(os.environ.get("SELDON_DEPLOYER_FUZZ", "1"))
EXAMPLES = 250
SECONDS = 20
UNITS = ("Echo", "Told", "Moody")
IMAGE = {"PREDICTIVE_UNIT_IMAGE": "registry/iris:1.0"}
_JSON = {"Content-Type": "application/json"}
_SHOWN = 700
_DATA_PATHS = (
    "/predict",
    "/transform-input",
    "/transform-output",
    "/route",
    "/api/v1.0/predictions",
)
_OTHER_PATHS = ("/health/ping", "/health/status", "/metadata", "/x")
_KINDS = ("application/json", "text/plain", "", "application/x-www-form-urlencoded")
# The method, the message that it takes, and which documents are such messages.
_METHODS = (
    ("Model/Predict", "SeldonMessage", messages),
    ("Generic/TransformInput", "SeldonMessage", messages),
    ("Generic/TransformOutput", "SeldonMessage", messages),
    ("Router/Route", "SeldonMessage", messages),
    ("Seldon/Predict", "SeldonMessage", messages),
    ("Combiner/Aggregate", "SeldonMessageList", message_lists),
    ("Model/SendFeedback", "Feedback", feedbacks),
)
# What `Moody` answers by: the first number of a message.
moods = st.tuples(
    st.integers(0, 40), rows(), st.booleans(), st.just({}) | st.just({"names": ["a", "b"]})
).map(
    lambda drawn: {
        "data": {
            **drawn[3],
            **(
                {"ndarray": [[drawn[0], *row[1:]] for row in drawn[1]]}
                if drawn[2]
                else {"tensor": {"shape": [1, 2], "values": [drawn[0], 0.5]}}
            ),
        }
    }
)


@dataclass
class Findings:
    """What a search has found: how many were equal, explained by which row, and unexplained."""

    total: int = 0
    explained: Counter[str] = field(default_factory=Counter)
    unexplained: dict[str, Exchange] = field(default_factory=dict)
    strange: int = 0

    def add(self, exchange: Exchange) -> None:
        self.total += 1
        if exchange.ours == exchange.theirs:
            return
        if (row := explain(exchange)) is not None:
            self.explained[row] += 1
            return
        self.strange += 1
        known = self.unexplained.get(exchange.kind)
        if known is None or len(exchange.body) < len(known.body):
            self.unexplained[exchange.kind] = exchange


def run() -> list[Row]:
    """One row a protocol and class."""
    measured = []
    for unit in UNITS:
        with _pair(unit) as (mine, theirs):
            for what, search in (("REST", _search_rest), ("gRPC", _search_grpc)):
                findings = search(mine, theirs)
                measured.append(_row(f"{what} like seldon-core's, {unit}", findings))
    return measured


def _row(what: str, findings: Findings) -> Row:
    print(what, file=sys.stderr)
    for row, count in findings.explained.most_common():
        print(f"  {count:6} {row}", file=sys.stderr)
    for kind, exchange in sorted(findings.unexplained.items()):
        print(f"  ? {kind}\n{exchange.describe(_SHOWN)}", file=sys.stderr, flush=True)
    documented = sum(findings.explained.values())
    return Row(
        what,
        f"{findings.total - documented - findings.strange} of {findings.total} equal",
        f"{documented} differ as documented",
        f"{findings.strange} otherwise",
        "0",
        findings.strange == 0,
    )


def _search_rest(mine: Running, theirs: Running) -> Findings:
    findings = Findings()
    http = urllib3.PoolManager(retries=False, timeout=SECONDS)

    def compare(method: str, path: str, body: bytes, headers: dict[str, str]) -> None:
        answers = [
            _ask(http, f"http://127.0.0.1:{each.port}{path}", method, body, headers)
            for each in (mine, theirs)
        ]
        findings.add(Exchange(method, path, json.dumps(headers), body, *answers))

    lists = message_lists | message_lists.map(lambda listed: {"seldonMessages": listed})
    asked = (
        st.tuples(st.just("POST"), st.sampled_from(_DATA_PATHS), sent(messages), st.just(_JSON)),
        st.tuples(st.just("POST"), st.just("/predict"), sent(moods), st.just(_JSON)),
        st.tuples(st.just("POST"), st.just("/send-feedback"), sent(feedbacks), st.just(_JSON)),
        st.tuples(st.just("POST"), st.just("/aggregate"), sent(lists), st.just(_JSON)),
        st.tuples(
            st.sampled_from(("GET", "POST", "PUT", "DELETE", "PATCH")),
            st.sampled_from((*_DATA_PATHS, *_OTHER_PATHS)),
            sent(messages),
            st.sampled_from([{"Content-Type": kind} for kind in _KINDS] + [{}]),
        ),
    )
    for each in asked:
        _search(each, compare)
    http.clear()
    return findings


def _search_grpc(mine: Running, theirs: Running) -> Findings:
    findings = Findings()
    with ExitStack() as stack:
        channels = [
            stack.enter_context(grpc.insecure_channel(f"127.0.0.1:{each.grpc_port}"))
            for each in (mine, theirs)
        ]

        def compare(method: str, message: str, document: Any) -> None:
            if (wire := wire_of(f"seldon.protos.{message}", document)) is None:
                return
            answers = [_call(channel, method, wire) for channel in channels]
            findings.add(Exchange("gRPC", method, message, wire, *answers))

        for method, message, documents in _METHODS:
            nearly = documents | changed(documents)
            _search(st.tuples(st.just(method), st.just(message), nearly), compare)
        _search(st.tuples(st.just("Model/Predict"), st.just("SeldonMessage"), moods), compare)
    return findings


def _search(asked: st.SearchStrategy[tuple[Any, ...]], compare: Callable[..., None]) -> None:
    @settings(
        max_examples=EXAMPLES * TIMES,
        deadline=None,
        database=None,
        derandomize=TIMES == 1,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(asked)
    def search(drawn: tuple[Any, ...]) -> None:
        compare(*drawn)

    search()


@contextmanager
def _pair(unit: str) -> Iterator[tuple[Running, Running]]:
    with ExitStack() as stack:
        yield (
            stack.enter_context(ours(f"compat_units.{unit}", **IMAGE)),
            stack.enter_context(seldon_core(f"compat_units.{unit}", **IMAGE)),
        )


def _ask(
    http: urllib3.PoolManager, url: str, method: str, body: bytes, headers: dict[str, str]
) -> Answer:
    answer = http.request(method, url, body=body, headers=headers)
    kind = answer.headers.get("Content-Type", "").partition(";")[0]
    try:
        return Answer(answer.status, kind, json.loads(answer.data))
    except ValueError:
        return Answer(answer.status, kind, answer.data)


def _call(channel: grpc.Channel, method: str, wire: bytes) -> Answer:
    ask = channel.unary_unary(f"/seldon.protos.{method}")
    try:
        content = ask(wire, timeout=SECONDS, wait_for_ready=True)
    except grpc.RpcError as error:
        return Answer(error.code().name, "", {"status": {"info": error.details()}})
    return Answer("OK", "", read_wire("SeldonMessage", content))
