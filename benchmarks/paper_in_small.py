"""The paper in small: three simulated hospitals, two simulated readers, consensus, export, training, report.

    python -m benchmarks.paper_in_small [--films N] [--epochs E] [--to FOLDER] [--recipe quick|paper|hip] ...

Only the program's own verbs and workflows do the work; this script types them and sets the tables that come out beside
the paper's. All films are simulated and all readers too: what the figures say is that the whole way works, and how a
study of this size would look, nothing about patients. With --films 5242 --recipe paper it is the paper's own size.

The paper took films with a fracture only; --broken-share leaves some without, or kappa for presence has no second
class. How the readers err is in workflows/simulated_readers.py; how well they agree is measured.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import io
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.paper_tables import (
    HOSPITALS,
    PAPER_FILMS,
    PAPER_KAPPA,
    PAPER_SIZES,
    PAPER_SOURCE,
    cohort_rows,
    kappa_words,
    miss_rows,
    result_rows,
    table,
)
from hipcad_desktop.cli import main as hipcad
from hipcad_desktop.domain.agreement import Agreement
from hipcad_desktop.domain.annotation import Reading, Verdict
from hipcad_desktop.domain.consensus import consensus
from hipcad_desktop.domain.model_card import RESEARCH_USE
from hipcad_desktop.store.films import film_rows
from hipcad_desktop.store.readings import current_readings
from hipcad_desktop.workflows.agreement import agreement
from hipcad_desktop.workflows.open_project import open_project
from hipcad_desktop.workflows.simulated_readers import READERS, TOGETHER, TrueFilm, true_films, write_reading

ROOT = Path(__file__).resolve().parents[1]
TABLES_NAME, VALUES_NAME, LOG_NAME = "paper_in_small.txt", "paper_in_small.json", "commands.log"
TRAIN_OPTIONS = ("epochs", "backbone", "weights", "device", "batch", "input")
POINT = "fracture"  # the threshold of high specificity, as in the report's own table beside the paper


@dataclass(slots=True)
class Run:
    """What was typed, what came out, and how long it took."""

    folder: Path
    seconds: dict[str, float] = field(default_factory=dict)

    def verb(self, *words: str | Path, may_complain: bool = False) -> str:
        """One verb in this process; its standard output. SystemExit where it fails."""
        typed = [str(word) for word in words]
        print("hipcad " + shlex.join(typed), file=sys.stderr, flush=True)
        start, out = time.perf_counter(), io.StringIO()
        with contextlib.redirect_stdout(out):
            status = hipcad(typed)
        self._keep(typed, out.getvalue(), status, time.perf_counter() - start)
        if status and not (may_complain and status == 1):
            raise SystemExit(f"hipcad {typed[0]} ended with {status}; see {self.folder / LOG_NAME}")
        return out.getvalue()

    def several(self, commands: Sequence[Sequence[str | Path]]) -> None:
        """Verbs in processes of their own, as many at once as there are cores."""
        with ThreadPoolExecutor(min(len(commands), os.cpu_count() or 1)) as pool:
            for _ in pool.map(self._process, commands):
                pass

    def _process(self, words: Sequence[str | Path]) -> None:
        typed = [str(word) for word in words]
        print("hipcad " + shlex.join(typed), file=sys.stderr, flush=True)
        start = time.perf_counter()
        python = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
        done = subprocess.run(
            [sys.executable, "-m", "hipcad_desktop", *typed],
            env={**os.environ, "PYTHONPATH": python},
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        self._keep(typed, done.stdout, done.returncode, time.perf_counter() - start)
        if done.returncode:
            raise SystemExit(f"hipcad {typed[0]} ended with {done.returncode}")

    def _keep(self, typed: Sequence[str], out: str, status: int, seconds: float) -> None:
        name = typed[0] if typed[0] != "simulate" else f"simulate {typed[typed.index('--hospital') + 1]}"
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds
        with (self.folder / LOG_NAME).open("a", encoding="utf-8") as log:
            log.write(f"$ hipcad {shlex.join(typed)}\n{out}# exit status {status}, {seconds:.1f} s\n\n")


def films_of_hospitals(films: int) -> dict[str, int]:
    """So many films in the proportions of the paper's hospitals, at least two each."""
    total = sum(PAPER_FILMS.values())
    counts = {h: max(2, round(films * n / total)) for h, n in PAPER_FILMS.items()}
    largest = max(counts, key=lambda h: counts[h])
    counts[largest] = max(2, counts[largest] + films - sum(counts.values()))
    return counts


