"""Where readers differ they look again together: what they agree on stands for the film, with their names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hipcad_desktop.domain.annotation import Answer, Reading
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.radiograph import FilmId
from hipcad_desktop.store.project_store import Project
from hipcad_desktop.store.readings import CONSENSUS, Author, current_reading, save_answers
from hipcad_desktop.workflows.reader_study import require_open
from hipcad_desktop.workflows.readings_table import ReadingsSummary, answers_in
from hipcad_desktop.workflows.utc import Clock, stamp, utc_now


def adjudicate(
    project: Project,
    film_id: FilmId,
    answer: Answer | None,
    *,
    adjudicators: Sequence[str],
    why: str = "",
    clock: Clock = utc_now,
) -> Reading:
    """Record what the adjudicators agreed on; it goes before every reader's own answer. None withdraws it.

    It counts as signed: a later change needs a reason. Raises UserError STILL_BLINDED, ADJUDICATORS_MISSING,
    SIGNED_NEEDS_REASON.
    """
    require_open(project)
    names = tuple(dict.fromkeys(name.strip() for name in adjudicators if name.strip()))
    if not names:
        raise UserError(ErrorCode.ADJUDICATORS_MISSING)
    author = Author(CONSENSUS, adjudicators=names)
    return save_answers(project, [(film_id, answer)], author=author, created_utc=stamp(clock), reason=why)[0]


def adjudicate_table(
    project: Project, csv_path: Path, *, adjudicators: Sequence[str], why: str = "", clock: Clock = utc_now
) -> ReadingsSummary:
    """Record a table of readings as what the adjudicators agreed on; a film with a bad row is left out and named.

    Raises the UserErrors of adjudicate, and READINGS_FILE_BAD, FILE_MISSING.
    """
    require_open(project)
    answers, problems = answers_in(project, csv_path, reader=CONSENSUS)
    saved = unchanged = 0
    for film_id, answer in answers:
        held = current_reading(project, film_id, author=Author(CONSENSUS))
        try:
            reading = adjudicate(project, film_id, answer, adjudicators=adjudicators, why=why, clock=clock)
        except UserError as error:
            if error.code is not ErrorCode.SIGNED_NEEDS_REASON:
                raise
            problems.append(error)
            continue
        new = held is None or reading.revision > held.revision
        saved, unchanged = saved + new, unchanged + (not new)
    return ReadingsSummary(saved, unchanged, tuple(problems))
