"""The real orchestrator's records, asked again of the gateway, which walks to units over HTTP."""

import asyncio
import json
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from test_gateway import exchange
from test_routes import engine_container

from seldon_deployer.local.executor import escape_body
from seldon_deployer.local.gateway import Gateway
from seldon_deployer.local.pod_folder import PORTS_ANNOTATION
from seldon_deployer.local.routes import Routes
from seldon_deployer.local.upstream import Upstream

RECORDS = Path(__file__).parents[3].parent / "shared" / "executor-records"
# Of one unit, which answers as it was recorded.
SINGLE = [
    "echo_escape",
    "fail_200_failure_status",
    "fail_201",
    "fail_400_status",
    "gzip_unit",
    "real_single",
    "single_model",
    "v2_fail",
]
# Of several, and what each answers to a prediction: as the units of the recording did.
GRAPHS = {
    "combiner": "fixed",
    "combiner_child_fails": "fixed",
    "fail_transformer_400_then_model": "fixed",
    "methods_field": "trail",
    "model_child_of_model": "trail",
    "model_output_transformer": "trail",
    "router_0": "fixed",
    "router_0_injection": "fixed",
    "router_1": "fixed",
    "router_bad_empty": "fixed",
    "router_flat_ndarray": "fixed",
    "router_m2": "fixed",
    "router_tensor": "fixed",
    "transformer_model": "trail",
    "two_children_no_combiner": "fixed",
    "v2_router": "v2",
    "v2_router_seldonmsg": "v2",
}
ROUTES = {
    "router_0": {"data": {"ndarray": [[0]]}},
    "router_0_injection": {"data": {"ndarray": [[0]]}},
    "router_1": {"data": {"ndarray": [[1]]}},
    "router_bad_empty": {"data": {"ndarray": []}},
    "router_flat_ndarray": {"data": {"ndarray": [1]}},
    "router_m2": {"data": {"ndarray": [[-2]]}},
    "router_tensor": {"data": {"tensor": {"shape": [1, 1], "values": [1]}}},
    "v2_router": [1],
    "v2_router_seldonmsg": {"data": {"ndarray": [[1]]}},
}
METADATA = {
    "name": "m",
    "versions": ["v1"],
    "platform": "seldon",
    "inputs": [{"name": "x", "datatype": "FP64", "shape": [1, 4]}],
    "outputs": [{"name": "y", "datatype": "FP64", "shape": [1, 3]}],
}
# Pages and metrics of the orchestrator's own, which are not here.
ABSENT = ("/api/v1.0/doc/", "/prometheus")
# Written anew by each hop, or by chance.
OWN_HEADERS = ("date", "content-length", "seldon-puid", "ce-id")


def exchanges(cases):
    for case in cases:
        path = RECORDS / f"{case}.json"
        if not path.exists():
            yield pytest.param(
                None, None, id=case, marks=pytest.mark.skip(f"no record {path} on this machine")
            )
            continue
        record = json.loads(path.read_text())
        for number, one in enumerate(record["exchanges"]):
            if one["request"]["path"] not in ABSENT:
                yield pytest.param(record, one, id=f"{case}-{number}-{one['request']['path']}")


class Unit:
    """A unit of the recording: answers by its `reply`, and remembers what it was asked."""

    def __init__(self, name, reply) -> None:
        self.name = name
        self.asked: list[dict] = []
        self._reply = reply
        self._serving: set[asyncio.Task] = set()

    async def start(self, stack: AsyncExitStack) -> int:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        await stack.enter_async_context(server)
        return server.sockets[0].getsockname()[1]

    async def wait_idle(self) -> None:
        await asyncio.gather(*self._serving)

    async def _serve(self, reader, writer) -> None:
        self._serving.add(asyncio.current_task())
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                line, *fields = head.rstrip().split("\r\n")
                headers = dict(field.lower().split(":", 1) for field in fields)
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                method, path, _ = line.split(" ")
                seen = {"unit": self.name, "method": method, "path": path, "body": body}
                kind = headers.get("content-type", "").strip()
                self.asked.append({**seen, "type": kind})
                status, kind, answer = self._reply(self.name, method, path, body)
                writer.write(
                    f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nX-Own: 1\r\n"
                    f"Content-Length: {len(answer)}\r\n\r\n".encode()
                    + answer
                )
                await writer.drain()
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()


