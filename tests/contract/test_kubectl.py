"""kubectl, the real one, as a user types it."""

from __future__ import annotations

import json
import re

import pytest
from objects import deployment, pod, sdep, secret


def test_get_shows_a_table(kubectl):
    kubectl("create", "-f", kubectl.file(sdep("iris")))
    header, row = kubectl("get", "sdep").splitlines()
    assert header.startswith("NAME")
    assert header.endswith("AGE")
    assert re.match(r"iris\s+.*\d+s$", row)
    assert kubectl("get", "seldondeployments", "-o", "name").strip() == (
        "seldondeployment.machinelearning.seldon.io/iris"
    )
    assert "iris" in kubectl("get", "sdep", "-o", "wide")
    everywhere = kubectl("get", "sdep", "-A")
    assert everywhere.splitlines()[0].startswith("NAMESPACE")
    assert kubectl.namespace in everywhere


def test_get_writes_json_and_yaml(kubectl):
    kubectl("create", "-f", kubectl.file(sdep("iris")))
    obj = kubectl.get("sdep", "iris")
    assert obj["spec"] == sdep("iris")["spec"]
    assert "managedFields" not in obj["metadata"]
    assert "replicas: 1" in kubectl("get", "sdep", "iris", "-o", "yaml")
    assert kubectl("get", "sdep", "iris", "-o", "jsonpath={.spec.replicas}") == "1"


def test_an_object_that_is_not_there(kubectl):
    assert 'seldondeployments.machinelearning.seldon.io "iris" not found' in kubectl(
        "get", "sdep", "iris", code=1
    )


def test_apply_from_both_sides_one_after_the_other(kubectl):
    first, second = kubectl.file(sdep("iris")), kubectl.file(sdep("iris", replicas=2))
    assert kubectl("apply", "-f", first).strip().endswith("created")
    assert kubectl("apply", "-f", first).strip().endswith("unchanged")
    assert kubectl("apply", "-f", second).strip().endswith("configured")
    kubectl("apply", "--server-side", "-f", first)
    assert kubectl.get("sdep", "iris")["spec"]["replicas"] == 1
    kubectl("apply", "--server-side", "-f", second)
    kubectl("apply", "-f", second)
    kubectl("apply", "-f", first)
    assert kubectl.get("sdep", "iris")["spec"]["replicas"] == 1


def test_apply_names_who_is_in_the_way(kubectl):
    kubectl("apply", "--server-side", "-f", kubectl.file(sdep("iris")))
    kubectl("scale", "sdep", "iris", "--replicas=3")
    text = kubectl("apply", "--server-side", "-f", kubectl.file(sdep("iris")), code=1)
    assert 'conflict with "kubectl" with subresource "scale"' in text
    kubectl("apply", "--server-side", "--force-conflicts", "-f", kubectl.file(sdep("iris")))
    assert kubectl.get("sdep", "iris")["spec"]["replicas"] == 1


def test_diff_shows_what_apply_would_change(kubectl):
    kubectl("apply", "-f", kubectl.file(sdep("iris")))
    assert kubectl("diff", "-f", kubectl.file(sdep("iris"))) == ""
    text = kubectl("diff", "-f", kubectl.file(sdep("iris", replicas=2)), code=1)
    assert re.search(r"^-\s+replicas: 1$", text, re.MULTILINE)
    assert re.search(r"^\+\s+replicas: 2$", text, re.MULTILINE)
    text = kubectl("diff", "--server-side", "-f", kubectl.file(sdep("other", replicas=2)), code=1)
    assert "+  name: other" in text
    assert kubectl.get("sdep", "iris")["spec"]["replicas"] == 1


def test_a_dry_run_of_apply_writes_nothing(kubectl):
    kubectl("apply", "--dry-run=server", "-f", kubectl.file(sdep("iris")))
    kubectl("apply", "--dry-run=client", "-f", kubectl.file(sdep("iris")))
    kubectl("get", "sdep", "iris", code=1)


