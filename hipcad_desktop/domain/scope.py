"""Whether a film is one the method may answer on, and where the patient's midline runs (METHOD 3.4, 3.7)."""

from __future__ import annotations

from dataclasses import dataclass

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
class FilmScope:
    """What a look at the film says. refusal None means that the film is in scope and midline_px is set."""

    midline_px: float | None
    confidence: float
    refusal: Refusal | None = None

    @property
    def accepted(self) -> bool:
        """Whether the film may be answered on."""
        return self.refusal is None