def recorded_reply(one):
    """The one unit's reply: what the client was recorded to get."""
    response = one["response"]
    kinds = {name.lower(): value for name, value in response["headers"]}
    kind = kinds.get("content-type", "application/json")
    if one["request"]["path"] == "/api/v1.0/metadata":
        model = json.loads(response["body"])["models"]["classifier"]
        response = {"status": 200, "body": json.dumps(dict(sorted(model.items())))}
    return lambda *_: (response["status"], kind, response["body"].encode())


def rig_reply(case):
    """The reply of a unit in a graph, as the recording's own units made it."""

    def answer(name, method, path, body):
        step = path.rsplit("/", 1)[1]
        image = f"img-{name}:1"
        if step == "metadata":
            return METADATA
        if step == "send-feedback":
            return {"data": {"ndarray": []}, "meta": {}}
        if step == "route":
            return ROUTES[case]
        if step == "aggregate":
            return {"data": {"ndarray": [[2]]}, "meta": {"requestPath": {"comb": "i"}}}
        if GRAPHS[case] == "v2":
            output = {"name": "predict", "shape": [1], "datatype": "INT64", "data": [0]}
            whole = {"model_name": name, "model_version": "v1", "id": "req-1"}
            return {**whole, "parameters": {"p": 1}, "outputs": [output]}
        if GRAPHS[case] == "trail" or name == "t":
            message = json.loads(body)
            message.setdefault("meta", {}).setdefault("requestPath", {})[name] = image
            return {**message, "seen": [*message.get("seen", []), f"{name}/{step}"]}
        fixed = {"names": ["t:0", "t:1"], "ndarray": [[0.1, 0.9]]}
        return {"data": fixed, "meta": {"requestPath": {name: image}}}

    def reply(name, method, path, body):
        failing = {"combiner_child_fails": "c1", "fail_transformer_400_then_model": "trans"}
        if failing.get(case) == name:
            info = "bad" if name == "c1" else (
                "Unknown data type returned as payload (must be list or np array)"
            )  # fmt: skip
            status = {"status": "FAILURE", "code": 400, "info": info}
            wrong = {"status": {**status, "reason": "MICROSERVICE_BAD_DATA"}}
            return 400, "application/json", json.dumps(wrong).encode()
        return 200, "application/json", json.dumps(answer(name, method, path, body)).encode()

    return reply


def walk(obj):
    yield obj
    for child in obj.get("children", []):
        yield from walk(child)


def place(graph, host):
    """The graph with each unit at `host(name)`."""
    here = {"service_host": host(graph["name"])}
    return {
        **graph,
        **({"endpoint": here} if "endpoint" in graph else {}),
        "children": [place(child, host) for child in graph.get("children", [])],
    }


def make_pod(uid, units, ports, engine=None):
    labels = {f"seldon-app-svc-{name}": f"iris-{name}" for name in units}
    env = [{"name": "SELDON_DEPLOYMENT_ID", "value": "iris"}]
    containers = [{"name": name, "env": env} for name in units]
    if engine:
        labels["seldon-app"] = "iris-default"
        containers.append(engine)
    noted = json.dumps({name: {"http": ports[name]} for name in units})
    metadata = {"name": uid, "namespace": "models", "uid": uid, "labels": labels}
    return {
        "metadata": {**metadata, "annotations": {PORTS_ANNOTATION: noted}},
        "spec": {"containers": containers},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    }


