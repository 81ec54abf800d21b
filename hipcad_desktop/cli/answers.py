"""The verbs around answers: a batch of films, a watched folder, reports, second opinions."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hipcad_desktop.app.terminal import TerminalWatch, complain, say
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.model_card import RESEARCH_USE
from hipcad_desktop.domain.second_opinion import LOOKED, METHOD_NAMES, OpinionMethod
from hipcad_desktop.domain.triage import URGENCY_WORDS, Urgency

if TYPE_CHECKING:
    from hipcad_desktop.domain.batch import BatchSummary

_FORMATS = ("pdf", "png", "csv", "json")


def is_batch(options: argparse.Namespace) -> bool:
    """Whether `hipcad diagnose` was given a folder, or asked to go on with one."""
    return bool(options.resume) or any(Path(file).is_dir() for file in options.files)


def diagnose_batch_verb(options: argparse.Namespace, model: Path) -> int:
    """`hipcad diagnose` on folders: answers kept as they come, 1 where a film could not be read."""
    from hipcad_desktop.workflows.diagnose_batch import diagnose_batch

    watch = TerminalWatch(quiet=options.json)
    paths = [Path(file) for file in options.files]
    try:
        summary = diagnose_batch(paths, model=model, to=options.to, resume=options.resume, watch=watch)
    except UserError as error:
        if error.code in (ErrorCode.CANCELLED, ErrorCode.DISK_FULL):
            complain(f"What was answered by then is kept in {options.to}; go on with --resume.")
        raise
    if options.json:
        import json
        from dataclasses import asdict

        say(json.dumps(asdict(summary), indent=2))
    else:
        _say_summary(summary)
    return 1 if summary.counts.get(Urgency.FAILED.name.lower()) else 0


def _say_summary(summary: BatchSummary) -> None:
    counted = ((URGENCY_WORDS[u], summary.counts.get(u.name.lower(), 0)) for u in Urgency if u is not Urgency.WAITING)
    say("   ".join(f"{words}: {n}" for words, n in counted))
    rate = summary.computed / summary.seconds if summary.seconds else 0.0
    kept = f", {summary.kept} kept from before" if summary.kept else ""
    passed = f", {summary.passed_over} files that are no films passed over" if summary.passed_over else ""
    say(f"{summary.computed} films in {summary.seconds:.0f} s ({rate:.2f} a second){kept}{passed}.")
    for warning in summary.warnings:
        say(f"! {warning}")
    say(f"Table, the most urgent first: {summary.table}")
    say(RESEARCH_USE)


def _model(options: argparse.Namespace) -> Path:
    from hipcad_desktop.cli.model import model_in_the_box

    return Path(options.model) if options.model else model_in_the_box()


def _watch(options: argparse.Namespace) -> int:
    from hipcad_desktop.workflows.watch_folder import watch_folder

    say(f"Watching {options.folder}. Ctrl+C ends it; the same command goes on with it. {RESEARCH_USE}")
    done = watch_folder(
        options.folder, model=_model(options), to=options.to, settled_s=options.settled, watch=_FolderWatch()
    )
    say(f"{done} films. Table, the most urgent first: {options.to / 'answers.csv'}")
    return 0


class _FolderWatch(TerminalWatch):
    """A line a film as it is answered; progress would only repeat that."""

    def artifact(self, what: str, path: str, **facts: Any) -> None:
        if what != "batch_row":
            return
        from hipcad_desktop.domain.batch import BatchRow

        row = BatchRow.from_json(facts)
        hips = "   ".join(
            f"{hip.side} {hip.refused or hip.state.replace('_', ' ')}"
            + (f" ({hip.p_fracture:.1%})" if hip.p_fracture is not None else "")
            for hip in row.hips
        )
        say(f"[{URGENCY_WORDS[row.urgency]}] {row.file}: {row.sentence or hips}")

    def step(self, stage: str, done: int, total: int, **facts: Any) -> None:
        if "event" in facts:
            super().step(stage, done, total, **facts)


def _report(options: argparse.Namespace) -> int:
    from hipcad_desktop.workflows.diagnosis_report import write_reports

    written = write_reports(options.answers, options.to, formats=options.format, watch=TerminalWatch())
    for path in written:
        say(str(path))
    say(RESEARCH_USE)
    return 0


def _explain(options: argparse.Namespace) -> int:
    from hipcad_desktop.domain.anatomy import Side
    from hipcad_desktop.workflows.second_opinions import explain, need_second_opinions

    need_second_opinions()
    methods = list(OpinionMethod) if options.method == "all" else [OpinionMethod(options.method)]
    model, watch = _model(options), TerminalWatch()
    for method in methods:
        opinion = explain(options.file, side=Side(options.side), model=model, method=method, to=options.to, watch=watch)
        adds_up = "" if opinion.explained is None else f", adds up to {opinion.explained:.0%} of the answer's change"
        say(f"{METHOD_NAMES[method]}: {opinion.overlay_path} ({opinion.seconds:.1f} s{adds_up})")
    say(f"{LOOKED} {RESEARCH_USE}")
    return 0


def _formats(text: str) -> tuple[str, ...]:
    chosen = tuple(word.strip().lower() for word in text.split(","))
    for word in chosen:
        if word not in _FORMATS:
            raise argparse.ArgumentTypeError(f"{word!r} is none of {', '.join(_FORMATS)}")
    return chosen


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds") from error
    if not 0.1 <= seconds <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r}: at least 0.1 and at most 3600 seconds")
    return seconds


def add_verbs(verbs: Any) -> None:
    """Tell the parser of these verbs."""
    watch = verbs.add_parser(
        "watch",
        help="diagnose what comes into a folder, the most urgent first in a table",
        description="A file counts as whole once neither its size nor its time changes any more.",
    )
    watch.add_argument("folder", type=Path)
    watch.add_argument("--to", type=Path, required=True, metavar="OUT")
    watch.add_argument("--model", type=Path, metavar="M.hipcad", help="default: the model in the box")
    watch.add_argument(
        "--settled", type=_seconds, default=2.0, metavar="SECONDS", help="without a change until a file is read"
    )
    report = verbs.add_parser(
        "report",
        help="answers as PDF, PNG, CSV and JSON",
        description="From the JSON files that `hipcad diagnose` wrote; the films have to be where they were.",
    )
    report.add_argument("answers", nargs="+", type=Path, metavar="ANSWER.json")
    report.add_argument("--to", type=Path, required=True, metavar="OUT")
    report.add_argument(
        "--format", type=_formats, default=_FORMATS, metavar="F,F", help="pdf,png,csv,json (default: all)"
    )
    explain = verbs.add_parser(
        "explain",
        help="second opinions: where the model looked on one hip",
        description=f"{LOOKED} Needs torch and captum (Workstation edition).",
    )
    explain.add_argument("file", metavar="FILE")
    explain.add_argument("--side", choices=("R", "L"), required=True, help="the patient's right or left hip")
    explain.add_argument("--method", choices=(*(m.value for m in OpinionMethod), "all"), default="earlier_grad_cam")
    explain.add_argument("--model", type=Path, metavar="M.hipcad", help="default: the model in the box")
    explain.add_argument("--to", type=Path, required=True, metavar="OUT")


VERBS: Mapping[str, Callable[[argparse.Namespace], int]] = {"watch": _watch, "report": _report, "explain": _explain}
