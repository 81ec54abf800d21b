"""Windows and VOI LUTs that a DICOM file proposes for the eye (PS3.3 C.11.2); no hip image ever sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from hipcad_desktop.imaging.dicom_header import text, value

MOST = 8
CURVE_POINTS = 256


@dataclass(frozen=True, slots=True)
class DisplayWindow:
    """Values low..high (as in Film.values) become black..white; curve bends that: 256 greys, hexadecimal, or empty."""

    name: str
    low: float
    high: float
    curve: str = ""


def display_windows(dataset: Dataset, *, least: float, most: float) -> tuple[DisplayWindow, ...]:
    """What the file proposes, VOI LUTs last; what makes no sense is passed over. least, most: of Film.values.

    MONOCHROME1 films are turned so that bone is white, within their range of values; so are their windows.
    """
    turned = (text(dataset, "PhotometricInterpretation") or "").upper() == "MONOCHROME1"
    found = [*_windows(dataset), *_look_up_tables(dataset)]
    return tuple(_turned(w, least + most) if turned else w for w in found[:MOST])


def _windows(dataset: Dataset) -> list[DisplayWindow]:
    centres, widths = _numbers(dataset, "WindowCenter"), _numbers(dataset, "WindowWidth")
    names = value(dataset, "WindowCenterWidthExplanation")
    names = [names] if isinstance(names, str) else list(names or ())
    function = (text(dataset, "VOILUTFunction") or "LINEAR").upper()
    found = []
    for index, (centre, width) in enumerate(zip(centres, widths, strict=False)):
        if not (np.isfinite(centre) and np.isfinite(width) and width > 0):
            continue
        name = _name(names[index] if index < len(names) else "", f"window {index + 1}")
        if function == "SIGMOID":  # C.11.2.1.3.1; four widths hold 99.97 % of it
            x = np.linspace(-2, 2, CURVE_POINTS)
            found.append(DisplayWindow(name, centre - 2 * width, centre + 2 * width, _curve(1 / (1 + np.exp(-4 * x)))))
        elif function == "LINEAR_EXACT" or width <= 1:  # C.11.2.1.3.2
            found.append(DisplayWindow(name, centre - width / 2, centre + width / 2))
        else:  # C.11.2.1.2.1
            found.append(DisplayWindow(name, centre - 0.5 - (width - 1) / 2, centre - 0.5 + (width - 1) / 2))
    return found


def _look_up_tables(dataset: Dataset) -> list[DisplayWindow]:
    found = []
    for index, item in enumerate(value(dataset, "VOILUTSequence") or ()):
        try:
            count, first, bits = (int(v) for v in item.LUTDescriptor)
            data = item.LUTData
            table = np.frombuffer(data, "<u2") if isinstance(data, bytes) else np.atleast_1d(np.asarray(data, np.int64))
        except Exception:  # a table that cannot be understood is not offered
            continue
        count = count or 65536
        table = table[:count].astype(np.float64) / ((1 << min(max(bits, 1), 16)) - 1)
        if value(dataset, "PixelRepresentation") == 1 and first > 32767:
            first -= 65536
        if len(table) < 2:
            continue
        name = _name(text(item, "LUTExplanation") or "", f"table {index + 1}")
        places = np.linspace(0, len(table) - 1, CURVE_POINTS).round().astype(int)
        found.append(DisplayWindow(name, float(first), float(first + len(table) - 1), _curve(table[places])))
    return found


def _turned(window: DisplayWindow, total: float) -> DisplayWindow:
    """White was low: the range is mirrored, and so is the curve, which becomes white for what was black."""
    curve = bytes(255 - b for b in reversed(bytes.fromhex(window.curve))).hex()
    return DisplayWindow(window.name, total - window.high, total - window.low, curve)


def _curve(shares: NDArray[np.float64]) -> str:
    return np.rint(np.clip(shares, 0, 1) * 255).astype(np.uint8).tobytes().hex()


def _numbers(dataset: Dataset, keyword: str) -> list[float]:
    found: Any = value(dataset, keyword)
    try:
        items = found if hasattr(found, "__iter__") and not isinstance(found, (str, bytes)) else [found]
        return [float(item) for item in items]
    except (TypeError, ValueError):
        return []


def _name(said: object, otherwise: str) -> str:
    """A short name from the file; printable, for a menu."""
    words = " ".join(str(said).split())[:24]
    return words if words and words.isprintable() else otherwise