def simulate(run: Run, options: argparse.Namespace) -> tuple[TrueFilm, ...]:
    """Three folders of films in the hospitals' own formats, and what is so on them."""
    commands: list[list[str | Path]] = []
    folders = []
    for number, (hospital, films) in enumerate(films_of_hospitals(options.films).items()):
        folders.append(run.folder / f"hospital_{hospital}")
        size = ["--size", options.size] if options.size else []
        commands.append(
            [
                *("simulate", "--films", str(films), "--seed", str(options.seed + number), "--to", folders[-1]),
                *("--hospital", hospital, "--format", "hospital", "--broken-share", str(options.broken_share), *size),
            ]
        )
    run.several(commands)
    return true_films(folders)


def import_films(run: Run, films: Sequence[TrueFilm]) -> Path:
    """One project of all three, with hospital, sex and age of each patient as a hospital's list gives them."""
    project, patients = run.folder / "P", run.folder / "patients.csv"
    with patients.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("file", "patient", "hospital", "sex", "age"))
        writer.writerows((f.file, f.patient, f.hospital, f.sex, f.age_years) for f in films)
    folders = [run.folder / f"hospital_{h}" / "films" for h in HOSPITALS]
    run.verb("import", project, *folders, "--patients", patients, may_complain=True)
    return project


def read_films(run: Run, project: Path, films: Sequence[TrueFilm], *, seed: int) -> Agreement:
    """Both readers apart, then blinding ends, and what they differ on they answer together."""
    for reader, habits in READERS.items():
        answers = run.folder / f"{reader.lower().replace(' ', '_')}.csv"
        write_reading(films, answers, reader=reader, habits=habits, seed=seed)
        run.verb("readings", "import", project, answers, "--reader", reader, may_complain=True)
        run.verb("sign", project, "--reader", reader)
    run.verb("readers", project, "--end-blinding", "--why", "both readers signed")
    disputed = run.folder / "disputed.csv"
    run.verb("agreement", project, "--csv", disputed)
    with open_project(project) as opened:
        measured = agreement(opened)[0].agreement
    with disputed.open(newline="", encoding="utf-8") as file:
        names = {row["file"] for row in csv.DictReader(file)}
    if names:
        joint = run.folder / "adjudicated.csv"
        write_reading(films, joint, reader=" and ".join(READERS), habits=TOGETHER, seed=seed, only=names)
        run.verb("adjudicate", project, joint, "--by", *READERS)
    return measured


