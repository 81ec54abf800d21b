"""readfirst from a terminal: the own answer first, then the program's, then what was changed."""

from __future__ import annotations

import csv
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hipcad_desktop.cli import main
from hipcad_desktop.domain.anatomy import Side
from hipcad_desktop.domain.diagnosis import HipState
from hipcad_desktop.domain.dispute import Dispute
from hipcad_desktop.domain.read_first import OwnAnswer
from hipcad_desktop.domain.scope import FilmScope
from hipcad_desktop.workflows import diagnose as diagnosis
from hipcad_desktop.workflows.program_disputes import keep_dispute
from hipcad_desktop.workflows.read_first import ReadFirst
from hipcad_desktop.workflows.utc import stamp
from tests.fakes.diagnose_bench import film_hash
from tests.fakes.model_package import write_fake_package
from tests.fakes.project_films import middle

Typed = Callable[..., list[str]]


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    """The verbs take Ctrl+C for themselves; the tests give it back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(autouse=True)
def in_scope(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "look", lambda film: FilmScope(film.radiograph.size.width / 2, 1.0, None))
    monkeypatch.setenv("HIPCAD_SETTINGS", str(tmp_path / "own"))


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Typed:
    """What is typed, answer by answer; the list returned fills with what was asked."""

    def types(*answers: str) -> list[str]:
        waiting, asked = list(answers), []

        def read(words: str) -> str:
            asked.append(words)
            if not waiting:
                raise EOFError
            return waiting.pop(0)

        monkeypatch.setattr("builtins.input", read)
        return asked

    return types


@pytest.fixture
def verb(tmp_path: Path) -> list[str]:
    model = write_fake_package(tmp_path / "m.hipcad")
    return ["readfirst", "read", "--reader", "A", "--model", str(model)]


def film(path: Path) -> Path:
    """The fake model looks at brightness: a fracture on the patient's right, none on the left."""
    pixels = np.full((240, 320), 60, np.uint8)
    pixels[:, :160] = 230
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def test_a_film_read_first(tmp_path: Path, verb: list[str], typed: Typed, capsys: pytest.CaptureFixture[str]) -> None:
    name = str(film(tmp_path / "a.png"))
    asked = typed("n2", "x9", "n4", "f5", "")
    assert main([*verb, name]) == 0
    out = capsys.readouterr()
    assert len(asked) == 5  # the second one was no answer and was asked again
    assert "such as f4" in out.err
    assert "R, the program: fracture" in out.out
    assert "L, the program: no fracture" in out.out
    assert "Recorded, 1 of 2 changed." in out.out
    assert "Research use only" in out.out
    assert main([*verb, name]) == 0
    assert "you have read this film with this model already" in capsys.readouterr().out
    reference = tmp_path / "reference.csv"
    reference.write_text("file,side,reference\na.png,R,fracture\na.png,L,no_fracture\n")
    table = tmp_path / "hips.csv"
    assert main(["readfirst", "summary", "--reference", str(reference), "--csv", str(table)]) == 0
    said = capsys.readouterr().out
    assert "A: 1 films, 2 hips" in said
    assert "changed after seeing it: 1 of 2 = 0.500" in said
    assert "switched to the program's: 1" in said
    assert "switched to right: 1" in said
    assert "right: 1 of 2 = 0.500 (95 % interval 0.095 to 0.905) before, 2 of 2 = 1.000" in said
    assert "is whole. Last hash " in said
    with table.open(newline="") as file:
        right, _ = csv.DictReader(file)
    assert (right["before"], right["after"], right["against_reference"]) == ("no_fracture", "fracture", "to right")
    assert "a.png" not in table.read_text()
    assert "a.png" not in (tmp_path / "own" / "read_first.jsonl").read_text()


