"""A dataset whose fractures are made by program from a hospital's own films without any.

Films that readers called "no fracture" are taken apart about both hips; one hip is broken, the other left whole by the
same path, so that neither the film nor the resampling tells which. A patient's films stay in one partition. The test
partition holds real films only, every patient with a real fracture among them: synthetic hips are in no accuracy that
is reported of it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from itertools import accumulate, islice
from pathlib import Path

import numpy as np

from hipcad_desktop.domain.anatomy import FractureType
from hipcad_desktop.domain.cohort import Partition, PartitionRule
from hipcad_desktop.domain.dataset import (
    HIPS_NAME,
    IMAGES_FOLDER,
    MANIFEST_NAME,
    HipEntry,
    Synthesis,
    partition_counts,
)
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.halving import HalvingMethod
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.domain.radiograph import FilmId
from hipcad_desktop.imaging.dataset_files import write_manifest
from hipcad_desktop.imaging.hip_cache import FilmHips, HipCache
from hipcad_desktop.imaging.hip_image import encode_png, hip_images
from hipcad_desktop.store import audit
from hipcad_desktop.store.folders import whole_folder
from hipcad_desktop.store.project_store import Project
from hipcad_desktop.workflows.export_dataset import (
    CACHE_FOLDER,
    IMAGES_A_FILM,
    IMAGES_A_MB,
    RULE,
    SEED,
    ExportSummary,
    export_films,
    make_manifest,
    plan_project,
    windows_of,
    write_hips,
)
from hipcad_desktop.workflows.export_plan import (
    ExportPlan,
    FilmPlan,
    overlap_share,
    with_overlap,
)
from hipcad_desktop.workflows.synthesis_probe import MOST_FILMS, Floats, Traces, traces_of_film
from hipcad_desktop.workflows.synthetic_films import HALF, Base, Parts, films_of, taken_apart

SILENT = Watch()
VALIDATION_SHARE = 0.15  # of the synthetic hips, where validation has too few real fractures
ENOUGH_BROKEN = 20  # real broken hips with which validation is left real
MOST_HIPS = 200_000
LOOKED_AT_FIRST = 48  # films whose windows decide the overlap of diagnosis (METHOD 3.4)


@dataclass(slots=True, eq=False)
class _Made:
    """Synthetic films as they come, the films they were made from, and how many gave none."""

    entries: list[HipEntry] = field(default_factory=list)
    films: int = 0
    unusable: int = 0
    used: set[str] = field(default_factory=set)
    traces: Traces = field(default_factory=Traces)

    def told(self, partitions: Sequence[Partition]) -> Synthesis:
        """What the dataset says of them."""
        hips = [e for e in self.entries if e.halving is HalvingMethod.MIDLINE]
        types = Counter(e.fracture_type for e in hips if e.fracture)
        return Synthesis(
            hips=2 * self.films,
            bases=len(self.used),
            unusable=self.unusable,
            partitions=tuple(p.value for p in partitions),
            broken=types.total(),
            types={kind.value: types[kind.value] for kind in FractureType if types[kind.value]},
            probe=self.traces.answer(),
        )


@dataclass(frozen=True, slots=True, eq=False)
class _FromBase:
    """The hips made from one film, and the traces that the way left on it (none where they were not asked for)."""

    entries: list[HipEntry]
    traces: list[tuple[Floats, Floats]]


def synthesize(
    project: Project,
    to: Path,
    *,
    hips: int,
    broken_share: float = HALF,
    seed: int = SEED,
    rule: PartitionRule = RULE,
    watch: Watch = SILENT,
) -> ExportSummary:
    """Write a dataset with about `hips` synthetic hips to train on, that share of them broken; whole or not at all.

    At a half every film has one broken hip; at less some have none, at more some have two.
    Validation is real where it has ENOUGH_BROKEN broken hips, else synthetic of other patients; test is always real.
    The same project, seed and number give the same bytes. Raises UserError CONFIG_INVALID, SYNTHESIS_WITHOUT_FILMS,
    TRAINING_NOT_INSTALLED, PARTITION_IMPOSSIBLE, TARGET_NOT_EMPTY, FOLDER_NOT_WRITABLE, DISK_FULL or CANCELLED.
    """
    _check(hips, broken_share)
    target = Path(os.path.abspath(to))
    plan, files = plan_project(project, seed=seed, rule=rule)
    wanted = _wanted(plan, hips)
    plan = _with_fractures_in_test(plan, set(wanted))
    bases = {part: _bases(plan, files, part) for part in wanted}
    if not all(bases.values()):
        empty = next(part for part in bases if not bases[part])
        raise UserError(ErrorCode.SYNTHESIS_WITHOUT_FILMS, path=str(project.path), partition=empty.value)
    watch.started(bases=sum(len(b) for b in bases.values()), hips=2 * sum(wanted.values()))
    plan = replace(plan, overlap_share=_overlap(bases[Partition.TRAINING], seed, watch))
    real, cache = _real(plan, set(wanted)), HipCache(project.path / CACHE_FOLDER)
    needed_mb = IMAGES_A_FILM * (len(real.films) + sum(wanted.values())) // IMAGES_A_MB + 1
    with whole_folder(
        target, content=frozenset({MANIFEST_NAME, HIPS_NAME, IMAGES_FOLDER}), needed_mb=needed_mb
    ) as part:
        (part / IMAGES_FOLDER).mkdir()
        made = _Made()
        for partition, films in wanted.items():
            _break_all(
                bases[partition],
                films,
                plan,
                part,
                seed=seed,
                broken_share=broken_share,
                partition=partition,
                made=made,
                watch=watch,
            )
            if not any(e.partition is partition for e in made.entries):
                raise UserError(ErrorCode.SYNTHESIS_WITHOUT_FILMS, path=str(project.path), partition=partition.value)
        real_entries, left_out, no_squares = export_films(real, files, part, cache, stage="export real", watch=watch)
        entries = [*made.entries, *real_entries]
        counts = partition_counts(entries)
        told = made.told(tuple(wanted))
        manifest = make_manifest(plan, entries, counts, left_out, seed=seed, rule=rule)
        manifest = write_manifest(part, replace(manifest, synthesis=told, without_squares=tuple(no_squares)), entries)
        facts = {"hips_sha256": manifest.hips_sha256, "seed": seed, "counts": counts, "synthesis": asdict(told)}
        audit.note(project, "synthesize", what="dataset", new=facts)
    films = len({e.film_code for e in entries})
    return ExportSummary(target, films, 2 * films, counts, tuple(left_out), plan.overlap_share, told, tuple(no_squares))


def _check(hips: int, broken_share: float) -> None:
    """Raise the UserError of a wish that cannot be, or of modules that are missing."""
    if not 2 <= hips <= MOST_HIPS:
        raise UserError(ErrorCode.CONFIG_INVALID, field="hips", value=str(hips), detail=f"between 2 and {MOST_HIPS}")
    if not 0 < broken_share < 1:
        detail = "above 0 and below 1: both classes have to be learnt"
        raise UserError(ErrorCode.CONFIG_INVALID, field="broken_share", value=f"{broken_share:g}", detail=detail)
    for name in ("scipy", "sklearn"):
        if importlib.util.find_spec(name) is None:
            raise UserError(ErrorCode.TRAINING_NOT_INSTALLED, module=name)


def _wanted(plan: ExportPlan, hips: int) -> dict[Partition, int]:
    """How many synthetic films each partition gets; a partition that stays real is not in it."""
    broken = sum(f.fracture for f in plan.films if plan.partitions[f.group] is Partition.VALIDATION)
    wanted = {Partition.TRAINING: -(-hips // 2)}
    if broken < ENOUGH_BROKEN:
        wanted[Partition.VALIDATION] = max(1, round(VALIDATION_SHARE * hips / 2))
    return wanted


def _with_fractures_in_test(plan: ExportPlan, synthetic: set[Partition]) -> ExportPlan:
    """Patients with a real fracture test wherever they cannot train: no real broken hip is among synthetic ones."""
    moved = {
        group: Partition.TEST if plan.population[group].fracture and partition in synthetic else partition
        for group, partition in plan.partitions.items()
    }
    return replace(plan, partitions=moved)


def _bases(plan: ExportPlan, files: Mapping[FilmId, list[Path]], partition: Partition) -> list[Base]:
    """The whole films of a partition's patients."""
    own = [f for f in plan.films if plan.partitions[f.group] is partition and not f.fracture]
    return [Base(film, files[film.film.film_id]) for film in own]


