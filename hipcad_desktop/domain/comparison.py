"""Values of a comparison: two models, or two thresholds of one, on the very same hips of the same patients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from hipcad_desktop.domain.evaluation import Caution, RocCurve
from hipcad_desktop.domain.metrics import Estimate, Proportion, Thresholds, with_values

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Compared:
    """One of the two: where its report lies (the folder's name), its model and its thresholds."""

    report: str
    model: Mapping[str, Any]  # as in report.json: name, sha256, backbone, recipe
    thresholds: Thresholds
    temperature: float


@dataclass(frozen=True, slots=True)
class AreaDifference:
    """Two areas under the ROC curve of the same hips; difference is B minus A."""

    a: Estimate
    b: Estimate
    difference: Estimate  # interval after DeLong, paired
    p_value: float | None  # two-sided, of no difference; None, with difference.reason, where it cannot be computed
    by_patient: Estimate  # the same difference, its interval by bootstrap of patients


@dataclass(frozen=True, slots=True)
class PairedProportion:
    """One share (sensitivity or specificity) of A and of B on the same hips, and the four cells of the pairs."""

    name: str  # "sensitivity" or "specificity"
    a: Proportion
    b: Proportion
    both_right: int
    only_a_right: int
    only_b_right: int
    neither_right: int
    difference: Estimate  # B minus A; interval of Newcombe's method 10 for paired shares
    by_patient: Estimate  # the same difference, its interval by bootstrap of patients
    p_value: float | None  # McNemar, two-sided; None where there is no hip
    test: str  # "McNemar, exact" or "McNemar, continuity-corrected"


@dataclass(frozen=True, slots=True)
class PointComparison:
    """Both at one operating point, each at its own threshold; a hip counts as positive from the threshold on."""

    name: str  # "fracture", "no_fracture", or "chosen" where thresholds were given
    threshold_a: float
    threshold_b: float
    sensitivity: PairedProportion
    specificity: PairedProportion


@dataclass(frozen=True, slots=True)
class DiscordantHip:
    """A hip that one of the two got right and the other wrong at the first operating point. No person is named."""

    image: str
    film_code: str
    side: str
    fracture: bool
    p_a: float
    p_b: float
    right: str  # "a" or "b": which one was right


@dataclass(frozen=True, slots=True)
class HalvingComparison:
    """Everything of the hips made by one halving; "diagnosis": each by its own model's, where these differ."""

    halving: str
    hips: int
    fracture: int
    no_fracture: int
    films: int
    patients: int
    auc: AreaDifference
    points: tuple[PointComparison, ...]
    roc_a: RocCurve
    roc_b: RocCurve
    discordant: tuple[DiscordantHip, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """compare.json: two reports of one partition of one dataset, held against each other hip by hip."""

    schema: int
    created_utc: str
    program_version: str
    a: Compared
    b: Compared
    dataset: Mapping[str, Any]
    partition: str
    halvings: tuple[HalvingComparison, ...]  # that of diagnosis first
    cautions: tuple[Caution, ...]
    notice: str

    def to_json(self) -> dict[str, Any]:
        """A JSON object; each Proportion also carries its value."""
        values: dict[str, Any] = with_values(asdict(self))
        return values
