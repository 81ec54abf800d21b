"""Readings as JSON: in files between workstations and in the audit trail. No patient, no path: film ids only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hipcad_desktop.domain.anatomy import FractureType
from hipcad_desktop.domain.annotation import Answer, DiagnosedFrom, ExclusionReason, FilmFlag, Finding, Verdict
from hipcad_desktop.domain.geometry import Rectangle


@dataclass(frozen=True, slots=True)
class Revision:
    """A reading with everything that merging needs. undone and parents are uuids of other revisions."""

    uuid: str
    film: str
    reader: str
    round: int
    revision: int
    answer: Answer | None
    created_utc: str
    kind: str
    undone: str | None
    reason: str
    adjudicators: tuple[str, ...]
    parents: tuple[str, ...]


def answer_to_json(answer: Answer | None) -> dict[str, Any] | None:
    """A JSON object; None (withdrawn) is null."""
    if answer is None:
        return None
    return {
        "verdict": answer.verdict.value,
        "findings": [
            [
                *(float(v) for v in (f.rectangle.x, f.rectangle.y, f.rectangle.width, f.rectangle.height)),
                None if f.fracture_type is None else f.fracture_type.value,
            ]
            for f in answer.findings
        ],
        "exclusion": None if answer.exclusion is None else answer.exclusion.value,
        "exclusion_text": answer.exclusion_text,
        "mirrored": answer.mirrored,
        "diagnosed_from": None if answer.diagnosed_from is None else answer.diagnosed_from.value,
        "flags": sorted(flag.value for flag in answer.flags),
    }


def answer_from_json(value: Mapping[str, Any] | None) -> Answer | None:
    """Back from answer_to_json. Raises ValueError, TypeError or KeyError for anything else."""
    if value is None:
        return None
    mirrored, text = value["mirrored"], value["exclusion_text"]
    if mirrored not in (None, True, False) or not isinstance(text, str):
        raise ValueError("no answer")
    kind, source = value["exclusion"], value["diagnosed_from"]
    return Answer(
        verdict=Verdict(value["verdict"]),
        findings=tuple(
            Finding(Rectangle(float(x), float(y), float(w), float(h)), None if t is None else FractureType(t))
            for x, y, w, h, t in value["findings"]
        ),
        exclusion=None if kind is None else ExclusionReason(kind),
        exclusion_text=text,
        mirrored=None if mirrored is None else bool(mirrored),
        diagnosed_from=None if source is None else DiagnosedFrom(source),
        flags=frozenset(FilmFlag(flag) for flag in value["flags"]),
    )


def revision_to_json(revision: Revision) -> dict[str, Any]:
    """A JSON object in a fixed order of keys, so that equal revisions are equal texts."""
    return {
        "uuid": revision.uuid,
        "film": revision.film,
        "reader": revision.reader,
        "round": revision.round,
        "revision": revision.revision,
        "answer": answer_to_json(revision.answer),
        "created_utc": revision.created_utc,
        "kind": revision.kind,
        "undone": revision.undone,
        "reason": revision.reason,
        "adjudicators": list(revision.adjudicators),
        "parents": list(revision.parents),
    }


def revision_from_json(value: Mapping[str, Any]) -> Revision:
    """Back from revision_to_json. Raises ValueError, TypeError or KeyError for anything else."""
    texts = ("uuid", "film", "reader", "created_utc", "kind", "reason")
    if not all(isinstance(value[name], str) for name in texts) or not value["reader"].strip():
        raise ValueError("a text is none")
    if not all(isinstance(value[name], int) and value[name] >= 1 for name in ("round", "revision")):
        raise ValueError("a number is none")
    if value["kind"] not in ("save", "undo", "redo") or (value["kind"] == "save") != (value["undone"] is None):
        raise ValueError("no such kind of revision")
    names = [value["undone"] or "", *value["adjudicators"], *value["parents"]]
    if not all(isinstance(name, str) for name in names):
        raise ValueError("a name is none")
    return Revision(
        **{name: value[name] for name in (*texts, "round", "revision", "undone")},
        answer=answer_from_json(value["answer"]),
        adjudicators=tuple(value["adjudicators"]),
        parents=tuple(value["parents"]),
    )
