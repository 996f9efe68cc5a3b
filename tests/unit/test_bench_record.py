"""The results of `make bench` in its README."""

from __future__ import annotations

from pathlib import Path

from bench.measure import Row
from bench.record import machine, record


def test_a_section_is_replaced_and_the_others_stay(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("# Measurements\n\nwords of ours\n")
    record("first", [Row("speed", "10/s")], readme)
    record("second", [Row("size", "3 MiB")], readme)
    record("first", [Row("speed", "20/s", is_met=False)], readme)
    text = readme.read_text()
    assert text.startswith("# Measurements\n\nwords of ours\n")
    assert "10/s" not in text
    assert text.index("20/s") < text.index("3 MiB")
    assert text.count("python -m bench first") == text.count("python -m bench second") == 1
    assert "| NO " in text


def test_a_result_says_what_machine_it_is_of(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("")
    record("first", [Row("speed", "10/s")], readme)
    assert machine() in readme.read_text()
    assert "cores" in machine()