def _real(plan: ExportPlan, synthetic: set[Partition]) -> ExportPlan:
    """The part of an export that stays real, with the windows of this dataset."""
    kept = [f for f in plan.films if plan.partitions[f.group] not in synthetic]
    return replace(plan, films=tuple(replace(f, midline=with_overlap(f, plan.overlap_share)) for f in kept))


def _overlap(bases: Sequence[Base], seed: int, watch: Watch) -> float:
    """d of METHOD 3.4, from the windows of the first synthetic films."""
    looked_at: list[FilmPlan] = []
    for base in bases:
        watch.check("The synthesis")
        parts = taken_apart(base)
        if parts is None:
            continue
        each = -(-LOOKED_AT_FIRST // len(bases))
        looked_at += [film for film, _ in islice(films_of(base, parts, seed), each)]
        watch.step("look at windows", min(len(looked_at), LOOKED_AT_FIRST), LOOKED_AT_FIRST)
        if len(looked_at) >= LOOKED_AT_FIRST:
            break
    return overlap_share(looked_at)


def _break_all(
    bases: Sequence[Base],
    films: int,
    plan: ExportPlan,
    part: Path,
    *,
    seed: int,
    broken_share: float,
    partition: Partition,
    made: _Made,
    watch: Watch,
) -> None:
    """Make so many films, the bases in turn; fewer where a base cannot give its own."""
    each, more = divmod(films, len(bases))
    shares = [each + (number < more) for number in range(len(bases))]
    stage = f"break hips for {partition.value}"
    done = 0

    def from_base(number: int, base: Base, count: int, first: int) -> _FromBase | None:
        parts = taken_apart(base)
        if parts is None:
            return None
        found: list[HipEntry] = []
        for film, picture in islice(films_of(base, parts, seed, broken_share=broken_share, first=first), count):
            if watch.cancelled():
                break
            film = replace(film, midline=with_overlap(film, plan.overlap_share))
            windows = windows_of(film)
            images = tuple(encode_png(image) for image in hip_images(picture, windows))
            hips = FilmHips(parts.mapping, windows, images)
            found += write_hips(film, hips, part, partition=partition, synthetic=True)
        probed = partition is Partition.TRAINING and number < MOST_FILMS
        return _FromBase(found, _traces(base, parts, seed) if probed else [])

    # Threads: NumPy, SciPy and Pillow let go of the GIL where the time goes.
    with ThreadPoolExecutor(max(1, min(4, os.cpu_count() or 1)), thread_name_prefix="synthesis") as pool:
        before = accumulate(shares, initial=0)
        jobs = [(i, b, n, first) for i, (b, n, first) in enumerate(zip(bases, shares, before, strict=False)) if n]
        for (_, base, count, _), outcome in zip(jobs, pool.map(lambda job: from_base(*job), jobs), strict=True):
            watch.check("The synthesis")
            done += count
            watch.step(stage, done, films)
            if outcome is None:
                made.unusable += 1
            elif outcome.entries:
                made.entries += outcome.entries
                made.films += len({e.film_code for e in outcome.entries})
                made.used.add(base.plan.film.film_id)
                made.traces.add(base.plan.film.patient, outcome.traces)


def _traces(base: Base, parts: Parts, seed: int) -> list[tuple[Floats, Floats]]:
    """What the synthesis leaves of itself on a film whose hips it leaves whole; nothing where it cannot have it."""
    name = hashlib.sha256(f"{base.plan.film.film_id}/{seed}/traces".encode()).hexdigest()
    try:
        return traces_of_film(parts.film, parts.heads, np.random.default_rng(int(name[:16], 16)))
    except (ValueError, UserError):
        return []
