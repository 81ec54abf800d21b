"""Trainings that were run: one row for each, and several of them side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

RunState = Literal["running", "unfinished", "finished", "damaged"]
FIGURES = ("train_loss", "validation_loss", "auc", "sensitivity", "specificity", "learning_rate", "seconds")


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run's folder. Figures are those of its last finished epoch on validation; None where there is none."""

    path: str
    name: str  # the folder's name without .run
    state: RunState
    started_utc: str = ""
    recipe: str = ""
    backbone: str = ""
    weights: str = ""
    seed: int | None = None
    epochs_done: int = 0
    epochs: int = 0
    auc: float | None = None
    sensitivity: float | None = None
    specificity: float | None = None
    n_fracture: int = 0  # validation hips that the figures rest on
    n_no_fracture: int = 0
    seconds: float = 0.0  # of training, all epochs
    device: str = ""
    data_sha256: str = ""
    model: str = ""  # the package's file name; empty while unfinished
    model_sha256: str = ""
    ended: str = ""  # the error code a run ended with, "cancelled" included; empty elsewhere
    events: tuple[Mapping[str, Any], ...] = ()  # out of memory, sleep and the like, as in metrics.jsonl

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return {**asdict(self), "events": [dict(event) for event in self.events]}


@dataclass(frozen=True, slots=True)
class Compared:
    """One line of a table of runs: values in the order of the runs, as text; empty where a run lacks it."""

    name: str
    values: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether all runs agree."""
        return len(set(self.values)) <= 1


@dataclass(frozen=True, slots=True)
class RunComparison:
    """Several runs side by side. curves: figure (one of FIGURES) -> for each run its (epoch, value) pairs."""

    runs: tuple[RunRow, ...]
    config: tuple[Compared, ...]
    environment: tuple[Compared, ...]  # seed, data hash, versions, device, threads
    curves: Mapping[str, tuple[tuple[tuple[int, float], ...], ...]] = field(default_factory=dict)

    @property
    def differences(self) -> tuple[Compared, ...]:
        """The lines of config and environment in which the runs differ."""
        return tuple(line for line in (*self.config, *self.environment) if not line.same)

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return {
            "runs": [run.to_json() for run in self.runs],
            "config": [{**asdict(line), "values": list(line.values), "same": line.same} for line in self.config],
            "environment": [
                {**asdict(line), "values": list(line.values), "same": line.same} for line in self.environment
            ],
            "curves": {
                name: [[list(point) for point in curve] for curve in curves] for name, curves in self.curves.items()
            },
        }
