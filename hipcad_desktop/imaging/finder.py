"""The hip finder: what a displayed film shows, which way up it lies, and where its two hips are.

The network (imaging/finder_network.py) knows a pelvis by its whole look and gives each point to about one per cent of
the film's width; the linear steps of imaging/hips.py look at the hip itself and set it right. FINDER.md has the
figures that decided this.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hipcad_desktop.domain.anatomy import ImageHalf
from hipcad_desktop.domain.scope import Found, HipPoints, Pose
from hipcad_desktop.imaging.finder_network import POINTS, Seen, see
from hipcad_desktop.imaging.gradients import shrunk
from hipcad_desktop.imaging.hips import Step, refined
from hipcad_desktop.imaging.pelvis import UPRIGHT, WORKING_PX

FRONTAL = 0.5  # from here on a frontal pelvis
SURE_POSE = 0.6  # from here on another pose is told; below, the film is taken as upright
# Of a hip, in distances of the heads from the head's centre: to where bone reaches outwards and inwards, up and down.
OUTWARDS, INWARDS, UPWARDS, DOWNWARDS = 0.36, 0.16, 0.18, 0.36
EDGE_SHARE = 0.01  # of the film's longer side: nearer to the edge than this counts as in the film

Pixels = NDArray[np.uint8]


def find(eight_bit: Pixels, *, session: Any = None, steps: tuple[Step, ...] | None = None) -> Found:
    """What a displayed film, H x W, bone white as far as its header knows, shows. Never fails.

    session and steps are another network and other steps than the shipped ones, for judging them.
    """
    seen = see(eight_bit, session=session)
    pose = _pose(seen)
    upright = eight_bit if pose == UPRIGHT else set_right(eight_bit, pose)
    looked = seen if pose == UPRIGHT else see(upright, session=session)
    hips = _hips(upright, looked, None, steps)
    size = (upright.shape[1], upright.shape[0])
    return Found(
        frontal=seen.frontal,
        whole=looked.whole,
        pose=pose,
        hips=hips,
        symphysis=_pair(looked.points[POINTS.index("symphysis")]),
        midline_px=(hips[0].head_x + hips[1].head_x) / 2,
        cut_off=(is_cut_off(hips[0], size), is_cut_off(hips[1], size)),
        metal=looked.metal,
    )


def find_hips_of(eight_bit: Pixels, *, midline_px: float | None = None) -> tuple[HipPoints, HipPoints] | None:
    """The hips on the picture's left and right of a displayed film, H x W, upright and bone white.

    None where it is no frontal pelvis. With midline_px, film pixels, the middle between the hips is taken to lie there
    before the last steps, and the hips are found in any film.
    """
    seen = see(eight_bit)
    if midline_px is None and seen.frontal < FRONTAL:
        return None
    return _hips(eight_bit, seen, midline_px, None)


def set_right(eight_bit: Pixels, pose: Pose) -> Pixels:
    """The film changed by a pose: turned by quarters counter-clockwise, and its grey inverted where that is asked."""
    turned = np.rot90(eight_bit, pose.quarter_turns)
    return np.ascontiguousarray(255 - turned if pose.inverted else turned)


def is_cut_off(hip: HipPoints, size: tuple[int, int]) -> bool:
    """Whether a film of width x height ends before the hip's bone does."""
    outwards = OUTWARDS if hip.half is ImageHalf.RIGHT else INWARDS
    before = OUTWARDS + INWARDS - outwards
    edge = EDGE_SHARE * max(size)
    return (
        hip.head_x - before * hip.heads_px < -edge
        or hip.head_x + outwards * hip.heads_px > size[0] + edge
        or hip.head_y - UPWARDS * hip.heads_px < -edge
        or hip.head_y + DOWNWARDS * hip.heads_px > size[1] + edge
    )


def _pose(seen: Seen) -> Pose:
    best = int(seen.pose.argmax())
    return Pose(best % 4, best >= 4) if seen.pose[best] >= SURE_POSE else UPRIGHT


def _hips(
    upright: Pixels, seen: Seen, midline_px: float | None, steps: tuple[Step, ...] | None
) -> tuple[HipPoints, HipPoints]:
    """The network's hips, moved to a midline that was given, then set right one by one."""
    film = shrunk(upright, WORKING_PX)
    factor = film.width / upright.shape[1]
    points = seen.points.copy()
    if midline_px is not None:
        points[:, 0] += midline_px - (points[0, 0] + points[1, 0]) / 2
    heads_px = max(math.dist(points[0], points[1]), 1.0)
    guesses = (
        HipPoints(half, *_pair(points[i] * factor), *_pair(points[2 + i] * factor), heads_px * factor)
        for i, half in enumerate((ImageHalf.LEFT, ImageHalf.RIGHT))
    )
    left, right = (_scaled(refined(film, guess, steps), 1 / factor) for guess in guesses)
    return left, right


def _scaled(hip: HipPoints, by: float) -> HipPoints:
    return replace(
        hip,
        head_x=hip.head_x * by,
        head_y=hip.head_y * by,
        shaft_x=hip.shaft_x * by,
        shaft_y=hip.shaft_y * by,
        heads_px=hip.heads_px * by,
    )


def _pair(at: NDArray[np.float64]) -> tuple[float, float]:
    return float(at[0]), float(at[1])
