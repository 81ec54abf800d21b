"""A hip taken apart, broken and put back: what changes, and what must not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hipcad_desktop.domain.anatomy import FractureType, ImageHalf
from hipcad_desktop.imaging.hips import find_hips
from hipcad_desktop.imaging.pelvis import find_pelvis, pyramid
from hipcad_desktop.synthesis.film import BaseFilm, HipAt


@pytest.fixture(scope="module")
def base(simulated_pelvis: np.ndarray) -> tuple[BaseFilm, tuple[HipAt, HipAt]]:
    """A simulated film taken apart where the hip finder finds its hips."""
    found = find_hips(simulated_pelvis, find_pelvis(pyramid(simulated_pelvis)))
    hips = tuple(HipAt(h.half, (h.head_x, h.head_y), (h.shaft_x, h.shaft_y), h.heads_px) for h in found)
    return BaseFilm.of(simulated_pelvis, hips), hips  # type: ignore[arg-type, return-value]


@pytest.mark.parametrize("kind", list(FractureType))
@pytest.mark.parametrize("half", list(ImageHalf))
def test_a_fracture_changes_its_own_hip_within_its_rectangle(
    base: tuple[BaseFilm, tuple[HipAt, HipAt]], kind: FractureType, half: ImageHalf
) -> None:
    film, hips = base
    made = film.made({half: kind, half.other: None}, np.random.default_rng(3))
    assert made.types == {half: kind}
    box = made.rectangles[half]
    hip = next(h for h in hips if h.half is half)
    outwards = 1 if half is ImageHalf.RIGHT else -1
    # on the femur: outside of the head's centre line, near the neck and the trochanters
    assert abs(box.centre_x - (hip.head[0] + outwards * 0.13 * hip.heads_px)) < 0.25 * hip.heads_px
    assert abs(box.y + box.height / 2 - (hip.head[1] + 0.15 * hip.heads_px)) < 0.4 * hip.heads_px
    height, width = made.film.shape
    assert box.x >= 0
    assert box.x1 <= width
    assert box.y1 <= height
    before = film.picture[:height]
    change = np.abs(made.film / 255 - before)
    inside = np.quantile(change[int(box.y) : int(box.y1), int(box.x) : int(box.x1)], 0.95)
    far = np.quantile(change[: int(0.5 * hip.head[1])], 0.95)  # the iliac wings and the spine stay
    assert inside > 1.5 * far


def test_whole_hips_stay_whole_and_are_not_copied(base: tuple[BaseFilm, tuple[HipAt, HipAt]]) -> None:
    film, _ = base
    made = film.made(dict.fromkeys(ImageHalf), np.random.default_rng(3))
    assert made.rectangles == {}
    before = (film.picture[: made.film.shape[0]] * 255).round()
    difference = np.abs(made.film - before)
    assert difference.max() > 2  # it went through the same path
    assert np.median(difference) < 4


def test_the_same_seed_gives_the_same_film(base: tuple[BaseFilm, tuple[HipAt, HipAt]]) -> None:
    film, _ = base
    wanted = {ImageHalf.LEFT: FractureType.AO_31_A2, ImageHalf.RIGHT: None}
    first, again, other = (film.made(wanted, np.random.default_rng(seed)).film for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert first.shape != other.shape or not np.array_equal(first, other)


def test_a_hip_at_the_edge_is_refused(simulated_pelvis: np.ndarray) -> None:
    height, width = simulated_pelvis.shape
    hips = (
        HipAt(ImageHalf.LEFT, (5.0, height * 0.9), (2.0, height * 0.99), width * 0.4),
        HipAt(ImageHalf.RIGHT, (width * 0.7, height * 0.9), (width * 0.8, height * 0.99), width * 0.4),
    )
    with pytest.raises(ValueError, match="edge"):
        BaseFilm.of(simulated_pelvis, hips)


def test_real_films_can_be_taken_apart(real_films: Path) -> None:
    from PIL import Image, ImageOps

    done = 0
    for path in sorted((real_films / "no_fracture").glob("*"))[:8]:
        picture = np.asarray(ImageOps.exif_transpose(Image.open(path)).convert("L"))
        found = find_hips(picture, find_pelvis(pyramid(picture)))
        hips = tuple(HipAt(h.half, (h.head_x, h.head_y), (h.shaft_x, h.shaft_y), h.heads_px) for h in found)
        made = BaseFilm.of(picture, hips).made(  # type: ignore[arg-type]
            {ImageHalf.LEFT: FractureType.GARDEN_IV, ImageHalf.RIGHT: None}, np.random.default_rng(0)
        )
        done += ImageHalf.LEFT in made.rectangles
    assert done == 8
