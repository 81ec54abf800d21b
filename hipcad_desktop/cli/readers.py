"""The verbs of readers: readings in and out, signatures, agreement, adjudication, second rounds, the audit trail."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hipcad_desktop.app.terminal import TerminalWatch, complain, say
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.messages import sentence

if TYPE_CHECKING:
    from hipcad_desktop.domain.agreement import Agreement, Kappa
    from hipcad_desktop.store.project_store import Project
    from hipcad_desktop.workflows.agreement import PairAgreement
    from hipcad_desktop.workflows.readings_table import ReadingsSummary


def _readings(options: argparse.Namespace) -> int:
    from hipcad_desktop.workflows.open_project import open_project

    if options.direction in ("import", "send") and not options.reader:
        complain(f"readings {options.direction} needs --reader NAME")
        return 2
    with open_project(options.project) as project:
        return DIRECTIONS[options.direction](project, options)


def _import(project: Project, options: argparse.Namespace) -> int:
    from hipcad_desktop.workflows.readings_table import import_readings

    summary = import_readings(project, options.file, reader=options.reader, why=options.why, watch=TerminalWatch())
    return _told(summary)


def _told(summary: ReadingsSummary) -> int:
    for problem in summary.problems:
        complain(sentence(problem))
    say(f"{summary.saved} readings saved, {summary.unchanged} unchanged, {len(summary.problems)} problems.")
    return 1 if summary.problems else 0


def _export(project: Project, options: argparse.Namespace) -> int:
    from hipcad_desktop.workflows.readings_table import export_readings

    rows = export_readings(project, options.file, reader=options.reader)
    say(f"{rows} rows written to {options.file}.")
    return 0


def _send(project: Project, options: argparse.Namespace) -> int:
    from hipcad_desktop.workflows.exchange_readings import send_readings

    summary = send_readings(project, options.file, reader=options.reader)
    say(f"{summary.revisions} revisions on {summary.films} films written to {options.file}.")
    return 0


def _merge(project: Project, options: argparse.Namespace) -> int:
    from hipcad_desktop.workflows.exchange_readings import merge_readings

    summary = merge_readings(project, options.file)
    say(
        f"{summary.reader}: {summary.added} revisions added, {summary.already} already here, "
        f"{summary.signatures} signatures, {len(summary.conflicts)} conflicts."
    )
    for film_id in summary.pending:
        complain(f"film {film_id[:12]}: not in this project; its readings are kept until it is imported")
    for conflict in summary.conflicts:
        revisions = ", ".join(str(n) for n in conflict.revisions)
        complain(
            f"film {conflict.film_id[:12]}, {conflict.reader}, round {conflict.round}: revisions {revisions} differ; "
            "the first one holds until the reader saves again"
        )
    for uuid in summary.altered:
        complain(f"revision {uuid}: its content is another than here; ours holds, theirs is kept beside it")
    return 1 if summary.altered or summary.conflicts else 0


def _sign(options: argparse.Namespace) -> int:
    from hipcad_desktop.workflows.annotate import Session
    from hipcad_desktop.workflows.open_project import open_project

    with open_project(options.project) as project:
        signed = Session(project, reader=options.reader, round=options.round).sign_all()
    say(f"{signed} readings signed.")
    return 0


def _readers(options: argparse.Namespace) -> int:
    from hipcad_desktop.workflows.open_project import open_project
    from hipcad_desktop.workflows.reader_study import end_blinded_phase, phase, progress

    with open_project(options.project) as project:
        if options.end_blinding:
            end_blinded_phase(project, who=options.who, why=options.why)
        say(f"Phase: {phase(project).value}.")
        for row in progress(project):
            say(f"  {row.reader}, round {row.round}: {row.answered} of {row.films} answered, {row.signed} signed")
    return 0


def _second_round(options: argparse.Namespace) -> int:
    from hipcad_desktop.workflows.open_project import open_project
    from hipcad_desktop.workflows.reader_study import start_second_round

    with open_project(options.project) as project:
        films = start_second_round(project, reader=options.reader, after_days=options.after_days, seed=options.seed)
    say(f"{len(films)} films for {options.reader} to read again, in this order:")
    for film_id in films:
        say(f"  {film_id[:12]}")
    return 0


def _agreement(options: argparse.Namespace) -> int:
    from hipcad_desktop.workflows.agreement import agreement, disagreements, intra_reader, write_disagreements
    from hipcad_desktop.workflows.open_project import open_project

    with open_project(options.project) as project:
        if options.rounds_of:
            pairs: tuple[PairAgreement, ...] = (intra_reader(project, reader=options.rounds_of),)
        else:
            pairs = agreement(project, readers=options.readers)
            if options.csv:
                write_disagreements(disagreements(project, readers=options.readers), options.csv)
    for pair in pairs:
        one, two = pair.readers
        say(f"{one}, both rounds:" if one == two else f"{one} and {two}:")
        for line in _agreement_lines(pair.agreement):
            say("  " + line)
    return 0


def _agreement_lines(found: Agreement) -> Iterator[str]:
    yield f"{found.films} films answered by both, {found.left_out} left out (unsure or excluded)"
    yield f"kappa, fracture per film: {_kappa(found.presence_films)}"
    yield f"kappa, fracture per hip: {_kappa(found.presence_hips)}"
    yield f"kappa, type per hip: {_kappa(found.types)}"
    overlap = found.overlap
    if overlap.median is not None and overlap.share_same is not None:
        yield (
            f"rectangles: IoU median {overlap.median:.2f}, lowest {overlap.lowest:.2f}, {overlap.share_same:.1%} at "
            f"least 0.5, n = {overlap.n}, {overlap.unmatched} without counterpart"
        )
    yield f"{len(found.disagreements)} films differ"


def _kappa(kappa: Kappa) -> str:
    if kappa.value is None:
        return f"cannot be computed ({kappa.reason}), n = {kappa.n}"
    return f"{kappa.value:.3f} (95 % interval {kappa.low:.3f} to {kappa.high:.3f}), n = {kappa.n}"


def _adjudicate(options: argparse.Namespace) -> int:
    from hipcad_desktop.workflows.adjudicate import adjudicate_table
    from hipcad_desktop.workflows.open_project import open_project

    with open_project(options.project) as project:
        return _told(adjudicate_table(project, options.table, adjudicators=options.by, why=options.why))


def _audit(options: argparse.Namespace) -> int:
    from hipcad_desktop.workflows.audit import export_audit, verify_audit
    from hipcad_desktop.workflows.open_project import open_project

    with open_project(options.project) as project:
        report = verify_audit(project)
        if options.csv:
            export_audit(project, options.csv)
    if not report.whole:
        raise UserError(ErrorCode.AUDIT_BROKEN, path=str(options.project), detail="; ".join(report.problems))
    say(f"{report.rows} rows, whole. Last hash {report.head}")
    return 0


def reader_name(text: str) -> str:
    """A name that can be shown on one line."""
    name = text.strip()
    if not name or not name.isprintable():
        raise argparse.ArgumentTypeError(f"{text!r} is no name")
    return name


def add_verbs(verbs: Any) -> None:
    """Tell the parser of these verbs."""
    readings = verbs.add_parser("readings", help="readings from or to a table, or between projects")
    readings.add_argument("direction", choices=tuple(DIRECTIONS))
    readings.add_argument("project", type=Path)
    readings.add_argument(
        "file", type=Path, metavar="FILE", help="import, export: a CSV with file,verdict,x,y,width,height,type"
    )
    readings.add_argument("--reader", type=reader_name, help="who read the films")
    readings.add_argument("--why", default="", help="import: the reason to change signed readings")
    sign = verbs.add_parser("sign", help="sign a reader's readings")
    sign.add_argument("project", type=Path)
    sign.add_argument("--reader", type=reader_name, required=True)
    sign.add_argument("--round", type=int, choices=(1, 2), default=1)
    readers = verbs.add_parser("readers", help="how far the readers are; end the blinded phase")
    readers.add_argument("project", type=Path)
    readers.add_argument("--end-blinding", action="store_true", help="readers may see each other's answers, for ever")
    readers.add_argument("--who", default="")
    readers.add_argument("--why", default="")
    again = verbs.add_parser("second-round", help="a reader's films again, after the wash-out time, in another order")
    again.add_argument("project", type=Path)
    again.add_argument("--reader", type=reader_name, required=True)
    again.add_argument("--after-days", type=float, default=14)
    again.add_argument("--seed", type=int, default=20200414)
    agree = verbs.add_parser("agreement", help="kappa, overlap of rectangles, and the films that differ")
    agree.add_argument("project", type=Path)
    agree.add_argument("--readers", nargs="+", default=(), metavar="NAME")
    agree.add_argument("--rounds-of", metavar="NAME", help="one reader's second round against the first")
    agree.add_argument("--csv", type=Path, metavar="FILE", help="the films that differ")
    judge = verbs.add_parser("adjudicate", help="what the readers agreed on together, from a table of readings")
    judge.add_argument("project", type=Path)
    judge.add_argument("table", type=Path, metavar="CSV")
    judge.add_argument("--by", nargs="+", required=True, metavar="NAME")
    judge.add_argument("--why", default="")
    trail = verbs.add_parser("audit", help="check the audit trail; write it as CSV")
    trail.add_argument("project", type=Path)
    trail.add_argument("--csv", type=Path, metavar="FILE")


DIRECTIONS: Mapping[str, Callable[[Project, argparse.Namespace], int]] = {
    "import": _import,
    "export": _export,
    "send": _send,
    "merge": _merge,
}
VERBS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "readings": _readings,
    "sign": _sign,
    "readers": _readers,
    "second-round": _second_round,
    "agreement": _agreement,
    "adjudicate": _adjudicate,
    "audit": _audit,
}
