"""Second opinions on one hip: other ways than the heat map at hand of asking where the model looked."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hipcad_desktop.domain.anatomy import Side
from hipcad_desktop.domain.geometry import Window
from hipcad_desktop.domain.model_card import RESEARCH_USE

LOOKED = "Where the model looked, not where the fracture is."


class OpinionMethod(StrEnum):
    """How the model is asked."""

    EARLIER_GRAD_CAM = "earlier_grad_cam"
    INTEGRATED_GRADIENTS = "integrated_gradients"
    OCCLUSION = "occlusion"


METHOD_NAMES = {
    OpinionMethod.EARLIER_GRAD_CAM: "Grad-CAM at an earlier layer",
    OpinionMethod.INTEGRATED_GRADIENTS: "Integrated gradients",
    OpinionMethod.OCCLUSION: "Occlusion",
}
METHOD_WORDS = {
    OpinionMethod.EARLIER_GRAD_CAM: (
        "Finer than the heat map beside the answer, and less sure: what earlier features spoke for a fracture. Seconds."
    ),
    OpinionMethod.INTEGRATED_GRADIENTS: (
        "How much each pixel moved the answer away from that of an even grey. Half a minute."
    ),
    OpinionMethod.OCCLUSION: (
        "How far the answer falls when a small square of the hip is covered. Half a minute or more."
    ),
}


@dataclass(frozen=True, slots=True)
class SecondOpinion:
    """One method's map of one hip, bound to the hashes of film and model and to the window it was computed in."""

    file: str
    film_id: str
    model_name: str
    model_sha256: str
    side: Side
    window: Window
    method: OpinionMethod
    p_fracture: float  # of the answer that is explained
    largest_difference: float  # between that probability and the one that the weights give: about 0
    explained: float | None  # the share of the logits' difference that the map adds up to; where the method has one
    heat_path: str  # 8-bit grey PNG over the window, its maximum at 255
    overlay_path: str
    seconds: float
    notice: str = RESEARCH_USE
    words: str = LOOKED
