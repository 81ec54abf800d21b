"""A dataset whose fractures are made by program from a hospital's own films without any.

Films that readers called "no fracture" are taken apart about both hips; one hip is broken, the other left whole by the
same path, so that neither the film nor the resampling tells which. A patient's films stay in one partition. The test
partition holds real films only, every patient with a real fracture among them: synthetic hips are in no accuracy that
is reported of it.
"""

from __future__ import annotations

import hashlib
import importlib
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hipcad_desktop.domain.anatomy import FractureType, ImageHalf
from hipcad_desktop.domain.cohort import Partition, PartitionRule
from hipcad_desktop.domain.dataset import (
    HIPS_NAME,
    IMAGES_FOLDER,
    MANIFEST_NAME,
    HipEntry,
    NotExported,
    Synthesis,
    partition_counts,
)
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.geometry import Size
from hipcad_desktop.domain.halving import half_of, halve_by_midline, halve_by_rectangles
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.domain.radiograph import FilmId, Mapping8
from hipcad_desktop.imaging.dataset_files import write_manifest
from hipcad_desktop.imaging.gradients import shrunk
from hipcad_desktop.imaging.hip_cache import FilmHips, HipCache
from hipcad_desktop.imaging.hip_image import encode_png, hip_images
from hipcad_desktop.imaging.hips import find_hips
from hipcad_desktop.imaging.pelvis import PELVIS_SCORE, find_pelvis, pyramid
from hipcad_desktop.store import audit
from hipcad_desktop.store.folders import whole_folder
from hipcad_desktop.store.project_store import Project
from hipcad_desktop.workflows.export_dataset import (
    CACHE_FOLDER,
    IMAGES_A_MB,
    RULE,
    SEED,
    ExportSummary,
    exported_films,
    make_manifest,
    plan_project,
    windows_of,
    write_hips,
)
from hipcad_desktop.workflows.export_plan import ExportPlan, FilmPlan, not_exported, overlap_share, with_overlap
from hipcad_desktop.workflows.load_film import picture_from

if TYPE_CHECKING:
    from hipcad_desktop.synthesis.film import BaseFilm

SILENT = Watch()
WORKING_PX = 900  # longer side of a film that is broken: a half becomes 380 px, so nothing is lost
VALIDATION_SHARE = 0.15  # of the synthetic hips, where validation has too few real fractures
ENOUGH_BROKEN = 20  # real broken hips with which validation is left real
MOST_HIPS = 200_000
LOOKED_AT_FIRST = 48  # films whose windows decide the overlap of diagnosis (METHOD 3.4)
# How often each type is made: the paper's films (METHOD 1), the rare ones raised.
SHARES: Mapping[FractureType, float] = {
    FractureType.GARDEN_I: 0.10,
    FractureType.GARDEN_II: 0.10,
    FractureType.GARDEN_III: 0.16,
    FractureType.GARDEN_IV: 0.16,
    FractureType.AO_31_A1: 0.23,
    FractureType.AO_31_A2: 0.14,
    FractureType.AO_31_A3: 0.05,
    FractureType.GREATER_TROCHANTER: 0.06,
}


@dataclass(frozen=True, slots=True, eq=False)
class _Base:
    """A whole film to be broken, and its files."""

    plan: FilmPlan
    paths: list[Path]


@dataclass(slots=True, eq=False)
class _Made:
    """Synthetic films as they come, the films they were made from, and how many gave none."""

    entries: list[HipEntry] = field(default_factory=list)
    films: int = 0
    unusable: int = 0
    used: set[str] = field(default_factory=set)


