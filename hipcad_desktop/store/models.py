"""The project's tables. Migrations make them (a test holds the two equal); queries name their columns through these."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, Text, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import REAL

STRICT = {"sqlite_strict": True}


class Base(DeclarativeBase):
    """The project's schema."""


class MetaRow(Base):
    """What the project is: uuid, created_utc, program_version."""

    __tablename__ = "meta"
    __table_args__ = (STRICT,)

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    value: Mapped[str] = mapped_column(Text)


class PatientRow(Base):
    """A patient: the pseudonym that leaves the project, and the identifier that never does."""

    __tablename__ = "patient"
    __table_args__ = (STRICT,)

    patient_id: Mapped[int] = mapped_column(Integer, primary_key=True)  # code P0001 is patient_id 1
    identifier: Mapped[str | None] = mapped_column(Text, unique=True)  # DICOM Issuer^PatientID, or a table's


class FilmTable(Base):
    """A film: its layout, its patient, and what was seen in its pixels when it was imported."""

    __tablename__ = "film"
    __table_args__ = (Index("film_pixel_hash", "pixel_hash"), STRICT)

    film_id: Mapped[str] = mapped_column(Text, primary_key=True)
    position: Mapped[int] = mapped_column(Integer, unique=True)  # order of import, from 1
    pixel_hash: Mapped[str] = mapped_column(Text)
    width: Mapped[int] = mapped_column(Integer)
    height: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(Text)
    picture_left: Mapped[str] = mapped_column(Text)  # Side
    side_source: Mapped[str] = mapped_column(Text)
    mapping: Mapped[str] = mapped_column(Text)  # JSON of Mapping8
    header: Mapped[str] = mapped_column(Text)  # JSON of HeaderFacts
    patient_id: Mapped[int] = mapped_column(Integer, ForeignKey("patient.patient_id"))
    midline_px: Mapped[float | None] = mapped_column(REAL)
    midline_confidence: Mapped[float] = mapped_column(REAL)
    refusal: Mapped[str | None] = mapped_column(Text)  # JSON of Refusal
    imported_utc: Mapped[str] = mapped_column(Text)
    hospital: Mapped[str] = mapped_column(Text)  # a label given at import, never the header's institution; "" for none
    sex: Mapped[str | None] = mapped_column(Text)  # M, F or O
    age_years: Mapped[int | None] = mapped_column(Integer)
    study_date: Mapped[str | None] = mapped_column(Text)  # YYYYMMDD; shown, never exported


class FileRow(Base):
    """A place where a film's bytes lay: relative to the project's folder where inside it, else absolute, with "/"."""

    __tablename__ = "film_file"
    __table_args__ = (Index("film_file_film", "film_id"), STRICT)

    path: Mapped[str] = mapped_column(Text, primary_key=True)
    film_id: Mapped[str] = mapped_column(Text, ForeignKey("film.film_id"))
    size_bytes: Mapped[int] = mapped_column(Integer)
    mtime_ns: Mapped[int] = mapped_column(Integer)
    is_copy: Mapped[int] = mapped_column(Integer)  # 1: the project's own copy, not a name a person knows


class ReaderRow(Base):
    """A person who reads films."""

    __tablename__ = "reader"
    __table_args__ = (STRICT,)

    reader_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(Text, unique=True)
    role: Mapped[str] = mapped_column(Text)  # "reader", or "consensus" of the one that stands for all


