"""A dataset's files are read as they were written, and any change to them is named."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hipcad_desktop.domain.cohort import PartitionRule
from hipcad_desktop.domain.dataset import NotExported
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.geometry import Window
from hipcad_desktop.domain.halving import FRAME_PX, HalvingMethod
from hipcad_desktop.imaging.dataset_files import columns_of, read_images, read_manifest, write_manifest
from hipcad_desktop.imaging.hip_image import encode_png
from tests.fakes.brightness_dataset import FlatFilm, write_flat_dataset


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    folder = tmp_path / "D"
    write_flat_dataset(folder, [FlatFilm("P0001", 10, 200, broken="L"), FlatFilm("P0002", 30, 40)])
    return folder


def test_what_was_written_is_read(dataset: Path) -> None:
    manifest, entries = read_manifest(dataset, verify=True)
    assert len(entries) == 8
    assert manifest.overlap_share == 0.1
    images = read_images(dataset, entries)
    assert images.shape == (8, FRAME_PX, FRAME_PX)
    assert images.dtype == np.uint8
    assert {int(i) for image, e in zip(images, entries, strict=True) if e.fracture for i in np.unique(image)} == {200}
    assert read_images(dataset, []).shape == (0, FRAME_PX, FRAME_PX)


def as_schema_1(folder: Path) -> None:
    """What the program wrote before hospital, scanner, sex, age band, flags and rectangle were kept."""
    path = folder / "hips.csv"
    with path.open(newline="") as file:
        rows = [row[:21] for row in csv.reader(file)]
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    new = ("rule", "linked_patients", "partitioned_from", "openings_before", "without_squares")
    edit_manifest(schema=1, hips_sha256=hashlib.sha256(path.read_bytes()).hexdigest(), **dict.fromkeys(new, ...))(
        folder
    )


def test_a_dataset_of_schema_1_is_read_with_defaults(dataset: Path) -> None:
    manifest, entries = read_manifest(dataset)
    as_schema_1(dataset)
    text = (dataset / "dataset.json").read_text()
    assert "rule" not in json.loads(text)
    assert "rect_x0_px" not in (dataset / "hips.csv").read_text()
    old, held = read_manifest(dataset, verify=True)
    assert held == entries
    assert {(e.hospital, e.scanner, e.sex, e.age_band, e.flags, e.rect_x0_px) for e in held} == {("",) * 5 + (None,)}
    assert old == replace(manifest, schema=1, hips_sha256=old.hips_sha256)
    assert (old.rule, old.linked_patients, old.openings_before) == (None, (), 0)


@pytest.mark.parametrize("schema", [1, 2])
def test_columns_of_the_other_schema_are_damage(dataset: Path, schema: int) -> None:
    if schema == 2:
        as_schema_1(dataset)
    edit_manifest(schema=schema)(dataset)
    with pytest.raises(UserError, match="has other columns"):
        read_manifest(dataset)


def test_facts_of_a_hip_are_read_as_they_were_written(dataset: Path) -> None:
    manifest, entries = read_manifest(dataset)
    facts = {"hospital": '蒲郡, "A"', "scanner": "FUJIFILM XG1TC", "sex": "F", "age_band": "90+", "flags": "a; b"}
    corners = dict(zip(("rect_x0_px", "rect_y0_px", "rect_x1_px", "rect_y1_px"), (1.5, 2.0, 3.25, 1e3), strict=True))
    told = [replace(entries[0], **facts, **corners), *entries[1:]]
    rule = PartitionRule(500, 0.2, ('蒲郡, "A"',))
    written = replace(manifest, rule=rule, linked_patients=(("P0001", "P0002"),), openings_before=3)
    written = write_manifest(dataset, written, told)
    assert read_manifest(dataset) == (written, told)


def test_a_dataset_of_schema_2_is_read_without_squares(dataset: Path) -> None:
    manifest, entries = read_manifest(dataset)
    path = dataset / "hips.csv"
    with path.open(newline="") as file:
        rows = [row[: len(columns_of(2))] for row in csv.reader(file)]
    assert rows[0][-1] == "synthetic"
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    edit_manifest(schema=2, hips_sha256=found, without_squares=...)(dataset)
    assert read_manifest(dataset, verify=True) == (replace(manifest, schema=2, hips_sha256=found), entries)


@pytest.fixture
def squares(tmp_path: Path) -> Path:
    """A dataset of squares alone."""
    write_flat_dataset(tmp_path / "S", [FlatFilm("P0001", 10, 200, broken="L")], halvings=(HalvingMethod.HIP,))
    return tmp_path / "S"


def test_squares_are_read_as_they_were_written(squares: Path) -> None:
    manifest, entries = read_manifest(squares, verify=True)
    assert {e.window for e in entries} == {Window(0.0, 600.0, 100.0, 700.0), Window(400.0, 1000.0, 100.0, 700.0)}
    outside = [replace(e, x0_px=-37.5, window_y1=1234.0625) for e in entries]
    reasons = (NotExported("a" * 12, "", ErrorCode.NOT_HALVED_HIP_CUT_OFF.value, {"half": "left"}),)
    written = write_manifest(squares, replace(manifest, without_squares=reasons), outside)
    assert read_manifest(squares) == (written, outside)


@pytest.mark.parametrize(
    "change",
    [
        {"window_y0": None},
        {"window_y0": None, "window_y1": None},  # a strip
        {"window_y1": 100.0},  # empty
        {"x1_px": -1.0},
        {"halving": HalvingMethod.MIDLINE},
    ],
)
def test_a_square_that_cannot_be_is_damage(squares: Path, change: dict[str, Any]) -> None:
    manifest, entries = read_manifest(squares)
    write_manifest(squares, manifest, [replace(entries[0], **change), *entries[1:]])
    with pytest.raises(UserError, match="has a row that is no hip"):
        read_manifest(squares)


def edit_manifest(**values: object) -> Callable[[Path], object]:
    def edit(folder: Path) -> None:
        path = folder / "dataset.json"
        kept = {**json.loads(path.read_text()), **values}
        path.write_text(json.dumps({k: v for k, v in kept.items() if v is not ...}))

    return edit


def first_image(folder: Path) -> Path:
    return min((folder / "images").iterdir())


@pytest.mark.parametrize(
    ("damage", "detail"),
    [
        (lambda d: (d / "hips.csv").unlink(), "hips.csv is missing"),
        (lambda d: (d / "hips.csv").write_text("x"), "hips.csv is not the file that was exported"),
        (lambda d: (d / "dataset.json").write_text("{"), "dataset.json is no manifest"),
        (lambda d: (d / "dataset.json").write_bytes(b"\xff\xfe"), "dataset.json is no manifest"),
        (edit_manifest(seed=...), "dataset.json is no manifest"),
        (edit_manifest(more=1), "dataset.json is no manifest"),
        (lambda d: first_image(d).unlink(), "{image} is missing"),
        (lambda d: first_image(d).write_bytes(b"x"), "{image} is not the file that was exported"),
        (
            lambda d: first_image(d).write_bytes(first_image(d).read_bytes()[:-1]),
            "{image} is not the file that was exported",
        ),
    ],
)
def test_damage_is_named_with_its_file(dataset: Path, damage: Callable[[Path], object], detail: str) -> None:
    image = f"images/{first_image(dataset).name}"
    damage(dataset)
    with pytest.raises(UserError) as raised:
        read_manifest(dataset, verify=True)
    assert raised.value.code is ErrorCode.DATASET_DAMAGED
    assert raised.value.facts == {"path": str(dataset), "detail": detail.format(image=image)}


def test_images_are_checked_when_they_are_read(dataset: Path) -> None:
    _, entries = read_manifest(dataset)
    (dataset / entries[3].image).write_bytes(encode_png(np.zeros((FRAME_PX, FRAME_PX), np.uint8)))
    assert read_manifest(dataset)[1] == entries
    with pytest.raises(UserError, match=entries[3].image):
        read_images(dataset, entries)


def test_what_is_no_dataset_is_said_so(tmp_path: Path, dataset: Path) -> None:
    def code_of(path: Path) -> ErrorCode:
        with pytest.raises(UserError) as raised:
            read_manifest(path)
        return raised.value.code

    assert code_of(tmp_path / "absent") is ErrorCode.FILE_MISSING
    assert code_of(tmp_path) is ErrorCode.NOT_A_DATASET
    assert code_of(dataset / "hips.csv") is ErrorCode.NOT_A_DATASET
    edit_manifest(schema=99)(dataset)
    assert code_of(dataset) is ErrorCode.NOT_A_DATASET


@pytest.mark.parametrize(
    "name", ["../secret.png", "/etc/passwd", "images/../../x_R_paper.png", "images/0123456789ab_R_paper.png\n"]
)
def test_no_file_outside_the_dataset_is_opened(dataset: Path, name: str) -> None:
    path = dataset / "hips.csv"
    with path.open(newline="") as file:
        rows = list(csv.reader(file))
    rows[1][0] = name
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    edit_manifest(hips_sha256=hashlib.sha256(path.read_bytes()).hexdigest())(dataset)
    with pytest.raises(UserError, match="has a row that is no hip"):
        read_manifest(dataset)
