"""A reader's session as the screen sees it; what the store does is tested there."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from hipcad_desktop.domain.annotation import Answer, Verdict
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.geometry import Rectangle, Size
from hipcad_desktop.domain.halving import HalvingMethod
from hipcad_desktop.store.films import add_films
from hipcad_desktop.store.project_store import open_store
from hipcad_desktop.workflows.annotate import Session, preview_halving
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


def test_the_preview_follows_the_rectangle_and_else_the_midline() -> None:
    paper = preview_halving(FILM, [Rectangle(40, 10, 30, 30)], midline_px=200, overlap_share=0.1)
    assert (paper.method, paper.line_px) == (HalvingMethod.PAPER, 120)
    midline = preview_halving(FILM, [], midline_px=190, overlap_share=0.1)
    assert (midline.method, midline.left.window.x1, midline.right.window.x0) == (HalvingMethod.MIDLINE, 228, 152)


@pytest.mark.parametrize(
    ("rectangles", "midline_px", "code"),
    [
        ([], None, ErrorCode.NOT_HALVED_NO_MIDLINE),
        ([], 0.0, ErrorCode.NOT_HALVED_NO_MIDLINE),
        ([Rectangle(10, 0, 300, 5)], 190.0, ErrorCode.NOT_HALVED_WINDOW_TOO_NARROW),
    ],
)
def test_the_preview_says_why_not(rectangles: list[Rectangle], midline_px: float | None, code: ErrorCode) -> None:
    with pytest.raises(UserError) as raised:
        preview_halving(FILM, rectangles, midline_px=midline_px, overlap_share=0.0)
    assert raised.value.code is code
