"""The audit trail: every change, chained by SHA-256, so that a changed, removed or reordered row is found.

The chain has no secret: somebody who may write the file and knows this program can make a new chain. What such a
person cannot do is keep the last hash, which `hipcad audit` prints and the CSV carries: written down elsewhere, it
proves the trail up to there.
"""

from __future__ import annotations

import getpass
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from hipcad_desktop.store.models import AuditRow, MetaRow
from hipcad_desktop.store.project_store import Project

NO_HASH = "0" * 64  # before the first row
HEAD = "audit_head"  # in meta: how many rows, and the last one's hash
NAMES = ("audit_id", "utc", "who", "action", "what", "old", "new", "why", "hash")
READ_HEAD = select(MetaRow.value).where(MetaRow.name == HEAD)  # built once: a save must not cost more than 3 ms
MOVE_HEAD = update(MetaRow).where(MetaRow.name == HEAD).values(value=bindparam("head"))
APPEND = insert(AuditRow)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change. old and new are JSON, or "" where there was nothing; utc is ISO 8601 with "Z"."""

    number: int
    utc: str
    who: str
    action: str
    what: str
    old: str
    new: str
    why: str
    hash: str


def chained(before: str, values: tuple[int, str, str, str, str, str, str, str]) -> str:
    """The hash of a row (number, utc, who, action, what, old, new, why) after the row with the hash `before`."""
    content = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(f"{before}\n{content}".encode()).hexdigest()


def packed(value: Any) -> str:
    """JSON as the trail keeps it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def record(
    connection: Connection,
    action: str,
    *,
    who: str,
    utc: str,
    what: str,
    old: str = "",
    new: str = "",
    why: str = "",
) -> None:
    """Append one row inside the transaction that makes the change."""
    count, before = connection.execute(READ_HEAD).scalar_one().split(" ")
    values = (int(count) + 1, utc, who, action, what, old, new, why)
    after = chained(before, values)
    connection.execute(APPEND, dict(zip(NAMES, (*values, after), strict=True)))
    connection.execute(MOVE_HEAD, {"head": f"{values[0]} {after}"})


def note(project: Project, action: str, *, what: str, new: Any = None, who: str = "", why: str = "") -> None:
    """Append one row for what changes nothing in the database, as an export. new: facts for JSON, without identity."""
    with project.writing() as connection:
        record(
            connection,
            action,
            who=who or operator(),
            utc=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            what=what,
            new="" if new is None else packed(new),
            why=why,
        )


def entries(connection: Connection) -> Iterator[AuditEntry]:
    """The whole trail, oldest first."""
    for row in connection.execute(select(*AuditRow.__table__.columns).order_by(AuditRow.audit_id)):
        yield AuditEntry(*row)


def head_of(project: Project) -> str:
    """The last row's hash; 64 zeros where there is none."""
    with project.reading() as connection:
        return connection.execute(READ_HEAD).scalar_one().split(" ")[1]


def broken_at(connection: Connection) -> str | None:
    """Where the chain does not hold, in words; None where it holds from the first row to the last."""
    number, before = 0, NO_HASH
    for entry in entries(connection):
        number += 1
        values = (number, entry.utc, entry.who, entry.action, entry.what, entry.old, entry.new, entry.why)
        before = chained(before, values)
        if entry.number != number or entry.hash != before:
            return f"row {number} is not the one that was written"
    head = connection.execute(READ_HEAD).scalar_one_or_none()
    if head != f"{number} {before}":
        return f"the trail does not end where it did ({number} rows)"
    return None


def operator() -> str:
    """Who runs the program where no reader is signed in: the account's name."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # no such account, or no pwd module (Windows)
        return "unknown"
