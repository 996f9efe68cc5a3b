from __future__ import annotations

from datetime import UTC, datetime

import pytest

from seldon_deployer.local.objects import PODS
from seldon_deployer.local.tables import human_duration, to_table

NOW = datetime(2024, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0s"),
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (599, "9m59s"),
        (600, "10m"),
        (3 * 3600 - 1, "179m"),
        (3 * 3600, "3h"),
        (8 * 3600 - 60, "7h59m"),
        (8 * 3600, "8h"),
        (48 * 3600 - 1, "47h"),
        (48 * 3600, "2d"),
        (50 * 3600, "2d2h"),
        (8 * 86400, "8d"),
        (2 * 365 * 86400, "2y"),
        ((2 * 365 + 3) * 86400, "2y3d"),
        (9 * 365 * 86400, "9y"),
    ],
)
def test_ages_are_written_as_kubectl_does(seconds, text):
    assert human_duration(seconds) == text


def _cells(status, **metadata):
    pod = {
        "metadata": {"name": "p", "creationTimestamp": "2024-01-01T11:59:00Z"} | metadata,
        "spec": {"containers": [{"name": "c"}]},
        "status": status,
    }
    table = to_table(PODS, [pod], {}, NOW, "None")
    assert "object" not in table["rows"][0]
    return table["rows"][0]["cells"][:5]


def test_a_pod_that_runs():
    status = {
        "phase": "Running",
        "containerStatuses": [{"ready": True, "restartCount": 0, "state": {"running": {}}}],
    }
    assert _cells(status) == ["p", "1/1", "Running", "0", "60s"]


def test_a_pod_whose_init_container_fails():
    failed = {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "restartCount": 2}
    status = {"phase": "Pending", "initContainerStatuses": [failed]}
    assert _cells(status)[2:4] == ["Init:CrashLoopBackOff", "2"]
    assert _cells(status, deletionTimestamp="2024-01-01T12:00:00Z")[2] == "Terminating"
    running = {"state": {"running": {}}}
    assert _cells({"initContainerStatuses": [running]})[2] == "Init:0/1"


def test_a_pod_that_restarted_says_when():
    ended = {"terminated": {"finishedAt": "2024-01-01T11:59:30Z", "exitCode": 1}}
    state = {"restartCount": 2, "lastState": ended, "state": {"terminated": {"exitCode": 3}}}
    cells = _cells({"phase": "Running", "containerStatuses": [state]})
    assert cells[2:4] == ["ExitCode:3", "2 (30s ago)"]


def test_a_pod_that_ends_is_terminating():
    assert (
        _cells({"phase": "Running"}, deletionTimestamp="2024-01-01T12:00:00Z")[2] == "Terminating"
    )
