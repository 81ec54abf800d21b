"""The table of patients: file,patient and optionally hospital, sex, age, for what the films' files do not say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.store import films as store
from hipcad_desktop.store.films import CohortFacts
from hipcad_desktop.store.project_store import Project
from hipcad_desktop.workflows.csv_rows import CsvRow, read_csv
from hipcad_desktop.workflows.path_index import PathIndex

OLDEST_YEARS = 130
SEXES: Mapping[str, tuple[str, ...]] = {
    "M": ("m", "male", "男", "男性"),
    "F": ("f", "female", "女", "女性"),
    "O": ("o", "other"),
}


@dataclass(frozen=True, slots=True)
class Named:
    """What the table says of a film."""

    patient: str | None = None
    cohort: CohortFacts = field(default_factory=CohortFacts)

    def over(self, facts: CohortFacts) -> CohortFacts:
        """The facts, completed: the table's hospital goes before the import's, the file's sex and age before both."""
        return replace(
            facts,
            hospital=self.cohort.hospital or facts.hospital,
            sex=facts.sex or self.cohort.sex,
            age_years=self.cohort.age_years if facts.age_years is None else facts.age_years,
        )


def sex_of(text: str | None) -> str | None:
    """M, F or O of a header (C.7.1.1) or a table; None for anything else."""
    word = (text or "").strip().lower()
    return next((sex for sex, words in SEXES.items() if word in words), None)


def named_films(table: Path | None, films: Sequence[Path]) -> tuple[dict[Path, Named], tuple[str, ...]]:
    """What the table says of every film file it names, and the files it names that are none of these films.

    Raises UserError PATIENTS_FILE_BAD.
    """
    if table is None:
        return {}, ()
    index = PathIndex((p, p) for p in films)
    named: dict[Path, Named] = {}
    unknown = []
    for row in read_csv(table, required=("file", "patient"), bad=ErrorCode.PATIENTS_FILE_BAD).rows:
        if not row.get("file") or not row.get("patient"):
            raise _bad(table, f"line {row.line} needs a file and a patient")
        meant = index.find(row.get("file"), beside=table.parent)
        if len(meant) > 1:
            raise _bad(
                table, f"line {row.line}: {len(meant)} films can be meant by this file; name more of its folders"
            )
        if not meant:
            unknown.append(row.get("file"))
        said = Named(row.get("patient"), _cohort(table, row))
        for path in meant:
            if named.setdefault(path, said).patient != said.patient:
                raise _bad(table, f"line {row.line} gives a film a second patient")
    return named, tuple(unknown)


def name_patients(project: Project, named: Mapping[Path, Named], paths: Sequence[Path]) -> None:
    """Films that were imported before, without a patient, get the one that the table names."""
    if not named:
        return
    held, films = store.known_files(project), store.known_films(project)
    wanted = {}
    for path in paths:
        seen = held.get(store.stored_path(project, path))
        patient = named[path].patient if path in named else None
        if patient is not None and seen is not None and not films[seen[0]].patient_named:
            wanted[seen[0]] = patient
    store.assign_patients(project, list(wanted.items()))


def _cohort(table: Path, row: CsvRow) -> CohortFacts:
    sex, age = row.get("sex"), row.get("age") or row.get("age_years")
    if sex and sex_of(sex) is None:
        raise _bad(table, f"line {row.line}: the sex is M, F or O")
    if age and not (age.isascii() and age.isdigit() and int(age) <= OLDEST_YEARS):
        raise _bad(table, f"line {row.line}: the age is a whole number of years up to {OLDEST_YEARS}")
    return CohortFacts(row.get("hospital"), sex_of(sex), int(age) if age else None)


def _bad(table: Path, detail: str) -> UserError:
    return UserError(ErrorCode.PATIENTS_FILE_BAD, path=str(table), detail=detail)
