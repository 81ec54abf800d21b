"""Own answers locked before the program's: what is kept, what is refused, what is found when it was touched."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from hipcad_desktop.domain.anatomy import Side
from hipcad_desktop.domain.change_of_mind import LeftOut, Outcome, Towards
from hipcad_desktop.domain.diagnosis import HipState
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.read_first import HipReading, Key, OwnAnswer, ProgramHip
from hipcad_desktop.workflows import journal as journal_file
from hipcad_desktop.workflows.journal import append, read_journal
from hipcad_desktop.workflows.read_first import COLUMNS, ReadFirst, read_reference, summary_of, write_hips

FRACTURE, WHOLE, UNSURE = OwnAnswer.FRACTURE, OwnAnswer.NO_FRACTURE, OwnAnswer.UNSURE
PROBABILITY: Mapping[HipState, float] = {HipState.FRACTURE: 0.9, HipState.DOUBT: 0.5, HipState.NO_FRACTURE: 0.1}


def hips(right: OwnAnswer, left: OwnAnswer, confidence: int = 3) -> dict[Side, HipReading]:
    return {Side.RIGHT: HipReading(right, confidence), Side.LEFT: HipReading(left, confidence)}


def program(right: HipState, left: HipState | None) -> dict[Side, ProgramHip]:
    said = {Side.RIGHT: right, Side.LEFT: left}
    return {side: ProgramHip(state, PROBABILITY[state] if state else None) for side, state in said.items()}


def key(film: str = "f", *, reader: str = "A", model: str = "m") -> Key:
    return Key(reader, hashlib.sha256(film.encode()).hexdigest(), model * 64)


def ticking() -> Iterator[datetime]:
    start = datetime(2026, 3, 1, 12, tzinfo=UTC)
    yield from (start + timedelta(seconds=n) for n in count())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "own" / "read_first.jsonl"


@pytest.fixture
def kept(path: Path) -> ReadFirst:
    clock = ticking()
    return ReadFirst(path, clock=lambda: next(clock))


def read_one(
    kept: ReadFirst, film: str, before: tuple[OwnAnswer, OwnAnswer], after: tuple[OwnAnswer, OwnAnswer]
) -> Key:
    """One film whose right hip the program calls broken and whose left one whole."""
    of = key(film)
    kept.lock(of, hips(*before, confidence=2))
    kept.show(of, program(HipState.FRACTURE, HipState.NO_FRACTURE))
    kept.close(of, hips(*after, confidence=4))
    return of


def test_the_steps_are_kept_and_read_back(kept: ReadFirst, path: Path) -> None:
    of = read_one(kept, "f", (WHOLE, WHOLE), (FRACTURE, WHOLE))
    case = ReadFirst(path).case(of)
    assert case == kept.case(of)
    assert case is not None
    assert case.locked.hips == hips(WHOLE, WHOLE, 2)
    assert case.shown is not None
    assert case.shown.program[Side.RIGHT] == ProgramHip(HipState.FRACTURE, 0.9)
    assert case.final is not None
    assert case.final.hips == hips(FRACTURE, WHOLE, 4)
    assert case.locked.at_utc < case.shown.at_utc < case.final.at_utc


def test_no_step_comes_before_its_time_or_twice(kept: ReadFirst, path: Path) -> None:
    of = key()
    for step in (lambda: kept.show(of, {}), lambda: kept.close(of, hips(WHOLE, WHOLE))):
        with pytest.raises(UserError) as raised:
            step()
        assert raised.value.code is ErrorCode.READ_BEFORE
    assert not path.exists()
    kept.lock(of, hips(WHOLE, WHOLE))
    with pytest.raises(UserError, match="read_before"):
        kept.close(of, hips(FRACTURE, WHOLE))  # the program's answer was not shown
    with pytest.raises(UserError, match="read_before"):
        kept.lock(of, hips(FRACTURE, WHOLE))
    kept.show(of, program(HipState.FRACTURE, None))
    kept.close(of, hips(FRACTURE, WHOLE))
    with pytest.raises(UserError, match="read_before"):
        kept.close(of, hips(WHOLE, WHOLE))
    case = ReadFirst(path).case(of)
    assert case is not None
    assert case.locked.hips == hips(WHOLE, WHOLE)


def test_another_window_that_locked_meanwhile_is_seen(kept: ReadFirst, path: Path) -> None:
    other = ReadFirst(path)
    kept.lock(key(), hips(WHOLE, WHOLE))
    with pytest.raises(UserError, match="read_before"):
        other.lock(key(), hips(FRACTURE, FRACTURE))
    other.lock(key("g"), hips(FRACTURE, FRACTURE))
    assert [c.key.film_id for c in other.cases] == [key().film_id, key("g").film_id]


def test_what_was_shown_last_is_kept_once(kept: ReadFirst, path: Path) -> None:
    of = key()
    kept.lock(of, hips(WHOLE, WHOLE))
    for midline in (50.0, 50.0, 60.0):
        kept.show(of, program(HipState.DOUBT, HipState.DOUBT), midline_px=midline)
    assert len(read_journal(path, "films read first").contents) == 3
    case = kept.case(of)
    assert case is not None
    assert case.shown is not None
    assert case.shown.midline_px == 60.0


def test_a_film_seen_with_another_model_does_not_count(kept: ReadFirst, path: Path) -> None:
    read_one(kept, "f", (WHOLE, WHOLE), (WHOLE, WHOLE))
    again = key("f", model="n")
    case = kept.lock(again, hips(WHOLE, WHOLE))
    assert case.locked.seen_before
    assert not kept.lock(key("f", reader="B", model="n"), hips(WHOLE, WHOLE)).locked.seen_before
    (a, b, everybody) = summary_of(path).readers
    assert (a.hips, a.left_out) == (2, {LeftOut.SEEN_BEFORE: 2})
    assert (b.hips, b.left_out) == (0, {LeftOut.UNFINISHED: 2})
    assert (everybody.reader, everybody.hips) == ("", 2)


@pytest.mark.parametrize("line", [0, 1, 2, 3])
def test_any_changed_byte_is_found(kept: ReadFirst, path: Path, line: int) -> None:
    read_one(kept, "f", (WHOLE, WHOLE), (FRACTURE, WHOLE))
    lines = path.read_bytes().split(b"\n")
    assert len(lines) == 5  # the first one, three steps, and nothing after the last end
    for at in range(0, len(lines[line]), 7):
        touched = bytearray(lines[line])
        touched[at] ^= 1
        path.write_bytes(b"\n".join([*lines[:line], bytes(touched), *lines[line + 1 :]]))
        with pytest.raises(UserError) as raised:
            ReadFirst(path)
        assert raised.value.code is ErrorCode.JOURNAL_BROKEN


def test_lines_taken_out_or_moved_are_found(kept: ReadFirst, path: Path, tmp_path: Path) -> None:
    read_one(kept, "f", (WHOLE, WHOLE), (FRACTURE, WHOLE))
    read_one(kept, "g", (WHOLE, WHOLE), (FRACTURE, WHOLE))
    lines = path.read_bytes().splitlines(keepends=True)
    other = ReadFirst(tmp_path / "other.jsonl")
    read_one(other, "f", (WHOLE, WHOLE), (FRACTURE, WHOLE))
    foreign = other.path.read_bytes().splitlines(keepends=True)
    for touched in (
        lines[:1] + lines[4:],
        lines[:4] + lines[5:],
        [*lines[:4], lines[5], lines[4]],
        lines[:1] + foreign[1:],
    ):
        path.write_bytes(b"".join(touched))
        with pytest.raises(UserError, match="journal_broken"):
            ReadFirst(path)


def test_a_line_broken_off_by_a_power_cut_is_written_over(kept: ReadFirst, path: Path) -> None:
    kept.lock(key(), hips(WHOLE, WHOLE))
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"content": {"st')
    assert len(ReadFirst(path).cases) == 1
    ReadFirst(path).lock(key("g"), hips(WHOLE, WHOLE))
    assert path.read_bytes().startswith(whole)
    assert len(ReadFirst(path).cases) == 2


def test_a_file_of_another_kind_is_refused(path: Path) -> None:
    append(path, "something else", {"a": 1})
    with pytest.raises(UserError, match="journal_broken"):
        ReadFirst(path)


def test_a_full_disk_leaves_the_file_as_it_was(kept: ReadFirst, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.lock(key(), hips(WHOLE, WHOLE))
    before = path.read_bytes()

    def full(handle: int) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(journal_file.os, "fsync", full)
    with pytest.raises(UserError) as raised:
        kept.show(key(), {})
    assert raised.value.code is ErrorCode.DISK_FULL
    assert path.read_bytes() == before
    case = kept.case(key())
    assert case is not None
    assert case.shown is None


def test_four_processes_lose_no_record(path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from hipcad_desktop.workflows.journal import append\n"
        "for n in range(25): append(Path(sys.argv[1]), 'numbers', {'who': sys.argv[2], 'n': n})"
    )
    running = [subprocess.Popen([sys.executable, "-c", code, str(path), str(who)]) for who in range(4)]
    assert [process.wait(60) for process in running] == [0] * 4
    contents = read_journal(path, "numbers").contents
    assert sorted((c["who"], c["n"]) for c in contents) == sorted((str(w), n) for w in range(4) for n in range(25))


def test_a_file_that_somebody_holds_is_waited_for_and_then_said(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_file, "_LOCK_S", 0.1)
    path.parent.mkdir(parents=True)
    with journal_file._held(path), pytest.raises(UserError) as raised:
        append(path, "numbers", {"n": 1})
    assert raised.value.code is ErrorCode.JOURNAL_BUSY
    append(path, "numbers", {"n": 1})


def test_what_was_changed_is_counted_both_ways(kept: ReadFirst, path: Path, tmp_path: Path) -> None:
    # The program says: right broken, left whole. Truth: right broken, left broken.
    read_one(kept, "a", (WHOLE, WHOLE), (FRACTURE, WHOLE))  # R to the program's, to right
    read_one(kept, "b", (FRACTURE, FRACTURE), (FRACTURE, WHOLE))  # L to the program's, to wrong
    read_one(kept, "c", (FRACTURE, WHOLE), (UNSURE, FRACTURE))  # R away, to unsure; L away, to right
    read_one(kept, "d", (UNSURE, UNSURE), (WHOLE, UNSURE))  # R elsewhere, to wrong; L stays
    kept.lock(key("e"), hips(WHOLE, WHOLE))
    table = tmp_path / "reference.csv"
    rows = "".join(f"{key(f).film_id[:12]},{side},fracture\n" for f in "abcd" for side in "RL")
    table.write_text("film,side,reference\n" + rows)
    found = summary_of(path, reference=table)
    (a,) = found.readers
    assert (a.films, a.hips, a.left_out) == (4, 8, {LeftOut.UNFINISHED: 2})
    assert (a.changed.hits, a.changed.n) == (5, 8)
    assert a.towards == {Towards.PROGRAM: 2, Towards.AWAY: 2, Towards.ELSEWHERE: 1}
    assert a.outcomes == {Outcome.RIGHT: 2, Outcome.WRONG: 2, Outcome.UNSURE: 1}
    assert a.confidence == (2.0, 4.0)
    assert a.agreed_before.hits == 4  # aL, bR, cR and cL
    assert a.right is not None
    assert (a.right.before.hits, a.right.after.hits) == (3, 3)
    assert a.sensitivity == a.right
    assert a.specificity is None
    assert a.p_value == 1.0  # two gained, two lost
    plain = summary_of(path).readers[0]
    assert (plain.referenced, plain.right, plain.p_value) == (0, None, None)
    assert plain.towards == a.towards


def test_the_p_value_is_the_exact_one(kept: ReadFirst, path: Path, tmp_path: Path) -> None:
    for film in "abcdef":
        read_one(kept, film, (WHOLE, WHOLE), (FRACTURE, WHOLE))
    table = tmp_path / "reference.csv"
    table.write_text("film,side,reference\n" + "".join(f"{key(f).film_id},R,fracture\n" for f in "abcdef"))
    assert summary_of(path, reference=table).readers[0].p_value == pytest.approx(2 * 0.5**6)


def test_a_hip_without_an_answer_and_a_refused_film_are_left_out(kept: ReadFirst, path: Path) -> None:
    kept.lock(key("a"), hips(WHOLE, WHOLE))
    kept.show(key("a"), program(HipState.FRACTURE, None))
    kept.close(key("a"), hips(FRACTURE, WHOLE))
    kept.lock(key("b"), hips(WHOLE, WHOLE))
    kept.show(key("b"), {})
    (a,) = summary_of(path).readers
    assert (a.hips, a.left_out) == (1, {LeftOut.NO_ANSWER: 3})


def test_the_table_has_a_row_a_hip_and_names_no_file(kept: ReadFirst, path: Path, tmp_path: Path) -> None:
    of = read_one(kept, "f", (WHOLE, WHOLE), (FRACTURE, WHOLE))
    assert write_hips(summary_of(path).hips, tmp_path / "out" / "hips.csv") == 2
    with (tmp_path / "out" / "hips.csv").open(newline="") as file:
        right, left = csv.DictReader(file)
    assert tuple(right) == COLUMNS
    assert (right["film"], right["model"], right["side"]) == (of.film_id, of.model_sha256, "R")
    assert (right["before"], right["program"], right["after"]) == ("no_fracture", "fracture", "fracture")
    assert (right["changed"], right["against_program"]) == ("yes", "to the program's")
    assert left["changed"] == "no"


def test_a_reference_by_file_takes_the_films_hash(tmp_path: Path) -> None:
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "x.png").write_bytes(b"a film")
    film = hashlib.sha256(b"a film").hexdigest()
    table = tmp_path / "reference.csv"
    table.write_text("file,side,reference\nfilms/x.png,right,1\nfilms/x.png,left,no\n")
    assert read_reference(table, [film, "0" * 64]) == {(film, Side.RIGHT): FRACTURE, (film, Side.LEFT): WHOLE}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("side,reference\nR,fracture\n", "no column film or file"),
        ("film,side,reference\nabc,R,fracture\n", "line 2: a film is named by 12"),
        ("film,side,reference\n000000000000,X,fracture\n", "line 2: side is R or L"),
        ("film,side,reference\n000000000000,R,unsure\n", "line 2: side is R or L"),
        ("film,side,reference\n000000000000,R,fracture\n000000000000,R,no\n", "line 3: another row"),
        ("file,side,reference\ngone.png,R,fracture\n", "line 2: its film cannot be read"),
    ],
)
def test_a_bad_reference_is_said_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    table = tmp_path / "reference.csv"
    table.write_text(text)
    with pytest.raises(UserError) as raised:
        read_reference(table, ["0" * 64])
    assert raised.value.code is ErrorCode.REFERENCE_BAD
    assert words in raised.value.facts["detail"]


def test_a_record_that_is_none_is_refused(path: Path) -> None:
    append(path, "films read first", {"step": "locked"})
    with pytest.raises(UserError, match="journal_broken"):
        ReadFirst(path)
    assert json.loads(path.read_text().splitlines()[1])["content"] == {"step": "locked"}
