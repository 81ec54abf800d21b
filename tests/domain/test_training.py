"""Recipes, what may train together, and configs that an earlier program wrote."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.halving import HalvingMethod
from hipcad_desktop.domain.training import HIP, PAPER, QUICK, RECIPES, TrainConfig, validated

NEW = ("shift_jitter", "scale_jitter", "turn_jitter_deg")


@pytest.mark.parametrize(
    "halvings", [("paper", "hip"), ("midline", "hip"), ("paper", "midline", "hip"), (), ("other",)]
)
def test_squares_train_alone(halvings: tuple[str, ...]) -> None:
    with pytest.raises(UserError) as caught:
        validated(replace(QUICK, halvings=halvings))
    assert (caught.value.code, caught.value.facts["field"]) == (ErrorCode.CONFIG_INVALID, "halvings")


@pytest.mark.parametrize(
    ("halvings", "judged"),
    [
        (("hip",), HalvingMethod.HIP),
        (("paper",), HalvingMethod.MIDLINE),
        (("midline",), HalvingMethod.MIDLINE),
        (("paper", "midline"), HalvingMethod.MIDLINE),
    ],
)
def test_a_network_is_judged_as_its_diagnosis_halves(halvings: tuple[str, ...], judged: HalvingMethod) -> None:
    assert validated(replace(QUICK, halvings=halvings)).judged_halving is judged


def test_every_recipe_can_be_and_only_the_one_of_squares_moves_them() -> None:
    assert all(validated(config).recipe == name for name, config in RECIPES.items())
    assert all(getattr(HIP, name) > 0 and getattr(PAPER, name) == getattr(QUICK, name) == 0 for name in NEW)
    assert (HIP.halvings, HIP.backbone) == (("hip",), QUICK.backbone)


@pytest.mark.parametrize(("name", "value"), [("shift_jitter", 0.3), ("scale_jitter", -0.1), ("turn_jitter_deg", 46.0)])
def test_the_squares_jitter_is_bounded(name: str, value: float) -> None:
    with pytest.raises(UserError) as caught:
        validated(replace(HIP, **{name: value}))  # type: ignore[arg-type]
    assert caught.value.facts["field"] == name


def test_a_config_without_the_squares_fields_is_read_with_their_defaults() -> None:
    old = {name: value for name, value in QUICK.to_json().items() if name not in NEW}
    assert TrainConfig.from_json(old) == QUICK
    with pytest.raises(UserError):
        TrainConfig.from_json({name: value for name, value in old.items() if name != "epochs"})
    with pytest.raises(UserError):
        TrainConfig.from_json({**old, "unknown": 1})
