"""Ready-made windows for the eye. An X-ray film has no Hounsfield units, so they go by the film's own values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hipcad_desktop.gui.viewer.picture import GreyWindow, Picture

MIDDLE = 0.8  # of height and width: collimator and labels decide nothing
PERCENTILES = {"auto": (1.0, 99.5), "bone": (45.0, 99.9), "soft": (2.0, 80.0)}


@dataclass(frozen=True, slots=True)
class Preset:
    """A window and what it is called; from_file: the film's file proposes it."""

    name: str
    text: str
    window: GreyWindow
    from_file: bool = False


def presets(picture: Picture) -> tuple[Preset, ...]:
    """Those for every film, then those of this film's file."""
    of_file = (
        Preset(f"file{i}", w.name, GreyWindow(w.low, max(w.high, w.low + 1e-6), curve=w.curve), from_file=True)
        for i, w in enumerate(picture.windows)
    )
    full = picture.default_window() if picture.levels[0].dtype.name == "uint8" else picture.percentile_window(0, 100)
    return (
        *(Preset(n, n.capitalize(), picture.percentile_window(*p, middle=MIDDLE)) for n, p in PERCENTILES.items()),
        Preset("full", "Full range", full),
        *of_file,
    )


def next_of_file(found: Sequence[Preset], now: GreyWindow) -> Preset | None:
    """The file's proposal after the one that is shown, else its first; None where the file proposes none."""
    of_file = [p for p in found if p.from_file]
    if not of_file:
        return None
    shown = [i for i, p in enumerate(of_file) if p.window == replace(now, inverted=False)]
    return of_file[(shown[0] + 1) % len(of_file)] if shown else of_file[0]
