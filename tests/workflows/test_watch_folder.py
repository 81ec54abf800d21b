"""A watched folder: whole files only, newest first, nothing twice, and it outlives bad files and a lost share."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hipcad_desktop.domain.batch import FileStamp
from hipcad_desktop.domain.diagnosis import HipState
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.domain.scope import FilmScope
from hipcad_desktop.domain.triage import Urgency, place, urgency_of
from hipcad_desktop.workflows import diagnose as diagnosis
from hipcad_desktop.workflows.arrivals import Arrivals
from hipcad_desktop.workflows.watch_folder import watch_folder
from tests.fakes.model_package import write_fake_package


@pytest.fixture(autouse=True)
def in_scope(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "look", lambda film: FilmScope(film.radiograph.size.width / 2, 1.0, None))


def film_bytes(left: int = 170, right: int = 60) -> bytes:
    pixels = np.full((240, 320), right, np.uint8)
    pixels[:, :160] = left
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "PNG", compress_level=0)
    return data.getvalue()


def put(path: Path, content: bytes, *, modified_s: float) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (modified_s, modified_s))
    return path


def names(found: Any) -> list[str]:
    return [Path(a.file).name for a in found]


def test_a_file_comes_once_it_has_not_changed_for_a_while(tmp_path: Path) -> None:
    arrivals = Arrivals(tmp_path, settled_s=2.0)
    put(tmp_path / "a.png", film_bytes()[:1000], modified_s=10)
    assert arrivals.look(0.0) == ()
    put(tmp_path / "a.png", film_bytes()[:2000], modified_s=11)  # still being copied
    assert arrivals.look(1.9) == ()
    assert arrivals.look(3.8) == ()
    assert arrivals.waiting == 1
    (came,) = arrivals.look(4.0)
    assert came.stamp == FileStamp(2000, 11_000_000_000)
    assert arrivals.look(9.0) == ()
    put(tmp_path / "a.png", film_bytes(), modified_s=12)  # the copy had only paused
    arrivals.look(10.0)
    assert names(arrivals.look(12.0)) == ["a.png"]


def test_the_newest_comes_first_and_what_is_no_film_never(tmp_path: Path) -> None:
    put(tmp_path / "old.png", film_bytes(), modified_s=10)
    put(tmp_path / "deep" / "new.png", film_bytes(), modified_s=30)
    put(tmp_path / "without_ending", film_bytes(), modified_s=20)
    put(tmp_path / "half.png.part", film_bytes(), modified_s=40)
    put(tmp_path / ".hidden.png", film_bytes(), modified_s=40)
    put(tmp_path / ".hidden" / "x.png", film_bytes(), modified_s=40)
    put(tmp_path / "empty.png", b"", modified_s=40)
    put(tmp_path / "notes.txt", b"no film", modified_s=40)
    put(tmp_path / "out" / "overlay.png", film_bytes(), modified_s=40)
    arrivals = Arrivals(tmp_path, settled_s=1.0, leave_out=tmp_path / "out")
    arrivals.look(0.0)
    assert names(arrivals.look(1.0)) == ["new.png", "without_ending", "old.png"]
    assert arrivals.waiting == 1  # the empty one may yet become a film


def test_a_share_that_goes_and_comes_back_brings_nothing_twice(tmp_path: Path) -> None:
    share = tmp_path / "share"
    put(share / "a.png", film_bytes(), modified_s=10)
    arrivals = Arrivals(share, settled_s=1.0)
    arrivals.look(0.0)
    assert names(arrivals.look(1.0)) == ["a.png"]
    share.rename(tmp_path / "away")
    assert arrivals.look(2.0) == ()
    assert not arrivals.reachable
    (tmp_path / "away").rename(share)
    put(share / "b.png", film_bytes(), modified_s=20)
    arrivals.look(3.0)
    assert names(arrivals.look(4.0)) == ["b.png"]
    assert arrivals.reachable


def test_a_file_that_could_not_be_opened_comes_again_ever_later(tmp_path: Path) -> None:
    file = str(put(tmp_path / "a.png", film_bytes(), modified_s=10))
    arrivals = Arrivals(tmp_path, settled_s=1.0)
    arrivals.look(0.0)
    now, waits = 1.0, []
    assert names(arrivals.look(now)) == ["a.png"]
    for _ in range(3):
        arrivals.later(file, now)
        begun = now
        while not arrivals.look(now):
            now += 1.0
        waits.append(now - begun)
    assert waits == [6.0, 11.0, 21.0]


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        Arrivals(tmp_path / "absent")
    assert caught.value.code is ErrorCode.NOT_A_FOLDER


def test_urgency_is_the_worst_hip_then_the_newest() -> None:
    assert urgency_of([HipState.NO_FRACTURE, HipState.FRACTURE]) is Urgency.FRACTURE
    assert urgency_of([HipState.DOUBT, HipState.NO_FRACTURE]) is Urgency.DOUBT
    assert urgency_of([HipState.NO_FRACTURE] * 2) is Urgency.NO_FRACTURE
    assert urgency_of([]) is Urgency.REFUSED
    order = [(Urgency.REFUSED, 9.0), (Urgency.DOUBT, 1.0), (Urgency.FRACTURE, 1.0), (Urgency.FRACTURE, 5.0)]
    assert sorted(order, key=lambda f: place(*f)) == [order[3], order[2], order[1], order[0]]


class Desk(Watch):
    """A watch whose clock is moved by waiting, with things that happen at given seconds; stops at the end."""

    def __init__(self, happens: dict[int, Callable[[], object]], until: int) -> None:
        self.now = 0.0
        self.rows: list[dict[str, Any]] = []
        self.events: list[str] = []
        self._happens, self._until = happens, until

    def wait(self, seconds: float) -> None:
        before, self.now = self.now, self.now + seconds
        for second in range(int(before) + 1, int(self.now) + 1):
            self._happens.get(second, lambda: None)()

    def artifact(self, what: str, path: str, **facts: Any) -> None:
        self.rows.append(facts)

    def step(self, stage: str, done: int, total: int, **facts: Any) -> None:
        if "event" in facts:
            self.events.append(facts["sentence"])

    def cancelled(self) -> bool:
        return self.now >= self._until


def table(to: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((to / "answers.csv").read_text("utf-8"), newline="")))


def run(folder: Path, to: Path, model: Path, desk: Desk) -> int:
    return watch_folder(
        folder, model=model, to=to, look_every_s=1.0, settled_s=2.0, now_s=lambda: desk.now, wait=desk.wait, watch=desk
    )


def test_a_day_at_a_folder(tmp_path: Path) -> None:
    model, folder, to = write_fake_package(tmp_path / "m.hipcad"), tmp_path / "in", tmp_path / "out"
    put(folder / "first.png", film_bytes(left=50), modified_s=10)
    whole = film_bytes(left=200)
    desk = Desk(
        {
            5: lambda: put(folder / "slow.png", whole[: len(whole) // 2], modified_s=20),  # stands still, half copied
            12: lambda: put(folder / "slow.png", whole, modified_s=21),
            20: lambda: put(folder / "notes.jpg", b"no film", modified_s=30),
            25: lambda: folder.rename(tmp_path / "away"),
            30: lambda: (tmp_path / "away").rename(folder),
        },
        until=40,
    )
    assert run(folder, to, model, desk) == 4
    told = [(Path(r["file"]).name, r["status"]) for r in desk.rows]
    assert told == [
        ("first.png", "answered"),
        ("slow.png", "failed"),
        ("slow.png", "answered"),
        ("notes.jpg", "failed"),
    ]
    assert [Path(r["file"]).name for r in table(to)] == ["slow.png", "first.png", "notes.jpg"]
    assert desk.events == ["The folder cannot be reached; waiting for it.", "The folder is there again."]

    put(folder / "second.png", film_bytes(left=180), modified_s=50)
    again = Desk({}, until=10)
    assert run(folder, to, model, again) == 1  # gone on with: only what is new
    assert [Path(r["file"]).name for r in again.rows] == ["second.png"]
    assert len(table(to)) == 4


@pytest.mark.parametrize("below", [".", "films"])
def test_answers_that_would_arrive_in_the_watched_folder_are_refused(tmp_path: Path, below: str) -> None:
    model, to = write_fake_package(tmp_path / "m.hipcad"), tmp_path / "to"
    (to / below).mkdir(parents=True)
    with pytest.raises(UserError) as caught:
        run(to / below, to, model, Desk({}, until=5))
    assert caught.value.code is ErrorCode.NOT_A_BATCH


def test_stopped_in_the_middle_of_many_it_ends_quietly_and_goes_on_later(tmp_path: Path) -> None:
    model, folder, to = write_fake_package(tmp_path / "m.hipcad"), tmp_path / "in", tmp_path / "out"
    for i in range(12):
        put(folder / f"{i}.png", film_bytes(left=100 + i), modified_s=10 + i)

    class Impatient(Desk):
        def cancelled(self) -> bool:
            return len(self.rows) >= 5 or super().cancelled()

    first = Impatient({}, until=30)
    assert run(folder, to, model, first) == 5
    assert [Path(r["file"]).name for r in first.rows] == [f"{i}.png" for i in (11, 10, 9, 8, 7)]
    assert len(table(to)) == 5
    second = Desk({}, until=10)
    assert run(folder, to, model, second) == 7
    assert len(table(to)) == 12


def test_answers_in_the_watched_folder_itself_are_not_films(tmp_path: Path) -> None:
    put(tmp_path / "a.png", film_bytes(), modified_s=10)
    put(tmp_path / "films" / "0001" / "a_R.png", film_bytes(), modified_s=10)
    arrivals = Arrivals(tmp_path, settled_s=1.0, leave_out=tmp_path)
    arrivals.look(0.0)
    assert names(arrivals.look(1.0)) == ["a.png"]