def synthesize(
    project: Project,
    to: Path,
    *,
    hips: int,
    seed: int = SEED,
    rule: PartitionRule = RULE,
    watch: Watch = SILENT,
) -> ExportSummary:
    """Write a dataset with about `hips` synthetic hips to train on, half of them broken; whole or not at all.

    Validation is real where it has ENOUGH_BROKEN broken hips, else synthetic of other patients; test is always real.
    The same project, seed and number give the same bytes. Raises UserError CONFIG_INVALID, SYNTHESIS_WITHOUT_FILMS,
    TRAINING_NOT_INSTALLED, PARTITION_IMPOSSIBLE, TARGET_NOT_EMPTY, FOLDER_NOT_WRITABLE, DISK_FULL or CANCELLED.
    """
    if not 2 <= hips <= MOST_HIPS:
        raise UserError(ErrorCode.CONFIG_INVALID, field="hips", value=str(hips), detail=f"between 2 and {MOST_HIPS}")
    _need_scipy()
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
    real = _real(plan, set(wanted))
    needed_mb = 4 * (len(real.films) + sum(wanted.values())) // IMAGES_A_MB + 1
    with whole_folder(
        target, content=frozenset({MANIFEST_NAME, HIPS_NAME, IMAGES_FOLDER}), needed_mb=needed_mb
    ) as part:
        (part / IMAGES_FOLDER).mkdir()
        made = _Made()
        for partition, films in wanted.items():
            _break_all(bases[partition], films, plan, part, seed=seed, partition=partition, made=made, watch=watch)
            if not any(e.partition is partition for e in made.entries):
                raise UserError(ErrorCode.SYNTHESIS_WITHOUT_FILMS, path=str(project.path), partition=partition.value)
        real_entries, left_out = _export_real(real, files, part, project, watch)
        entries = [*made.entries, *real_entries]
        counts = partition_counts(entries)
        told = Synthesis(2 * made.films, len(made.used), made.unusable, tuple(p.value for p in wanted))
        manifest = make_manifest(plan, entries, counts, left_out, seed=seed, rule=rule)
        manifest = write_manifest(part, replace(manifest, synthesis=told), entries)
        facts = {"hips_sha256": manifest.hips_sha256, "seed": seed, "counts": counts, "synthesis": asdict(told)}
        audit.note(project, "synthesize", what="dataset", new=facts)
    films = len({e.film_code for e in entries})
    return ExportSummary(target, films, 2 * films, counts, tuple(left_out), plan.overlap_share, told)


def _need_scipy() -> None:
    try:
        importlib.import_module("scipy.ndimage")
    except ImportError as error:
        raise UserError(ErrorCode.TRAINING_NOT_INSTALLED, module="scipy") from error


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


def _bases(plan: ExportPlan, files: Mapping[FilmId, list[Path]], partition: Partition) -> list[_Base]:
    """The whole films of a partition's patients."""
    own = [f for f in plan.films if plan.partitions[f.group] is partition and not f.fracture]
    return [_Base(film, files[film.film.film_id]) for film in own]


def _real(plan: ExportPlan, synthetic: set[Partition]) -> ExportPlan:
    """The part of an export that stays real, with the windows of this dataset."""
    kept = [f for f in plan.films if plan.partitions[f.group] not in synthetic]
    return replace(plan, films=tuple(replace(f, midline=with_overlap(f, plan.overlap_share)) for f in kept))


def _export_real(
    plan: ExportPlan, files: Mapping[FilmId, list[Path]], part: Path, project: Project, watch: Watch
) -> tuple[list[HipEntry], list[NotExported]]:
    entries: list[HipEntry] = []
    left_out = list(plan.left_out)
    with closing(exported_films(plan, files, part, HipCache(project.path / CACHE_FOLDER))) as exported:
        for done, (film, outcome) in enumerate(exported, 1):
            if isinstance(outcome, UserError):
                left_out.append(not_exported(film.film, outcome))
            else:
                entries.extend(outcome)
            watch.step("export real films", done, len(plan.films))
            watch.check("The synthesis")
    return entries, sorted(left_out, key=lambda n: n.film_code)


