"""What a configuration says of pods is judged as Kubernetes judges it, in both directions."""

from __future__ import annotations

import secrets
from typing import Any

import pytest
from client import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seldon_deployer.config import parse_config
from seldon_deployer.errors import ConfigError

pytestmark = pytest.mark.cluster

# Each example is a request; the fixture's server is the same for all of them.
ENOUGH = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
IN_CONTAINER = ("resources", "env", "volumeMounts", *PROBES)

Object = dict[str, Any]


@pytest.fixture
def real(real_end):
    opened = Client(real_end)
    yield opened
    opened.close()


def is_taken_by_us(said: Object) -> bool:
    try:
        parse_config(model_name="iris", image="mine:1", **said)
    except ConfigError:
        return False
    return True


def is_taken_by_kubernetes(real: Client, said: Object) -> bool:
    """Whether the API server would make a Deployment whose pod says the same, key by key."""
    container = {"name": "iris", "image": "mine:1"}
    container |= {name: value for name, value in said.items() if name in IN_CONTAINER}
    pod = {name: value for name, value in said.items() if name not in IN_CONTAINER}
    labels = {"app": "iris"}
    body = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": f"d-{secrets.token_hex(4)}", "namespace": "default"},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {**pod, "containers": [container]},
            },
        },
    }
    path = "/apis/apps/v1/namespaces/default/deployments"
    answer = real.post(path, body, dryRun="All", fieldValidation="Strict")
    # 400 is of a value that does not even fit its type.
    assert answer.status in (201, 400, 422), answer
    return answer.status == 201


def optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Object]:
    return st.fixed_dictionaries({}, optional=fields)


numbers = st.integers(-1, 3)
tolerations = st.lists(
    optional(
        key=st.sampled_from(["", "gpu", "example.com/gpu", "a b", "UPPER", "-x"]),
        operator=st.sampled_from(["Exists", "Equal", "In"]),
        value=st.sampled_from(["", "yes", "a b", "x" * 64]),
        effect=st.sampled_from(["NoSchedule", "PreferNoSchedule", "NoExecute", "Never"]),
        tolerationSeconds=numbers,
    ),
    max_size=2,
)
ports = st.sampled_from([0, 1, 8080, 65535, 65536, "http", "a-b", "A", "1", "a--b", "x" * 16])
handlers = {
    "httpGet": st.fixed_dictionaries(
        {"port": ports},
        optional={
            "path": st.just("/ready"),
            "scheme": st.sampled_from(["HTTP", "HTTPS", "FTP"]),
            "httpHeaders": st.lists(
                st.fixed_dictionaries(
                    {"name": st.sampled_from(["X-A", "a b", "x_y", ""]), "value": st.just("1")}
                ),
                max_size=1,
            ),
        },
    ),
    "tcpSocket": st.fixed_dictionaries({"port": ports}),
    "grpc": st.fixed_dictionaries({"port": st.sampled_from([0, 1, 9000, 70000])}),
    "exec": st.fixed_dictionaries({"command": st.lists(st.just("true"), max_size=1)}),
}
probes = optional(
    **handlers,
    initialDelaySeconds=numbers,
    periodSeconds=numbers,
    timeoutSeconds=numbers,
    successThreshold=numbers,
    failureThreshold=numbers,
    terminationGracePeriodSeconds=numbers,
)
one_handler = st.sampled_from(sorted(handlers)).flatmap(
    lambda kind: st.builds(
        lambda rest, handler: {
            **{name: value for name, value in rest.items() if name not in handlers},
            kind: handler,
        },
        probes,
        handlers[kind],
    )
)
sizes = st.dictionaries(
    st.sampled_from(["cpu", "memory", "nvidia.com/gpu", "gpu", "a b", "ephemeral-storage"]),
    st.sampled_from(["0", "1", "2", "500m", "1.5", "1Gi", "1e3", "-1", "half", "1G", ".5", "2k"]),
    max_size=2,
)
names = st.sampled_from(["models", "m-2", "M", "a_b", "-a", "x" * 64])
sources = st.sampled_from(
    [
        {},
        {"emptyDir": {}},
        {"persistentVolumeClaim": {"claimName": "models"}},
        {"secret": {"secretName": "creds"}},
        {"emptyDir": {}, "secret": {"secretName": "creds"}},
        {"somethingElse": {}},
    ]
)
volumes = st.lists(
    st.builds(lambda name, source: {"name": name, **source}, names, sources), max_size=2
)
mounts = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.sampled_from(["models", "m-2", "missing"]),
            "mountPath": st.sampled_from(["/data", "/data/2", "data", "", "/a:b"]),
        },
        optional={
            "subPath": st.sampled_from(["a", "/a", "../a", "a/..b"]),
            "readOnly": st.booleans(),
        },
    ),
    max_size=2,
)


keys = st.sampled_from(["zone", "example.com/zone", "a b", ""])
values = st.lists(st.sampled_from(["a", "1"]), max_size=2)
requirements = st.lists(
    st.fixed_dictionaries(
        {"key": keys, "operator": st.sampled_from(["In", "NotIn", "Exists", "DoesNotExist", "Is"])},
        optional={"values": values},
    ),
    max_size=1,
)
node_terms = optional(
    matchExpressions=requirements
    | st.lists(
        st.fixed_dictionaries(
            {"key": keys, "operator": st.sampled_from(["Gt", "Lt"]), "values": values}
        ),
        max_size=1,
    ),
    matchFields=st.lists(
        st.fixed_dictionaries(
            {
                "key": st.sampled_from(["metadata.name", "metadata.uid"]),
                "operator": st.sampled_from(["In", "NotIn", "Exists", "Gt"]),
            },
            optional={"values": st.lists(st.sampled_from(["a", "b"]), max_size=2)},
        ),
        max_size=1,
    ),
    matchLabels=st.just({}),
)
labels = optional(
    matchLabels=st.dictionaries(keys, st.sampled_from(["a", "a b"]), max_size=1),
    matchExpressions=requirements,
)
pod_terms = optional(
    topologyKey=keys,
    labelSelector=labels,
    namespaceSelector=labels,
    namespaces=st.lists(st.sampled_from(["models", "M", "a.b"]), max_size=1),
    labelSelectors=st.just({}),
)


