"""Reports of an answer: every format says the same, bound to the film's bytes, with the notice, without the patient."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.geometry import Window
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.domain.scope import FilmScope
from hipcad_desktop.workflows import diagnose as diagnosis
from hipcad_desktop.workflows.diagnose import diagnose
from hipcad_desktop.workflows.diagnosis_report import page_of, read_answer, write_reports
from hipcad_desktop.workflows.document import Cards, Note, Table
from hipcad_desktop.workflows.film_picture import film_picture
from tests.fakes.model_package import write_fake_package

WIDTH, HEIGHT = 640, 480


@pytest.fixture
def answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The JSON of a film whose right hip is called broken and whose left is not."""
    monkeypatch.setattr(diagnosis, "look", lambda film: FilmScope(film.radiograph.size.width / 2, 1.0, None))
    pixels = np.full((HEIGHT, WIDTH), 60, np.uint8)
    pixels[:, : WIDTH // 2] = 170
    Image.fromarray(pixels).save(tmp_path / "film.png")
    model = write_fake_package(tmp_path / "m.hipcad")
    diagnose([str(tmp_path / "film.png")], model=model, to=tmp_path / "out", watch=Watch())
    (path,) = (tmp_path / "out").glob("*.json")
    return path


def changed(path: Path, **facts: Any) -> Path:
    path.write_text(json.dumps({**json.loads(path.read_text()), **facts}))
    return path


def test_all_four_say_the_same(tmp_path: Path, answered: Path) -> None:
    to = tmp_path / "reports"
    written = write_reports([answered], to, watch=Watch())
    stem = answered.stem
    assert [p.name for p in written] == [f"{stem}.png", f"{stem}.pdf", "answers.csv", "answers.json"]
    facts = json.loads(answered.read_text())
    assert json.loads((to / "answers.json").read_text()) == [facts]
    (row,) = csv.DictReader(io.StringIO((to / "answers.csv").read_text("utf-8"), newline=""))
    assert row["right_p_fracture"] == f"{facts['hips'][0]['p_fracture']:.6f}"
    assert row["film_sha256"] == facts["film_id"]
    assert "Research use only" in row["notice"]
    assert (to / f"{stem}.pdf").read_bytes().startswith(b"%PDF-")
    with Image.open(to / f"{stem}.png") as picture:
        assert picture.width == WIDTH
        assert picture.height > HEIGHT + 40  # words below, not on the film


def test_the_page_names_both_hips_what_to_do_and_what_it_belongs_to(answered: Path) -> None:
    answer = read_answer(answered)
    page = page_of(answer, np.zeros((48, 64, 3), np.uint8), written_utc="2026-11-24T12:00:00.000000Z")
    (cards,) = [b for b in page.blocks if isinstance(b, Cards)]
    right, left, _ = cards.cards
    assert (right.title[:1], right.value, left.title[:1], left.value) == ("R", "fracture", "L", "no fracture")
    assert right.interval == f"p = {answer.facts['hips'][0]['p_fracture']:.3f}"
    assert "CT or MRI" in left.what
    origin = [b for b in page.blocks if isinstance(b, Table)][-1]
    cells = {row[0]: row[1] for row in origin.rows}
    assert cells["Film, SHA-256"] == answer.facts["film_id"]
    assert cells["Model, SHA-256"] == answer.facts["model"]["sha256"]
    assert cells["States"] == "no fracture below p = 0.250, fracture from p = 0.750, doubt between"
    assert cells["Page written"] == "2026-11-24 12:00:00 UTC"
    assert page.notice == "Research use only. Not for clinical diagnosis."


def test_a_refused_film_has_its_reason_and_no_number(tmp_path: Path, answered: Path) -> None:
    changed(answered, refused="No answer: the film is blank.", hips=[], midline_px=None)
    write_reports([answered], tmp_path / "to", watch=Watch())
    page = page_of(read_answer(answered), np.zeros((48, 64, 3), np.uint8), written_utc="2026")
    assert [b.text for b in page.blocks if isinstance(b, Note) and b.loud] == ["No answer: the film is blank."]
    assert not [b for b in page.blocks if isinstance(b, Cards)]


def test_a_hip_refused_alone_says_why(answered: Path) -> None:
    facts = json.loads(answered.read_text())
    facts["hips"][0] |= {"p_fracture": None, "state": None, "refused": "No answer: metal.", "heat": "", "overlay": ""}
    changed(answered, hips=facts["hips"])
    page = page_of(read_answer(answered), np.zeros((48, 64, 3), np.uint8), written_utc="2026")
    (cards,) = [b for b in page.blocks if isinstance(b, Cards)]
    assert (cards.cards[0].value, cards.cards[0].what) == ("no answer", "No answer: metal.")
    assert cards.cards[1].value == "no fracture"


def test_other_bytes_under_the_films_name_give_no_report(tmp_path: Path, answered: Path) -> None:
    Image.fromarray(np.zeros((HEIGHT, WIDTH), np.uint8)).save(tmp_path / "film.png")
    with pytest.raises(UserError) as caught:
        write_reports([answered], tmp_path / "to", watch=Watch())
    assert caught.value.code is ErrorCode.FILM_CHANGED
    assert not (tmp_path / "to").exists()


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"file": "a", "refused": null, "hips": [1]}', b"\xff\xfe"])
def test_what_is_no_answer_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(UserError) as caught:
        write_reports([tmp_path / "a.json"], tmp_path / "to", watch=Watch())
    assert caught.value.code is ErrorCode.NOT_A_DIAGNOSIS
    with pytest.raises(UserError) as caught:
        read_answer(tmp_path / "absent.json")
    assert caught.value.code is ErrorCode.FILE_MISSING


