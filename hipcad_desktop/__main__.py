"""The program's one entry: the window, a command-line verb, or one of the processes beside the window."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Sequence
from pathlib import Path


def main() -> int:
    """Start what the arguments ask for and return the exit status.

    `worker` and `decoder` are the processes beside the window, `sample` the window on the sample project, `tour` the
    window driven by itself; a verb or an option goes to the command line; nothing, a project's folder or films (as a
    double click gives them) open the window.
    """
    multiprocessing.freeze_support()
    words = sys.argv[1:]
    if words[:1] == ["worker"]:
        from hipcad_desktop.worker import main as work

        return work()
    if words[:1] == ["decoder"]:
        from hipcad_desktop.decoder import main as decode

        return decode()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # a windowed program has none; a file's name need not be text in the terminal's encoding
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        return _for_a_person(words)
    except KeyboardInterrupt:  # before a verb took it over
        print("Stopped.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `hipcad … | head`: who listened has gone, nobody is left to tell
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains once more when it ends
        return 1


def _for_a_person(words: Sequence[str]) -> int:
    if words and words[0] in ("sample", "tour"):
        if words[0] == "tour":
            from hipcad_desktop.gui.tour import main as tour

            return tour(words[1:])
        from hipcad_desktop.app.sample import sample_project

        return _window(sample_project(), [])
    from hipcad_desktop.cli import VERBS
    from hipcad_desktop.cli import main as command_line

    if words and (words[0] in VERBS or not all(Path(w).exists() for w in words)):
        return command_line(words)
    folders = [Path(w) for w in words if Path(w).is_dir()]
    if len(folders) > 1:
        print("The window opens one project at a time.", file=sys.stderr)
        return 2
    return _window(folders[0] if folders else None, [w for w in words if not Path(w).is_dir()])


def _window(project: Path | None, files: Sequence[str]) -> int:
    told = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    if sys.platform.startswith("linux") and not any(os.environ.get(name) for name in told):  # Qt would end the process
        print(
            "There is no display for the window here. Start it on a desktop, use the command line (`hipcad --help`), "
            "or set QT_QPA_PLATFORM=offscreen and let `hipcad tour --to OUT` draw the window into pictures.",
            file=sys.stderr,
        )
        return 1
    from hipcad_desktop.gui.application import run

    return run(project=project, files=files)


if __name__ == "__main__":
    sys.exit(main())
