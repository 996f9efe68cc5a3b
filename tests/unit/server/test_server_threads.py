"""How many threads a unit's libraries are told to take."""

import math
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_deployer.server.threads import bound_threads, count_cpus

ALLOWED = len(os.sched_getaffinity(0))


@pytest.fixture(scope="module")
def cgroup(tmp_path_factory):
    return tmp_path_factory.mktemp("cgroup")


@given(quota=st.integers(1, 10**7), period=st.integers(1_000, 1_000_000))
def test_a_container_uses_its_limit_rounded_up_and_never_more_than_it_may_run_on(
    cgroup, quota, period
):
    expected = max(1, min(ALLOWED, math.ceil(quota / period)))
    (cgroup / "cpu.max").write_text(f"{quota} {period}\n")
    assert count_cpus(cgroup) == expected
    (cgroup / "cpu.max").unlink()
    (cgroup / "cpu").mkdir(exist_ok=True)
    (cgroup / "cpu" / "cpu.cfs_quota_us").write_text(f"{quota}\n")
    (cgroup / "cpu" / "cpu.cfs_period_us").write_text(f"{period}\n")
    assert count_cpus(cgroup) == expected


@pytest.mark.parametrize("text", ["max 100000\n", "", "nonsense\n", "0 0 0\n"])
def test_without_a_limit_it_is_what_the_process_may_run_on(tmp_path, text):
    assert count_cpus(tmp_path) == ALLOWED
    (tmp_path / "cpu.max").write_text(text)
    assert count_cpus(tmp_path) == ALLOWED


@given(predictions=st.integers(1, 64))
def test_predictions_share_the_threads_and_each_has_one(predictions):
    environment = {}
    bound_threads(environment, predictions)
    share = int(environment["OMP_NUM_THREADS"])
    assert share >= 1
    assert share == 1 or share * predictions <= ALLOWED


def test_a_user_s_own_number_stays():
    environment = {"OMP_NUM_THREADS": "7"}
    bound_threads(environment, 1)
    assert environment == {"OMP_NUM_THREADS": "7"}


def test_a_unit_s_libraries_find_the_number_in_the_environment(start_unit):
    for given_by_user, expected in (({}, str(count_cpus())), ({"OMP_NUM_THREADS": "1"}, "1")):
        unit = start_unit("served.Environment", **given_by_user)
        assert unit.predict({"strData": "OMP_NUM_THREADS"})["strData"] == expected
