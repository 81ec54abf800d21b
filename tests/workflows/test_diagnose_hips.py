"""Diagnosis by squares about the hips: where they are cut, whose they are, what is refused of one hip alone."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hipcad_desktop.app.sample import sample_films
from hipcad_desktop.domain.anatomy import ImageHalf, Side, SideMap, SideSource
from hipcad_desktop.domain.annotation import Answer, Verdict
from hipcad_desktop.domain.diagnosis import Diagnosis, RefusalReason
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.geometry import Size, Window
from hipcad_desktop.domain.halving import HalvingMethod, halve_by_hips, halve_by_midline, share_inside
from hipcad_desktop.domain.messages import sentence
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.domain.scope import FilmScope, Found, HipPoints, Pose
from hipcad_desktop.imaging.dataset_files import read_images, read_manifest
from hipcad_desktop.imaging.film import Film
from hipcad_desktop.imaging.hip_image import hip_image
from hipcad_desktop.inference.network import Predicted
from hipcad_desktop.workflows import diagnose as workflow
from hipcad_desktop.workflows import halve_film
from hipcad_desktop.workflows.annotate import Session
from hipcad_desktop.workflows.diagnose import FileFailure, KeptFilms, diagnose, open_network, to_json
from hipcad_desktop.workflows.diagnosis_pictures import window_picture
from hipcad_desktop.workflows.export_dataset import export_dataset
from hipcad_desktop.workflows.import_films import import_films
from hipcad_desktop.workflows.open_project import list_films, open_project
from tests.fakes.model_package import GAIN, PIVOT, write_fake_package
from tests.fakes.pelvis_drawing import drawn_pelvis

WIDTH, HEIGHT = 640, 480
SIZE = Size(WIDTH, HEIGHT)
LEFT, RIGHT = (220.0, 200.0), (420.0, 204.0)  # heads 200 px apart
REAL_FILMS = os.environ.get("HIPCAD_REAL_FILMS", "")

Heads = tuple[tuple[float, float], tuple[float, float]]


def p_of(mean: float) -> float:
    return 1 / (1 + math.exp(-GAIN * (mean / 255 - PIVOT)))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_fake_package(tmp_path / "model.hipcad", halving="hip", overlap_share=0.0)


class Finder:
    """Stands for the hip finder: remembers the midlines it was given."""

    def __init__(self, heads: Heads | None) -> None:
        self.heads = heads
        self.midlines: list[float | None] = []

    def __call__(self, eight_bit: Any, *, midline_px: float | None = None) -> tuple[HipPoints, HipPoints] | None:
        self.midlines.append(midline_px)
        if self.heads is None:
            return None
        by = 0.0 if midline_px is None else midline_px - (self.heads[0][0] + self.heads[1][0]) / 2
        left, right = (
            HipPoints(half, x + by, y, x + by, y + 100, 200.0)
            for half, (x, y) in zip((ImageHalf.LEFT, ImageHalf.RIGHT), self.heads, strict=True)
        )
        return left, right


@pytest.fixture
def put(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Finder]:
    """Say what the look at a film finds: heads on the picture's left and right, metal, the patient's sides."""

    def put_all(
        heads: Heads | None = (LEFT, RIGHT),
        *,
        metal: tuple[float, float] | None = None,
        cut_off: tuple[bool, bool] | None = None,
        sides: SideMap | None = None,
    ) -> Finder:
        finder = Finder(heads)
        nothing = metal is None and cut_off is None
        found = None if nothing else found_with(metal or (0.0, 0.0), cut_off or (False, False))
        scope = FilmScope(320.0, 1.0, None, found)
        monkeypatch.setattr(halve_film, "find_hips_of", finder)
        monkeypatch.setattr(workflow, "look", lambda film: scope)
        if sides is not None:
            read = workflow.read_film
            monkeypatch.setattr(workflow, "read_film", lambda path: with_sides(read(path), sides))
        return finder

    return put_all


def found_with(metal: tuple[float, float], cut_off: tuple[bool, bool]) -> Found:
    left = HipPoints(ImageHalf.LEFT, *LEFT, LEFT[0], 300.0, 200.0)
    right = HipPoints(ImageHalf.RIGHT, *RIGHT, RIGHT[0], 300.0, 200.0)
    return Found(1.0, 1.0, Pose(), (left, right), (320.0, 260.0), 320.0, cut_off, metal)


def with_sides(film: Film, sides: SideMap) -> Film:
    return replace(film, radiograph=replace(film.radiograph, sides=sides))


@pytest.fixture
def film(tmp_path: Path) -> str:
    """A film that grows brighter to the right, with some texture."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    pixels = np.clip(40 + columns / WIDTH * 150 + 20 * np.sin(rows / 9), 0, 255).astype(np.uint8)
    path = tmp_path / "film.png"
    Image.fromarray(pixels).save(path)
    return str(path)


