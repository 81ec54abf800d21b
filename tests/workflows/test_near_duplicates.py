"""Copies across partitions are found, cropped or saved again; other films are not."""

from __future__ import annotations

import csv
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from hipcad_desktop.domain.cohort import Partition
from hipcad_desktop.domain.dataset import HipEntry
from hipcad_desktop.domain.geometry import Window
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.imaging.hip_image import hip_image
from hipcad_desktop.imaging.reader import read_film
from hipcad_desktop.workflows.leak_cues import thumbnail
from hipcad_desktop.workflows.near_duplicates import SAME_FILM, likeness, near_duplicates
from tests.fakes.textured_dataset import copied, texture
from tests.workflows.test_subgroups import film

FILMS = os.environ.get("HIPCAD_REAL_FILMS", "")
PARTS = (Partition.TRAINING, Partition.VALIDATION, Partition.TEST)


def entries(parts: list[Partition]) -> list[HipEntry]:
    """One hip a film, in these partitions."""
    return [replace(film(number, 0.5, 0.5)[0][0], partition=part) for number, part in enumerate(parts)]


def found(images: list[NDArray[np.uint8]], parts: list[Partition]) -> set[tuple[int, int]]:
    thumbs = np.stack([thumbnail(image) for image in images])
    pairs = near_duplicates(entries(parts), thumbs, watch=Watch())
    return {(int(d.film), int(d.other)) for d in pairs}


def test_a_cropped_and_recompressed_copy_in_another_partition_is_found() -> None:
    images = [texture(n) for n in range(12)] + [copied(texture(3)), copied(texture(5)[:, ::-1])]
    parts = [PARTS[n % 2] for n in range(12)] + [Partition.TEST, Partition.TEST]
    assert found(images, parts) == {(3, 12), (5, 13)}


def test_a_copy_in_the_same_partition_is_no_leak() -> None:
    images = [texture(n) for n in range(6)] + [copied(texture(3))]
    parts = [Partition.TEST, Partition.TEST, Partition.TEST, Partition.TRAINING, *PARTS[1:], Partition.TRAINING]
    assert found(images, parts) == set()


def test_flat_images_are_no_copies() -> None:
    assert found([np.full((380, 380), level, np.uint8) for level in (0, 0, 120, 120)], [*PARTS, PARTS[0]]) == set()


def test_an_empty_dataset() -> None:
    assert near_duplicates([], np.zeros((0, 128, 128), np.uint8), watch=Watch()) == ()


@pytest.mark.skipif(not FILMS, reason="HIPCAD_REAL_FILMS names no folder of real films")
def test_copies_of_real_films_are_told_from_other_films() -> None:
    folder = Path(FILMS)
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        names = [row["file"] for row in csv.DictReader(file) if row["group"] == "no_fracture"][::2]
    images = []
    for name in names:
        pixels = read_film(folder / name).eight_bit
        images.append(hip_image(pixels, Window(0.0, 0.6 * pixels.shape[1])))
    thumbs = [thumbnail(image) for image in images]
    copies = [likeness(thumbnail(copied(image)), thumb) for image, thumb in zip(images, thumbs, strict=True)]
    assert np.mean(np.array(copies) >= SAME_FILM) >= 0.95
    # Neighbouring files are often one patient, whose retake counts rightly: few are left among those further apart.
    others = [likeness(a, b) for a, b in zip(thumbs, thumbs[7:], strict=False)]
    assert np.mean(np.array(others) >= SAME_FILM) <= 0.02
    assert np.median(copies) > max(0.8, np.median(others) + 0.4)
