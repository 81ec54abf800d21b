"""From a project to a dataset: agreed readings, partitions by patient, 380 x 380 hips and a manifest without names."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hipcad_desktop import __version__
from hipcad_desktop.domain.anatomy import ImageHalf
from hipcad_desktop.domain.annotation import Reading
from hipcad_desktop.domain.cohort import Partition, PartitionRule, PatientGroup
from hipcad_desktop.domain.dataset import (
    HIPS_NAME,
    IMAGES_FOLDER,
    MANIFEST_NAME,
    SCHEMA,
    DatasetManifest,
    HipEntry,
    NotExported,
    Synthesis,
    age_band,
    partition_counts,
)
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.geometry import Window
from hipcad_desktop.domain.halving import Halving
from hipcad_desktop.domain.model_card import RESEARCH_USE
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.domain.radiograph import FilmId
from hipcad_desktop.imaging.dataset_files import image_name, write_manifest
from hipcad_desktop.imaging.finder import find_hips_of
from hipcad_desktop.imaging.hip_cache import FilmHips, Heads, HipCache
from hipcad_desktop.imaging.hip_image import encode_png, hip_images
from hipcad_desktop.store import audit
from hipcad_desktop.store import films as film_store
from hipcad_desktop.store.films import FilmRow
from hipcad_desktop.store.folders import whole_folder
from hipcad_desktop.store.project_store import Project
from hipcad_desktop.store.readings import current_readings
from hipcad_desktop.workflows.export_plan import (
    ExportPlan,
    FilmPlan,
    film_code,
    not_exported,
    plan_export,
    squares_about,
)
from hipcad_desktop.workflows.load_film import has_bytes, picture_from

SILENT = Watch()
RULE = PartitionRule()
SEED = 20200414
CACHE_FOLDER = "cache/hips"
IMAGES_A_MB = 10  # a hip image is about 100 kB
IMAGES_A_FILM = 6  # two hips by three halvings


@dataclass(frozen=True, slots=True)
class ExportSummary:
    """What was exported. hips: two a film, as images by up to three halvings. counts: partition -> numbers by class.

    without_squares: films of the dataset that have no squares about their hips, and why.
    """

    dataset: Path
    films: int
    hips: int
    counts: Mapping[str, Mapping[str, int]]
    not_exported: tuple[NotExported, ...]
    overlap_share: float
    synthesis: Synthesis | None = None
    without_squares: tuple[NotExported, ...] = ()


@dataclass(frozen=True, slots=True)
class Exported:
    """One film's hips, and why it has no squares about them; None where it has."""

    entries: list[HipEntry]
    no_squares: UserError | None


def export_dataset(
    project: Project, to: Path, *, seed: int = SEED, rule: PartitionRule = RULE, watch: Watch = SILENT
) -> ExportSummary:
    """Write a dataset that is there whole or not at all; the same project and seed give the same bytes.

    Films that cannot be in it are in not_exported with the reason. Raises UserError NOTHING_TO_EXPORT,
    PARTITION_IMPOSSIBLE, TARGET_NOT_EMPTY, FOLDER_NOT_WRITABLE, DISK_FULL or CANCELLED; nothing is left behind then.
    """
    target = Path(os.path.abspath(to))
    plan, files = plan_project(project, seed=seed, rule=rule)
    if not plan.films:
        raise UserError(ErrorCode.NOTHING_TO_EXPORT, path=str(project.path))
    watch.started(films=len(plan.films))
    content = frozenset({MANIFEST_NAME, HIPS_NAME, IMAGES_FOLDER})
    cache = HipCache(project.path / CACHE_FOLDER)
    needed_mb = IMAGES_A_FILM * len(plan.films) // IMAGES_A_MB + 1
    with whole_folder(target, content=content, needed_mb=needed_mb) as part:
        (part / IMAGES_FOLDER).mkdir()
        entries, left_out, no_squares = export_films(plan, files, part, cache, stage="export", watch=watch)
        if not entries:
            raise UserError(ErrorCode.NOTHING_TO_EXPORT, path=str(project.path))
        counts = partition_counts(entries)
        told = make_manifest(plan, entries, counts, left_out, seed=seed, rule=rule)
        manifest = write_manifest(part, replace(told, without_squares=tuple(no_squares)), entries)
        facts = {"hips_sha256": manifest.hips_sha256, "seed": seed, "counts": counts, "not_exported": len(left_out)}
        audit.note(project, "export", what="dataset", new=facts)
    cache.trim()
    films = len({e.film_code for e in entries})
    return ExportSummary(
        target, films, 2 * films, counts, tuple(left_out), plan.overlap_share, without_squares=tuple(no_squares)
    )


