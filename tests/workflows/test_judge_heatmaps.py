"""Judging a report's heat maps: durable line by line, two rounds apart, tables taken in whole or not at all."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hipcad_desktop.cli import main
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.workflows.judge_heatmaps import (
    JudgingSession,
    import_judgements,
    read_heat_maps,
    read_judgements,
    read_report,
    summary_of,
)
from tests.fakes.made_up_report import made_up_evaluation, write_made_up_report

START = datetime(2026, 3, 1, 10, tzinfo=UTC)


class Time:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def report(tmp_path: Path) -> Path:
    return write_made_up_report(tmp_path / "report", found=4)


def judge_all(session: JudgingSession, covered: bool = True) -> list[str]:
    names = []
    while (heat_map := session.next) is not None:
        session.answer(heat_map.name, covered)
        names.append(heat_map.name)
    return names


def code_of(raised: pytest.ExceptionInfo[UserError]) -> ErrorCode:
    return raised.value.code


def test_only_found_fractures_are_judged(report: Path) -> None:
    assert len(read_heat_maps(report)) == 6
    assert len(JudgingSession(report, reader="A").order(1)) == 4


def test_two_rounds_with_the_washout_between(report: Path) -> None:
    time = Time()
    session = JudgingSession(report, reader="A", clock=time)
    first = judge_all(session)
    assert len(first) == 4
    assert session.opens == START + timedelta(days=14)
    with pytest.raises(UserError) as raised:
        session.answer(first[0], True)
    assert code_of(raised) is ErrorCode.WASHOUT_NOT_OVER
    time.now = START + timedelta(days=14)
    again = JudgingSession(report, reader="A", clock=time)
    assert (again.round, again.opens) == (2, None)
    second = judge_all(again)
    assert sorted(second) == sorted(first)
    assert second != first
    assert again.next is None
    (reader,) = summary_of(report).readers
    assert (reader.covered[1].n, reader.covered[2].n, reader.again.observed) == (4, 4, 1.0)


def test_undo_asks_again_also_after_a_rounds_last_answer(report: Path) -> None:
    session = JudgingSession(report, reader="A", clock=Time())
    names = judge_all(session)
    back = session.undo()
    assert back is not None
    assert back.name == names[-1]
    assert session.next == back
    session.answer(back.name, False)
    assert session.answers(1)[back.name] is False
    kept = [(j.heat_map, j.covered) for j in read_judgements(report)][-3:]
    assert kept == [(back.name, True), (back.name, None), (back.name, False)]


def test_an_answer_is_on_the_disk_and_another_start_goes_on(report: Path) -> None:
    session = JudgingSession(report, reader="A", clock=Time())
    following = session.order(1)
    session.answer(following[0].name, False)
    again = JudgingSession(report, reader="A", clock=Time())
    assert again.next == following[1]
    assert not again.can_undo
    assert JudgingSession(report, reader="B", clock=Time()).answers(1) == {}


def test_a_line_cut_off_by_a_crash_is_no_answer(report: Path) -> None:
    session = JudgingSession(report, reader="A", clock=Time())
    session.answer(session.order(1)[0].name, True)
    file = report / "judgements.jsonl"
    whole = file.read_bytes()
    file.write_bytes(whole + whole[:40])
    again = JudgingSession(report, reader="A", clock=Time())
    assert len(again.answers(1)) == 1
    again.answer(again.order(1)[1].name, True)
    assert len(read_judgements(report)) == 2


def test_a_damaged_line_is_named(report: Path) -> None:
    (report / "judgements.jsonl").write_text('{"reader": 1}\n', encoding="utf-8")
    with pytest.raises(UserError) as raised:
        read_judgements(report)
    assert raised.value.facts["detail"] == "line 1 is damaged"


def test_reports_that_cannot_be_read(tmp_path: Path, report: Path) -> None:
    folder, evaluation = read_report(report / "report.json")
    assert (folder, evaluation) == (report, made_up_evaluation())
    old = json.loads((report / "report.json").read_text("utf-8"))
    for number, (text, code) in enumerate(
        (
            ("{", ErrorCode.NOT_A_REPORT),
            (json.dumps(old | {"schema": 1}), ErrorCode.REPORT_OLDER),
            (json.dumps(old | {"schema": 9}), ErrorCode.REPORT_NEWER),
        )
    ):
        other = tmp_path / str(number)
        other.mkdir()
        (other / "report.json").write_text(text, encoding="utf-8")
        with pytest.raises(UserError) as raised:
            read_report(other)
        assert code_of(raised) is code
    with pytest.raises(UserError) as raised:
        read_report(tmp_path / "nothing")
    assert code_of(raised) is ErrorCode.FILE_MISSING


def test_a_report_without_heat_maps(tmp_path: Path) -> None:
    with pytest.raises(UserError) as raised:
        JudgingSession(tmp_path, reader="A")
    assert code_of(raised) is ErrorCode.HEATMAPS_MISSING


def write_table(path: Path, *rows: str) -> Path:
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_a_table_is_taken_in(report: Path, tmp_path: Path) -> None:
    table = write_table(
        tmp_path / "a.csv",
        "heatmap,covered,round,at",
        "film000_L,yes,1,2026-01-01",
        "film001_R,no,1,2026-01-02",
        "film001_R,yes,2,2026-01-20",
    )
    done = import_judgements(report, table, reader="A")
    assert (done.added, done.unchanged) == (3, 0)
    again = import_judgements(report, table, reader="A")
    assert (again.added, again.unchanged) == (0, 3)
    (reader,) = summary_of(report).readers
    assert (reader.covered[1].hits, reader.covered[1].n, reader.again.n) == (1, 2, 1)


@pytest.mark.parametrize(
    ("row", "detail"),
    [
        ("nothing_R,yes,1,", "line 3: no heat map"),
        ("film090_L,yes,1,", "line 3: no heat map"),  # a miss is not judged
        ("film001_R,perhaps,1,", "line 3: covered is"),
        ("film001_R,yes,3,", "line 3: round is"),
        ("film001_R,yes,1,soon", "line 3: 'soon' is no date"),
    ],
)
def test_a_bad_row_keeps_the_whole_table_out(report: Path, tmp_path: Path, row: str, detail: str) -> None:
    table = write_table(tmp_path / "a.csv", "heatmap,covered,round,at", "film000_L,yes,1,", row)
    with pytest.raises(UserError) as raised:
        import_judgements(report, table, reader="A")
    assert str(raised.value.facts["detail"]).startswith(detail)
    assert read_judgements(report) == ()


def test_a_second_answer_too_early_is_refused(report: Path, tmp_path: Path) -> None:
    head = "heatmap,covered,round,at"
    early = write_table(tmp_path / "a.csv", head, "film000_L,yes,1,2026-01-01", "film000_L,yes,2,2026-01-10")
    with pytest.raises(UserError) as raised:
        import_judgements(report, early, reader="A")
    assert code_of(raised) is ErrorCode.WASHOUT_NOT_OVER
    alone = write_table(tmp_path / "b.csv", head, "film000_L,yes,2,2026-01-10")
    with pytest.raises(UserError) as raised:
        import_judgements(report, alone, reader="A")
    assert raised.value.facts["detail"] == "line 2: a second round without a first"


def test_the_verb(report: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = write_table(tmp_path / "a.csv", "heatmap,covered", "film000_L,yes", "film001_R,no", "film002_L,y")
    assert main(["judge", str(report), "--answers", str(table)]) == 2
    assert main(["judge", str(report), "--reader", "A", "--answers", str(table)]) == 0
    said = capsys.readouterr().out
    assert "3 answers of A kept" in said
    assert "A, round 1: 3 of 4 judged, covered 2 of 3 = 0.667 (95 % interval 0.208 to 0.939)" in said
    assert said.rstrip().endswith("film003_R")
    assert main(["judge", str(tmp_path)]) == 1
    assert "no heat maps to judge" in capsys.readouterr().err
