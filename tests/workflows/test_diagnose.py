"""Diagnosis of small grey films by the brightness model: numbers by hand, order, refusals, failures, what is left."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hipcad_desktop.domain.anatomy import ImageHalf, Side, SideMap, SideSource
from hipcad_desktop.domain.diagnosis import Diagnosis, HipState, Refusal, RefusalReason
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.geometry import Size
from hipcad_desktop.domain.halving import halve_by_midline
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.domain.scope import FilmScope
from hipcad_desktop.imaging.film import Film
from hipcad_desktop.imaging.hip_image import hip_image
from hipcad_desktop.inference.network import Predicted
from hipcad_desktop.workflows import diagnose as workflow
from hipcad_desktop.workflows.diagnose import DiagnosisRun, FileFailure, diagnose, open_network, to_json
from tests.fakes.model_package import GAIN, PIVOT, write_fake_package

WIDTH, HEIGHT = 640, 480


def p_of(mean: float) -> float:
    return 1 / (1 + math.exp(-GAIN * (mean / 255 - PIVOT)))


class Recorder(Watch):
    """Remembers what it was told; may cancel once so many films are done."""

    def __init__(self, cancel_at: int | None = None) -> None:
        self.artifacts: list[tuple[str, str, dict[str, Any]]] = []
        self.done = 0
        self._cancel_at = cancel_at

    def step(self, stage: str, done: int, total: int, **facts: Any) -> None:
        self.done = done

    def artifact(self, what: str, path: str, **facts: Any) -> None:
        self.artifacts.append((what, path, facts))

    def cancelled(self) -> bool:
        return self._cancel_at is not None and self.done >= self._cancel_at


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_fake_package(tmp_path / "model.hipcad")


@pytest.fixture(autouse=True)
def in_scope(monkeypatch: pytest.MonkeyPatch) -> None:
    """Flat grey films count as pelves with their midline in the middle; the true gate has its own tests."""
    monkeypatch.setattr(workflow, "look", lambda film: FilmScope(film.radiograph.size.width / 2, 1.0, None))


def film(path: Path, left: int = 170, right: int = 60, *, width: int = WIDTH) -> str:
    """Write a film whose picture halves have these grey levels, and say how it is named."""
    pixels = np.full((HEIGHT, width), right, np.uint8)
    pixels[:, : width // 2] = left
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return str(path)


def run(files: list[str], model: Path, to: Path, **more: Any) -> DiagnosisRun:
    return diagnose(files, model=model, to=to, **{"watch": Watch(), **more})


def answer(files: list[str], model: Path, to: Path, **more: Any) -> Diagnosis:
    (only,) = run(files, model, to, **more).diagnoses
    assert isinstance(only, Diagnosis)
    return only


def test_numbers_as_by_hand(tmp_path: Path, model: Path) -> None:
    diagnosis = answer([film(tmp_path / "a.png")], model, tmp_path / "out")
    halving = halve_by_midline(Size(WIDTH, HEIGHT), WIDTH / 2, overlap_share=0.1)
    pixels = np.asarray(Image.open(tmp_path / "a.png"))
    assert [(h.side, h.half) for h in diagnosis.hips] == [(Side.RIGHT, ImageHalf.LEFT), (Side.LEFT, ImageHalf.RIGHT)]
    for hip, half in zip(diagnosis.hips, (halving.left, halving.right), strict=True):
        assert hip.window == half.window
        mean = float(hip_image(pixels, half.window).mean())
        assert hip.p_fracture == pytest.approx(p_of(mean), abs=1e-5)
    assert diagnosis.hip(Side.RIGHT).state is HipState.FRACTURE
    assert diagnosis.hip(Side.LEFT).state is HipState.NO_FRACTURE
    assert diagnosis.midline_px == WIDTH / 2
    assert diagnosis.refusal is None


def test_a_mirrored_film_answers_for_the_patients_sides(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = answer([film(tmp_path / "a.png")], model, tmp_path / "plain")
    mirrored = SideMap(Side.LEFT, SideSource.HEADER)
    monkeypatch.setattr(workflow, "read_film", changed(workflow.read_film, sides=mirrored))
    turned = answer([film(tmp_path / "a.png")], model, tmp_path / "turned")
    assert [h.side for h in turned.hips] == [Side.RIGHT, Side.LEFT]
    assert turned.hip(Side.LEFT).p_fracture == plain.hip(Side.RIGHT).p_fracture
    assert turned.hip(Side.LEFT).half is ImageHalf.LEFT
    assert turned.side_source == "header"


def changed(read: Callable[[Path], Film], **facts: Any) -> Callable[[Path], Film]:
    """read_film, with other facts about the radiograph."""

    def read_changed(path: Path) -> Film:
        film = read(path)
        return replace(film, radiograph=replace(film.radiograph, **facts))

    return read_changed


def test_json_has_the_agreed_keys_and_is_what_lies_on_disk(tmp_path: Path, model: Path) -> None:
    watch = Recorder()
    diagnosis = answer([film(tmp_path / "a.png")], model, tmp_path / "out", watch=watch)
    values = to_json(diagnosis)
    assert list(values)[:6] == ["file", "refused", "midline_px", "hips", "model", "seconds"]
    assert list(values["hips"][0])[:5] == ["side", "p_fracture", "state", "window_px", "overlay"]
    assert values["file"] == str(tmp_path / "a.png")
    assert values["refused"] is None
    assert values["hips"][0]["window_px"] == [0.0, pytest.approx(WIDTH * 0.6)]
    assert "Research use only" in values["model"]["notice"]
    assert len(values["model"]["sha256"]) == 64
    ((what, path, facts),) = watch.artifacts
    assert what == "diagnosis"
    assert json.loads(Path(path).read_text("utf-8")) == facts == values
    assert facts["film_size"] == [WIDTH, HEIGHT]
    assert len(facts["film_id"]) == 64
    assert Path(facts["hips"][0]["heat"]).is_file()


def test_pictures(tmp_path: Path, model: Path) -> None:
    diagnosis = answer([film(tmp_path / "a.png")], model, tmp_path / "out")
    hip = diagnosis.hip(Side.RIGHT)
    overlay, heat = Image.open(hip.overlay_path), Image.open(hip.heat_path)
    assert overlay.mode == "RGB"
    assert overlay.width == pytest.approx(2 * hip.window.width, abs=1)
    assert overlay.height > 2 * HEIGHT + 40  # the words stand below the hip, not on it
    strip = np.asarray(overlay)[2 * HEIGHT :]
    assert (strip.max(axis=(1, 2)) > 150).sum() >= 12  # two lines of type
    assert heat.mode == "L"
    assert heat.getextrema()[1] == 255


def test_files_answer_in_the_order_given_and_bad_ones_do_not_stop_the_others(tmp_path: Path, model: Path) -> None:
    text = tmp_path / "notes.jpg"
    text.write_text("not a film")
    broken = tmp_path / "cut.png"
    broken.write_bytes(Path(film(tmp_path / "whole.png")).read_bytes()[:200])
    files = [
        film(tmp_path / "one.png"),
        str(text),
        str(tmp_path / "absent.dcm"),
        str(broken),
        film(tmp_path / "two.png", left=60),
    ]
    watch = Recorder()
    result = run(files, model, tmp_path / "out", watch=watch)
    assert [d.file for d in result.diagnoses] == files
    assert [f.error.code for f in result.failures] == [
        ErrorCode.NOT_A_FILM,
        ErrorCode.FILE_MISSING,
        ErrorCode.FILM_DAMAGED,
    ]
    assert [what for what, _, _ in watch.artifacts] == ["diagnosis", "failure", "failure", "failure", "diagnosis"]
    assert len(list((tmp_path / "out").iterdir())) == 10
    assert not list((tmp_path / "out").glob(".*"))


def test_only_bad_input_leaves_no_folder(tmp_path: Path, model: Path) -> None:
    (tmp_path / "notes.jpg").write_text("not a film")
    run([str(tmp_path / "notes.jpg")], model, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_refused_film_is_an_answer_without_numbers(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusal = Refusal(RefusalReason.HEADER_OTHER_BODY_PART, {"found": "CHEST"})
    monkeypatch.setattr(workflow, "look", lambda film: FilmScope(WIDTH / 2, 0.9, refusal))
    watch = Recorder()
    name = film(tmp_path / "chest.png")
    diagnosis = answer([name], model, tmp_path / "out", watch=watch, midlines={name: 300.0})
    values = to_json(diagnosis)
    assert "CHEST" in values["refused"]
    assert values["midline_px"] is None
    assert values["hips"] == []
    assert [p.suffix for p in (tmp_path / "out").iterdir()] == [".json"]
    assert watch.artifacts[0][0] == "diagnosis"


@pytest.mark.parametrize("found", [None, 2.0])
def test_a_film_without_a_usable_midline_is_refused(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch, found: float | None
) -> None:
    monkeypatch.setattr(workflow, "look", lambda film: FilmScope(found, 0.0, None))
    assert answer([film(tmp_path / "a.png")], model, tmp_path / "out").refusal is not None


def test_a_given_midline_is_used(tmp_path: Path, model: Path) -> None:
    name = film(tmp_path / "a.png")
    diagnosis = answer([name], model, tmp_path / "out", midlines={name: 300.0, "other": 1.0})
    assert diagnosis.midline_px == 300.0
    expected = halve_by_midline(Size(WIDTH, HEIGHT), 300.0, overlap_share=0.1)
    assert diagnosis.hip(Side.RIGHT).window == expected.left.window
    assert diagnosis.hip(Side.LEFT).window == expected.right.window


@pytest.mark.parametrize("given", [-5.0, 0.0, 3.0, WIDTH, 1e9, math.nan])
def test_a_given_midline_that_fits_not_fails_its_file_only(tmp_path: Path, model: Path, given: float) -> None:
    names = [film(tmp_path / "a.png"), film(tmp_path / "b.png")]
    failure, diagnosis = run(names, model, tmp_path / "out", midlines={names[0]: given}).diagnoses
    assert isinstance(failure, FileFailure)
    assert failure.error.code is ErrorCode.NOT_HALVED_NO_MIDLINE
    assert names[0] in failure.error.facts["detail"]
    assert isinstance(diagnosis, Diagnosis)


def test_files_of_one_name_do_not_overwrite_each_other(tmp_path: Path, model: Path) -> None:
    files = [film(tmp_path / "x" / "IM1.png"), film(tmp_path / "y" / "IM1.png", left=60)]
    same = film(tmp_path / "z" / "IM1.png")  # also the same bytes as the first
    result = run([*files, same, files[0]], model, tmp_path / "out", midlines={same: 310.0})
    paths = [h.overlay_path for d in result.diagnoses if isinstance(d, Diagnosis) for h in d.hips]
    assert len(set(paths)) == 8
    assert all(Path(p).is_file() for p in paths)
    assert len(list((tmp_path / "out").glob("*.json"))) == 4


@pytest.mark.parametrize(
    "name", ["Müller ..  Hüfte.png", "..png.png", "a;rm -rf $HOME.png", "x" * 200 + ".png", "con\n.png"]
)
def test_odd_names_stay_in_the_folder(tmp_path: Path, model: Path, name: str) -> None:
    diagnosis = answer([film(tmp_path / "in" / name)], model, tmp_path / "out")
    path = Path(diagnosis.hips[0].overlay_path)
    assert path.parent == tmp_path / "out"
    assert path.name.isascii()
    assert len(path.name) < 100


def test_the_same_film_again_overwrites_its_own_files(tmp_path: Path, model: Path) -> None:
    name = film(tmp_path / "a.png")
    run([name], model, tmp_path / "out")
    before = {p.name for p in (tmp_path / "out").iterdir()}
    run([name], model, tmp_path / "out")
    assert {p.name for p in (tmp_path / "out").iterdir()} == before


def test_cancelled_between_films_keeps_the_finished_ones(tmp_path: Path, model: Path) -> None:
    files = [film(tmp_path / f"{i}.png", left=100 + i) for i in range(5)]
    with pytest.raises(UserError) as caught:
        run(files, model, tmp_path / "out", watch=Recorder(cancel_at=2))
    assert caught.value.code is ErrorCode.CANCELLED
    assert len(list((tmp_path / "out").glob("*.json"))) == 2
    assert len(list((tmp_path / "out").iterdir())) == 10
    assert not [t for t in threading.enumerate() if t.name.startswith("film")]


def test_the_next_film_is_read_while_this_one_is_computed(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = threading.Event()
    read = workflow.read_film

    def reading(path: Path) -> Film:
        if path.name == "two.png":
            second.set()
        return read(path)

    class Waiting:
        """Answers only once the second film is being read: without look-ahead that never comes."""

        package = open_network(model).package

        def predict(self, hips: Any) -> Predicted:
            assert second.wait(10)
            return Predicted(np.full(len(hips), 0.5), np.ones((len(hips), 3, 3), np.float32), np.zeros(len(hips)))

    monkeypatch.setattr(workflow, "read_film", reading)
    files = [film(tmp_path / "one.png"), film(tmp_path / "two.png")]
    assert len(run(files, model, tmp_path / "out", network=Waiting()).diagnoses) == 2


def test_a_loaded_network_is_used_again(tmp_path: Path, model: Path) -> None:
    network = open_network(model)
    model.unlink()
    assert answer([film(tmp_path / "a.png")], model, tmp_path / "out", network=network).model_name == "brightness"


def test_a_damaged_model_is_found_before_anything_is_written(tmp_path: Path, model: Path) -> None:
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    model.write_bytes(content)
    with pytest.raises(UserError) as caught:
        run([film(tmp_path / "a.png")], model, tmp_path / "out")
    assert caught.value.code is ErrorCode.MODEL_PACKAGE_DAMAGED
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written(tmp_path: Path, model: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(UserError) as caught:
        run([film(tmp_path / "a.png")], model, tmp_path / "out")
    assert caught.value.code is ErrorCode.FOLDER_NOT_WRITABLE


def test_a_full_disk_leaves_no_half_film(tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = workflow.write_whole

    def writing(path: Path, content: bytes) -> None:
        if path.suffix == ".json" and path.name.startswith("two"):
            raise UserError(ErrorCode.DISK_FULL, path=str(path), needed_mb=1)
        write(path, content)

    monkeypatch.setattr(workflow, "write_whole", writing)
    with pytest.raises(UserError) as caught:
        run([film(tmp_path / "one.png"), film(tmp_path / "two.png", left=90)], model, tmp_path / "out")
    assert caught.value.code is ErrorCode.DISK_FULL
    assert len(list((tmp_path / "out").iterdir())) == 5
    assert not list((tmp_path / "out").glob("two*"))


def test_a_mapping_the_model_never_saw_is_said(tmp_path: Path) -> None:
    model = write_fake_package(tmp_path / "model.hipcad", mapping_rules=("percentile/v1",))
    values = to_json(answer([film(tmp_path / "a.png")], model, tmp_path / "out"))
    assert "other grey levels" in values["warnings"][0]
    known = write_fake_package(tmp_path / "known.hipcad")
    assert to_json(answer([film(tmp_path / "a.png")], known, tmp_path / "out2"))["warnings"] == []


def test_no_torch_on_the_way(tmp_path: Path, model: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from hipcad_desktop.domain.progress import Watch\n"
        "from hipcad_desktop.domain.scope import FilmScope\n"
        "from hipcad_desktop.workflows import diagnose as w\n"
        "w.look = lambda film: FilmScope(film.radiograph.size.width / 2, 1.0, None)\n"
        "done = w.diagnose([sys.argv[1]], model=Path(sys.argv[2]), to=Path(sys.argv[3]), watch=Watch())\n"
        "assert len(done.diagnoses[0].hips) == 2\n"
        "heavy = ('torch', 'torchvision', 'timm', 'captum', 'sqlalchemy', 'PySide6', 'matplotlib', 'sklearn')\n"
        "print([m for m in heavy if m in sys.modules])"
    )
    arguments = [film(tmp_path / "a.png"), str(model), str(tmp_path / "out")]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
