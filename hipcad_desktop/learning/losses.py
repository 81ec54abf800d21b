"""The losses of an epoch, read from the device without making it wait: on a GPU a step is only queued when called.

Reading a loss at once (float(loss)) would end the queue at each step, and the GPU would idle while Python prepares the
next one. So a loss is copied to page-locked memory behind its own step and read when it has arrived.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from hipcad_desktop.domain.errors import ErrorCode, UserError

_NON_FINITE_STEPS = 3
_LOOK_AGAIN_S = 0.0005


@dataclass(frozen=True, slots=True, eq=False)
class _Coming:
    step: int
    hips: int
    loss: Tensor  # on the CPU; a number only after arrival
    arrival: torch.cuda.Event | None  # None: it is there

    def has_arrived(self) -> bool:
        return self.arrival is None or bool(self.arrival.query())  # type: ignore[no-untyped-call]


class Losses:
    """The losses of one epoch. last: the newest that has arrived, None before the first and where it is no number."""

    def __init__(self, epoch: int, *, check: Callable[[], None]) -> None:
        self._epoch, self._check = epoch, check
        self._coming: deque[_Coming] = deque()
        self._sum, self._hips, self._not_finite = 0.0, 0, 0
        self.last: float | None = None

    def add(self, step: int, hips: int, loss: Tensor) -> None:
        """The mean loss (a scalar on its device) of a step over so many hips."""
        loss = loss.detach()
        if loss.device.type != "cuda":
            self._coming.append(_Coming(step, hips, loss, None))
            return
        there = torch.empty((), dtype=loss.dtype, pin_memory=True)
        there.copy_(loss, non_blocking=True)
        arrival = torch.cuda.Event()  # type: ignore[no-untyped-call]
        arrival.record()
        self._coming.append(_Coming(step, hips, there, arrival))

    def read(self, *, leave: int) -> None:
        """Take in what has arrived and wait, open to a cancel, until at most `leave` losses are on their way.

        Raises UserError LOSS_NOT_FINITE where several in a row are no number; a single one is passed over, as its step.
        """
        while self._coming:
            if not self._coming[0].has_arrived():
                if len(self._coming) <= leave:
                    return
                self._check()
                time.sleep(_LOOK_AGAIN_S)
                continue
            self._take(self._coming.popleft())

    def mean(self) -> float | None:
        """Over all hips whose loss is a number; None where there is none."""
        return self._sum / self._hips if self._hips else None

    def _take(self, come: _Coming) -> None:
        loss = come.loss.item()
        if math.isfinite(loss):
            self.last, self._not_finite = loss, 0
            self._sum, self._hips = self._sum + loss * come.hips, self._hips + come.hips
            return
        self.last, self._not_finite = None, self._not_finite + 1
        if self._not_finite == _NON_FINITE_STEPS:
            raise UserError(ErrorCode.LOSS_NOT_FINITE, epoch=self._epoch, step=come.step)
