"""`seldon.io/rest-timeout`: what the pod's annotation says of the time of a request."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_deployer.server.annotations import (
    describe_odd,
    read_annotations,
    rest_timeout_seconds,
)

NAME = "seldon.io/rest-timeout"


@given(st.integers(1, 10**9))
def test_it_is_in_milliseconds(milliseconds):
    assert rest_timeout_seconds({NAME: str(milliseconds)}) == milliseconds / 1000
    assert describe_odd({NAME: str(milliseconds)}) == ()


@given(st.text().filter(lambda text: not text.isdecimal()))
def test_what_is_no_number_is_passed_over_and_said(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("podinfo") / "annotations"
    path.write_text(f"{NAME}={json.dumps(text)}\n")
    annotations = read_annotations(path)
    assert rest_timeout_seconds(annotations) is None
    (told,) = describe_odd(annotations)
    assert told.startswith(f"the annotation {NAME} is passed over")


@pytest.mark.parametrize("text", ["0", "000", "9" * 30])
def test_no_time_and_more_than_a_life_are_no_timeouts(text):
    assert rest_timeout_seconds({NAME: text}) is None
