"""A dataset of flat grey hip images for tests: with the fake model, brightness alone decides every score."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hipcad_desktop import __version__
from hipcad_desktop.domain.anatomy import Side
from hipcad_desktop.domain.cohort import Partition
from hipcad_desktop.domain.dataset import IMAGES_FOLDER, SCHEMA, DatasetManifest, HipEntry
from hipcad_desktop.domain.halving import HalvingMethod
from hipcad_desktop.domain.model_card import RESEARCH_USE
from hipcad_desktop.imaging.dataset_files import image_name, write_manifest
from hipcad_desktop.imaging.hip_image import encode_png


@dataclass(frozen=True, slots=True)
class FlatFilm:
    """One film: its patient, which sides are broken, and the grey level of each hip."""

    patient: str
    right: int
    left: int
    broken: str = ""  # "", "R", "L" or "RL"
    fracture_type: str = ""
    partition: Partition = Partition.TEST


def write_flat_dataset(
    dataset: Path,
    films: Sequence[FlatFilm],
    *,
    halvings: Sequence[HalvingMethod] = (HalvingMethod.PAPER, HalvingMethod.MIDLINE),
    overlap_share: float = 0.1,
    mapping_rule: str = "identity8",
) -> DatasetManifest:
    """Write a dataset of the films and return its manifest."""
    (dataset / IMAGES_FOLDER).mkdir(parents=True)
    entries = []
    for number, film in enumerate(films):
        code = hashlib.sha256(f"{number}".encode()).hexdigest()[:12]
        for halving in halvings:
            for side, level in ((Side.RIGHT, film.right), (Side.LEFT, film.left)):
                name = image_name(code, side, halving)
                content = encode_png(np.full((380, 380), level, np.uint8))
                (dataset / name).write_bytes(content)
                sha256 = hashlib.sha256(content).hexdigest()
                entries.append(_entry(film, name, sha256, code, side, halving, overlap_share, mapping_rule))
    manifest = DatasetManifest(
        schema=SCHEMA,
        program_version=__version__,
        seed=1,
        share_validation=0.15,
        share_test=0.15,
        overlap_share=overlap_share,
        mapping_rules=(mapping_rule,),
        counts={},
        hips_sha256="",
        not_exported=(),
        notice=RESEARCH_USE,
    )
    return write_manifest(dataset, manifest, entries)


def _entry(
    film: FlatFilm,
    name: str,
    sha256: str,
    code: str,
    side: Side,
    halving: HalvingMethod,
    overlap_share: float,
    mapping_rule: str,
) -> HipEntry:
    left = side is Side.LEFT
    return HipEntry(
        image=name,
        sha256=sha256,
        film_code=code,
        patient=film.patient,
        partition=film.partition,
        side=side,
        side_source="assumed",
        fracture=side.value in film.broken,
        pair_has_fracture=bool(film.broken),
        fracture_type=film.fracture_type if side.value in film.broken else "",
        halving=halving,
        x0_px=400.0 if left else 0.0,
        x1_px=1000.0 if left else 600.0,
        line_px=500.0,
        margin_share=None,
        overlap_share=overlap_share,
        film_width=1000,
        film_height=900,
        mapping_rule=mapping_rule,
        mapping_low=0.0,
        mapping_high=255.0,
        window_y0=100.0 if halving is HalvingMethod.HIP else None,
        window_y1=700.0 if halving is HalvingMethod.HIP else None,
    )
