"""What films show beside a fracture: as often as asked, where it was asked, and in the pixels."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from hipcad_desktop.domain.anatomy import FractureType, Side
from hipcad_desktop.domain.geometry import Size
from hipcad_desktop.simulation.anatomy import draw_anatomy
from hipcad_desktop.simulation.case import SHARES, Case, Cassette, Implant, Shares, draw_case, draw_type
from hipcad_desktop.simulation.exposure import WHITE
from hipcad_desktop.simulation.film import SimulatedFilm, simulate_film
from hipcad_desktop.simulation.wear import head_shift, worn

SMALL = Size(260, 214)
NOTHING = Shares(0, 0, 0, 0, 0, 0, 0, 0)


def film(case: Case, *, fracture: FractureType | None = None, seed: int = 4) -> SimulatedFilm:
    """A small film whose left hip is asked about."""
    return simulate_film(seed=seed, size=SMALL, hospital="A", fracture=fracture, side=Side.LEFT, case=case)


def around(made: SimulatedFilm, side: Side) -> np.ndarray:
    """The film's values in a square of 120 mm about a femoral head."""
    x, y = made.truth.head_right_px if side is Side.RIGHT else made.truth.head_left_px
    r = 60 / made.truth.spacing_mm
    return made.values[max(0, int(y - r)) : int(y + r), max(0, int(x - r)) : int(x + r)].astype(float)


@pytest.mark.parametrize("implant", list(Implant))
def test_metal_is_white_on_its_side_and_changes_nothing_on_the_other(implant: Implant) -> None:
    plain, metal = film(Case()), film(Case(implants=(implant, None)))
    white = 0.9 * metal.values.max()
    assert (around(metal, Side.RIGHT) > white).sum() > (around(plain, Side.RIGHT) > white).sum() + 20
    change = np.abs(around(metal, Side.LEFT) - around(plain, Side.LEFT)).mean()
    assert change < 0.02 * WHITE
    assert metal.truth.case.implants == (implant, None)
    assert metal.truth.head_right_px == plain.truth.head_right_px


def test_a_prosthesis_replaces_the_head() -> None:
    assert {i for i in Implant if i.replaces_head} == {Implant.TOTAL, Implant.HEMI}


def test_a_worn_hip_is_narrower_and_its_head_higher() -> None:
    a = draw_anatomy(np.random.default_rng(1))
    gaps = [worn(a, grade).joint_space_mm - head_shift(a, grade)[2] for grade in range(5)]
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[4] < 0.2 * a.joint_space_mm
    assert [worn(a, g).wear for g in range(5)] == sorted(worn(a, g).wear for g in range(5))
    plain, bad = film(Case()), film(Case(wear=(4, 0)))
    assert bad.truth.head_right_px[1] < plain.truth.head_right_px[1]
    assert bad.truth.head_left_px == plain.truth.head_left_px
    assert np.abs(around(bad, Side.RIGHT) - around(plain, Side.RIGHT)).mean() > 5


def test_both_hips_are_broken_with_two_rectangles() -> None:
    case = Case(other_fracture=FractureType.GREATER_TROCHANTER)
    truth = film(case, fracture=FractureType.GARDEN_IV).truth
    assert truth.broken_sides == (Side.LEFT, Side.RIGHT)
    assert [f.fracture_type for f in truth.findings] == [FractureType.GARDEN_IV, FractureType.GREATER_TROCHANTER]
    left, right = (f.rectangle.centre_x for f in truth.findings)
    assert right < truth.midline_px < left
    one = film(Case(), fracture=FractureType.GARDEN_IV).truth
    assert one.findings[0] == truth.findings[0]
    assert film(case).truth.findings == ()


def test_a_held_fracture_hardly_shows() -> None:
    free = film(Case(), fracture=FractureType.AO_31_A2).truth
    held = film(Case(implants=(None, Implant.NAIL)), fracture=FractureType.AO_31_A2).truth
    assert held.visibility[0] < free.visibility[0]


def test_displaced_fractures_show_more_than_the_ones_readers_miss() -> None:
    seen = {
        kind: np.mean([film(Case(), fracture=kind, seed=seed).truth.visibility[0] for seed in (1, 2, 3)])
        for kind in (FractureType.GARDEN_II, FractureType.GREATER_TROCHANTER, FractureType.AO_31_A2)
    }
    assert seen[FractureType.GARDEN_II] < seen[FractureType.AO_31_A2]
    assert seen[FractureType.GREATER_TROCHANTER] < seen[FractureType.AO_31_A2]
    assert all(0 < v < 1 for v in seen.values())


