"""A dataset's halves to look over, in pages: both hips of a film side by side, as they lie in the picture."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hipcad_desktop.domain.cohort import Partition
from hipcad_desktop.domain.dataset import HipEntry
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.halving import HalvingMethod
from hipcad_desktop.domain.model_card import RESEARCH_USE
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.imaging.contact_sheet import PAIRS_A_PAGE, Hip, Pair, draw_page
from hipcad_desktop.imaging.dataset_files import read_images, read_manifest
from hipcad_desktop.workflows.write_whole import write_whole

SILENT = Watch()


@dataclass(frozen=True, slots=True)
class ContactSheet:
    """The pages that were written, and how many films are on them."""

    pages: tuple[Path, ...]
    films: int


def contact_sheet(
    dataset: Path,
    to: Path,
    *,
    partition: Partition | None = None,
    halving: HalvingMethod = HalvingMethod.PAPER,
    watch: Watch = SILENT,
) -> ContactSheet:
    """Write FILE.png, or FILE-01.png, FILE-02.png, ... where one page is too small; films in order of their codes.

    Every image's hash is checked on the way. Raises UserError FILE_MISSING, NOT_A_DATASET, DATASET_DAMAGED,
    DATASET_WITHOUT_HALVING, PARTITION_EMPTY, FOLDER_NOT_WRITABLE, DISK_FULL or CANCELLED (pages written by then stay).
    """
    _, entries = read_manifest(dataset)
    if entries and not any(e.halving is halving for e in entries):
        raise UserError(ErrorCode.DATASET_WITHOUT_HALVING, path=str(dataset), halving=halving.value)
    films: dict[str, list[HipEntry]] = {}
    for entry in entries:
        if entry.halving is halving and partition in (None, entry.partition):
            films.setdefault(entry.film_code, []).append(entry)
    if not films:
        name = "whole" if partition is None else partition.value
        raise UserError(ErrorCode.PARTITION_EMPTY, path=str(dataset), partition=name)
    to = Path(os.path.abspath(to))
    codes = sorted(films)
    pages = [codes[i : i + PAIRS_A_PAGE] for i in range(0, len(codes), PAIRS_A_PAGE)]
    written: list[Path] = []
    for number, own in enumerate(pages, 1):
        watch.check("The contact sheet")
        title = f"{dataset.name}: {halving.value} halving, {'all partitions' if partition is None else partition.value}"
        title += f", page {number} of {len(pages)}, {len(codes)} films"
        pairs = [_pair(dataset, films[code]) for code in own]
        target = (
            to if len(pages) == 1 else to.with_name(f"{to.stem}-{number:0{max(2, len(str(len(pages))))}d}{to.suffix}")
        )
        write_whole(target, draw_page(pairs, title=title, notice=RESEARCH_USE))
        written.append(target)
        watch.artifact("contact sheet", str(target))
        watch.step("pages", number, len(pages))
    return ContactSheet(tuple(written), len(codes))


def _pair(dataset: Path, entries: Sequence[HipEntry]) -> Pair:
    left, right = sorted(entries, key=lambda e: e.x0_px + e.x1_px)
    images = read_images(dataset, [left, right])
    hips = [Hip(image, e.fracture, _words(e)) for image, e in zip(images, (left, right), strict=True)]
    return Pair(f"{left.film_code}  {left.patient}  {left.partition.value}", hips[0], hips[1])


def _words(entry: HipEntry) -> str:
    side = f"{entry.side.value}{'?' if entry.side_source == 'assumed' else ''}"
    kind = f" {entry.fracture_type}" if entry.fracture_type else ""
    return f"{side}  {'fracture' + kind if entry.fracture else 'no fracture'}"