def run(file: str, model: Path, **more: Any) -> Diagnosis | FileFailure:
    (only,) = diagnose([file], model=model, to=model.parent / "out", watch=Watch(), **more).diagnoses
    return only


def answer(file: str, model: Path, **more: Any) -> Diagnosis:
    only = run(file, model, **more)
    assert isinstance(only, Diagnosis)
    return only


def test_numbers_as_by_hand(film: str, model: Path, put: Callable[..., Finder]) -> None:
    put()
    diagnosis = answer(film, model)
    halving = halve_by_hips(SIZE, LEFT, RIGHT)
    pixels = np.asarray(Image.open(film))
    assert [(h.side, h.half) for h in diagnosis.hips] == [(Side.RIGHT, ImageHalf.LEFT), (Side.LEFT, ImageHalf.RIGHT)]
    for hip, at in zip(diagnosis.hips, (halving.left, halving.right), strict=True):
        assert hip.window == at.window
        assert hip.p_fracture == pytest.approx(p_of(float(hip_image(pixels, at.window).mean())), abs=1e-5)
    assert diagnosis.hips[0].p_fracture != pytest.approx(diagnosis.hips[1].p_fracture, abs=0.01)
    assert diagnosis.midline_px == (LEFT[0] + RIGHT[0]) / 2
    assert diagnosis.warnings == ()


def test_json_names_all_four_edges_of_a_square(film: str, model: Path, put: Callable[..., Finder]) -> None:
    put()
    values = to_json(answer(film, model))
    window = halve_by_hips(SIZE, LEFT, RIGHT).left.window
    assert values["halving"] == "hip"
    assert values["hips"][0]["window_px"] == [window.x0, window.x1, window.y0, window.y1]
    assert values["hips"][0]["refused"] is None


def test_the_overlay_shows_the_square_in_its_true_shape(film: str, model: Path, put: Callable[..., Finder]) -> None:
    put(heads=((60.0, 200.0), (260.0, 204.0)))
    hip = answer(film, model).hips[0]
    with Image.open(hip.overlay_path) as overlay:
        assert overlay.width == pytest.approx(2 * hip.window.width, abs=2)
        assert overlay.height > 2 * hip.window.width + 20  # and words below


def test_without_overlays_only_the_heat_maps_are_written(film: str, model: Path, put: Callable[..., Finder]) -> None:
    put()
    said = answer(film, model, overlays=False)
    assert [hip.overlay_path for hip in said.hips] == ["", ""]
    assert sorted(p.suffix for p in (model.parent / "out").iterdir()) == [".json", ".png", ".png"]
    assert all(Path(hip.heat_path).is_file() for hip in said.hips)
    assert [h.p_fracture for h in said.hips] == [h.p_fracture for h in answer(film, model).hips]