def test_stopped_after_the_lock_it_goes_on_there(
    tmp_path: Path, verb: list[str], typed: Typed, capsys: pytest.CaptureFixture[str]
) -> None:
    name = str(film(tmp_path / "a.png"))
    typed("n2", "n2")
    assert main([*verb, name]) == 1
    assert "What was locked stays locked" in capsys.readouterr().err
    typed("f1", "n1")
    assert main([*verb, name]) == 0
    assert "your answer was locked before" in capsys.readouterr().out
    (case,) = ReadFirst(tmp_path / "own" / "read_first.jsonl").cases
    assert case.locked.hips[Side.RIGHT].answer is OwnAnswer.NO_FRACTURE
    assert case.final is not None
    assert case.final.hips[Side.RIGHT].answer is OwnAnswer.FRACTURE


def test_before_the_lock_nothing_is_said(
    tmp_path: Path, verb: list[str], typed: Typed, capsys: pytest.CaptureFixture[str]
) -> None:
    typed("n2")
    assert main([*verb, str(film(tmp_path / "a.png"))]) == 1
    assert "the program:" not in capsys.readouterr().out
    assert not (tmp_path / "own" / "read_first.jsonl").exists()


def test_one_bad_film_does_not_stop_the_others(
    tmp_path: Path, verb: list[str], typed: Typed, capsys: pytest.CaptureFixture[str]
) -> None:
    typed("n2", "n2", "n2", "n2", "", "")
    (tmp_path / "bad.png").write_text("no film")
    names = [str(tmp_path / "gone.png"), str(tmp_path / "bad.png"), str(film(tmp_path / "a.png"))]
    assert main([*verb, *names]) == 1
    out = capsys.readouterr()
    assert "there is no such file" in out.err
    assert "neither DICOM" in out.err
    assert "Recorded, 0 of 2 changed." in out.out


def test_touched_records_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    records = tmp_path / "r.jsonl"
    records.write_text('{"content": {"journal": "films read first"}, "hash": "0"}\n')
    assert main(["readfirst", "summary", "--records", str(records)]) == 1
    assert "were changed or are damaged" in capsys.readouterr().err


def test_nobody_read_yet(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["readfirst", "summary"]) == 0
    assert capsys.readouterr().out.strip() == "Nobody has read a film first yet."


def test_disputes_into_a_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("hipcad_desktop.workflows.import_films.look", middle)
    a, project = film(tmp_path / "films" / "a.png"), str(tmp_path / "P")
    dispute = Dispute(
        film_id=film_hash(str(a)),
        model_sha256="m",
        model_name="one",
        side=Side.LEFT,
        program=HipState.FRACTURE,
        p_fracture=0.9,
        reader="A",
        own=OwnAnswer.NO_FRACTURE,
        at_utc=stamp(),
    )
    keep_dispute(dispute, tmp_path / "own" / "program_disputes.jsonl")
    assert main(["readfirst", "disputes"]) == 0
    assert "L: the program says fracture (p = 0.900), A says no fracture" in capsys.readouterr().out
    other = film(tmp_path / "other" / "b.png")
    Image.fromarray(np.full((240, 320), 9, np.uint8)).save(other)
    assert main(["import", project, str(other)]) == 0
    assert main(["readfirst", "disputes", project, "--take-in"]) == 1
    assert "0 taken into the review queue (0 films added), 0 were there, 1 wait" in capsys.readouterr().out
    assert main(["readfirst", "disputes", project, "--take-in", "--films", str(a.parent)]) == 0
    assert "1 taken into the review queue (1 films added)" in capsys.readouterr().out
    assert main(["readfirst", "disputes", project]) == 1
    assert "still blinded" in capsys.readouterr().err
    assert main(["readers", project, "--end-blinding", "--who", "A"]) == 0
    table = tmp_path / "queue.csv"
    assert main(["readfirst", "disputes", project, "--csv", str(table)]) == 0
    said = capsys.readouterr().out
    assert "a.png L: the program says fracture, A says no fracture; open" in said
    assert "1 in the review queue, 1 open." in said
    assert table.read_text().count("\n") == 2
