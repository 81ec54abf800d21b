"""What several readings of one film agree on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce

from hipcad_desktop.domain.annotation import Answer, Finding, Reading, Verdict
from hipcad_desktop.domain.geometry import Rectangle


@dataclass(frozen=True, slots=True)
class Consensus:
    """The answer that stands for a film, or that its readers disagree."""

    answer: Answer | None  # None where nobody answered or the readers disagree
    disagree: bool


def consensus(readings: Sequence[Reading]) -> Consensus:
    """Agree where all current readings have one verdict; the order of readers never matters.

    Of agreeing fracture readings every rectangle is kept with its type (halving takes the union on each side); sides
    that one reader confirmed hold where nobody contradicts.
    """
    answers = [r.answer for r in sorted(readings, key=lambda r: r.reader) if r.answer is not None]
    if not answers:
        return Consensus(None, disagree=False)
    if len({a.verdict for a in answers}) > 1 or len({a.mirrored for a in answers} - {None}) > 1:
        return Consensus(None, disagree=True)
    mirrored = next((a.mirrored for a in answers if a.mirrored is not None), None)
    if answers[0].verdict is not Verdict.FRACTURE:
        return Consensus(replace(answers[0], mirrored=mirrored), disagree=False)
    findings = tuple(dict.fromkeys(f for a in answers for f in a.findings))
    return Consensus(Answer(Verdict.FRACTURE, findings, mirrored=mirrored), disagree=False)


def extent(findings: Sequence[Finding]) -> Rectangle:
    """The union of the rectangles of at least one finding."""
    return reduce(Rectangle.union, (f.rectangle for f in findings))