@pytest.mark.parametrize(
    "window",
    [Window(-36, 120, 10, 166), Window(560, 716, 400, 556), Window(-36, 120, -36, 120), Window(100, 256, 90, 246)],
)
def test_a_picture_of_a_square_is_black_where_the_film_ends(window: Window) -> None:
    picture = window_picture(np.full((HEIGHT, WIDTH), 200, np.uint8), window)
    assert picture.shape == (312, 312)
    assert (picture > 0).mean() == pytest.approx(share_inside(window, SIZE), abs=0.002)
    expected = np.zeros((HEIGHT + 400, WIDTH + 400))
    expected[200:-200, 200:-200] = 200
    assert window.y0 is not None
    x, y = round(window.x0) + 200, round(window.y0) + 200
    assert (picture[::2, ::2] == expected[y : y + 156, x : x + 156]).all()


def test_a_midline_given_is_where_the_hips_are_looked_for_again(
    film: str, model: Path, put: Callable[..., Finder]
) -> None:
    finder = put()
    kept = KeptFilms()
    found = answer(film, model, films=kept)
    moved = answer(film, model, films=kept, midlines={film: 350.0, "other": 1.0})
    assert finder.midlines == [None, 350.0]
    assert moved.midline_px == 350.0
    assert moved.hips[0].window.x0 == pytest.approx(found.hips[0].window.x0 + 30)


@pytest.mark.parametrize("given", [-5.0, 0.0, 5.0, WIDTH - 5.0, WIDTH, 1e9, math.nan])
def test_a_midline_given_that_fits_not_fails_its_file_only(
    film: str, model: Path, put: Callable[..., Finder], given: float
) -> None:
    put()
    failure = run(film, model, midlines={film: given})
    assert isinstance(failure, FileFailure)
    assert failure.error.code is ErrorCode.NOT_HALVED_NO_MIDLINE
    assert film in sentence(failure.error)


def test_a_mirrored_film_answers_for_the_patients_sides(film: str, model: Path, put: Callable[..., Finder]) -> None:
    put()
    plain = answer(film, model)
    put(sides=SideMap(Side.LEFT, SideSource.HEADER))
    turned = answer(film, model)
    assert [h.side for h in turned.hips] == [Side.RIGHT, Side.LEFT]
    assert turned.hip(Side.LEFT).window == plain.hip(Side.RIGHT).window
    assert turned.hip(Side.LEFT).p_fracture == plain.hip(Side.RIGHT).p_fracture


@pytest.mark.parametrize("heads", [None, (RIGHT, LEFT), (LEFT, LEFT), ((220.0, 100.0), (420.0, 400.0))])
def test_heads_that_are_not_those_of_one_pelvis_are_a_refusal(
    film: str, model: Path, put: Callable[..., Finder], heads: Heads | None
) -> None:
    put(heads=heads)
    values = to_json(answer(film, model))
    assert values["refused"] == (
        "No answer: this does not look like a frontal pelvis with both hips (its two hips were not found)."
    )
    assert values["hips"] == []
    assert values["midline_px"] is None


@pytest.mark.parametrize(("sides", "word"), [(SideMap(), "right"), (SideMap(Side.LEFT, SideSource.HEADER), "left")])
def test_a_hip_mostly_outside_the_film_refuses_it_by_the_patients_side(
    film: str, model: Path, put: Callable[..., Finder], sides: SideMap, word: str
) -> None:
    put(heads=((20.0, 200.0), (220.0, 204.0)), sides=sides)
    diagnosis = answer(film, model)
    assert diagnosis.refusal is not None
    assert diagnosis.refusal.reason is RefusalReason.HIP_CUT_OFF
    assert to_json(diagnosis)["refused"] == f"No answer: the patient's {word} hip is cut off by the film's edge."


@pytest.mark.parametrize(("head_x", "said"), [(200.0, False), (80.0, False), (64.0, True), (40.0, True)])
def test_a_hip_cut_off_is_said_where_bone_is_missing(
    film: str, model: Path, put: Callable[..., Finder], head_x: float, said: bool
) -> None:
    put(heads=((head_x, 200.0), (head_x + 200, 200.0)))
    diagnosis = answer(film, model)
    left = diagnosis.hip(Side.RIGHT)
    assert left.outside_share == pytest.approx(max(0.0, -left.window.x0 / left.window.width))
    assert [w for w in diagnosis.warnings if "cut off" in w] == (
        [
            f"The patient's right hip is cut off by the film's edge: {left.outside_share:.0%} of the square that the "
            "model looks at lies outside the film."
        ]
        if said
        else []
    )
    assert diagnosis.hip(Side.LEFT).outside_share == 0