def export_films(
    plan: ExportPlan, files: Mapping[FilmId, list[Path]], part: Path, cache: HipCache, *, stage: str, watch: Watch
) -> tuple[list[HipEntry], list[NotExported], list[NotExported]]:
    """Write a plan's films into a dataset in the making: their hips, the films left out, those without squares."""
    entries: list[HipEntry] = []
    left_out, no_squares = list(plan.left_out), list[NotExported]()
    with closing(exported_films(plan, files, part, cache)) as exported:  # closed before the folder: no thread writes on
        for done, (film, outcome) in enumerate(exported, 1):
            if isinstance(outcome, UserError):
                left_out.append(not_exported(film.film, outcome))
            else:
                entries.extend(outcome.entries)
                no_squares += [not_exported(film.film, outcome.no_squares)] if outcome.no_squares else []
            watch.step(stage, done, len(plan.films))
            watch.check("The export")
    return entries, sorted(left_out, key=lambda n: n.film_code), no_squares


def plan_project(
    project: Project, *, seed: int = SEED, rule: PartitionRule = RULE
) -> tuple[ExportPlan, dict[FilmId, list[Path]]]:
    """What an export of the project would hold, and where each film's files lie. No pixel is read."""
    films = film_store.film_rows(project, reader=None)
    files = film_store.all_files(project)
    with project.reading() as connection:
        readings: dict[FilmId, list[Reading]] = {}
        for reading in current_readings(connection):
            readings.setdefault(reading.film_id, []).append(reading)
    seen = {film_store.project_path(project, k): v for k, v in film_store.known_files(project).items()}
    unusable = {f.film_id: e for f in films if (e := _unusable(f, files[f.film_id], seen)) is not None}
    scanners = film_store.scanners(project)
    return plan_export(films, readings, unusable, seed=seed, rule=rule, scanners=scanners), files


def population(project: Project) -> Mapping[str, PatientGroup]:
    """The patients that an export would divide, for a look at the partitions before it. No pixel is read."""
    return plan_project(project)[0].population


def _unusable(film: FilmRow, paths: Sequence[Path], seen: Mapping[Path, tuple[FilmId, int, int]]) -> UserError | None:
    """Why none of a film's files can be read; a file is hashed only where its size or time is another than it was."""
    error = UserError(ErrorCode.FILE_MISSING, path=film.path)
    for path in paths:
        try:
            status = path.stat()
        except OSError:
            continue
        if seen[path][1:] == (status.st_size, status.st_mtime_ns) or has_bytes(path, film.film_id):
            return None
        error = UserError(ErrorCode.FILM_CHANGED, path=str(path))
    return error


def exported_films(
    plan: ExportPlan, files: Mapping[FilmId, list[Path]], part: Path, cache: HipCache
) -> Generator[tuple[FilmPlan, Exported | UserError], None, None]:
    """Make every film's images on all cores (Pillow lets go of the GIL), a few ahead; outcomes in the plan's order."""
    workers = max(1, min(8, os.cpu_count() or 1))
    with ThreadPoolExecutor(workers, thread_name_prefix="export") as pool:
        ahead: deque[tuple[FilmPlan, Future[Exported | UserError]]] = deque()
        try:
            for film in plan.films:
                partition = plan.partitions[film.group]
                own = files[film.film.film_id]
                task = pool.submit(_export_film, film, own, part, partition=partition, cache=cache)
                ahead.append((film, task))
                if len(ahead) > 2 * workers:
                    first, outcome = ahead.popleft()
                    yield first, outcome.result()
            while ahead:
                first, outcome = ahead.popleft()
                yield first, outcome.result()
        finally:
            for _, outcome in ahead:
                outcome.cancel()


def _hips(plan: FilmPlan, paths: list[Path], cache: HipCache) -> FilmHips:
    """The film's images, kept ones where they are; else the film is decoded once for all of them."""
    strips = windows_of(plan)
    kept = cache.load(plan.film.film_id, strips)
    if kept is not None and set(_squares(plan, kept.heads)) <= set(kept.windows):
        return kept
    picture = picture_from(paths, plan.film.film_id)
    found = find_hips_of(picture.eight_bit)
    heads = None if found is None else ((found[0].head_x, found[0].head_y), (found[1].head_x, found[1].head_y))
    windows = (*strips, *_squares(plan, heads))
    images = tuple(encode_png(image) for image in hip_images(picture.eight_bit, windows))
    made = FilmHips(picture.mapping, windows, images, heads)
    cache.save(plan.film.film_id, made)
    return made


