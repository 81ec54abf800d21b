"""kill -9 while a reader saves: python -m benchmarks.kill [N]. Counts what was lost, halved, or is not in the trail."""

from __future__ import annotations

import argparse
import os
import random
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from hipcad_desktop.domain.radiograph import FilmId
from hipcad_desktop.store.films import add_films
from hipcad_desktop.store.project_store import DATABASE_NAME, open_store
from hipcad_desktop.workflows.annotate import Session
from hipcad_desktop.workflows.audit import verify_audit
from tests.fakes.project_films import new_film

SAVING = """
import os
import sys
import time
from pathlib import Path
from hipcad_desktop.domain.annotation import Answer, Finding, Verdict
from hipcad_desktop.domain.geometry import Rectangle
from hipcad_desktop.store.project_store import open_store
from hipcad_desktop.workflows.annotate import Session

def save_for_ever(n):
    with open_store(Path(sys.argv[1]), create=False) as project:
        session = Session(project, reader="A")
        while True:
            n += 1
            findings = (Finding(Rectangle(n, 0, 1, 1)), Finding(Rectangle(n, 5, 1, 1)))
            start = time.perf_counter()
            if n % 7 == 0:
                session.sign(sys.argv[2])
            if n % 5 == 0:
                session.undo(reason="once more")
                session.redo(reason="once more")
            reading = session.save(sys.argv[2], Answer(Verdict.FRACTURE, findings), reason="goes on")
            print(os.getpid(), n, reading.revision, time.perf_counter() - start, flush=True)

for line in sys.stdin:  # one imported program, a child for every kill
    child = os.fork()
    if child == 0:
        save_for_ever(int(line))
    os.waitpid(child, 0)
    print("\\ndead", flush=True)  # a line of its own, whatever the child was killed in
"""


@dataclass(slots=True)
class KillFigures:
    """What 'kills' did: acknowledged saves and how many of them were lost, half readings, damaged databases."""

    kills: int = 0
    acknowledged: int = 0
    lost: int = 0
    halved: int = 0
    damaged: int = 0
    readings: int = 0
    audit_problems: int = 0
    median_s: float = 0.0


def kill_while_saving(
    project: Path, film: FilmId, *, kills: int, seed: int = 7, longest_s: float = 0.03
) -> KillFigures:
    """Kill a saving program at random moments; the project has to be there, with the film."""
    figures = KillFigures()
    chance = random.Random(seed)
    newest = 0
    seconds: list[float] = []
    command = [sys.executable, "-c", SAVING, str(project), film]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as nursery:
        assert nursery.stdin is not None
        assert nursery.stdout is not None
        for _ in range(kills):
            nursery.stdin.write(f"{newest}\n")
            nursery.stdin.flush()
            heard = [nursery.stdout.readline()]
            time.sleep(chance.uniform(0, longest_s))
            os.kill(int(heard[0].split()[0]), signal.SIGKILL)
            while (line := nursery.stdout.readline()) != "dead\n":
                if not line:
                    raise RuntimeError("the nursery died")
                if len(line.split()) == 4 and line.endswith("\n"):  # whole, so it was acknowledged
                    heard.append(line)
            seconds += [float(words.split()[3]) for words in heard]
            acknowledged, revision = map(int, heard[-1].split()[1:3])
            figures.kills += 1
            figures.acknowledged += len(heard)
            newest = _look(project, film, figures, acknowledged=acknowledged, revision=revision)
        nursery.stdin.close()
    figures.median_s = statistics.median(seconds)
    with open_store(project, create=False) as opened:
        figures.audit_problems = len(verify_audit(opened).problems)
    return figures


def _look(project: Path, film: FilmId, figures: KillFigures, *, acknowledged: int, revision: int) -> int:
    """Compare what is on the disk with what was acknowledged; the number to go on from."""
    with closing(sqlite3.connect(project / DATABASE_NAME)) as raw:
        figures.damaged += raw.execute("PRAGMA integrity_check").fetchone()[0] != "ok"
        said = "action IN ('save', 'undo', 'redo')"
        readings, told = raw.execute(
            f"SELECT (SELECT count(*) FROM reading), (SELECT count(*) FROM audit WHERE {said})"
        ).fetchone()
    with open_store(project, create=False) as opened:
        answers = [r.answer for r in Session(opened, reader="A").revisions(film)]
    figures.readings = readings
    figures.audit_problems += readings != told
    # undo, redo and save of the next number may be durable and not yet acknowledged
    figures.lost += not revision <= len(answers) <= revision + 3
    figures.halved += sum(a is not None and len(a.findings) != 2 for a in answers)
    numbers = [int(a.findings[0].rectangle.x) for a in answers if a is not None]
    figures.lost += acknowledged not in numbers
    return max(numbers)


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kills", type=int, nargs="?", default=200)
    kills = parser.parse_args().kills
    with tempfile.TemporaryDirectory() as folder:
        film = new_film(0, Path(folder))
        with open_store(Path(folder) / "P", create=True) as project:
            add_films(project, [film])
        found = kill_while_saving(Path(folder) / "P", film.radiograph.film_id, kills=kills)
    print(f"{found.kills} kills, {found.acknowledged} acknowledged saves: {found.lost} lost, {found.halved} halved")
    print(
        f"{found.damaged} damaged databases, {found.readings} readings, {found.audit_problems} wrong in the audit trail"
    )
    print(f"a save with its signature, undo and redo: {found.median_s * 1000:.2f} ms, median")
    if found.lost or found.halved or found.damaged or found.audit_problems:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
