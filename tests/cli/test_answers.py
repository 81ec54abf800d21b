"""diagnose on folders, watch, report and explain from a terminal."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hipcad_desktop.cli import main
from hipcad_desktop.domain.diagnosis import Refusal, RefusalReason
from hipcad_desktop.domain.scope import FilmScope
from hipcad_desktop.workflows import diagnose as diagnosis
from tests.fakes.model_package import write_fake_package


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    """The verbs take Ctrl+C for themselves; the tests give it back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(autouse=True)
def in_scope(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "look", lambda film: FilmScope(film.radiograph.size.width / 2, 1.0, None))


@pytest.fixture
def model(tmp_path: Path) -> str:
    return str(write_fake_package(tmp_path / "m.hipcad"))


def film(path: Path, left: int = 170) -> Path:
    pixels = np.full((240, 320), 60, np.uint8)
    pixels[:, :160] = left
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def test_a_folder_with_a_bad_file_then_gone_on_with(
    tmp_path: Path, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, to = tmp_path / "films", tmp_path / "to"
    film(folder / "a.png")
    film(folder / "b.png", left=50)
    (folder / "c.jpg").write_text("no film")
    verb = ["diagnose", str(folder), "--model", model, "--to", str(to)]
    assert main(verb) == 1  # one file could not be read
    said = capsys.readouterr().out
    assert "fracture: 1   doubt: 0   no fracture: 1   no answer: 0   failed: 1" in said
    assert "3 films in" in said
    assert said.rstrip().endswith("Research use only. Not for clinical diagnosis.")
    assert main(verb) == 1
    assert "is not empty" in capsys.readouterr().err
    (folder / "c.jpg").unlink()
    film(folder / "d.png")
    assert main([*verb, "--resume", "--json"]) == 1  # the bad file's row stays in the table
    summary = json.loads(capsys.readouterr().out)
    assert (summary["computed"], summary["kept"]) == (1, 2)


def test_reports_of_what_diagnose_wrote(tmp_path: Path, model: str, capsys: pytest.CaptureFixture[str]) -> None:
    name = str(film(tmp_path / "a.png"))
    assert main(["diagnose", name, "--model", model, "--to", str(tmp_path / "to")]) == 0
    (answer,) = (tmp_path / "to").glob("*.json")
    capsys.readouterr()
    assert main(["report", str(answer), "--to", str(tmp_path / "r"), "--format", "pdf,csv"]) == 0
    assert sorted(p.suffix for p in (tmp_path / "r").iterdir()) == [".csv", ".pdf"]
    assert "Research use only" in capsys.readouterr().out
    with pytest.raises(SystemExit) as caught:
        main(["report", str(answer), "--to", str(tmp_path / "r"), "--format", "doc"])
    assert caught.value.code == 2
    assert main(["report", model, "--to", str(tmp_path / "r")]) == 1
    assert "not an answer of HipCAD" in capsys.readouterr().err


def test_explain_says_why_it_cannot(
    tmp_path: Path, model: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = str(film(tmp_path / "a.png"))
    verb = ["explain", name, "--side", "R", "--model", model, "--to", str(tmp_path / "to")]
    monkeypatch.setattr(diagnosis, "look", lambda film: FilmScope(None, 0.0, Refusal(RefusalReason.BLANK)))
    assert main(verb) == 1
    assert "the right hip has no answer that could be explained" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "captum", None)
    assert main(verb) == 1
    assert "Second opinions need captum" in capsys.readouterr().err


_CHILD = """
import sys
from hipcad_desktop.domain.scope import FilmScope
from hipcad_desktop.workflows import diagnose as w
w.look = lambda film: FilmScope(film.radiograph.size.width / 2, 1.0, None)
from hipcad_desktop.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl+C of another process")
def test_a_watched_folder_until_ctrl_c(tmp_path: Path, model: str) -> None:
    folder, to = tmp_path / "in", tmp_path / "to"
    film(folder / "a.png")
    verb = ["watch", str(folder), "--model", model, "--to", str(to), "--settled", "0.2"]
    child = subprocess.Popen([sys.executable, "-c", _CHILD, *verb], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert "Ctrl+C ends it" in child.stdout.readline()
    assert child.stdout.readline().startswith(f"[fracture] {folder / 'a.png'}: R fracture (")
    film(folder / "b.png", left=50)
    assert child.stdout.readline().startswith(f"[no fracture] {folder / 'b.png'}: R no fracture (")
    time.sleep(0.1)
    child.send_signal(signal.SIGINT)
    rest = child.stdout.read()
    assert child.wait(20) == 0
    assert "2 films. Table, the most urgent first:" in rest
    assert len((to / "answers.csv").read_text().splitlines()) == 3
    child.stdout.close()


def test_watching_what_is_no_folder(tmp_path: Path, model: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", str(tmp_path / "absent"), "--model", model, "--to", str(tmp_path / "to")]) == 1
    assert "not a folder that can be watched" in capsys.readouterr().err
