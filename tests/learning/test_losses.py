"""Losses are read when they have arrived: the loop never waits for a GPU that still has enough to do."""

from __future__ import annotations

import math

import pytest
import torch

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.learning.losses import Losses, _Coming


class Arrival:
    """A CUDA event that has happened once it was asked so many times."""

    def __init__(self, after: int) -> None:
        self.left = after

    def query(self) -> bool:
        self.left -= 1
        return self.left < 0


def coming(losses: Losses, *after: int) -> list[Arrival]:
    """Let losses 1.0, 2.0, ... of 4 hips each be on their way."""
    arrivals = [Arrival(n) for n in after]
    for step, arrival in enumerate(arrivals, start=1):
        losses._coming.append(_Coming(step, 4, torch.tensor(float(step)), arrival))  # type: ignore[arg-type]
    return arrivals


def never() -> None:
    """A check that nobody should need."""
    raise AssertionError("waited")


def test_what_is_on_its_way_is_not_waited_for() -> None:
    losses = Losses(1, check=never)
    coming(losses, 0, 1000, 1000)
    losses.read(leave=2)
    assert losses.last == losses.mean() == 1.0


def test_too_many_on_their_way_are_waited_for_and_a_cancel_ends_the_wait() -> None:
    asked = []
    losses = Losses(1, check=lambda: asked.append(1))
    coming(losses, 5, 1000, 1000)
    losses.read(leave=2)
    assert losses.last == 1.0
    assert len(asked) == 5

    losses = Losses(1, check=never)
    coming(losses, 1000)
    with pytest.raises(AssertionError, match="waited"):
        losses.read(leave=0)


def test_the_mean_counts_hips_and_leaves_out_what_is_no_number() -> None:
    losses = Losses(1, check=never)
    for step, (hips, loss) in enumerate([(4, 1.0), (2, math.inf), (2, 4.0)], start=1):
        losses.add(step, hips, torch.tensor(loss))
    losses.read(leave=0)
    assert losses.mean() == pytest.approx((4 * 1.0 + 2 * 4.0) / 6)
    assert losses.last == 4.0
    assert Losses(1, check=never).mean() is None


def test_three_in_a_row_that_are_no_number_end_the_run_with_their_step() -> None:
    losses = Losses(3, check=never)
    for step, loss in enumerate([1.0, math.nan, math.nan, 1.0, math.nan, math.inf, math.nan], start=1):
        losses.add(step, 2, torch.tensor(loss))
    with pytest.raises(UserError) as error:
        losses.read(leave=0)
    assert error.value.code is ErrorCode.LOSS_NOT_FINITE
    assert error.value.facts == {"epoch": 3, "step": 7}
