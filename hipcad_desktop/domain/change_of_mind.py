"""What readers changed after they had seen the program's answer: to right or to wrong, to the program's or away."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from hipcad_desktop.domain.anatomy import Side
from hipcad_desktop.domain.diagnosis import HipState
from hipcad_desktop.domain.judgement import wilson
from hipcad_desktop.domain.metrics import Proportion
from hipcad_desktop.domain.read_first import AS_ANSWER, Case, HipReading, OwnAnswer

Reference = Mapping[tuple[str, Side], OwnAnswer]  # by film hash and side: fracture or no_fracture


class Towards(StrEnum):
    """Where a changed answer went, as against the program's (a doubt of the program's counts as unsure)."""

    PROGRAM = "to the program's"
    AWAY = "away from the program's"
    ELSEWHERE = "elsewhere"  # from one answer that was not the program's to another


class Outcome(StrEnum):
    """Where a changed answer went, as against the reference."""

    RIGHT = "to right"
    WRONG = "to wrong"
    UNSURE = "to unsure"


class LeftOut(StrEnum):
    """Why a hip does not count."""

    UNFINISHED = "not finished: no answer after the program's"
    SEEN_BEFORE = "a program's answer on the film had been seen before"
    NO_ANSWER = "the program gave no answer on this hip"


@dataclass(frozen=True, slots=True)
class HipCase:
    """One hip of one case; after, program and the rest as far as the case has come."""

    case: Case
    side: Side
    before: HipReading
    program: HipState | None
    p_fracture: float | None
    after: HipReading | None
    truth: OwnAnswer | None
    left_out: LeftOut | None

    @property
    def changed(self) -> bool:
        """Whether the answer is another one; a confidence alone is no change of mind."""
        return self.after is not None and self.after.answer is not self.before.answer

    @property
    def towards(self) -> Towards | None:
        """Of a changed answer, as against the program's."""
        if not self.changed or self.after is None or self.program is None:
            return None
        said = AS_ANSWER[self.program]
        if self.after.answer is said:
            return Towards.PROGRAM
        return Towards.AWAY if self.before.answer is said else Towards.ELSEWHERE

    @property
    def outcome(self) -> Outcome | None:
        """Of a changed answer, as against the reference; None without one."""
        if not self.changed or self.after is None or self.truth is None:
            return None
        if self.after.answer is OwnAnswer.UNSURE:
            return Outcome.UNSURE
        return Outcome.RIGHT if self.after.answer is self.truth else Outcome.WRONG


@dataclass(frozen=True, slots=True)
class BeforeAfter:
    """One figure of the reader alone and with the program."""

    before: Proportion
    after: Proportion


@dataclass(frozen=True, slots=True)
class Changes:
    """What one reader (or all of them) changed. Counts are hips that count; left_out says which do not."""

    reader: str  # "" of all readers
    films: int
    hips: int
    left_out: Mapping[LeftOut, int]
    agreed_before: Proportion  # the own answer was the program's
    changed: Proportion
    towards: Mapping[Towards, int]
    confidence: tuple[float, float] | None  # mean before, after
    referenced: int  # hips with a reference; what follows is of them
    outcomes: Mapping[Outcome, int]
    right: BeforeAfter | None  # unsure is not right
    sensitivity: BeforeAfter | None  # unsure is not found
    specificity: BeforeAfter | None
    p_value: float | None  # of right before against after: exact McNemar; None where no hip differs


def hip_cases(cases: Iterable[Case], reference: Reference | None = None) -> tuple[HipCase, ...]:
    """Both hips of every case, the patient's right first."""
    found = []
    for case in cases:
        for side in Side:
            said = case.shown.program.get(side) if case.shown is not None else None
            after = case.final.hips[side] if case.final is not None else None
            state = said.state if said is not None else None
            left_out = _left_out(case, state)
            truth = (reference or {}).get((case.key.film_id, side))
            p = said.p_fracture if said is not None else None
            found.append(HipCase(case, side, case.locked.hips[side], state, p, after, truth, left_out))
    return tuple(found)


def _left_out(case: Case, state: HipState | None) -> LeftOut | None:
    if case.locked.seen_before:
        return LeftOut.SEEN_BEFORE
    if case.shown is not None and state is None:
        return LeftOut.NO_ANSWER
    return LeftOut.UNFINISHED if case.final is None else None


def summarise(hips: Sequence[HipCase]) -> tuple[Changes, ...]:
    """One line a reader in the order of their first films; where there are several, all of them last."""
    readers = tuple(dict.fromkeys(h.case.key.reader for h in hips))
    lines = [_changes(reader, [h for h in hips if h.case.key.reader == reader]) for reader in readers]
    return (*lines, _changes("", hips)) if len(lines) > 1 else tuple(lines)


def _changes(reader: str, hips: Sequence[HipCase]) -> Changes:
    counted = [h for h in hips if h.left_out is None]
    with_truth = [h for h in counted if h.truth is not None]
    broken = [h for h in with_truth if h.truth is OwnAnswer.FRACTURE]
    whole = [h for h in with_truth if h.truth is OwnAnswer.NO_FRACTURE]
    return Changes(
        reader=reader,
        films=len({h.case.key for h in counted}),
        hips=len(counted),
        left_out={why: n for why in LeftOut if (n := sum(h.left_out is why for h in hips))},
        agreed_before=_share(h.program is not None and h.before.answer is AS_ANSWER[h.program] for h in counted),
        changed=_share(h.changed for h in counted),
        towards={t: sum(h.towards is t for h in counted) for t in Towards},
        confidence=_confidence(counted),
        referenced=len(with_truth),
        outcomes={o: sum(h.outcome is o for h in with_truth) for o in Outcome},
        right=_before_after(with_truth),
        sensitivity=_before_after(broken),
        specificity=_before_after(whole),
        p_value=_mcnemar(with_truth),
    )


def _confidence(hips: Sequence[HipCase]) -> tuple[float, float] | None:
    both = [(h.before.confidence, h.after.confidence) for h in hips if h.after is not None]
    if not both:
        return None
    return sum(b for b, _ in both) / len(both), sum(a for _, a in both) / len(both)


def _right(reading: HipReading | None, truth: OwnAnswer | None) -> bool:
    return reading is not None and reading.answer is truth


def _before_after(hips: Sequence[HipCase]) -> BeforeAfter | None:
    """Shares of right answers; of broken hips alone that is sensitivity, of whole ones specificity."""
    if not hips:
        return None
    return BeforeAfter(_share(_right(h.before, h.truth) for h in hips), _share(_right(h.after, h.truth) for h in hips))


def _share(hits: Iterable[bool]) -> Proportion:
    all_of_them = list(hits)
    low, high = wilson(sum(all_of_them), len(all_of_them))
    return Proportion(sum(all_of_them), len(all_of_them), low, high)


def _mcnemar(hips: Sequence[HipCase]) -> float | None:
    """Exact, two-sided (McNemar, Psychometrika 1947;12:153): the smaller of both kinds of switch is a coin's."""

    def count(of: Callable[[HipCase], bool]) -> int:
        return sum(of(h) for h in hips)

    gained = count(lambda h: _right(h.after, h.truth) and not _right(h.before, h.truth))
    lost = count(lambda h: _right(h.before, h.truth) and not _right(h.after, h.truth))
    n = gained + lost
    if n == 0:
        return None
    tail = sum(math.comb(n, k) for k in range(min(gained, lost) + 1))
    return float(min(1.0, 2 * tail / 2**n))
