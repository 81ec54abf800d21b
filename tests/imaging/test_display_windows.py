"""Windows that a file proposes: PS3.3 C.11.2, in the values that the window shows."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom.dataset import Dataset

from hipcad_desktop.imaging.display_windows import display_windows


def header(**elements: object) -> Dataset:
    dataset = Dataset()
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.PixelRepresentation = 0
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return dataset


def test_a_linear_window_is_as_the_standard_says() -> None:
    # C.11.2.1.2.1: black up to c - 0.5 - (w - 1) / 2, white from c - 0.5 + (w - 1) / 2
    (found,) = display_windows(header(WindowCenter=2048, WindowWidth=4096), least=0, most=4095)
    assert (found.low, found.high, found.curve) == (0.0, 4095.0, "")


def test_several_windows_keep_their_names() -> None:
    dataset = header(WindowCenter=[100, 200], WindowWidth=[50, 60], WindowCenterWidthExplanation=["NORMAL", "HARDER"])
    assert [w.name for w in display_windows(dataset, least=0, most=300)] == ["NORMAL", "HARDER"]


def test_a_turned_film_has_turned_windows() -> None:
    dataset = header(WindowCenter=101, WindowWidth=101, PhotometricInterpretation="MONOCHROME1")
    (found,) = display_windows(dataset, least=0, most=1000)
    assert (found.low, found.high) == (849.5, 949.5)


def test_a_sigmoid_is_a_curve() -> None:
    dataset = header(WindowCenter=500, WindowWidth=100, VOILUTFunction="SIGMOID")
    (found,) = display_windows(dataset, least=0, most=1000)
    curve = np.frombuffer(bytes.fromhex(found.curve), np.uint8)
    assert len(curve) == 256
    assert (np.diff(curve.astype(int)) >= 0).all()
    assert curve[127] == pytest.approx(127, abs=2)


def test_a_table_is_a_curve() -> None:
    item = Dataset()
    item.LUTDescriptor = [1024, 100, 12]
    item.LUTExplanation = "DX"
    item.LUTData = (np.linspace(0, 4095, 1024).astype("<u2")).tobytes()
    item["LUTData"].VR = "OW"
    dataset = header()
    dataset.VOILUTSequence = [item]
    (found,) = display_windows(dataset, least=0, most=4095)
    assert (found.name, found.low, found.high) == ("DX", 100.0, 1123.0)
    curve = bytes.fromhex(found.curve)
    assert curve[0] == 0
    assert curve[255] == 255
    assert curve[128] == pytest.approx(128, abs=1)


@pytest.mark.parametrize(
    "elements",
    [{}, {"WindowCenter": 5}, {"WindowCenter": 5, "WindowWidth": 0}, {"WindowCenter": 5, "WindowWidth": -4}],
)
def test_what_makes_no_sense_is_passed_over(elements: dict[str, object]) -> None:
    assert display_windows(header(**elements), least=0, most=1) == ()
