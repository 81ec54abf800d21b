"""The seal of the test partition: every opening is a line that stays (CLAIM 2024: the test set is used once)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from hipcad_desktop.domain.metrics import Thresholds


@dataclass(frozen=True, slots=True)
class Opening:
    """One opening of a dataset's test partition: which model, with thresholds fixed before, when. No person."""

    number: int  # 1 is the first; figures of later ones were chosen with knowledge of the test hips
    opened_utc: str  # ISO 8601 with "Z"
    model_name: str
    model_sha256: str  # of the .hipcad file
    thresholds: Thresholds
    program_version: str

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Opening:
        """Back from to_json. Raises TypeError, KeyError or ValueError where it is none."""
        kept = {**values, "thresholds": Thresholds(**values["thresholds"])}
        opening = cls(**kept)
        texts = (opening.opened_utc, opening.model_name, opening.model_sha256, opening.program_version)
        if type(opening.number) is not int or not all(isinstance(t, str) for t in texts):
            raise ValueError("no opening")
        return opening
