"""Defects of training and evaluation that a hostile tester found, each held by what showed it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hipcad_desktop.cli import main
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.store.folders import whole_folder
from hipcad_desktop.workflows.judge_heatmaps import read_heat_maps, read_judgements, read_report
from hipcad_desktop.workflows.list_runs import list_runs
from hipcad_desktop.workflows.new_folder import new_folder, refuse_used
from hipcad_desktop.workflows.text_name import text_name
from tests.e2e.conftest import Hipcad, WholeWay
from tests.fakes.made_up_report import write_made_up_report

NO_UTF8 = os.fsdecode(b"ds\xff")


def judge_with(report: Path, answers: str, reader: str) -> int:
    table = report.parent / "answers.csv"
    table.write_text(f"heatmap,covered,at\nfilm000_L,yes,{answers}\n", encoding="utf-8")
    return main(["judge", str(report), "--reader", reader, "--answers", str(table)])


@pytest.mark.parametrize("reader", [" ", os.fsdecode(b"\xff")], ids=["blank", "no text"])
def test_a_name_that_cannot_be_kept_spoils_no_judgements(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], reader: str
) -> None:
    report = write_made_up_report(tmp_path / "R")
    assert judge_with(report, "2026-10-01", reader) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert read_judgements(report) == ()


@pytest.mark.parametrize(
    "at",
    ["9999-12-31", "0001-01-01T00:00+09:00", f"{datetime.now(UTC) + timedelta(days=9)}"],
    ids=["last year", "first year", "next week"],  # the same in every process that collects
)
def test_an_answer_of_no_possible_time_is_not_kept(tmp_path: Path, at: str) -> None:
    report = write_made_up_report(tmp_path / "R")
    assert judge_with(report, at, "A") == 1
    assert read_judgements(report) == ()


@pytest.mark.parametrize(
    ("field", "value"), [("at_utc", "9999-12-31T00:00:00Z"), ("at_utc", "2026-10-01T00:00:00"), ("heat_map", [1])]
)
def test_a_line_that_is_no_judgement_is_named(tmp_path: Path, field: str, value: Any) -> None:
    report = write_made_up_report(tmp_path / "R")
    assert judge_with(report, "2026-10-01", "A") == 0
    file = report / "judgements.jsonl"
    file.write_text(json.dumps({**json.loads(file.read_text("utf-8")), field: value}) + "\n", encoding="utf-8")
    assert main(["judge", str(report), "--reader", "A"]) == 1


def test_judging_where_nothing_is_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["judge", str(tmp_path / "nowhere" / "R")]) == 1
    assert "there is no such file or folder" in capsys.readouterr().err


def test_a_table_of_heat_maps_that_is_none_is_refused(tmp_path: Path) -> None:
    report = write_made_up_report(tmp_path / "R")
    file = report / "heatmaps" / "heatmaps.json"
    one = json.loads(file.read_text("utf-8"))["heatmaps"][0]
    texts = ['{"schema": 1e999, "heatmaps": []}', "[" * 200_000]
    for field, value in (("film_code", "\ud800"), ("film_code", 5), ("p_fracture", "x"), ("aspect", 0)):
        texts.append(json.dumps({"schema": 1, "heatmaps": [{**one, field: value}]}))
    for text in texts:
        file.write_text(text, encoding="utf-8")
        with pytest.raises(UserError) as refused:
            read_heat_maps(report)
        assert refused.value.code is ErrorCode.NOT_A_REPORT


@pytest.mark.parametrize(
    "spoil",
    [
        lambda values: values.update(prevalence=10**400),
        lambda values: values.update(partition="\ud800"),
        lambda values: values["model"].pop("backbone"),
        lambda values: values["model"].update(name=["x"]),
        lambda values: values["model"].update(name="x" * 200_000),
    ],
)
def test_a_report_with_values_that_no_page_can_show_is_refused(
    tmp_path: Path, spoil: Callable[[dict[str, Any]], object]
) -> None:
    report = write_made_up_report(tmp_path / "R")
    values = json.loads((report / "report.json").read_text("utf-8"))
    spoil(values)
    (report / "report.json").write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(UserError) as refused:
        read_report(report)
    assert refused.value.code is ErrorCode.NOT_A_REPORT


def test_a_figure_of_hundreds_of_digits_costs_itself_only(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "metrics.jsonl").write_text('{"epoch": 1, "auc": ' + "9" * 400 + "}\n")
    (row,) = list_runs([tmp_path])
    assert (row.epochs_done, row.auc) == (1, None)


def test_a_new_folder_may_be_the_empty_one_we_stand_in_or_a_link_to_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("here", "behind"):
        (tmp_path / name).mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "behind")
    (tmp_path / "dangling").symlink_to(tmp_path / "absent")
    for to in (tmp_path / "link", tmp_path / "dangling"):
        refuse_used(to)
        with new_folder(to, needed=1) as building:
            (building / "a").write_text("a")
        assert to.is_symlink()
        assert (to / "a").read_text() == "a"
    monkeypatch.chdir(tmp_path / "here")
    refuse_used(Path("."))
    with new_folder(Path("."), needed=1) as building:
        (building / "a").write_text("a")
    assert (tmp_path / "here" / "a").read_text() == "a"
    with whole_folder(tmp_path / "behind" / ".." / "link2", content=frozenset("a"), needed_mb=1) as part:
        (part / "a").write_text("a")
    assert (tmp_path / "link2" / "a").is_file()


@pytest.mark.skipif(os.name != "posix", reason="no lock on folders here")
def test_two_writers_of_one_folder_do_not_sweep_each_other(tmp_path: Path) -> None:
    content = frozenset({"a"})
    with whole_folder(tmp_path / "D", content=content, needed_mb=1) as part:
        (part / "a").write_text("first")
        with (
            pytest.raises(UserError) as refused,
            whole_folder(tmp_path / "D", content=content, needed_mb=1),
        ):
            pytest.fail("it began in another's folder")
        assert refused.value.code is ErrorCode.TARGET_NOT_EMPTY
    assert (tmp_path / "D" / "a").read_text() == "first"


def test_names_that_are_no_text_reach_reports_as_text(whole_way: WholeWay, hipcad: Hipcad, tmp_path: Path) -> None:
    assert text_name(Path(NO_UTF8)) == "ds\ufffd"
    try:
        shutil.copytree(whole_way.dataset, tmp_path / NO_UTF8)
    except OSError:
        pytest.skip("this file system takes no such name")
    words = ("evaluate", whole_way.model, tmp_path / NO_UTF8, "--to", tmp_path / "R", "--partition", "validation")
    result = hipcad(*words)
    assert (result.returncode, "Traceback" in result.stderr) == (0, False), result.stderr
    assert json.loads((tmp_path / "R" / "report.json").read_text("utf-8"))["dataset"]["name"] == "ds\ufffd"
