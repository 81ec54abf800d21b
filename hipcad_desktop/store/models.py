"""The project's tables. Migrations make them (a test holds the two equal); queries name their columns through these."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, Text, UniqueConstraint
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


class ReadingRow(Base):
    """One revision of a reader's answer. Triggers refuse UPDATE and DELETE: the rows are the audit trail.

    kind and undone_id make undo and redo durable: a "save" is a new answer, an "undo" takes the save undone_id back, a
    "redo" does it again; replaying a reader's rows in order gives both stacks.
    """

    __tablename__ = "reading"
    __table_args__ = (
        UniqueConstraint("film_id", "reader_id", "revision"),
        Index("reading_reader", "reader_id", "reading_id"),
        CheckConstraint("kind IN ('save', 'undo', 'redo')", name="reading_kind"),
        CheckConstraint("(kind = 'save') = (undone_id IS NULL)", name="reading_undone"),
        STRICT,
    )

    reading_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    uuid: Mapped[str] = mapped_column(Text, unique=True)
    film_id: Mapped[str] = mapped_column(Text, ForeignKey("film.film_id"))
    reader_id: Mapped[int] = mapped_column(Integer, ForeignKey("reader.reader_id"))
    revision: Mapped[int] = mapped_column(Integer)
    verdict: Mapped[str | None] = mapped_column(Text)  # NULL: withdrawn
    exclusion: Mapped[str | None] = mapped_column(Text)
    exclusion_text: Mapped[str] = mapped_column(Text)
    mirrored: Mapped[int | None] = mapped_column(Integer)
    created_utc: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    undone_id: Mapped[int | None] = mapped_column(Integer, ForeignKey("reading.reading_id"))


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
