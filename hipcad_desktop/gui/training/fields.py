"""The fields of a training, each with its words: one table for the form, its explanations and its checks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from hipcad_desktop.domain.training import TrainConfig

FieldKind = Literal["whole", "number", "choice", "yes_no", "halvings"]
BACKBONES = (
    "tf_efficientnet_b4.aa_in1k",
    "tf_efficientnet_b0.aa_in1k",
    "efficientnet_b0.ra_in1k",
    "test_efficientnet.r160_in1k",
)
DEVICES = (
    ("auto", "Automatic", "Uses the GPU if there is one that works, else the processor. The run says which."),
    ("cuda", "GPU (CUDA)", "Uses an NVIDIA GPU, and stops with a sentence where none can be used."),
    ("cpu", "Processor (CPU)", "Works everywhere. Recipe “paper” takes days this way; “quick” takes minutes."),
)
RECIPE_WORDS = {
    "paper": "EfficientNet-B4 at 380 px, Adam, batch 40, 6 epochs, as published. Wants a GPU.",
    "quick": "A small network (EfficientNet-Lite0) at 192 px: minutes on a processor. For trying out, not for results.",
}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of TrainConfig on the form."""

    name: str
    label: str
    kind: FieldKind
    why: str
    choices: tuple[str, ...] = ()


ADVANCED: tuple[Field, ...] = (
    Field("input_px", "Input size (px)", "whole", "The 380 x 380 hip image is resized to this before the network."),
    Field("max_learning_rate", "Highest learning rate", "number", "Peak of the one-cycle schedule."),
    Field(
        "warm_up_share", "Warm-up share", "number", "Share of all steps in which the learning rate rises; then falls."
    ),
    Field("optimizer", "Optimizer", "choice", "adam as in the paper; adamw only in other recipes.", ("adam", "adamw")),
    Field("weight_decay", "Weight decay", "number", "Pulls weights towards zero; 0 in the paper."),
    Field("dropout", "Dropout", "number", "Share of features left out at random before the last layer."),
    Field(
        "mirror", "Mirror at random", "yes_no", "Half of the hips are shown mirrored, so right and left count alike."
    ),
    Field("brightness", "Brightness change", "number", "Largest random change, as a share of the full range."),
    Field("contrast", "Contrast change", "number", "Largest random change of contrast; 0 in the paper."),
    Field(
        "line_jitter", "Line jitter", "number", "Largest random shift of the dividing line, as a share of the window."
    ),
    Field(
        "balance_classes",
        "Balance classes",
        "yes_no",
        "Rare fractures weigh more, so both classes count alike in the loss.",
    ),
    Field("halvings", "Halvings", "halvings", "Which cuts of a hip are trained on: a random one each time."),
    Field("seed", "Seed", "whole", "The same seed, data and machine give the same run."),
    Field(
        "sensitivity_target",
        "Sensitivity target",
        "number",
        "Of the lower threshold, on validation: how few are missed.",
    ),
    Field(
        "specificity_target",
        "Specificity target",
        "number",
        "Of the upper threshold, on validation: how few false alarms.",
    ),
)
LABELS = {"epochs": "Epochs", "batch": "Batch"} | {field.name: field.label for field in ADVANCED}


def shown(value: Any) -> str:
    """A field's value as text."""
    if isinstance(value, tuple):
        return ", ".join(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def with_text(config: TrainConfig, field: Field, text: str) -> TrainConfig:
    """The config with one field set from what was typed. Raises ValueError where the text is no such value."""
    value: Any
    match field.kind:
        case "whole":
            value = int(text.strip())
        case "number":
            value = float(text.strip().replace(",", "."))
        case "yes_no":
            value = text == "yes"
        case "halvings":
            value = tuple(part.strip() for part in text.split(",") if part.strip())
        case "choice":
            value = text
    return replace(config, **{field.name: value})
