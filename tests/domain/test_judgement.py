"""Judgements of heat maps: what holds, in which order, when again, and what they come to."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from hipcad_desktop.domain.judgement import (
    HeatMap,
    Judgement,
    current,
    heat_maps_from_json,
    heat_maps_to_json,
    judgement_from_json,
    judging_order,
    summarise,
    washout_over,
    wilson,
)

NAMES = tuple(f"f{n}_R" for n in range(12))


def judged(name: str, covered: bool | None, *, reader: str = "A", round: int = 1, day: int = 1) -> Judgement:
    return Judgement(reader, round, name, covered, f"2026-03-{day:02d}T10:00:00.000000Z")


def test_the_last_answer_holds_and_one_taken_back_is_none() -> None:
    lines = [
        judged("a", True),
        judged("b", False),
        judged("a", False),
        judged("b", None),
        judged("c", True, reader="B"),
    ]
    held = current(lines, reader="A", round=1)
    assert {name: j.covered for name, j in held.items()} == {"a": False}


def test_orders_differ_by_round_and_reader_and_stay() -> None:
    one = judging_order(NAMES, reader="A", round=1, salt="s")
    assert sorted(one) == sorted(NAMES)
    assert judging_order(tuple(reversed(NAMES)), reader="A", round=1, salt="s") == one
    assert judging_order(NAMES, reader="A", round=2, salt="s") != one
    assert judging_order(NAMES, reader="B", round=1, salt="s") != one
    for reader in map(str, range(40)):  # with two heat maps a shuffle alone would give the same order half the time
        first, second = (judging_order(("a", "b"), reader=reader, round=r, salt="") for r in (1, 2))
        assert first != second


def test_washout_counts_from_the_last_answer_that_holds() -> None:
    lines = [judged("a", True, day=1), judged("b", True, day=5), judged("b", None, day=6)]
    over = washout_over(lines, reader="A")
    assert over is not None
    assert (over.month, over.day) == (3, 15)
    assert washout_over(lines, reader="B") is None


def test_shares_and_kappas() -> None:
    first = [judged(n, i < 9) for i, n in enumerate(NAMES)]
    second = [judged(n, i < 8, round=2, day=20) for i, n in enumerate(NAMES)]
    other = [judged(n, i < 9, reader="B") for i, n in enumerate(NAMES[:6])]
    found = summarise(NAMES, [*first, *second, *other, judged("gone", True)])
    a, b = found.readers
    assert (a.covered[1].hits, a.covered[1].n, a.covered[2].hits) == (9, 12, 8)
    # Cells 8, 1, 0, 3: observed 11/12, expected (9*8 + 3*4) / 144.
    assert a.again.value == pytest.approx((11 / 12 - 84 / 144) / (1 - 84 / 144))
    assert b.again.value is None
    assert b.again.reason == "no heat map was judged both times"
    ((one, two, kappa),) = found.between
    assert (one, two, kappa.n, kappa.observed) == ("A", "B", 6, 1.0)


def test_all_covered_twice_has_no_kappa_but_says_so() -> None:
    """The paper gives kappa 1.0 for this; by its definition it is 0/0."""
    lines = [judged(n, True, round=r, day=r) for n in NAMES for r in (1, 2)]
    (reader,) = summarise(NAMES, lines).readers
    assert reader.again.value is None
    assert reader.again.observed == 1.0


def test_wilson_against_published_values() -> None:
    """Newcombe, Stat Med 1998;17:857, table I, method 3: 81 of 263, 15 of 148, 0 of 20."""
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(15, 148) == pytest.approx((0.0624, 0.1605), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert wilson(0, 0) == (0.0, 1.0)


def test_heat_maps_there_and_back() -> None:
    made = HeatMap("f1", "R", "f1_R_hip.jpg", "f1_R_overlay.jpg", 0.8)
    values = heat_maps_to_json([made])
    values["heatmaps"][0]["of_a_later_version"] = 1
    assert heat_maps_from_json(values) == (made,)
    with pytest.raises(ValueError, match="version"):
        heat_maps_from_json({**values, "schema": 2})
    for name in ("../x.jpg", "a/b.jpg", "..", ""):
        with pytest.raises(ValueError, match="outside"):
            heat_maps_from_json({"schema": 1, "heatmaps": [asdict(made) | {"hip": name}]})


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"reader": "A"},
        {**judged("a", True).to_json(), "round": 3},
        {**judged("a", True).to_json(), "reader": ""},
        {**judged("a", True).to_json(), "at_utc": "soon"},
        {**judged("a", True).to_json(), "covered": "yes"},
    ],
)
def test_what_is_no_judgement(values: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        judgement_from_json(values)
