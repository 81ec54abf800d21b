"""One file of a batch or a watched folder: what it was when it was read, and what was said of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from hipcad_desktop.domain.diagnosis import HipState
from hipcad_desktop.domain.model_card import RESEARCH_USE
from hipcad_desktop.domain.triage import Urgency, urgency_of

BatchStatus = Literal["answered", "refused", "failed"]
SCHEMA = 1
_LARGEST = 1e12  # of any number in a row but a file's stamp


@dataclass(frozen=True, slots=True)
class FileStamp:
    """How a file lay on the disk: bytes and time of its last change in nanoseconds. Another stamp is another file."""

    size: int
    modified_ns: int


@dataclass(frozen=True, slots=True)
class HipRow:
    """One hip in a table: state and probability, or why it has none."""

    side: str  # "R" or "L"
    state: str = ""  # a HipState's value; empty where the hip was refused
    p_fracture: float | None = None
    refused: str = ""


@dataclass(frozen=True, slots=True)
class BatchRow:
    """A file, its stamp when it was read, and its answer in a line. sentence says why there is none."""

    file: str
    stamp: FileStamp
    seen_utc: str
    status: BatchStatus
    sentence: str = ""
    code: str = ""  # of a failure or refusal
    hips: tuple[HipRow, ...] = ()  # the patient's right first
    side_source: str = ""
    midline_px: float | None = None
    film_id: str = ""
    model: str = ""
    model_sha256: str = ""
    seconds: float | None = None
    warnings: tuple[str, ...] = ()
    answer: str = ""  # the JSON file, relative to the batch's folder
    notice: str = RESEARCH_USE

    @property
    def urgency(self) -> Urgency:
        """Where the film stands in a list."""
        if self.status == "failed":
            return Urgency.FAILED
        return urgency_of(HipState(hip.state) for hip in self.hips if hip.state)

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> BatchRow:
        """Back from to_json. Raises TypeError, KeyError or ValueError where it is no row."""
        kept = dict(values)
        kept["stamp"] = FileStamp(**kept["stamp"])
        kept["hips"] = tuple(HipRow(**hip) for hip in kept["hips"])
        kept["warnings"] = tuple(str(w) for w in kept["warnings"])
        row = cls(**kept)
        if row.status not in ("answered", "refused", "failed"):
            raise ValueError("no status of a batch")
        return row.checked()

    def checked(self) -> BatchRow:
        """Itself. Raises ValueError where a value is of another kind than its field: a journal may have been edited."""
        texts = (
            self.file, self.seen_utc, self.sentence, self.code, self.side_source, self.film_id, self.model,
            self.model_sha256, self.answer, self.notice, *(t for h in self.hips for t in (h.side, h.state, h.refused)),
        )  # fmt: skip
        if not all(isinstance(text, str) for text in texts):
            raise ValueError("no text")
        if not all(type(value) is int and abs(value) < 1 << 63 for value in (self.stamp.size, self.stamp.modified_ns)):
            raise ValueError("no stamp")
        if not all(is_number(value) for value in (self.midline_px, self.seconds) if value is not None):
            raise ValueError("no number")
        if not all(is_number(h.p_fracture) and 0 <= h.p_fracture <= 1 for h in self.hips if h.p_fracture is not None):
            raise ValueError("no probability")
        _ = self.urgency  # a state that is none
        return self


def is_number(value: object) -> bool:
    """Whether a value out of a JSON file is a number that can be computed with."""
    # Not math.isfinite: it fails on an int that is too large.
    return isinstance(value, int | float) and not isinstance(value, bool) and -_LARGEST <= value <= _LARGEST


def answered_row(
    facts: Mapping[str, Any], *, stamp: FileStamp, seen_utc: str, answer: str, model: str, model_sha256: str
) -> BatchRow:
    """The row of a diagnosis, from its JSON object."""
    refused = str(facts["refused"] or "")
    hips = tuple(_hip_row(hip) for hip in facts["hips"])
    return BatchRow(
        file=str(facts["file"]),
        stamp=stamp,
        seen_utc=seen_utc,
        status="refused" if refused else "answered",
        sentence=refused,
        code=str(facts.get("refused_code") or ""),
        hips=hips,
        side_source=str(facts.get("side_source") or ""),
        midline_px=facts.get("midline_px"),
        film_id=str(facts.get("film_id") or ""),
        model=model,
        model_sha256=model_sha256,
        seconds=facts.get("seconds"),
        warnings=tuple(str(w) for w in facts.get("warnings", ())),
        answer=answer,
    )


def _hip_row(hip: Mapping[str, Any]) -> HipRow:
    side = str(hip["side"])
    if refused := str(hip.get("refused") or ""):
        return HipRow(side, refused=refused)
    return HipRow(side, str(hip["state"]), float(hip["p_fracture"]))


@dataclass(frozen=True, slots=True)
class BatchSummary:
    """What became of a batch: how many films of each kind in all, and how many of them were computed now."""

    folder: str
    table: str
    counts: Mapping[str, int]  # by Urgency name, lower case
    computed: int
    kept: int  # answered in an earlier run and unchanged since
    passed_over: int  # files that are no films
    seconds: float
    warnings: tuple[str, ...] = ()  # what was said of films, each once