def learn(run: Run, project: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Dataset, model and report; the report's values."""
    dataset, model, report = run.folder / "DATASET", run.folder / "M.hipcad", run.folder / "REPORT"
    sizes = ("--test", str(options.test), "--validation", str(options.validation), "--seed", str(options.seed))
    run.verb("export", project, "--to", dataset, *sizes, may_complain=True)
    asked = [
        word
        for name in TRAIN_OPTIONS
        if (value := getattr(options, name)) is not None
        for word in (f"--{name}", str(value))
    ]
    run.verb("train", dataset, "--to", model, "--recipe", options.recipe, *asked)
    run.verb("evaluate", model, dataset, "--to", report)
    values: dict[str, Any] = json.loads((report / "report.json").read_text("utf-8"))
    return values


def against_truth(project: Path, films: Sequence[TrueFilm]) -> dict[str, dict[str, int]]:
    """What the consensus says of films with and without a fracture, which a real study never knows."""
    true = {f.file: f.answer.verdict.value for f in films}
    with open_project(project) as opened:
        names = {f.film_id: f.file_name for f in film_rows(opened, reader=None)}
        with opened.reading() as connection:
            readings: dict[str, list[Reading]] = {}
            for reading in current_readings(connection):
                readings.setdefault(reading.film_id, []).append(reading)
    said: dict[str, Counter[str]] = {}
    for film_id, name in names.items():
        answer = consensus(readings.get(film_id, ())).answer
        said.setdefault(true[name], Counter())["none" if answer is None else answer.verdict.value] += 1
    return {verdict: dict(counts) for verdict, counts in said.items()}


def tables(run: Run, films: Sequence[TrueFilm], found: Agreement, truth: dict[str, Any], report: dict[str, Any]) -> str:
    """Everything beside the paper's, as text."""
    cohort = json.loads((run.folder / "COHORT" / "cohort.json").read_text("utf-8"))
    with (run.folder / "disputed.csv").open(newline="", encoding="utf-8") as file:
        kinds = Counter(kind for row in csv.DictReader(file) for kind in row["kinds"].split(";"))
    sizes = [", ".join(list(cohort["sizes"].get(h, {}))[:1]) for h in HOSPITALS]
    sources = {row["label"]: row["total"] for row in cohort["rows"] if row["group"] == "diagnosed from"}
    broken, halvings = sum(PAPER_SOURCE.values()), report["halvings"]
    seen = truth.get(Verdict.FRACTURE.value, {})
    clear = truth.get(Verdict.NO_FRACTURE.value, {})
    parts = [
        f"THE PAPER IN SMALL: {len(films)} simulated films; every figure here is of simulated films and readers.",
        "Table 1. Ours | the paper's; p: whether our hospitals differ.",
        table(("", *HOSPITALS, "all", "p"), list(cohort_rows(cohort))),
        "Usual format and size: "
        + "; ".join(f"{h}: {own or '-'} | {p}" for h, own, p in zip(HOSPITALS, sizes, PAPER_SIZES, strict=True)),
        "Fracture first seen on: "
        + ", ".join(
            f"{name} {sources.get(name, 0)} | {n} ({100 * n / broken:.1f} %)" for name, n in PAPER_SOURCE.items()
        ),
        "Readers, before they met.",
        f"  kappa for presence, films: {kappa_words(found.presence_films)} | {PAPER_KAPPA}",
        f"  kappa for presence, hips: {kappa_words(found.presence_hips)} | -",
        f"  kappa for type: {kappa_words(found.types)} | -",
        f"  {len(found.disagreements)} of {found.films} films differed and were answered together: "
        + (", ".join(f"{name} {n}" for name, n in kinds.most_common()) or "none"),
        f"  Consensus against the truth: of {sum(seen.values())} films with a fracture "
        f"{seen.get(Verdict.FRACTURE.value, 0)} are called so; of {sum(clear.values())} without "
        f"{clear.get(Verdict.NO_FRACTURE.value, 0)}.",
        f"Test partition at the fracture threshold; the first halving is the program's accuracy. "
        f"{halvings[0]['films']} films, {halvings[0]['patients']} patients.",
        table(
            ("", "paper, as printed", *(f"here, {h['halving']} halving" for h in halvings)),
            list(result_rows(report, POINT)),
        ),
        f"Misses by type, {halvings[0]['halving']} halving.",
        table(("", "paper", "here"), list(miss_rows(report, POINT))),
        *(f"! {caution['sentence']}" for caution in report["cautions"]),
        "Seconds: " + ", ".join(f"{name} {value:.0f}" for name, value in run.seconds.items()),
        f"Seconds of processor time in all: {processor_seconds():.0f}.",
        RESEARCH_USE,
    ]
    return "\n\n".join(parts) + "\n"


def processor_seconds() -> float:
    """Of this process and of those it started: what the run costs where the machine has other work too."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def main() -> int:
    """Run everything into a folder and print the tables."""
    options = _parser().parse_args()
    folder = options.to.absolute()
    if folder.exists() and any(folder.iterdir()):
        if not (options.again and (folder / LOG_NAME).exists()):
            print(f"{folder} is not empty.", file=sys.stderr)
            return 2
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    run = Run(folder)
    (folder / LOG_NAME).write_text("", "utf-8")
    films = simulate(run, options)
    project = import_films(run, films)
    found = read_films(run, project, films, seed=options.seed)
    run.verb("cohort", project, "--to", folder / "COHORT")
    report = learn(run, project, options)
    truth = against_truth(project, films)
    text = tables(run, films, found, truth, report)
    (folder / TABLES_NAME).write_text(text, "utf-8")
    values = {
        "films": len(films),
        "seed": options.seed,
        "kappa": {"films": found.presence_films.value, "hips": found.presence_hips.value, "types": found.types.value},
        "disagreements": len(found.disagreements),
        "consensus": truth,
        "seconds": run.seconds,
        "processor_seconds": processor_seconds(),
        "report": "REPORT/report.json",
    }
    (folder / VALUES_NAME).write_text(json.dumps(values, indent=2) + "\n", "utf-8")
    print(text, end="")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--films", type=int, default=180)
    parser.add_argument("--to", type=Path, default=ROOT / "out" / "paper", metavar="FOLDER")
    parser.add_argument("--again", action="store_true", help="replace what an earlier run left in FOLDER")
    parser.add_argument("--seed", type=int, default=20200414)
    parser.add_argument(
        "--broken-share", type=float, default=0.75, help="of the films; the paper's: 1, kappa undefined"
    )
    parser.add_argument("--size", metavar="WxH", help="of all films, instead of each hospital's")
    parser.add_argument("--test", type=float, default=0.3, help="share of the patients; the paper's: 0.095")
    parser.add_argument("--validation", type=float, default=0.15, help="share of the patients; the paper's: 0.095")
    parser.add_argument("--recipe", default="quick")
    for name in TRAIN_OPTIONS:
        parser.add_argument(f"--{name}", help="as in hipcad train")
    return parser


if __name__ == "__main__":
    sys.exit(main())
