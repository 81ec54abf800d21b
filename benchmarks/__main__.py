"""All benchmarks one after the other, each short, each in a process of its own: python -m benchmarks [NAME ...].

Windows are drawn offscreen where there is no display. A benchmark that needs films from outside is passed over without
HIPCAD_REAL_FILMS. What each prints is shown; at the end stands a table of what ran, for how long, and its last words.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bench:
    """A module of this package, the words that make it short, and what it needs."""

    name: str
    words: tuple[str, ...] = ()
    real_films: bool = False
    module: str = ""  # beyond the program's own needs


BENCHES: tuple[Bench, ...] = (
    Bench("start", ("--rounds", "3")),
    Bench("next_film", ("--rounds", "5")),
    Bench("worklist"),
    Bench("labelme"),
    Bench("event_loop", ("--epochs", "4"), module="torch"),
    Bench("export", ("--count", "6", "--rounds", "1")),
    Bench("training", ("--rounds", "1", "--hips", "32"), module="torch"),
    Bench("diagnosis", module="torch"),
    Bench("midline", real_films=True),
    Bench("whole_way", real_films=True, module="torch"),
)
PATIENCE_S = 1800


def why_not(bench: Bench) -> str:
    """Why a benchmark cannot run here; empty where it can."""
    if importlib.util.find_spec(f"benchmarks.{bench.name}") is None:
        return "not in this version"
    if bench.real_films and not os.environ.get("HIPCAD_REAL_FILMS"):
        return "HIPCAD_REAL_FILMS is not set"
    if bench.module and importlib.util.find_spec(bench.module) is None:
        return f"{bench.module} is not installed"
    return ""


def run(bench: Bench) -> tuple[str, str]:
    """(how it ended and its seconds, its last line)."""
    environment = dict(os.environ)
    if sys.platform == "linux" and not (environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")):
        environment.setdefault("QT_QPA_PLATFORM", "offscreen")
    began, last = time.monotonic(), ""
    command = [sys.executable, "-m", f"benchmarks.{bench.name}", *bench.words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print("  " + line, end="", flush=True)
            last = line.strip() or last
        try:
            status = process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            status = -9
    seconds = time.monotonic() - began
    return f"{'ran' if status == 0 else f'status {status}'}, {seconds:.0f} s", last


def main() -> int:
    """Run what can run; the exit status says whether all of that ended well."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="only these")
    options = parser.parse_args()
    known = [bench.name for bench in BENCHES]
    for name in options.names:
        if name not in known:
            parser.error(f"no benchmark {name}; there are {', '.join(known)}")
    table: list[tuple[str, str, str]] = []
    for bench in BENCHES:
        if options.names and bench.name not in options.names:
            continue
        reason = why_not(bench)
        if reason:
            table.append((bench.name, "passed over", reason))
            continue
        print(f"{bench.name}", flush=True)
        table.append((bench.name, *run(bench)))
    print()
    for name, ended, words in table:
        print(f"{name:12} {ended:18} {words}")
    return 1 if any(ended.startswith("status") for _, ended, _ in table) else 0


if __name__ == "__main__":
    raise SystemExit(main())
