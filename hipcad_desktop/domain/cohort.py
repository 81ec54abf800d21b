"""Patients into training, validation and test: by patient, seeded, never otherwise (METHOD 2)."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Partition(StrEnum):
    """The part of a dataset that a patient belongs to."""

    TRAINING = "training"
    VALIDATION = "validation"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class PartitionShares:
    """Shares of the patients for validation and test; the rest trains. The paper: 500 of 5242 each."""

    validation: float = 0.15
    test: float = 0.15

    def __post_init__(self) -> None:
        if min(self.validation, self.test) < 0 or self.validation + self.test >= 1:
            raise ValueError("shares are not negative and leave something to train on")


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


def assign_partitions(has_fracture: Mapping[str, bool], *, shares: PartitionShares, seed: int) -> dict[str, Partition]:
    """Give every patient one partition: shuffled by seed within broken and whole patients, so both are everywhere.

    has_fracture maps a patient (or a group of patients that share a film) to whether any film shows a fracture.
    The same patients, shares and seed give the same partitions whatever the order. A class with at least three
    patients is in every partition whose share is above zero.
    """
    result: dict[str, Partition] = {}
    for broken in (True, False):
        members = sorted(
            (p for p, f in has_fracture.items() if f is broken),
            key=lambda p: hashlib.sha256(f"{seed}/{p}".encode()).digest(),
        )
        n = len(members)
        n_test = _count(n, shares.test)
        n_validation = _count(n, shares.validation)
        for i, patient in enumerate(members):
            if i < n_test:
                result[patient] = Partition.TEST
            elif i < n_test + n_validation:
                result[patient] = Partition.VALIDATION
            else:
                result[patient] = Partition.TRAINING
    return result


def _count(n: int, share: float) -> int:
    if n < 3 or share == 0:
        return 0
    return max(1, min(round(n * share), (n - 1) // 2))
