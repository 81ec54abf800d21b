"""The verbs of the command line, each over the same workflow as its place on the screen.

Exit status: 0; 1 where some file could not be read or used (named on standard error, the others done); 2 for wrong
usage.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence

from hipcad_desktop import __version__
from hipcad_desktop.app.terminal import complain, say
from hipcad_desktop.cli import (
    answers,
    cohort,
    compare,
    judge,
    model,
    package,
    project,
    read_first,
    readers,
    simulation,
    training,
)
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
    **answers.VERBS,
    **read_first.VERBS,
    **package.VERBS,
    **compare.VERBS,
    **judge.VERBS,
    **simulation.VERBS,
    "doctor": _doctor,
}


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
    answers.add_verbs(verbs)
    read_first.add_verbs(verbs)
    package.add_verbs(verbs)
    compare.add_verbs(verbs)
    judge.add_verbs(verbs)
    simulation.add_verbs(verbs)
    doctor = verbs.add_parser("doctor", help="what works on this machine, and what to do about the rest")
    doctor.add_argument("--json", action="store_true")
    return parser
