"""Does the heat map cover the fracture? Figures of heat maps against the readers' rectangles, each beside chance."""

from __future__ import annotations

from dataclasses import dataclass

from hipcad_desktop.domain.metrics import Estimate, Proportion


@dataclass(frozen=True, slots=True)
class Coverage:
    """Heat maps of correctly found fractures whose rectangle is known.

    Chance is the mean share of the hip image that the rectangle takes: where a map with its peak, or its heat, anywhere
    would come out.
    """

    n: int  # hips
    pointing: Proportion  # pointing game: the hottest pixel lies in the rectangle
    pointing_by_chance: float
    heat_inside: Estimate  # share of all heat in the rectangle, mean of the hips
    inside_by_chance: float
    iou: Estimate  # of the heat above the threshold and the rectangle, mean of the hips
    iou_threshold: float  # share of the map's peak; the one with the best mean IoU on these very hips
