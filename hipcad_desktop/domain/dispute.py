"""A reader disagrees with what the program said of one hip: what goes into the review queue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from hipcad_desktop.domain.anatomy import Side
from hipcad_desktop.domain.diagnosis import HipState
from hipcad_desktop.domain.read_first import AS_ANSWER, OwnAnswer


@dataclass(frozen=True, slots=True)
class Dispute:
    """One hip of one film; bound to the hashes of film and model, without a file's name and without a patient."""

    film_id: str  # SHA-256 of the film's file
    model_sha256: str
    model_name: str
    side: Side
    program: HipState
    p_fracture: float
    reader: str
    own: OwnAnswer
    at_utc: str  # ISO 8601

    def __post_init__(self) -> None:
        if AS_ANSWER[self.program] is self.own:
            raise ValueError("no dispute: both say the same")

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Dispute:
        """Back from to_json. Raises ValueError, TypeError or KeyError where it is none."""
        typed = {"side": Side(values["side"]), "program": HipState(values["program"]), "own": OwnAnswer(values["own"])}
        dispute = cls(**{**values, **typed, "p_fracture": float(values["p_fracture"])})
        texts = (dispute.film_id, dispute.model_sha256, dispute.model_name, dispute.reader, dispute.at_utc)
        if not all(isinstance(t, str) for t in texts) or not 0 <= dispute.p_fracture <= 1:
            raise ValueError("no dispute")
        if datetime.fromisoformat(dispute.at_utc).tzinfo is None:
            raise ValueError("a time without its zone")
        return dispute
