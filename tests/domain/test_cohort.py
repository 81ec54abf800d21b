"""Partitions: by patient, seeded, both classes everywhere, whatever the order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipcad_desktop.domain.cohort import Partition, PartitionShares, assign_partitions, groups

PATIENTS = st.dictionaries(st.integers(1, 500).map(lambda n: f"P{n:04d}"), st.booleans(), max_size=120)
SHARES = st.tuples(st.floats(0, 0.45), st.floats(0, 0.45)).map(lambda s: PartitionShares(*s))


@given(PATIENTS, SHARES, st.integers(0, 2**32), st.randoms())
def test_every_patient_has_one_partition_whatever_the_order(
    patients: dict[str, bool], shares: PartitionShares, seed: int, chance: object
) -> None:
    assigned = assign_partitions(patients, shares=shares, seed=seed)
    assert assigned.keys() == patients.keys()
    order = list(patients)
    chance.shuffle(order)  # type: ignore[attr-defined]
    assert assign_partitions({p: patients[p] for p in order}, shares=shares, seed=seed) == assigned


@given(PATIENTS, SHARES, st.integers(0, 100))
def test_shares_are_kept_within_each_class(patients: dict[str, bool], shares: PartitionShares, seed: int) -> None:
    assigned = assign_partitions(patients, shares=shares, seed=seed)
    for broken in (True, False):
        members = [p for p, b in patients.items() if b is broken]
        count = {part: sum(assigned[p] is part for p in members) for part in Partition}
        if len(members) < 3:
            assert count[Partition.TRAINING] == len(members)
            continue
        assert count[Partition.TRAINING] >= 1
        for part, share in ((Partition.TEST, shares.test), (Partition.VALIDATION, shares.validation)):
            if share == 0:
                assert count[part] == 0
            else:
                assert 1 <= count[part] <= max(1, round(len(members) * share))


def test_the_seed_decides() -> None:
    patients = {f"P{i:04d}": i % 2 == 0 for i in range(60)}
    shares = PartitionShares()
    assigned = [assign_partitions(patients, shares=shares, seed=s) for s in range(5)]
    assert len({tuple(a[p] for p in patients) for a in assigned}) == 5


def test_this_seed_gives_this_partition_for_ever() -> None:
    patients = {f"P{i:04d}": i <= 6 for i in range(1, 13)}
    assigned = assign_partitions(patients, shares=PartitionShares(), seed=20200414)
    assert {p for p, part in assigned.items() if part is Partition.TEST} == {"P0003", "P0012"}
    assert {p for p, part in assigned.items() if part is Partition.VALIDATION} == {"P0006", "P0008"}


@pytest.mark.parametrize("shares", [(-0.1, 0.1), (0.5, 0.5), (0.9, 0.2)])
def test_shares_leave_something_to_train_on(shares: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="shares"):
        PartitionShares(*shares)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=60), st.randoms())
def test_groups_join_exactly_what_is_linked(links: list[tuple[int, int]], chance: object) -> None:
    named = groups(links)
    assert named.keys() == {x for link in links for x in link}
    reached = {x: {x} for x in named}  # by walking, the slow and plain way
    for _ in named:
        for a, b in links:
            joined = reached[a] | reached[b]
            for x in joined:
                reached[x] = joined
    assert all((named[x] == named[y]) == (y in reached[x]) for x in named for y in named)
    chance.shuffle(links)  # type: ignore[attr-defined]
    assert groups([(b, a) for a, b in links]) == named
