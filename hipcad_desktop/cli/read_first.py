"""The verb of reading first: the own answer locked before the program's, what was changed, and what was disputed."""

from __future__ import annotations

import argparse
import hashlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hipcad_desktop.app.terminal import TerminalWatch, complain, say
from hipcad_desktop.domain.anatomy import Side
from hipcad_desktop.domain.change_of_mind import Changes, Outcome, Towards
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.messages import refusal_sentence, sentence
from hipcad_desktop.domain.model_card import RESEARCH_USE
from hipcad_desktop.domain.read_first import HipReading, Key, OwnAnswer, ProgramHip

if TYPE_CHECKING:
    from hipcad_desktop.domain.diagnosis import Diagnosis
    from hipcad_desktop.domain.metrics import Proportion
    from hipcad_desktop.inference.network import Predictor
    from hipcad_desktop.workflows.read_first import ReadFirst

_LETTERS: Mapping[str, OwnAnswer] = {"f": OwnAnswer.FRACTURE, "n": OwnAnswer.NO_FRACTURE, "u": OwnAnswer.UNSURE}
_HOW = "f fracture, n no fracture, u unsure, and 1 (a guess) to 5 (certain), such as f4"


def _read_first(options: argparse.Namespace) -> int:
    return _DOES[options.what](options)


def _records(options: argparse.Namespace, name: str) -> Path:
    from hipcad_desktop.app.records import records_folder

    return options.records or records_folder() / name


# reading


def _read(options: argparse.Namespace) -> int:
    from hipcad_desktop.cli.model import model_in_the_box
    from hipcad_desktop.workflows.diagnose import open_network
    from hipcad_desktop.workflows.read_first import READ_FIRST_NAME, ReadFirst

    journal = ReadFirst(_records(options, READ_FIRST_NAME))
    network = open_network(options.model or model_in_the_box())
    say(f"Your answer on each hip comes first. {_HOW}. {RESEARCH_USE}")
    failures = 0
    for file in options.files:
        try:
            _read_film(journal, network, file, options.reader)
        except EOFError:
            complain("Stopped. What was locked stays locked; the same command goes on with it.")
            return 1
        except UserError as error:
            if error.code not in _OF_ONE_FILM:
                raise
            failures += 1
            complain(sentence(error))
    return 1 if failures else 0


_OF_ONE_FILM = frozenset(
    {
        ErrorCode.FILE_MISSING, ErrorCode.NOT_A_REGULAR_FILE, ErrorCode.FILE_NOT_READABLE, ErrorCode.NOT_A_FILM,
        ErrorCode.FILM_DAMAGED, ErrorCode.FILM_TOO_LARGE, ErrorCode.FILM_WITHOUT_PIXELS, ErrorCode.FILM_UNSUPPORTED,
        ErrorCode.FILM_CHANGED,
    }
)  # fmt: skip


def _read_film(journal: ReadFirst, network: Predictor, file: str, reader: str) -> None:
    """One film from where it stands. Raises EOFError where no answer comes any more, and UserError of the film."""
    key = Key(reader, _hash_of(Path(file)), network.package.sha256)
    case = journal.case(key)
    if case is not None and case.final is not None:
        say(f"{file}: you have read this film with this model already.")
        return
    if case is None:
        say(f"{file}")
        case = journal.lock(key, {side: _asked(f"  {side.value}, your answer: ") for side in Side})
    else:
        say(f"{file}: your answer was locked before.")
    answer = _diagnosed(network, file, key)
    journal.show(key, _program(answer), midline_px=answer.midline_px)
    for line in _answer_lines(answer):
        say(f"  {line}")
    if not answer.hips:
        return
    after = {side: _asked(f"  {side.value}, now (Enter keeps): ", case.locked.hips[side]) for side in Side}
    journal.close(key, after)
    changed = sum(after[side].answer is not case.locked.hips[side].answer for side in Side)
    say(f"  Recorded, {changed} of 2 changed.")


