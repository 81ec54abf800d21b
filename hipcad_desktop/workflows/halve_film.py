"""A film to be diagnosed becomes two windows, as the model's card asks: strips at the midline, or squares by the heads.

Also which of the two hips gets no answer (METHOD 3.7: metal on the hip asked about).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hipcad_desktop.domain.anatomy import ImageHalf, Side, SideMap
from hipcad_desktop.domain.diagnosis import Refusal, RefusalReason
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.halving import Halving, HalvingMethod, halve_by_hips, halve_by_midline, share_inside
from hipcad_desktop.domain.scope import HipPoints
from hipcad_desktop.imaging.finder import find_hips_of

if TYPE_CHECKING:
    from hipcad_desktop.domain.model_card import ModelCard
    from hipcad_desktop.domain.scope import FilmScope
    from hipcad_desktop.imaging.film import Film

LEAST_METAL = 0.8  # from here on a hip counts as one with metal; what the finder says of real hips: imaging/FINDER.md
# Of a square's area: bone ends about 0.36 distances of the heads outwards of a head, 0.12 before the square does. From
# here on it is said that the hip is cut off.
LEAST_OUTSIDE = 0.15


def halve_film(
    film: Film, scope: FilmScope, card: ModelCard, *, midline_px: float | None, file: str
) -> Refusal | Halving:
    """Two windows of a film in scope, or why the film gives none. midline_px is one that a person gave.

    Raises UserError NOT_HALVED_* where it is the midline given that fits not.
    """
    if card.halving == HalvingMethod.HIP:
        return _by_hips(film, scope, midline_px, file)
    return _by_midline(film, scope.midline_px if midline_px is None else midline_px, card, midline_px is not None, file)


def _by_midline(film: Film, midline: float | None, card: ModelCard, given: bool, file: str) -> Refusal | Halving:
    if midline is None:
        return Refusal(RefusalReason.NO_MIDLINE)
    try:
        return halve_by_midline(film.radiograph.size, midline, overlap_share=card.overlap_share)
    except UserError as error:
        if given:
            raise _no_fit(file, midline, "lies too near the film's edge or outside it") from error
        return Refusal(RefusalReason.NOT_FRONTAL_PELVIS, {"detail": "its midline lies at the film's edge"})


def _by_hips(film: Film, scope: FilmScope, midline_px: float | None, file: str) -> Refusal | Halving:
    """Squares about the heads as found, or as found again about a midline that a person gave."""
    size = film.radiograph.size
    if midline_px is not None and not 0 < midline_px < size.width:
        raise _no_fit(file, midline_px, "lies outside the film")
    if midline_px is None and scope.found is not None:
        hips: tuple[HipPoints, HipPoints] | None = scope.found.hips  # what find_hips_of would find once more
    else:
        hips = find_hips_of(film.eight_bit, midline_px=midline_px)
    try:
        if hips is None:
            raise UserError(ErrorCode.NOT_HALVED_NO_HIPS)
        left, right = hips
        return halve_by_hips(size, (left.head_x, left.head_y), (right.head_x, right.head_y))
    except UserError as error:
        if midline_px is not None:
            raise _no_fit(file, midline_px, "has no hip in the film on each of its sides") from error
        return _refusal_of(error, film.radiograph.sides)


def _no_fit(file: str, midline_px: float, why: str) -> UserError:
    return UserError(ErrorCode.NOT_HALVED_NO_MIDLINE, detail=f"{file}: the midline given, x = {midline_px:g}, {why}")


def _refusal_of(error: UserError, sides: SideMap) -> Refusal:
    if error.code is ErrorCode.NOT_HALVED_HIP_CUT_OFF:
        return Refusal(RefusalReason.HIP_CUT_OFF, {"side": sides.side_of(ImageHalf(error.facts["half"])).word})
    return Refusal(RefusalReason.NOT_FRONTAL_PELVIS, {"detail": "its two hips were not found"})


def metal_refusals(scope: FilmScope, sides: SideMap) -> dict[Side, Refusal]:
    """The hips that get no answer because of metal on them; empty where none was looked for."""
    if scope.found is None:
        return {}
    metal = dict(zip((ImageHalf.LEFT, ImageHalf.RIGHT), scope.found.metal, strict=True))
    with_metal = [sides.side_of(half) for half, likeness in metal.items() if likeness >= LEAST_METAL]
    return {side: Refusal(RefusalReason.METAL_ON_HIP, {"side": side.word}) for side in with_metal}


def cut_off_words(film: Film, scope: FilmScope, halving: Halving) -> Iterator[str]:
    """A sentence for each hip that the film does not show whole: its square leaves the film, or a strip's hip does."""
    size, sides = film.radiograph.size, film.radiograph.sides
    for side in Side:
        half = sides.half_of(side)
        outside = 1 - share_inside(halving.of(half).window, size)
        if outside >= LEAST_OUTSIDE:
            yield (
                f"The patient's {side.word} hip is cut off by the film's edge: {outside:.0%} of the square that the "
                "model looks at lies outside the film."
            )
        elif _found_cut_off(scope, half):
            yield f"The patient's {side.word} hip seems to be cut off by the film's edge."


def _found_cut_off(scope: FilmScope, half: ImageHalf) -> bool:
    return scope.found is not None and scope.found.cut_off[half is ImageHalf.RIGHT]
