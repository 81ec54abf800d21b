"""The seven commands of the README on real films, and what came out: writes docs/transcript.md.

    HIPCAD_REAL_FILMS=<folder> python -m benchmarks.whole_way [--to FILE]

The folder holds the groups fracture/ and no_fracture/ and manifest.csv (file, group, fracture_boxes_xywh). Its films
name no patients; neighbouring file numbers are often one patient, so blocks of ten numbers count as one.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NUMBERS_IN_A_BLOCK = 10
LONGEST_OUTPUT_LINES = 40


def write_tables(films: Path, to: Path) -> None:
    """boxes.csv and patients.csv from the films' manifest."""
    with (films / "manifest.csv").open(newline="") as file:
        rows = [r for r in csv.DictReader(file) if r["group"] in ("fracture", "no_fracture")]
    with (to / "boxes.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", "verdict", "x", "y", "width", "height", "type"])
        for row in rows:
            boxes = json.loads(row["fracture_boxes_xywh"] or "[]")
            for box in boxes:
                table.writerow([row["file"], "fracture", *box, ""])
            if not boxes:
                table.writerow([row["file"], "no_fracture", "", "", "", "", ""])
    with (to / "patients.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", "patient"])
        for row in rows:
            number = int(re.sub(r"\D", "", Path(row["file"]).stem))
            table.writerow([row["file"], f"block {number // NUMBERS_IN_A_BLOCK}"])


def commands(films: Path, work: Path) -> list[list[str]]:
    """The verbs in order; the films to diagnose are some of each group and one that is out of scope."""
    chosen = [*sorted((films / "fracture").glob("*"))[:2], *sorted((films / "no_fracture").glob("*"))[:2]]
    chosen += sorted((films / "not_ap_pelvis").glob("*"))[:1]
    return [
        ["import", "P", f"{films}/fracture", f"{films}/no_fracture", "--patients", "patients.csv"],
        ["readings", "import", "P", "boxes.csv", "--reader", "A. Surgeon"],
        ["export", "P", "--to", "DATASET"],
        ["train", "DATASET", "--to", "M.hipcad", "--recipe", "quick"],
        ["evaluate", "M.hipcad", "DATASET", "--to", "REPORT"],
        ["diagnose", *map(str, chosen), "--model", "M.hipcad", "--to", "OUT"],
        ["doctor"],
    ]


def run(words: list[str], work: Path, films: Path) -> str:
    """One command as a Markdown block: what was typed, what came out, the exit status and the seconds."""
    start = time.perf_counter()
    result = subprocess.run(
        [sys.executable, "-m", "hipcad_desktop", *words],
        cwd=work,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - start
    lines = result.stdout.replace(str(films), "FILMS").splitlines()
    if len(lines) > LONGEST_OUTPUT_LINES:
        half = LONGEST_OUTPUT_LINES // 2
        lines = [*lines[:half], f"… {len(lines) - 2 * half} lines …", *lines[-half:]]
    typed = shlex.join(["hipcad", *words]).replace(str(films), "FILMS")
    body = "\n".join([f"$ {typed}", *lines, f"# exit status {result.returncode}, {seconds:.1f} s"])
    return f"```\n{body}\n```\n"


def main() -> int:
    """Run everything in a temporary folder and write the transcript."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, default=ROOT / "docs" / "transcript.md")
    options = parser.parse_args()
    if "HIPCAD_REAL_FILMS" not in os.environ:
        print("Set HIPCAD_REAL_FILMS to the folder of real films.", file=sys.stderr)
        return 2
    films = Path(os.environ["HIPCAD_REAL_FILMS"]).resolve()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        write_tables(films, work)
        blocks = []
        for words in commands(films, work):
            blocks.append(run(words, work, films))
            print(blocks[-1], flush=True)
        report = json.loads((work / "REPORT" / "report.json").read_text()) if (work / "REPORT").exists() else {}
    if report:
        print(json.dumps(report, indent=1)[:3000])
    notes = (ROOT / "docs" / "transcript_notes.md").read_text()
    options.to.write_text(notes + "\n" + "\n".join(blocks))
    return 0


if __name__ == "__main__":
    sys.exit(main())
