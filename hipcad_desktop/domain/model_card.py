"""The card of a model package: what the network expects, what its answers mean, how it was made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from hipcad_desktop.domain.metrics import Thresholds

SCHEMA = 3  # 1: before temperature and calibrated_prevalence, 2: before precision; they then take their defaults
PRECISIONS = ("float16", "float32")
RESEARCH_USE = "Research use only. Not for clinical diagnosis."


@dataclass(frozen=True, slots=True)
class ModelCard:
    """card.json of a .hipcad file. Diagnosis takes every decision from here; nothing is hard-coded."""

    schema: int
    name: str
    created_utc: str
    program_version: str
    backbone: str
    recipe: str
    input_px: int  # the 380 x 380 hip image is resized to input_px x input_px
    mean: tuple[float, float, float]  # of values in [0, 1], as the weights want
    std: tuple[float, float, float]
    mapping_rules: tuple[str, ...]  # the 8-bit mapping rules seen in training
    halving: str  # of diagnosis: "midline" or "hip"
    overlap_share: float  # d / film width (METHOD 3.4); 0 where halved by the hips
    thresholds: Thresholds
    thresholds_from: Mapping[str, Any]  # partition, halving, n of each class, targets
    config: Mapping[str, Any]  # the TrainConfig
    data: Mapping[str, Any]  # hips_sha256, counts per partition
    figures: Mapping[str, Any]  # validation figures with n
    versions: Mapping[str, str]
    intended_use: str
    limits: str
    note: str = ""  # what must be known of this very model before its answers are read; shown with each
    notice: str = RESEARCH_USE
    temperature: float = 1.0  # logits are divided by it before they become probabilities; fitted on validation
    calibrated_prevalence: float | None = None  # share of broken hips that the probabilities are meant for, if known
    precision: str = "float32"  # of the weights in the file; they are computed with in float32 always

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> ModelCard:
        """Back from to_json. Raises TypeError, KeyError or ValueError where it is no card."""
        kept = dict(values)
        kept["mean"] = tuple(float(v) for v in kept["mean"])
        kept["std"] = tuple(float(v) for v in kept["std"])
        kept["mapping_rules"] = tuple(kept["mapping_rules"])
        kept["thresholds"] = Thresholds(**kept["thresholds"])
        card = cls(**kept)
        if not 0 < card.temperature < float("inf"):
            raise ValueError("0 < temperature")
        if card.calibrated_prevalence is not None and not 0 < card.calibrated_prevalence < 1:
            raise ValueError("0 < calibrated_prevalence < 1")
        return card
