"""`hipcad doctor`: every part is named, and what does not work comes with a remedy."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import pytest

from hipcad_desktop.app import doctor


@pytest.fixture(autouse=True)
def own_user_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hipcad_desktop.app.paths.user_data", lambda: tmp_path / "user")


def test_each_part_is_named_and_each_trouble_has_a_remedy() -> None:
    checks = doctor.examine()
    names = {c.name for c in checks}
    assert {"HipCAD Desktop", "Libraries", "Codecs", "SQLite", "User folder", "Disk", "Training"} <= names
    assert all(c.remedy for c in checks if c.state != "ok")
    assert not any(c.state == "bad" for c in checks), [c.line() for c in checks]


def test_without_torch_it_says_that_this_edition_does_not_train(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without_torch(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "torch":
            raise ImportError("no torch")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_torch)
    training = next(c for c in doctor.examine() if c.name == "Training")
    assert (training.state, "Workstation" in training.remedy) == ("warn", True)


def test_a_user_folder_that_cannot_be_made_is_bad(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr("hipcad_desktop.app.paths.user_data", lambda: tmp_path / "file" / "user")
    folder = next(c for c in doctor.examine() if c.name == "User folder")
    assert folder.state == "bad"
    assert folder.remedy
