"""Partition a dataset again: the same hips under another rule, seed or held-out hospital, in a new folder."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from hipcad_desktop import __version__
from hipcad_desktop.domain.cohort import Partition, PartitionRule, PatientGroup, assign_partitions, groups
from hipcad_desktop.domain.dataset import (
    HIPS_NAME,
    IMAGES_FOLDER,
    MANIFEST_NAME,
    SCHEMA,
    DatasetManifest,
    HipEntry,
    partition_counts,
)
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.imaging.dataset_files import read_manifest, write_manifest
from hipcad_desktop.store.folders import whole_folder
from hipcad_desktop.workflows.test_seal import openings

SILENT = Watch()
IMAGES_A_MB = 10


@dataclass(frozen=True, slots=True)
class RepartitionSummary:
    """The new dataset. counts: partition -> patients, films, hips by class."""

    dataset: Path
    films: int
    hips: int
    counts: Mapping[str, Mapping[str, int]]
    overlap_share: float  # d, kept as it was exported: the training films that gave it were others
    openings_before: int  # how often the test partition of the dataset, or of one before it, had been opened
    seen_test_hips: int  # of those in the new test partition, how many lay in one that was opened (by this dataset)


def repartition(
    dataset: Path, to: Path, *, rule: PartitionRule, seed: int, watch: Watch = SILENT
) -> RepartitionSummary:
    """Write a dataset with the same images (hard links where the disk has them) and other partitions.

    There whole or not at all. Patients who share a film stay together. Raises UserError NOT_A_DATASET, DATASET_DAMAGED,
    TEST_SEAL_BROKEN, PARTITION_IMPOSSIBLE, TARGET_NOT_EMPTY, FOLDER_NOT_WRITABLE, DISK_FULL or CANCELLED.
    """
    source, target = Path(os.path.abspath(dataset)), Path(os.path.abspath(to))
    manifest, entries = read_manifest(source)
    if manifest.synthesis is not None:
        detail = "it holds hips made by program, which never get into a test partition; synthesize again"
        raise UserError(ErrorCode.PARTITION_IMPOSSIBLE, detail=detail)
    opened = len(openings(source))
    group = _group_of(manifest, entries)
    partitions = assign_partitions(_population(entries, group), rule=rule, seed=seed)
    moved = [replace(e, partition=partitions[group[e.patient]]) for e in entries]
    counts = partition_counts(moved)
    films = len({e.film_code for e in moved})
    content = frozenset({MANIFEST_NAME, HIPS_NAME, IMAGES_FOLDER})
    watch.started(films=films)
    with whole_folder(target, content=content, needed_mb=len(entries) // IMAGES_A_MB + 1) as part:
        (part / IMAGES_FOLDER).mkdir()
        for done, entry in enumerate(entries, 1):
            _take(source, part, entry)
            watch.step("partition", done, len(entries))
            watch.check("The partitioning")
        write_manifest(part, _told(manifest, counts, films, rule=rule, seed=seed, opened=opened), moved)
    seen = {(e.film_code, e.side) for e in entries if e.partition is Partition.TEST} if opened else set()
    test = {(e.film_code, e.side) for e in moved if e.partition is Partition.TEST}
    return RepartitionSummary(
        dataset=target,
        films=films,
        hips=len({(e.film_code, e.side) for e in moved}),
        counts=counts,
        overlap_share=manifest.overlap_share,
        openings_before=manifest.openings_before + opened,
        seen_test_hips=len(seen & test),
    )


def population(dataset: Path) -> Mapping[str, PatientGroup]:
    """The patients of a dataset, for a look at the partitions before they are made. Raises as read_manifest does."""
    manifest, entries = read_manifest(dataset)
    return _population(entries, _group_of(manifest, entries))


def _group_of(manifest: DatasetManifest, entries: Sequence[HipEntry]) -> dict[str, str]:
    """Patient -> the first of the patients it goes with, named as the export names them."""
    links: list[tuple[tuple[str, str], tuple[str, str]]] = []
    for linked in manifest.linked_patients:
        links.extend((("patient", linked[0]), ("patient", patient)) for patient in linked)
    # schema 1 does not tell them: the same pixels, cut at the same midline, are the same image
    links.extend((("patient", e.patient), ("image", e.sha256)) for e in entries)
    root = groups(links)
    patients = sorted({e.patient for e in entries} | {p for linked in manifest.linked_patients for p in linked})
    first: dict[object, str] = {}
    for patient in patients:
        first.setdefault(root["patient", patient], patient)
    return {patient: first[root["patient", patient]] for patient in patients}


def _population(entries: Sequence[HipEntry], group: Mapping[str, str]) -> dict[str, PatientGroup]:
    own: dict[str, list[HipEntry]] = {}
    for entry in entries:
        own.setdefault(group[entry.patient], []).append(entry)
    return {
        name: PatientGroup(
            fracture=any(e.fracture for e in held),
            films=len({e.film_code for e in held}),
            hospitals=frozenset(e.hospital for e in held),
            patients=len({e.patient for e in held}),
        )
        for name, held in own.items()
    }


def _take(source: Path, part: Path, entry: HipEntry) -> None:
    """An image, checked, under its own name: a hard link, or a copy where there is none (other disk, FAT, network)."""
    try:
        data = (source / entry.image).read_bytes()
    except OSError as error:
        detail = f"{entry.image} cannot be read"
        raise UserError(ErrorCode.DATASET_DAMAGED, path=str(source), detail=detail) from error
    if hashlib.sha256(data).hexdigest() != entry.sha256:
        detail = f"{entry.image} is not the file that was exported"
        raise UserError(ErrorCode.DATASET_DAMAGED, path=str(source), detail=detail)
    with suppress(OSError):
        os.link(source / entry.image, part / entry.image)
        return
    (part / entry.image).write_bytes(data)


def _told(
    manifest: DatasetManifest,
    counts: Mapping[str, Mapping[str, int]],
    films: int,
    *,
    rule: PartitionRule,
    seed: int,
    opened: int,
) -> DatasetManifest:
    return replace(
        manifest,
        schema=SCHEMA,
        program_version=__version__,
        seed=seed,
        share_validation=counts[Partition.VALIDATION.value]["films"] / max(1, films),
        share_test=counts[Partition.TEST.value]["films"] / max(1, films),
        counts=counts,
        rule=rule,
        partitioned_from=manifest.hips_sha256,
        openings_before=manifest.openings_before + opened,
    )
