"""A batch of films: nothing lost to a bad file, a bug, a kill or a stop; gone on with; a table the urgent way round."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hipcad_desktop.domain.batch import BatchRow, FileStamp, HipRow
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.domain.scope import FilmScope
from hipcad_desktop.domain.triage import Urgency
from hipcad_desktop.inference.network import Predicted
from hipcad_desktop.workflows import batch_folder
from hipcad_desktop.workflows import diagnose as diagnosis
from hipcad_desktop.workflows.answers_table import answers_csv
from hipcad_desktop.workflows.batch_folder import BatchFolder
from hipcad_desktop.workflows.diagnose import open_network
from hipcad_desktop.workflows.diagnose_batch import diagnose_batch
from tests.fakes.model_package import write_fake_package

WIDTH, HEIGHT = 320, 240


@pytest.fixture(autouse=True)
def in_scope(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "look", lambda film: FilmScope(film.radiograph.size.width / 2, 1.0, None))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_fake_package(tmp_path / "model.hipcad")


def film(path: Path, left: int = 170, right: int = 60, *, modified_s: float | None = None) -> Path:
    """A film whose picture halves have these grey levels: above 130 or so is a fracture, below 120 none."""
    pixels = np.full((HEIGHT, WIDTH), right, np.uint8)
    pixels[:, : WIDTH // 2] = left
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    if modified_s is not None:
        os.utime(path, (modified_s, modified_s))
    return path


def table(to: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((to / "answers.csv").read_text("utf-8"), newline="")))


class Stops(Watch):
    """Asks to stop once so many films are done; keeps what it was told."""

    def __init__(self, at: int | None = None) -> None:
        self.rows: list[dict[str, Any]] = []
        self.steps: list[tuple[int, int, dict[str, Any]]] = []
        self._at = at

    def artifact(self, what: str, path: str, **facts: Any) -> None:
        assert what == "batch_row"
        self.rows.append(facts)

    def step(self, stage: str, done: int, total: int, **facts: Any) -> None:
        self.steps.append((done, total, facts))

    def cancelled(self) -> bool:
        return self._at is not None and len(self.rows) >= self._at


def test_table_counts_and_progress(tmp_path: Path, model: Path) -> None:
    films = tmp_path / "films"
    film(films / "old.png", modified_s=1000)
    film(films / "new.png", left=180, modified_s=3000)
    film(films / "none.png", left=50, modified_s=4000)
    film(films / "doubt.png", left=128, right=50, modified_s=5000)
    (films / "notes.jpg").write_text("no film")
    (films / "readme.txt").write_text("no film")
    watch = Stops()
    to = tmp_path / "out"
    summary = diagnose_batch([films], model=model, to=to, watch=watch)
    assert summary.counts == {"fracture": 2, "doubt": 1, "no_fracture": 1, "failed": 1}
    assert (summary.computed, summary.kept, summary.passed_over) == (5, 0, 1)
    rows = table(to)
    assert [Path(r["file"]).name for r in rows] == ["new.png", "old.png", "doubt.png", "none.png", "notes.jpg"]
    assert [r["urgency"] for r in rows] == ["fracture", "fracture", "doubt", "no fracture", "failed"]
    assert rows[4]["sentence"].endswith("DICOM, JPEG, PNG and TIFF.") or "notes.jpg" in rows[4]["sentence"]
    assert rows[0]["right_state"] == "fracture"
    assert rows[0]["left_state"] == "no_fracture"
    assert all("Research use only" in r["notice"] for r in rows)
    for row in rows[:4]:
        answer = json.loads((to / row["answer"]).read_text())
        assert answer["film_id"] == row["film_sha256"]
        assert [f"{h['p_fracture']:.6f}" for h in answer["hips"]] == [row["right_p_fracture"], row["left_p_fracture"]]
    assert [done for done, _, _ in watch.steps] == [1, 2, 3, 4, 5]
    assert watch.steps[-1][2]["seconds_left"] == 0
    assert watch.steps[-1][2]["fracture"] == 2


def test_stopped_and_gone_on_with_each_film_is_done_once(tmp_path: Path, model: Path) -> None:
    films = [film(tmp_path / "films" / f"{i}.png", left=100 + i) for i in range(7)]
    to = tmp_path / "out"
    first = Stops(at=3)
    with pytest.raises(UserError) as caught:
        diagnose_batch([tmp_path / "films"], model=model, to=to, watch=first)
    assert caught.value.code is ErrorCode.CANCELLED
    assert len(table(to)) == 3  # the table is there although it was stopped
    second = Stops()
    summary = diagnose_batch([tmp_path / "films"], model=model, to=to, resume=True, watch=second)
    assert (summary.computed, summary.kept) == (4, 3)
    assert sorted(r["file"] for r in first.rows + second.rows) == sorted(map(str, films))
    assert len(table(to)) == 7
    third = Stops()
    assert diagnose_batch([tmp_path / "films"], model=model, to=to, resume=True, watch=third).computed == 0
    assert not third.rows


def test_a_changed_film_is_done_again_and_its_new_answer_counts(tmp_path: Path, model: Path) -> None:
    films, to = tmp_path / "films", tmp_path / "out"
    film(films / "a.png", modified_s=1000)
    film(films / "b.png", modified_s=1000)
    diagnose_batch([films], model=model, to=to, watch=Watch())
    film(films / "a.png", left=50, modified_s=2000)
    assert diagnose_batch([films], model=model, to=to, resume=True, watch=Watch()).computed == 1
    assert {Path(r["file"]).name: r["right_state"] for r in table(to)} == {"a.png": "no_fracture", "b.png": "fracture"}


def test_a_film_that_breaks_the_program_is_a_row_and_the_others_are_done(tmp_path: Path, model: Path) -> None:
    films = [film(tmp_path / "films" / f"{i}.png", left=100 + i) for i in range(6)]
    network = open_network(model)

    class Breaks:
        """Fails on the second and on the last film, as a bug would."""

        package = network.package
        asked = 0

        def predict(self, hips: Any) -> Predicted:
            self.asked += 1
            if self.asked in (2, 6):
                raise ZeroDivisionError("a patient's name")
            return network.predict(hips)

    to = tmp_path / "out"
    summary = diagnose_batch([tmp_path / "films"], model=model, to=to, network=Breaks(), watch=Watch())
    assert summary.counts["failed"] == 2
    assert summary.computed == 6
    failed = {Path(r["file"]).name: r["sentence"] for r in table(to) if r["status"] == "failed"}
    assert sorted(failed) == [films[1].name, films[5].name]
    assert all("ZeroDivisionError" in s and "patient" not in s for s in failed.values())


def test_whoever_listens_and_breaks_ends_the_batch_and_no_film_is_blamed(tmp_path: Path, model: Path) -> None:
    film(tmp_path / "films" / "a.png")
    film(tmp_path / "films" / "b.png")
    to = tmp_path / "out"

    class Gone(Watch):
        def artifact(self, what: str, path: str, **facts: Any) -> None:
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        diagnose_batch([tmp_path / "films"], model=model, to=to, watch=Gone())
    assert [r["status"] for r in table(to)] == ["answered"]
    assert diagnose_batch([tmp_path / "films"], model=model, to=to, resume=True, watch=Watch()).counts == {
        "fracture": 2
    }


def test_a_file_that_could_not_be_opened_is_tried_again_though_unchanged(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    films, to = tmp_path / "films", tmp_path / "out"
    film(films / "a.png")
    film(films / "b.png")
    read = diagnosis.read_film

    def refused(path: Path) -> Any:
        if path.name == "b.png":
            raise UserError(ErrorCode.FILE_NOT_READABLE, path=str(path), detail="Permission denied")
        return read(path)

    monkeypatch.setattr(diagnosis, "read_film", refused)
    assert diagnose_batch([films], model=model, to=to, watch=Watch()).counts["failed"] == 1
    monkeypatch.setattr(diagnosis, "read_film", read)
    summary = diagnose_batch([films], model=model, to=to, resume=True, watch=Watch())
    assert (summary.computed, summary.kept, summary.counts) == (1, 1, {"fracture": 2})


def test_films_of_one_name_in_many_folders_keep_their_own_answers(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hipcad_desktop.workflows.diagnose_batch.FILMS_IN_A_FOLDER", 4)
    monkeypatch.setattr(batch_folder, "FILMS_IN_A_FOLDER", 4)
    for i in range(10):
        film(tmp_path / "films" / str(i) / "IM1.png", left=200)  # also the same bytes
    to = tmp_path / "out"
    diagnose_batch([tmp_path / "films"], model=model, to=to, watch=Watch())
    rows = table(to)
    answers = [json.loads((to / r["answer"]).read_text()) for r in rows]
    assert len({r["answer"] for r in rows}) == 10
    assert [a["file"] for a in answers] == [r["file"] for r in rows]
    assert len(list((to / "films").iterdir())) >= 3


def test_answers_below_the_films_are_not_taken_for_films(tmp_path: Path, model: Path) -> None:
    films = tmp_path / "films"
    film(films / "a.png")
    diagnose_batch([films], model=model, to=films / "out", watch=Watch())
    assert diagnose_batch([films], model=model, to=films / "out", resume=True, watch=Watch()).kept == 1
    assert len(table(films / "out")) == 1


def test_another_model_a_used_folder_and_a_damaged_one_are_refused(tmp_path: Path, model: Path) -> None:
    films, to = tmp_path / "films", tmp_path / "out"
    film(films / "a.png")
    diagnose_batch([films], model=model, to=to, watch=Watch())

    def refused(**more: Any) -> ErrorCode:
        with pytest.raises(UserError) as caught:
            diagnose_batch([films], **{"model": model, "to": to, "watch": Watch(), **more})
        return caught.value.code

    assert refused() is ErrorCode.TARGET_NOT_EMPTY
    assert refused(to=films) is ErrorCode.TARGET_NOT_EMPTY
    other = write_fake_package(tmp_path / "other.hipcad", gain=3)
    assert refused(model=other, resume=True) is ErrorCode.BATCH_OTHER_MODEL
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    assert refused(to=tmp_path / "full", resume=True) is ErrorCode.TARGET_NOT_EMPTY
    (to / "batch.json").write_text("{")
    assert refused(resume=True) is ErrorCode.NOT_A_BATCH
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError) as caught:
        diagnose_batch([tmp_path / "empty"], model=model, to=tmp_path / "new", watch=Watch())
    assert caught.value.code is ErrorCode.NO_FILMS_FOUND
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("cut", [1, 20, 200])
def test_a_torn_line_of_the_journal_costs_one_film(tmp_path: Path, model: Path, cut: int) -> None:
    films, to = tmp_path / "films", tmp_path / "out"
    for i in range(3):
        film(films / f"{i}.png", left=100 + i)
    diagnose_batch([films], model=model, to=to, watch=Watch())
    journal = to / "answers.jsonl"
    journal.write_bytes(journal.read_bytes()[:-cut])
    summary = diagnose_batch([films], model=model, to=to, resume=True, watch=Watch())
    assert summary.computed + summary.kept == 3
    assert summary.computed <= 1
    assert len(table(to)) == 3
    lines = journal.read_bytes().splitlines()
    assert sum(line.startswith(b"{") and line.endswith(b"}") for line in lines) >= 3


_CHILD = """
import sys, time
from pathlib import Path
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.domain.scope import FilmScope
from hipcad_desktop.workflows import diagnose as w
w.look = lambda film: (time.sleep(0.03), FilmScope(film.radiograph.size.width / 2, 1.0, None))[1]
from hipcad_desktop.workflows.diagnose_batch import diagnose_batch
class Says(Watch):
    def artifact(self, what, path, **facts): print(facts["file"], flush=True)
