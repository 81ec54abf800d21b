"""Rectangles leave for COCO, YOLO, VOC and labelme and come back as they were; what is wrong is named."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hipcad_desktop.domain.anatomy import FractureType
from hipcad_desktop.domain.annotation import Answer, ExclusionReason, Finding, Verdict
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.geometry import Rectangle, Size
from hipcad_desktop.domain.messages import sentence
from hipcad_desktop.store.project_store import Project
from hipcad_desktop.workflows.annotate import Session
from hipcad_desktop.workflows.annotation_formats import (
    READERS,
    WRITERS,
    Format,
    export_annotations,
    import_annotations,
)
from hipcad_desktop.workflows.import_films import import_films
from hipcad_desktop.workflows.open_project import list_films, open_project
from hipcad_desktop.workflows.rectangle_text import FilmBoxes, ReadFilm, to_finding
from tests.fakes.project_films import HEIGHT, WIDTH, midline_in_the_middle, write_film

pytestmark = pytest.mark.usefixtures("midline_in_the_middle")
__all__ = ["midline_in_the_middle"]

FORMATS: tuple[Format, ...] = ("coco", "yolo", "voc", "labelme")
WHOLE = Answer(Verdict.NO_FRACTURE)
BROKEN = Answer(
    Verdict.FRACTURE,
    (
        Finding(Rectangle(30.25, 60.1, 30.7, 20 / 3), FractureType.GARDEN_III),
        Finding(Rectangle(120, 1 / 3, 41, 77), None),
    ),
    mirrored=True,
)

sizes = st.builds(Size, st.integers(200, 6000), st.integers(200, 6000))
numbers = st.just(0.0) | st.floats(1e-6, 190)
extents = st.floats(1e-3, 200)
kinds = st.none() | st.sampled_from(FractureType)


@st.composite
def film_boxes(draw: st.DrawFn) -> FilmBoxes:
    """A film with up to three rectangles inside it."""
    size = draw(sizes)
    findings = []
    for _ in range(draw(st.integers(0, 3))):
        rectangle = Rectangle(draw(numbers), draw(numbers), draw(extents), draw(extents)).clipped(size)
        if rectangle is not None and rectangle.x1 <= size.width and rectangle.y1 <= size.height:
            findings.append(Finding(rectangle, draw(kinds)))
    return FilmBoxes("folder/フィルム 1 & <2>.jpg", size, tuple(findings))


@pytest.mark.parametrize("file_format", FORMATS)
@settings(max_examples=60, deadline=None)
@given(films=film_boxes())
def test_every_rectangle_comes_back_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, file_format: Format, films: FilmBoxes
) -> None:
    target = tmp_path_factory.mktemp("boxes") / "out"
    WRITERS[file_format](target, [films])
    (read,) = READERS[file_format](target)
    assert isinstance(read, ReadFilm)
    assert read.size in (films.size, None)
    assert "フィルム 1 & <2>" in read.names[0]
    assert tuple(to_finding(b, read.shape, films.size) for b in read.boxes) == films.findings


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Three films, two of them with one name in two folders."""
    write_film(tmp_path / "films" / "a" / "film.png", 1)
    write_film(tmp_path / "films" / "b" / "film.png", 2)
    write_film(tmp_path / "films" / "b" / "other.png", 3)
    with open_project(tmp_path / "P", create=True) as opened:
        import_films(opened, [tmp_path / "films"])
        yield opened


def read(project: Project, *answers: Answer | None, reader: str) -> None:
    session = Session(project, reader=reader)
    for film, answer in zip(list_films(project, reader=reader), answers, strict=False):
        session.save(film.film_id, answer)


def answers(project: Project, reader: str) -> list[Answer | None]:
    return [f.reading.answer if f.reading else None for f in list_films(project, reader=reader)]


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_project_comes_back_as_another_reader(project: Project, tmp_path: Path, file_format: Format) -> None:
    excluded = Answer(Verdict.EXCLUDED, exclusion=ExclusionReason.SHAFT_FRACTURE)
    read(project, BROKEN, WHOLE, excluded, reader="A")
    read(project, Answer(Verdict.UNSURE, mirrored=True), reader="B")
    written = export_annotations(project, tmp_path / "out", file_format=file_format, reader="A")
    assert (written.films, written.rectangles, written.without_place) == (2, 2, 1)
    came = import_annotations(project, tmp_path / "out", file_format=file_format, reader="B")
    said = file_format == "labelme"  # the one format that can say it
    assert (came.saved, came.left_unread, came.problems) == (2 if said else 1, 0 if said else 1, ())
    assert answers(project, "B") == [BROKEN, WHOLE if said else None, None]
    again = import_annotations(
        project, tmp_path / "out", file_format=file_format, reader="B", empty_is_no_fracture=True
    )
    assert (again.saved, again.left_unread) == (0 if said else 1, 0)
    assert answers(project, "B") == [BROKEN, WHOLE, None]
    with pytest.raises(UserError) as raised:
        export_annotations(project, tmp_path / "films", file_format="yolo", reader="A")
    assert raised.value.code is ErrorCode.TARGET_NOT_EMPTY


