"""Films of other parts and views: like their kind, repeatable, and labelled as what they are."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pydicom
import pytest

from hipcad_desktop.domain.geometry import Size
from hipcad_desktop.imaging.reader import read_film
from hipcad_desktop.simulation.exposure import WHITE
from hipcad_desktop.simulation.files import NOTICE, encode_film
from hipcad_desktop.simulation.wrong import WrongKind, wrong_film

SIZE = Size(170, 210)


@pytest.mark.parametrize("kind", list(WrongKind))
def test_every_kind_is_a_film_with_bone_and_air(kind: WrongKind) -> None:
    made = wrong_film(kind, seed=3, size=SIZE)
    assert made.values.shape == (210, 170)
    assert made.values.dtype == np.uint16
    assert made.values.max() <= WHITE
    assert made.values.std() > 200
    assert np.array_equal(made.values, wrong_film(kind, seed=3, size=SIZE).values)
    assert not np.array_equal(made.values, wrong_film(kind, seed=4, size=SIZE).values)


def test_kinds_differ_from_each_other() -> None:
    films = {wrong_film(kind, seed=3, size=SIZE).values.tobytes() for kind in WrongKind}
    assert len(films) == len(WrongKind)


def test_a_hospital_gives_its_own_size() -> None:
    made = wrong_film(WrongKind.HAND, seed=1, hospital="B")
    assert made.values.shape[0] > 300
    assert 0.2 < made.spacing_mm < 0.6


@pytest.mark.parametrize(
    ("kind", "part", "view"),
    [(WrongKind.KNEE, "KNEE", "AP"), (WrongKind.LATERAL_HIP, "HIP", "LL"), (WrongKind.CHEST, "CHEST", "AP")],
)
def test_the_header_says_what_it_shows(kind: WrongKind, part: str, view: str, tmp_path: Path) -> None:
    data = encode_film(wrong_film(kind, seed=2, size=SIZE), film_format="dicom", patient="SIM-2-0001")
    dataset = pydicom.dcmread(io.BytesIO(data))
    assert (dataset.BodyPartExamined, dataset.ViewPosition) == (part, view)
    assert "PELVIS" not in str(dataset.StudyDescription).upper()
    assert "".join(dataset.ImageComments) == NOTICE
    path = tmp_path / "film.dcm"
    path.write_bytes(data)
    assert read_film(path).radiograph.size == SIZE
