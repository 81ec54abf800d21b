"""Readings as a table: exact about what is wrong, and equal after a round trip."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hipcad_desktop.domain.anatomy import FractureType
from hipcad_desktop.domain.annotation import Answer, DiagnosedFrom, ExclusionReason, FilmFlag, Finding, Verdict
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.geometry import Rectangle
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.store.films import add_films
from hipcad_desktop.store.project_store import Project, open_store
from hipcad_desktop.workflows.annotate import Session
from hipcad_desktop.workflows.path_index import PathIndex, shortest_ends
from hipcad_desktop.workflows.reader_study import end_blinded_phase
from hipcad_desktop.workflows.readings_table import export_readings, import_readings
from tests.fakes.project_films import HEIGHT, WIDTH, new_film

HEADER = "file,verdict,x,y,width,height,type"
FILMS = 6


@pytest.fixture
def project(tmp_path: Path):  # type: ignore[no-untyped-def]
    with open_store(tmp_path / "P", create=True) as opened:
        add_films(opened, [new_film(i, tmp_path / "fracture") for i in range(FILMS)])
        add_films(opened, [new_film(9, tmp_path / "other" / "fracture")])
        yield opened


def table(project: Project, *rows: str, header: str = HEADER, encoding: str = "utf-8") -> Path:
    path = project.path.parent / "boxes.csv"
    path.write_bytes("\r\n".join((header, *rows, "")).encode(encoding))
    return path


def answers(project: Project, reader: str = "A") -> dict[int, Answer | None]:
    session = Session(project, reader=reader)
    return {i: session.answer(new_film(i, Path()).radiograph.film_id) for i in (*range(FILMS), 9)}


def broken(*findings: Finding, mirrored: bool | None = None) -> Answer:
    return Answer(Verdict.FRACTURE, findings, mirrored=mirrored)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_table_is_saved_and_saved_again_unchanged(project: Project, encoding: str) -> None:
    path = table(
        project,
        "fracture/film0.png,fracture,10.5,20,30,40,garden iii",
        "fracture/film0.png, Fracture ,60,20,5,5,",
        "film1.png,no_fracture,,,,,",
        "film2.png,No Fracture",
        "",
        "film3.png,unsure,,,,,",
        "film4.png,excluded,,,,,",
        encoding=encoding,
    )
    summary = import_readings(project, path, reader="A")
    assert (summary.saved, summary.unchanged, summary.problems) == (5, 0, ())
    said = answers(project)
    assert said[0] == broken(
        Finding(Rectangle(10.5, 20, 30, 40), FractureType.GARDEN_III), Finding(Rectangle(60, 20, 5, 5))
    )
    assert said[1] == said[2] == Answer(Verdict.NO_FRACTURE)
    assert said[3] == Answer(Verdict.UNSURE)
    assert said[4] == Answer(Verdict.EXCLUDED, exclusion=ExclusionReason.OTHER)
    assert said[5] is None
    again = import_readings(project, path, reader="A")
    assert (again.saved, again.unchanged, again.problems) == (0, 5, ())
    assert len(Session(project, reader="A").revisions(new_film(0, Path()).radiograph.film_id)) == 1


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("", None),
        ("III", FractureType.GARDEN_III),
        ("garden-iv", FractureType.GARDEN_IV),
        ("GARDEN I", FractureType.GARDEN_I),
        ("31-a2", FractureType.AO_31_A2),
        ("A3", FractureType.AO_31_A3),
        ("31A1", FractureType.AO_31_A1),
        ("Greater_Trochanter", FractureType.GREATER_TROCHANTER),
    ],
)
def test_types_are_free_of_case_and_dashes(project: Project, written: str, kind: FractureType | None) -> None:
    import_readings(project, table(project, f"film1.png,fracture,1,1,9,9,{written}"), reader="A")
    assert answers(project)[1] == broken(Finding(Rectangle(1, 1, 9, 9), kind))


@pytest.mark.parametrize(
    ("row", "detail"),
    [
        ("film0.png,broken,,,,,", "the verdict 'broken' is none of fracture, no_fracture, unsure, excluded"),
        ("film0.png,,1,1,5,5,", "the verdict '' is none of fracture, no_fracture, unsure, excluded"),
        ("film0.png,fracture,,,,,", "a fracture needs a rectangle, and x is empty"),
        ("film0.png,fracture,1,1,5,,", "a fracture needs a rectangle, and height is empty"),
        ("film0.png,fracture,a,1,5,5,", "x is no number: 'a'"),
        ("film0.png,fracture,nan,1,5,5,", "x is no number: 'nan'"),
        ("film0.png,fracture,1,1,inf,5,", "width is no number: 'inf'"),
        ("film0.png,fracture,1,1,0,5,", "a rectangle has a width and a height above zero"),
        ("film0.png,fracture,1,1,-4,5,", "a rectangle has a width and a height above zero"),
        ("film0.png,fracture,1e308,1,1e308,5,", "the rectangle lies outside the film (200 x 160 pixels)"),
        ("film0.png,fracture,500,1,4,5,", "the rectangle lies outside the film (200 x 160 pixels)"),
        ("film0.png,fracture,-30,1,40,5,", "the rectangle lies outside the film (200 x 160 pixels)"),
        (
            "film0.png,fracture,1,1,5,5,Garden V",
            "the type 'Garden V' is none of Garden I, Garden II, Garden III, Garden IV, 31-A1, 31-A2, 31-A3, "
            "greater trochanter",
        ),
        ("film0.png,no_fracture,1,1,5,5,", "a film that is no_fracture has no x"),
        ("film0.png,unsure,,,,,III", "a film that is unsure has no type"),
        ("nofilm.png,no_fracture,,,,,", "no imported film is named nofilm.png"),
        ("fracture_fixed/film0.png,no_fracture,,,,,", "no imported film is named fracture_fixed/film0.png"),
        (",no_fracture,,,,,", "no file is named"),
    ],
)
def test_a_bad_row_is_told_with_its_line_and_the_others_are_done(project: Project, row: str, detail: str) -> None:
    path = table(project, "film1.png,no_fracture,,,,,", '"fi\nlm",no_fracture,,,,,', row, "film2.png,unsure,,,,,")
    summary = import_readings(project, path, reader="A")
    assert summary.saved == 2
    assert [(e.code, e.facts["line"]) for e in summary.problems] == [
        (ErrorCode.READINGS_ROW_BAD, 3),
        (ErrorCode.READINGS_ROW_BAD, 5),
    ]
    assert summary.problems[1].facts["detail"] == detail
    assert answers(project)[0] is None
    assert answers(project)[2] == Answer(Verdict.UNSURE)


@pytest.mark.parametrize(
    ("rows", "detail"),
    [
        (
            ("film0.png,fracture,1,1,5,5,", "film0.png,no_fracture,,,,,"),
            "one film cannot be both fracture and no_fracture",
        ),
        (("film0.png,fracture,1,1,5,5,", "fracture/film0.png,fracture,x,1,5,5,"), "x is no number: 'x'"),
    ],
)
def test_one_bad_row_leaves_its_whole_film_out(project: Project, rows: tuple[str, ...], detail: str) -> None:
    summary = import_readings(project, table(project, *rows), reader="A")
    assert summary.saved == 0
    assert [(e.facts["line"], e.facts["detail"]) for e in summary.problems] == [(3, detail)]
    assert answers(project)[0] is None


def test_a_slip_over_the_films_edge_is_cut_off_and_more_is_a_problem(project: Project) -> None:
    path = table(
        project,
        "film0.png,fracture,-3,143,40,20,",
        f"film1.png,fracture,{WIDTH - 5},0,5,{HEIGHT},",
        "film2.png,fracture,-10,50,40,20,",
    )
    (problem,) = import_readings(project, path, reader="A").problems
    assert (problem.facts["line"], "beyond the film" in problem.facts["detail"]) == (4, True)
    assert answers(project)[0] == broken(Finding(Rectangle(0, 143, 37, 17)))
    assert answers(project)[2] is None
    assert answers(project)[1] == broken(Finding(Rectangle(WIDTH - 5, 0, 5, HEIGHT)))


def test_reasons_and_sides_can_be_said(project: Project) -> None:
    path = table(
        project,
        "film0.png,excluded,,,,,,periprosthetic fracture,",
        "film1.png,excluded,,,,,,Shaft Fracture: subtrochanteric,no",
        "film2.png,excluded,,,,,,blurred,",
        "film3.png,fracture,1,1,5,5,,,TRUE",
        "film3.png,fracture,9,9,5,5,,,",
        "film4.png,unsure,,,,,,,maybe",
        header=HEADER + ",reason,mirrored",
    )
    summary = import_readings(project, path, reader="A")
    said = answers(project)
    assert said[0] == Answer(Verdict.EXCLUDED, exclusion=ExclusionReason.PERIPROSTHETIC)
    assert said[1] == Answer(
        Verdict.EXCLUDED,
        exclusion=ExclusionReason.SHAFT_FRACTURE,
        exclusion_text="subtrochanteric",
        mirrored=False,
    )
    assert said[2] == Answer(Verdict.EXCLUDED, exclusion=ExclusionReason.OTHER, exclusion_text="blurred")
    assert said[3] == broken(Finding(Rectangle(1, 1, 5, 5)), Finding(Rectangle(9, 9, 5, 5)), mirrored=True)
    assert [e.facts["detail"] for e in summary.problems] == ["mirrored is true or false, not 'maybe'"]


def test_a_table_without_sides_keeps_what_was_said_of_them(project: Project) -> None:
    Session(project, reader="A").save(new_film(0, Path()).radiograph.film_id, Answer(Verdict.UNSURE, mirrored=True))
    import_readings(project, table(project, "film0.png,no_fracture,,,,,"), reader="A")
    assert answers(project)[0] == Answer(Verdict.NO_FRACTURE, mirrored=True)


def test_a_name_that_can_mean_two_films_is_not_guessed(project: Project, tmp_path: Path) -> None:
    add_films(project, [new_film(20, tmp_path / "a"), new_film(21, tmp_path / "b")])
    moved = [new_film(n, tmp_path / "c" / str(n)) for n in (20, 21)]
    for film in moved:
        file = film.files[0]
        object.__setattr__(film, "files", (type(file)(file.path.with_name("same.png"), 1, 1),))
    add_films(project, moved)
    summary = import_readings(project, table(project, "same.png,unsure,,,,,"), reader="A")
    assert [e.facts["detail"] for e in summary.problems] == [
        "2 films can be meant by same.png; name more of its folders"
    ]
    assert import_readings(project, table(project, "20/same.png,unsure,,,,,"), reader="A").saved == 1


@pytest.mark.parametrize(
    ("content", "detail"),
    [
        (b"", "the file is empty"),
        (b"file;verdict;x;y;width;height;type\r\n", "the columns have to be separated by commas"),
        (b"file,verdict\n", "no column x, y, width, height"),
        (b"file,verdict,x,y,width,height,x\n", "two columns x"),
        (
            "file,verdict,x,y,width,height\n大.png,unsure,,,,\n".encode("cp932"),
            "line 2 is not UTF-8; save it as CSV UTF-8",
        ),
        (b"file,verdict,x,y,width,height\na.png,unsure,,,,,,,boo\n", "line 2 has more cells than there are columns"),
        (b'file,verdict,x,y,width,height\n"a.png,unsure,,,,\n', "line 2: unexpected end of data"),
    ],
)
def test_a_file_that_is_no_table_is_refused_whole(project: Project, content: bytes, detail: str) -> None:
    path = project.path.parent / "bad.csv"
    path.write_bytes(content)
    with pytest.raises(UserError) as raised:
        import_readings(project, path, reader="A")
    assert raised.value.code is ErrorCode.READINGS_FILE_BAD
    assert raised.value.facts == {"path": str(path), "detail": detail}


def test_an_absent_table_is_said_to_be_absent(project: Project, tmp_path: Path) -> None:
    with pytest.raises(UserError) as raised:
        import_readings(project, tmp_path / "absent.csv", reader="A")
    assert raised.value.code is ErrorCode.FILE_MISSING
    with pytest.raises(UserError) as raised:
        import_readings(project, tmp_path, reader="A")
    assert raised.value.code is ErrorCode.NOT_A_REGULAR_FILE


def test_cancelling_stops_before_the_next_batch(project: Project) -> None:
    class Stop(Watch):
        """Stops at once."""

        def cancelled(self) -> bool:
            return True

    with pytest.raises(UserError, match="cancelled"):
        import_readings(project, table(project, "film0.png,unsure,,,,,"), reader="A", watch=Stop())
    assert answers(project)[0] is None


def test_all_readers_go_into_one_table_and_each_takes_their_own_back(project: Project, tmp_path: Path) -> None:
    film_id = new_film(0, Path()).radiograph.film_id
    Session(project, reader="A").save(film_id, Answer(Verdict.UNSURE))
    Session(project, reader="B").save(film_id, broken(Finding(Rectangle(1, 2, 3, 4)), Finding(Rectangle(5, 6, 7, 8))))
    with pytest.raises(UserError) as raised:
        export_readings(project, tmp_path / "all.csv")
    assert raised.value.code is ErrorCode.STILL_BLINDED
    end_blinded_phase(project)
    assert export_readings(project, tmp_path / "all.csv") == 3
    before = answers(project, "B")
    Session(project, reader="B").save(film_id, None)
    assert import_readings(project, tmp_path / "all.csv", reader="B").saved == 1
    assert answers(project, "B") == before


NUMBERS = st.floats(0, 100, allow_nan=False)
FINDINGS = st.builds(
    Finding,
    st.builds(Rectangle, NUMBERS, st.floats(0, 60), st.floats(1e-3, 99), st.floats(1e-3, 99)),
    st.sampled_from([None, *FractureType]),
)
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12).map(str.strip)
SIDES = st.sampled_from([None, True, False])
SOURCES = st.sampled_from([None, *DiagnosedFrom])
FLAGS = st.frozensets(st.sampled_from(list(FilmFlag)))
ANSWERS = st.one_of(
    st.builds(
        Answer,
        st.just(Verdict.FRACTURE),
        st.lists(FINDINGS, min_size=1, max_size=3, unique=True).map(tuple),
        mirrored=SIDES,
        diagnosed_from=SOURCES,
        flags=FLAGS,
    ),
    st.builds(
        Answer,
        st.sampled_from([Verdict.NO_FRACTURE, Verdict.UNSURE]),
        mirrored=SIDES,
        diagnosed_from=SOURCES,
        flags=FLAGS,
    ),
    st.builds(
        Answer,
        st.just(Verdict.EXCLUDED),
        exclusion=st.sampled_from(list(ExclusionReason)),
        exclusion_text=WORDS,
        mirrored=SIDES,
        diagnosed_from=SOURCES,
        flags=FLAGS,
    ),
)


@settings(max_examples=20, deadline=None)
@given(st.lists(ANSWERS, min_size=FILMS, max_size=FILMS))
def test_export_and_import_give_the_same_readings(tmp_path_factory: pytest.TempPathFactory, said: list[Answer]) -> None:
    folder = tmp_path_factory.mktemp("trip")
    with open_store(folder / "P", create=True) as project:
        add_films(project, [new_film(i, folder / "films") for i in range(FILMS)])
        session = Session(project, reader="A")
        for i, answer in enumerate(said):
            session.save(new_film(i, folder).radiograph.film_id, answer)
        rows = export_readings(project, folder / "t.csv", reader="A")
        assert rows == sum(max(1, len(a.findings)) for a in said)
        summary = import_readings(project, folder / "t.csv", reader="B")
        assert summary.problems == ()
        assert answers(project, "B") == answers(project, "A")
        assert import_readings(project, folder / "t.csv", reader="A").unchanged == FILMS


def test_names_are_matched_by_the_end_of_the_path() -> None:
    places = [Path("/films/fracture/a.png"), Path("/films/whole/a.png"), Path("/films/whole/B.PNG")]
    index = PathIndex((p, p) for p in places)
    beside = Path("/films/tables")
    assert index.find("fracture/a.png", beside=beside) == [places[0]]
    assert index.find("films\\fracture\\a.png", beside=beside) == [places[0]]
    assert index.find("../whole/a.png", beside=beside) == [places[1]]
    assert index.find("./whole/a.png", beside=Path("/elsewhere")) == [places[1]]
    assert index.find("/films/whole/a.png", beside=beside) == [places[1]]
    assert index.find("a.png", beside=Path("/films/whole")) == [places[1]]
    assert index.find("a.png", beside=beside) == places[:2]
    assert index.find("b.png", beside=beside) == [places[2]]
    assert index.find("ture/a.png", beside=beside) == []
    assert index.find("..", beside=beside) == []
    assert index.find("/other/whole/a.png", beside=beside) == []


def test_the_shortest_end_that_tells_films_apart() -> None:
    ends = shortest_ends(
        [Path("/x/1/a.png"), Path("/x/2/a.png"), Path("/y/1/a.png"), Path("/x/1/b.png"), Path("/c.png")]
    )
    assert ends == {
        Path("/x/1/a.png"): "/x/1/a.png",
        Path("/x/2/a.png"): "2/a.png",
        Path("/y/1/a.png"): "/y/1/a.png",
        Path("/x/1/b.png"): "1/b.png",
        Path("/c.png"): "/c.png",
    }


def test_what_an_old_table_has_no_column_for_stands(project: Project, tmp_path: Path) -> None:
    film_id = new_film(0, Path()).radiograph.film_id
    flags = frozenset({FilmFlag.SPINE_IMPLANT, FilmFlag.PATHOLOGIC})
    Session(project, reader="A").save(
        film_id, Answer(Verdict.UNSURE, mirrored=True, diagnosed_from=DiagnosedFrom.CT_MRI, flags=flags)
    )
    (tmp_path / "t.csv").write_text("file,verdict,x,y,width,height,type\nfilm0.png,no_fracture,,,,,\n")
    assert import_readings(project, tmp_path / "t.csv", reader="A").problems == ()
    wanted = Answer(Verdict.NO_FRACTURE, mirrored=True, diagnosed_from=DiagnosedFrom.CT_MRI, flags=flags)
    assert Session(project, reader="A").answer(film_id) == wanted
    (tmp_path / "t.csv").write_text(
        "file,verdict,x,y,width,height,type,diagnosed_from,flags\n"
        "film0.png,no_fracture,,,,,,ct mri,Spine-Implant ; old_pelvic_fracture\nfilm1.png,unsure,,,,,,CT,\n"
    )
    summary = import_readings(project, tmp_path / "t.csv", reader="A")
    assert [p.facts["line"] for p in summary.problems] == [3]
    answer = Session(project, reader="A").answer(film_id)
    assert answer is not None
    assert answer.flags == {FilmFlag.SPINE_IMPLANT, FilmFlag.OLD_PELVIC_FRACTURE}


def test_a_table_changes_signed_readings_only_with_a_reason(project: Project, tmp_path: Path) -> None:
    session = Session(project, reader="A")
    signed, free = (new_film(i, Path()).radiograph.film_id for i in range(2))
    for film_id in (signed, free):
        session.save(film_id, Answer(Verdict.UNSURE))
    session.sign(signed)
    (tmp_path / "t.csv").write_text(
        "file,verdict,x,y,width,height\nfilm0.png,no_fracture,,,,\nfilm1.png,no_fracture,,,,\n"
    )
    summary = import_readings(project, tmp_path / "t.csv", reader="A")
    assert (summary.saved, [p.code for p in summary.problems]) == (1, [ErrorCode.SIGNED_NEEDS_REASON])
    assert session.answer(signed) == Answer(Verdict.UNSURE)
    summary = import_readings(project, tmp_path / "t.csv", reader="A", why="read on a better screen")
    assert (summary.saved, summary.unchanged, summary.problems) == (1, 1, ())
    assert session.revisions(signed)[-1].reason == "read on a better screen"
    with pytest.raises(UserError, match="reader_name_reserved"):
        import_readings(project, tmp_path / "t.csv", reader="Consensus")
