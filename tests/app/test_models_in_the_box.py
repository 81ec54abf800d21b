"""Which models ship, and which of them answers where none is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from hipcad_desktop.app import box as shipped
from hipcad_desktop.app import doctor
from hipcad_desktop.inference.package import read_package
from tests.fakes.model_package import write_fake_package


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation's models folder with two models."""
    for name in ("a", "b"):
        write_fake_package(tmp_path / f"{name}.hipcad", name=name)
    monkeypatch.setattr("hipcad_desktop.app.box.resource", lambda *parts: tmp_path.joinpath(*parts[1:]))
    return tmp_path


@pytest.mark.parametrize(
    ("text", "first"),
    [("b.hipcad\n", "b"), (" a.hipcad", "a"), ("", "a"), ("c.hipcad", "a"), (None, "a"), ("../b.hipcad", "a")],
)
def test_the_file_default_names_the_first(box: Path, text: str | None, first: str) -> None:
    if text is not None:
        (box / "default.txt").write_text(text)
    assert [path.stem for path in shipped.models_in_the_box()] == sorted("ab", key=lambda name: name != first)
    assert shipped.default_model() == box / f"{first}.hipcad"


def test_a_default_that_is_no_text_names_none(box: Path) -> None:
    (box / "default.txt").write_bytes(b"\xff\xfe\x00")
    assert shipped.default_model() == box / "a.hipcad"


def test_no_model_ships(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hipcad_desktop.app.box.resource", lambda *parts: tmp_path.joinpath(*parts))
    assert shipped.default_model() is None


def test_the_doctor_names_each_with_size_and_precision_and_misses_a_default_that_is_not_there(box: Path) -> None:
    (box / "default.txt").write_text("b.hipcad")
    checks = [c for c in doctor.examine() if c.name == "Model in the box"]
    assert [c.state for c in checks] == ["ok", "ok"]
    assert checks[0].found.startswith("b (none, 0 MB, float32)")
    assert checks[0].found.endswith("the default")
    (box / "default.txt").write_text("c.hipcad")
    assert [c.state for c in doctor.examine() if c.name == "Model in the box"] == ["ok", "ok", "bad"]


def test_what_ships_can_be_read_and_its_default_is_named() -> None:
    models = shipped.models_in_the_box()
    assert models
    assert shipped.default_name() == models[0].name
    for model in models:
        card = read_package(model).card
        assert card.note
        assert model.stat().st_size <= 45e6
