"""`model_error_handler`: errors that a class answers by Flask."""

import pytest

pytest.importorskip("flask", reason="flask is not installed: pip install flask")


@pytest.fixture(scope="module")
def unit(start_unit):
    return start_unit("explaining.Explains")


@pytest.mark.parametrize("path", ["/predict", "/api/v1.0/predictions"])
def test_an_error_of_its_kind_is_answered_by_the_handler(unit, path):
    for code in (402, 451):
        answer = unit.post(path, {"strData": str(code)})
        assert answer.status == code
        assert answer.json() == {"code": code, "why": f"refused with {code}"}
        assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("text", "words"), [("x", "of no kind that is handled"), ("0", "refused with 0")]
)
def test_other_errors_and_failing_handlers_are_500_as_ever(unit, text, words):
    answer = unit.post("/predict", {"strData": text})
    assert answer.status == 500
    assert answer.json()["status"]["info"] == words
    if text == "0":
        assert "the handler has failed" in unit.log.read_text()


def test_what_the_client_did_wrong_is_no_affair_of_the_handler(unit):
    assert unit.post("/predict", "{").status == 400
    assert unit.get("/nope").status == 404


def test_what_is_no_blueprint_ends_the_start(run_server):
    result = run_server("explaining.NoBlueprint", "--http-port", "0")
    assert result.returncode == 1
    assert "model_error_handler cannot be used" in result.stderr.strip().splitlines()[-1]
    assert "flask.Blueprint" in result.stderr
