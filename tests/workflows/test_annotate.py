"""A reader's session as the screen sees it; what the store does is tested there."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from hipcad_desktop.domain.annotation import Answer, Verdict
from hipcad_desktop.domain.geometry import Size
from hipcad_desktop.store.films import add_films
from hipcad_desktop.store.project_store import open_store
from hipcad_desktop.workflows.annotate import Session
from tests.fakes.project_films import new_film

FILM = Size(380, 300)


def test_times_are_kept_in_utc_whatever_the_clock_shows(tmp_path: Path) -> None:
    tokyo = timezone(timedelta(hours=9))
    with open_store(tmp_path / "P", create=True) as project:
        add_films(project, [new_film(0, tmp_path)])
        session = Session(project, reader="A", clock=lambda: datetime(2026, 1, 1, 8, tzinfo=tokyo))
        reading = session.save(new_film(0, tmp_path).radiograph.film_id, Answer(Verdict.UNSURE))
        assert reading.created_utc == "2025-12-31T23:00:00.000000Z"
        assert session.revisions(reading.film_id) == [reading]


def test_a_reader_has_a_name(tmp_path: Path) -> None:
    with open_store(tmp_path / "P", create=True) as project, pytest.raises(ValueError, match="name"):
        Session(project, reader="  ")
