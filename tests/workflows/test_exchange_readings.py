"""Readings between workstations: any order, any number of times, conflicts named, nothing lost."""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from hipcad_desktop.domain.annotation import Answer, DiagnosedFrom, FilmFlag, Finding, Verdict
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.geometry import Rectangle
from hipcad_desktop.domain.radiograph import FilmId
from hipcad_desktop.store import exchange
from hipcad_desktop.store.films import add_films
from hipcad_desktop.store.project_store import Project, open_store
from hipcad_desktop.store.readings import current_readings, reader_names
from hipcad_desktop.workflows.annotate import Session
from hipcad_desktop.workflows.audit import verify_audit
from hipcad_desktop.workflows.exchange_readings import (
    MergeSummary,
    conflicts,
    merge_readings,
    send_readings,
)
from tests.fakes.project_films import new_film

N = 3
FILMS = [FilmId(f"{i:064x}") for i in range(N)]
WHOLE, UNSURE = Answer(Verdict.NO_FRACTURE), Answer(Verdict.UNSURE)
BROKEN = Answer(
    Verdict.FRACTURE,
    (Finding(Rectangle(0.1, 1 / 3, 30, 40)),),
    mirrored=True,
    diagnosed_from=DiagnosedFrom.CT_MRI,
    flags=frozenset({FilmFlag.PATHOLOGIC, FilmFlag.SPINE_IMPLANT}),
)
ANSWERS: list[Answer | None] = [None, WHOLE, UNSURE, BROKEN]


def made(folder: Path, name: str, films: Sequence[int] = range(N)) -> Project:
    project = open_store(folder / name, create=True)
    add_films(project, [new_film(i, folder) for i in films])
    return project


def sent(project: Project, reader: str) -> Path:
    path = project.path.parent / f"{project.name}-{reader}.hipcad-readings"
    send_readings(project, path, reader=reader)
    return path


def state(project: Project) -> object:
    """All that merging may change, as a value; where a revision was entered is no part of it."""
    own = project.uuid
    with project.reading() as connection:
        lines = {json.dumps(exchange.line_to_json(n)) for n in exchange.lines_of(connection, own=own)}
        waiting = {json.dumps(exchange.line_to_json(n)) for n in exchange.pending_lines(connection)}
        current = {
            (r.film_id, r.reader, r.round): (r.uuid, r.signed_utc) for r in current_readings(connection, round=None)
        }
        split = {(c.film_id, c.reader, tuple(r.uuid for r in c.readings)) for c in exchange.conflicts(connection)}
    return lines, waiting, current, split


def work(project: Project, reader: str, steps: Sequence[tuple[str, int, int]]) -> int:
    """A reader's saves, undos, redos and signatures; how many revisions came of them."""
    session = Session(project, reader=reader)
    with project.reading() as connection:
        before = sum(1 for _ in exchange.lines_of(connection, own=""))
    for what, film, answer in steps:
        match what:
            case "save":
                session.save(FILMS[film], ANSWERS[answer], reason="changed")
            case "undo":
                session.undo(reason="changed")
            case "redo":
                session.redo(reason="changed")
            case _:
                session.sign_all()
    with project.reading() as connection:
        return sum(1 for _ in exchange.lines_of(connection, own="")) - before


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["save", "save", "save", "undo", "redo", "sign"]), st.integers(0, N - 1), st.integers(0, 3)
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=5, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(st.lists(STEPS, min_size=3, max_size=3), st.permutations(range(6)), st.lists(st.integers(0, 2), max_size=2))
def test_the_order_and_the_number_of_merges_never_matter(
    work_of: list[list[tuple[str, int, int]]], order: list[int], missing: list[int]
) -> None:
    """Three readers, each at two workstations; the target lacks some films."""
    readers = ("A", "B", "C")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files: list[Path] = []
        total = 0
        for place in ("one", "two"):
            with made(folder, place) as project:
                for reader, steps in zip(readers, work_of, strict=True):
                    work(project, reader, [("save", 0, 1), *(steps if place == "one" else steps[::-1])])
                    files.append(sent(project, reader))
                with project.reading() as connection:
                    total += sum(1 for _ in exchange.lines_of(connection, own=""))
        here = [i for i in range(N) if i not in missing]
        states = []
        for target, sequence in (("x", list(range(6))), ("y", order), ("z", [*order, *order[::-1], *range(6)])):
            with made(folder, target, here) as project:
                for i in sequence:
                    merge_readings(project, files[i])
                lines, waiting, _, _ = state(project)  # type: ignore[misc]
                assert len(lines) + len(waiting) == total, "nothing is lost"
                assert len(waiting) == 0 or missing
                add_films(project, [new_film(i, folder) for i in missing])
                add_films(project, [new_film(i, folder) for i in missing])
                states.append(state(project))
                assert waiting_films(project) == ()
                assert verify_audit(project).problems == ()
                assert not any(Session(project, reader=r).can_undo for r in readers), "made elsewhere, undone there"
        assert states[0] == states[1] == states[2]


