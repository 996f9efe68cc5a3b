"""`seldon-deployer predict`: what cannot be asked is told before anything is."""

import pytest

from seldon_deployer.cli.run import run

ROWS = ["--data", "[[1]]"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "give either --data or --file"),
        ([*ROWS, "--file", "rows.csv"], "give either --data or --file"),
        ([*ROWS, "--output", "out.csv"], "--output FILE is for --file"),
        (["--file", "rows.csv"], "--file needs --output FILE"),
        ([*ROWS, "--token-file", "/nowhere"], "cannot read /nowhere"),
        ([*ROWS, "--key-file", "key.pem"], "--key-file is the key of a certificate"),
        ([*ROWS, "--header", "X-Team"], "--header number 1 is no NAME: VALUE"),
        ([*ROWS, "-H", "X-A: 1", "-H", ": secret"], "--header number 2 is no NAME: VALUE"),
        (["--data", "[1,"], "--data is no JSON"),
        (["--data", "[" * 100_000], "--data is no JSON"),
        (["--file", "rows.csv", "-o", "out.csv", "--parallel", "0"], "--parallel"),
        (["--file", "rows.csv", "-o", "out.csv", "--rows-per-request", "0"], "--rows-per-request"),
    ],
)
def test_what_cannot_be_asked_is_wrong_usage(capsys, arguments, words):
    assert run(["predict", "iris", *arguments]) == 2
    said = capsys.readouterr()
    assert words in said.err
    assert said.out == ""
    assert "secret" not in said.err


def test_a_file_that_is_no_text_is_told(capsys, tmp_path):
    (tmp_path / "rows.json").write_bytes(b"\xff\xfe")
    assert run(["predict", "iris", "--data", f"@{tmp_path / 'rows.json'}"]) == 2
    assert "no text in UTF-8" in capsys.readouterr().err
