"""The pages show every pair once, framed by class, with the word beside the colour."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hipcad_desktop.domain.cohort import Partition
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.halving import HalvingMethod
from hipcad_desktop.imaging.contact_sheet import BROKEN, PAIRS_A_PAGE, WHOLE
from hipcad_desktop.workflows.contact_sheet import contact_sheet
from tests.fakes.brightness_dataset import FlatFilm, write_flat_dataset


def pixels_of(page: Path, colour: tuple[int, int, int]) -> int:
    with Image.open(page) as image:
        return int(np.all(np.asarray(image) == colour, axis=2).sum())


def test_a_small_dataset_is_one_page(tmp_path: Path) -> None:
    write_flat_dataset(tmp_path / "D", [FlatFilm("P0001", 10, 200, broken="L"), FlatFilm("P0002", 30, 40)])
    sheet = contact_sheet(tmp_path / "D", tmp_path / "new" / "sheet.png")
    assert (sheet.pages, sheet.films) == ((tmp_path / "new" / "sheet.png",), 2)
    broken, whole = pixels_of(sheet.pages[0], BROKEN), pixels_of(sheet.pages[0], WHOLE)
    assert broken > 3000
    assert whole == 3 * broken
    for grey in (10, 200, 30, 40):
        assert pixels_of(sheet.pages[0], (grey, grey, grey)) > 30_000
    other = contact_sheet(tmp_path / "D", tmp_path / "midline.png", halving=HalvingMethod.MIDLINE)
    assert other.films == 2


def test_a_large_one_has_numbered_pages(tmp_path: Path) -> None:
    films = [FlatFilm(f"P{i:04d}", i, 100, broken="R") for i in range(PAIRS_A_PAGE + 1)]
    write_flat_dataset(tmp_path / "D", films)
    sheet = contact_sheet(tmp_path / "D", tmp_path / "sheet.png")
    assert [p.name for p in sheet.pages] == ["sheet-01.png", "sheet-02.png"]
    assert pixels_of(sheet.pages[0], BROKEN) == PAIRS_A_PAGE * pixels_of(sheet.pages[1], BROKEN)


def test_damage_and_emptiness_are_told(tmp_path: Path) -> None:
    write_flat_dataset(tmp_path / "D", [FlatFilm("P0001", 10, 200, broken="L")])
    with pytest.raises(UserError) as raised:
        contact_sheet(tmp_path / "D", tmp_path / "sheet.png", partition=Partition.VALIDATION)
    assert raised.value.code is ErrorCode.PARTITION_EMPTY
    image = next(p for p in sorted((tmp_path / "D" / "images").iterdir()) if "paper" in p.name)
    image.write_bytes(image.read_bytes()[:-1] + b"x")
    with pytest.raises(UserError) as raised:
        contact_sheet(tmp_path / "D", tmp_path / "sheet.png")
    assert raised.value.code is ErrorCode.DATASET_DAMAGED
    assert not (tmp_path / "sheet.png").exists()
