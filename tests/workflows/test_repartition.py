"""A dataset partitioned again: the same hips, other partitions, patients together, and the seal not forgotten."""

from __future__ import annotations

import csv
import hashlib
import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hipcad_desktop.domain.cohort import Partition, PartitionRule
from hipcad_desktop.domain.dataset import SCHEMA, HipEntry
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.metrics import Thresholds
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.imaging.dataset_files import columns_of, read_manifest, write_manifest
from hipcad_desktop.workflows.repartition import RepartitionSummary, population, repartition
from hipcad_desktop.workflows.test_seal import openings, record_opening
from tests.fakes.brightness_dataset import FlatFilm, write_flat_dataset


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """24 films of 20 patients; every hip its own grey; P0001 to P0010 in hospital A, the others in B."""
    films = [FlatFilm(f"P{1 + i % 20:04d}", 10 + 2 * i, 11 + 2 * i, broken="L" if i % 2 else "") for i in range(24)]
    write_flat_dataset(tmp_path / "D", films)
    manifest, entries = read_manifest(tmp_path / "D")
    told = [replace(e, hospital="A" if e.patient <= "P0010" else "B") for e in entries]
    write_manifest(tmp_path / "D", manifest, told)
    return tmp_path / "D"


def again(
    dataset: Path, name: str, rule: PartitionRule, *, seed: int = 5, watch: Watch | None = None
) -> RepartitionSummary:
    return repartition(dataset, dataset.with_name(name), rule=rule, seed=seed, watch=watch or Watch())


def partitions(dataset: Path) -> dict[str, set[Partition]]:
    found: dict[str, set[Partition]] = {}
    for entry in read_manifest(dataset, verify=True)[1]:
        found.setdefault(entry.patient, set()).add(entry.partition)
    return found


def bare(entries: list[HipEntry]) -> list[HipEntry]:
    return [replace(e, partition=Partition.TRAINING) for e in entries]


def test_only_the_partitions_change(dataset: Path) -> None:
    before = {p: p.read_bytes() for p in sorted(dataset.rglob("*")) if p.is_file()}
    summary = again(dataset, "N", PartitionRule(4, 6))
    manifest, entries = read_manifest(dataset.with_name("N"), verify=True)
    old, held = read_manifest(dataset)
    assert bare(entries) == bare(held)
    assert (manifest.seed, manifest.rule, manifest.partitioned_from) == (5, PartitionRule(4, 6), old.hips_sha256)
    assert manifest.overlap_share == old.overlap_share == summary.overlap_share
    assert manifest.counts == summary.counts
    assert [summary.counts[p]["films"] for p in ("training", "validation", "test")] == [14, 4, 6]
    assert (summary.films, summary.hips, summary.openings_before, summary.seen_test_hips) == (24, 48, 0, 0)
    assert all(len(p) == 1 for p in partitions(dataset.with_name("N")).values())
    assert {p: p.read_bytes() for p in sorted(dataset.rglob("*")) if p.is_file()} == before


def test_the_same_rule_and_seed_give_the_same_hips_from_any_partition_of_them(dataset: Path) -> None:
    rule = PartitionRule(0.2, 3, ("B",))
    again(dataset, "N1", rule)
    again(dataset, "N2", PartitionRule(), seed=77)
    again(dataset.with_name("N2"), "N3", rule)
    one, three = (dataset.with_name(n) / "hips.csv" for n in ("N1", "N3"))
    assert one.read_bytes() == three.read_bytes()
    assert one.read_bytes() != (dataset.with_name("N2") / "hips.csv").read_bytes()


def test_a_hospital_is_held_out(dataset: Path) -> None:
    again(dataset, "N", PartitionRule(0.2, 0, ("B",)))
    for entry in read_manifest(dataset.with_name("N"))[1]:
        assert (entry.partition is Partition.TEST) == (entry.hospital == "B")


def test_patients_who_share_a_film_stay_together(dataset: Path) -> None:
    manifest, entries = read_manifest(dataset)
    write_manifest(dataset, replace(manifest, linked_patients=(("P0002", "P0005", "P0020"),)), entries)
    seen = set()
    for seed in range(12):
        again(dataset, f"N{seed}", PartitionRule(0.3, 0.3), seed=seed)
        found = partitions(dataset.with_name(f"N{seed}"))
        assert found["P0002"] == found["P0005"] == found["P0020"]
        seen |= found["P0002"]
        assert read_manifest(dataset.with_name(f"N{seed}"))[0].linked_patients == (("P0002", "P0005", "P0020"),)
    assert len(seen) > 1
    assert sorted(g.patients for g in population(dataset).values()) == [1] * 17 + [3]


