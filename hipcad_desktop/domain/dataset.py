"""The dataset that leaves a project: 380 x 380 hip images and a manifest that names every decision, and no person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from hipcad_desktop.domain.anatomy import Side
from hipcad_desktop.domain.cohort import Partition
from hipcad_desktop.domain.halving import HalvingMethod

SCHEMA = 1
MANIFEST_NAME = "dataset.json"
HIPS_NAME = "hips.csv"
IMAGES_FOLDER = "images"


@dataclass(frozen=True, slots=True)
class HipEntry:
    """One hip image: a row of hips.csv. Paths are relative to the dataset; pixels are 8-bit grey, 380 x 380."""

    image: str  # images/<film_code>_<R|L>_<halving>.png
    sha256: str  # of the image file
    film_code: str  # first 12 digits of the film's id
    patient: str  # pseudonym, P0001
    partition: Partition
    side: Side
    side_source: str
    fracture: bool
    pair_has_fracture: bool  # the other hip or this one is broken: "other-hip negatives" are told apart by it
    fracture_type: str
    halving: HalvingMethod
    x0_px: float
    x1_px: float
    line_px: float
    margin_share: float | None
    overlap_share: float | None
    film_width: int
    film_height: int
    mapping_rule: str
    mapping_low: float
    mapping_high: float


@dataclass(frozen=True, slots=True)
class NotExported:
    """A film that is not in the dataset, and why."""

    film_code: str
    file_name: str
    code: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DatasetManifest:
    """dataset.json: how the hips were made, how many there are, what was left out."""

    schema: int
    program_version: str
    seed: int
    share_validation: float
    share_test: float
    overlap_share: float  # of the diagnosis halving: median training window share minus 1/2 (METHOD 3.4)
    mapping_rules: tuple[str, ...]
    counts: Mapping[str, Mapping[str, int]]  # partition -> patients, films, fracture, no_fracture
    hips_sha256: str  # of hips.csv: the data hash that runs and cards carry
    not_exported: tuple[NotExported, ...]
    notice: str

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return asdict(self)
