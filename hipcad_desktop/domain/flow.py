"""The way of the films from import to the partitions, with everything that left it and why (STARD, CONSORT)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class FlowExit:
    """What left the way here. parts: why, and how many films; their sum is films."""

    label: str
    films: int
    parts: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class FlowStep:
    """What went on, and what leaves after it. notes: further lines of the box."""

    label: str
    films: int
    patients: int
    notes: tuple[str, ...] = ()
    leaving: FlowExit | None = None


@dataclass(frozen=True, slots=True)
class FlowPart:
    """One partition at the end. fracture and no_fracture count hips."""

    name: str
    patients: int
    films: int
    fracture: int
    no_fracture: int


@dataclass(frozen=True, slots=True)
class PatientFlow:
    """All boxes of the diagram; each step's films are those of the step before without what left."""

    steps: tuple[FlowStep, ...]
    parts: tuple[FlowPart, ...]
    notice: str

    def __post_init__(self) -> None:
        for before, after in zip(self.steps, self.steps[1:], strict=False):
            left = 0 if before.leaving is None else before.leaving.films
            if before.films - left != after.films:
                raise ValueError(f"{before.films} films without {left} are not {after.films}")

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return asdict(self)
