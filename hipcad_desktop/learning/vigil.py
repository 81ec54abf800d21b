"""A long training watched over: it keeps the computer awake, and notices where the computer slept all the same."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from hipcad_desktop.domain.progress import Watch

_SLEPT_S = 5.0  # shorter gaps are the clocks' own resolution
_CLOCK_SET_S = 30.0  # RELIABILITY 8.9; also a virtual machine that stood still, whose other clocks stood with it
_UNITS_PER_S = 1e7  # of Windows' interrupt time: 100 ns


class Vigil:
    """Asked between layers and steps: waits while a run is paused, and tells that the computer slept."""

    def __init__(self, watch: Watch, clock: SleepClock | None = None) -> None:
        self._watch, self._clock = watch, clock or SleepClock()
        self._stood_s = 0.0

    def look(self) -> float:
        """Return when nobody asks for a pause (any more): how long the computer slept since the last look.

        Raises UserError CANCELLED where a paused run is cancelled.
        """
        began = awake_s()
        self._watch.wait_while_paused()
        self._stood_s += awake_s() - began
        return self._clock.slept_s()

    def now_s(self) -> float:
        """Seconds by a clock that stands still during pauses and sleep: speeds are measured by it."""
        return awake_s() - self._stood_s


def slept_sentence(seconds: float) -> str:
    """What is told of a sleep."""
    length = f"{seconds / 60:.0f} minutes" if seconds >= 90 else f"{seconds:.0f} seconds"
    return f"The computer slept for {length} (or its clock was set forward); the training goes on where it stood."


class SleepClock:
    """Tells how long the computer slept since it was asked last, from clocks that count sleep and one that does not."""

    def __init__(self, clocks_s: Callable[[], tuple[float, float, float]] | None = None) -> None:
        self._clocks_s = clocks_s or _clocks_s
        self._last = self._clocks_s()

    def slept_s(self) -> float:
        """Seconds of sleep, or by which the clock was set forward; 0 where there was neither."""
        last, self._last = self._last, self._clocks_s()
        awake, with_sleep, wall = (new - old for new, old in zip(self._last, last, strict=True))
        if with_sleep - awake >= _SLEPT_S:
            return with_sleep - awake
        return wall - awake if wall - awake >= _CLOCK_SET_S else 0.0


def _clocks_s() -> tuple[float, float, float]:
    """Seconds by a clock that stands still in sleep, by one that counts it and nobody sets, and by the wall's."""
    return awake_s(), _with_sleep_s(), time.time()


def awake_s() -> float:
    """Seconds by a clock that stands still while the computer sleeps."""
    if sys.platform == "win32":  # Python's monotonic clock counts sleep there
        import ctypes

        ticks = ctypes.c_ulonglong()
        ctypes.windll.kernel32.QueryUnbiasedInterruptTime(ctypes.byref(ticks))
        return ticks.value / _UNITS_PER_S
    if sys.platform == "darwin":
        return time.clock_gettime(time.CLOCK_UPTIME_RAW)
    return time.monotonic()


def _with_sleep_s() -> float:
    """Seconds by a clock that counts sleep and that nobody sets; where there is none, the one above."""
    if sys.platform == "win32":
        return time.monotonic()
    if sys.platform == "darwin":
        return time.clock_gettime(time.CLOCK_MONOTONIC)
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


@contextmanager
def kept_awake(why: str = "A training is running") -> Iterator[bool]:
    """Ask the system not to fall asleep by itself; whether it could be asked. A closed lid still puts it to sleep.

    The helper programs of Linux and macOS end with this process, however it ends.
    """
    if sys.platform == "win32":
        import ctypes

        continuous, system_required = 0x80000000, 0x00000001
        set_state = ctypes.windll.kernel32.SetThreadExecutionState
        asked = bool(set_state(continuous | system_required))
        try:
            yield asked
        finally:
            set_state(continuous)
        return
    helper = _helper(why)
    try:
        yield helper is not None
    finally:
        if helper is not None:
            if helper.stdin is not None:
                helper.stdin.close()
            helper.terminate()
            helper.wait()


def _helper(why: str) -> subprocess.Popen[bytes] | None:
    """caffeinate waits for our process; systemd-inhibit runs `cat`, which ends when our end of its input closes."""
    if sys.platform == "darwin":
        command = ["caffeinate", "-i", "-w", str(os.getpid())]
    else:
        inhibit = ["systemd-inhibit", "--what=sleep:idle", "--mode=block", "--who=HipCAD Desktop", f"--why={why}"]
        command = [*inhibit, "cat"]
    try:
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
    except OSError:  # a server, a container: nobody puts them to sleep
        return None
