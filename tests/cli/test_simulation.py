"""`hipcad simulate`: options reach the workflow, and what was made is said."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from hipcad_desktop.cli import main

USUAL = ["simulate", "--films", "2", "--seed", "3", "--size", "120x100"]


def truth(folder: Path) -> list[dict[str, str]]:
    """The rows of truth.csv."""
    with (folder / "truth.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_shares_and_format_are_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    to = tmp_path / "sim"
    options = ["--broken-share", "1", "--implant-share", "1", "--fixed-share", "0", "--both-share", "0"]
    assert main([*USUAL, "--to", str(to), "--format", "hospital", *options]) == 0
    assert f"2 simulated films in {to}, 2 of them with a fracture" in capsys.readouterr().out
    made = truth(to)
    assert [Path(row["file"]).suffix for row in made] == [".jpg", ".dcm"]
    assert all(row["implant_right"] or row["implant_left"] for row in made)


def test_plain_films_of_another_part(tmp_path: Path) -> None:
    to = tmp_path / "sim"
    assert main([*USUAL, "--to", str(to), "--kind", "hand", "--plain"]) == 0
    assert {row["kind"] for row in truth(to)} == {"hand"}


def test_a_wrong_share_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*USUAL, "--to", str(tmp_path / "sim"), "--arthritis-share", "7"]) == 2
    assert "arthritis" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
