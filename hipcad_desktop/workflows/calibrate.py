"""Validation decides what a probability means: temperature scaling, and how far the two thresholds can be trusted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hipcad_desktop.domain.metrics import CONFIDENCE, Thresholds

_LOWEST, _HIGHEST = 0.1, 10.0  # of the temperature
_FEWEST = 10  # hips of a class for one fitted number: ten events per parameter (Peduzzi, J Clin Epidemiol 1996;49:1373)
_FAR_BELOW = 0.05  # a share that may be this much below its target is worth a warning
_NEAR_END = 0.001  # a threshold that three decimals show as 0 or 1


@dataclass(frozen=True, slots=True)
class Temperature:
    """What the logits are divided by, and for which share of broken hips the probabilities then hold."""

    value: float
    prevalence: float
    loss_before: float  # mean negative log likelihood on validation, in nats, at temperature 1
    loss_after: float
    n_fracture: int
    n_no_fracture: int
    reason: str = ""  # why it is 1, or at the end of its range

    def to_json(self) -> dict[str, Any]:
        """A JSON object for the card's figures."""
        return {
            "value": self.value,
            "prevalence": self.prevalence,
            "loss_before": self.loss_before,
            "loss_after": self.loss_after,
            "n_fracture": self.n_fracture,
            "n_no_fracture": self.n_no_fracture,
            "reason": self.reason,
        }


def fit_temperature(margins: npt.NDArray[np.float64], fracture: Sequence[bool], *, balanced: bool) -> Temperature:
    """The temperature that makes validation most likely (Guo and others, ICML 2017), from 0.1 to 10.

    margins [N]: logit of "fracture" minus logit of "no fracture". balanced: both classes weigh alike, as in a training
    that weighs its loss so; the probabilities then hold where every second hip is broken, else where as many are as in
    validation. The order of the hips, and so AUC and ROC, does not change. It stays 1 where fewer than ten hips of a
    class could decide, or where every hip is on its right side: then the smallest temperature would fit best, which is
    certainty that nobody has measured. Raises ValueError where a class is missing.
    """
    from scipy.optimize import minimize_scalar

    truth = np.asarray(fracture, bool)
    broken, whole = int(truth.sum()), int((~truth).sum())
    if not broken or not whole:
        raise ValueError("a temperature needs hips of both classes")
    weights = np.where(truth, 0.5 / broken, 0.5 / whole) if balanced else np.full(len(truth), 1 / len(truth))
    signed = np.where(truth, margins, -margins)

    def loss(log_temperature: float) -> float:
        return float((weights * np.logaddexp(0.0, -signed / math.exp(log_temperature))).sum())

    value, reason = 1.0, ""
    if min(broken, whole) < _FEWEST:
        reason = f"fewer than {_FEWEST} validation hips of a class, too few to fit a temperature"
    elif (signed >= 0).all():
        reason = "every validation hip is on its right side of 50 %, so no temperature fits best"
    else:
        ends = (math.log(_LOWEST), math.log(_HIGHEST))
        found = minimize_scalar(loss, bounds=ends, method="bounded", options={"xatol": 1e-6})
        value = round(math.exp(float(found.x)), 6)
        if value < _LOWEST * 1.001 or value > _HIGHEST * 0.999:
            reason = "at the end of its range"
    return Temperature(
        value=value,
        prevalence=0.5 if balanced else broken / len(truth),
        loss_before=loss(0.0),
        loss_after=loss(math.log(value)),
        n_fracture=broken,
        n_no_fracture=whole,
        reason=reason,
    )


def probabilities(margins: npt.NDArray[np.float64], temperature: float) -> npt.NDArray[np.float64]:
    """The probability of a fracture of each margin, [N] to [N], to the last bit as the network gives it."""
    from hipcad_desktop.inference.network import sigmoid

    return sigmoid(margins / temperature)


def threshold_warnings(
    thresholds: Thresholds,
    *,
    n_fracture: int,
    n_no_fracture: int,
    sensitivity_target: float,
    specificity_target: float,
) -> tuple[str, ...]:
    """Sentences on thresholds that say nothing, or that rest on so few hips that new patients may fall far short.

    Each class needs a hip. A threshold reached by k of n hips is reached by a share of new hips that is distributed as
    Beta(k, n + 1 - k), whatever the model (Wilks, Ann Math Stat 1941;12:91).
    """
    found = [*_at_an_end("no fracture", thresholds.no_fracture), *_at_an_end("fracture", thresholds.fracture)]
    for name, kind, n, target in (
        ("sensitivity", "with a fracture", n_fracture, sensitivity_target),
        ("specificity", "without a fracture", n_no_fracture, specificity_target),
    ):
        low, high = reached_by_new_hips(n, target)
        if low < target - _FAR_BELOW:
            hips = f"{n} validation hip{'' if n == 1 else 's'} {kind}"
            found.append(
                f"The {name} of {target:.0%} aimed for rests on {hips}: on new patients it may lie anywhere from "
                f"{low:.0%} to {high:.0%}. More patients in validation would narrow that."
            )
    return tuple(found)


def reached_by_new_hips(n: int, target: float) -> tuple[float, float]:
    """With 95 % certainty, the lowest and highest share of new hips that reach what `target` of n reach."""
    from scipy.stats import beta

    needed = max(1, math.ceil(n * target - 1e-9))
    low, high = beta.ppf([(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], needed, n + 1 - needed)
    return float(low), float(high)


def _at_an_end(name: str, threshold: float) -> list[str]:
    if threshold < _NEAR_END:
        never = "no hip falls below it" if name == "no fracture" else "nearly every hip reaches it"
    elif threshold > 1 - _NEAR_END:
        never = "hardly any hip reaches it" if name == "fracture" else "nearly every hip falls below it"
    else:
        return []
    return [f'The threshold for "{name}" is {threshold:.3f}: {never}, so it sorts nothing. Do not rely on it.']
