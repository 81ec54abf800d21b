"""The order of a study with several readers: blinded, then open; progress; a second round after the wash-out time."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from hipcad_desktop.domain.annotation import ProjectPhase, ReadingStatus
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.radiograph import FilmId
from hipcad_desktop.store import audit, rounds
from hipcad_desktop.store.films import film_count
from hipcad_desktop.store.project_store import Project
from hipcad_desktop.store.reader_counts import read_statuses
from hipcad_desktop.store.readings import current_readings, reader_names
from hipcad_desktop.workflows.utc import Clock, from_stamp, stamp, utc_now

__all__ = [
    "ProjectPhase",
    "ReaderProgress",
    "ReadingStatus",
    "SecondRoundFacts",
    "end_blinded_phase",
    "phase",
    "progress",
    "second_round",
    "second_round_facts",
    "statuses",
]


@dataclass(frozen=True, slots=True)
class SecondRoundFacts:
    """What a reader's second round rests on. last_answer: of the first round, None where there is none yet."""

    last_answer: datetime | None
    films: int  # 0: not started
    answered: int
    after_days: float
    seed: int


@dataclass(frozen=True, slots=True)
class ReaderProgress:
    """How far a reader is in a round: of `films` films so many answered, and so many signed. No answers."""

    reader: str
    round: int
    answered: int
    signed: int
    films: int


def phase(project: Project) -> ProjectPhase:
    """Whether readers may see each other's answers; a project begins blinded."""
    return rounds.phase(project)


def end_blinded_phase(project: Project, *, who: str = "", why: str = "", clock: Clock = utc_now) -> None:
    """Let readers see each other's answers, for ever; audited. who: by default the account's name."""
    rounds.open_readings(project, who=who.strip() or audit.operator(), utc=stamp(clock), why=why.strip())


def require_open(project: Project) -> None:
    """Raise UserError STILL_BLINDED before the blinded phase has ended."""
    if phase(project) is ProjectPhase.BLINDED:
        raise UserError(ErrorCode.STILL_BLINDED, path=str(project.path))


def progress(project: Project) -> tuple[ReaderProgress, ...]:
    """Counts of every reader and round, also while blinded."""
    names = reader_names(project)
    with project.reading() as connection:
        readings = [r for r in current_readings(connection, round=None) if r.answer is not None]
        films = film_count(connection)
        second = {name: rounds.round_of(connection, name, 2) for name in names}
    answered = Counter((r.reader, r.round) for r in readings)
    signed = Counter((r.reader, r.round) for r in readings if r.signed_utc is not None)
    found = []
    for name in names:
        found.append(ReaderProgress(name, 1, answered[name, 1], signed[name, 1], films))
        started = second[name]
        if started is not None or answered[name, 2]:
            total = answered[name, 2] if started is None else len(started.films)
            found.append(ReaderProgress(name, 2, answered[name, 2], signed[name, 2], total))
    return tuple(found)


def statuses(project: Project, *, round: int = 1) -> dict[str, dict[FilmId, ReadingStatus]]:
    """Every reader's verdict on each film answered, and whether it is signed. Raises UserError STILL_BLINDED."""
    require_open(project)
    return read_statuses(project, round=round)


def second_round(project: Project, *, reader: str) -> tuple[FilmId, ...]:
    """The films of the reader's second round in their order; empty where it has not been started."""
    with project.reading() as connection:
        held = rounds.round_of(connection, reader.strip(), 2)
    return () if held is None else held.films


def second_round_facts(project: Project, *, reader: str) -> SecondRoundFacts:
    """Whether the reader's second round was started, how far it is, and from when its wash-out time counts."""
    reader = reader.strip()
    with project.reading() as connection:
        held = rounds.round_of(connection, reader, 2)
        first = [r for r in current_readings(connection, reader=reader) if r.answer is not None]
        second = [r for r in current_readings(connection, reader=reader, round=2) if r.answer is not None]
    last = max((from_stamp(r.created_utc) for r in first), default=None)
    if held is None:
        return SecondRoundFacts(last, 0, 0, 0.0, 0)
    return SecondRoundFacts(last, len(held.films), len(second), held.after_days, held.seed)


def start_second_round(
    project: Project, *, reader: str, after_days: float, seed: int, clock: Clock = utc_now
) -> tuple[FilmId, ...]:
    """The films that the reader has answered, to be read again in another, seeded order. Session(round=2) keeps them.

    A round that was started already is given again as it is. Raises UserError WASHOUT_NOT_OVER until after_days have
    passed since the reader's last answer of the first round, and NOTHING_TO_READ_AGAIN.
    """
    reader = reader.strip()
    with project.writing() as connection:
        held = rounds.round_of(connection, reader, 2)
        if held is not None:
            return held.films
        readings = [r for r in current_readings(connection, reader=reader) if r.answer is not None]
        if not readings:
            raise UserError(ErrorCode.NOTHING_TO_READ_AGAIN, reader=reader)
        over = max(from_stamp(r.created_utc) for r in readings) + timedelta(days=after_days)
        if from_stamp(stamp(clock)) < over:
            until = over.strftime("%Y-%m-%d %H:%M")
            raise UserError(ErrorCode.WASHOUT_NOT_OVER, reader=reader, until=until)
        first = [r.film_id for r in sorted(readings, key=lambda r: (r.created_utc, r.film_id))]
        films = sorted(first)
        random.Random(seed).shuffle(films)
        if films == first:
            films = [*films[1:], films[0]]
        started = rounds.Round(reader, 2, seed, after_days, stamp(clock), tuple(films))
        rounds.start_round(connection, started)
        return started.films
