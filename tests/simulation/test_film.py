"""Simulated films: the same arguments give the same film, and the truth lies where the pixels say."""

from __future__ import annotations

import numpy as np
import pytest

from hipcad_desktop.domain.anatomy import FractureType, Side
from hipcad_desktop.domain.geometry import Size
from hipcad_desktop.imaging.midline import find_midline
from hipcad_desktop.simulation.anatomy import Stream, draw_pose, stream
from hipcad_desktop.simulation.exposure import STYLES, WHITE, Hospital
from hipcad_desktop.simulation.film import SimulatedFilm, simulate_film

SMALL = Size(300, 246)


def film(
    seed: int = 3,
    *,
    fracture: FractureType | None = None,
    side: Side = Side.LEFT,
    hospital: Hospital = "A",
    size: Size | None = SMALL,
) -> SimulatedFilm:
    """A small film."""
    return simulate_film(seed=seed, size=size, hospital=hospital, fracture=fracture, side=side)


def test_the_same_arguments_give_the_same_film() -> None:
    first = film(fracture=FractureType.AO_31_A2)
    second = film(fracture=FractureType.AO_31_A2)
    assert first.values.tobytes() == second.values.tobytes()
    assert first.truth == second.truth


def test_another_seed_and_another_hospital_give_another_film() -> None:
    pictures = {film(3).values.tobytes(), film(4).values.tobytes(), film(3, hospital="B").values.tobytes()}
    assert len(pictures) == 3


@pytest.mark.parametrize("hospital", ["A", "B", "C"])
def test_a_hospital_has_its_own_size_and_twelve_bits(hospital: Hospital) -> None:
    made = film(hospital=hospital, size=None)
    assert made.values.shape == (STYLES[hospital].size.height, STYLES[hospital].size.width)
    assert made.values.dtype == np.uint16
    assert 2000 < made.values.max() <= WHITE
    assert made.truth.spacing_mm == pytest.approx(STYLES[hospital].field_mm / STYLES[hospital].size.width)


@pytest.mark.parametrize("fracture", list(FractureType))
@pytest.mark.parametrize("side", list(Side))
def test_the_rectangle_lies_on_the_film_on_its_side(fracture: FractureType, side: Side) -> None:
    truth = film(5, fracture=fracture, side=side).truth
    (finding,) = truth.findings
    r = finding.rectangle
    assert finding.fracture_type is fracture
    assert r.x >= 0
    assert r.y >= 0
    assert r.x1 <= SMALL.width
    assert r.y1 <= SMALL.height
    # the patient's right lies on the picture's left
    assert (r.centre_x < truth.midline_px) is (side is Side.RIGHT)
    head = truth.head_right_px if side is Side.RIGHT else truth.head_left_px
    assert abs(r.centre_x - head[0]) < 100 / truth.spacing_mm


@pytest.mark.parametrize("fracture", list(FractureType))
def test_a_fracture_changes_the_rectangle_more_than_the_rest(fracture: FractureType) -> None:
    whole, broken = film(6), film(6, fracture=fracture)
    change = np.abs(broken.values.astype(float) - whole.values.astype(float))
    r = broken.truth.findings[0].rectangle
    inside = np.zeros(change.shape, dtype=bool)
    inside[int(r.y) : int(r.y1), int(r.x) : int(r.x1)] = True
    assert change[inside].mean() > 2 * change[~inside].mean()  # where the leg is shorter, the shaft changes too
    assert change[inside].mean() > 10


def test_a_whole_film_has_no_finding_whatever_the_side() -> None:
    right, left = film(side=Side.RIGHT), film(side=Side.LEFT)
    assert right.truth.findings == ()
    assert right.truth.side is None
    assert right.values.tobytes() == left.values.tobytes()


def test_patients_lie_off_the_middle_and_rolled() -> None:
    poses = [draw_pose(stream(seed, Stream.POSE)) for seed in range(40)]
    assert np.std([p.shift_mm[0] for p in poses]) > 8
    assert np.std([p.roll_deg for p in poses]) > 1
    truth = film().truth
    assert abs(truth.midline_px - SMALL.width / 2) == pytest.approx(
        abs(draw_pose(stream(3, Stream.POSE)).shift_mm[0]) / truth.spacing_mm, abs=3
    )


def test_the_midline_finder_finds_the_midline() -> None:
    errors = []
    for seed, hospital in ((11, "A"), (12, "B"), (13, "C")):
        made = film(seed, hospital=hospital, size=Size(380, 316))  # type: ignore[arg-type]
        found = find_midline((made.values >> 4).astype(np.uint8))
        errors.append(abs(found.x_px - made.truth.midline_px) / 380)
    assert max(errors) < 0.03


def test_the_truth_is_the_same_at_every_size() -> None:
    small = film(8, fracture=FractureType.GARDEN_IV).truth
    large = film(8, fracture=FractureType.GARDEN_IV, size=Size(600, 492)).truth
    assert small.midline_px / 300 == pytest.approx(large.midline_px / 600, abs=1e-6)
    assert small.head_left_px[1] / 246 == pytest.approx(large.head_left_px[1] / 492, abs=1e-6)
    assert small.findings[0].rectangle.x / 300 == pytest.approx(large.findings[0].rectangle.x / 600, abs=0.01)
