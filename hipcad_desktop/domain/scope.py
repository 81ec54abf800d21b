"""Whether a film is one the method may answer on, and where the patient's midline runs (METHOD 3.4, 3.7)."""

from __future__ import annotations

from dataclasses import dataclass

from hipcad_desktop.domain.anatomy import ImageHalf
from hipcad_desktop.domain.diagnosis import Refusal


@dataclass(frozen=True, slots=True)
class Midline:
    """The patient's midline at the height of the hips: x in film pixels, confidence 0..1 (0.5 = just a pelvis).

    tilt_deg is how far the pelvis leans, positive where its upper end leans to the picture's right.
    """

    x_px: float
    confidence: float
    tilt_deg: float = 0.0


@dataclass(frozen=True, slots=True)
class Pose:
    """How a film must be changed to be upright: quarter turns counter-clockwise, and grey inverted or not."""

    quarter_turns: int = 0
    inverted: bool = False


@dataclass(frozen=True, slots=True)
class HipPoints:
    """One hip in pixels of the film: the femoral head's centre, a point down the shaft, and the heads' distance."""

    half: ImageHalf
    head_x: float
    head_y: float
    shaft_x: float
    shaft_y: float
    heads_px: float


@dataclass(frozen=True, slots=True)
class Found:
    """What the finder sees on a displayed film. Shares 0..1; points in film pixels, of worth where frontal is high.

    frontal: that it is a frontal pelvis in any pose. whole: that both hips of it lie in the film. pose: what would set
    it right; Pose() where that is unsure. In any other the points are those of the film set right. hips, cut_off and
    metal: the picture's left, then its right. cut_off: the film ends before the hip does.
    """

    frontal: float
    whole: float
    pose: Pose
    hips: tuple[HipPoints, HipPoints]
    symphysis: tuple[float, float]
    midline_px: float
    cut_off: tuple[bool, bool]
    metal: tuple[float, float]


@dataclass(frozen=True, slots=True)
class FilmScope:
    """What a look at the film says. refusal None means that the film is in scope and midline_px is set.

    found is None where no pixels were looked at.
    """

    midline_px: float | None
    confidence: float
    refusal: Refusal | None = None
    found: Found | None = None
