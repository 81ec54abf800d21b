"""The program's one entry: the window, a command-line verb, or the worker process."""

from __future__ import annotations

import multiprocessing
import sys
from pathlib import Path


def main() -> int:
    """Start what the arguments ask for and return the exit status.

    `worker` is the worker process, `sample` the window on the sample project, `tour` the window driven by itself; a
    verb or an option goes to the command line; nothing, a project's folder or films (as a double click gives them) open
    the window.
    """
    multiprocessing.freeze_support()
    words = sys.argv[1:]
    if words[:1] == ["worker"]:
        from hipcad_desktop.worker import main as work

        return work()
    if words == ["sample"]:
        from hipcad_desktop.app.sample import sample_project
        from hipcad_desktop.gui.application import run

        return run(project=sample_project(), files=[])
    if words[:1] == ["tour"]:
        from hipcad_desktop.gui.tour import main as tour

        return tour(words[1:])
    from hipcad_desktop.cli import VERBS
    from hipcad_desktop.cli import main as command_line

    if words and (words[0] in VERBS or not all(Path(w).exists() for w in words)):
        return command_line(words)
    folders = [Path(w) for w in words if Path(w).is_dir()]
    if len(folders) > 1:
        print("The window opens one project at a time.", file=sys.stderr)
        return 2
    from hipcad_desktop.gui.application import run

    return run(project=folders[0] if folders else None, files=[w for w in words if not Path(w).is_dir()])


if __name__ == "__main__":
    sys.exit(main())