def test_unknown_fields_are_refused(kubectl):
    body = sdep("iris")
    body["spec"]["bogus"] = 1
    for arguments in (("create",), ("apply",)):
        text = kubectl(*arguments, "-f", kubectl.file(body), code=1)
        assert 'unknown field "spec.bogus"' in text
    text = kubectl("apply", "--server-side", "-f", kubectl.file(body), code=1)
    assert ".spec.bogus: field not declared in schema" in text


def test_describe_tells_the_object_and_its_events(kubectl):
    kubectl("create", "-f", kubectl.file(sdep("iris")))
    owner = kubectl.get("sdep", "iris")["metadata"]
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "iris.1", "namespace": kubectl.namespace},
        "involvedObject": {
            "apiVersion": "machinelearning.seldon.io/v1",
            "kind": "SeldonDeployment",
            "name": "iris",
            "namespace": kubectl.namespace,
            "uid": owner["uid"],
        },
        "reason": "Updated",
        "message": "it was touched",
        "type": "Normal",
        "source": {"component": "test"},
        "firstTimestamp": owner["creationTimestamp"],
        "lastTimestamp": owner["creationTimestamp"],
        "count": 1,
    }
    kubectl("create", "-f", kubectl.file(event))
    text = kubectl("describe", "sdep", "iris")
    assert re.search(r"^Name:\s+iris$", text, re.MULTILINE)
    assert re.search(r"Normal\s+Updated\s+.*test\s+it was touched", text)
    row = kubectl("get", "events").splitlines()[1]
    assert re.search(r"Normal\s+Updated\s+seldondeployment/iris\s+it was touched", row)


def test_explain_reads_the_schema(kubectl):
    text = kubectl("explain", "sdep.spec.predictors")
    assert "GROUP:      machinelearning.seldon.io" in text
    assert "graph" in text
    assert "componentSpecs" in text


def test_scale_writes_replicas(kubectl):
    kubectl("create", "-f", kubectl.file(sdep("iris"), deployment("d")))
    kubectl("scale", "sdep/iris", "deploy/d", "--replicas=3")
    assert kubectl.get("sdep", "iris")["spec"]["replicas"] == 3
    assert kubectl.get("deploy", "d")["spec"]["replicas"] == 3
    text = kubectl("scale", "sdep/iris", "--current-replicas=1", "--replicas=2", code=1)
    assert "Expected replicas to be 1, was 3" in text


def test_patch_label_annotate_and_replace(kubectl):
    path = kubectl.file(sdep("iris"))
    kubectl("create", "-f", path)
    kubectl("patch", "sdep", "iris", "--type=merge", "-p", '{"spec":{"replicas":2}}')
    operations = '[{"op":"replace","path":"/spec/replicas","value":4}]'
    kubectl("patch", "sdep", "iris", "--type=json", "-p", operations)
    kubectl("label", "sdep", "iris", "a=b")
    kubectl("annotate", "sdep", "iris", "c=d")
    obj = kubectl.get("sdep", "iris")
    assert obj["spec"]["replicas"] == 4
    assert (obj["metadata"]["labels"], obj["metadata"]["annotations"]) == ({"a": "b"}, {"c": "d"})
    text = kubectl("patch", "sdep", "iris", "-p", "{}", code=1)
    assert "unknown format" in text or "strategic merge patch is not supported" in text
    kubectl("replace", "-f", path)
    assert kubectl.get("sdep", "iris")["spec"]["replicas"] == 1


def test_wait_sees_the_status(kubectl):
    kubectl("create", "-f", kubectl.file(sdep("iris")))
    waiting = kubectl.start(
        "wait", "sdep/iris", "--for=jsonpath={.status.state}=Available", "--timeout=30s"
    )
    patch = '{"status":{"state":"Available"}}'
    kubectl("patch", "sdep", "iris", "--subresource=status", "--type=merge", "-p", patch)
    output, _ = waiting.communicate(timeout=40)
    assert "condition met" in output


