"""Small made-up films for project tests: noise that is as symmetric as nothing, so the midline is told, not found."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hipcad_desktop.domain.anatomy import SideMap
from hipcad_desktop.domain.geometry import Size
from hipcad_desktop.domain.radiograph import FilmId, HeaderFacts, Mapping8, Radiograph
from hipcad_desktop.domain.scope import FilmScope
from hipcad_desktop.imaging.film import Film
from hipcad_desktop.store.films import FilmFile, NewFilm

WIDTH, HEIGHT = 200, 160


def write_film(path: Path, seed: int, *, width: int = WIDTH, height: int = HEIGHT, comment: str = "") -> Path:
    """A PNG of grey noise. The comment changes the bytes and not the pixels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    if comment:
        path.write_bytes(path.read_bytes() + comment.encode())
    return path


def write_films(folder: Path, count: int) -> list[Path]:
    """film0.png, film1.png, ..."""
    return [write_film(folder / f"film{i}.png", i) for i in range(count)]


def middle(film: Film) -> FilmScope:
    """A look at a film that finds the midline in its middle."""
    return FilmScope(film.radiograph.size.width / 2, 1.0)


@pytest.fixture
def midline_in_the_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Importing finds every midline in the middle of the film."""
    monkeypatch.setattr("hipcad_desktop.workflows.import_films.look", middle)


def new_film(number: int, folder: Path, *, identifier: str | None = None, pixels: str = "") -> NewFilm:
    """A film for the store alone; no file is needed."""
    film_id = FilmId(f"{number:064x}")
    radiograph = Radiograph(
        film_id=film_id,
        pixel_hash=pixels or f"pixels{number}",
        size=Size(WIDTH, HEIGHT),
        sides=SideMap(),
        mapping=Mapping8("identity8", 0.0, 255.0, False),
        header=HeaderFacts(),
        kind="PNG",
    )
    return NewFilm(
        radiograph=radiograph,
        files=(FilmFile(folder / f"film{number}.png", 1, 1),),
        patient_identifier=identifier,
        midline_px=WIDTH / 2,
        midline_confidence=1.0,
        refusal=None,
        imported_utc="2026-01-01T00:00:00Z",
    )
