"""Shares, films and held-out hospitals on the command line, at the export and again."""

from __future__ import annotations

from pathlib import Path

import pytest

from hipcad_desktop.cli import main
from hipcad_desktop.domain.cohort import Partition, PartitionRule
from hipcad_desktop.imaging.dataset_files import read_manifest
from tests.fakes.project_films import midline_in_the_middle, write_film

pytestmark = pytest.mark.usefixtures("midline_in_the_middle")
__all__ = ["midline_in_the_middle"]
HEAD = "file,verdict,x,y,width,height,type\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Twelve films of hospital North, six of South, every second one broken."""
    for hospital, first, count in (("North", 0, 12), ("South", 50, 6)):
        for i in range(count):
            write_film(tmp_path / hospital / f"{hospital}{i}.png", first + i)
        assert main(["import", str(tmp_path / "P"), str(tmp_path / hospital), "--hospital", hospital]) == 0
    rows = [
        f"{hospital}{i}.png," + ("fracture,30,60,30,20,II\n" if i % 2 else "no_fracture,,,,,\n")
        for hospital, count in (("North", 12), ("South", 6))
        for i in range(count)
    ]
    (tmp_path / "t.csv").write_text(HEAD + "".join(rows))
    assert main(["readings", "import", str(tmp_path / "P"), str(tmp_path / "t.csv"), "--reader", "A"]) == 0
    return tmp_path / "P"


def test_a_hospital_is_held_out_at_the_export_and_films_are_counted_again(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*words: str | Path) -> str:
        assert main([str(w) for w in words]) == 0, capsys.readouterr().err
        return capsys.readouterr().out

    capsys.readouterr()
    first, second = tmp_path / "D", tmp_path / "N"
    said = run("export", project, "--to", first, "--hold-out", "South", "--validation", "4")
    assert "test: 6 patients, 6 films, 3 fracture, 9 no fracture" in said
    manifest, entries = read_manifest(first)
    assert manifest.rule == PartitionRule(4, 0, ("South",))
    assert all((e.hospital == "South") == (e.partition is Partition.TEST) for e in entries)
    said = run("partition", first, "--to", second, "--validation", "0.25", "--test", "6", "--seed", "8")
    assert "The windows of the diagnosis halving stay as they were exported" in said
    assert "opened before" not in said
    assert read_manifest(second)[0].rule == PartitionRule(0.25, 6)
    assert len({e.film_code for e in read_manifest(second)[1] if e.partition is Partition.TEST}) == 6


def test_a_partition_without_one_of_the_classes_is_told(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(project), "--to", str(tmp_path / "D"), "--test", "0"]) == 0
    assert "The test partition is empty" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--test", "0.6", "--validation", "0.5"], "leave nothing to train on"),
        (["--test", "1.5"], "neither a share between 0 and 1 nor a number of films"),
        (["--validation", "-3"], "neither a share"),
        (["--validation", "nan"], "neither a share"),
    ],
)
def test_sizes_that_cannot_be_are_wrong_usage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["export", str(tmp_path / "P"), "--to", str(tmp_path / "D"), *words])
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


def test_an_unknown_hospital_is_told_with_the_known_ones(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(project), "--to", str(tmp_path / "D"), "--hold-out", "East"]) == 1
    assert "no film is from East; the hospitals are North, South" in capsys.readouterr().err
