"""A dataset of hips with random texture, sharp or smoothed, for what a leak probe should and should not see."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from hipcad_desktop import __version__
from hipcad_desktop.domain.anatomy import Side
from hipcad_desktop.domain.cohort import Partition
from hipcad_desktop.domain.dataset import IMAGES_FOLDER, SCHEMA, DatasetManifest, HipEntry
from hipcad_desktop.domain.halving import HalvingMethod
from hipcad_desktop.domain.model_card import RESEARCH_USE
from hipcad_desktop.imaging.dataset_files import image_name, write_manifest
from hipcad_desktop.imaging.hip_image import encode_png


@dataclass(frozen=True, slots=True)
class TexturedFilm:
    """One film: its broken sides, how smooth it is, where it comes from; copy_of makes it a copy of another number."""

    number: int
    broken: str = ""  # "", "R", "L" or "RL"
    blur: float = 1.0  # pixels
    hospital: str = ""
    partition: Partition = Partition.TRAINING
    patient: str = ""
    copy_of: int | None = None
    width: int = 1000


def texture(seed: int, *, blur: float = 1.0) -> NDArray[np.uint8]:
    """Shapes and grain that no other seed has, uint8 [380, 380]."""
    generator = np.random.default_rng(seed)
    coarse = Image.fromarray(generator.integers(0, 256, (24, 24), np.uint8)).resize(
        (380, 380), Image.Resampling.BICUBIC
    )
    grain = Image.fromarray(generator.integers(0, 256, (190, 190), np.uint8)).resize((380, 380))
    return np.asarray(Image.blend(coarse, grain, 0.3).filter(ImageFilter.GaussianBlur(blur)))


def copied(image: NDArray[np.uint8], *, crop: float = 0.03, quality: int = 60) -> NDArray[np.uint8]:
    """The image as it is when its film was cropped by this share on two sides, made darker and saved as JPEG."""
    import io

    edge = len(image)
    cut = Image.fromarray(image).crop((round(crop * edge), 0, edge, round((1 - crop) * edge)))
    darker = cut.resize((edge, edge), Image.Resampling.BICUBIC).point([round(0.85 * v) for v in range(256)])
    data = io.BytesIO()
    darker.save(data, "JPEG", quality=quality)
    return np.asarray(Image.open(data))


def write_textured_dataset(dataset: Path, films: Sequence[TexturedFilm]) -> tuple[DatasetManifest, list[HipEntry]]:
    """Write a dataset of one midline halving."""
    (dataset / IMAGES_FOLDER).mkdir(parents=True)
    entries = []
    for film in films:
        code = hashlib.sha256(f"textured {film.number}".encode()).hexdigest()[:12]
        for at, side in enumerate((Side.RIGHT, Side.LEFT)):
            if film.copy_of is None:
                image = texture(2 * film.number + at, blur=film.blur)
            else:
                image = copied(texture(2 * film.copy_of + at, blur=film.blur))
            entries.append(_entry(dataset, film, code, side, image))
    manifest = DatasetManifest(
        schema=SCHEMA,
        program_version=__version__,
        seed=1,
        share_validation=0.15,
        share_test=0.15,
        overlap_share=0.1,
        mapping_rules=("identity8",),
        counts={},
        hips_sha256="",
        not_exported=(),
        notice=RESEARCH_USE,
    )
    return write_manifest(dataset, manifest, entries), entries


def _entry(dataset: Path, film: TexturedFilm, code: str, side: Side, image: NDArray[np.uint8]) -> HipEntry:
    name = image_name(code, side, HalvingMethod.MIDLINE)
    content = encode_png(image)
    (dataset / name).write_bytes(content)
    right = side is Side.RIGHT
    return HipEntry(
        image=name,
        sha256=hashlib.sha256(content).hexdigest(),
        film_code=code,
        patient=film.patient or f"P{film.number:04d}",
        partition=film.partition,
        side=side,
        side_source="assumed",
        fracture=side.value in film.broken,
        pair_has_fracture=bool(film.broken),
        fracture_type="",
        halving=HalvingMethod.MIDLINE,
        x0_px=0.0 if right else 0.4 * film.width,
        x1_px=0.6 * film.width if right else float(film.width),
        line_px=0.5 * film.width,
        margin_share=None,
        overlap_share=0.1,
        film_width=film.width,
        film_height=900,
        mapping_rule="identity8",
        mapping_low=0.0,
        mapping_high=255.0,
        hospital=film.hospital,
    )
