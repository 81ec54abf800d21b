"""A dataset of made-up hips, as export writes it: noise, and a dark square in every broken hip."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from hipcad_desktop.domain.anatomy import Side
from hipcad_desktop.domain.cohort import Partition
from hipcad_desktop.domain.dataset import IMAGES_FOLDER, SCHEMA, DatasetManifest, HipEntry
from hipcad_desktop.domain.halving import HalvingMethod
from hipcad_desktop.imaging.dataset_files import image_name, write_manifest
from hipcad_desktop.imaging.hip_image import encode_png

FILMS = {Partition.TRAINING: 6, Partition.VALIDATION: 3, Partition.TEST: 3}
CLASSES = (True, False)


def write_made_up_dataset(
    to: Path, *, films: Mapping[Partition, int] = FILMS, classes: tuple[bool, ...] = CLASSES, seed: int = 0
) -> DatasetManifest:
    """Write a dataset; each film's right hip has the first of classes, its left hip the last, halved in every way."""
    random = np.random.default_rng(seed)
    (to / IMAGES_FOLDER).mkdir(parents=True)
    entries: list[HipEntry] = []
    for partition, count in films.items():
        for number in range(count):
            code = hashlib.sha256(f"{seed}/{partition}/{number}".encode()).hexdigest()[:12]
            for side, fracture in ((Side.RIGHT, classes[0]), (Side.LEFT, classes[-1])):
                entries += [_hip(to, random, code, partition, side, fracture, h) for h in HalvingMethod]
    counts = {
        partition.value: {
            "patients": n,
            "films": n,
            "fracture": n * (classes[0] + classes[-1]),
            "no_fracture": n * (2 - classes[0] - classes[-1]),
        }
        for partition, n in films.items()
    }
    manifest = DatasetManifest(
        schema=SCHEMA,
        program_version="0",
        seed=seed,
        share_validation=0.25,
        share_test=0.25,
        overlap_share=0.1,
        mapping_rules=("identity8",),
        counts=counts,
        hips_sha256="",
        not_exported=(),
        notice="made up",
    )
    return write_manifest(to, manifest, entries)


def _hip(
    to: Path,
    random: np.random.Generator,
    code: str,
    partition: Partition,
    side: Side,
    fracture: bool,
    halving: HalvingMethod,
) -> HipEntry:
    image = random.integers(100, 256, (380, 380), np.uint8)
    if fracture:
        image[80:300, 80:300] //= 4
    data = encode_png(image)
    name = image_name(code, side, halving)
    (to / name).write_bytes(data)
    paper, square = halving is HalvingMethod.PAPER, halving is HalvingMethod.HIP
    return HipEntry(
        image=name,
        sha256=hashlib.sha256(data).hexdigest(),
        film_code=code,
        patient=f"P{code[:4]}",
        partition=partition,
        side=side,
        side_source="assumed",
        fracture=fracture,
        pair_has_fracture=True,
        fracture_type="",
        halving=halving,
        x0_px=0.0 if side is Side.RIGHT else 400.0,
        x1_px=600.0 if side is Side.RIGHT else 1000.0,
        line_px=500.0,
        margin_share=50 / 380 if paper else None,
        overlap_share=0.1 if halving is HalvingMethod.MIDLINE else None,
        film_width=1000,
        film_height=800,
        mapping_rule="identity8",
        mapping_low=0.0,
        mapping_high=255.0,
        window_y0=100.0 if square else None,
        window_y1=700.0 if square else None,
    )