def test_wait_sees_the_end(kubectl):
    kubectl("create", "-f", kubectl.file(sdep("iris")))
    waiting = kubectl.start("wait", "sdep/iris", "--for=delete", "--timeout=30s")
    kubectl("delete", "sdep", "iris")
    waiting.communicate(timeout=40)
    assert waiting.returncode in (0, 1)
    kubectl("wait", "sdep/iris", "--for=delete", "--timeout=5s")


def test_get_goes_on_watching(kubectl):
    kubectl("create", "-f", kubectl.file(sdep("iris")))
    watching = kubectl.start("get", "sdep", "-w", "--output-watch-events")
    try:
        assert watching.stdout.readline().startswith("EVENT")
        assert watching.stdout.readline().startswith("ADDED")
        kubectl("label", "sdep", "iris", "a=b")
        assert watching.stdout.readline().startswith("MODIFIED")
        kubectl("delete", "sdep", "iris")
        assert watching.stdout.readline().startswith("DELETED")
    finally:
        watching.terminate()
        watching.communicate(timeout=20)


def test_secrets_are_created_and_applied_twice(kubectl):
    kubectl("create", "secret", "generic", "made", "--from-literal=a=b")
    assert kubectl.get("secret", "made")["data"] == {"a": "Yg=="}
    first = secret("s", {"a": "MQ==", "b": "Mg=="})
    kubectl("apply", "-f", kubectl.file(first))
    kubectl("apply", "-f", kubectl.file(secret("s", {"a": "MQ==", "c": "Mw=="})))
    assert kubectl.get("secret", "s")["data"] == {"a": "MQ==", "c": "Mw=="}
    rows = kubectl("get", "secrets").splitlines()
    assert re.search(r"^made\s+Opaque\s+1\s", "\n".join(rows), re.MULTILINE)


def test_configmaps_namespaces_and_service_accounts_are_created(kubectl):
    kubectl("create", "configmap", "c", "--from-literal=a=b")
    assert kubectl.get("cm", "c")["data"] == {"a": "b"}
    kubectl("create", "serviceaccount", "sa")
    kubectl("create", "namespace", f"{kubectl.namespace}-x")
    assert kubectl.get("ns", f"{kubectl.namespace}-x")["status"]["phase"] == "Active"