class ReadingRow(Base):
    """One revision of a reader's answer. Triggers refuse UPDATE and DELETE.

    kind and undone_id make undo and redo durable: a "save" is a new answer, an "undo" takes the save undone_id back, a
    "redo" does it again; replaying a reader's rows in order gives both stacks. Rows merged from elsewhere have an
    origin and are in no stack. parents are the revisions that this one follows: rows that are nobody's parent are
    heads, and two heads with different answers are a conflict of two workstations.
    """

    __tablename__ = "reading"
    __table_args__ = (
        Index("reading_reader", "reader_id", "reading_id"),
        Index("reading_film", "film_id", "reader_id", "round", "revision"),
        Index("reading_merged", "film_id", "reader_id", "round", sqlite_where=text("origin IS NOT NULL")),
        CheckConstraint("kind IN ('save', 'undo', 'redo')", name="reading_kind"),
        CheckConstraint("(kind = 'save') = (undone_id IS NULL)", name="reading_undone"),
        STRICT,
    )

    reading_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    uuid: Mapped[str] = mapped_column(Text, unique=True)
    film_id: Mapped[str] = mapped_column(Text, ForeignKey("film.film_id"))
    reader_id: Mapped[int] = mapped_column(Integer, ForeignKey("reader.reader_id"))
    round: Mapped[int] = mapped_column(Integer)
    revision: Mapped[int] = mapped_column(Integer)
    verdict: Mapped[str | None] = mapped_column(Text)  # NULL: withdrawn
    exclusion: Mapped[str | None] = mapped_column(Text)
    exclusion_text: Mapped[str] = mapped_column(Text)
    mirrored: Mapped[int | None] = mapped_column(Integer)
    diagnosed_from: Mapped[str | None] = mapped_column(Text)
    flags: Mapped[str] = mapped_column(Text)  # JSON array, sorted
    created_utc: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    undone_id: Mapped[int | None] = mapped_column(Integer, ForeignKey("reading.reading_id"))
    reason: Mapped[str] = mapped_column(Text)  # why a signed reading was changed
    adjudicators: Mapped[str] = mapped_column(Text)  # JSON array; empty but for the consensus
    parents: Mapped[str] = mapped_column(Text)  # JSON array of uuids
    origin: Mapped[str | None] = mapped_column(Text)  # uuid of the project it was made in; NULL: here


class FindingRow(Base):
    """One rectangle of a reading, in pixels of the displayed film. Append-only like its reading."""

    __tablename__ = "finding"
    __table_args__ = (STRICT,)

    reading_id: Mapped[int] = mapped_column(Integer, ForeignKey("reading.reading_id"), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    x: Mapped[float] = mapped_column(REAL)
    y: Mapped[float] = mapped_column(REAL)
    width: Mapped[float] = mapped_column(REAL)
    height: Mapped[float] = mapped_column(REAL)
    fracture_type: Mapped[str | None] = mapped_column(Text)


class SignatureRow(Base):
    """A reader's signature under one revision. Append-only; merged copies of a project may hold two for one."""

    __tablename__ = "signature"
    __table_args__ = (STRICT,)

    reading_id: Mapped[int] = mapped_column(Integer, ForeignKey("reading.reading_id"), primary_key=True)
    signed_utc: Mapped[str] = mapped_column(Text, primary_key=True)


class RoundRow(Base):
    """A reader's second round: which films, in which order. Append-only."""

    __tablename__ = "reading_round"
    __table_args__ = (STRICT,)

    reader_id: Mapped[int] = mapped_column(Integer, ForeignKey("reader.reader_id"), primary_key=True)
    round: Mapped[int] = mapped_column(Integer, primary_key=True)
    seed: Mapped[int] = mapped_column(Integer)
    after_days: Mapped[float] = mapped_column(REAL)
    started_utc: Mapped[str] = mapped_column(Text)
    films: Mapped[str] = mapped_column(Text)  # JSON array of film ids in order


class ReceivedRow(Base):
    """A line of a merged file that could not become a reading: its film is not here (yet). Append-only."""

    __tablename__ = "received"
    __table_args__ = (Index("received_film", "film_id"), STRICT)

    line_hash: Mapped[str] = mapped_column(Text, primary_key=True)  # SHA-256 of line
    uuid: Mapped[str] = mapped_column(Text)
    film_id: Mapped[str] = mapped_column(Text)
    pixel_hash: Mapped[str] = mapped_column(Text)
    origin: Mapped[str] = mapped_column(Text)
    line: Mapped[str] = mapped_column(Text)


class AuditRow(Base):
    """One change: who, when, what, old, new, why; chained by SHA-256 (store.audit). Append-only, no identity."""

    __tablename__ = "audit"
    __table_args__ = (STRICT,)

    audit_id: Mapped[int] = mapped_column(Integer, primary_key=True)  # 1, 2, 3, ... without a gap
    utc: Mapped[str] = mapped_column(Text)
    who: Mapped[str] = mapped_column(Text)
    action: Mapped[str] = mapped_column(Text)
    what: Mapped[str] = mapped_column(Text)  # a film id, or what else was changed
    old: Mapped[str] = mapped_column(Text)  # JSON; "" where there was nothing
    new: Mapped[str] = mapped_column(Text)
    why: Mapped[str] = mapped_column(Text)
    hash: Mapped[str] = mapped_column(Text)