def test_a_thousand_changes_arrive(tmp_path: Path) -> None:
    chance = random.Random(5)
    total = 0
    files = []
    for place in range(3):
        with made(tmp_path, f"place{place}") as project:
            for reader in ("A", "B"):
                count = 0
                while count < 170:
                    count += work(
                        project, reader, [("save", chance.randrange(N), chance.randrange(4)) for _ in range(20)]
                    )
                total += count
                files.append(sent(project, reader))
    assert total >= 1000
    with made(tmp_path, "all") as project:
        assert sum(merge_readings(project, file).added for file in files) == total
        assert [merge_readings(project, file).added for file in files] == [0] * len(files)
        lines, waiting, _, _ = state(project)  # type: ignore[misc]
        assert (len(lines), len(waiting)) == (total, 0)
        assert verify_audit(project).problems == ()


def test_a_conflict_stays_until_the_reader_saves_again(tmp_path: Path) -> None:
    with made(tmp_path, "one") as one, made(tmp_path, "two") as two:
        Session(one, reader="A").save(FILMS[0], WHOLE)
        merge_readings(two, sent(one, "A"))
        Session(one, reader="A").save(FILMS[0], UNSURE)
        Session(two, reader="A").save(FILMS[0], BROKEN)
        Session(two, reader="A").sign(FILMS[0])
        found = [merge_readings(one, sent(two, "A")), merge_readings(two, sent(one, "A"))]
        for summary in found:
            assert [(c.film_id, c.revisions) for c in summary.conflicts] == [(FILMS[0], (2, 2))]
        assert state(one) == state(two)
        (conflict,) = conflicts(one, reader="A")
        assert {r.answer for r in conflict.readings} == {UNSURE, BROKEN}
        assert conflicts(one, reader="B") == ()
        session = Session(one, reader="A")
        assert session.answer(FILMS[0]) == conflict.readings[0].answer
        settled = session.save(FILMS[0], session.answer(FILMS[0]), reason="I looked again")
        assert settled.revision == 3, "the same answer, said knowing both"
        assert conflicts(one, reader="A") == ()
        assert merge_readings(two, sent(one, "A")).conflicts == ()
        assert session.undo(reason="no") == FILMS[0]
        assert verify_audit(one).problems == ()


def test_the_same_answer_at_two_places_is_no_conflict(tmp_path: Path) -> None:
    with made(tmp_path, "one") as one, made(tmp_path, "two") as two:
        Session(one, reader="A").save(FILMS[0], BROKEN)
        Session(two, reader="A").save(FILMS[0], BROKEN)
        assert merge_readings(two, sent(one, "A")).conflicts == ()


def waiting_films(project: Project) -> tuple[str, ...]:
    with project.reading() as connection:
        return tuple(sorted({n.revision.film for n in exchange.pending_lines(connection)}))


def test_films_that_are_not_here_wait_and_are_passed_on(tmp_path: Path) -> None:
    with made(tmp_path, "one") as one, made(tmp_path, "two", [0]) as two, made(tmp_path, "three", [2]) as three:
        for film in FILMS:
            Session(one, reader="A").save(film, WHOLE)
        summary = merge_readings(two, sent(one, "A"))
        assert (summary.added, summary.pending) == (1, tuple(FILMS[1:]))
        assert waiting_films(two) == tuple(FILMS[1:])
        assert merge_readings(three, sent(two, "A")).added == 1, "what waits is sent on"
        add_films(two, [new_film(1, tmp_path)])
        assert Session(two, reader="A").answer(FILMS[1]) == WHOLE
        assert waiting_films(two) == (FILMS[2],)
        summary = merge_readings(two, sent(one, "A"))
        assert (summary.added, summary.already, summary.pending) == (0, 2, (FILMS[2],))
        assert verify_audit(two).problems == ()


def test_the_same_pixels_in_another_file_are_the_same_film(tmp_path: Path) -> None:
    with made(tmp_path, "one") as one, open_store(tmp_path / "two", create=True) as two:
        add_films(two, [new_film(70, tmp_path, pixels="pixels0")])
        Session(one, reader="A").save(FILMS[0], BROKEN)
        assert merge_readings(two, sent(one, "A")).added == 1
        assert Session(two, reader="A").answer(FilmId(f"{70:064x}")) == BROKEN
        back = merge_readings(one, sent(two, "A"))
        assert (back.added, back.already, back.altered) == (0, 1, ())


