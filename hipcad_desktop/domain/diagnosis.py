"""The program's statement on one film: a state and a probability per hip, or why it says nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, assert_never

from hipcad_desktop.domain.anatomy import ImageHalf, Side
from hipcad_desktop.domain.geometry import Window
from hipcad_desktop.domain.metrics import Thresholds
from hipcad_desktop.domain.model_card import RESEARCH_USE


class HipState(StrEnum):
    """What the program says of one hip (METHOD 3.8)."""

    FRACTURE = "fracture"
    DOUBT = "doubt"
    NO_FRACTURE = "no_fracture"

    @property
    def words(self) -> str:
        """The state as it is read."""
        return self.value.replace("_", " ")


def state_of(p_fracture: float, thresholds: Thresholds) -> HipState:
    """The state of a probability under a card's thresholds."""
    if p_fracture >= thresholds.fracture:
        return HipState.FRACTURE
    if p_fracture < thresholds.no_fracture:
        return HipState.NO_FRACTURE
    return HipState.DOUBT


def advice(state: HipState) -> str:
    """What a state asks the clinician to do (the paper's introduction: occult fractures need CT or MRI)."""
    match state:
        case HipState.FRACTURE:
            return "Suspected fracture: confirm on the film."
        case HipState.DOUBT:
            return "Not certain: with clinical suspicion, CT or MRI."
        case HipState.NO_FRACTURE:
            return "No fracture found. A fracture can still be hidden: pain and no weight bearing need CT or MRI."
        case _:
            assert_never(state)


class RefusalReason(StrEnum):
    """Why a film gets no answer at all (METHOD 3.7)."""

    HEADER_OTHER_BODY_PART = "header_other_body_part"  # found
    HEADER_OTHER_VIEW = "header_other_view"  # found
    HEADER_OTHER_MODALITY = "header_other_modality"  # found
    SEVERAL_FRAMES = "several_frames"  # frames
    COLOUR_PICTURE = "colour_picture"
    TOO_SMALL = "too_small"  # width, height
    BLANK = "blank"
    NO_MIDLINE = "no_midline"  # the two sides do not mirror each other
    NOT_FRONTAL_PELVIS = "not_frontal_pelvis"  # detail
    ONE_HIP_ONLY = "one_hip_only"
    ON_ITS_SIDE = "on_its_side"
    UPSIDE_DOWN = "upside_down"
    INVERTED = "inverted"  # bone is dark
    HIP_CUT_OFF = "hip_cut_off"  # side: the patient's, in words
    METAL_ON_HIP = "metal_on_hip"  # side: of that hip alone, the other one is answered
    METAL_ON_BOTH_HIPS = "metal_on_both_hips"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A reason and the facts its sentence needs."""

    reason: RefusalReason
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Prediction:
    """A probability for one hip, its state, the window it was computed from, and where its pictures lie."""

    side: Side
    half: ImageHalf
    p_fracture: float
    state: HipState
    window: Window
    heat_path: str = ""  # 8-bit grey PNG of the heat map over the window, its maximum at 255
    overlay_path: str = ""  # PNG of the hip with the heat map over it
    outside_share: float = 0.0  # of the window's area that lies outside the film, where it is black


@dataclass(frozen=True, slots=True)
class HipRefusal:
    """One hip of an answered film that gets no number, and why (METHOD 3.7: metal on the hip asked about)."""

    side: Side
    half: ImageHalf
    refusal: Refusal
    window: Window


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One film's answer, bound to the hashes of film and model.

    refusal is set, or the midline is and each of the two hips is in hips or in refused_hips.
    """

    file: str  # as the caller named it
    film_id: str
    model_sha256: str
    model_name: str
    seconds: float
    refusal: Refusal | None = None
    midline_px: float | None = None
    side_source: str = ""
    hips: tuple[Prediction, ...] = ()  # the patient's right first
    refused_hips: tuple[HipRefusal, ...] = ()  # of which hips has none
    halving: str = "midline"  # the model's: HalvingMethod of the windows
    film_size: tuple[int, int] | None = None  # width, height as displayed
    notice: str = RESEARCH_USE
    thresholds: Thresholds | None = None  # those that made states of the probabilities
    warnings: tuple[str, ...] = ()  # sentences: why this answer deserves less trust than the card's figures

    def hip(self, side: Side) -> Prediction:
        """The prediction of one side. Raises KeyError where the film or this hip was refused."""
        for hip in self.hips:
            if hip.side is side:
                return hip
        raise KeyError(side)
