"""What else a patient has: a second fracture, metal, worn joints, old injuries, and how the cassette lay (METHOD 1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from hipcad_desktop.domain.anatomy import FractureType, Side
from hipcad_desktop.simulation.exposure import Hospital

TYPES = tuple(FractureType)


class Implant(StrEnum):
    """Metal on a hip."""

    NAIL = "nail"  # short intramedullary nail with a lag screw
    PLATE = "plate"  # sliding hip screw
    SCREWS = "screws"  # cannulated screws
    TOTAL = "total prosthesis"
    HEMI = "hemiprosthesis"

    @property
    def replaces_head(self) -> bool:
        """True for a prosthesis."""
        return self in (Implant.TOTAL, Implant.HEMI)


class Cassette(StrEnum):
    """How the film lies; a hospital's own size is LANDSCAPE."""

    LANDSCAPE = "landscape"
    PORTRAIT = "portrait"
    SQUARE = "square"


_IMPLANTS: Mapping[Implant, float] = {
    Implant.NAIL: 0.38,
    Implant.HEMI: 0.27,
    Implant.PLATE: 0.13,
    Implant.SCREWS: 0.11,
    Implant.TOTAL: 0.11,
}


@dataclass(frozen=True, slots=True)
class Case:
    """Findings beside the asked fracture. Pairs are (patient's right, patient's left)."""

    implants: tuple[Implant | None, Implant | None] = (None, None)
    wear: tuple[int, int] = (0, 0)  # Kellgren-Lawrence grade of hip osteoarthritis, 0 to 4
    other_fracture: FractureType | None = None  # of the hip opposite to the asked one
    spine_implant: bool = False
    pathologic: bool = False  # the fracture goes through a lytic lesion
    old_pelvic_fracture: bool = False
    vessels: float = 0.0  # calcified arteries, 0 none .. 1 marked
    cassette: Cassette = Cassette.LANDSCAPE

    def implant(self, side: Side) -> Implant | None:
        """The metal on a side."""
        return self.implants[_index(side)]

    def grade(self, side: Side) -> int:
        """The osteoarthritis of a side."""
        return self.wear[_index(side)]


def _index(side: Side) -> int:
    return 0 if side is Side.RIGHT else 1


@dataclass(frozen=True, slots=True)
class Shares:
    """How often each finding occurs, as shares of films."""

    implant: float  # on a hip that is not broken
    fixed: float  # metal on the broken hip itself: the paper excluded these
    arthritis: float  # grade III or IV
    both_broken: float
    spine_implant: float
    pathologic: float
    old_pelvic: float
    other_cassette: float = 0.15


def _shares(films: int, implant: int, arthritis: int, spine: int, pathologic: int, old: int) -> Shares:
    """A hospital's counts as shares. Periprosthetic: 32 of 5295 films of all three; both hips broken is ours."""
    return Shares(implant / films, 32 / 5295, arthritis / films, 0.006, spine / films, pathologic / films, old / films)


# METHOD 1, table of the three hospitals
SHARES: Mapping[Hospital, Shares] = {
    "A": _shares(1617, implant=132, arthritis=26, spine=7, pathologic=3, old=23),
    "B": _shares(1205, implant=125, arthritis=15, spine=4, pathologic=2, old=17),
    "C": _shares(2420, implant=195, arthritis=43, spine=35, pathologic=7, old=53),
}
FEMALE: Mapping[Hospital, float] = {"A": 1156 / 1496, "B": 829 / 1116, "C": 1673 / 2239}

# METHOD 1: films of each type; Garden I/II and III/IV are counted together and halved here
OCCURRENCE: Mapping[Hospital, tuple[float, ...]] = {
    "A": (137.5, 137.5, 225, 225, 489, 253, 54, 96),
    "B": (95.5, 95.5, 162, 162, 383, 185, 48, 74),
    "C": (264, 264, 448.5, 448.5, 509, 322, 76, 88),
}


def draw_type(rng: np.random.Generator, hospital: Hospital) -> FractureType:
    """A type by the hospital's counts."""
    at = rng.random() * sum(OCCURRENCE[hospital])
    for kind, weight in zip(TYPES, OCCURRENCE[hospital], strict=True):
        at -= weight
        if at < 0:
            return kind
    return TYPES[-1]


def draw_case(
    rng: np.random.Generator, *, hospital: Hospital, fracture: FractureType | None, side: Side, shares: Shares
) -> Case:
    """Findings by their shares. The order of draws is fixed, so that one share does not change the other findings."""
    at = rng.random(8)
    implant = _draw_implant(rng)
    grades = (_mild(rng), _mild(rng))
    worse = 3 + int(rng.random() < 0.45)
    worse_side = Side.RIGHT if rng.random() < 0.5 else Side.LEFT
    second = draw_type(rng, hospital)
    vessels = float(np.clip(rng.normal(-0.2, 0.5), 0, 1))
    cassette = Cassette.PORTRAIT if rng.random() < 0.6 else Cassette.SQUARE
    broken = fracture is not None
    both = broken and at[0] < shares.both_broken
    metal: list[Implant | None] = [None, None]
    if broken and at[1] < shares.fixed:
        metal[_index(side)] = Implant.NAIL if implant.replaces_head else implant
    elif at[2] < shares.implant and not both:
        metal[_index(side.other)] = implant
    if at[3] < shares.arthritis:
        grades = (worse, grades[1]) if worse_side is Side.RIGHT else (grades[0], worse)
    wear = tuple(0 if m is not None and m.replaces_head else g for m, g in zip(metal, grades, strict=True))
    return Case(
        implants=(metal[0], metal[1]),
        wear=(wear[0], wear[1]),
        other_fracture=second if both else None,
        spine_implant=bool(at[4] < shares.spine_implant),
        pathologic=bool(broken and at[5] < shares.pathologic),
        old_pelvic_fracture=bool(at[6] < shares.old_pelvic),
        vessels=vessels,
        cassette=cassette if at[7] < shares.other_cassette else Cassette.LANDSCAPE,
    )


def _draw_implant(rng: np.random.Generator) -> Implant:
    at = rng.random()
    for implant, share in _IMPLANTS.items():
        at -= share
        if at < 0:
            return implant
    return Implant.NAIL


def _mild(rng: np.random.Generator) -> int:
    """Most old hips show none or little wear."""
    return int(rng.choice(3, p=(0.55, 0.3, 0.15)))
