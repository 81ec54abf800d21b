"""What several readings of one film agree on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hipcad_desktop.domain.annotation import Answer, FilmFlag, Reading


@dataclass(frozen=True, slots=True)
class Consensus:
    """The answer that stands for a film, or that its readers disagree."""

    answer: Answer | None  # None where nobody answered or the readers disagree
    disagree: bool


def standing(readings: Sequence[Reading]) -> tuple[Reading, ...]:
    """The readings that count for a film, by reader: its adjudication alone, else every first-round answer."""
    answered = [r for r in readings if r.answer is not None and r.round == 1]
    adjudicated = [r for r in answered if r.adjudicators]
    return tuple(sorted(adjudicated or answered, key=lambda r: r.reader))


def consensus(readings: Sequence[Reading]) -> Consensus:
    """Agree where all current readings have one verdict; the order of readers never matters. An adjudication wins.

    Of agreeing fracture readings every rectangle is kept with its type (halving takes the union on each side). Sides
    that one reader confirmed, and what the fracture was diagnosed from, hold where nobody contradicts (sides: else the
    readers disagree; diagnosed from: else unknown). A flag that one reader saw holds.
    """
    answers = [r.answer for r in standing(readings) if r.answer is not None]
    if not answers:
        return Consensus(None, disagree=False)
    if len({a.verdict for a in answers}) > 1 or len({a.mirrored for a in answers} - {None}) > 1:
        return Consensus(None, disagree=True)
    sources = {a.diagnosed_from for a in answers} - {None}
    agreed = replace(
        answers[0],
        findings=tuple(dict.fromkeys(f for a in answers for f in a.findings)),
        mirrored=next((a.mirrored for a in answers if a.mirrored is not None), None),
        diagnosed_from=sources.pop() if len(sources) == 1 else None,
        flags=frozenset[FilmFlag]().union(*(a.flags for a in answers)),
    )
    return Consensus(agreed, disagree=False)
