"""The verbs of the command line, each over the same workflow as its place on the screen.

Exit status: 0; 1 where some file could not be read or used (named on standard error, the others done); 2 for wrong
usage.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hipcad_desktop import __version__
from hipcad_desktop.app.terminal import TerminalWatch, complain, say
from hipcad_desktop.cli import cohort, compare, judge, model, project, readers, training
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.messages import sentence
from hipcad_desktop.domain.model_card import RESEARCH_USE

Verb = Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str]) -> int:
    """Run one verb and return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        return VERBS[options.verb](options)
    except UserError as error:
        complain(sentence(error))
        return 2 if error.code is ErrorCode.CONFIG_INVALID else 1


def _simulate(options: argparse.Namespace) -> int:
    from hipcad_desktop.workflows.simulate import simulate

    simulate(
        films=options.films,
        seed=options.seed,
        to=options.to,
        size=options.size,
        film_format=options.format,
        hospital=options.hospital,
        watch=TerminalWatch(),
    )
    say(f"{options.films} simulated films in {options.to}, with truth.csv, boxes.csv and patients.csv.")
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from hipcad_desktop.app.doctor import examine

    checks = examine()
    if options.json:
        say(json.dumps([c.to_json() for c in checks], indent=2))
    else:
        for check in checks:
            say(check.line())
    return 1 if any(c.state == "bad" for c in checks) else 0


VERBS: Mapping[str, Verb] = {
    **project.VERBS,
    **readers.VERBS,
    **cohort.VERBS,
    **training.VERBS,
    **model.VERBS,
    **compare.VERBS,
    **judge.VERBS,
    "simulate": _simulate,
    "doctor": _doctor,
}


def _size(text: str) -> Any:
    from hipcad_desktop.domain.geometry import Size

    try:
        width, height = text.lower().split("x")
        return Size(int(width), int(height))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no size; write it as 1200x1000") from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hipcad",
        description="Hip fractures on frontal pelvic films: annotate, train, diagnose. Without a verb: the window.",
        epilog=RESEARCH_USE,
    )
    parser.add_argument("--version", action="version", version=f"HipCAD Desktop {__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    project.add_verbs(verbs)
    readers.add_verbs(verbs)
    cohort.add_verbs(verbs)
    training.add_verbs(verbs)
    model.add_verbs(verbs)
    compare.add_verbs(verbs)
    judge.add_verbs(verbs)
    simulate = verbs.add_parser("simulate", help="make simulated films with known fractures")
    simulate.add_argument("--films", type=int, required=True)
    simulate.add_argument("--seed", type=int, required=True)
    simulate.add_argument("--to", type=Path, required=True, metavar="DIR")
    simulate.add_argument("--size", type=_size, metavar="WxH")
    simulate.add_argument("--format", choices=("dicom", "jpeg"), default="dicom")
    simulate.add_argument("--hospital", choices=("A", "B", "C"))
    doctor = verbs.add_parser("doctor", help="what works on this machine, and what to do about the rest")
    doctor.add_argument("--json", action="store_true")
    return parser
