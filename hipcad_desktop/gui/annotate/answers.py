"""What a gesture makes of an answer. Pure: the window shows and saves what comes out."""

from __future__ import annotations

from dataclasses import replace

from hipcad_desktop.domain.annotation import Answer, ExclusionReason, Finding, Verdict
from hipcad_desktop.domain.errors import UserError
from hipcad_desktop.domain.geometry import Size
from hipcad_desktop.domain.halving import Halving, HipWindow, halve_by_midline, halve_by_rectangles
from hipcad_desktop.domain.messages import sentence


def with_findings(findings: tuple[Finding, ...], *, mirrored: bool | None) -> Answer | None:
    """Rectangles mean fracture; the last one deleted leaves the film unread."""
    return Answer(Verdict.FRACTURE, findings, mirrored=mirrored) if findings else None


def with_verdict(verdict: Verdict, *, mirrored: bool | None) -> Answer:
    """No fracture or unsure; rectangles go."""
    return Answer(verdict, mirrored=mirrored)


def excluded(reason: ExclusionReason, text: str, *, mirrored: bool | None) -> Answer:
    """Not for the cohort."""
    return Answer(Verdict.EXCLUDED, exclusion=reason, exclusion_text=text.strip(), mirrored=mirrored)


def with_sides(answer: Answer | None, mirrored: bool | None) -> Answer | None:
    """The same answer with the sides confirmed or corrected."""
    return None if answer is None else replace(answer, mirrored=mirrored)


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


def hip_words(hip: HipWindow) -> str:
    """What becomes of one hip."""
    return "fracture" if hip.fracture else "no fracture"