def test_a_file_holds_no_patient_and_no_path(tmp_path: Path) -> None:
    with open_store(tmp_path / "P", create=True) as project:
        add_films(project, [new_film(0, tmp_path / "YAMADA", identifier="SECRET-1")])
        Session(project, reader="A").save(FILMS[0], BROKEN)
        text = sent(project, "A").read_text("utf-8")
    assert "YAMADA" not in text
    assert "SECRET" not in text
    assert "P0001" not in text
    with open_store(tmp_path / "P", create=False) as project, pytest.raises(UserError) as raised:
        send_readings(project, tmp_path / "x", reader="nobody")
    assert raised.value.code is ErrorCode.READER_UNKNOWN


def test_a_signature_given_later_follows(tmp_path: Path) -> None:
    with made(tmp_path, "one") as one, made(tmp_path, "two") as two:
        session = Session(one, reader="A")
        session.save(FILMS[0], WHOLE)
        merge_readings(two, sent(one, "A"))
        signed = session.sign(FILMS[0])
        summary = merge_readings(two, sent(one, "A"))
        assert (summary.added, summary.already, summary.signatures) == (0, 1, 1)
        assert Session(two, reader="A").reading(FILMS[0]) == signed
        with pytest.raises(UserError, match="signed_needs_reason"):
            Session(two, reader="A").save(FILMS[0], UNSURE)


def lines_with(path: Path, change: object, *, rehash: bool) -> bytes:
    import hashlib

    *lines, last = path.read_text("utf-8").splitlines(keepends=True)
    text = change("".join(lines))  # type: ignore[operator]
    return (text + (json.dumps({"sha256": hashlib.sha256(text.encode()).hexdigest()}) if rehash else last)).encode()


@pytest.mark.parametrize(
    ("change", "rehash", "code"),
    [
        (lambda t: t.replace("no_fracture", "unsure"), False, ErrorCode.EXCHANGE_FILE_BAD),
        (lambda t: t[: len(t) // 2], False, ErrorCode.EXCHANGE_FILE_BAD),
        (lambda t: t.replace("no_fracture", "perhaps"), True, ErrorCode.EXCHANGE_FILE_BAD),
        (lambda t: t.replace('"reader":"A","round"', '"reader":"B","round"'), True, ErrorCode.EXCHANGE_FILE_BAD),
        (lambda t: t.replace('"reader":"A"', '"reader":"consensus"'), True, ErrorCode.EXCHANGE_FILE_BAD),
        (lambda t: t.replace('"round":1', '"round":"x"'), True, ErrorCode.EXCHANGE_FILE_BAD),
        (
            lambda t: t.replace('"kind":"save","undone":null', '"kind":"undo","undone":"x"'),
            True,
            ErrorCode.EXCHANGE_FILE_BAD,
        ),
        (lambda t: t.replace("hipcad-readings", "shopping-list"), True, ErrorCode.EXCHANGE_FILE_BAD),
        (lambda t: t.replace('"schema":1', '"schema":9'), True, ErrorCode.EXCHANGE_FILE_NEWER),
        (lambda t: "", True, ErrorCode.EXCHANGE_FILE_BAD),
        (lambda t: "[" * 100_000, True, ErrorCode.EXCHANGE_FILE_BAD),
    ],
)
def test_a_bad_file_changes_nothing(tmp_path: Path, change: object, rehash: bool, code: ErrorCode) -> None:
    with made(tmp_path, "one") as one, made(tmp_path, "two") as two:
        Session(one, reader="A").save(FILMS[0], WHOLE)
        bad = tmp_path / "bad.hipcad-readings"
        bad.write_bytes(lines_with(sent(one, "A"), change, rehash=rehash))
        before = state(two)
        with pytest.raises(UserError) as raised:
            merge_readings(two, bad)
        assert (raised.value.code, raised.value.facts["path"]) == (code, str(bad))
        assert state(two) == before
        assert reader_names(two) == []


def test_a_revision_with_another_content_is_named_and_kept_beside(tmp_path: Path) -> None:
    with made(tmp_path, "one") as one, made(tmp_path, "two") as two:
        Session(one, reader="A").save(FILMS[0], WHOLE)
        path = sent(one, "A")
        merge_readings(two, path)
        path.write_bytes(lines_with(path, lambda t: t.replace("no_fracture", "unsure"), rehash=True))
        found: MergeSummary = merge_readings(two, path)
        assert len(found.altered) == 1
        assert Session(two, reader="A").answer(FILMS[0]) == WHOLE
        assert verify_audit(two).problems == ()
