"""Real films with the boxes of their source: from files to a dataset whose fracture images hold the fracture."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import pytest

from hipcad_desktop.domain.geometry import Window
from hipcad_desktop.domain.halving import HalvingMethod
from hipcad_desktop.imaging.dataset_files import read_manifest
from hipcad_desktop.workflows.export_dataset import export_dataset
from hipcad_desktop.workflows.import_films import import_films
from hipcad_desktop.workflows.open_project import list_films, open_project
from hipcad_desktop.workflows.readings_table import import_readings

FILMS = os.environ.get("HIPCAD_REAL_FILMS", "")
pytestmark = pytest.mark.skipif(not FILMS, reason="HIPCAD_REAL_FILMS names no folder of real films")


def _share_inside(box: tuple[float, float, float, float], window: Window) -> float:
    x, y, width, height = box
    y0, y1 = window.rows(y + height)
    across = min(x + width, window.x1) - max(x, window.x0)
    return max(across, 0) * max(min(y + height, y1) - max(y, y0), 0) / (width * height)


def test_every_box_lies_in_the_fracture_image_of_its_film(tmp_path: Path) -> None:
    films = Path(FILMS)
    with (films / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = [r for r in csv.DictReader(file) if r["group"] == "fracture"]
    boxes = {r["file"]: json.loads(r["fracture_boxes_xywh"]) for r in rows}
    with (tmp_path / "boxes.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "verdict", "x", "y", "width", "height", "type"])
        writer.writerows([name, "fracture", *box, ""] for name, found in boxes.items() for box in found)
    with open_project(tmp_path / "P", create=True) as project:
        assert import_films(project, [films / "fracture"]).refused == ()
        read = import_readings(project, tmp_path / "boxes.csv", reader="A. Surgeon")
        assert (read.saved, read.problems) == (len(boxes), ())
        summary = export_dataset(project, tmp_path / "D")
        codes = {f.film_id[:12]: f"fracture/{f.file_name}" for f in list_films(project, reader="A. Surgeon")}
    assert summary.not_exported == ()
    windows: dict[str, list[tuple[float, float]]] = {}
    for entry in read_manifest(tmp_path / "D", verify=True)[1]:
        if entry.fracture and entry.halving is HalvingMethod.PAPER:
            windows.setdefault(codes[entry.film_code], []).append((entry.x0_px, entry.x1_px))
    squares = [e for e in read_manifest(tmp_path / "D")[1] if e.halving is HalvingMethod.HIP]
    assert {e.film_code for e in squares} | {n.film_code for n in summary.without_squares} == codes.keys()
    assert len(summary.without_squares) <= 0.1 * len(codes), [n.sentence for n in summary.without_squares]
    for entry in (e for e in squares if e.fracture):
        shares = [_share_inside(box, entry.window) for box in boxes[codes[entry.film_code]]]
        assert max(shares) >= 0.9, codes[entry.film_code]
    assert windows.keys() == boxes.keys()
    for name, found in boxes.items():
        for x, _, width, _ in found:
            assert any(x0 <= x and x + width <= x1 for x0, x1 in windows[name]), name
