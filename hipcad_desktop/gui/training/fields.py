"""The fields of a training, each with its words: one table for the form, its explanations and its checks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.training import RECIPES, TrainConfig, validated

FieldKind = Literal["name", "whole", "number", "choice", "yes_no"]
BACKBONES = (
    "tf_efficientnet_b4.aa_in1k",
    "tf_efficientnet_lite0.in1k",
    "tf_efficientnet_b0.aa_in1k",
    "tf_efficientnet_b2.aa_in1k",
    "tf_efficientnet_b5.aa_in1k",
    "tf_efficientnetv2_s.in1k",
    "efficientnet_b0.ra_in1k",
    "resnet18.a1_in1k",
    "resnet50.a1_in1k",
    "densenet121.ra_in1k",
    "regnety_032.ra_in1k",
    "test_efficientnet.r160_in1k",
)
RECIPE_WORDS = {
    "paper": "EfficientNet-B4 at 380 px, Adam, batch 40, 6 epochs, as published. Wants a GPU.",
    "quick": "A small network (EfficientNet-Lite0) at 192 px: minutes on a processor. For trying out, not for results.",
    "hip": "Lite0 at 288 px on a square about each hip, where the program finds both: finer than a half of the film.",
}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of TrainConfig on the form. choices are (text of the value, words for a person)."""

    name: str
    label: str
    kind: FieldKind
    group: str
    why: str
    choices: tuple[tuple[str, str], ...] = ()


_YES_NO = (("yes", "yes"), ("no", "no"))
_HALVINGS = (
    ("paper, midline", "rectangle and midline"),
    ("paper", "rectangle"),
    ("midline", "midline"),
    ("hip", "a square about each hip"),
)
FIELDS: tuple[Field, ...] = (
    Field(
        "backbone",
        "Backbone",
        "name",
        "Network",
        "Any model of timm that ends in global average pooling and one layer. The paper's is EfficientNet-B4.",
    ),
    Field(
        "input_px",
        "Input size (px)",
        "whole",
        "Network",
        "The 380 x 380 hip image is resized to this. Smaller is faster and sees less; memory grows with its square.",
    ),
    Field("dropout", "Dropout", "number", "Network", "Share of features left out at random before the last layer."),
    Field(
        "epochs", "Epochs", "whole", "Learning", "How often every hip is shown. The paper has 6 and stops no earlier."
    ),
    Field(
        "batch",
        "Batch",
        "whole",
        "Learning",
        "Hips a step. If memory runs out, a batch is cut into parts by itself; the step stays the same.",
    ),
    Field(
        "max_learning_rate",
        "Highest learning rate",
        "number",
        "Learning",
        "Peak of the one-cycle schedule. Too high and the loss is no number; too low and nothing is learnt.",
    ),
    Field(
        "warm_up_share",
        "Warm-up share",
        "number",
        "Learning",
        "Share of all steps in which the learning rate rises to its peak; then it falls.",
    ),
    Field(
        "optimizer",
        "Optimizer",
        "choice",
        "Learning",
        "Adam as in the paper; AdamW only in other recipes.",
        (("adam", "Adam"), ("adamw", "AdamW")),
    ),
    Field("weight_decay", "Weight decay", "number", "Learning", "Pulls weights towards zero; 0 in the paper."),
    Field(
        "balance_classes",
        "Balance classes",
        "yes_no",
        "Learning",
        "Rare fractures weigh more, so both classes count alike in the loss, as in the paper's 1:1 data.",
        _YES_NO,
    ),
    Field("seed", "Seed", "whole", "Learning", "The same seed, data and machine give the same run."),
    Field(
        "mirror",
        "Mirror at random",
        "yes_no",
        "Changes to the images",
        "Half of the hips are shown mirrored, so right and left count alike.",
        _YES_NO,
    ),
    Field(
        "brightness",
        "Brightness change",
        "number",
        "Changes to the images",
        "Largest random change, as a share of the full range.",
    ),
    Field(
        "contrast",
        "Contrast change",
        "number",
        "Changes to the images",
        "Largest random change of contrast; 0 in the paper.",
    ),
    Field(
        "line_jitter",
        "Line jitter",
        "number",
        "Changes to the images",
        "Largest random shift of the dividing line, as a share of the window: where the cut lies must tell nothing.",
    ),
    Field(
        "halvings",
        "Halvings",
        "choice",
        "Changes to the images",
        "Which cuts of a hip are trained on: by the rectangle, by the midline, or a random one of both each time; or "
        "the square about each hip alone, and then diagnosis cuts squares too.",
        _HALVINGS,
    ),
    Field(
        "shift_jitter",
        "Shift of squares",
        "number",
        "Changes to the images",
        "Largest random shift of a square about a hip, as a share of its side: the finder may place it a little aside.",
    ),
    Field(
        "scale_jitter",
        "Scale of squares",
        "number",
        "Changes to the images",
        "Largest random change of such a square's side, as a share of it.",
    ),
    Field(
        "turn_jitter_deg",
        "Turn of squares (°)",
        "number",
        "Changes to the images",
        "Largest random turn of such a square, in degrees.",
    ),
    Field(
        "sharpness",
        "Sharpness change",
        "number",
        "Changes to the images",
        "How much of a random blurring or sharpening is applied, 0 to 1: detectors differ in it.",
    ),
    Field(
        "gamma",
        "Gamma change",
        "number",
        "Changes to the images",
        "Largest random change of the grey curve, as a logarithm: processing differs in it.",
    ),
    Field(
        "folds",
        "Folds of soft tissue",
        "number",
        "Changes to the images",
        "Share of images with drawn folds across them, 0 to 1: a fold is no fracture line.",
    ),
    Field(
        "edges",
        "Black edges",
        "number",
        "Changes to the images",
        "Share of images that end early, black, as a square does at the film's edge, 0 to 1.",
    ),
    Field(
        "sensitivity_target",
        "Sensitivity target",
        "number",
        "Thresholds",
        "Of the lower threshold, chosen on validation: how few fractures are missed.",
    ),
    Field(
        "specificity_target",
        "Specificity target",
        "number",
        "Thresholds",
        "Of the upper threshold, chosen on validation: how few false alarms.",
    ),
)
BY_NAME = {field.name: field for field in FIELDS}


def shown(value: Any) -> str:
    """A field's value as the text that is typed for it."""
    if isinstance(value, tuple):
        return ", ".join(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def words_of(field: Field, text: str) -> str:
    """A field's text as a person reads it."""
    return next((words for value, words in field.choices if value == text), text)


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
        case "choice":
            value = text
        case "name":
            value = text.strip()
    if field.name == "halvings":
        value = tuple(part.strip() for part in text.split(",") if part.strip())
    return replace(config, **{field.name: value})


def problem_of(recipe: str, field: Field, text: str) -> tuple[str, str]:
    """Of one field alone: (what it has to be, what was found), both empty where the text is good."""
    try:
        config = with_text(RECIPES[recipe], field, text)
        if field.name == "backbone" and not text.strip():
            return "a model of timm", text
        validated(config)
    except ValueError:
        return ("a whole number" if field.kind == "whole" else "a number"), text
    except UserError as error:
        return str(error.facts["detail"]), text
    return "", ""


def refusal(field: Field, needed: str, text: str) -> UserError:
    """The failure of a field that cannot be what was typed."""
    return UserError(ErrorCode.CONFIG_INVALID, field=field.label, value=text, detail=needed)
