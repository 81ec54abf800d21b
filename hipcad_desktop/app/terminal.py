"""What a person at a terminal sees: lines, complaints, progress, and Ctrl+C as a polite cancel."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Mapping
from types import FrameType
from typing import Any

from hipcad_desktop.domain.progress import Watch


def say(line: str) -> None:
    """One line on standard output."""
    print(line, flush=True)


def complain(line: str) -> None:
    """One line on standard error."""
    print(line, file=sys.stderr, flush=True)


class TerminalWatch(Watch):
    """Progress on standard error: a live line on a terminal, a line every few seconds elsewhere.

    The first Ctrl+C (or SIGTERM) cancels and leaves everything tidy, the second one ends the program at once.
    """

    def __init__(self, *, quiet: bool = False, every_s: float = 5.0) -> None:
        self._quiet = quiet
        self._live = sys.stderr.isatty()
        self._every_s = 0.1 if self._live else every_s
        self._last_s = time.monotonic()
        self._stop = threading.Event()
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        self._stop.set()
        signal.signal(number, signal.SIG_DFL)

    def cancelled(self) -> bool:
        """Whether Ctrl+C was pressed."""
        return self._stop.is_set()

    def started(self, **facts: Any) -> None:
        """One line of what runs, and on what."""
        if not self._quiet and facts:
            complain("  ".join(f"{k.replace('_', ' ')}: {v}" for k, v in facts.items() if v not in (None, "")))

    def step(self, stage: str, done: int, total: int, **facts: Any) -> None:
        """The stage and how far it is."""
        now = time.monotonic()
        if "event" in facts and not self._quiet:  # news is never held back
            self._tell_event(facts)
            return
        if self._quiet or (now - self._last_s < self._every_s and done < total) or (done >= total and not self._live):
            return
        self._last_s = now
        extra = "".join(f"  {k.replace('_', ' ')} {_short(v)}" for k, v in facts.items())
        if self._live:
            end = "\n" if done >= total else ""
            print(f"\r\x1b[K{stage} {done}/{total}{extra}", end=end, file=sys.stderr, flush=True)
        else:
            complain(f"{stage} {done}/{total}{extra}")

    def _tell_event(self, facts: Mapping[str, Any]) -> None:
        """One line of its own for what happened on the way; in words where the workflow gave some."""
        start = "\r\x1b[K" if self._live else ""
        words = facts.get("sentence") or "  ".join(f"{k.replace('_', ' ')} {_short(v)}" for k, v in facts.items())
        complain(f"{start}! {words}")

    def epoch(self, epoch: int, epochs: int, figures: Mapping[str, Any]) -> None:
        """An epoch's figures on one line."""
        if not self._quiet:
            start = "\r\x1b[K" if self._live else ""
            complain(
                f"{start}epoch {epoch}/{epochs}"
                + "".join(f"  {k.replace('_', ' ')} {_short(v)}" for k, v in figures.items())
            )


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
