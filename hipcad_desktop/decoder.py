"""The decoder process: films for the window's eye, one after the other, in the words of domain.jobs (kind "decode").

A file from anywhere is decoded here, not in the window (RELIABILITY 1.13): what takes the decoder down, eats memory or
never ends costs one film, and the window starts another decoder. End of input means end.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.jobs import Artifact, Event, Failed, Finished, Job, Started, event_line, parse_command

if TYPE_CHECKING:
    from hipcad_desktop.workflows.view_film import Question

MEMORY_BYTES = 4 * 2**30  # of addresses, libraries included: a film of 100 megapixels needs about 2


def main() -> NoReturn:
    """Decode until standard input ends; ends the process."""
    sys.stdout.flush()
    events = os.dup(1)
    os.dup2(2, 1)  # a stray print becomes log
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    limit_memory()
    _warm_up()
    _say(events, Started(""))
    for line in sys.stdin.buffer:
        job = parse_command(line.decode("utf-8"))
        if isinstance(job, Job):
            _answer(events, job)
    os._exit(0)


def limit_memory(limit: int = MEMORY_BYTES) -> None:
    """No more addresses than this, and no core dump: it would be full of a patient's film. Linux only."""
    if sys.platform == "linux":
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (limit if hard < 0 else min(limit, hard), hard))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _warm_up() -> None:
    """Import what a film needs before the first one comes."""
    import hipcad_desktop.imaging.dicom
    import hipcad_desktop.imaging.display_windows
    import hipcad_desktop.imaging.raster
    import hipcad_desktop.imaging.reduced
    import hipcad_desktop.workflows.decode_film  # noqa: F401


def _answer(events: int, job: Job) -> None:
    from hipcad_desktop.workflows.decode_film import decode
    from hipcad_desktop.workflows.view_film import Question

    _say(events, Started(job.job))
    path = ""
    try:
        question = Question.from_json(job.arguments)
        path = question.paths[0]

        def first_look(file: Path) -> None:
            _say(events, Artifact(job.job, "preview", str(file)))

        decoded = decode(question, tell_preview=first_look if question.preview else None)
        with decoded.path.open("rb") as pixels:  # the window may delete it as soon as it hears of it
            _say(events, Artifact(job.job, "film", str(decoded.path), {**decoded.said, "kept": decoded.is_kept}))
            if decoded.slow:
                _keep(question, pixels)
        _say(events, Finished(job.job))
    except UserError as error:
        _say(events, Failed(job.job, error.code.value, _plain(error.facts)))
    except MemoryError:
        _say(events, Failed(job.job, ErrorCode.FILM_TOO_LARGE.value, {"path": path, "detail": "not enough memory"}))
    except Exception as error:  # the last hook of the process: a film that provokes a bug is one film
        print(f"{type(error).__module__}.{type(error).__qualname__}", file=sys.stderr, flush=True)
        detail = f"decoding it failed ({type(error).__name__})"
        _say(events, Failed(job.job, ErrorCode.FILM_DAMAGED.value, {"path": path, "detail": detail}))


def _keep(question: Question, pixels: Any) -> None:
    from hipcad_desktop.workflows.decode_film import keep

    if question.kept is None or question.film_id is None:
        return
    try:
        keep(pixels, Path(question.kept), question.film_id)
    except OSError as error:  # the next time costs the same again
        print(f"pixels not kept: {error.strerror}", file=sys.stderr, flush=True)


def _plain(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value if isinstance(value, int | float | str | None) else str(value) for name, value in facts.items()}


def _say(events: int, event: Event) -> None:
    line = event_line(event).encode("ascii")
    while line:
        line = line[os.write(events, line) :]