def _overlap(bases: Sequence[_Base], seed: int, watch: Watch) -> float:
    """d of METHOD 3.4, from the windows of the first synthetic films."""
    looked_at: list[FilmPlan] = []
    for base in bases:
        watch.check("The synthesis")
        taken_apart = _taken_apart(base)
        if taken_apart is None:
            continue
        each = -(-LOOKED_AT_FIRST // len(bases))
        looked_at += [film for film, _ in islice(_films(base, *taken_apart, seed), each)]
        watch.step("look at windows", min(len(looked_at), LOOKED_AT_FIRST), LOOKED_AT_FIRST)
        if len(looked_at) >= LOOKED_AT_FIRST:
            break
    return overlap_share(looked_at)


def _break_all(
    bases: Sequence[_Base],
    films: int,
    plan: ExportPlan,
    part: Path,
    *,
    seed: int,
    partition: Partition,
    made: _Made,
    watch: Watch,
) -> None:
    """Make so many films, the bases in turn; what a base cannot give the others do."""
    each, more = divmod(films, len(bases))
    shares = [each + (number < more) for number in range(len(bases))]
    stage = f"break hips for {partition.value}"
    done = 0

    def from_base(base: _Base, count: int) -> list[HipEntry] | None:
        taken_apart = _taken_apart(base)
        if taken_apart is None:
            return None
        found: list[HipEntry] = []
        for film, picture in islice(_films(base, *taken_apart, seed), count):
            if watch.cancelled():
                break
            film = replace(film, midline=with_overlap(film, plan.overlap_share))
            windows = windows_of(film)
            images = tuple(encode_png(image) for image in hip_images(picture, windows))
            hips = FilmHips(taken_apart[1], windows, images)
            found += write_hips(film, hips, part, partition=partition, synthetic=True)
        return found

    # Threads: NumPy, SciPy and Pillow let go of the GIL where the time goes.
    with ThreadPoolExecutor(max(1, min(4, os.cpu_count() or 1)), thread_name_prefix="synthesis") as pool:
        jobs = [(b, n) for b, n in zip(bases, shares, strict=True) if n]
        for (base, count), entries in zip(jobs, pool.map(lambda job: from_base(*job), jobs), strict=True):
            watch.check("The synthesis")
            done += count
            watch.step(stage, done, films)
            if entries is None:
                made.unusable += 1
            elif entries:
                made.entries += entries
                made.films += len({e.film_code for e in entries})
                made.used.add(base.plan.film.film_id)


def _taken_apart(base: _Base) -> tuple[BaseFilm, Mapping8] | None:
    """The film about its hips; None where they are not found or too near to its edge."""
    from hipcad_desktop.synthesis.film import BaseFilm, HipAt

    picture = picture_from(base.paths, base.plan.film.film_id)
    small = np.asarray(shrunk(picture.eight_bit, WORKING_PX))
    pelvis = find_pelvis(pyramid(small))
    if pelvis.score < PELVIS_SCORE:
        return None
    left, right = (
        HipAt(hip.half, (hip.head_x, hip.head_y), (hip.shaft_x, hip.shaft_y), hip.heads_px)
        for hip in find_hips(small, pelvis)
    )
    try:
        return BaseFilm.of(small, (left, right)), picture.mapping
    except ValueError:
        return None


def _films(base: _Base, film: BaseFilm, mapping: Mapping8, seed: int) -> Iterator[tuple[FilmPlan, Any]]:
    """Synthetic films of one base without end: how they are halved, and their pixels, uint8 [H, W]."""
    row = base.plan.film
    scale = film.picture.shape[1] / row.width
    failures, draw = 0, 0
    while failures < 50:  # a film cut off so high that nothing can be broken in it
        draw += 1
        name = hashlib.sha256(f"{row.film_id}/{seed}/{draw}".encode()).hexdigest()
        generator = np.random.default_rng(int(name[:16], 16))
        half = list(ImageHalf)[int(generator.integers(2))]
        kind = list(SHARES)[int(generator.choice(len(SHARES), p=list(SHARES.values())))]
        try:
            made = film.made({half: kind, half.other: None}, generator)
            size = Size(made.film.shape[1], made.film.shape[0])
            rectangle = made.rectangles[half]
            if half_of(rectangle, size) is not half:
                raise ValueError("the fracture lies beyond the film's middle")
            exact = halve_by_midline(size, (row.midline_px or 0.0) * scale, overlap_share=0.0, fracture=False)
            paper = halve_by_rectangles(size, [rectangle])
        except (ValueError, UserError):
            failures += 1
            continue
        failures = 0
        plan = replace(
            base.plan,
            film=replace(row, film_id=FilmId(name), width=size.width, height=size.height),
            paper=paper,
            midline=exact,
            types={half: kind.value, half.other: ""},
            rectangles={half: rectangle},
        )
        yield plan, made.film
