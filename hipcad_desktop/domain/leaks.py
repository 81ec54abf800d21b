"""Leak probes: is the label told by what should not tell it? A probe that alarms makes every figure doubtful."""

from __future__ import annotations

from dataclasses import dataclass

from hipcad_desktop.domain.metrics import Estimate


@dataclass(frozen=True, slots=True)
class Probe:
    """One question put to the data, its answer as an area under the ROC curve, and whether it is an alarm.

    Checks that count instead of predicting (patients or near-duplicate films in two partitions) carry no area: their
    auc.value is None and auc.n counts what was compared.
    """

    name: str
    question: str
    auc: Estimate
    alarm: bool
    sentence: str