def test_films_that_share_a_stem_keep_apart(project: Project, tmp_path: Path) -> None:
    write_film(tmp_path / "films" / "a" / "film.tif", 9)
    import_films(project, [tmp_path / "films"])
    read(project, BROKEN, WHOLE, WHOLE, Answer(Verdict.FRACTURE, BROKEN.findings[:1]), reader="A")
    export_annotations(project, tmp_path / "out", file_format="yolo", reader="A")
    assert (tmp_path / "out" / "a" / "film.png.txt").exists()
    came = import_annotations(project, tmp_path / "out", file_format="yolo", reader="B", empty_is_no_fracture=True)
    assert came.problems == ()
    assert [a and a.findings for a in answers(project, "B")] == [a and a.findings for a in answers(project, "A")]


def coco(**changes: object) -> str:
    content = {
        "images": [{"id": 1, "file_name": "other.png", "width": WIDTH, "height": HEIGHT}],
        "annotations": [{"id": 7, "image_id": 1, "category_id": 1, "bbox": [1, 2, 30, 40]}],
        "categories": [{"id": 1, "name": "fracture"}],
    }
    return json.dumps({**content, **changes})


def voc(objects: str, size: str = f"<size><width>{WIDTH}</width><height>{HEIGHT}</height></size>") -> str:
    return f"<annotation>\n<filename>other.png</filename>\n{size}\n{objects}</annotation>"


def box(xmin: str = "1", name: str = "A2") -> str:
    corners = f"<xmin>{xmin}</xmin><ymin>2</ymin><xmax>30</xmax><ymax>40</ymax>"
    return f"<object><name>{name}</name><bndbox>{corners}</bndbox></object>"


@pytest.mark.parametrize(
    ("file_format", "files", "told"),
    [
        ("coco", {"": coco(images=[{"id": 1, "file_name": "x.png", "width": 1, "height": 1}])}, "named x.png"),
        ("coco", {"": coco(images=[{"id": 1, "file_name": "film.png", "width": 1, "height": 1}])}, "2 films can"),
        ("coco", {"": coco(categories=[{"id": 1, "name": "cat"}])}, "annotation 7: the class 'cat' is none of"),
        ("coco", {"": coco(categories=[])}, "annotation 7: the category 1 is not in the file"),
        ("coco", {"": coco(images=[])}, "annotation 1: it belongs to no image"),
        (
            "coco",
            {"": coco(images=[{"id": 1, "file_name": "other.png", "width": HEIGHT, "height": WIDTH}])},
            f"the film has {WIDTH} x {HEIGHT} pixels, the rectangles were drawn on {HEIGHT} x {WIDTH}",
        ),
        (
            "coco",
            {"": coco(annotations=[{"id": 7, "image_id": 1, "category_id": 1, "bbox": [900, 2, 3, 4]}])},
            "annotation 7: the rectangle lies outside the film",
        ),
        ("yolo", {"classes.txt": "fracture", "other.txt": "\n0 0.5 0.5 0.1 0"}, "other.txt, line 2: a rectangle has"),
        ("yolo", {"classes.txt": "fracture", "other.txt": "0 50 50 10 10"}, "line 1: YOLO gives shares"),
        ("yolo", {"classes.txt": "fracture", "other.txt": "4 0.5 0.5 0.1 0.1"}, "other.txt, line 1: the class 4"),
        ("yolo", {"classes.txt": "fracture", "other.txt": "0 0.5 0.5 nan 0.1"}, "a share is no number: 'nan'"),
        ("voc", {"other.xml": voc(box("one"))}, "other.xml, line 4: xmin is no number: 'one'"),
        ("voc", {"other.xml": voc(box(name="C9"))}, "other.xml, line 4: the class 'C9' is none of"),
        ("voc", {"other.xml": voc("<object>")}, "other.xml, line 4: no XML: mismatched tag"),
        ("voc", {"other.xml": '<!DOCTYPE a [<!ENTITY b "c">]>' + voc("")}, "line 1: a document type is not read"),
        ("labelme", {"other.json": '{"shapes": [\n}'}, "other.json: line 2: Expecting value"),
        (
            "labelme",
            {"other.json": json.dumps({"shapes": [{"shape_type": "polygon", "points": []}]})},
            "other.json, shape 1: a polygon is no rectangle",
        ),
    ],
)
def test_what_is_wrong_is_named_and_nothing_saved(
    project: Project, tmp_path: Path, file_format: Format, files: dict[str, str], told: str
) -> None:
    for name, text in files.items():
        path = tmp_path / "in" / name if name else tmp_path / "in"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    came = import_annotations(project, tmp_path / "in", file_format=file_format, reader="A")
    assert came.saved == 0
    assert [told in sentence(p) for p in came.problems] == [True]


@pytest.mark.parametrize(
    ("file_format", "make", "told"),
    [
        ("coco", lambda p: p.write_text('{"images": [],\n oops}'), "line 2"),
        ("coco", lambda p: p.write_text("[]"), "no COCO file"),
        ("coco", lambda p: p.write_bytes(b"\xff\xfe{}"), "no JSON"),
        ("yolo", lambda p: p.mkdir(), "classes.txt is missing"),
        ("voc", lambda p: p.mkdir(), "no .xml file"),
        ("labelme", lambda p: p.write_text(""), "a folder is needed"),
        ("voc", lambda p: None, "no such file"),
    ],
)
def test_a_file_of_another_kind_says_so(
    project: Project, tmp_path: Path, file_format: Format, make: Callable[[Path], object], told: str
) -> None:
    make(tmp_path / "in")
    with pytest.raises(UserError) as raised:
        import_annotations(project, tmp_path / "in", file_format=file_format, reader="A")
    assert told in sentence(raised.value)
