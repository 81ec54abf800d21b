"""Export against its floor: the bare libraries that make the same images of the same films in two processes.

    python -m benchmarks.export [--films FOLDER] [--count 20] [--rounds 3]

Without --films, films of 4892 x 4020 pixels are made up, as JPEG and as native 12-bit DICOM. Floor and export take
turns on the same machine, so its other work hits both; the median of the ratios is what counts (goal: 0.85). A second
export of unchanged films is timed too.
"""

from __future__ import annotations

import argparse
import csv
import multiprocessing
import resource
import shutil
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from hipcad_desktop.domain.annotation import Answer, Finding, Verdict
from hipcad_desktop.domain.geometry import Rectangle
from hipcad_desktop.domain.scope import FilmScope
from hipcad_desktop.imaging.hip_image import PNG_LEVEL
from hipcad_desktop.store.project_store import Project
from hipcad_desktop.workflows import import_films as import_workflow
from hipcad_desktop.workflows.annotate import Session
from hipcad_desktop.workflows.export_dataset import CACHE_FOLDER, export_dataset
from hipcad_desktop.workflows.import_films import import_films
from hipcad_desktop.workflows.open_project import list_films, open_project

WIDTH, HEIGHT = 4892, 4020
PROCESSES = 2
Job = tuple[str, tuple[tuple[float, float], ...], str]


def make_films(folder: Path, count: int, *, kind: str) -> None:
    """Smooth shapes under grain, as heavy to decode as a real film (5 MB as JPEG)."""
    rng = np.random.default_rng(0)
    grain = rng.normal(0, 5, (HEIGHT, WIDTH)).astype(np.float32)
    folder.mkdir()
    for i in range(count):
        half = rng.integers(40, 220, (12, 8), dtype=np.uint8)
        coarse = Image.fromarray(np.hstack([half, half[:, ::-1]]))  # with a midline in the middle
        film = np.asarray(coarse.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC), np.float32)
        film = film + np.roll(grain, 41 * i, axis=1)
        if kind == "jpeg":
            Image.fromarray(np.clip(film, 0, 255).astype(np.uint8)).save(folder / f"film{i}.jpg", quality=93)
        else:
            _write_dicom(folder / f"film{i}.dcm", np.clip(film * 16, 0, 4095).astype(np.uint16))


def _write_dicom(path: Path, pixels: np.ndarray) -> None:
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid

    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[path.name])
    dataset = FileDataset(None, {}, file_meta=meta, preamble=bytes(128))
    dataset.SOPClassUID, dataset.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    dataset.Modality, dataset.PhotometricInterpretation = "DX", "MONOCHROME2"
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = *pixels.shape, 1
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    dataset.PixelData = pixels.tobytes()
    dataset.save_as(path, enforce_file_format=True)


def floor_film(job: Job) -> None:
    """One film by the bare libraries: open, to 8 bits, crop and resize once for each window, save as PNG."""
    path, windows, to = job
    if path.endswith(".dcm"):
        from pydicom import dcmread

        values = dcmread(path).pixel_array
        top = int(values.max())
        image = Image.fromarray((np.arange(top + 1) * 255 // max(top, 1)).astype(np.uint8)[values])
    else:
        image = Image.open(path)
        image.load()
        image = image if image.mode == "L" else image.convert("L")
    for i, (x0, x1) in enumerate(windows):
        hip = image.resize((380, 380), Image.Resampling.LANCZOS, box=(x0, 0, x1, image.height))
        hip.save(f"{to}/{Path(path).stem}_{i}.png", compress_level=PNG_LEVEL)


def floor(jobs: Sequence[Job], to: Path) -> float:
    """Seconds for all films in two processes that run already."""
    shutil.rmtree(to, ignore_errors=True)
    to.mkdir()
    with ProcessPoolExecutor(PROCESSES, mp_context=multiprocessing.get_context("spawn")) as pool:
        list(pool.map(floor_film, jobs[:PROCESSES]))  # started and imported
        start = time.perf_counter()
        list(pool.map(floor_film, jobs))
        return time.perf_counter() - start


def export(project: Project, to: Path, *, warm: bool) -> float:
    """Seconds for all films, the kept images taken away first unless warm."""
    shutil.rmtree(to, ignore_errors=True)
    if not warm:
        shutil.rmtree(project.path / CACHE_FOLDER, ignore_errors=True)
    start = time.perf_counter()
    export_dataset(project, to)
    return time.perf_counter() - start


def jobs_of(project: Project, dataset: Path, to: Path) -> list[Job]:
    """The windows that the export used, film by film."""
    windows: dict[str, dict[tuple[float, float], None]] = defaultdict(dict)
    with (dataset / "hips.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            windows[row["film_code"]].setdefault((float(row["x0_px"]), float(row["x1_px"])))
    films = {f.film_id[:12]: f.path for f in list_films(project, reader="bench")}
    return [(films[code], tuple(found), str(to)) for code, found in windows.items()]


def measure(films: Path, work: Path, *, rounds: int) -> None:
    """One line: films a second of both, their ratio, and the second export."""
    with open_project(work / "P", create=True) as project:
        import_films(project, [films])
        session = Session(project, reader="bench")
        for i, film in enumerate(list_films(project, reader="bench")):  # boxes differ, as windows of real films do
            box = Rectangle(
                film.width * (0.06 + 0.01 * (i % 7)), film.height * 0.4, film.width * 0.2, film.height * 0.2
            )
            session.save(film.film_id, Answer(Verdict.FRACTURE, (Finding(box),)))
        export(project, work / "D", warm=False)
        jobs = jobs_of(project, work / "D", work / "F")
        floors, exports, again = [], [], []
        for _ in range(rounds):
            floors.append(floor(jobs, work / "F"))
            exports.append(export(project, work / "D", warm=False))
            again.append(export(project, work / "D", warm=True))
    n = len(jobs)
    ratios = [f / e for f, e in zip(floors, exports, strict=True)]
    print(
        f"{films.name}: {n} films, floor {n / statistics.median(floors):.1f}/s, "
        f"export {n / statistics.median(exports):.1f}/s, "
        f"ratio {statistics.median(ratios):.2f} ({', '.join(f'{r:.2f}' for r in ratios)}); "
        f"unchanged films again {n / statistics.median(again):.0f}/s; "
        f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB",
        flush=True,
    )


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--films", type=Path, action="append", help="a folder of films, instead of made-up ones")
    options.add_argument("--count", type=int, default=20)
    options.add_argument("--rounds", type=int, default=3)
    chosen = options.parse_args()
    if not chosen.films:  # made-up films show no pelvis
        import_workflow.look = lambda film: FilmScope(film.radiograph.size.width / 2, 1.0)
    with tempfile.TemporaryDirectory(prefix="hipcad-bench-") as folder:
        work = Path(folder)
        sets = chosen.films or [work / "jpeg", work / "dicom"]
        for number, films in enumerate(sets):
            if not chosen.films:
                make_films(films, chosen.count, kind=films.name)
            (work / str(number)).mkdir()
            measure(films, work / str(number), rounds=chosen.rounds)


if __name__ == "__main__":
    main()
