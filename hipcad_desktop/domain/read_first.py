"""Read first: a reader's own answer a hip, locked before the program's is seen, and the answer given after it.

The design is that of reader studies of computer aid: the unaided answer cannot be taken back, so a change of mind is
seen as one (sequential reading; CONSORT-AI 2020 and DECIDE-AI 2022 ask for the interaction of human and AI).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from hipcad_desktop.domain.anatomy import Side
from hipcad_desktop.domain.diagnosis import HipState


class OwnAnswer(StrEnum):
    """What a reader says of one hip."""

    FRACTURE = "fracture"
    NO_FRACTURE = "no_fracture"
    UNSURE = "unsure"


ANSWER_WORDS: Mapping[OwnAnswer, str] = {
    OwnAnswer.FRACTURE: "fracture",
    OwnAnswer.NO_FRACTURE: "no fracture",
    OwnAnswer.UNSURE: "unsure",
}
CONFIDENCE_WORDS: Mapping[int, str] = {1: "a guess", 2: "low", 3: "fair", 4: "high", 5: "certain"}
AS_ANSWER: Mapping[HipState, OwnAnswer] = {
    HipState.FRACTURE: OwnAnswer.FRACTURE,
    HipState.NO_FRACTURE: OwnAnswer.NO_FRACTURE,
    HipState.DOUBT: OwnAnswer.UNSURE,  # neither yes nor no
}


class Step(StrEnum):
    """The three records of a film read first, in this order."""

    LOCKED = "locked"  # the reader's own answer, before the program's was shown
    SHOWN = "shown"  # what the program said; again where its answer changed before the reader was done
    FINAL = "final"  # the reader's answer after that, changed or not


@dataclass(frozen=True, slots=True)
class HipReading:
    """A reader's answer on one hip and how sure he or she is, 1 (a guess) to 5 (certain)."""

    answer: OwnAnswer
    confidence: int

    def __post_init__(self) -> None:
        if type(self.confidence) is not int or self.confidence not in CONFIDENCE_WORDS:
            raise ValueError("a confidence of 1 to 5")

    def words(self) -> str:
        """In words, with the confidence."""
        return f"{ANSWER_WORDS[self.answer]}, {CONFIDENCE_WORDS[self.confidence]} ({self.confidence})"


@dataclass(frozen=True, slots=True)
class ProgramHip:
    """What the program said of one hip; both None where it gave no answer on it."""

    state: HipState | None
    p_fracture: float | None

    def __post_init__(self) -> None:
        if (self.state is None) != (self.p_fracture is None):
            raise ValueError("a state and a probability, or neither")
        if self.p_fracture is not None and not 0 <= self.p_fracture <= 1:
            raise ValueError("no probability")


@dataclass(frozen=True, slots=True)
class Key:
    """What a reading belongs to: no file name and no patient, only hashes (and who read)."""

    reader: str
    film_id: str  # SHA-256 of the film's file
    model_sha256: str  # of the model's package


@dataclass(frozen=True, slots=True)
class Record:
    """One step, as it is kept. hips of a locked and a final one have both sides; program is of a shown one."""

    step: Step
    key: Key
    at_utc: str
    hips: Mapping[Side, HipReading] = field(default_factory=dict)
    program: Mapping[Side, ProgramHip] = field(default_factory=dict)  # empty where the whole film was refused
    midline_px: float | None = None
    seen_before: bool = False  # of a locked one: a program's answer on this film had been shown already

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return {
            "step": self.step.value,
            "reader": self.key.reader,
            "film_id": self.key.film_id,
            "model_sha256": self.key.model_sha256,
            "at_utc": self.at_utc,
            "hips": {s.value: {"answer": h.answer.value, "confidence": h.confidence} for s, h in self.hips.items()},
            "program": {
                s.value: {"state": h.state.value if h.state else None, "p_fracture": h.p_fracture}
                for s, h in self.program.items()
            },
            "midline_px": self.midline_px,
            "seen_before": self.seen_before,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Record:
        """Back from to_json. Raises ValueError, TypeError, KeyError or AttributeError where it is none."""
        key = Key(values["reader"], values["film_id"], values["model_sha256"])
        if not all(isinstance(text, str) and text for text in (key.reader, key.film_id, key.model_sha256)):
            raise ValueError("no reader, film or model")
        if datetime.fromisoformat(values["at_utc"]).tzinfo is None:
            raise ValueError("a time without its zone")
        record = cls(
            step=Step(values["step"]),
            key=key,
            at_utc=values["at_utc"],
            hips={Side(s): HipReading(OwnAnswer(h["answer"]), h["confidence"]) for s, h in values["hips"].items()},
            program={Side(s): _program_hip(h) for s, h in values["program"].items()},
            midline_px=None if values["midline_px"] is None else float(values["midline_px"]),
            seen_before=bool(values["seen_before"]),
        )
        if record.step is not Step.SHOWN and set(record.hips) != set(Side):
            raise ValueError("both hips have an answer")
        return record


def _program_hip(values: Mapping[str, Any]) -> ProgramHip:
    state = values["state"]
    p = values["p_fracture"]
    return ProgramHip(None if state is None else HipState(state), None if p is None else float(p))


@dataclass(frozen=True, slots=True)
class Case:
    """One film read by one reader with one model, as far as it has come."""

    locked: Record
    shown: Record | None = None  # the last one before the reader's final answer
    final: Record | None = None

    @property
    def key(self) -> Key:
        """What it belongs to."""
        return self.locked.key


class OutOfOrderError(ValueError):
    """A step that cannot follow: a second lock, an answer shown before the lock, or a step after the final one."""


def follow(case: Case | None, record: Record) -> Case:
    """A case with its next step. Raises OutOfOrderError."""
    if case is None:
        if record.step is not Step.LOCKED:
            raise OutOfOrderError("nothing was locked before it")
        return Case(record)
    if record.step is Step.LOCKED or case.final is not None:
        raise OutOfOrderError("this film was locked before" if record.step is Step.LOCKED else "it was closed before")
    if record.step is Step.SHOWN:
        return Case(case.locked, record)
    if case.shown is None:
        raise OutOfOrderError("the program's answer was not shown before it")
    return Case(case.locked, case.shown, record)


def cases_of(records: Sequence[Record]) -> dict[Key, Case]:
    """Every case in the order of its lock. Raises OutOfOrderError."""
    found: dict[Key, Case] = {}
    for record in records:
        found[record.key] = follow(found.get(record.key), record)
    return found
