"""What a training would do, found out before it begins: on which device, for how long, and whether it can go well."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

Verdict = Literal["ok", "mind", "stop"]
_ORDER: tuple[Verdict, ...] = ("ok", "mind", "stop")


@dataclass(frozen=True, slots=True)
class PreflightItem:
    """One line of the page: what was looked at, what was found, and whether the training may begin with it.

    verdict: "ok", "mind" (it may begin, and somebody has to know), "stop" (it would fail or mean nothing).
    """

    name: str  # "Device", "Hips", "Memory", "Disk", "Time", ...
    value: str  # in words, with units
    verdict: Verdict
    sentence: str  # why, and what to do; empty where there is nothing to say


@dataclass(frozen=True, slots=True)
class Preflight:
    """A training looked at before it begins. Memory and disk in MB (10^6 bytes), times in seconds.

    counts: partition -> patients, films, hips, fracture, no_fracture, of the hips that this config uses.
    seconds_per_step and what follows from it are None where nothing could be timed (a "stop" came before).
    """

    items: tuple[PreflightItem, ...]
    counts: Mapping[str, Mapping[str, int]]
    device: str = ""  # "cpu" or "cuda"
    device_name: str = ""
    reason: str = ""
    precision: str = ""  # float32, bfloat16, float16
    free_memory_mb: int | None = None  # of the GPU, or of the computer on a CPU run
    total_memory_mb: int | None = None
    driver: str = ""  # the GPU driver's version; empty on a CPU run
    torch_build: str = ""  # "2.14.1, CUDA 13.0" or "2.14.1, CPU only"
    gpus: int = 0  # that this torch sees
    processes: int = 1
    parameters: int | None = None
    batch: int = 0  # hips in a step
    micro_batch: int = 0  # of them at once in memory
    steps: int = 0  # in the whole run
    timed_steps: int = 0
    seconds_per_step: float | None = None
    images_per_s: float | None = None
    seconds_total: float | None = None  # with validation after each epoch
    disk_needed_mb: int = 0
    disk_free_mb: int = 0
    peak_memory_mb: int | None = None

    @property
    def verdict(self) -> Verdict:
        """The worst of the items' verdicts."""
        return max((item.verdict for item in self.items), key=_ORDER.index, default="ok")

    def to_json(self) -> dict[str, Any]:
        """A JSON object, with the verdict."""
        return {
            **asdict(self),
            "items": [asdict(item) for item in self.items],
            "counts": {partition: dict(counts) for partition, counts in self.counts.items()},
            "verdict": self.verdict,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Preflight:
        """Back from to_json. Raises KeyError or TypeError where it is none."""
        known = {f.name for f in fields(cls)}
        kept = {name: value for name, value in values.items() if name in known}
        return cls(**{**kept, "items": tuple(PreflightItem(**item) for item in values["items"])})