def _diagnosed(network: Predictor, file: str, key: Key) -> Diagnosis:
    from hipcad_desktop.workflows.diagnose import FileFailure, diagnose

    with tempfile.TemporaryDirectory() as folder:
        watch, model = TerminalWatch(quiet=True), network.package.path
        run = diagnose([file], model=model, to=Path(folder), network=network, overlays=False, watch=watch)
    (answer,) = run.diagnoses
    if isinstance(answer, FileFailure):
        raise answer.error
    if answer.film_id != key.film_id:  # the file was written to between the lock and the answer
        raise UserError(ErrorCode.FILM_CHANGED, path=file)
    return answer


def _program(answer: Diagnosis) -> dict[Side, ProgramHip]:
    none = {hip.side: ProgramHip(None, None) for hip in answer.refused_hips}
    return none | {hip.side: ProgramHip(hip.state, hip.p_fracture) for hip in answer.hips}


def _answer_lines(answer: Diagnosis) -> Iterator[str]:
    if answer.refusal is not None:
        yield refusal_sentence(answer.refusal)
    for hip in answer.hips:
        yield f"{hip.side.value}, the program: {hip.state.value.replace('_', ' ')} (p = {hip.p_fracture:.3f})"
    for refused in answer.refused_hips:
        yield f"{refused.side.value}, the program: {refusal_sentence(refused.refusal)}"
    for warning in answer.warnings:
        yield f"! {warning}"


def _asked(words: str, kept: HipReading | None = None) -> HipReading:
    while True:
        text = input(words).strip().lower()
        if not text and kept is not None:
            return kept
        if len(text) == 2 and text[0] in _LETTERS and text[1] in "12345":
            return HipReading(_LETTERS[text[0]], int(text[1]))
        complain(f"  {_HOW}.")


def _hash_of(path: Path) -> str:
    if not path.exists():
        raise UserError(ErrorCode.FILE_MISSING, path=str(path))
    if not path.is_file():
        raise UserError(ErrorCode.NOT_A_REGULAR_FILE, path=str(path))
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UserError(ErrorCode.FILE_NOT_READABLE, path=str(path), detail=error.strerror or "") from error


# the sum


def _summary(options: argparse.Namespace) -> int:
    from hipcad_desktop.workflows.read_first import READ_FIRST_NAME, summary_of, write_hips

    path = _records(options, READ_FIRST_NAME)
    found = summary_of(path, reference=options.reference, reader=options.reader or "")
    if not found.hips:
        say("Nobody has read a film first yet.")
    for changes in found.readers:
        for line in change_lines(changes):
            say(line)
    if options.csv:
        say(f"{write_hips(found.hips, options.csv)} hips written to {options.csv}.")
    if found.head:
        say(f"{path} is whole. Last hash {found.head}")
    return 0


def change_lines(changes: Changes) -> Iterator[str]:
    """One reader's figures in words."""
    yield f"{changes.reader or 'All readers'}: {changes.films} films, {changes.hips} hips"
    for why, n in changes.left_out.items():
        yield f"  left out, {why.value}: {n} hips"
    yield f"  own answer was the program's: {_share(changes.agreed_before)}"
    yield f"  changed after seeing it: {_share(changes.changed)}"
    for towards in Towards:
        yield f"    switched {towards.value}: {changes.towards[towards]}"
    if changes.confidence is not None:
        yield f"  confidence, mean of 1 to 5: {changes.confidence[0]:.2f} before, {changes.confidence[1]:.2f} after"
    if not changes.referenced:
        return
    yield f"  against the reference, {changes.referenced} hips:"
    for outcome in Outcome:
        yield f"    switched {outcome.value}: {changes.outcomes[outcome]}"
    for name in ("right", "sensitivity", "specificity"):
        pair = getattr(changes, name)
        if pair is not None:
            yield f"    {name}: {_share(pair.before)} before, {_share(pair.after)} after"
    if changes.p_value is not None:
        yield f"    right before against after: p = {changes.p_value:.3f} (exact McNemar, a hip a trial)"