def as_schema_1(dataset: Path) -> None:
    path = dataset / "hips.csv"
    with path.open(newline="") as file:
        rows = [row[: len(columns_of(1))] for row in csv.reader(file)]
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    held = json.loads((dataset / "dataset.json").read_text())
    for name in ("rule", "linked_patients", "partitioned_from", "openings_before", "without_squares"):
        del held[name]
    held |= {"schema": 1, "hips_sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    (dataset / "dataset.json").write_text(json.dumps(held))


def test_schema_1_is_partitioned_again_and_finds_the_shared_film_by_its_image(dataset: Path, tmp_path: Path) -> None:
    films = [FlatFilm(f"P{i:04d}", 10 + 2 * i, 11 + 2 * i, broken="L" if i % 2 else "") for i in range(16)]
    films.append(FlatFilm("P0099", films[3].right, films[3].left))
    write_flat_dataset(tmp_path / "old", films)
    as_schema_1(tmp_path / "old")
    for seed in range(8):
        again(tmp_path / "old", f"N{seed}", PartitionRule(0.3, 0.3), seed=seed)
        found = partitions(tmp_path / f"N{seed}")
        assert found["P0003"] == found["P0099"]
    assert read_manifest(tmp_path / "N0")[0].schema == SCHEMA
    with pytest.raises(UserError, match="no film tells its hospital"):
        again(tmp_path / "old", "N", PartitionRule(held_out=("A",)))


def test_openings_go_along(dataset: Path) -> None:
    def opening(of: Path) -> None:
        now = datetime(2026, 1, 1, tzinfo=UTC)
        record_opening(of, model_name="m", model_sha256="0" * 64, thresholds=Thresholds(0.1, 0.9), now=now)

    first, second = dataset.with_name("N1"), dataset.with_name("N2")
    again(dataset, "N1", PartitionRule(4, 6))
    opening(first)
    opening(first)
    summary = again(first, "N2", PartitionRule(4, 6), seed=6)
    old, new = (
        {(e.film_code, e.side) for e in read_manifest(d)[1] if e.partition is Partition.TEST} for d in (first, second)
    )
    assert summary.openings_before == 2
    assert summary.seen_test_hips == len(old & new)
    assert read_manifest(second)[0].openings_before == 2
    assert openings(second) == ()
    opening(second)
    assert again(second, "N3", PartitionRule(4, 6)).openings_before == 3


def test_images_are_linked_where_they_can_be_and_else_copied(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = sorted((dataset / "images").iterdir())[0].name
    again(dataset, "N1", PartitionRule())
    assert os.path.samefile(dataset / "images" / image, dataset.with_name("N1") / "images" / image)

    def no_links(source: Path, target: Path) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("hipcad_desktop.workflows.repartition.os.link", no_links)
    again(dataset, "N2", PartitionRule())
    assert not os.path.samefile(dataset / "images" / image, dataset.with_name("N2") / "images" / image)
    assert read_manifest(dataset.with_name("N2"), verify=True)[1] == read_manifest(dataset.with_name("N1"))[1]


class Stop(Watch):
    """Stops after the third image."""

    done = 0

    def step(self, stage: str, done: int, total: int, **facts: Any) -> None:
        self.done = done

    def cancelled(self) -> bool:
        return self.done >= 3


def test_what_cannot_be_leaves_nothing(dataset: Path) -> None:
    def code_of(name: str, rule: PartitionRule | None = None, watch: Watch | None = None) -> ErrorCode:
        with pytest.raises(UserError) as raised:
            again(dataset, name, rule or PartitionRule(), watch=watch)
        return raised.value.code

    assert code_of("N", PartitionRule(20, 20)) is ErrorCode.PARTITION_IMPOSSIBLE
    assert code_of("N", watch=Stop()) is ErrorCode.CANCELLED
    assert code_of("D") is ErrorCode.TARGET_NOT_EMPTY
    image = sorted((dataset / "images").iterdir())[5]
    image.write_bytes(image.read_bytes()[:-1])
    assert code_of("N") is ErrorCode.DATASET_DAMAGED
    image.unlink()
    assert code_of("N") is ErrorCode.DATASET_DAMAGED
    assert os.listdir(dataset.parent) == ["D"]
