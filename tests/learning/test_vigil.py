"""Sleep is noticed by clocks that disagree, and the computer is asked to stay awake."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.learning.vigil import SleepClock, Vigil, kept_awake, slept_sentence


class Clocks:
    """awake, counting sleep, wall; set by the test."""

    def __init__(self) -> None:
        self.now = [100.0, 5000.0, 1e9]

    def __call__(self) -> tuple[float, float, float]:
        return self.now[0], self.now[1], self.now[2]

    def pass_s(self, awake: float, with_sleep: float, wall: float) -> None:
        self.now = [old + more for old, more in zip(self.now, (awake, with_sleep, wall), strict=True)]


@pytest.mark.parametrize(
    ("passed", "slept_s"),
    [
        ((60.0, 60.0, 60.0), 0.0),  # a slow step is no sleep
        ((1.0, 3601.0, 3601.0), 3600.0),
        ((1.0, 3601.0, 1.0), 3600.0),  # and the wall's clock was set back meanwhile
        ((1.0, 4.0, 4.0), 0.0),  # clocks that drift
        ((1.0, 1.0, 1801.0), 1800.0),  # a virtual machine stood still, or the clock was set
        ((1.0, 1.0, 20.0), 0.0),  # a small correction of the clock
        ((1.0, 1.0, -3600.0), 0.0),
    ],
)
def test_sleep_is_what_one_clock_counts_and_the_other_does_not(
    passed: tuple[float, float, float], slept_s: float
) -> None:
    clocks = Clocks()
    clock = SleepClock(clocks)
    clocks.pass_s(*passed)
    assert clock.slept_s() == pytest.approx(slept_s)
    clocks.pass_s(1.0, 1.0, 1.0)
    assert clock.slept_s() == 0.0  # told once


def test_the_real_clocks_tell_of_no_sleep_while_awake() -> None:
    clock = SleepClock()
    time.sleep(0.05)
    assert clock.slept_s() == 0.0


def test_a_pause_is_not_counted_as_work() -> None:
    class Paused(Watch):
        def wait_while_paused(self) -> None:
            time.sleep(0.3)

    vigil = Vigil(Paused())
    began = vigil.now_s()
    assert vigil.look() == 0.0
    assert vigil.now_s() - began < 0.2


def test_a_cancel_comes_out_of_a_pause() -> None:
    class Cancelled(Watch):
        def cancelled(self) -> bool:
            return True

        def wait_while_paused(self) -> None:
            self.check("The training")

    with pytest.raises(UserError) as stopped:
        Vigil(Cancelled()).look()
    assert stopped.value.code is ErrorCode.CANCELLED


def test_a_sleep_is_told_in_minutes() -> None:
    assert "42 minutes" in slept_sentence(2520)
    assert "20 seconds" in slept_sentence(20)


HOLDING = """
import sys, time
from hipcad_desktop.learning.vigil import kept_awake
with kept_awake("Because"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="systemd-inhibit is Linux's")
def test_the_lock_against_sleep_ends_with_us_and_even_with_a_kill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stand-in for systemd-inhibit notes how it was called and runs its command, as the real one does."""
    program = tmp_path / "systemd-inhibit"
    program.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/called\ncat\necho over > {tmp_path}/over\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    process = subprocess.Popen([sys.executable, "-c", HOLDING], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    wait_for(tmp_path / "called")
    assert "--what=sleep:idle" in (tmp_path / "called").read_text()
    assert not (tmp_path / "over").exists()
    process.kill()
    process.communicate()
    wait_for(tmp_path / "over")


def wait_for(path: Path) -> None:
    """Until a file is there and not empty."""
    end = time.monotonic() + 10
    while not (path.exists() and path.stat().st_size):
        assert time.monotonic() < end, path
        time.sleep(0.02)


def test_a_system_that_cannot_be_asked_is_no_failure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with kept_awake() as asked:
        assert asked is (sys.platform == "win32")
