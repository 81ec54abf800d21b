"""Which film is looked at first: fracture before doubt before none, and what came last before what came earlier."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from hipcad_desktop.domain.diagnosis import HipState


class Urgency(IntEnum):
    """The order of a list of films, the most urgent first."""

    FRACTURE = 0
    DOUBT = 1
    WAITING = 2  # not computed yet: may be anything
    NO_FRACTURE = 3
    REFUSED = 4  # out of the program's scope: no number
    FAILED = 5  # could not be read or computed


URGENCY_WORDS = {
    Urgency.FRACTURE: "fracture",
    Urgency.DOUBT: "doubt",
    Urgency.WAITING: "waiting",
    Urgency.NO_FRACTURE: "no fracture",
    Urgency.REFUSED: "no answer",
    Urgency.FAILED: "failed",
}


def urgency_of(states: Iterable[HipState]) -> Urgency:
    """A film's urgency by its worst hip. A film none of whose hips was answered counts as refused."""
    said = set(states)
    if HipState.FRACTURE in said:
        return Urgency.FRACTURE
    if HipState.DOUBT in said:
        return Urgency.DOUBT
    return Urgency.NO_FRACTURE if said else Urgency.REFUSED


def place(urgency: Urgency, arrived: float) -> tuple[int, float]:
    """What a list of films is sorted by; arrived in seconds of any one clock, the newest first."""
    return int(urgency), -arrived
