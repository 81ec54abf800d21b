"""Try a built program as its user would: it starts, its codecs decode, a sample film gets an answer, the window opens.

    python packaging/smoke.py dist/HipCAD

Runs with an empty environment but for what a desktop gives, so nothing of the checkout can help it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path


def main() -> int:
    """Run every check and say each; 1 where one fails."""
    folder = Path(sys.argv[1]).resolve()
    program = str(folder / ("hipcad" if sys.platform.startswith("linux") else "hipcad-console"))
    with tempfile.TemporaryDirectory() as home:
        environment = {"HOME": home, "PATH": "/usr/bin:/bin", "QT_QPA_PLATFORM": "offscreen", "LANG": "C.UTF-8"}

        def run(*words: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [program, *words], env=environment, cwd=home, capture_output=True, text=True, timeout=300, check=False
            )

        failures = 0

        def check(name: str, ok: bool, detail: str) -> None:
            nonlocal failures
            failures += not ok
            print(f"{'ok  ' if ok else 'FAIL'} {name}: {detail}", flush=True)

        version = run("--version")
        check("starts", version.returncode == 0, version.stdout.strip() or version.stderr[-500:])
        doctor = run("doctor", "--json")
        states = {c["name"]: c for c in json.loads(doctor.stdout)} if doctor.stdout else {}
        codecs = states.get("Codecs", {"state": "missing", "found": doctor.stderr[-500:]})
        check("codecs", codecs["state"] == "ok", codecs["found"])
        tour = run("tour", "--to", str(Path(home) / "out"))
        out = Path(home) / "out"
        answers = json.loads((out / "diagnoses.json").read_text()) if (out / "diagnoses.json").exists() else []
        check("window and diagnosis", tour.returncode == 0 and bool(answers), f"{len(answers)} sample films answered")
        if tour.returncode:
            print(tour.stderr[-3000:])
        pictures = [p for p in out.glob("*.png") if p.stat().st_size > 20_000]
        check("screenshots", len(pictures) >= 3, ", ".join(p.name for p in pictures))
        torch = [p for p in folder.rglob("*") if p.name.startswith(("torch", "libtorch", "triton"))]
        check("no torch inside", not torch, f"{_size_mb(folder)} MB unpacked")
    return 1 if failures else 0


def _size_mb(folder: Path) -> int:
    return sum(os.path.getsize(p) for p in folder.rglob("*") if p.is_file() and not p.is_symlink()) // 1_000_000


if __name__ == "__main__":
    sys.exit(main())
