"""`hipcad diagnose`: the model in the box where none is named, and what is said of each hip."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hipcad_desktop.cli import main
from hipcad_desktop.domain.anatomy import ImageHalf
from hipcad_desktop.domain.scope import FilmScope, Found, HipPoints, Pose
from hipcad_desktop.workflows import diagnose as workflow
from tests.fakes.model_package import write_fake_package


@pytest.fixture
def film(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A grey film that counts as a pelvis, with metal on the picture's right."""
    hips = (HipPoints(ImageHalf.LEFT, 220, 200, 220, 300, 200), HipPoints(ImageHalf.RIGHT, 420, 200, 420, 300, 200))
    found = Found(1.0, 1.0, Pose(), hips, (320.0, 260.0), 320.0, (False, False), (0.0, 1.0))
    scope = FilmScope(320.0, 1.0, None, found)
    monkeypatch.setattr(workflow, "look", lambda film: scope)
    Image.fromarray(np.full((480, 640), 170, np.uint8)).save(tmp_path / "film.png")
    return tmp_path / "film.png"


def test_without_a_model_the_one_in_the_box_answers_and_is_named(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    box = write_fake_package(tmp_path / "box.hipcad", name="the box")
    monkeypatch.setattr("hipcad_desktop.app.sample.default_model", lambda: box)
    assert main(["diagnose", str(film), "--to", str(tmp_path / "OUT")]) == 0
    said = capsys.readouterr()
    assert "No --model named: the model in the box answers, box.hipcad." in said.err
    assert "model: the box" in said.err
    assert "R fracture (" in said.out
    assert "L No answer for the patient's left hip: there seems to be metal on it" in said.out
    assert "Research use only" in said.out


def test_a_model_named_goes_before_the_box(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("hipcad_desktop.app.sample.default_model", lambda: tmp_path / "never.hipcad")
    model = write_fake_package(tmp_path / "mine.hipcad", name="mine")
    assert main(["diagnose", str(film), "--model", str(model), "--to", str(tmp_path / "OUT"), "--json"]) == 0
    said = capsys.readouterr()
    (answer,) = json.loads(said.out)
    assert answer["model"]["name"] == "mine"
    assert [(hip["side"], hip["p_fracture"] is None) for hip in answer["hips"]] == [("R", False), ("L", True)]
    assert said.err == ""


def test_without_any_model_it_says_what_to_do(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("hipcad_desktop.app.sample.default_model", lambda: None)
    assert main(["diagnose", str(film), "--to", str(tmp_path / "OUT")]) == 1
    assert "This installation has no model in it. Name one with --model." in capsys.readouterr().err
    assert not (tmp_path / "OUT").exists()
