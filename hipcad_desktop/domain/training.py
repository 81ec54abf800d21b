"""How a network is trained: recipes, their fields, and what a run says of itself (METHOD 3.6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields, replace
from typing import Any, Literal

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.halving import HalvingMethod

Device = Literal["auto", "cpu", "cuda"]
Optimizer = Literal["adam", "adamw"]
MEETING = "HIPCAD_MEETING"  # in the environment: the file:// address where the processes of one machine meet
VALIDATION_COST = 1 / 3  # in time, of a training image: no backward pass


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """Everything that decides a run's result besides the data. weights: "imagenet", "none" or a file's path."""

    recipe: str
    backbone: str
    weights: str
    input_px: int
    dropout: float
    optimizer: Optimizer
    max_learning_rate: float
    weight_decay: float
    warm_up_share: float  # of all steps, rising; the rest anneals (one cycle)
    batch: int
    epochs: int
    mirror: bool  # random mirroring about the vertical axis
    brightness: float  # largest random change, as a share of the full range
    contrast: float
    line_jitter: float  # largest random shift of the dividing line, as a share of the window's width
    balance_classes: bool  # weigh the loss so that both classes count alike, as in the paper's 1:1 data
    halvings: tuple[str, ...]  # which halvings of a hip train: a random one each time
    seed: int
    sensitivity_target: float  # of the "no fracture" threshold, on validation
    specificity_target: float  # of the "fracture" threshold, on validation
    # Of a square about a hip, at random in each epoch, as the finder may place it elsewhere (METHOD 3.4b).
    shift_jitter: float = 0.0  # largest shift in x and in y, as a share of its side
    scale_jitter: float = 0.0  # largest change of its side, as a share of it
    turn_jitter_deg: float = 0.0  # largest turn
    # Of what an image looks like, so that one hospital's detector and processing are not learnt (learning/textures.py).
    sharpness: float = 0.0  # how much of an image's blurring or sharpening is applied
    gamma: float = 0.0  # largest logarithm of the exponent
    folds: float = 0.0  # share of images with folds of soft tissue across them
    edges: float = 0.0  # share of images that end early, black, as at the film's edge

    @property
    def judged_halving(self) -> HalvingMethod:
        """How validation and diagnosis halve: by the hips where the network sees nothing else, else at the midline."""
        return HalvingMethod.HIP if self.halvings == (HalvingMethod.HIP.value,) else HalvingMethod.MIDLINE

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return {**asdict(self), "halvings": list(self.halvings)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> TrainConfig:
        """Back from to_json, also an older one's. Raises UserError CONFIG_INVALID on a missing or unknown field."""
        whole = with_defaults(values)
        for name in {f.name for f in fields(cls)}.symmetric_difference(whole):
            raise UserError(ErrorCode.CONFIG_INVALID, field=name, value="", detail="missing or unknown")
        return cls(**{**whole, "halvings": tuple(whole["halvings"])})


def with_defaults(values: Mapping[str, Any]) -> dict[str, Any]:
    """A config's JSON object with what it lacks because an earlier program wrote it."""
    return {**{f.name: f.default for f in fields(TrainConfig) if f.default is not MISSING}, **values}


PAPER = TrainConfig(
    recipe="paper",
    backbone="tf_efficientnet_b4.aa_in1k",
    weights="imagenet",
    input_px=380,
    dropout=0.4,
    optimizer="adam",
    max_learning_rate=1e-3,
    weight_decay=0.0,
    warm_up_share=0.3,
    batch=40,
    epochs=6,
    mirror=True,
    brightness=0.2,
    contrast=0.0,
    line_jitter=0.05,
    balance_classes=True,
    halvings=("paper", "midline"),
    seed=20200414,
    sensitivity_target=0.95,
    specificity_target=0.95,
)

QUICK = replace(
    PAPER,
    recipe="quick",
    backbone="tf_efficientnet_lite0.in1k",  # its ImageNet weights come as a package, so they are there offline
    input_px=192,
    dropout=0.2,
    optimizer="adamw",
    weight_decay=1e-2,
    batch=16,
    epochs=8,
    contrast=0.2,
)

HIP = replace(
    QUICK,
    recipe="hip",
    input_px=288,
    halvings=("hip",),
    line_jitter=0.0,
    shift_jitter=0.08,
    scale_jitter=0.12,
    turn_jitter_deg=6.0,
    sharpness=1.0,
    gamma=0.35,
    folds=0.5,
    edges=0.4,
)

RECIPES: Mapping[str, TrainConfig] = {"paper": PAPER, "quick": QUICK, "hip": HIP}
TOGETHER = tuple(frozenset(names.split()) for names in ("paper", "midline", "paper midline", "hip"))  # what may train


def validated(config: TrainConfig) -> TrainConfig:
    """The same config, or UserError CONFIG_INVALID naming the first field that cannot be."""
    checks: tuple[tuple[str, bool, str], ...] = (
        ("input_px", 32 <= config.input_px <= 1024, "between 32 and 1024"),
        ("dropout", 0 <= config.dropout < 1, "at least 0 and below 1"),
        ("max_learning_rate", 0 < config.max_learning_rate <= 1, "above 0 and at most 1"),
        ("weight_decay", 0 <= config.weight_decay <= 1, "between 0 and 1"),
        ("warm_up_share", 0 < config.warm_up_share < 1, "between 0 and 1"),
        ("batch", 2 <= config.batch <= 4096, "between 2 and 4096"),
        ("epochs", 1 <= config.epochs <= 10_000, "between 1 and 10000"),
        ("brightness", 0 <= config.brightness < 1, "at least 0 and below 1"),
        ("contrast", 0 <= config.contrast < 1, "at least 0 and below 1"),
        ("line_jitter", 0 <= config.line_jitter <= 0.25, "between 0 and 0.25"),
        ("shift_jitter", 0 <= config.shift_jitter <= 0.25, "between 0 and 0.25"),
        ("scale_jitter", 0 <= config.scale_jitter <= 0.5, "between 0 and 0.5"),
        ("turn_jitter_deg", 0 <= config.turn_jitter_deg <= 45, "between 0 and 45"),
        ("sharpness", 0 <= config.sharpness <= 1, "between 0 and 1"),
        ("gamma", 0 <= config.gamma <= 1, "between 0 and 1"),
        ("folds", 0 <= config.folds <= 1, "between 0 and 1"),
        ("edges", 0 <= config.edges <= 1, "between 0 and 1"),
        ("halvings", set(config.halvings) in TOGETHER, "paper, midline, both of these, or hip alone"),
        ("optimizer", config.optimizer in ("adam", "adamw"), "adam or adamw"),
        ("optimizer", config.recipe != "paper" or config.optimizer == "adam", "adam in the paper's recipe"),
        ("sensitivity_target", 0.5 <= config.sensitivity_target <= 1, "between 0.5 and 1"),
        ("specificity_target", 0.5 <= config.specificity_target <= 1, "between 0.5 and 1"),
    )
    for name, ok, detail in checks:
        if not ok:
            raise UserError(ErrorCode.CONFIG_INVALID, field=name, value=str(getattr(config, name)), detail=detail)
    return config
