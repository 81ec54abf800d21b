"""A film for the eye, out of the file of pixels that the decoder process left: nothing is decoded here.

Between window and decoder go only names of files and plain facts (domain.jobs), never a pickle.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hipcad_desktop.domain.anatomy import Side, SideMap, SideSource
from hipcad_desktop.domain.geometry import Size
from hipcad_desktop.domain.radiograph import FilmId, HeaderFacts, Mapping8, PatientFacts, Radiograph
from hipcad_desktop.imaging.film import Film
from hipcad_desktop.imaging.pixel_file import PixelFile, map_pixels
from hipcad_desktop.imaging.pyramid import finite as finite  # the window names these through here
from hipcad_desktop.imaging.pyramid import pyramid as pyramid
from hipcad_desktop.imaging.view_aid import LocalContrast as LocalContrast

KEPT_FOLDER = "cache/pixels"  # below a project's folder


@dataclass(frozen=True, slots=True)
class Question:
    """Which film is asked for: where its bytes may lie, and where its pixels should go.

    film_id None: whatever is in the file. kept: folder of pixels from before, or None. preview: a first look helps.
    """

    paths: tuple[str, ...]
    film_id: FilmId | None
    exchange: str
    kept: str | None = None
    preview: bool = False

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Question:
        """Back from asdict and JSON. Raises TypeError or KeyError on anything else."""
        return cls(**{**values, "paths": tuple(str(p) for p in values["paths"])})


@dataclass(frozen=True, slots=True)
class DisplayWindow:
    """What a file proposes for the eye: values low..high become the 256 greys of curve, or black..white where empty."""

    name: str
    low: float
    high: float
    curve: bytes = b""


@dataclass(frozen=True, slots=True, eq=False)
class ShownFilm:
    """A film with every halving of its values, and the windows that its file proposes."""

    film: Film
    levels: tuple[NDArray[Any], ...]
    windows: tuple[DisplayWindow, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Preview:
    """A first look: levels of the values, the first of them halved `halvings` times. exact: the film has the same."""

    levels: tuple[NDArray[Any], ...]
    halvings: int
    size: Size
    exact: bool


def open_shown(path: Path, *, said: Mapping[str, Any]) -> ShownFilm:
    """The film in a file of pixels, mapped into memory; said is what the decoder told beside it.

    Raises OSError where the file is not there, ValueError where it makes no sense.
    """
    pixels = map_pixels(path)
    levels = _levels(pixels)
    try:
        radiograph = _radiograph(pixels.facts["radiograph"])
        patient = PatientFacts(**said["patient"])
        windows = tuple(DisplayWindow(**{**w, "curve": bytes.fromhex(w["curve"])}) for w in said["windows"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("a film whose facts are not all there") from error
    eight_bit = pixels.arrays.get("eight_bit", levels[0])
    size = radiograph.size
    if eight_bit.dtype != np.uint8 or {eight_bit.shape, levels[0].shape} != {(size.height, size.width)}:
        raise ValueError("a film of another size")
    return ShownFilm(Film(radiograph, patient, levels[0], eight_bit), levels, windows)


def open_preview(path: Path) -> Preview:
    """The first look in a file of pixels. Raises as open_shown."""
    pixels = map_pixels(path)
    try:
        facts = pixels.facts
        size = Size(int(facts["width"]), int(facts["height"]))
        return Preview(_levels(pixels), int(facts["halvings"]), size, bool(facts["exact"]))
    except (KeyError, TypeError) as error:
        raise ValueError("a first look whose facts are not all there") from error


def _levels(pixels: PixelFile) -> tuple[NDArray[Any], ...]:
    count = sum(name.startswith("level") for name in pixels.arrays)
    if not count:
        raise ValueError("a file of pixels without a picture")
    return tuple(pixels.arrays[f"level{i}"] for i in range(count))


def _radiograph(facts: Mapping[str, Any]) -> Radiograph:
    """Back from asdict and JSON."""
    header, sides = dict(facts["header"]), facts["sides"]
    if header.get("spacing_mm") is not None:
        header["spacing_mm"] = tuple(header["spacing_mm"])
    return Radiograph(
        film_id=FilmId(facts["film_id"]),
        pixel_hash=facts["pixel_hash"],
        size=Size(**facts["size"]),
        sides=SideMap(Side(sides["picture_left"]), SideSource(sides["source"])),
        mapping=Mapping8(**facts["mapping"]),
        header=HeaderFacts(**header),
        kind=facts["kind"],
    )
