"""Squares about the hips: where the heads were found, told apart by the rectangles, missing only with a reason."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hipcad_desktop.domain.anatomy import FractureType, ImageHalf, Side
from hipcad_desktop.domain.annotation import Answer, Finding, Verdict
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.geometry import Rectangle, Size
from hipcad_desktop.domain.halving import HalvingMethod, halve_by_hips
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.imaging.dataset_files import read_images, read_manifest
from hipcad_desktop.imaging.hip_image import hip_image
from hipcad_desktop.imaging.hips import HipPoints
from hipcad_desktop.imaging.reader import read_film
from hipcad_desktop.store.project_store import Project
from hipcad_desktop.workflows.annotate import Session
from hipcad_desktop.workflows.contact_sheet import contact_sheet
from hipcad_desktop.workflows.export_dataset import export_dataset
from hipcad_desktop.workflows.import_films import import_films
from hipcad_desktop.workflows.open_project import FilmRow, list_films, open_project
from hipcad_desktop.workflows.readings_table import import_readings
from hipcad_desktop.workflows.repartition import repartition
from hipcad_desktop.workflows.simulate import simulate
from tests.fakes.project_films import HEIGHT, WIDTH, midline_in_the_middle, write_films

pytestmark = pytest.mark.usefixtures("midline_in_the_middle")
__all__ = ["midline_in_the_middle"]

WHOLE = Answer(Verdict.NO_FRACTURE)
BOX = Rectangle(38, 70, 30, 20)  # on the picture's left, about the head
HEADS = ((60.0, 75.0), (140.0, 79.0))
EXPORT = "hipcad_desktop.workflows.export_dataset"


def broken(*rectangles: Rectangle) -> Answer:
    return Answer(Verdict.FRACTURE, tuple(Finding(r, FractureType.GARDEN_III) for r in rectangles))


class Finder:
    """Says where the heads lie; counts how often it is asked."""

    def __init__(self, heads: Any = HEADS) -> None:
        self.heads, self.asked = heads, 0

    def __call__(self, eight_bit: Any, *, midline_px: float | None = None) -> tuple[HipPoints, HipPoints] | None:
        self.asked += 1
        assert midline_px is None, "as diagnosis asks"
        if self.heads is None:
            return None
        left, right = (
            HipPoints(half, x, y, x, y + 40, 80.0)
            for half, (x, y) in zip((ImageHalf.LEFT, ImageHalf.RIGHT), self.heads, strict=True)
        )
        return left, right


@pytest.fixture
def finder(monkeypatch: pytest.MonkeyPatch) -> Finder:
    found = Finder()
    monkeypatch.setattr(f"{EXPORT}.find_hips_of", found)
    return found


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with open_project(tmp_path / "P", create=True) as opened:
        yield opened


def films_of(project: Project, folder: Path, *answers: Answer) -> list[FilmRow]:
    write_films(folder, len(answers))
    import_films(project, [folder])
    films = list_films(project, reader="A")
    read(project, films, *answers)
    return films


def read(project: Project, films: list[FilmRow], *answers: Answer) -> None:
    session = Session(project, reader="A")
    for film, answer in zip(films, answers, strict=False):
        session.save(film.film_id, answer)


def bytes_below(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_a_film_gives_a_square_about_each_head(project: Project, finder: Finder, tmp_path: Path) -> None:
    films_of(project, tmp_path / "films", broken(BOX), WHOLE)
    summary = export_dataset(project, tmp_path / "D")
    manifest, entries = read_manifest(tmp_path / "D", verify=True)
    halving = halve_by_hips(Size(WIDTH, HEIGHT), *HEADS)
    squares = [e for e in entries if e.halving is HalvingMethod.HIP]
    assert len(squares) == 4
    assert {e.window for e in squares if e.side is Side.RIGHT} == {halving.left.window}
    assert {e.window for e in squares if e.side is Side.LEFT} == {halving.right.window}
    assert {(e.line_px, e.margin_share, e.overlap_share) for e in squares} == {(100.0, None, None)}
    assert all(e.image.endswith("_hip.png") for e in squares)
    assert [(e.side, e.fracture_type) for e in squares if e.fracture] == [(Side.RIGHT, "Garden III")]
    assert all(e.window.is_strip for e in entries if e not in squares)
    films = {read_film(p).radiograph.film_id[:12]: read_film(p).eight_bit for p in (tmp_path / "films").iterdir()}
    for entry, image in zip(entries, read_images(tmp_path / "D", entries), strict=True):
        assert np.array_equal(image, hip_image(films[entry.film_code], entry.window))
    assert (summary.films, summary.hips, summary.without_squares) == (2, 4, ())
    assert manifest.without_squares == ()
    assert manifest.counts["training"]["films"] == 2
    sheet = contact_sheet(tmp_path / "D", tmp_path / "sheet.png", halving=HalvingMethod.HIP)
    assert sheet.films == 2


@pytest.mark.parametrize(
    ("heads", "box", "code", "facts"),
    [
        (None, BOX, ErrorCode.NOT_HALVED_NO_HIPS, {}),
        (((140.0, 75.0), (60.0, 75.0)), BOX, ErrorCode.NOT_HALVED_NO_HIPS, {}),
        (((2.0, 75.0), (90.0, 79.0)), BOX, ErrorCode.NOT_HALVED_HIP_CUT_OFF, {"half": "left"}),
        (
            HEADS,
            Rectangle(5, 70, 40, 20),
            ErrorCode.NOT_HALVED_OUTSIDE_SQUARE,
            {"half": "left", "inside_share": 0.5862},
        ),
    ],
)
def test_a_film_without_squares_keeps_its_strips_and_is_named_with_why(
    project: Project, finder: Finder, tmp_path: Path, heads: Any, box: Rectangle, code: ErrorCode, facts: dict[str, Any]
) -> None:
    finder.heads = heads
    films_of(project, tmp_path / "films", broken(box))
    summary = export_dataset(project, tmp_path / "D")
    (film,) = summary.without_squares
    assert (film.file_name, film.code, film.facts) == ("film0.png", code, facts)
    assert film.sentence.endswith(".")
    manifest, entries = read_manifest(tmp_path / "D", verify=True)
    assert [e.halving for e in entries] == [HalvingMethod.MIDLINE, HalvingMethod.PAPER] * 2
    assert [(n.film_code, n.code, n.facts) for n in manifest.without_squares] == [(film.film_code, code, facts)]
    assert b"film0" not in (tmp_path / "D" / "dataset.json").read_bytes()
    with pytest.raises(UserError) as caught:
        contact_sheet(tmp_path / "D", tmp_path / "sheet.png", halving=HalvingMethod.HIP)
    assert caught.value.code is ErrorCode.DATASET_WITHOUT_HALVING


def test_nine_tenths_of_the_rectangle_are_enough(project: Project, finder: Finder, tmp_path: Path) -> None:
    edge = halve_by_hips(Size(WIDTH, HEIGHT), *HEADS).left.window.x0
    films_of(
        project,
        tmp_path / "films",
        broken(Rectangle(edge - 2.9, 70, 30, 20)),
        broken(Rectangle(edge - 3.1, 70, 30, 20)),
    )
    summary = export_dataset(project, tmp_path / "D")
    assert [n.file_name for n in summary.without_squares] == ["film1.png"]


def test_a_second_export_finds_and_decodes_nothing_even_for_another_reading(
    project: Project, finder: Finder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    films = films_of(project, tmp_path / "films", WHOLE, broken(BOX), WHOLE)
    export_dataset(project, tmp_path / "D1")
    assert finder.asked == 3

    def decoded(*_: Any) -> Any:
        raise AssertionError("decoded again")

    with monkeypatch.context() as patched:
        patched.setattr(f"{EXPORT}.picture_from", decoded)
        export_dataset(project, tmp_path / "D2")
        assert bytes_below(tmp_path / "D1") == bytes_below(tmp_path / "D2")
        read(project, films[1:], broken(replace(BOX, y=20.0)))  # the strips stay, the square no longer holds it
        summary = export_dataset(project, tmp_path / "D3")
    assert [n.code for n in summary.without_squares] == [ErrorCode.NOT_HALVED_OUTSIDE_SQUARE]
    assert finder.asked == 3


def test_squares_stay_where_a_dataset_is_partitioned_again(project: Project, finder: Finder, tmp_path: Path) -> None:
    films_of(project, tmp_path / "films", *[broken(BOX), WHOLE] * 4)
    finder.heads = HEADS
    export_dataset(project, tmp_path / "D")
    repartition(tmp_path / "D", tmp_path / "again", rule=read_manifest(tmp_path / "D")[0].rule, seed=9)  # type: ignore[arg-type]
    before, after = (
        sorted(
            ((e.image, e.window, e.fracture) for e in read_manifest(tmp_path / name, verify=True)[1]),
            key=lambda k: k[0],
        )
        for name in ("D", "again")
    )
    assert before == after


def test_the_shipped_finder_puts_squares_where_the_truth_says(project: Project, tmp_path: Path) -> None:
    size = Size(460, 380)
    simulate(films=3, seed=4, to=tmp_path / "S", size=size, film_format="jpeg", broken_share=0.5, watch=Watch())
    import_films(project, [tmp_path / "S" / "films"])
    import_readings(project, tmp_path / "S" / "boxes.csv", reader="A")
    summary = export_dataset(project, tmp_path / "D")
    names = {f.film_id[:12]: f.file_name for f in list_films(project, reader="A")}
    with (tmp_path / "S" / "truth.csv").open(newline="", encoding="utf-8") as file:
        truth = {Path(row["file"]).name: row for row in csv.DictReader(file)}
    assert (summary.films, summary.without_squares) == (3, ())
    for entry in (e for e in read_manifest(tmp_path / "D")[1] if e.halving is HalvingMethod.HIP):
        row = truth[names[entry.film_code]]
        right, left = ((float(row[f"head_{s}_x"]), float(row[f"head_{s}_y"])) for s in ("right", "left"))
        halving = halve_by_hips(size, right, left)  # the patient's right is on the picture's left
        true = (halving.left if entry.side is Side.RIGHT else halving.right).window
        assert entry.window.x0 == pytest.approx(true.x0, abs=0.1 * true.width)
        assert entry.window.y0 == pytest.approx(true.y0, abs=0.1 * true.width)
        assert entry.window.width == pytest.approx(true.width, rel=0.1)
        assert entry.fracture is (row["side"] == entry.side.value)