async def ask_again(record, one, reply, *, one_pod):
    """Ask a gateway what was recorded; gives what it sent and what each unit saw."""
    graph = record["predictor"]["graph"]
    names = [unit["name"] for unit in walk(graph) if "endpoint" in unit]
    units = {name: Unit(name, reply) for name in names}
    async with AsyncExitStack() as stack:
        upstream = Upstream()
        stack.callback(upstream.close)
        ports = {name: await unit.start(stack) for name, unit in units.items()}
        routes = Routes(upstream.forget, chance=lambda: 0.0)
        routes.set_sdep(
            {
                "metadata": {"namespace": "models", "name": "iris", "uid": "u"},
                "spec": {"predictors": [{"name": "default"}]},
            }
        )
        hosts = {name: "localhost" for name in names[:1] if not one_pod}
        host = (lambda name: "localhost") if one_pod else (
            lambda name: hosts.get(name, f"iris-{name}.models.svc.cluster.local")
        )  # fmt: skip
        engine = engine_container(
            place(graph, host), record["protocol"], "default", **record["env"]
        )
        first, others = (names, []) if one_pod else (names[:1], names[1:])
        routes.set_pod(make_pod("front", first, ports, engine))
        for name in others:
            routes.set_pod(make_pod(name, [name], ports))
        synced = asyncio.Event()
        synced.set()
        request = one["request"]
        body = (request["body"] or "").encode()
        sent = await exchange(
            Gateway(routes, upstream, synced),
            f"/seldon/models/iris{request['path']}",
            request["method"],
            [{"type": "http.request", "body": body, "more_body": False}],
            **request["headers"],
        )
        seen = [asked for name in names for asked in units[name].asked]
        # Answered connections stay open for the next request.
        upstream.close()
        await asyncio.gather(*(unit.wait_idle() for unit in units.values()))
        return sent, seen


def compare(one, sent, seen):
    recorded = one.get("response")
    if recorded is None:
        # Its client saw the connection closed; an ingress, which is here too, makes this of it.
        assert sent[0]["status"] == 502
        assert "without an answer" in json.loads(sent[1]["body"])["status"]["info"]
    else:
        headers = {name.decode(): text.decode() for name, text in sent[0]["headers"]}
        real = {name.lower(): text for name, text in recorded["headers"]}
        is_route = "access-control-allow-origin" in real
        if not is_route:
            # net/http itself answers an unknown path with this header.
            real.pop("x-content-type-options", None)
        is_binary = real.pop("content-encoding", None) is not None
        for name in OWN_HEADERS:
            assert (name in headers) == (name in real) or name in ("date", "content-length")
            headers.pop(name, None)
            real.pop(name, None)
        assert sent[0]["status"] == recorded["status"]
        assert headers == real
        if not is_binary:
            assert sent[1]["body"].decode() == recorded["body"]
    expected = [
        {
            **{key: asked[key] for key in ("unit", "method", "path")},
            "body": (asked["body"] or "").encode(),
            "type": dict(map(tuple, asked["headers"])).get("Content-Type", ""),
        }
        for asked in one["unit_requests"]
    ]
    assert seen == expected


@pytest.mark.parametrize(("record", "one"), list(exchanges(SINGLE)))
def test_a_single_unit_and_its_client_see_what_the_real_ones_saw(record, one):
    if record["case"] == "real_single":
        # Nobody wrote down what that unit was asked.
        one["unit_requests"] = None
    sent, seen = asyncio.run(ask_again(record, one, recorded_reply(one), one_pod=True))

    if one["unit_requests"] is None:
        one["unit_requests"] = []
        seen = []
    compare(one, sent, seen)


@pytest.mark.parametrize("one_pod", [True, False], ids=["one pod", "a pod each"])
@pytest.mark.parametrize(("record", "one"), list(exchanges(GRAPHS)))
def test_a_graph_is_walked_as_the_real_orchestrator_walked_it(record, one, one_pod):
    sent, seen = asyncio.run(ask_again(record, one, rig_reply(record["case"]), one_pod=one_pod))

    compare(one, sent, seen)


@pytest.mark.parametrize(
    ("body", "escaped"),
    [
        (b'{"a": "<b>&"}', rb'{"a": "\u003cb\u003e\u0026"}'),
        ("\u2028é".encode(), rb"\u2028" + "é".encode()),
        (b"plain", b"plain"),
    ],
)
def test_a_body_is_escaped_as_go_escapes_it(body, escaped):
    assert escape_body(body) == escaped
