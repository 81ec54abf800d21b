"""Simulation as a whole: films and tables, all or nothing, and straight on to a project and a dataset."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from hipcad_desktop.domain.anatomy import FractureType, Side
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.geometry import Rectangle, Size
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.workflows.export_dataset import export_dataset
from hipcad_desktop.workflows.import_films import import_films
from hipcad_desktop.workflows.open_project import open_project
from hipcad_desktop.workflows.readings_table import import_readings
from hipcad_desktop.workflows.simulate import NO_EXTRAS, Extras, simulate

SIZE = Size(160, 132)


class Steps(Watch):
    """Notes the steps and cancels after a number of them."""

    def __init__(self, cancel_after: int | None = None) -> None:
        self.done: list[tuple[int, int]] = []
        self._cancel_after = cancel_after

    def step(self, stage: str, done: int, total: int, **facts: Any) -> None:
        self.done.append((done, total))

    def cancelled(self) -> bool:
        return self._cancel_after is not None and len(self.done) >= self._cancel_after


def rows(path: Path) -> list[dict[str, str]]:
    """A table's rows."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def files(folder: Path) -> dict[str, bytes]:
    """Every file's bytes by its name inside the folder."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_films_and_tables_agree(tmp_path: Path) -> None:
    watch = Steps()
    summary = simulate(films=6, seed=5, to=tmp_path / "sim", size=SIZE, broken_share=0.5, watch=watch)
    truth, boxes, patients = rows(summary.truth), rows(summary.boxes), rows(summary.patients)
    assert (summary.films, summary.broken) == (6, 3)
    assert watch.done == [(i, 6) for i in range(1, 7)]
    names = [p.name for p in sorted((summary.folder / "films").iterdir())]
    assert names == sorted(r["file"] for r in truth) == sorted(r["file"] for r in boxes)
    assert len({r["patient"] for r in patients}) == 6
    assert {r["hospital"] for r in truth} == {"A", "B", "C"}
    broken = [r for r in truth if r["type"]]
    assert len(broken) == 3
    for row in broken:
        assert FractureType(row["type"])
        assert Side(row["side"])
        box = Rectangle(*(float(row[k]) for k in ("x", "y", "width", "height")))
        assert box.clipped(SIZE) == box
    assert [r["verdict"] for r in boxes] == ["fracture" if r["type"] else "no_fracture" for r in truth]


@pytest.mark.parametrize("film_format", ["dicom", "jpeg"])
def test_the_same_seed_gives_the_same_bytes(film_format: Any, tmp_path: Path) -> None:
    for name in ("a", "b"):
        simulate(films=2, seed=9, to=tmp_path / name, size=SIZE, film_format=film_format, watch=Watch())
    assert files(tmp_path / "a") == files(tmp_path / "b")


def test_one_hospital_can_be_asked_for(tmp_path: Path) -> None:
    summary = simulate(films=2, seed=1, to=tmp_path / "sim", size=SIZE, hospital="C", watch=Watch())
    assert {r["hospital"] for r in rows(summary.truth)} == {"C"}


def test_cancelling_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        simulate(films=3, seed=1, to=tmp_path / "sim", size=SIZE, watch=Steps(cancel_after=1))
    assert caught.value.code is ErrorCode.CANCELLED
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(UserError) as caught:
        simulate(films=1, seed=1, to=tmp_path, size=SIZE, watch=Watch())
    assert caught.value.code is ErrorCode.TARGET_NOT_EMPTY
    assert files(tmp_path) == {"letter.txt": b"dear"}


def test_what_an_ended_run_left_is_replaced_but_nothing_else(tmp_path: Path) -> None:
    left = tmp_path / "sim.part" / "films"
    left.mkdir(parents=True)
    (left / "old.dcm").write_bytes(b"half")
    simulate(films=1, seed=1, to=tmp_path / "sim", size=SIZE, watch=Watch())
    assert not left.exists()
    assert not (tmp_path / "sim" / "films" / "old.dcm").exists()
    mine = tmp_path / "other.part"
    mine.mkdir()
    (mine / "letter.txt").write_text("dear")
    with pytest.raises(UserError) as caught:
        simulate(films=1, seed=1, to=tmp_path / "other", size=SIZE, watch=Watch())
    assert caught.value.code is ErrorCode.TARGET_NOT_EMPTY
    assert files(mine) == {"letter.txt": b"dear"}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"films": 0}, "films"),
        ({"seed": -1}, "seed"),
        ({"broken_share": 1.5}, "broken_share"),
        ({"size": Size(20, 200)}, "size"),
        ({"extras": Extras(implants=2.0)}, "implants"),
        ({"kind": "elephant"}, "kind"),
    ],
)
def test_impossible_wishes_are_named(wrong: dict[str, Any], field: str, tmp_path: Path) -> None:
    wishes: dict[str, Any] = {"films": 1, "seed": 1, "size": SIZE, **wrong}
    with pytest.raises(UserError) as caught:
        simulate(to=tmp_path / "sim", watch=Watch(), **wishes)
    assert caught.value.code is ErrorCode.CONFIG_INVALID
    assert caught.value.facts["field"] == field
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("film_format", ["dicom", "jpeg"])
def test_simulated_films_become_a_dataset(film_format: Any, tmp_path: Path) -> None:
    made = simulate(films=4, seed=2, to=tmp_path / "sim", size=SIZE, film_format=film_format, watch=Watch())
    with open_project(tmp_path / "project", create=True) as project:
        imported = import_films(project, [made.folder], patients=made.patients, watch=Watch())
        assert imported.imported == 4
        assert imported.without_patient == 0
        assert imported.refused == ()
        read = import_readings(project, made.boxes, reader="truth", watch=Watch())
        assert read.saved == 4
        assert read.problems == ()
        exported = export_dataset(project, tmp_path / "dataset", watch=Watch())
    assert exported.films == 4
    assert exported.not_exported == ()


def test_truth_holds_landmarks_findings_and_every_number(tmp_path: Path) -> None:
    extras = Extras(implants=1.0, fixed=0.0, both_broken=0.0, arthritis=1.0)
    made = simulate(films=2, seed=4, to=tmp_path / "sim", size=SIZE, broken_share=1.0, extras=extras, watch=Watch())
    for row in rows(made.truth):
        assert row["kind"] == "frontal pelvis"
        broken, other = ("right", "left") if row["side"] == "R" else ("left", "right")
        assert row[f"implant_{broken}"] == ""
        assert row[f"implant_{other}"] != ""
        assert 0 < float(row["visibility"]) < 1
        assert float(row["shaft_right_x"]) < float(row["head_right_x"]) < float(row["symphysis_x"])
        assert 45 <= float(row["anatomy_age_years"]) <= 101
        assert 0 <= float(row["anatomy_osteoporosis"]) <= 1
        assert float(row["exposure_gamma"]) > 0
        assert row["second_type"] == ""
    for row in rows(made.boxes):
        assert row["verdict"] == "fracture"
        assert "implant on the other hip" in row["flags"].split(";")


def test_a_held_hip_is_excluded_and_both_broken_hips_are_read(tmp_path: Path) -> None:
    fixed = Extras(fixed=1.0, both_broken=0.0)
    made = simulate(films=1, seed=3, to=tmp_path / "a", size=SIZE, broken_share=1.0, extras=fixed, watch=Watch())
    (row,) = rows(made.boxes)
    assert (row["verdict"], row["reason"], row["x"]) == ("excluded", "periprosthetic fracture", "")
    both = Extras(fixed=0.0, both_broken=1.0)
    made = simulate(films=1, seed=3, to=tmp_path / "b", size=SIZE, broken_share=1.0, extras=both, watch=Watch())
    read = rows(made.boxes)
    assert len(read) == 2
    (truth,) = rows(made.truth)
    assert {truth["side"], truth["second_side"]} == {"R", "L"}
    assert [r["type"] for r in read] == [truth["type"], truth["second_type"]]
    with open_project(tmp_path / "project", create=True) as project:
        import_films(project, [made.folder], patients=made.patients, watch=Watch())
        summary = import_readings(project, made.boxes, reader="truth", watch=Watch())
    assert (summary.saved, summary.problems) == (1, ())


def test_without_extras_nothing_is_beside_the_fractures(tmp_path: Path) -> None:
    made = simulate(films=3, seed=6, to=tmp_path / "sim", size=SIZE, extras=NO_EXTRAS, watch=Watch())
    for row in rows(made.truth):
        assert (row["implant_right"], row["implant_left"], row["spine_implant"]) == ("", "", "0")
    assert {row["flags"] for row in rows(made.boxes)} == {""}


def test_wrong_films_are_excluded_by_their_readings(tmp_path: Path) -> None:
    made = simulate(films=7, seed=1, to=tmp_path / "sim", size=SIZE, kind="wrong", watch=Watch())
    assert (made.films, made.broken) == (7, 0)
    kinds = [row["kind"] for row in rows(made.truth)]
    assert len(set(kinds)) == 7
    assert [row["reason"] for row in rows(made.boxes)] == [f"other: {kind}" for kind in kinds]
    with open_project(tmp_path / "project", create=True) as project:
        import_films(project, [made.folder], patients=made.patients, watch=Watch())
        summary = import_readings(project, made.boxes, reader="truth", watch=Watch())
    assert (summary.saved, summary.problems) == (7, ())


def test_each_hospital_gives_its_own_format(tmp_path: Path) -> None:
    made = simulate(films=3, seed=1, to=tmp_path / "sim", size=SIZE, film_format="hospital", watch=Watch())
    assert {row["hospital"]: Path(row["file"]).suffix for row in rows(made.truth)} == {
        "A": ".jpg",
        "B": ".dcm",
        "C": ".jpg",
    }
