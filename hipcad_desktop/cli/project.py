"""The verbs of a project: films in, a dataset out."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hipcad_desktop.app.terminal import TerminalWatch, complain, say
from hipcad_desktop.domain.cohort import PartitionShares
from hipcad_desktop.domain.errors import ErrorCode
from hipcad_desktop.domain.messages import sentence

# Reasons of the file, not of a reader: a missing film is a failure, an excluded one an answer.
_NOT_READ = frozenset(c.value for c in (ErrorCode.FILE_MISSING, ErrorCode.FILM_CHANGED, ErrorCode.FILM_DAMAGED))


def _import(options: argparse.Namespace) -> int:
    from hipcad_desktop.workflows.import_films import import_films
    from hipcad_desktop.workflows.open_project import new_project_only_with_films, open_project

    with new_project_only_with_films(options.project), open_project(options.project, create=True) as project:
        summary = import_films(
            project,
            options.films,
            patients=options.patients,
            copy=options.copy,
            hospital=options.hospital,
            watch=TerminalWatch(),
        )
    for _, error in summary.refused:
        complain(sentence(error))
    for path in summary.passed_over:
        complain(f"{path}: passed over, not a film")
    say(f"{summary.imported} films imported, {summary.already} already there, {len(summary.refused)} refused.")
    if summary.without_patient:
        say(
            f"{summary.without_patient} films name no patient: each counts as a patient of its own. "
            "If several belong to one patient, import with --patients FILE (columns file,patient)."
        )
    if summary.unknown_in_table:
        some = ", ".join(summary.unknown_in_table[:3])
        say(
            f"The table of patients names {len(summary.unknown_in_table)} files that are none of these films ({some}…)."
        )
    if summary.not_in_table:
        say(f"{summary.not_in_table} of these films are not in the table of patients.")
    for note in summary.duplicates:
        say(f"The same film under two patients: {note}. They will stay in one partition.")
    return 1 if summary.refused else 0


def _export(options: argparse.Namespace) -> int:
    from hipcad_desktop.workflows.export_dataset import export_dataset
    from hipcad_desktop.workflows.open_project import open_project

    try:
        shares = PartitionShares(validation=options.validation, test=options.test)
    except ValueError:
        options.usage("--validation and --test together leave nothing to train on")
    with open_project(options.project) as project:
        summary = export_dataset(project, options.to, seed=options.seed, shares=shares, watch=TerminalWatch())
    for film in summary.not_exported:
        complain(f"{film.file_name}: not exported. {film.sentence}")
    unread = any(film.code in _NOT_READ for film in summary.not_exported)
    say(f"{summary.films} films, {summary.hips} hips in {summary.dataset}.")
    for partition, counts in summary.counts.items():
        say("  " + partition + ": " + ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in counts.items()))
    return 1 if unread else 0


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError("a share lies between 0 and 1")
    return value


def add_verbs(verbs: Any) -> None:
    """Tell the parser of these verbs."""
    films = verbs.add_parser("import", help="take films into a project (made if absent)")
    films.add_argument("project", type=Path)
    films.add_argument("films", type=Path, nargs="+", metavar="FILE_OR_FOLDER")
    films.add_argument("--patients", type=Path, metavar="CSV", help="columns file,patient[,hospital,sex,age]")
    films.add_argument("--hospital", default="", metavar="NAME", help="a label of where these films are from")
    films.add_argument("--copy", action="store_true", help="copy the films into the project's folder")
    export = verbs.add_parser("export", help="halve the films, partition by patient, write the dataset")
    export.add_argument("project", type=Path)
    export.add_argument("--to", type=Path, required=True, metavar="DATASET")
    export.add_argument("--seed", type=int, default=20200414)
    export.add_argument("--validation", type=_share, default=PartitionShares().validation, metavar="SHARE")
    export.set_defaults(usage=export.error)
    export.add_argument("--test", type=_share, default=PartitionShares().test, metavar="SHARE")


VERBS: Mapping[str, Callable[[argparse.Namespace], int]] = {"import": _import, "export": _export}
