"""Patients into training, validation and test: by patient, seeded, never otherwise (METHOD 2)."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from hipcad_desktop.domain.errors import ErrorCode, UserError


class Partition(StrEnum):
    """The part of a dataset that a patient belongs to."""

    TRAINING = "training"
    VALIDATION = "validation"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class PartitionRule:
    """How large validation and test are, and which hospitals are kept for test; the rest trains.

    A size is a share of the patients (a float below 1) or a number of films (an int). The paper: 500 and 500 films of
    5242. held_out: hospitals all of whose patients are test, beside what `test` takes from the others.
    """

    validation: float | int = 0.15
    test: float | int = 0.15
    held_out: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for size in (self.validation, self.test):
            if isinstance(size, bool) or size < 0 or (isinstance(size, float) and not size < 1):
                raise ValueError("a size is a share between 0 and 1, or a number of films")
        if sum(size for size in (self.validation, self.test) if isinstance(size, float)) >= 1:
            raise ValueError("the shares leave nothing to train on")


@dataclass(frozen=True, slots=True)
class PatientGroup:
    """What a partition asks of a patient, or of patients who share a film: they go together."""

    fracture: bool  # whether any film shows one
    films: int = 1
    hospitals: frozenset[str] = frozenset()  # where any of the films is from; "" is a hospital that nobody named
    patients: int = 1


def groups(links: Iterable[tuple[Hashable, Hashable]]) -> dict[Hashable, Hashable]:
    """Join what is linked (a patient and a pixel hash, say) and name each group by its smallest member."""
    parent: dict[Hashable, Hashable] = {}

    def root(x: Hashable) -> Hashable:
        parent.setdefault(x, x)
        while parent[x] != x:
            parent[x] = parent[parent[x]]
            x = parent[x]
        return x

    for a, b in links:
        ra, rb = root(a), root(b)
        if ra != rb:
            low, high = sorted((ra, rb), key=repr)
            parent[high] = low
    return {x: root(x) for x in list(parent)}


def assign_partitions(patients: Mapping[str, PatientGroup], *, rule: PartitionRule, seed: int) -> dict[str, Partition]:
    """Give every patient one partition: shuffled by seed within broken and whole patients, so both are everywhere.

    The same patients, rule and seed give the same partitions whatever the order. A number of films is divided among
    the two classes as the films are, and met in each as nearly as whole patients allow. Of a class with at least three
    patients one goes to every partition that is wanted, and one trains; a smaller class trains.
    Raises UserError PARTITION_IMPOSSIBLE where a hospital is not known or nothing is left to train on.
    """
    result = {p: Partition.TEST for p, group in patients.items() if group.hospitals & frozenset(rule.held_out)}
    _refuse_unknown(patients, rule)
    rest = {p: group for p, group in patients.items() if p not in result}
    asked = sum(size for _, size in _sizes(rule) if isinstance(size, int))
    films = sum(group.films for group in rest.values())
    if patients and (not rest or (asked and asked >= films)):
        detail = f"of {films} films {asked} are wanted for validation and test" if rest else "every patient is held out"
        raise UserError(ErrorCode.PARTITION_IMPOSSIBLE, detail=f"{detail}, which leaves nothing to train on")
    wanted = {p: size for p, size in _sizes(rule) if isinstance(size, int)}
    for broken in (True, False):
        members = sorted(
            (p for p, group in rest.items() if group.fracture is broken),
            key=lambda p: hashlib.sha256(f"{seed}/{p}".encode()).digest(),
        )
        # broken patients take their part of the films and leave some to the whole ones, who take what is missing then
        part = sum(rest[p].films for p in members) / max(films, 1) if broken else 1.0
        numbers = {p: round(n * part) if part == 1 else min(round(n * part), n - 1) for p, n in wanted.items()}
        assigned = _of_class(members, rest, rule, numbers)
        for p, partition in assigned.items():
            if partition in wanted:
                wanted[partition] -= rest[p].films
        result.update(assigned)
    return {p: result[p] for p in patients}


def _refuse_unknown(patients: Mapping[str, PatientGroup], rule: PartitionRule) -> None:
    known = frozenset[str]().union(*(group.hospitals for group in patients.values())) - {""}
    for hospital in rule.held_out:
        if hospital not in known:
            there = f"the hospitals are {', '.join(sorted(known))}" if known else "no film tells its hospital"
            raise UserError(ErrorCode.PARTITION_IMPOSSIBLE, detail=f"no film is from {hospital}; {there}")


def _sizes(rule: PartitionRule) -> tuple[tuple[Partition, float | int], ...]:
    return ((Partition.TEST, rule.test), (Partition.VALIDATION, rule.validation))


def _of_class(
    members: Sequence[str], patients: Mapping[str, PatientGroup], rule: PartitionRule, films: Mapping[Partition, int]
) -> dict[str, Partition]:
    """The partitions of the broken or of the whole patients, given in their shuffled order.

    films: how many each partition takes of them, where films are counted.
    """
    result = dict.fromkeys(members, Partition.TRAINING)
    n = len(members)
    if n < 3:
        return result
    left = list(members)
    for partition, size in _sizes(rule):
        keep = 1 + (partition is Partition.TEST and rule.validation > 0)  # patients that the others need
        if isinstance(size, float):
            taken = left[: min(_count(n, size), len(left) - keep)]
        elif size:
            wanted = films[partition]
            taken = _nearest(left, patients, wanted)
            if len(taken) > len(left) - keep:  # so many are wanted that the smallest patients have to be spared
                spared = sorted(left, key=lambda p: patients[p].films)[:keep]
                taken = _nearest([p for p in left if p not in spared], patients, wanted)
        else:
            taken = []
        result.update(dict.fromkeys(taken, partition))
        left = [p for p in left if result[p] is Partition.TRAINING]
    return result


def _count(n: int, share: float) -> int:
    return 0 if share == 0 else max(1, min(round(n * share), (n - 1) // 2))


def _nearest(members: Sequence[str], patients: Mapping[str, PatientGroup], wanted: int) -> list[str]:
    """Members, the first ones where it can be, whose films are together as near to wanted as any choice of them.

    Subset sum: bit s of reached[i] says whether some of the first i members have s films together. Of two choices as
    near, the smaller; at least one member.
    """
    films = [patients[p].films for p in members]
    reached = [1]
    for count in films:
        reached.append(reached[-1] | reached[-1] << count)
    sums = (s for s in range(1, reached[-1].bit_length()) if reached[-1] >> s & 1)
    left = min(sums, key=lambda s: (abs(s - wanted), s))
    taken = []
    for i in range(len(members), 0, -1):
        if not reached[i - 1] >> left & 1:
            taken.append(members[i - 1])
            left -= films[i - 1]
    return taken
