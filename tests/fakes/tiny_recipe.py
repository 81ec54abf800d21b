"""A recipe that trains in a second or two: timm's own network for tests, from random weights."""

from __future__ import annotations

from dataclasses import replace

from hipcad_desktop.domain.training import QUICK

TINY = replace(
    QUICK,
    backbone="test_efficientnet.r160_in1k",
    weights="none",
    input_px=64,
    batch=4,
    epochs=2,
    max_learning_rate=3e-3,
)
