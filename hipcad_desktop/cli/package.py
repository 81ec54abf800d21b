"""The verb of a model package: what is in it, and the same in a smaller file."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hipcad_desktop.app.terminal import TerminalWatch, say
from hipcad_desktop.domain.card_words import card_lines


def _model(options: argparse.Namespace) -> int:
    from hipcad_desktop.workflows.describe_model import describe_model

    if options.shrink is not None:
        return _shrink(options.file, options.shrink)
    found = describe_model(options.file)
    if options.json:
        # ASCII escapes, as of all that is JSON on standard output.
        facts = {"file": str(found.path), "bytes": found.size, "sha256": found.sha256, "card": found.card.to_json()}
        say(json.dumps(facts, indent=2))
        return 0
    lines = [*card_lines(found.card), ("File", f"{found.path}, {found.size / 1e6:.1f} MB"), ("SHA-256", found.sha256)]
    for label, words in lines:
        first, *more = words.splitlines()
        say(f"{label + ':':17}{first}")
        for line in more:
            say(f"{'':17}{line}")
    return 0


def _shrink(model: Path, to: Path) -> int:
    from hipcad_desktop.workflows.shrink_model import shrink_model

    shrunk = shrink_model(model, to, watch=TerminalWatch())
    say(f"{shrunk.model}: {shrunk.after / 1e6:.1f} MB, from {shrunk.before / 1e6:.1f} MB.")
    say(f"  On hips of the sample films and on noise no probability changed by more than {shrunk.change:.4f}.")
    return 0


def add_verbs(verbs: Any) -> None:
    """Tell the parser of this verb."""
    model = verbs.add_parser("model", help="what a model package says of itself, with its size; or make it smaller")
    model.add_argument("file", type=Path, metavar="M.hipcad")
    model.add_argument("--json", action="store_true", help="one JSON object on standard output")
    model.add_argument("--shrink", type=Path, metavar="SMALL.hipcad", help="write it again with weights as float16")


VERBS: Mapping[str, Callable[[argparse.Namespace], int]] = {"model": _model}