def required_and_preferred(required: Any, name: str, term: Any) -> st.SearchStrategy[Object]:
    preferred = st.fixed_dictionaries({name: term, "weight": st.sampled_from([-1, 0, 1, 100, 101])})
    return optional(
        requiredDuringSchedulingIgnoredDuringExecution=required,
        preferredDuringSchedulingIgnoredDuringExecution=st.lists(preferred, max_size=1),
        required=st.just([]),
    )


node_selectors = optional(nodeSelectorTerms=st.lists(node_terms, max_size=2))
neighbours = required_and_preferred(st.lists(pod_terms, max_size=2), "podAffinityTerm", pod_terms)
affinities = optional(
    nodeAffinity=required_and_preferred(node_selectors, "preference", node_terms),
    podAffinity=neighbours,
    podAntiAffinity=neighbours,
)


def said(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Object]:
    return st.fixed_dictionaries(fields)


CASES = {
    "tolerations": said(tolerations=tolerations),
    "probes": st.sampled_from(PROBES).flatmap(lambda kind: said(**{kind: one_handler | probes})),
    "resources": said(resources=optional(requests=sizes, limits=sizes)),
    "volumes": said(volumes=volumes, volumeMounts=mounts),
    "selectors": said(
        nodeSelector=st.dictionaries(
            st.sampled_from(["zone", "example.com/zone", "a b", "/x"]),
            st.sampled_from(["", "a", "a b", "x" * 64]),
            max_size=2,
        )
    ),
    "variables": said(
        env=st.lists(
            st.fixed_dictionaries(
                {"name": st.sampled_from(["A", "b.c", "-d", "a b", "1A", ""])},
                optional={
                    "valueFrom": st.fixed_dictionaries(
                        {
                            "secretKeyRef": st.fixed_dictionaries(
                                {
                                    "name": st.sampled_from(["creds", "a.b", "A_B"]),
                                    "key": st.sampled_from(["key", "a/b", "", "..", "KEY_1"]),
                                }
                            )
                        }
                    )
                },
            ),
            max_size=1,
        )
    ),
    "affinity": said(affinity=affinities),
    "grace": said(terminationGracePeriodSeconds=numbers),
}


# Names of variables with blanks are taken since Kubernetes 1.34 only, and a grace below zero is
# read as another number than it says.
STRICTER = {"variables", "grace"}


@pytest.mark.parametrize("kind", CASES)
def test_the_configuration_takes_what_kubernetes_takes_and_nothing_else(real, kind):
    @ENOUGH
    @given(CASES[kind])
    def check(given_fields: Object) -> None:
        ours, theirs = is_taken_by_us(given_fields), is_taken_by_kubernetes(real, given_fields)
        assert ours == theirs or (kind in STRICTER and theirs), given_fields

    check()


metrics = st.one_of(
    st.builds(
        lambda name, target: {"type": "Resource", "resource": {"name": name, "target": target}},
        st.sampled_from(["cpu", "memory"]),
        st.sampled_from(
            [
                {"type": "Utilization", "averageUtilization": 70},
                {"type": "AverageValue", "averageValue": "1"},
            ]
        ),
    ),
    st.sampled_from(
        [
            {"type": "Resource"},
            {"type": "Elsewhere", "resource": {"name": "cpu", "target": {"type": "Value"}}},
            {"type": "Pods", "resource": {"name": "cpu", "target": {"type": "Value"}}},
        ]
    ),
)
autoscalers = st.fixed_dictionaries(
    {"maxReplicas": numbers},
    optional={"minReplicas": numbers, "metrics": st.lists(metrics, max_size=2)},
)


def test_an_autoscaler_is_taken_as_kubernetes_takes_it(real):
    @ENOUGH
    @given(autoscalers)
    def check(spec: Object) -> None:
        target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "iris"}
        path = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers"
        theirs = is_made(
            real,
            path,
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            {"scaleTargetRef": target, **spec},
        )
        assert is_taken_by_us({"hpa": spec}) == theirs, spec

    check()


amounts = st.sampled_from([-1, 0, 1, "0%", "50%", "100%", "150%", "half", "1"])


def test_a_disruption_budget_is_taken_as_kubernetes_takes_it(real):
    @ENOUGH
    @given(optional(minAvailable=amounts, maxUnavailable=amounts))
    def check(spec: Object) -> None:
        path = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"
        theirs = is_made(real, path, "policy/v1", "PodDisruptionBudget", spec)
        # Of a budget that says nothing Kubernetes thinks nothing; nobody means it.
        assert is_taken_by_us({"pdb": spec}) == (theirs and bool(spec)), spec

    check()


def is_made(real: Client, path: str, api_version: str, kind: str, spec: Object) -> bool:
    name = f"n-{secrets.token_hex(4)}"
    body = {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, "spec": spec}
    answer = real.post(path, body, dryRun="All", fieldValidation="Strict")
    assert answer.status in (201, 400, 422), answer
    return answer.status == 201
