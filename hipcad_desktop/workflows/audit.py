"""The audit trail from outside: checked against itself and against the readings, and as a table."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass, fields
from pathlib import Path

from hipcad_desktop.store import audit as store
from hipcad_desktop.store import exchange
from hipcad_desktop.store.audit import AuditEntry
from hipcad_desktop.store.folders import write_file
from hipcad_desktop.store.project_store import Project
from hipcad_desktop.store.reading_json import revision_to_json

SAYS_A_READING = frozenset({"save", "undo", "redo", "adjudicate", "merge", "taken over"})


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What a check of the trail found: rows, the last hash (to be written down elsewhere), problems in words."""

    rows: int
    head: str
    problems: tuple[str, ...]

    @property
    def whole(self) -> bool:
        """Whether nothing was changed, removed or reordered."""
        return not self.problems


def verify_audit(project: Project) -> AuditReport:
    """Check the chain, and that every reading and signature is the one the trail tells of, and none is missing."""
    own = project.uuid
    with project.reading() as connection:
        problems = [p for p in (store.broken_at(connection),) if p is not None]
        told: dict[str, str] = {}
        signed: set[tuple[str, str]] = set()
        rows = 0
        for entry in store.entries(connection):
            rows += 1
            try:
                if entry.action in SAYS_A_READING:
                    told[json.loads(entry.new)["uuid"]] = entry.new
                elif entry.action == "sign":
                    new = json.loads(entry.new)
                    signed.add((new["uuid"], new["signed_utc"]))
            except (ValueError, KeyError, TypeError):
                problems.append(f"row {rows} cannot be read")
        try:
            lines = list(exchange.lines_of(connection, own=own))
        except (ValueError, KeyError, TypeError):
            lines = []
            problems.append("a reading cannot be read")
    held = {n.revision.uuid: store.packed(revision_to_json(n.revision)) for n in lines}
    here = {(n.revision.uuid, time) for n in lines for time in n.signed}
    for what, count in (
        ("readings are not the ones that were saved", sum(held[u] != told[u] for u in held.keys() & told.keys())),
        ("readings were never recorded", len(held.keys() - told.keys())),
        ("recorded readings are gone", len(told.keys() - held.keys())),
        ("signatures are gone or were never recorded", len(signed ^ here)),
    ):
        if count:
            problems.append(f"{count} {what}")
    return AuditReport(rows, store.head_of(project), tuple(problems))


def audit_entries(project: Project) -> list[AuditEntry]:
    """The whole trail, oldest first."""
    with project.reading() as connection:
        return list(store.entries(connection))


def export_audit(project: Project, csv_path: Path) -> int:
    """Write the trail as CSV with every hash; how many rows. Raises UserError FOLDER_NOT_WRITABLE, DISK_FULL."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    names = [f.name for f in fields(AuditEntry)]
    writer.writerow(names)
    found = audit_entries(project)
    writer.writerows([getattr(entry, name) for name in names] for entry in found)
    write_file(csv_path.absolute(), text.getvalue().encode("utf-8"))
    return len(found)
