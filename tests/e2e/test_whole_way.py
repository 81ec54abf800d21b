"""The seven commands, one after the other, and what a user relies on afterwards."""

from __future__ import annotations

import csv
import hashlib
import json
import subprocess
import sys
import zipfile
from collections import defaultdict
from pathlib import Path

import pytest

from hipcad_desktop.domain.geometry import Window
from hipcad_desktop.imaging.hip_image import decode_png, hip_image
from hipcad_desktop.imaging.reader import read_film
from tests.e2e.conftest import Hipcad, WholeWay


def test_every_command_succeeds(whole_way: WholeWay) -> None:
    for name, result in whole_way.output.items():
        assert result.returncode == 0, (name, result.stdout, result.stderr)


def test_exported_pixels_are_those_of_the_one_function(whole_way: WholeWay) -> None:
    films = {
        hashlib.sha256(p.read_bytes()).hexdigest()[:12]: p for p in (whole_way.films / "films").iterdir() if p.is_file()
    }
    with (whole_way.dataset / "hips.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 14 * 2 * 3
    for row in rows:
        film = read_film(films[row["film_code"]])
        down = (float(row["window_y0"]), float(row["window_y1"])) if row["halving"] == "hip" else (None, None)
        expected = hip_image(film.eight_bit, Window(float(row["x0_px"]), float(row["x1_px"]), *down))
        exported = (whole_way.dataset / row["image"]).read_bytes()
        assert (decode_png(exported) == expected).all()
        assert hashlib.sha256(exported).hexdigest() == row["sha256"]


def test_no_patient_is_in_two_partitions(whole_way: WholeWay) -> None:
    partitions = defaultdict(set)
    with (whole_way.dataset / "hips.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            partitions[row["patient"]].add(row["partition"])
    assert all(len(p) == 1 for p in partitions.values())
    assert {p for s in partitions.values() for p in s} == {"training", "validation", "test"}


def test_no_identity_leaves_with_dataset_run_or_model(whole_way: WholeWay) -> None:
    names = [b"SIM^", b"SIM-3", "シミュレーション".encode()]
    leaving = [p for p in whole_way.folder.rglob("*") if p.is_file() and not p.is_relative_to(whole_way.films)]
    leaving = [p for p in leaving if not p.is_relative_to(whole_way.project)]
    assert len(leaving) > 50
    for path in leaving:
        data = path.read_bytes()
        assert not any(name in data for name in names), path
    for result in whole_way.output.values():
        assert not any(name.decode() in result.stdout + result.stderr for name in names[:1])


def test_diagnose_json(whole_way: WholeWay, hipcad: Hipcad, tmp_path: Path) -> None:
    films = sorted((whole_way.films / "films").iterdir())[:3]
    text = tmp_path / "letter.jpg"
    text.write_text("Dear colleague")
    result = hipcad(
        "diagnose", films[2], text, films[0], "--model", whole_way.model, "--to", tmp_path / "OUT", "--json"
    )
    assert result.returncode == 1
    assert "letter.jpg" in result.stderr
    answers = json.loads(result.stdout)
    assert [a["file"] for a in answers] == [str(films[2]), str(films[0])]
    for answer in answers:
        assert {"file", "refused", "midline_px", "hips", "model", "seconds"} <= answer.keys()
        assert answer["refused"] is None
        width = read_film(Path(answer["file"])).radiograph.size.width
        assert 0 < answer["midline_px"] < width
        assert [h["side"] for h in answer["hips"]] == ["R", "L"]
        for hip in answer["hips"]:
            assert 0 <= hip["p_fracture"] <= 1
            assert hip["state"] in ("fracture", "doubt", "no_fracture")
            assert Path(hip["overlay"]).stat().st_size > 1000
            assert 0 <= hip["window_px"][0] < hip["window_px"][1] <= width


def test_the_same_film_twice_gives_the_same_answer(whole_way: WholeWay, hipcad: Hipcad, tmp_path: Path) -> None:
    film = sorted((whole_way.films / "films").iterdir())[0]
    words = ("diagnose", film, film, "--model", whole_way.model, "--to", tmp_path / "OUT", "--json")
    first, second = json.loads(hipcad(*words).stdout)
    assert first["hips"][0]["p_fracture"] == second["hips"][0]["p_fracture"]


def test_readings_come_back_as_they_went_in(whole_way: WholeWay, hipcad: Hipcad, tmp_path: Path) -> None:
    table = tmp_path / "boxes.csv"
    assert hipcad("readings", "export", whole_way.project, table).returncode == 0
    with table.open(newline="", encoding="utf-8-sig") as file:
        back = {(Path(r["file"]).name, r["verdict"], r["type"]) for r in csv.DictReader(file)}
    with (whole_way.films / "boxes.csv").open(newline="") as file:
        gone = {(Path(r["file"]).name, r["verdict"], r["type"]) for r in csv.DictReader(file)}
    assert back == gone
    again = hipcad("readings", "import", whole_way.project, table, "--reader", "A. Surgeon")
    assert again.returncode == 0
    assert again.stdout.startswith("0 readings saved")


def test_importing_twice_changes_nothing(whole_way: WholeWay, hipcad: Hipcad) -> None:
    again = hipcad("import", whole_way.project, whole_way.films / "films")
    assert again.returncode == 0
    assert "0 films imported, 14 already there" in again.stdout


def test_exporting_twice_gives_the_same_bytes(whole_way: WholeWay, hipcad: Hipcad, tmp_path: Path) -> None:
    assert hipcad("export", whole_way.project, "--to", tmp_path / "DS").returncode == 0
    # What the evaluation recorded in the dataset is none of the export's.
    files = [p for p in whole_way.dataset.rglob("*") if p.is_file() and "test_openings" not in p.name]
    for path in sorted(files):
        assert (tmp_path / "DS" / path.relative_to(whole_way.dataset)).read_bytes() == path.read_bytes()


def test_the_package_holds_no_pickle(whole_way: WholeWay) -> None:
    with zipfile.ZipFile(whole_way.model) as package:
        assert sorted(package.namelist()) == ["card.json", "model.onnx", "weights.safetensors"]
    assert not [p for p in whole_way.folder.rglob("*") if p.suffix in (".pt", ".pth", ".pkl", ".ckpt")]


def test_diagnosis_does_not_import_torch(whole_way: WholeWay, tmp_path: Path) -> None:
    film = sorted((whole_way.films / "films").iterdir())[0]
    code = (
        "import sys; from hipcad_desktop.cli import main; "
        f"main(['diagnose', {str(film)!r}, '--model', {str(whole_way.model)!r}, '--to', {str(tmp_path / 'OUT')!r}]); "
        "print(sorted({'torch', 'timm', 'captum', 'PySide6', 'sqlalchemy'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "[]"


def test_wrong_usage_is_status_2(hipcad: Hipcad, tmp_path: Path) -> None:
    for words in (["diagnoze", "x"], ["train"], ["diagnose", "x"], ["export", str(tmp_path)], ["--nonsense"]):
        assert hipcad(*words).returncode == 2, words


@pytest.mark.parametrize(
    "verb", ["import", "readings", "export", "train", "evaluate", "diagnose", "simulate", "doctor"]
)
def test_the_readme_names_every_verb(verb: str) -> None:
    assert f"\nhipcad {verb} " in (Path(__file__).parents[2] / "README.md").read_text()
