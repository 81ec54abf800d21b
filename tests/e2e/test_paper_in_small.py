"""The paper in small, made tiny: every step of it runs, and its tables add up."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.paper_in_small import films_of_hospitals
from benchmarks.paper_tables import PAPER_FILMS, PAPER_FLAGS, PAPER_SEX, PAPER_TYPES, cohort_rows, miss_rows, table

FILMS = 20
TINY = (
    *("--films", str(FILMS), "--size", "420x346", "--epochs", "1", "--backbone", "test_efficientnet.r160_in1k"),
    *("--weights", "none", "--input", "64", "--device", "cpu", "--seed", "11"),
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    folder = tmp_path_factory.mktemp("paper in small") / "out"
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.paper_in_small", "--to", str(folder), *TINY],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    return folder, done


def test_the_papers_own_counts_add_up() -> None:
    """As METHOD 1 prints them."""
    assert sum(PAPER_FILMS.values()) == 5242
    assert [sum(column) for column in zip(*PAPER_TYPES.values(), strict=True)] == list(PAPER_FILMS.values())
    assert [sum(values) for values in PAPER_SEX.values()] == [1193, 3658]
    assert {name: sum(values) for name, values in PAPER_FLAGS.items()} == {
        "pathologic": 12,
        "osteoarthritis": 84,
        "implant on the other hip": 452,
        "spine implant": 46,
        "old pelvic fracture": 93,
    }


@pytest.mark.parametrize("films", [6, 20, 60, 181, 5242])
def test_hospitals_in_the_papers_proportions(films: int) -> None:
    counts = films_of_hospitals(films)
    assert sum(counts.values()) == films
    for hospital, n in counts.items():
        assert n == pytest.approx(films * PAPER_FILMS[hospital] / 5242, abs=2)
    if films == 5242:
        assert counts == PAPER_FILMS


def test_every_step_runs(run: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder, done = run
    assert done.returncode == 0, done.stderr[-3000:]
    typed = [
        line.split()[2] for line in (folder / "commands.log").read_text().splitlines() if line.startswith("$ hipcad ")
    ]
    assert typed[:3] == ["simulate"] * 3
    assert [verb for verb in typed if verb != "adjudicate"][3:] == [
        *("import", "readings", "sign", "readings", "sign", "readers", "agreement", "cohort", "export"),
        *("train", "evaluate"),
    ]


def test_the_tables_add_up(run: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder, done = run
    text = (folder / "paper_in_small.txt").read_text("utf-8")
    assert done.stdout == text
    cohort = json.loads((folder / "COHORT" / "cohort.json").read_text())
    rows = {row[0].strip(): row[1:] for row in cohort_rows(cohort)}
    films = [int(cell.split(" | ")[0]) for cell in rows["films"][:-1]]
    assert films[-1] == sum(films[:-1])
    assert FILMS - films[-1] <= 3  # excluded, or both readers unsure
    assert [cell.split(" | ")[1] for cell in rows["films"][:-1]] == ["1617", "1205", "2420", "5242"]
    broken = [int(cell.split(" | ")[0]) for cell in rows["with fracture"][:-1]]
    typed = [[int(cell.split()[0]) for cell in rows[name][:-1]] for name in PAPER_TYPES]
    assert all(sum(column) >= n * 0.5 for column, n in zip(zip(*typed, strict=True), broken, strict=True))
    assert rows["Garden I/II"][-2].endswith("| 19.0 %")
    assert rows["implant on the other hip"][-2].endswith("| 8.6 %")
    assert rows["mean age"][-2].endswith("| 81.1")
    assert rows["female"][-2].endswith("| 75.4 %")


def test_kappa_consensus_and_misses_are_those_of_the_run(run: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder, _ = run
    values = json.loads((folder / "paper_in_small.json").read_text())
    text = (folder / "paper_in_small.txt").read_text("utf-8")
    assert sum(n for counts in values["consensus"].values() for n in counts.values()) == FILMS
    with (folder / "disputed.csv").open(newline="") as file:
        disputed = {row["film"] for row in csv.DictReader(file)}
    assert len(disputed) == values["disagreements"]
    assert f"{values['kappa']['films']:.3f} (" in text
    report = json.loads((folder / "REPORT" / "report.json").read_text())
    broken = report["halvings"][0]["fracture"]
    told = [row[2].split(" (")[0].split(" of ") for row in miss_rows(report, "fracture") if " of " in row[2]]
    assert sum(int(n) for _, n in told) == broken
    point = next(p for p in report["halvings"][0]["points"] if p["name"] == "fracture")
    assert sum(int(missed) for missed, _ in told) == point["false_negative"]


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.paper_in_small", "--to", str(tmp_path), "--again", *TINY],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "not empty" in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["letter.txt"]


def test_a_table_has_straight_columns() -> None:
    lines = table(("", "a", "bb"), [("x", "1", "2"), ("long name", "100", "3")]).splitlines()
    assert lines[2:] == ["x            1   2", "long name  100   3"]
