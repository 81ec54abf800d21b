"""Scope: the right film is taken, the wrong one refused with its reason."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from hipcad_desktop.domain.anatomy import Side, SideMap
from hipcad_desktop.domain.diagnosis import RefusalReason
from hipcad_desktop.domain.geometry import Size
from hipcad_desktop.domain.radiograph import FilmId, HeaderFacts, Mapping8, PatientFacts, Radiograph
from hipcad_desktop.imaging.film import Film
from hipcad_desktop.imaging.reader import read_film
from hipcad_desktop.imaging.scope import header_refusal, look, look_at_pixels
from hipcad_desktop.simulation.film import simulate_film
from tests.fakes.pelvis_drawing import drawn_pelvis

TRUTH = Path(__file__).with_name("data") / "pelves.csv"
Pixels = NDArray[np.uint8]


def _film(pixels: Pixels, header: HeaderFacts) -> Film:
    size, mapping = Size(pixels.shape[1], pixels.shape[0]), Mapping8("identity8", 0, 255, False)
    radiograph = Radiograph(FilmId("0" * 64), "", size, SideMap(), mapping, header, "DICOM")
    return Film(radiograph, PatientFacts(), pixels, pixels)


def _reason(pixels: Pixels) -> RefusalReason | None:
    refusal = look_at_pixels(np.ascontiguousarray(pixels)).refusal
    return refusal.reason if refusal else None


def _header_reason(header: HeaderFacts) -> RefusalReason | None:
    refusal = header_refusal(header)
    return refusal.reason if refusal else None


def test_a_frontal_pelvis_is_in_scope() -> None:
    scope = look(_film(drawn_pelvis(x=0.48), HeaderFacts(modality="DX", body_part="PELVIS", view_position="AP")))
    assert scope.refusal is None
    assert scope.midline_px == pytest.approx(0.48 * 454, abs=0.02 * 454)
    assert scope.confidence > 0.8


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (HeaderFacts(frames=2), RefusalReason.SEVERAL_FRAMES),
        (HeaderFacts(colour=True), RefusalReason.COLOUR_PICTURE),
        *[(HeaderFacts(modality=m), RefusalReason.HEADER_OTHER_MODALITY) for m in ("MG", "PX", "CT", "MR", "US", "XC")],
        *[
            (HeaderFacts(modality="CR", body_part=part), RefusalReason.HEADER_OTHER_BODY_PART)
            for part in ("CHEST", "SKULL", "KNEE", "LT HAND", "C-SPINE", "LSPINE", "EXTREMITY", "FOREARM", "ARM")
        ],
        *[
            (HeaderFacts(modality="CR", view_position=view), RefusalReason.HEADER_OTHER_VIEW)
            for view in ("LL", "RL", "LATERAL", "LAT", "RLD", "MLO", "FROG LEG LATERAL")
        ],
    ],
)
def test_the_header_refuses(header: HeaderFacts, reason: RefusalReason) -> None:
    assert _header_reason(header) is reason
    assert look(_film(drawn_pelvis(), header)).refusal is not None


@pytest.mark.parametrize("modality", [None, "CR", "DX", "DR", "OT"])
@pytest.mark.parametrize(
    "part", [None, "PELVIS", "HIP", "FEMUR", "ABDOMEN", "LEG", "CHESTABDPELVIS", "PELVISLOWEXTREMT"]
)
@pytest.mark.parametrize("view", [None, "AP", "PA", "?"])
def test_the_header_does_not_refuse_a_pelvis(modality: str | None, part: str | None, view: str | None) -> None:
    assert header_refusal(HeaderFacts(modality=modality, body_part=part, view_position=view)) is None


@given(st.text(max_size=20), st.text(max_size=20))
def test_any_header_gets_an_answer(part: str, view: str) -> None:
    refusal = header_refusal(HeaderFacts(body_part=part, view_position=view))
    assert refusal is None or refusal.facts["found"] in (part, view)


def _simulated(seed: int) -> Pixels:
    """A simulated film, 8 bits."""
    film = simulate_film(seed=seed, size=Size(600, 492), hospital="B", fracture=None, side=Side.LEFT)
    return (film.values >> 4).astype(np.uint8)


def test_other_poses_are_told() -> None:
    film = _simulated(11)
    assert _reason(film) is None
    assert _reason(np.rot90(film)) is RefusalReason.ON_ITS_SIDE
    assert _reason(np.rot90(film, -1)) is RefusalReason.ON_ITS_SIDE
    assert _reason(film[::-1, ::-1]) is RefusalReason.UPSIDE_DOWN
    assert _reason(255 - film) is RefusalReason.INVERTED


def test_one_hip_is_told() -> None:
    film = _simulated(12)
    assert _reason(film) is None
    assert _reason(film[:, :410]) is RefusalReason.ONE_HIP_ONLY
    assert _reason(film[:, 190:]) is RefusalReason.ONE_HIP_ONLY


def test_small_and_blank_films_are_told() -> None:
    scope = look_at_pixels(np.zeros((199, 600), np.uint8))
    assert scope.refusal is not None
    assert scope.refusal.reason is RefusalReason.TOO_SMALL
    assert scope.refusal.facts == {"width": 600, "height": 199}
    assert _reason(np.full((400, 400), 93, np.uint8)) is RefusalReason.BLANK


def test_pictures_of_nothing_are_refused() -> None:
    generator = np.random.default_rng(3)
    rows, columns = np.mgrid[0:380, 0:450]
    pictures = [
        generator.integers(0, 256, (380, 450), np.uint8),
        (columns * 255 // 450).astype(np.uint8),
        (rows * 255 // 380).astype(np.uint8),
        ((columns // 20 + rows // 20) % 2 * 200).astype(np.uint8),
        (127 + 120 * np.sin(columns / 9)).astype(np.uint8),
        ((columns - 225) ** 2 + (rows - 190) ** 2 < 120**2).astype(np.uint8) * np.uint8(200),
    ]
    assert [_reason(p) is not None for p in pictures] == [True] * len(pictures)


def _real_films() -> Path:
    folder = os.environ.get("HIPCAD_REAL_FILMS")
    if not folder:
        pytest.skip("HIPCAD_REAL_FILMS names no folder of real films")
    return Path(folder)


def test_real_pelves_are_taken() -> None:
    with TRUTH.open(encoding="ascii") as table:
        pelves = {row["file"] for row in csv.DictReader(table) if row["head_left_x"]}
    films = [path for path in sorted(_real_films().rglob("*.jpg")) if path.name in pelves]
    if not films:
        pytest.skip("HIPCAD_REAL_FILMS holds none of the films of pelves.csv")
    refused = [path.name for path in films if look(read_film(path)).refusal]
    assert len(refused) <= 0.05 * len(films), refused


def test_real_wrong_films_are_refused() -> None:
    wrong = [p for group in ("single_hip", "not_ap_pelvis") for p in sorted((_real_films() / group).glob("*.jpg"))]
    if not wrong:
        pytest.skip("HIPCAD_REAL_FILMS has no folders single_hip and not_ap_pelvis")
    taken = [path.name for path in wrong if look(read_film(path)).refusal is None]
    assert len(taken) <= 0.15 * len(wrong), taken


def test_real_films_in_other_poses_are_refused_with_the_reason() -> None:
    films = sorted((_real_films() / "no_fracture").glob("*.jpg"))[::9]
    if not films:
        pytest.skip("HIPCAD_REAL_FILMS has no folder no_fracture")
    for path in films:
        pixels = np.asarray(Image.open(path).convert("L"))
        assert _reason(np.rot90(pixels)) is RefusalReason.ON_ITS_SIDE, path.name
        assert _reason(pixels[::-1, ::-1]) is RefusalReason.UPSIDE_DOWN, path.name
        assert _reason(255 - pixels) is RefusalReason.INVERTED, path.name


def test_real_dicom_of_other_parts_is_refused() -> None:
    folder = os.environ.get("HIPCAD_REAL_DICOM")
    if not folder:
        pytest.skip("HIPCAD_REAL_DICOM names no folder of real DICOM films")
    films = sorted(Path(folder).glob("*.dcm"))
    if not films:
        pytest.skip("HIPCAD_REAL_DICOM holds no DICOM file")
    for path in films:
        film = read_film(path)
        assert look(film).refusal, path.name
        assert look_at_pixels(film.eight_bit).refusal, f"{path.name}, pixels alone"