@pytest.mark.parametrize("halving", ["hip", "midline"])
@pytest.mark.parametrize(
    ("sides", "side"), [(SideMap(), Side.RIGHT), (SideMap(Side.LEFT, SideSource.HEADER), Side.LEFT)]
)
def test_metal_refuses_its_hip_alone(
    film: str, tmp_path: Path, put: Callable[..., Finder], sides: SideMap, side: Side, halving: str
) -> None:
    """Metal on the picture's left."""
    model = write_fake_package(tmp_path / "model.hipcad", halving=halving)
    put(sides=sides)
    both = answer(film, model)
    put(metal=(0.9, 0.1))
    diagnosis = answer(film, model)
    (refused,) = diagnosis.refused_hips
    (answered,) = diagnosis.hips
    assert (refused.side, refused.half, answered.side) == (side, ImageHalf.LEFT, side.other)
    assert refused.window == both.hip(side).window
    assert answered.p_fracture == both.hip(side.other).p_fracture
    with pytest.raises(KeyError):
        diagnosis.hip(side)
    values = to_json(diagnosis)
    assert values["refused"] is None
    assert [h["side"] for h in values["hips"]] == ["R", "L"]
    by_side = {h["side"]: h for h in values["hips"]}
    one, other = by_side[side.value], by_side[side.other.value]
    assert one["refused"].startswith(f"No answer for the patient's {side.word} hip: there seems to be metal on it")
    assert one["p_fracture"] is one["state"] is None
    assert other["refused"] is None
    assert set(one) == set(other)


@pytest.mark.parametrize("halving", ["hip", "midline"])
def test_what_the_finder_says_is_cut_off_is_said_by_the_patients_side(
    film: str, tmp_path: Path, put: Callable[..., Finder], halving: str
) -> None:
    put(cut_off=(False, True))
    said = answer(film, write_fake_package(tmp_path / "model.hipcad", halving=halving))
    assert said.warnings == ("The patient's left hip seems to be cut off by the film's edge.",)
    assert len(said.hips) == 2


def test_metal_on_both_hips_refuses_the_film(film: str, model: Path, put: Callable[..., Finder]) -> None:
    put(metal=(0.85, 0.9))
    values = to_json(answer(film, model))
    assert "metal on both hips" in values["refused"]
    assert values["hips"] == []


def test_hips_that_the_look_has_found_are_not_looked_for_again(
    film: str, model: Path, put: Callable[..., Finder]
) -> None:
    finder = put(metal=(0.0, 0.0))
    assert answer(film, model).hips[0].window == halve_by_hips(SIZE, LEFT, RIGHT).left.window
    assert finder.midlines == []


def test_a_shadow_of_metal_refuses_nothing(film: str, model: Path, put: Callable[..., Finder]) -> None:
    put(metal=(0.3, 0.49))
    assert len(answer(film, model).hips) == 2


