"""A batch and a second opinion as jobs of the real worker process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hipcad_desktop.domain.jobs import Artifact, Failed, Finished, Job, Progress
from tests.fakes.model_package import write_fake_package
from tests.test_worker import COMMAND, Talk


@pytest.fixture
def worker() -> Iterator[Callable[[], Talk]]:
    started: list[Talk] = []

    def start() -> Talk:
        started.append(Talk(COMMAND))
        return started[-1]

    yield start
    for talk in started:
        talk.end()


def test_a_batch_and_a_question_about_a_refused_film(tmp_path: Path, worker: Callable[[], Talk]) -> None:
    model, films = write_fake_package(tmp_path / "m.hipcad"), tmp_path / "films"
    films.mkdir()
    for name in ("a", "b"):
        Image.fromarray(np.full((400, 500), 90, np.uint8)).save(films / f"{name}.png")  # blank: out of scope
    (films / "c.jpg").write_text("no film")
    talk = worker()
    arguments = {"paths": [str(films)], "model": str(model), "to": str(tmp_path / "to"), "resume": True}
    talk.tell(Job("one", "batch", arguments))
    events = talk.until(lambda e: isinstance(e, Finished | Failed))
    assert isinstance(events[-1], Finished)
    assert events[-1].facts["counts"] == {"refused": 2, "failed": 1}
    assert Path(events[-1].facts["table"]).is_file()
    rows = [e for e in events if isinstance(e, Artifact)]
    assert [e.what for e in rows] == ["batch_row"] * 3
    last = [e for e in events if isinstance(e, Progress)][-1]
    assert (last.done, last.total) == (3, 3)
    question = {"file": str(films / "a.png"), "side": "R", "method": "occlusion", "midline_px": None}
    talk.tell(Job("two", "explain", {**question, "model": str(model), "to": str(tmp_path / "opinions")}))
    failed = talk.end_of("two")
    assert isinstance(failed, Failed)
    assert failed.code == "second_opinion_refused"
