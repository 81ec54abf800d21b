"""What a dataset's manifest says, in the words a person needs before a training."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hipcad_desktop.domain.cohort import Partition
from hipcad_desktop.domain.dataset import MANIFEST_NAME
from hipcad_desktop.domain.errors import ErrorCode, UserError

FEW_FRACTURES = 30  # fewer broken hips to train on: no network can be expected to say anything
COLUMNS = ("patients", "films", "fracture", "no_fracture")


@dataclass(frozen=True, slots=True)
class DatasetFacts:
    """Counts by partition, the number of films left out, what forbids a training and what speaks against it."""

    path: Path
    counts: Mapping[Partition, Mapping[str, int]]
    left_out: int
    obstacles: tuple[str, ...]
    doubts: tuple[str, ...]

    @property
    def trainable(self) -> bool:
        """Whether a training can begin."""
        return not self.obstacles


def read_dataset_facts(path: Path) -> DatasetFacts:
    """Read dataset.json, not the images. Raises UserError FILE_MISSING, NOT_A_DATASET or DATASET_DAMAGED."""
    folder = path.parent if path.name == MANIFEST_NAME else path
    if not folder.is_dir():
        raise UserError(ErrorCode.FILE_MISSING, path=str(folder))
    try:
        values: Any = json.loads((folder / MANIFEST_NAME).read_text("utf-8"))
    except FileNotFoundError as error:
        raise UserError(ErrorCode.NOT_A_DATASET, path=str(folder)) from error
    except (OSError, ValueError) as error:
        raise UserError(ErrorCode.DATASET_DAMAGED, path=str(folder), detail=f"{MANIFEST_NAME} is unreadable") from error
    try:
        counts = {p: {c: int(values["counts"].get(p.value, {}).get(c, 0)) for c in COLUMNS} for p in Partition}
        left_out = len(values["not_exported"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError(ErrorCode.DATASET_DAMAGED, path=str(folder), detail=f"{MANIFEST_NAME} is incomplete") from error
    return DatasetFacts(folder, counts, left_out, _obstacles(counts), _doubts(counts))


def _obstacles(counts: Mapping[Partition, Mapping[str, int]]) -> tuple[str, ...]:
    found = []
    for partition in (Partition.TRAINING, Partition.VALIDATION):
        missing = _missing(counts[partition])
        if missing:
            found.append(
                f"The {partition.value} partition has no hips {missing}. Training needs both kinds: "
                "read more films and export again."
            )
    return tuple(found)


def _doubts(counts: Mapping[Partition, Mapping[str, int]]) -> tuple[str, ...]:
    found = []
    missing = _missing(counts[Partition.TEST])
    if missing:
        found.append(f"The test partition has no hips {missing}: the trained model cannot be fully evaluated on it.")
    fractures = counts[Partition.TRAINING]["fracture"]
    if 0 < fractures < FEW_FRACTURES:
        found.append(
            f"Only {fractures} hips with a fracture to train on. Good for trying the program out; "
            "such a model's answers mean nothing."
        )
    return tuple(found)


def _missing(counts: Mapping[str, int]) -> str:
    absent = [words for key, words in (("fracture", "with"), ("no_fracture", "without")) if not counts[key]]
    return f"{' or '.join(absent)} a fracture" if absent else ""
