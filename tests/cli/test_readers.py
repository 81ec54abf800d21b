"""The verbs of several readers, from films to an adjudicated project, on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from hipcad_desktop.cli import main
from tests.fakes.project_films import midline_in_the_middle, write_films

pytestmark = pytest.mark.usefixtures("midline_in_the_middle")
__all__ = ["midline_in_the_middle"]
HEAD = "file,verdict,x,y,width,height,type\n"


def test_two_readers_from_films_to_agreement(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_films(tmp_path / "films", 3)
    one, two = str(tmp_path / "one"), str(tmp_path / "two")

    def run(*words: str | Path) -> str:
        assert main([str(w) for w in words]) == 0, capsys.readouterr().err
        return capsys.readouterr().out

    for project in (one, two):
        run("import", project, tmp_path / "films")
    table = tmp_path / "t.csv"
    table.write_text(HEAD + "film0.png,fracture,10,20,30,40,III\nfilm1.png,no_fracture,,,,,\nfilm2.png,unsure,,,,,\n")
    run("readings", "import", one, table, "--reader", "A")
    assert "3 readings signed" in run("sign", one, "--reader", "A")
    assert "0 readings signed" in run("sign", one, "--reader", "A")
    table.write_text(
        HEAD + "film0.png,fracture,10,20,30,10,IV\nfilm1.png,no_fracture,,,,,\nfilm2.png,no_fracture,,,,,\n"
    )
    run("readings", "import", two, table, "--reader", "B")
    assert main(["readings", "import", one, str(table), "--reader", "A"]) == 1
    assert capsys.readouterr().err.count("Give a reason to change it") == 2
    assert main(["readings", "send", two, str(tmp_path / "b.hipcad-readings")]) == 2
    capsys.readouterr()
    sent = tmp_path / "b.hipcad-readings"
    assert "3 revisions on 3 films" in run("readings", "send", two, sent, "--reader", "B")
    assert "B: 3 revisions added, 0 already here" in run("readings", "merge", one, sent)
    assert "B: 0 revisions added, 3 already here" in run("readings", "merge", one, sent)
    assert main(["agreement", one]) == 1
    assert "still blinded" in capsys.readouterr().err
    shown = run("readers", one, "--end-blinding", "--who", "chief", "--why", "done")
    assert shown.splitlines() == [
        "Phase: open.",
        "  A, round 1: 3 of 3 answered, 3 signed",
        "  B, round 1: 3 of 3 answered, 0 signed",
    ]
    shown = run("agreement", one, "--csv", tmp_path / "d.csv")
    assert "kappa, fracture per film: 1.000 (95 % interval 1.000 to 1.000), n = 2" in shown
    assert "2 films differ" in shown
    assert len((tmp_path / "d.csv").read_text("utf-8").splitlines()) == 3
    table.write_text(HEAD + "film2.png,no_fracture,,,,,\n")
    assert "1 readings saved" in run("adjudicate", one, table, "--by", "A", "B")
    assert "3 films for A" in run("second-round", one, "--reader", "A", "--after-days", "0", "--seed", "4")
    assert main(["second-round", two, "--reader", "B"]) == 1
    assert "wash-out" in capsys.readouterr().err
    assert "whole. Last hash" in run("audit", one, "--csv", tmp_path / "audit.csv")
    assert "adjudicate" in (tmp_path / "audit.csv").read_text("utf-8")
