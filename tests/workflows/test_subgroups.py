"""Parts of a partition on scores known by hand."""

from __future__ import annotations

import random

import pytest

from hipcad_desktop.domain import subgroups as kinds
from hipcad_desktop.domain.anatomy import Side
from hipcad_desktop.domain.cohort import Partition
from hipcad_desktop.domain.dataset import HipEntry
from hipcad_desktop.domain.diagnosis import state_of
from hipcad_desktop.domain.evaluation import HipScore
from hipcad_desktop.domain.halving import HalvingMethod
from hipcad_desktop.domain.metrics import Thresholds
from hipcad_desktop.domain.subgroups import Subgroup
from hipcad_desktop.workflows.subgroups import subgroups_of

THRESHOLDS = Thresholds(no_fracture=0.3, fracture=0.7)


def film(number: int, p: float, other: float, kind: str = "", **facts: str) -> list[tuple[HipEntry, HipScore]]:
    """Two hips; the right one is broken where kind is given ("?" for a fracture of no type)."""
    hips = []
    for side, value, broken in ((Side.RIGHT, p, bool(kind)), (Side.LEFT, other, False)):
        image = f"{number}_{side.value}"
        entry = HipEntry(
            image=image,
            sha256="",
            film_code=f"{number:012d}",
            patient=f"P{number:04d}",
            partition=Partition.TEST,
            side=side,
            side_source="assumed",
            fracture=broken,
            pair_has_fracture=bool(kind),
            fracture_type=kind.strip("?") if broken else "",
            halving=HalvingMethod.MIDLINE,
            x0_px=0.0,
            x1_px=500.0,
            line_px=500.0,
            margin_share=None,
            overlap_share=0.0,
            film_width=1000,
            film_height=900,
            mapping_rule="identity8",
            mapping_low=0.0,
            mapping_high=255.0,
            **facts,
        )
        score = HipScore(
            image,
            entry.film_code,
            entry.patient,
            side,
            broken,
            entry.pair_has_fracture,
            entry.fracture_type,
            value,
            state_of(value, THRESHOLDS),
        )
        hips.append((entry, score))
    return hips


FILMS = [
    *film(1, 0.9, 0.1, "Garden I", hospital="A", sex="F", age_band="80-89", flags="spine implant; osteoarthritis"),
    *film(2, 0.2, 0.1, "Garden II", hospital="A", sex="M", age_band="70-79", flags="osteoarthritis"),
    *film(3, 0.8, 0.4, "31-A2", hospital="B", sex="F", age_band="80-89"),
    *film(4, 0.8, 0.1, "Garden IV; greater trochanter", hospital="B", sex="F", age_band="90+"),
    *film(5, 0.75, 0.1, hospital="", sex="", age_band=""),
]


def groups(films: list[tuple[HipEntry, HipScore]] = FILMS) -> dict[tuple[str, str], Subgroup]:
    entries = {entry.image: entry for entry, _ in films}
    return {(g.kind, g.name): g for g in subgroups_of([s for _, s in films], entries, THRESHOLDS)}


def test_types_and_their_groups_as_the_papers_table_has_them() -> None:
    found = groups()
    garden = found[kinds.TYPE_GROUP, "Garden I/II"]
    assert (garden.hips, garden.fracture, garden.no_fracture, garden.patients) == (2, 2, 0, 2)
    assert (garden.sensitivity["fracture"].hits, garden.sensitivity["no_fracture"].hits) == (1, 1)
    assert garden.specificity["fracture"].value is None
    # 0.9 and 0.2 against the whole hips 0.1 0.1 0.4 0.1 0.75 0.1: six won, and four of six.
    assert garden.auc.value == pytest.approx((6 + 4) / 12)
    assert found[kinds.TYPE, "Garden I"].sensitivity["fracture"].hits == 1
    assert found[kinds.TYPE_GROUP, "several types"].hips == 1
    order = [name for kind, name in found if kind == kinds.TYPE_GROUP]
    assert order == ["Garden I/II", "31-A2", "several types"]


def test_hospitals_have_their_own_broken_and_whole_hips_and_the_unknown_comes_last() -> None:
    found = groups()
    a, unknown = found[kinds.HOSPITAL, "A"], found[kinds.HOSPITAL, "not known"]
    assert (a.hips, a.fracture, a.no_fracture) == (4, 2, 2)
    assert a.auc.value == 1
    assert (a.sensitivity["fracture"].hits, a.sensitivity["fracture"].n) == (1, 2)
    assert (unknown.fracture, unknown.no_fracture) == (0, 2)
    assert unknown.auc.value is None
    assert "fracture" in unknown.auc.reason
    assert unknown.specificity["fracture"].hits == 1
    assert [name for kind, name in found if kind == kinds.HOSPITAL] == ["A", "B", "not known"]


def test_a_film_with_two_findings_counts_in_both() -> None:
    found = groups()
    names = [name for kind, name in found if kind == kinds.FINDINGS]
    assert names == ["spine implant", "osteoarthritis", "none of these"]
    assert found[kinds.FINDINGS, "osteoarthritis"].hips == 4
    assert found[kinds.FINDINGS, "spine implant"].hips == 2


def test_kinds_of_negatives_are_set_against_all_broken_hips() -> None:
    found = groups()
    other, none = (found[kinds.NEGATIVES, n] for n in ("the other hip of a broken one", "films without any fracture"))
    assert (other.hips, other.fracture, none.hips) == (4, 0, 2)
    assert none.specificity["fracture"].hits == 1
    assert none.auc.n == 6


def test_what_is_known_of_nobody_is_left_out() -> None:
    found = groups(film(1, 0.9, 0.1, "?") + film(2, 0.2, 0.1))
    assert {kind for kind, _ in found} == {kinds.SIDE, kinds.NEGATIVES}


def test_order_of_the_hips_does_not_matter() -> None:
    shuffled = FILMS.copy()
    random.Random(1).shuffle(shuffled)
    assert list(groups(shuffled).items()) == list(groups().items())


def test_ages_and_sexes_are_named() -> None:
    found = groups()
    assert [n for k, n in found if k == kinds.AGE] == ["70-79", "80-89", "90+", "not known"]
    assert [n for k, n in found if k == kinds.SEX] == ["female", "male", "not known"]
