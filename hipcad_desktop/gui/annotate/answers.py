"""What a gesture makes of an answer. Pure: the window shows and saves what comes out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce

from hipcad_desktop.domain.anatomy import FractureType, ImageHalf
from hipcad_desktop.domain.annotation import Answer, DiagnosedFrom, ExclusionReason, FilmFlag, Finding, Verdict
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.geometry import Rectangle, Size
from hipcad_desktop.domain.halving import (
    Halving,
    HipWindow,
    half_of,
    halve_by_hips,
    halve_by_midline,
    halve_by_rectangles,
    refuse_outside_squares,
)
from hipcad_desktop.domain.messages import sentence


@dataclass(frozen=True, slots=True)
class Remarks:
    """What is said of a film beside the verdict; kept by the window until there is one to save it with."""

    mirrored: bool | None = None
    flags: frozenset[FilmFlag] = frozenset()


def remarks_of(answer: Answer) -> Remarks:
    """The remarks of an answer."""
    return Remarks(answer.mirrored, answer.flags)


def with_findings(before: Answer | None, findings: tuple[Finding, ...], remarks: Remarks) -> Answer | None:
    """Rectangles mean fracture; the last one deleted leaves the film unread."""
    source = before.diagnosed_from if before else None
    return (
        Answer(Verdict.FRACTURE, findings, mirrored=remarks.mirrored, flags=remarks.flags, diagnosed_from=source)
        if findings
        else None
    )


def with_verdict(verdict: Verdict, remarks: Remarks) -> Answer:
    """No fracture or unsure; rectangles go."""
    return Answer(verdict, mirrored=remarks.mirrored, flags=remarks.flags)


def excluded(reason: ExclusionReason, text: str, remarks: Remarks) -> Answer:
    """Not for the cohort."""
    return Answer(
        Verdict.EXCLUDED,
        exclusion=reason,
        exclusion_text=text.strip(),
        mirrored=remarks.mirrored,
        flags=remarks.flags,
    )


def with_remarks(answer: Answer | None, remarks: Remarks) -> Answer | None:
    """The same answer with other remarks."""
    return None if answer is None else replace(answer, mirrored=remarks.mirrored, flags=remarks.flags)


def with_type(answer: Answer, index: int, fracture_type: FractureType) -> Answer:
    """A rectangle's type; the same again takes it back."""
    held = answer.findings[index]
    changed = replace(held, fracture_type=None if held.fracture_type is fracture_type else fracture_type)
    return replace(answer, findings=(*answer.findings[:index], changed, *answer.findings[index + 1 :]))


def with_source(answer: Answer, source: DiagnosedFrom) -> Answer:
    """What the fracture was first seen on; the same again takes it back."""
    return replace(answer, diagnosed_from=None if answer.diagnosed_from is source else source)


def halving_of(
    film: Size, answer_verdict: Verdict | None, findings: tuple[Finding, ...], midline_px: float | None
) -> tuple[Halving | None, str]:
    """How the film would be halved, or the sentence why it cannot be; both empty where no halving is due.

    Rectangles decide (METHOD 3.3); "no fracture" is halved at the midline, both windows without fracture.
    """
    try:
        if findings:
            return halve_by_rectangles(film, [f.rectangle for f in findings]), ""
        if answer_verdict is Verdict.NO_FRACTURE:
            if midline_px is None:
                return None, "The film cannot be halved: no midline was found."
            return halve_by_midline(film, midline_px, overlap_share=0.0, fracture=False), ""
    except UserError as error:
        return None, sentence(error)
    return None, ""


Point = tuple[float, float]


def squares_of(
    halving: Halving, film: Size, findings: tuple[Finding, ...], heads: tuple[Point, Point] | None
) -> tuple[Halving | None, str]:
    """The squares about the hips of a film that is halved so, as the export cuts them, or why it has none."""
    drawn: dict[ImageHalf, list[Rectangle]] = {}
    for finding in findings:
        drawn.setdefault(half_of(finding.rectangle, film), []).append(finding.rectangle)
    try:
        if heads is None:
            raise UserError(ErrorCode.NOT_HALVED_NO_HIPS)
        squares = halve_by_hips(film, *heads)
        refuse_outside_squares(squares, {half: reduce(Rectangle.union, own) for half, own in drawn.items()})
    except UserError as error:
        return None, sentence(error)
    left, right = (replace(squares.of(half), fracture=halving.of(half).fracture) for half in ImageHalf)
    return replace(squares, left=left, right=right), ""


def hip_words(hip: HipWindow) -> str:
    """What becomes of one hip."""
    return "fracture" if hip.fracture else "no fracture"
