"""Rectangles, windows, sides, configurations and manifests as values."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipcad_desktop.domain.anatomy import ImageHalf, Side, SideMap
from hipcad_desktop.domain.dataset import DatasetManifest, NotExported
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.geometry import Rectangle, Size, Window
from hipcad_desktop.domain.radiograph import PatientFacts
from hipcad_desktop.domain.training import RECIPES, TrainConfig, validated

NUMBERS = st.floats(-1e4, 1e4)
RECTANGLES = st.builds(Rectangle, NUMBERS, NUMBERS, st.floats(1e-3, 1e4), st.floats(1e-3, 1e4))


@given(RECTANGLES, RECTANGLES)
def test_a_union_holds_both_in_any_order(one: Rectangle, other: Rectangle) -> None:
    union = one.union(other)
    assert union == other.union(one)
    for box in (one, other):
        assert union.x <= box.x
        assert union.y <= box.y
        assert union.x1 == pytest.approx(max(one.x1, other.x1))
        assert union.y1 == pytest.approx(max(one.y1, other.y1))


@given(RECTANGLES, st.builds(Size, st.integers(1, 5000), st.integers(1, 5000)))
def test_the_clipped_part_lies_in_film_and_rectangle(box: Rectangle, film: Size) -> None:
    part = box.clipped(film)
    if part is None:
        assert box.x >= film.width or box.y >= film.height or box.x1 <= 0 or box.y1 <= 0
        return
    assert part.x >= 0
    assert part.y >= 0
    assert part.x1 <= film.width + 1e-6
    assert part.y1 <= film.height + 1e-6
    assert part.width <= box.width + 1e-6
    assert part.clipped(film) is not None


@pytest.mark.parametrize("values", [(0, 0, 0, 1), (0, 0, 1, -1), (float("nan"), 0, 1, 1), (0, float("inf"), 1, 1)])
def test_no_rectangle_is_empty_or_endless(values: tuple[float, float, float, float]) -> None:
    with pytest.raises(ValueError, match="rectangle"):
        Rectangle(*values)


def test_sizes_and_windows_are_not_empty() -> None:
    with pytest.raises(ValueError, match="pixel"):
        Size(0, 5)
    with pytest.raises(ValueError, match="window"):
        Window(5, 5)
    assert Rectangle.from_corners(5, 6, 1, 2) == Rectangle(1, 2, 4, 4)


@pytest.mark.parametrize("picture_left", list(Side))
def test_sides_and_halves_are_each_others_inverse(picture_left: Side) -> None:
    sides = SideMap(picture_left)
    assert sides.side_of(ImageHalf.LEFT) is picture_left
    assert sides.mirrored is (picture_left is Side.LEFT)
    for half in ImageHalf:
        assert sides.half_of(sides.side_of(half)) is half
        assert sides.side_of(half.other) is sides.side_of(half).other


def test_patient_facts_do_not_show_themselves() -> None:
    facts = PatientFacts(identifier="42", name="Suzuki", birth_date="19400101")
    assert not any(word in f"{facts} {facts!r}" for word in ("42", "Suzuki", "1940"))


@pytest.mark.parametrize("config", RECIPES.values(), ids=RECIPES)
def test_recipes_are_valid_and_survive_json(config: TrainConfig) -> None:
    assert validated(config) is config
    assert TrainConfig.from_json(json.loads(json.dumps(config.to_json()))) == config


@pytest.mark.parametrize(
    ("field", "value"), [("batch", 1), ("epochs", 0), ("dropout", 1.0), ("halvings", ()), ("optimizer", "adamw")]
)
def test_a_config_that_cannot_be_is_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(UserError) as raised:
        validated(replace(RECIPES["paper"], **{field: value}))
    assert (raised.value.code, raised.value.facts["field"]) == (ErrorCode.CONFIG_INVALID, field)


def test_a_manifest_survives_json_without_file_names() -> None:
    left_out = NotExported("0123456789ab", "Suzuki.dcm", "file_missing", {"path": "/x/Suzuki.dcm", "reason": "other"})
    manifest = DatasetManifest(
        1, "0.1", 7, 0.1, 0.2, 0.12, ("identity8",), {"training": {"films": 1}}, "f" * 64, (left_out,), "notice"
    )
    text = json.dumps(manifest.to_json())
    assert "Suzuki" not in text
    back = DatasetManifest.from_json(json.loads(text))
    assert back == replace(manifest, not_exported=(replace(left_out, file_name="", facts={"reason": "other"}),))
    assert "/x/Suzuki.dcm" in left_out.sentence


def test_a_name_in_three_writings_is_shown_with_its_parts_apart() -> None:
    facts = PatientFacts(name="Yamada^Tarou=山田^太郎=やまだ^たろう", birth_date="19400102", sex="M")
    assert facts.words() == "Yamada Tarou (山田 太郎, やまだ たろう)   M   born 1940-01-02"
    assert PatientFacts().words() == ""
