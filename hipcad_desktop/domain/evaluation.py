"""Values of an evaluation: how well a model package does on one partition, with n and interval (METHOD 2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from hipcad_desktop.domain.anatomy import Side
from hipcad_desktop.domain.coverage import Coverage
from hipcad_desktop.domain.diagnosis import HipState
from hipcad_desktop.domain.leaks import Probe
from hipcad_desktop.domain.metrics import Estimate, Proportion, Thresholds, with_values
from hipcad_desktop.domain.seal import Opening
from hipcad_desktop.domain.subgroups import Subgroup

SCHEMA = 2
Interval = Literal["wilson", "clopper-pearson"]
INTERVALS: Mapping[Interval, str] = {"wilson": "Wilson", "clopper-pearson": "Clopper-Pearson"}  # and their names

# Of every two hips one is broken: so it was in the paper's data, and so the network's probabilities are meant where its
# loss weighed both classes alike. In use fewer hips are broken, and PPV is lower: a hospital should give its own share.
DEFAULT_PREVALENCE = 0.5


@dataclass(frozen=True, slots=True)
class HipScore:
    """What the model said of one hip image of a dataset, beside what the readers said. No person is named."""

    image: str
    film_code: str
    patient: str  # pseudonym
    side: Side
    fracture: bool
    pair_has_fracture: bool
    fracture_type: str
    p_fracture: float
    state: HipState


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """A threshold and what it gives: a hip counts as positive from the threshold on."""

    name: str  # "fracture" (high specificity) or "no_fracture" (high sensitivity)
    threshold: float
    true_positive: int
    false_negative: int
    false_positive: int
    true_negative: int
    accuracy: Proportion
    sensitivity: Proportion
    specificity: Proportion
    f1: Estimate
    ppv: Estimate  # at Evaluation.prevalence, whatever the partition's own share of broken hips
    npv: Estimate


@dataclass(frozen=True, slots=True)
class NegativeGroup:
    """Whole hips of one kind: the other hip of a broken one, or hips of films without any fracture."""

    name: str  # "other_hip" or "no_fracture_film"
    n: int
    specificity: Mapping[str, Proportion]  # by operating point
    auc: Estimate  # all broken hips against these


@dataclass(frozen=True, slots=True)
class TypeFigures:
    """Broken hips of one type; "" where no reader gave one."""

    fracture_type: str
    n: int
    sensitivity: Mapping[str, Proportion]  # by operating point


@dataclass(frozen=True, slots=True)
class RocCurve:
    """The receiver operating characteristic; empty where a class is missing."""

    false_positive_rate: tuple[float, ...] = ()
    true_positive_rate: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class PrCurve:
    """Precision against recall, recall falling from 1 to 0 as the threshold rises; empty where a class is missing."""

    recall: tuple[float, ...] = ()
    precision: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """The hips whose probability lies in [low, high) (the last bin: [low, 1]): what was said, what was so."""

    low: float
    high: float
    mean_p: float
    observed: Proportion  # how many of them are broken


@dataclass(frozen=True, slots=True)
class Calibration:
    """Whether a probability of 80 % means that 80 of 100 such hips are broken.

    Probabilities hold for one share of broken hips. Where the card names the share that its probabilities are meant
    for, they are moved to this partition's own share first (metrics.at_prevalence), so that the figures judge the
    network and not the mixture of hips; with trained_prevalence None they are taken as they are.
    """

    trained_prevalence: float | None
    prevalence: float  # share of broken hips in this partition
    brier: Estimate  # mean squared distance of probability and truth; 0 is best
    brier_reference: float  # of always saying the partition's share
    slope: Estimate  # 1 is best; below 1 too sure, above 1 not sure enough
    intercept: Estimate  # calibration in the large: 0 is best; above 0 too low, below 0 too high on the whole
    bins: tuple[ReliabilityBin, ...]  # of equal width, those without hips left out


@dataclass(frozen=True, slots=True)
class HalvingFigures:
    """All figures of the hips made by one halving; the halving of the model's diagnosis: the program's accuracy."""

    halving: str
    hips: int
    fracture: int
    no_fracture: int
    films: int
    patients: int
    auc: Estimate
    auc_same_film: Estimate  # how often the broken hip scores above the other hip of its own film
    points: tuple[OperatingPoint, ...]
    states: Mapping[str, Mapping[str, int]]  # "fracture" / "no_fracture" -> state -> hips
    negatives: tuple[NegativeGroup, ...]
    types: tuple[TypeFigures, ...]
    roc: RocCurve
    average_precision: Estimate
    pr: PrCurve
    calibration: Calibration | None  # None where there is no hip
    subgroups: tuple[Subgroup, ...] = ()
    coverage: Coverage | None = None


@dataclass(frozen=True, slots=True)
class Caution:
    """Something a reader of the report has to know before believing its figures."""

    code: str
    sentence: str
    loud: bool = False


@dataclass(frozen=True, slots=True)
class Evaluation:
    """report.json: one model package on one partition of one dataset."""

    schema: int
    created_utc: str
    program_version: str
    model: Mapping[str, Any]  # name, sha256, backbone, recipe
    dataset: Mapping[str, Any]  # name, hips_sha256, whether the model was trained on it
    partition: str
    thresholds: Thresholds
    thresholds_from: Mapping[str, Any]
    halvings: tuple[HalvingFigures, ...]  # that of diagnosis ("midline" or "hip") first
    cautions: tuple[Caution, ...]
    notice: str
    prevalence: float  # share of broken hips that PPV and NPV are given for
    interval: Interval  # of all proportions
    temperature: float  # of the card
    openings: tuple[Opening, ...] = ()  # of the dataset's test partition, this one last
    probes: tuple[Probe, ...] = ()

    def of(self, halving: str) -> HalvingFigures:
        """The figures of one halving. Raises KeyError where the dataset has no hips made by it."""
        for figures in self.halvings:
            if figures.halving == halving:
                return figures
        raise KeyError(halving)

    def to_json(self) -> dict[str, Any]:
        """A JSON object; each Proportion also carries its value."""
        values: dict[str, Any] = with_values(asdict(self))
        return values
