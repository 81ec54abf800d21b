"""A model's card in words, for the window and the terminal alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hipcad_desktop.domain.halving import HalvingMethod
from hipcad_desktop.domain.model_card import ModelCard


def card_lines(card: ModelCard) -> list[tuple[str, str]]:
    """The card as label and words."""
    low, high = card.thresholds.no_fracture, card.thresholds.fracture
    made = card.thresholds_from
    measured = ", ".join(
        f"{made[key]} {words}"
        for key, words in (("n_fracture", "hips with a fracture"), ("n_no_fracture", "without"))
        if key in made
    )
    lines = [
        ("Name", card.name),
        ("Made", f"{card.created_utc} by HipCAD {card.program_version}"),
        ("Network", f"{card.backbone}, recipe {card.recipe}, input {card.input_px} px"),
        ("States", f"no fracture below {low:.3f}, fracture from {high:.3f}, doubt between"),
        ("Thresholds from", f"{made.get('partition', 'unknown')} partition" + (f": {measured}" if measured else "")),
        ("Trained on", _counts_words(card.data)),
        ("Figures", _figures_words(card.figures)),
        ("Probability", probability_words(card)),
        ("Halving", halving_words(card)),
        ("Weights", precision_words(card)),
        ("For", card.intended_use),
        ("Note", card.note),
        ("Limits", card.limits),
        ("Notice", card.notice),
    ]
    return [(label, words) for label, words in lines if words]


def halving_words(card: ModelCard) -> str:
    """How a film becomes the two images that the network sees."""
    if card.halving == HalvingMethod.HIP:
        return "hip: a square about each hip, placed and scaled by the femoral heads"
    return f"{card.halving}: each window reaches {card.overlap_share:.3f} of the film's width beyond the line"


def precision_words(card: ModelCard) -> str:
    """How the weights lie in the file, and what that changed."""
    if card.precision == "float32":
        return "in single precision"
    change = card.figures.get("largest_change_by_float16")
    said = f"; that changed no probability by more than {change:.4f}" if isinstance(change, float) else ""
    return f"in half precision, computed with in single{said}"


def probability_words(card: ModelCard) -> str:
    """What the number p of an answer means."""
    if card.temperature == 1:
        return "p is the network's own probability of a fracture, not calibrated: read it as an order, not as a share."
    meant = card.calibrated_prevalence
    where = "" if meant is None else f" among hips of which {meant:.0%} are broken"
    fitted = f"p is the probability of a fracture{where}, calibrated on the validation hips"
    return f"{fitted}; on films of another kind it may be off."


def _counts_words(data: Mapping[str, Any]) -> str:
    counts = data.get("counts")
    if not isinstance(counts, Mapping) or not counts:
        return "not said"
    return "\n".join(
        f"{name}: {c.get('patients', '?')} patients, {c.get('films', '?')} films, "
        f"{c.get('fracture', '?')} hips with and {c.get('no_fracture', '?')} without a fracture"
        for name, c in counts.items()
        if isinstance(c, Mapping)
    )


def _figures_words(figures: Mapping[str, Any]) -> str:
    auc = figures.get("auc")
    if not isinstance(auc, int | float):
        return "none"
    where = figures.get("partition", "validation")
    return f"AUC {auc:.3f} on the {where} partition, which also chose the thresholds: too good, see a test report"
