"""Defects that a hostile tester found, each held by the command that showed it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import Hipcad, WholeWay


def films_of(whole_way: WholeWay) -> list[Path]:
    return sorted((whole_way.films / "films").iterdir())


def test_a_file_replaced_by_another_film_leaves_the_project_usable(
    whole_way: WholeWay, hipcad: Hipcad, tmp_path: Path
) -> None:
    first, second, third = films_of(whole_way)[:3]
    (tmp_path / "m").mkdir()
    shutil.copy(first, tmp_path / "m" / "a.dcm")
    shutil.copy(third, tmp_path / "m" / "b.dcm")
    assert hipcad("import", tmp_path / "P", tmp_path / "m").returncode == 0
    shutil.copy(second, tmp_path / "m" / "a.dcm")
    assert "1 films imported, 1 already there" in hipcad("import", tmp_path / "P", tmp_path / "m").stdout
    table = tmp_path / "boxes.csv"
    table.write_text("file,verdict,x,y,width,height,type\na.dcm,no_fracture,,,,,\nb.dcm,no_fracture,,,,,\n")
    assert hipcad("readings", "import", tmp_path / "P", table, "--reader", "A").returncode == 0
    exported = hipcad("export", tmp_path / "P", "--to", tmp_path / "DS")
    assert "Traceback" not in exported.stderr
    assert "its file was replaced" in exported.stderr
    assert "2 films, 4 hips" in exported.stdout


def test_links_in_a_circle_cost_themselves_only(whole_way: WholeWay, hipcad: Hipcad, tmp_path: Path) -> None:
    folder = tmp_path / "f"
    folder.mkdir()
    shutil.copy(films_of(whole_way)[0], folder)
    (folder / "l1.dcm").symlink_to(folder / "l2")
    (folder / "l2").symlink_to(folder / "l1.dcm")
    result = hipcad("import", tmp_path / "P", folder)
    assert "Traceback" not in result.stderr
    assert "l1.dcm" in result.stderr
    assert result.stdout.startswith("1 films imported")


def test_a_name_that_is_no_text_gets_its_answer(whole_way: WholeWay, tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/film\xff.dcm"
    try:
        with open(name, "wb") as file:
            file.write(films_of(whole_way)[0].read_bytes())
    except OSError:
        pytest.skip("this file system takes no such name")
    command = [sys.executable, "-m", "hipcad_desktop", "diagnose", name, films_of(whole_way)[1], "--json"]
    command += ["--model", whole_way.model, "--to", tmp_path / "OUT"]
    result = subprocess.run(command, capture_output=True, check=False)
    assert (result.returncode, result.stderr) == (0, b"")
    answers = json.loads(result.stdout)
    assert os.fsencode(answers[0]["file"]) == name
    assert len(answers) == 2


def test_the_window_without_a_display_says_so(tmp_path: Path) -> None:
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    environment = {k: v for k, v in os.environ.items() if k not in hidden}
    command = [sys.executable, "-m", "hipcad_desktop"]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 1
    assert result.stderr.startswith("There is no display")


def test_an_import_without_a_film_leaves_no_project(hipcad: Hipcad, tmp_path: Path) -> None:
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "letter.jpg").write_text("Dear colleague")
    assert hipcad("import", tmp_path / "new" / "P", tmp_path / "films").returncode == 1
    assert hipcad("import", tmp_path / "new" / "P", tmp_path / "nowhere").returncode == 1
    assert os.listdir(tmp_path) == ["films"]


def test_words_that_make_no_sense_are_wrong_usage(whole_way: WholeWay, hipcad: Hipcad, tmp_path: Path) -> None:
    for words in (
        ["readings", "import", whole_way.project, whole_way.films / "boxes.csv", "--reader", "  "],
        ["export", whole_way.project, "--to", tmp_path / "DS", "--validation", "0.6", "--test", "0.6"],
        ["train", whole_way.dataset, "--to", tmp_path / "M.hipcad", "--epochs", "0"],
    ):
        result = hipcad(*words)
        assert (result.returncode, "Traceback" in result.stderr) == (2, False), words
    assert not list(tmp_path.iterdir())


def test_a_table_of_patients_that_fits_nothing_is_said(whole_way: WholeWay, hipcad: Hipcad, tmp_path: Path) -> None:
    table = tmp_path / "patients.csv"
    table.write_text("file,patient\nnothere.dcm,X\n")
    result = hipcad("import", tmp_path / "P", films_of(whole_way)[0], "--patients", table)
    assert "nothere.dcm" in result.stdout
    assert "1 of these films are not in the table" in result.stdout