def _squares(plan: FilmPlan, heads: Heads | None) -> tuple[Window, ...]:
    """What is cut out about the hips whatever the readers say, so that another rectangle needs no pixel again."""
    try:
        halving = squares_about(replace(plan, rectangles={}), heads)
    except UserError:
        return ()
    return (halving.left.window, halving.right.window)


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)  # made durable with all others before the folder gets its name


def _export_film(
    plan: FilmPlan, paths: list[Path], part: Path, *, partition: Partition, cache: HipCache
) -> Exported | UserError:
    try:
        hips = _hips(plan, paths, cache)
    except UserError as error:
        return error
    no_squares = None
    try:
        plan = replace(plan, squares=squares_about(plan, hips.heads))
    except UserError as error:
        no_squares = error
    return Exported(write_hips(plan, hips, part, partition=partition), no_squares)


def windows_of(plan: FilmPlan) -> tuple[Window, ...]:
    """The windows of a film's images: of all its halvings, each once."""
    return tuple(dict.fromkeys(h.window for halving in _halvings(plan) for h in (halving.left, halving.right)))


def _halvings(plan: FilmPlan) -> list[Halving]:
    return [halving for halving in (plan.paper, plan.midline, plan.squares) if halving is not None]


def write_hips(
    plan: FilmPlan, hips: FilmHips, part: Path, *, partition: Partition, synthetic: bool = False
) -> list[HipEntry]:
    """Write a film's images into a dataset's folder; their rows of hips.csv."""
    mapping = hips.mapping
    entries = []
    for halving in _halvings(plan):
        for hip in (halving.left, halving.right):
            side = plan.sides.side_of(hip.half)
            name = image_name(film_code(plan.film), side, halving.method, synthetic=synthetic)
            data = hips.of(hip.window)
            _write(part / name, data)
            entries.append(
                HipEntry(
                    image=name,
                    sha256=hashlib.sha256(data).hexdigest(),
                    film_code=film_code(plan.film),
                    patient=plan.film.patient,
                    partition=partition,
                    side=side,
                    side_source=plan.sides.source.value,
                    fracture=bool(hip.fracture),
                    pair_has_fracture=plan.fracture,
                    fracture_type=plan.types[hip.half] if hip.fracture else "",
                    halving=halving.method,
                    x0_px=hip.window.x0,
                    x1_px=hip.window.x1,
                    line_px=halving.line_px,
                    margin_share=halving.margin_share,
                    overlap_share=halving.overlap_share,
                    film_width=plan.film.width,
                    film_height=plan.film.height,
                    mapping_rule=mapping.rule,
                    mapping_low=mapping.low,
                    mapping_high=mapping.high,
                    synthetic=synthetic,
                    window_y0=hip.window.y0,
                    window_y1=hip.window.y1,
                    **_facts(plan, hip.half),
                )
            )
    return sorted(entries, key=lambda e: e.image)


def _facts(plan: FilmPlan, half: ImageHalf) -> dict[str, Any]:
    """What subgroups and probes ask of a hip: nothing that names a person, no date, no age in years."""
    cohort, drawn = plan.film.cohort, plan.rectangles.get(half)
    corners = (None,) * 4 if drawn is None else (drawn.x, drawn.y, drawn.x1, drawn.y1)
    return {
        "hospital": cohort.hospital,
        "scanner": plan.scanner,
        "sex": plan.sex,
        "age_band": age_band(cohort.age_years),
        "flags": "; ".join(plan.flags),
        **dict(zip(("rect_x0_px", "rect_y0_px", "rect_x1_px", "rect_y1_px"), corners, strict=True)),
    }


def make_manifest(
    plan: ExportPlan,
    entries: Sequence[HipEntry],
    counts: Mapping[str, Mapping[str, int]],
    left_out: Sequence[NotExported],
    *,
    seed: int,
    rule: PartitionRule,
) -> DatasetManifest:
    """What dataset.json says of these hips; write_manifest adds the hash of hips.csv."""
    films = max(1, sum(c["films"] for c in counts.values()))
    return DatasetManifest(
        schema=SCHEMA,
        program_version=__version__,
        seed=seed,
        share_validation=counts[Partition.VALIDATION.value]["films"] / films,
        share_test=counts[Partition.TEST.value]["films"] / films,
        overlap_share=plan.overlap_share,
        mapping_rules=tuple(sorted({e.mapping_rule for e in entries})),
        counts=counts,
        hips_sha256="",
        not_exported=tuple(left_out),
        notice=RESEARCH_USE,
        rule=rule,
        linked_patients=plan.linked_patients,
    )
