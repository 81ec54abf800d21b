"""The figures of parts of the hips: type of fracture, hospital, machine, sex, age, findings, side, kind of negative."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from hipcad_desktop.domain import subgroups as kinds
from hipcad_desktop.domain.anatomy import FractureType, Side
from hipcad_desktop.domain.annotation import FilmFlag
from hipcad_desktop.domain.dataset import HipEntry
from hipcad_desktop.domain.evaluation import HipScore, Interval
from hipcad_desktop.domain.metrics import Thresholds
from hipcad_desktop.domain.subgroups import UNKNOWN, Subgroup
from hipcad_desktop.workflows.compute_figures import named_thresholds
from hipcad_desktop.workflows.intervals import auc_of_hips, proportion

SEPARATOR = "; "  # between the types of a hip, and between the findings of a film
NO_FINDING = "none of these"
SEVERAL = "several types"
OTHER_HIP, WHOLE_FILM = "the other hip of a broken one", "films without any fracture"
_TYPE_GROUPS: Mapping[FractureType, str] = {
    FractureType.GARDEN_I: "Garden I/II",
    FractureType.GARDEN_II: "Garden I/II",
    FractureType.GARDEN_III: "Garden III/IV",
    FractureType.GARDEN_IV: "Garden III/IV",
    FractureType.AO_31_A1: "31-A1",
    FractureType.AO_31_A2: "31-A2",
    FractureType.AO_31_A3: "31-A3",
    FractureType.GREATER_TROCHANTER: "greater trochanter",
}
_SIDES = {Side.RIGHT: "patient's right", Side.LEFT: "patient's left"}
_SEXES = {"M": "male", "F": "female", "O": "other"}


def subgroups_of(
    scores: Sequence[HipScore],
    entries: Mapping[str, HipEntry],
    thresholds: Thresholds,
    *,
    interval: Interval = "wilson",
) -> tuple[Subgroup, ...]:
    """Every part of every kind that the dataset tells apart. A kind without news is left out.

    scores of one halving; entries by image. Shares carry `interval`, areas DeLong's; a part with one class has the
    figures that it can have. Types are judged as in the paper's table of misses (METHOD 1).
    """
    broken = [s for s in scores if s.fracture]
    whole = [s for s in scores if not s.fracture]
    figures = _Figures(broken, whole, named_thresholds(thresholds), interval)
    found: list[Subgroup] = []
    for kind, hips, names in (
        (kinds.TYPE, broken, lambda s: _type(s.fracture_type)),
        (kinds.TYPE_GROUP, broken, lambda s: _type_group(s.fracture_type)),
        (kinds.HOSPITAL, scores, lambda s: (entries[s.image].hospital or UNKNOWN,)),
        (kinds.SCANNER, scores, lambda s: (entries[s.image].scanner or UNKNOWN,)),
        (kinds.SEX, scores, lambda s: (_SEXES.get(entries[s.image].sex, UNKNOWN),)),
        (kinds.AGE, scores, lambda s: (entries[s.image].age_band or UNKNOWN,)),
        (kinds.FINDINGS, scores, lambda s: _findings(entries[s.image].flags)),
        (kinds.SIDE, scores, lambda s: (_SIDES[s.side],)),
        (kinds.NEGATIVES, whole, lambda s: (OTHER_HIP if s.pair_has_fracture else WHOLE_FILM,)),
    ):
        found.extend(figures.parts(kind, hips, names))
    return tuple(found)


class _Figures:
    """Computes the parts of one set of hips."""

    def __init__(
        self, broken: Sequence[HipScore], whole: Sequence[HipScore], named: Mapping[str, float], interval: Interval
    ) -> None:
        self._broken, self._whole = broken, whole
        self._named, self._interval = named, interval

    def parts(self, kind: str, hips: Sequence[HipScore], names: Callable[[HipScore], Iterable[str]]) -> list[Subgroup]:
        """The parts of one kind in their usual order; none where nothing tells them apart."""
        by_name: dict[str, list[HipScore]] = {}
        for hip in hips:
            for name in names(hip):
                by_name.setdefault(name, []).append(hip)
        if by_name.keys() <= {UNKNOWN, NO_FINDING} or (len(by_name) < 2 and kind not in _ALONE):
            return []
        return [self._part(kind, name, by_name[name]) for name in sorted(by_name, key=_order)]

    def _part(self, kind: str, name: str, hips: Sequence[HipScore]) -> Subgroup:
        broken = [s for s in hips if s.fracture]
        whole = [s for s in hips if not s.fracture]
        against = (
            broken or (self._broken if kind == kinds.NEGATIVES else []),
            whole or (self._whole if kind in (kinds.TYPE, kinds.TYPE_GROUP) else []),
        )
        return Subgroup(
            kind=kind,
            name=name,
            hips=len(hips),
            fracture=len(broken),
            no_fracture=len(whole),
            patients=len({s.patient for s in hips}),
            auc=auc_of_hips(*against),
            sensitivity={
                point: proportion(sum(s.p_fracture >= at for s in broken), len(broken), self._interval)
                for point, at in self._named.items()
            },
            specificity={
                point: proportion(sum(s.p_fracture < at for s in whole), len(whole), self._interval)
                for point, at in self._named.items()
            },
        )


_ALONE = (kinds.TYPE, kinds.TYPE_GROUP, kinds.NEGATIVES)  # worth saying even where all hips are of one part


def _type(types: str) -> tuple[str]:
    return (types or UNKNOWN,)


def _type_group(types: str) -> tuple[str]:
    known = {kind.value: group for kind, group in _TYPE_GROUPS.items()}
    groups = {known.get(t, UNKNOWN) for t in types.split(SEPARATOR)}
    return (groups.pop() if len(groups) == 1 else SEVERAL,)


def _findings(flags: str) -> tuple[str, ...]:
    return tuple(flags.split(SEPARATOR)) if flags else (NO_FINDING,)


def _order(name: str) -> tuple[int, int, str]:
    """Types as in the paper, findings as the program lists them, ages and names by their letters; the unknown last."""
    types = [name for kind, group in _TYPE_GROUPS.items() for name in (kind.value, group)]
    listed = [*dict.fromkeys(types), *(f.value for f in FilmFlag), *_SIDES.values(), OTHER_HIP, WHOLE_FILM]
    last = (SEVERAL, NO_FINDING, UNKNOWN)
    place = last.index(name) + 1 if name in last else 0
    return place, listed.index(name) if name in listed else len(listed), name