@pytest.mark.parametrize(
    "case",
    [Case(spine_implant=True), Case(old_pelvic_fracture=True), Case(vessels=1.0)],
    ids=["spine implant", "old fracture", "vessels"],
)
def test_other_findings_show(case: Case) -> None:
    change = np.abs(film(case).values.astype(float) - film(Case()).values.astype(float))
    assert change.max() > 60


def test_a_lesion_takes_bone_away_at_the_fracture() -> None:
    plain = film(Case(), fracture=FractureType.AO_31_A1)
    lytic = film(Case(pathologic=True), fracture=FractureType.AO_31_A1)
    r = plain.truth.findings[0].rectangle
    inside = np.s_[int(r.y) : int(r.y1), int(r.x) : int(r.x1)]
    assert lytic.values[inside].mean() < plain.values[inside].mean()


@pytest.mark.parametrize("cassette", list(Cassette))
def test_a_cassette_has_its_shape_at_the_hospitals_resolution(cassette: Cassette) -> None:
    made = simulate_film(seed=2, size=None, hospital="C", fracture=None, side=Side.LEFT, case=Case(cassette=cassette))
    height, width = made.values.shape
    assert {Cassette.LANDSCAPE: width > height, Cassette.PORTRAIT: height > width}.get(cassette, width == height)
    assert made.truth.spacing_mm == pytest.approx(415 / 1020, rel=0.002)
    for x, y in (made.truth.head_left_px, made.truth.head_right_px, made.truth.shaft_left_px):
        assert 0 < x < width
        assert 0 < y < height


def test_shafts_lie_below_and_outside_the_heads() -> None:
    t = film(Case()).truth
    assert t.shaft_right_px[0] < t.head_right_px[0] < t.symphysis_px[0] < t.head_left_px[0] < t.shaft_left_px[0]
    assert min(t.shaft_right_px[1], t.shaft_left_px[1]) > max(t.head_right_px[1], t.head_left_px[1])
    names = [name for name, _ in t.parameters]
    assert len(names) == len(set(names))
    assert {"anatomy_osteoporosis", "pose_external_deg_1", "exposure_gamma", "anatomy_girth"} <= set(names)


def test_cases_occur_as_often_as_their_shares_say() -> None:
    rng = np.random.default_rng(5)
    cases = [
        draw_case(rng, hospital="B", fracture=FractureType.AO_31_A1, side=Side.LEFT, shares=SHARES["B"])
        for _ in range(4000)
    ]
    implants = np.mean([any(c.implants) for c in cases])
    assert implants == pytest.approx(SHARES["B"].implant + SHARES["B"].fixed, abs=0.015)  # 125 of 1205
    assert np.mean([max(c.wear) >= 3 for c in cases]) == pytest.approx(SHARES["B"].arthritis, abs=0.006)
    assert {c.implants[1] is not None for c in cases} == {True, False}  # some on the broken hip
    nothing = [
        draw_case(rng, hospital="B", fracture=FractureType.AO_31_A1, side=Side.LEFT, shares=NOTHING) for _ in range(50)
    ]
    assert {(c.implants, c.other_fracture, c.spine_implant, c.cassette) for c in nothing} == {
        ((None, None), None, False, Cassette.LANDSCAPE)
    }


def test_one_share_does_not_change_the_other_findings() -> None:
    def drawn(shares: Shares) -> Case:
        rng = np.random.default_rng(8)
        return draw_case(rng, hospital="A", fracture=None, side=Side.LEFT, shares=shares)

    metal = drawn(replace(NOTHING, implant=1.0))
    assert metal.implants != (None, None)
    if not any(i and i.replaces_head for i in metal.implants):
        assert replace(metal, implants=(None, None)) == drawn(NOTHING)


def test_types_occur_as_in_each_hospital() -> None:
    rng = np.random.default_rng(6)
    found = {h: Counter(draw_type(rng, h) for _ in range(6000)) for h in ("A", "C")}  # type: ignore[arg-type]
    assert found["A"][FractureType.AO_31_A1] / 6000 == pytest.approx(489 / 1617, abs=0.025)
    assert found["C"][FractureType.AO_31_A1] / 6000 == pytest.approx(509 / 2420, abs=0.025)
    assert found["C"][FractureType.GREATER_TROCHANTER] / 6000 == pytest.approx(88 / 2420, abs=0.015)
