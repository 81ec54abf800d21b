"""Random changes: what was drawn is what happens, and what happens depends on seed and epoch alone."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hipcad_desktop.domain.training import HIP
from hipcad_desktop.learning import transforms
from hipcad_desktop.learning.architecture import build_network
from hipcad_desktop.learning.data import HipSet
from hipcad_desktop.learning.preprocess import Preprocess
from hipcad_desktop.learning.transforms import Draws, derived_seed, draw_epoch
from tests.learning.hips import made_up, small

changed = partial(transforms.changed, config=HIP)
NEUTRAL = Preprocess(input_px=380, mean=(0.0,) * 3, std=(1.0,) * 3)


def draws(**changes: float) -> Draws:
    """One hip with no change but these."""
    values = {"start": 0.0, "end": 1.0, "mirror": 0.0, "brightness": 0.0, "contrast": 0.0, **changes}
    one = {k: torch.tensor([v]) for k, v in values.items()}
    return Draws(torch.tensor([0]), torch.tensor([0]), **{**one, "mirror": one["mirror"] > 0})


def ramp() -> torch.Tensor:
    """One hip that is dark at the left and bright at the right."""
    return torch.linspace(50, 200, 380).round().to(torch.uint8).repeat(1, 380, 1)


def test_nothing_drawn_changes_nothing() -> None:
    torch.testing.assert_close(changed(NEUTRAL, ramp(), draws()), NEUTRAL(ramp()))


def test_mirroring_is_about_the_vertical_axis() -> None:
    torch.testing.assert_close(changed(NEUTRAL, ramp(), draws(mirror=1.0)), NEUTRAL(ramp()).flip(3))


def test_brightness_is_a_share_of_the_full_range() -> None:
    brighter = changed(NEUTRAL, ramp(), draws(brightness=0.1)) - NEUTRAL(ramp())
    torch.testing.assert_close(brighter, torch.full_like(brighter, 0.1))


def test_contrast_spreads_about_the_mean() -> None:
    spread = changed(NEUTRAL, ramp(), draws(contrast=0.1))
    torch.testing.assert_close(spread.std(), NEUTRAL(ramp()).std() * 1.1)
    torch.testing.assert_close(spread.mean(), NEUTRAL(ramp()).mean())


def test_the_inner_edge_is_cropped_and_the_rest_stretched() -> None:
    kept = changed(NEUTRAL, ramp(), draws(end=0.9))[0, 0, 0]
    assert abs(float(kept[0]) * 255 - 50) < 1
    assert abs(float(kept[-1]) * 255 - (50 + 150 * 0.9)) < 1


def test_only_the_inner_edge_moves() -> None:
    hips = made_up(40, 0)
    drawn = draw_epoch(hips, small(line_jitter=0.1), 1)
    inner_right = hips.inner_right[drawn.image]
    assert bool((drawn.start[inner_right] == 0).all())
    assert bool((drawn.end[~inner_right] == 1).all())
    assert 0.05 < float((1 - drawn.end[inner_right]).max()) <= 0.1
    assert 0.05 < float(drawn.start[~inner_right].max()) <= 0.1


def test_an_epoch_is_drawn_from_seed_and_number_alone() -> None:
    hips, config = made_up(20, 0, halvings=2), small(dropout=0.5)
    first, again, next_one = (draw_epoch(hips, config, epoch, features=8) for epoch in (1, 1, 2))
    assert all(
        torch.equal(getattr(first, n), getattr(again, n)) for n in Draws.__slots__ if n not in ("place", "texture")
    )
    assert not torch.equal(first.image, next_one.image)
    assert derived_seed(1, 11, "draws") != derived_seed(11, 1, "draws")


SQUARES = {"halvings": ("hip",), "shift_jitter": 0.08, "scale_jitter": 0.12, "turn_jitter_deg": 6.0}


def test_only_squares_are_placed_elsewhere_and_no_other_draw_changes() -> None:
    hips = made_up(400, 0)
    strips, squares = (
        draw_epoch(hips, small(**{**SQUARES, "halvings": ("midline",)}), 1),
        draw_epoch(hips, small(**SQUARES), 1),
    )
    assert strips.place is None
    assert draw_epoch(hips, small(halvings=("hip",)), 1).place is None
    assert all(torch.equal(getattr(strips, n), getattr(squares, n)) for n in ("image", "mirror", "brightness"))
    assert squares.place is not None
    shift = squares.place[:, :, 2] / 2
    assert 0.07 < float(shift.max()) <= 0.08
    assert -0.08 <= float(shift.min()) < -0.07
    scale = squares.place[:, 0, :2].norm(dim=1)
    assert (scale >= 0.88 - 1e-6).all()
    assert (scale <= 1.12 + 1e-6).all()
    assert float(scale.max() - scale.min()) > 0.2
    turn = torch.rad2deg(torch.atan2(squares.place[:, 1, 0], squares.place[:, 0, 0]))
    assert 5 < float(turn.abs().max()) <= 6.001
    again = draw_epoch(hips, small(**SQUARES), 1).place
    other = draw_epoch(hips, small(**SQUARES), 2).place
    assert torch.equal(squares.place, again)  # type: ignore[arg-type]
    assert not torch.equal(squares.place, other)  # type: ignore[arg-type]
    cut = [batch.place for batch in squares.batches(7)]
    assert torch.equal(torch.cat(cut), squares.place)  # type: ignore[arg-type]


def placed(*rows: tuple[float, float, float]) -> Draws:
    return replace(draws(), place=torch.tensor([rows], dtype=torch.float32))


def test_a_square_is_taken_from_where_it_is_placed() -> None:
    generator = torch.Generator().manual_seed(3)
    hip = torch.randint(0, 256, (1, 380, 380), generator=generator, dtype=torch.uint8)
    as_it_is = NEUTRAL(hip)
    torch.testing.assert_close(changed(NEUTRAL, hip, placed((1, 0, 0), (0, 1, 0))), as_it_is, atol=1e-4, rtol=0)
    shifted = changed(NEUTRAL, hip, placed((1, 0, 2 * 38 / 380), (0, 1, -2 * 19 / 380)))
    torch.testing.assert_close(shifted[..., 19:, :-38], as_it_is[..., :-19, 38:], atol=1e-3, rtol=0)
    turned = changed(NEUTRAL, hip, placed((0, -1, 0), (1, 0, 0)))
    torch.testing.assert_close(turned, torch.rot90(as_it_is, 1, (2, 3)), atol=1e-3, rtol=0)
    halved = changed(NEUTRAL, ramp(), placed((0.5, 0, 0), (0, 1, 0)))[0, 0, 0] * 255
    assert abs(float(halved[0]) - (50 + 150 / 4)) < 1
    assert abs(float(halved[-1]) - (50 + 150 * 3 / 4)) < 1


def test_every_hip_trains_once_with_one_of_its_halvings() -> None:
    hips = made_up(31, 0, halvings=2)
    drawn = draw_epoch(hips, small(), 3)
    assert sorted((drawn.image // 2).tolist()) == list(range(31))
    assert set((drawn.image % 2).tolist()) == {0, 1}
    assert torch.equal(drawn.fracture, hips.fracture[drawn.image // 2])


@given(n=st.integers(2, 200), batch=st.integers(2, 64))
def test_no_batch_holds_a_single_hip(n: int, batch: int) -> None:
    images = torch.zeros((1, 1, 1), dtype=torch.uint8)
    hips = HipSet(images, ((0,),) * n, torch.zeros(n, dtype=torch.int64), torch.zeros(1, dtype=torch.bool))
    sizes = [len(b) for b in draw_epoch(hips, small(), 1).batches(batch)]
    assert sum(sizes) == n
    assert min(sizes) >= 2
    assert max(sizes) <= batch + 1


def test_dropout_keeps_its_share_and_changes_no_other_draw() -> None:
    hips, config = made_up(50, 0), small(dropout=0.25)
    draws, without = draw_epoch(hips, config, 1, features=400), draw_epoch(hips, small(dropout=0.0), 1, features=400)
    assert without.kept is None
    assert draws.kept is not None
    assert draws.kept.shape == (50, 400)
    assert float(draws.kept.float().mean()) == pytest.approx(0.75, abs=0.02)
    assert torch.equal(draws.image, without.image)
    assert torch.equal(draws.brightness, without.brightness)
    cut = [batch.kept for batch in draws.batches(7)]
    assert torch.equal(torch.cat(cut), draws.kept)  # type: ignore[arg-type]


def test_dropped_features_do_not_count_and_the_kept_ones_make_up_for_them() -> None:
    network = build_network(small(dropout=0.5)).eval()
    pixels = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    head = network.backbone.get_classifier()
    kept = torch.arange(network.features).expand(2, -1) % 2 == 0
    with torch.no_grad():
        pooled = network.backbone.forward_features(pixels).mean(dim=(2, 3))
        expected = 2 * pooled[:, ::2] @ head.weight[:, ::2].T + head.bias
        torch.testing.assert_close(network.logits(pixels, kept), expected)
        whole = network.logits(pixels)
        torch.testing.assert_close(network.logits(pixels, torch.ones_like(kept)) - head.bias, 2 * (whole - head.bias))
