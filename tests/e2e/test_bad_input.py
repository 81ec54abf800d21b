"""Bad input: one clear sentence, the exit status, and nothing half-written."""

from __future__ import annotations

import csv
import os
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import Hipcad, WholeWay
from tests.fakes.dicom_files import dicom_file, film_array


def one_sentence(result: subprocess.CompletedProcess[str], *parts: str) -> None:
    """Exactly one complaint that holds the parts, and no traceback."""
    lines = [line for line in result.stderr.splitlines() if line.strip()]
    assert "Traceback" not in result.stderr, result.stderr
    assert len([line for line in lines if all(p in line for p in parts)]) == 1, result.stderr


def test_a_text_file_named_jpg(hipcad: Hipcad, tmp_path: Path) -> None:
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "letter.jpg").write_text("Dear colleague")
    result = hipcad("import", tmp_path / "P", tmp_path / "films")
    assert result.returncode == 1
    one_sentence(result, "letter.jpg", "neither DICOM nor")


def test_a_truncated_dicom(whole_way: WholeWay, hipcad: Hipcad, tmp_path: Path) -> None:
    film = sorted((whole_way.films / "films").iterdir())[0]
    cut = tmp_path / "cut.dcm"
    cut.write_bytes(film.read_bytes()[: film.stat().st_size // 2])
    result = hipcad("diagnose", cut, "--model", whole_way.model, "--to", tmp_path / "OUT", "--json")
    assert (result.returncode, result.stdout.strip()) == (1, "[]")
    one_sentence(result, "cut.dcm", "damaged or incomplete")


def test_an_empty_folder(hipcad: Hipcad, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = hipcad("import", tmp_path / "P", tmp_path / "empty")
    assert result.returncode == 1
    one_sentence(result, "empty", "no film in here")


def test_a_chest_film_is_an_answer_not_a_failure(whole_way: WholeWay, hipcad: Hipcad, tmp_path: Path) -> None:
    pixels = film_array(300, 300)
    chest = dicom_file(tmp_path / "chest.dcm", pixels, bits_stored=12, Modality="CR", BodyPartExamined="CHEST")
    result = hipcad("diagnose", chest, "--model", whole_way.model, "--to", tmp_path / "OUT")
    assert result.returncode == 0
    assert "CHEST" in result.stdout


def test_a_place_that_cannot_be_written(whole_way: WholeWay, hipcad: Hipcad, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    film = sorted((whole_way.films / "films").iterdir())[0]
    for words in (
        ["import", tmp_path / "file" / "P", film],
        ["export", whole_way.project, "--to", tmp_path / "file" / "DS"],
        ["diagnose", film, "--model", whole_way.model, "--to", tmp_path / "file" / "OUT"],
        ["evaluate", whole_way.model, whole_way.dataset, "--to", tmp_path / "file" / "REPORT"],
        ["train", whole_way.dataset, "--to", tmp_path / "file" / "M.hipcad", "--recipe", "quick"],
    ):
        result = hipcad(*words)
        assert result.returncode == 1, words
        one_sentence(result, str(tmp_path / "file"))
    assert os.listdir(tmp_path) == ["file"]


def test_a_package_with_one_flipped_byte(whole_way: WholeWay, hipcad: Hipcad, tmp_path: Path) -> None:
    data = bytearray(whole_way.model.read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "bad.hipcad").write_bytes(data)
    film = sorted((whole_way.films / "films").iterdir())[0]
    result = hipcad("diagnose", film, "--model", tmp_path / "bad.hipcad", "--to", tmp_path / "OUT", "--json")
    assert result.returncode == 1
    one_sentence(result, "bad.hipcad", "damaged")
    assert not (tmp_path / "OUT").exists()


def test_a_project_of_a_newer_version(whole_way: WholeWay, hipcad: Hipcad, tmp_path: Path) -> None:
    shutil.copytree(whole_way.project, tmp_path / "P")
    with sqlite3.connect(tmp_path / "P" / "project.sqlite") as database:
        database.execute("UPDATE alembic_version SET version_num = 'r9999'")
        database.execute("PRAGMA user_version = 9999")
    database.close()
    before = (tmp_path / "P" / "project.sqlite").read_bytes()
    result = hipcad("export", tmp_path / "P", "--to", tmp_path / "DS")
    assert result.returncode == 1
    one_sentence(result, "newer version")
    assert (tmp_path / "P" / "project.sqlite").read_bytes() == before
    assert not (tmp_path / "DS").exists()


def test_a_dataset_of_one_class(whole_way: WholeWay, hipcad: Hipcad, tmp_path: Path) -> None:
    whole = tmp_path / "whole.csv"
    with (whole_way.films / "boxes.csv").open(newline="") as file:
        names = [r["file"] for r in csv.DictReader(file) if r["verdict"] == "no_fracture"]
    whole.write_text("file,verdict,x,y,width,height,type\n" + "".join(f"{n},no_fracture,,,,,\n" for n in names))
    assert hipcad("import", tmp_path / "P", whole_way.films / "films").returncode == 0
    assert hipcad("readings", "import", tmp_path / "P", whole, "--reader", "A").returncode == 0
    assert hipcad("export", tmp_path / "P", "--to", tmp_path / "DS").returncode == 0
    result = hipcad("train", tmp_path / "DS", "--to", tmp_path / "M.hipcad", "--recipe", "quick")
    assert result.returncode == 1
    one_sentence(result, "only hips of one class")
    assert not list(tmp_path.glob("M*"))


def test_no_gpu_with_cuda_asked(whole_way: WholeWay, hipcad: Hipcad, tmp_path: Path) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    result = hipcad("train", whole_way.dataset, "--to", tmp_path / "M.hipcad", "--recipe", "quick", "--device", "cuda")
    assert result.returncode == 1
    one_sentence(result, "No GPU can be used")
    assert not list(tmp_path.iterdir())


def test_a_film_that_cannot_be_halved_is_listed(whole_way: WholeWay, hipcad: Hipcad, tmp_path: Path) -> None:
    shutil.copytree(whole_way.project, tmp_path / "P")
    film = sorted((whole_way.films / "films").iterdir())[0].name
    wide = tmp_path / "wide.csv"
    wide.write_text(f"file,verdict,x,y,width,height,type\n{film},fracture,5,100,400,100,\n")
    assert hipcad("readings", "import", tmp_path / "P", wide, "--reader", "A. Surgeon").returncode == 0
    result = hipcad("export", tmp_path / "P", "--to", tmp_path / "DS")
    assert result.returncode == 0
    one_sentence(result, film, "cannot be halved")
    assert film not in (tmp_path / "DS" / "dataset.json").read_text()


def test_what_exists_is_not_overwritten(whole_way: WholeWay, hipcad: Hipcad) -> None:
    before = whole_way.model.read_bytes()
    result = hipcad("train", whole_way.dataset, "--to", whole_way.model, "--recipe", "quick")
    assert result.returncode == 1
    one_sentence(result, "M.hipcad")
    assert whole_way.model.read_bytes() == before
    assert hipcad("export", whole_way.project, "--to", whole_way.dataset).returncode == 1