def test_deployments_are_shown_and_described(kubectl):
    kubectl("apply", "-f", kubectl.file(deployment("d")))
    header, row = kubectl("get", "deploy", "-o", "wide").splitlines()
    assert header.split() == [
        "NAME",
        "READY",
        "UP-TO-DATE",
        "AVAILABLE",
        "AGE",
        "CONTAINERS",
        "IMAGES",
        "SELECTOR",
    ]
    assert row.split()[:4] == ["d", "0/1", "0", "0"]
    assert row.split()[5:] == ["c", "i", "app=d"]
    text = kubectl("describe", "deploy", "d")
    assert re.search(r"Selector:\s+app=d", text)
    assert re.search(r"StrategyType:\s+RollingUpdate", text)
    changed = deployment("d")
    changed["spec"]["template"]["spec"]["containers"][0]["image"] = "j"
    assert kubectl("apply", "-f", kubectl.file(changed)).strip().endswith("configured")
    container = kubectl.get("deploy", "d")["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == "j"


def test_pods_show_their_state(kubectl):
    kubectl("create", "-f", kubectl.file(pod("p")))
    status = {
        "phase": "Running",
        "containerStatuses": [
            _status("c", ready=True, restarts=0, state={"running": {}}),
            _status(
                "d", ready=False, restarts=3, state={"waiting": {"reason": "CrashLoopBackOff"}}
            ),
        ],
    }
    patch = json.dumps({"status": status})
    kubectl("patch", "pod", "p", "--subresource=status", "--type=merge", "-p", patch)
    row = kubectl("get", "pods").splitlines()[1].split()
    assert row[:4] == ["p", "1/2", "CrashLoopBackOff", "3"]
    assert "CrashLoopBackOff" in kubectl("describe", "pod", "p")


def _status(name, *, ready, restarts, state):
    return {
        "name": name,
        "ready": ready,
        "restartCount": restarts,
        "state": state,
        "image": "i",
        "imageID": "",
    }


def test_delete_takes_names_and_labels(kubectl):
    kubectl("create", "-f", kubectl.file(sdep("a", labels={"x": "1"}), sdep("b"), sdep("c")))
    kubectl("delete", "sdep", "-l", "x=1")
    kubectl("delete", "sdep", "b", "--cascade=background")
    assert kubectl("get", "sdep", "-o", "name").split() == [
        "seldondeployment.machinelearning.seldon.io/c"
    ]
    kubectl("delete", "sdep", "--all")
    kubectl("delete", "sdep", "c", "--ignore-not-found")


def test_resources_are_found_by_their_names(kubectl):
    text = kubectl("api-resources", "--api-group=machinelearning.seldon.io")
    assert re.search(
        r"^seldondeployments\s+sdep\s+machinelearning.seldon.io/v1\s+true\s+SeldonDeployment$",
        text,
        re.MULTILINE,
    )
    text = kubectl("api-versions")
    for version in ("v1", "apps/v1", "machinelearning.seldon.io/v1alpha3"):
        assert version in text.split()
    assert "Server Version: v1.34" in kubectl("version")


def test_who_has_no_token_is_told_to_log_in(kubectl, end):
    text = kubectl(
        "get", "sdep", f"--server={end.server}", "--token=nonsense", "--kubeconfig=/dev/null",
        "--insecure-skip-tls-verify" if end.ca else "--request-timeout=20s", code=1,
    )  # fmt: skip
    assert "You must be logged in to the server" in text


@pytest.fixture
def logs(kubectl, embedded_end):
    """Writes the log of a container; a real API server would ask a kubelet."""

    def write(pod_name, container, text):
        path = embedded_end.kubeconfig.parent / "logs" / kubectl.namespace / pod_name / container
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            file.write(text)
        return path

    return write


@pytest.mark.parametrize("end", ["embedded"], indirect=True)
class TestLogs:
    """Logs, which on a real API server need a kubelet."""

    def _with_pod(self, kubectl):
        kubectl("create", "-f", kubectl.file(deployment("d")))
        owned = pod("d-1", labels={"app": "d"})
        kubectl("create", "-f", kubectl.file(owned))

    def test_logs_of_a_deployment_and_container(self, kubectl, logs):
        self._with_pod(kubectl)
        logs("d-1", "c", "one\ntwo\nthree\n")
        logs("d-1", "c.previous", "before\n")
        assert kubectl("logs", "deploy/d", "-c", "c").endswith("one\ntwo\nthree\n")
        assert kubectl("logs", "d-1", "-c", "c", "--tail=1") == "three\n"
        assert kubectl("logs", "d-1", "-c", "c", "--previous") == "before\n"

    def test_a_container_must_be_named(self, kubectl, logs):
        self._with_pod(kubectl)
        text = kubectl("logs", "d-1", "-c", "x", code=1)
        assert "container x is not valid for pod d-1" in text
        text = kubectl("logs", "d-1", "-c", "d", code=1)
        assert 'container "d" in pod "d-1" is waiting to start' in text

    def test_logs_are_followed_until_the_container_ends(self, kubectl, logs):
        self._with_pod(kubectl)
        logs("d-1", "c", "one\n")
        following = kubectl.start("logs", "d-1", "-c", "c", "-f")
        assert following.stdout.readline() == "one\n"
        logs("d-1", "c", "two\n")
        assert following.stdout.readline() == "two\n"
        kubectl("delete", "pod", "d-1", "--grace-period=0", "--force")
        output, _ = following.communicate(timeout=20)
        assert (output, following.returncode) == ("", 0)
