"""The verb that makes simulated films."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hipcad_desktop.app.terminal import TerminalWatch, say
from hipcad_desktop.domain.geometry import Size

Verb = Callable[[argparse.Namespace], int]


def _simulate(options: argparse.Namespace) -> int:
    from hipcad_desktop.workflows.simulate import NO_EXTRAS, Extras, simulate

    asked = Extras(
        implants=options.implant_share,
        fixed=options.fixed_share,
        arthritis=options.arthritis_share,
        both_broken=options.both_share,
        other_cassettes=options.other_cassette_share,
    )
    summary = simulate(
        films=options.films,
        seed=options.seed,
        to=options.to,
        size=options.size,
        film_format=options.format,
        hospital=options.hospital,
        broken_share=options.broken_share,
        extras=NO_EXTRAS if options.plain else asked,
        kind=options.kind,
        watch=TerminalWatch(),
    )
    say(
        f"{summary.films} simulated films in {summary.folder}, {summary.broken} of them with a fracture;"
        " with truth.csv, boxes.csv and patients.csv."
    )
    return 0


VERBS: Mapping[str, Verb] = {"simulate": _simulate}


def size(text: str) -> Size:
    """WIDTHxHEIGHT as a size."""
    try:
        width, height = text.lower().split("x")
        return Size(int(width), int(height))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no size; write it as 1200x1000") from error


def add_verbs(verbs: Any) -> None:
    """Describe the verb and its options."""
    simulate = verbs.add_parser("simulate", help="make simulated films with known fractures")
    simulate.add_argument("--films", type=int, required=True)
    simulate.add_argument("--seed", type=int, required=True)
    simulate.add_argument("--to", type=Path, required=True, metavar="DIR")
    simulate.add_argument("--size", type=size, metavar="WxH")
    simulate.add_argument(
        "--format",
        choices=("dicom", "jpeg", "hospital"),
        default="dicom",
        help="hospital: JPEG from A and C, DICOM from B, as in the paper",
    )
    simulate.add_argument("--hospital", choices=("A", "B", "C"), help="without it all three in turn")
    simulate.add_argument("--broken-share", type=float, default=0.5, metavar="SHARE", help="of films; 0.5")
    simulate.add_argument("--kind", help='another part or view: "knee", "one hip", ... or "wrong" for all in turn')
    extras = simulate.add_argument_group("what else the films show (without these as often as in the paper)")
    extras.add_argument("--plain", action="store_true", help="nothing beside the fractures")
    for name, what in (
        ("--implant-share", "metal on a hip that is not broken"),
        ("--fixed-share", "metal on the broken hip itself"),
        ("--arthritis-share", "marked osteoarthritis of a hip"),
        ("--both-share", "the other hip broken too"),
        ("--other-cassette-share", "upright and square films"),
    ):
        extras.add_argument(name, type=float, metavar="SHARE", help=what)
