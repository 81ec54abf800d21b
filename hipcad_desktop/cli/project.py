"""The verbs of a project: films in, a dataset out."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hipcad_desktop.app.terminal import TerminalWatch, complain, say
from hipcad_desktop.domain.cohort import PartitionRule
from hipcad_desktop.domain.dataset import partition_doubts
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

    rule = _rule(options)
    with open_project(options.project) as project:
        summary = export_dataset(project, options.to, seed=options.seed, rule=rule, watch=TerminalWatch())
    for film in summary.not_exported:
        complain(f"{film.file_name}: not exported. {film.sentence}")
    for film in summary.without_squares:
        complain(f"{film.file_name}: exported without squares about its hips. {film.sentence}")
    unread = any(film.code in _NOT_READ for film in summary.not_exported)
    squares = summary.films - len(summary.without_squares)
    say(f"{summary.films} films, {summary.hips} hips in {summary.dataset}; squares about the hips of {squares}.")
    _say_counts(summary.counts)
    return 1 if unread else 0


def _partition(options: argparse.Namespace) -> int:
    from hipcad_desktop.workflows.repartition import repartition

    rule = _rule(options)
    summary = repartition(options.dataset, options.to, rule=rule, seed=options.seed, watch=TerminalWatch())
    say(f"{summary.films} films, {summary.hips} hips in {summary.dataset}.")
    _say_counts(summary.counts)
    say(
        f"The windows of the diagnosis halving stay as they were exported (overlap {summary.overlap_share:.3f} of the "
        "film's width, from the training films of then)."
    )
    if summary.openings_before:
        say(
            f"A test partition of these hips was opened before ({summary.openings_before} times); of the new one "
            f"{summary.seen_test_hips} hips were in it. The new dataset says so."
        )
    return 0


def _synthesize(options: argparse.Namespace) -> int:
    from hipcad_desktop.workflows.open_project import open_project
    from hipcad_desktop.workflows.synthesize import synthesize

    rule = _rule(options)
    with open_project(options.project) as project:
        made = synthesize(
            project,
            options.to,
            hips=options.hips,
            broken_share=options.broken_share,
            seed=options.seed,
            rule=rule,
            watch=TerminalWatch(),
        )
    assert made.synthesis is not None
    say(f"{made.synthesis.words} {made.dataset}")
    if made.synthesis.unusable:
        say(f"{made.synthesis.unusable} whole films could not be taken apart: a hip too near the edge, or none found.")
    _say_counts(made.counts)
    return 0


def _say_counts(by_partition: Mapping[str, Mapping[str, int]]) -> None:
    for partition, counts in by_partition.items():
        say("  " + partition + ": " + ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in counts.items()))
    for doubt in partition_doubts(by_partition):
        complain(doubt)


def _rule(options: argparse.Namespace) -> PartitionRule:
    """What was asked. Where hospitals are held out they are the whole test partition, unless --test wants more."""
    default = PartitionRule()
    test = options.test if options.test is not None else 0 if options.hold_out else default.test
    try:
        return PartitionRule(options.validation, test, tuple(dict.fromkeys(options.hold_out)))
    except ValueError as error:
        options.usage(f"--validation and --test: {error}")
        raise


def _size(text: str) -> float | int:
    """A whole number of films, or a share of the patients."""
    if text.isascii() and text.isdigit():
        return int(text)
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a share between 0 and 1 nor a number of films")
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
    _add_rule(export)
    made = verbs.add_parser("synthesize", help="a dataset whose fractures are made from whole films by program")
    made.add_argument("project", type=Path)
    made.add_argument("--hips", type=int, required=True, metavar="N", help="synthetic hips to train on")
    made.add_argument("--to", type=Path, required=True, metavar="DATASET")
    made.add_argument(
        "--broken-share",
        type=float,
        default=0.5,
        metavar="SHARE",
        help="of the synthetic hips; default 0.5: one hip of every film. Less: some films whole; more: some with both",
    )
    _add_rule(made)
    again = verbs.add_parser("partition", help="partition a dataset again, into a new one with the same hips")
    again.add_argument("dataset", type=Path)
    again.add_argument("--to", type=Path, required=True, metavar="NEW")
    _add_rule(again)


def _add_rule(verb: argparse.ArgumentParser) -> None:
    default = PartitionRule()
    size, hold = "a share of the patients (0.15) or a number of films (500)", "a hospital whose patients are all test"
    verb.add_argument("--seed", type=int, default=20200414)
    verb.add_argument("--validation", type=_size, default=default.validation, metavar="SIZE", help=size)
    verb.add_argument(
        "--test", type=_size, metavar="SIZE", help=f"{size}; beside held-out hospitals, where there are any"
    )
    verb.add_argument("--hold-out", action="append", default=[], metavar="HOSPITAL", help=f"{hold}; may be repeated")
    verb.set_defaults(usage=verb.error)


VERBS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "import": _import,
    "export": _export,
    "partition": _partition,
    "synthesize": _synthesize,
}
