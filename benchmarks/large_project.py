"""A project of 20,000 made-up films with two readers' readings, through the store and without any pixel.

python -m benchmarks.large_project FOLDER [--films 20000]
"""

from __future__ import annotations

import argparse
import random
import time
from pathlib import Path

from hipcad_desktop.domain.anatomy import FractureType, SideMap
from hipcad_desktop.domain.annotation import Answer, ExclusionReason, FilmFlag, Finding, Verdict
from hipcad_desktop.domain.diagnosis import Refusal, RefusalReason
from hipcad_desktop.domain.geometry import Rectangle, Size
from hipcad_desktop.domain.radiograph import FilmId, HeaderFacts, Mapping8, Radiograph
from hipcad_desktop.store.films import CohortFacts, FilmFile, NewFilm, add_films
from hipcad_desktop.store.project_store import Project
from hipcad_desktop.store.readings import Author, save_answers
from hipcad_desktop.workflows.open_project import open_project

WIDTH, HEIGHT = 2436, 2016
READERS = {"A. Surgeon": 0.9, "B. Surgeon": 0.6}  # the share of the films that each has read
WORDS = ("股関節", "山田", "pelvis AP", "hip", "骨盤正面")


def made_up_film(number: int, folder: Path) -> NewFilm:
    """A film of which only the row exists; every fourth shares its patient with the one before."""
    film_id = FilmId(f"{number * 2654435761 % 2**64:064x}")
    radiograph = Radiograph(
        film_id, f"{number:064x}", Size(WIDTH, HEIGHT), SideMap(), Mapping8("identity8", 0.0, 255.0, False),
        HeaderFacts(modality="DX", body_part="PELVIS", view_position="AP"), "DICOM",
    )  # fmt: skip
    refused = Refusal(RefusalReason.ONE_HIP_ONLY) if number % 50 == 0 else None
    path = folder / f"{number // 500:03d}" / f"{WORDS[number % len(WORDS)]} {number:05d}.dcm"
    day = f"2026-{1 + number % 12:02d}-{1 + number % 28:02d}"
    return NewFilm(
        radiograph, (FilmFile(path, 9_000_000, 1),), f"made-up^{number - number // 4}", WIDTH / 2, 1.0, refused,
        f"{day}T08:00:00Z", CohortFacts("病院 A" if number % 3 else "Hospital B", study_date=day.replace("-", "")),
    )  # fmt: skip


def made_up_answer(rng: random.Random) -> Answer:
    """Half fractures with a rectangle and mostly a type, the rest as in a real list."""
    flags = frozenset([rng.choice(list(FilmFlag))]) if rng.random() < 0.2 else frozenset()
    lot = rng.random()
    if lot < 0.5:
        kind = rng.choice(list(FractureType)) if rng.random() < 0.9 else None
        box = Rectangle(300.0 + rng.randrange(200), 900.0, 420.0, 480.0)
        return Answer(Verdict.FRACTURE, (Finding(box, kind),), mirrored=False, flags=flags)
    if lot < 0.9:
        return Answer(Verdict.NO_FRACTURE, mirrored=False, flags=flags)
    if lot < 0.95:
        return Answer(Verdict.UNSURE, flags=flags)
    return Answer(Verdict.EXCLUDED, exclusion=ExclusionReason.SHAFT_FRACTURE, flags=flags)


def fill(project: Project, films: int) -> None:
    """Add the films and both readers' answers."""
    new = [made_up_film(n, project.path / "nowhere") for n in range(films)]
    add_films(project, new)
    rng = random.Random(1)
    for reader, share in READERS.items():
        answers = [(f.radiograph.film_id, made_up_answer(rng)) for f in new[: round(films * share)]]
        save_answers(project, answers, author=Author(reader), created_utc="2026-02-01T10:00:00Z")


def main() -> None:
    """Make the project."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--films", type=int, default=20_000)
    options = parser.parse_args()
    began = time.perf_counter()
    with open_project(options.folder, create=True) as project:
        fill(project, options.films)
    print(f"{options.folder}: {options.films} films in {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
