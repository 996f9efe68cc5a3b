"""Classes whose methods are async: one event loop for all of them."""

TEXT = {"strData": "x"}


def test_what_load_opens_the_other_methods_use(start_unit):
    unit = start_unit("awaiting.Opens")
    for _ in range(3):
        assert unit.predict(TEXT)["strData"] == "x"
    assert unit.get("/health/status").json()["strData"] == "well"
    assert unit.get("/metadata").json()["name"] == "opened"


def test_a_load_that_fails_later_ends_the_start_with_its_reason(run_server):
    result = run_server("awaiting.FailsToOpen", "--http-port", "0")
    assert result.returncode == 1
    line = result.stderr.strip().splitlines()[-1]
    assert "failed to load: ConnectionError: the feature store is away" in line


def test_whole_messages_may_be_answered_later(start_unit):
    assert start_unit("awaiting.RawLater").predict(TEXT)["strData"] == "xx"


def test_tags_may_await_where_the_method_does_not(start_unit):
    assert start_unit("awaiting.TagsLater").predict(TEXT)["meta"]["tags"] == {"later": 1}


def test_tags_that_await_in_the_loop_of_the_method_are_an_error_and_no_hang(start_unit):
    unit = start_unit("awaiting.BothLater")
    for _ in range(2):
        answer = unit.post("/predict", TEXT)
        assert answer.status == 500
        assert "cannot be async where the method itself is" in answer.json()["status"]["info"]
    assert "never awaited" not in unit.log.read_text()