def _share(share: Proportion) -> str:
    if share.value is None:
        return "none"
    return f"{share.hits} of {share.n} = {share.value:.3f} (95 % interval {share.low:.3f} to {share.high:.3f})"


# disputes


def _disputes(options: argparse.Namespace) -> int:
    from hipcad_desktop.workflows.program_disputes import DISPUTES_NAME, disputes_in

    local = _records(options, DISPUTES_NAME)
    if options.project is not None:
        return _project_disputes(options, local)
    found = disputes_in(local)
    for d in found:
        say(
            f"{d.film_id[:12]} {d.side.value}: the program says {d.program.value.replace('_', ' ')} "
            f"(p = {d.p_fracture:.3f}), {d.reader} says {d.own.value.replace('_', ' ')}"
        )
    say(f"{len(found)} in the list of this computer, {local}.")
    return 0


def _project_disputes(options: argparse.Namespace, local: Path) -> int:
    from hipcad_desktop.workflows.load_film import films_among
    from hipcad_desktop.workflows.open_project import open_project
    from hipcad_desktop.workflows.program_disputes import review_queue, since_words, take_in, write_queue

    with open_project(options.project) as project:
        if options.take_in:
            films = films_among(options.films) if options.films else ()
            taken = take_in(project, local, files=films)
            say(
                f"{taken.added} taken into the review queue ({taken.films_added} films added), {taken.already} were "
                f"there, {taken.waiting} wait for their films."
            )
            if not options.csv:
                return 1 if taken.waiting else 0
        queue = review_queue(project)
        for queued in queue:
            d = queued.dispute
            say(
                f"{queued.file_name} {d.side.value}: the program says {d.program.value.replace('_', ' ')}, {d.reader} "
                f"says {d.own.value.replace('_', ' ')}; {since_words(queued)}"
            )
        say(f"{len(queue)} in the review queue, {sum(q.open for q in queue)} open.")
        if options.csv:
            write_queue(queue, options.csv)
    return 0


_DOES: Mapping[str, Callable[[argparse.Namespace], int]] = {"read": _read, "summary": _summary, "disputes": _disputes}


def add_verbs(verbs: Any) -> None:
    """Tell the parser of this verb."""
    from hipcad_desktop.cli.readers import reader_name

    first = verbs.add_parser(
        "readfirst",
        help="your own answer locked before the program's is shown, and what you changed after it",
        description="Kept by the hashes of film and model: no file name, no patient.",
    )
    what = first.add_subparsers(dest="what", required=True, metavar="WHAT")
    read = what.add_parser("read", help="read films: your answer, then the program's, then yours again")
    read.add_argument("files", nargs="+", metavar="FILE")
    read.add_argument("--reader", type=reader_name, required=True, metavar="NAME")
    read.add_argument("--model", type=Path, metavar="M.hipcad", help="default: the model in the box")
    summary = what.add_parser("summary", help="what was changed: to the program's answer, to right, to wrong")
    summary.add_argument("--reader", type=reader_name, metavar="NAME", help="of one reader alone")
    summary.add_argument(
        "--reference", type=Path, metavar="CSV", help="what each hip has: side,reference and film (hash) or file"
    )
    summary.add_argument("--csv", type=Path, metavar="OUT", help="one row a hip")
    disputes = what.add_parser("disputes", help="answers of the program that were disagreed with")
    disputes.add_argument("project", type=Path, nargs="?", help="of a project's review queue, not of this computer")
    disputes.add_argument("--take-in", action="store_true", help="take this computer's list into the project's queue")
    disputes.add_argument("--films", type=Path, nargs="+", metavar="PATH", help="where films of the list lie")
    disputes.add_argument("--csv", type=Path, metavar="OUT", help="the project's queue as a table")
    for parser in (read, summary, disputes):
        parser.add_argument("--records", type=Path, metavar="FILE", help="default: the file beside the settings")


VERBS: Mapping[str, Callable[[argparse.Namespace], int]] = {"readfirst": _read_first}