def test_the_same_answer_gives_the_same_page(tmp_path: Path, answered: Path) -> None:
    for name in ("a", "b"):
        write_reports([answered], tmp_path / name, now=lambda: "2026-11-24T12:00:00.000000Z", watch=Watch())
    for file in (tmp_path / "a").iterdir():
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes()


def test_without_matplotlib_as_in_the_reader_edition(tmp_path: Path, answered: Path) -> None:
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "from pathlib import Path\n"
        "from hipcad_desktop.domain.progress import Watch\n"
        "from hipcad_desktop.workflows.diagnosis_report import write_reports\n"
        "write_reports([Path(sys.argv[1])], Path(sys.argv[2]), formats=('pdf',), watch=Watch())\n"
        "heavy = ('torch', 'onnxruntime', 'PySide6', 'sqlalchemy', 'sklearn')\n"
        "print([m for m in heavy if m in sys.modules])"
    )
    arguments = [sys.executable, "-c", code, str(answered), str(tmp_path / "to")]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert next((tmp_path / "to").glob("*.pdf")).read_bytes().startswith(b"%PDF-")


def test_the_picture_puts_heat_and_letters_where_the_hips_are(tmp_path: Path) -> None:
    heat = np.zeros((380, 380), np.uint8)
    heat[180:200, 180:200] = 255
    Image.fromarray(heat).save(tmp_path / "heat.png")
    film = np.full((400, 800), 40, np.uint8)
    box = Window(500, 700, 100, 300)
    picture = film_picture(film, [(("L", box), tmp_path / "heat.png"), (("R", Window(0, 300)), tmp_path / "none.png")])
    assert picture.shape == (400, 800, 3)
    hot = np.abs(picture.astype(int) - 40).sum(axis=2)
    rows, columns = np.nonzero(hot[60:] > 60)
    assert (rows.min() + 60, rows.max() + 60) == (pytest.approx(194, abs=4), pytest.approx(205, abs=4))
    assert (columns.min(), columns.max()) == (pytest.approx(594, abs=4), pytest.approx(605, abs=4))
    letters = hot[:60]
    assert letters[:, :100].max() > 200  # R on the picture's left
    assert letters[:, 700:].max() > 200


def test_a_square_that_leaves_the_film_is_cut(tmp_path: Path) -> None:
    Image.fromarray(np.full((380, 380), 255, np.uint8)).save(tmp_path / "heat.png")
    film = np.full((400, 800), 40, np.uint8)
    picture = film_picture(film, [(("R", Window(-100, 100, 250, 450)), tmp_path / "heat.png")])
    hot = np.abs(picture[60:].astype(int) - 40).sum(axis=2) > 30
    assert hot[200:, :95].all()
    assert not hot[200:, 110:].any()


@pytest.mark.parametrize(
    "facts",
    [
        {"midline_px": "x"},
        {"seconds": []},
        {"side_source": []},
        {"film_size": [0, 1]},
        {"warnings": ["\ud800"]},
        {"refused": "a" * 5000},
        {"more": float("inf")},
    ],
)
def test_an_edited_answer_is_told_before_anything_is_written(
    tmp_path: Path, answered: Path, facts: dict[str, Any]
) -> None:
    changed(answered, **facts)
    with pytest.raises(UserError) as caught:
        write_reports([answered], tmp_path / "to", watch=Watch())
    assert caught.value.code is ErrorCode.NOT_A_DIAGNOSIS
    assert not (tmp_path / "to").exists()


@pytest.mark.parametrize("hip", [{"state": "x"}, {"p_fracture": "0.5"}, {"window_px": [0, 1e9]}])
def test_an_edited_hip_is_told(tmp_path: Path, answered: Path, hip: dict[str, Any]) -> None:
    hips = json.loads(answered.read_text())["hips"]
    changed(answered, hips=[{**hips[0], **hip}, hips[1]])
    with pytest.raises(UserError) as caught:
        write_reports([answered], tmp_path / "to", watch=Watch())
    assert caught.value.code is ErrorCode.NOT_A_DIAGNOSIS


def test_answers_of_one_name_from_two_folders_are_both_written(tmp_path: Path, answered: Path) -> None:
    other = tmp_path / "other" / answered.name
    other.parent.mkdir()
    other.write_bytes(answered.read_bytes())
    written = write_reports([answered, other], tmp_path / "to", formats=("png",), watch=Watch())
    assert [p.name for p in written] == [f"{answered.stem}.png", f"{answered.stem}-2.png"]


def test_the_table_of_a_batch_is_not_replaced(tmp_path: Path, answered: Path) -> None:
    (tmp_path / "batch").mkdir()
    (tmp_path / "batch" / "batch.json").write_text("{}")
    with pytest.raises(UserError) as caught:
        write_reports([answered], tmp_path / "batch", watch=Watch())
    assert caught.value.code is ErrorCode.TARGET_NOT_EMPTY


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no text")
def test_a_film_whose_name_is_no_text_has_a_page(tmp_path: Path, answered: Path) -> None:
    film = tmp_path / "film\udcff.png"
    (tmp_path / "film.png").rename(film)
    changed(answered, file=str(film))
    (page,) = write_reports([answered], tmp_path / "to", formats=("pdf",), watch=Watch())
    assert page.read_bytes().startswith(b"%PDF-")