diagnose_batch([Path(sys.argv[1])], model=Path(sys.argv[2]), to=Path(sys.argv[3]), resume=True, watch=Says())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_killed_at_any_time_what_was_told_is_kept(tmp_path: Path, model: Path) -> None:
    films, to = tmp_path / "films", tmp_path / "out"
    for i in range(12):
        film(films / f"{i}.png", left=100 + i)
    told: list[str] = []
    for lines in (2, 3, 4):
        child = subprocess.Popen(
            [sys.executable, "-c", _CHILD, str(films), str(model), str(to)], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        told += [child.stdout.readline().strip() for _ in range(lines)]
        time.sleep(0.02)
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
    assert len(set(told)) == len(told) == 9  # no film twice
    summary = diagnose_batch([films], model=model, to=to, resume=True, watch=Watch())
    assert summary.kept >= 9
    rows = table(to)
    assert len(rows) == 12
    assert all(json.loads((to / r["answer"]).read_text())["film_id"] == r["film_sha256"] for r in rows)


def test_a_table_has_no_formulas_and_any_name(tmp_path: Path) -> None:
    def row(file: str, **more: Any) -> BatchRow:
        return BatchRow(file, FileStamp(1, 1), "2026-11-24T00:00:00.000000Z", "answered", **more)

    rows = [row("=cmd|' /C calc'!A0.png"), row("ヒップ.dcm"), row("bad\udcff.dcm"), row('a,"b"\n.png')]
    cells = list(csv.reader(io.StringIO(answers_csv(rows).decode("utf-8"), newline="")))
    names = {line[1] for line in cells[1:]}
    assert names == {"./=cmd|' /C calc'!A0.png", "ヒップ.dcm", "bad\\udcff.dcm", 'a,"b"\n.png'}


def test_a_hip_refused_alone_leaves_the_other_one_urgent() -> None:
    hips = (HipRow("R", refused="No answer: metal."), HipRow("L", "doubt", 0.4))
    row = BatchRow("a.dcm", FileStamp(1, 1), "", "answered", hips=hips)
    assert row.urgency is Urgency.DOUBT
    assert BatchRow.from_json(json.loads(json.dumps(row.to_json()))) == row
    cells = next(iter(csv.DictReader(io.StringIO(answers_csv([row]).decode()))))
    assert (cells["right_state"], cells["left_state"], cells["sentence"]) == ("", "doubt", "No answer: metal.")


def test_the_folder_that_is_filled_changes_before_it_is_too_full(tmp_path: Path) -> None:
    with BatchFolder(tmp_path / "b", model="m", sha256="0" * 64, resume=False) as folder:
        first = folder.films_folder(["x/a.png", "y/b.png"])
        assert folder.films_folder(["x/c.png"]) == first
        assert folder.films_folder(["z/A.png"]) != first  # names differ in case only: one file on Windows


@pytest.mark.parametrize(
    "edit",
    [{"midline_px": "x"}, {"seconds": []}, {"model": None}, {"stamp": {"size": 1, "modified_ns": 10**400}}, "deep"],
)
def test_an_edited_row_is_done_again(tmp_path: Path, model: Path, edit: Any) -> None:
    film(tmp_path / "films" / "a.png")
    to = tmp_path / "out"
    diagnose_batch([tmp_path / "films"], model=model, to=to, watch=Watch())
    row = json.loads((to / "answers.jsonl").read_text())
    (to / "answers.jsonl").write_text("[" * 100_000 if edit == "deep" else json.dumps({**row, **edit}) + "\n")
    assert diagnose_batch([tmp_path / "films"], model=model, to=to, resume=True, watch=Watch()).computed == 1
    assert len(table(to)) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="links")
def test_answers_reached_by_a_link_are_not_taken_for_films(tmp_path: Path, model: Path) -> None:
    film(tmp_path / "films" / "a.png")
    (tmp_path / "link").symlink_to(tmp_path / "films")
    for _ in range(2):
        diagnose_batch([tmp_path / "films"], model=model, to=tmp_path / "link" / "out", resume=True, watch=Watch())
    assert len(table(tmp_path / "films" / "out")) == 1


def test_a_second_process_is_kept_out(tmp_path: Path) -> None:
    with BatchFolder(tmp_path / "b", model="m", sha256="0" * 64, resume=True):
        with pytest.raises(UserError) as caught:
            BatchFolder(tmp_path / "b", model="m", sha256="0" * 64, resume=True)
        assert caught.value.code is ErrorCode.JOURNAL_BUSY
    with BatchFolder(tmp_path / "b", model="m", sha256="0" * 64, resume=True):
        pass
