"""The verb of heat maps: a reader's answers whether they cover the fracture, from a table, and what they come to."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hipcad_desktop.app.terminal import complain, say
from hipcad_desktop.domain.errors import ErrorCode, UserError

if TYPE_CHECKING:
    from hipcad_desktop.domain.agreement import Kappa
    from hipcad_desktop.domain.judgement import JudgementSummary
    from hipcad_desktop.domain.metrics import Proportion


def _judge(options: argparse.Namespace) -> int:
    from hipcad_desktop.workflows.judge_heatmaps import JudgingSession, check_reader, import_judgements, summary_of

    if options.answers and not (options.reader or "").strip():
        complain("judge --answers needs --reader NAME")
        return 2
    if not options.report.exists():
        raise UserError(ErrorCode.FILE_MISSING, path=str(options.report))
    report = options.report if options.report.is_dir() else options.report.parent
    if options.reader:
        check_reader(options.reader)
    if options.answers:
        done = import_judgements(report, options.answers, reader=options.reader)
        say(f"{done.added} answers of {options.reader} kept, {done.unchanged} stood there already.")
    for line in _lines(summary_of(report)):
        say(line)
    if options.reader:
        session = JudgingSession(report, reader=options.reader)
        if session.opens is not None:
            say(f"{options.reader} may judge again from {session.opens:%Y-%m-%d %H:%M} UTC on, two weeks after.")
        elif session.next is not None:
            answered = session.answers(session.round)
            waiting = [m.name for m in session.order(session.round) if m.name not in answered]
            say(f"Round {session.round} of {options.reader}, still to judge, in this order:")
            for name in waiting:
                say(f"  {name}")
    return 0


def _lines(summary: JudgementSummary) -> Iterator[str]:
    yield f"{summary.heat_maps} heat maps of fractures that the model found."
    if not summary.readers:
        yield "Nobody has judged them yet."
    for reader in summary.readers:
        for round, share in reader.covered.items():
            yield f"  {reader.reader}, round {round}: {_share(share, summary.heat_maps)}"
        yield f"  {reader.reader}, first against second round: {_kappa(reader.again)}"
    for one, two, kappa in summary.between:
        yield f"  {one} against {two}: {_kappa(kappa)}"


def _share(share: Proportion, total: int) -> str:
    if share.value is None:
        return f"none of {total} judged"
    return (
        f"{share.n} of {total} judged, covered {share.hits} of {share.n} = {share.value:.3f} "
        f"(95 % interval {share.low:.3f} to {share.high:.3f})"
    )


def _kappa(kappa: Kappa) -> str:
    if kappa.value is not None and kappa.low is not None and kappa.high is not None:
        return f"kappa {kappa.value:.3f} (95 % interval {kappa.low:.3f} to {kappa.high:.3f}), n = {kappa.n}"
    same = "" if kappa.observed is None else f"; the same on {kappa.observed:.0%}"
    return f"no kappa ({kappa.reason}{same}), n = {kappa.n}"


def add_verbs(verbs: Any) -> None:
    """Tell the parser of these verbs."""
    judge = verbs.add_parser("judge", help="does the heat map cover the fracture? a reader's answers and kappa")
    judge.add_argument("report", type=Path, metavar="REPORT")
    judge.add_argument("--reader", metavar="NAME", help="whose answers; also lists what is still to judge")
    judge.add_argument(
        "--answers", type=Path, metavar="CSV", help="take in a table: heatmap,covered and, if wanted, round,at"
    )


VERBS: Mapping[str, Callable[[argparse.Namespace], int]] = {"judge": _judge}
