"""How long work tells where it is and hears that it should stop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hipcad_desktop.domain.errors import ErrorCode, UserError


class Watch:
    """Passed to every long workflow. This one is silent and never cancels; the command line and the worker override."""

    def started(self, **facts: Any) -> None:
        """The work begins; facts name device, versions and sizes."""

    def step(self, stage: str, done: int, total: int, **facts: Any) -> None:
        """done of total steps of a stage are behind us. Cheap enough to call for each film or batch."""

    def epoch(self, epoch: int, epochs: int, figures: Mapping[str, Any]) -> None:
        """One epoch of training ended with these figures."""

    def artifact(self, what: str, path: str, **facts: Any) -> None:
        """Something for the eye or the next step lies at path."""

    def cancelled(self) -> bool:
        """Whether somebody asked to stop."""
        return False

    def paused(self) -> bool:
        """Whether somebody asked to pause: for who must tell it on before waiting."""
        return False

    def wait_while_paused(self) -> None:
        """Return at once unless somebody asked to pause; then when it goes on. Raises UserError CANCELLED meanwhile.

        Call it where nothing is half-done that somebody else waits for. Files and locks stay held.
        """

    def check(self, what: str) -> None:
        """Raise UserError CANCELLED where somebody asked to stop; call it between films and batches."""
        if self.cancelled():
            raise UserError(ErrorCode.CANCELLED, what=what)