def test_a_kept_film_is_read_once_until_its_file_changes(film: str, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[Path] = []
    read = workflow.read_film

    def reading(path: Path) -> Film:
        reads.append(path)
        return read(path)

    monkeypatch.setattr(workflow, "read_film", reading)
    monkeypatch.setattr(workflow, "look", lambda film: FilmScope(320.0, 1.0))
    kept = KeptFilms()
    first, _ = kept.get(film)
    assert kept.get(film)[0] is first
    Image.fromarray(np.full((HEIGHT, WIDTH), 7, np.uint8)).save(film)
    changed, _ = kept.get(film)
    assert changed.radiograph.film_id != first.radiograph.film_id
    assert len(reads) == 2
    Path(film).unlink()
    with pytest.raises(UserError) as raised:
        kept.get(film)
    assert raised.value.code is ErrorCode.FILE_MISSING


def test_a_drawn_pelvis_with_the_real_finder(tmp_path: Path, model: Path) -> None:
    """The squares hold the drawn heads, and the midline runs through the drawing's middle."""
    path = tmp_path / "drawn.png"
    Image.fromarray(drawn_pelvis(900, 740)).save(path)
    diagnosis = answer(str(path), model)
    assert diagnosis.refusal is None
    assert diagnosis.midline_px == pytest.approx(450, abs=0.03 * 900)
    for hip, x in zip(diagnosis.hips, (450 - 0.225 * 900, 450 + 0.225 * 900), strict=True):
        assert hip.window.y0 is not None
        assert hip.window.y1 is not None
        assert hip.window.x0 < x < hip.window.x1
        assert hip.window.y0 < 0.52 * 740 < hip.window.y1
        assert hip.window.width == pytest.approx(0.78 * 0.45 * 900, rel=0.1)


def test_diagnosis_looks_at_the_very_pixels_that_the_export_wrote(tmp_path: Path, model: Path) -> None:
    """Through the whole way of both, on simulated films; hips that diagnosis refuses for metal are exported too."""
    files = sample_films()[:2]
    with open_project(tmp_path / "P", create=True) as project:
        import_films(project, files)
        for row in list_films(project, reader="A"):
            Session(project, reader="A").save(row.film_id, Answer(Verdict.NO_FRACTURE))
        export_dataset(project, tmp_path / "D")
    _, entries = read_manifest(tmp_path / "D")
    squares = [e for e in entries if e.halving is HalvingMethod.HIP]
    exported = {
        (e.film_code, e.side): image for e, image in zip(squares, read_images(tmp_path / "D", squares), strict=True)
    }
    seen: list[Any] = []

    class Looking:
        """Keeps what it is shown."""

        package = open_network(model).package

        def predict(self, hips: Any) -> Predicted:
            seen.extend(hips)
            return Predicted(np.full(len(hips), 0.5), np.ones((len(hips), 3, 3), np.float32), np.zeros(len(hips)))

    names = [str(f) for f in files]
    run = diagnose(names, model=model, to=tmp_path / "out", network=Looking(), watch=Watch())
    answers = [d for d in run.diagnoses if isinstance(d, Diagnosis)]
    shown = dict(zip([(d.film_id[:12], hip.side) for d in answers for hip in d.hips], seen, strict=True))
    assert len(exported) == 4
    assert len(shown) >= 3
    assert all(np.array_equal(shown[which], exported[which]) for which in shown)


@pytest.mark.skipif(not REAL_FILMS, reason="HIPCAD_REAL_FILMS names no folder of real films")
def test_real_films_have_two_squares_on_their_sides_of_the_midline(model: Path) -> None:
    files = sorted(Path(REAL_FILMS, "no_fracture").glob("*.jpg"))[:12]
    run = diagnose([str(f) for f in files], model=model, to=model.parent / "out", watch=Watch())
    answers = [d for d in run.diagnoses if isinstance(d, Diagnosis) and d.hips]
    assert len(answers) >= 0.9 * len(files)
    for said in answers:
        left, right = sorted((hip.window for hip in said.hips), key=lambda w: w.x0)
        assert said.midline_px is not None
        assert left.x0 < left.x1 <= right.x1
        assert (left.x0 + left.x1) / 2 < said.midline_px < (right.x0 + right.x1) / 2
        assert left.width == pytest.approx(right.width)


def test_a_model_of_strips_is_halved_at_the_midline_as_before(
    film: str, tmp_path: Path, put: Callable[..., Finder]
) -> None:
    finder = put()
    diagnosis = answer(film, write_fake_package(tmp_path / "strips.hipcad"))
    assert finder.midlines == []
    assert diagnosis.halving == "midline"
    assert diagnosis.hips[0].window == halve_by_midline(SIZE, 320.0, overlap_share=0.1).left.window
    assert len(to_json(diagnosis)["hips"][0]["window_px"]) == 2
