"""The paper's own table out of the paper's own counts, and p values as SciPy gives them."""

from __future__ import annotations

import csv
import io
import itertools
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import scipy.stats

from hipcad_desktop.domain.anatomy import FractureType
from hipcad_desktop.domain.annotation import Answer, FilmFlag, Finding, Verdict
from hipcad_desktop.domain.cohort_table import CohortFilm, CohortTable
from hipcad_desktop.domain.geometry import Rectangle
from hipcad_desktop.store.project_store import Project
from hipcad_desktop.workflows.annotate import Session
from hipcad_desktop.workflows.cohort_tables import cohort_table, table_of, to_csv, to_text, write_cohort
from hipcad_desktop.workflows.import_films import import_films
from hipcad_desktop.workflows.open_project import list_films, open_project
from tests.fakes.dicom_files import dicom_file
from tests.fakes.project_films import HEIGHT, WIDTH, midline_in_the_middle, write_films

pytestmark = pytest.mark.usefixtures("midline_in_the_middle")
__all__ = ["midline_in_the_middle"]

HOSPITALS = ("Gamagori City", "Nagoya Daini Red Cross", "Tsushima City")
PAPER = {  # METHOD 1; columns in the order of HOSPITALS
    "Garden I/II": (275, 528, 191),
    "Garden III/IV": (450, 897, 324),
    "AO 31-A1": (489, 509, 383),
    "AO 31-A2": (253, 322, 185),
    "AO 31-A3": (54, 76, 48),
    "greater trochanter": (96, 88, 74),
}
KINDS = {
    "Garden I/II": FractureType.GARDEN_I,
    "Garden III/IV": FractureType.GARDEN_IV,
    "AO 31-A1": FractureType.AO_31_A1,
    "AO 31-A2": FractureType.AO_31_A2,
    "AO 31-A3": FractureType.AO_31_A3,
    "greater trochanter": FractureType.GREATER_TROCHANTER,
}
SEX = {"male": (340, 566, 287), "female": (1156, 1673, 829)}
FLAGS = {
    FilmFlag.PATHOLOGIC: (3, 7, 2),
    FilmFlag.OSTEOARTHRITIS: (26, 43, 15),
    FilmFlag.IMPLANT_OTHER_HIP: (132, 195, 125),
    FilmFlag.SPINE_IMPLANT: (7, 35, 4),
    FilmFlag.OLD_PELVIC_FRACTURE: (23, 53, 17),
}
FILMS = (1617, 2420, 1205)
SIZES = (("JPEG", 4892, 4020), ("JPEG", 2039, 1380), ("DICOM", 3451, 2836))


def paper_films() -> Iterator[CohortFilm]:
    for at, hospital in enumerate(HOSPITALS):
        kinds = [KINDS[label] for label, counts in PAPER.items() for _ in range(counts[at])]
        males, cases = SEX["male"][at], SEX["male"][at] + SEX["female"][at]
        for i, kind in enumerate(kinds):
            patient = i % cases  # the films beyond the cases are the other hip, broken later
            yield CohortFilm(
                hospital=hospital,
                patient=f"{at}-{patient}",
                kind=SIZES[at][0],
                width=SIZES[at][1],
                height=SIZES[at][2],
                sex="M" if patient < males else "F",
                age_years=70 + (patient * 7 + at) % 25,
                fracture=True,
                types=frozenset({kind}),
                flags=frozenset(flag for flag, counts in FLAGS.items() if i < counts[at]),
            )


@pytest.fixture(scope="module")
def paper() -> CohortTable:
    return table_of(list(paper_films()))


def test_the_papers_counts_come_back(paper: CohortTable) -> None:
    rows = {row.label: (row.values, row.total) for row in paper.rows}
    assert paper.hospitals == HOSPITALS
    assert rows["films"] == (FILMS, 5242)
    assert rows["patients"] == ((1496, 2239, 1116), 4851)
    for label, counts in {**PAPER, **SEX, **{f.value: c for f, c in FLAGS.items()}}.items():
        assert rows[label] == (counts, sum(counts)), label
    assert rows["sex not known"][1] == rows["fracture without a type"][1] == 0
    assert paper.sizes["Gamagori City"] == {"JPEG 4892 x 4020": 1617}


def p_of(table: CohortTable, group: str) -> float:
    test = table.test_of(group)
    assert test is not None
    assert test.p_value is not None, test.reason
    return test.p_value


def test_the_p_values_are_scipys(paper: CohortTable) -> None:
    def monte_carlo(counts: object) -> float:
        method = scipy.stats.MonteCarloMethod(n_resamples=9999, rng=np.random.default_rng(20200414))
        return float(scipy.stats.fisher_exact(np.array(counts), method=method).pvalue)

    assert p_of(paper, "type") == monte_carlo(list(PAPER.values()))
    assert p_of(paper, "sex") == pytest.approx(monte_carlo(list(SEX.values())), abs=0.02)
    for flag, counts in FLAGS.items():
        table = [counts, [n - c for n, c in zip(FILMS, counts, strict=True)]]
        assert p_of(paper, flag.value) == pytest.approx(monte_carlo(table), abs=0.02), flag
    samples = [list({f.patient: f.age_years for f in paper_films() if f.hospital == h}.values()) for h in HOSPITALS]
    assert p_of(paper, "age") == pytest.approx(scipy.stats.kruskal(*samples).pvalue)
    two = table_of([f for f in paper_films() if f.hospital != HOSPITALS[0]])
    assert p_of(two, "age") == pytest.approx(scipy.stats.mannwhitneyu(*samples[1:]).pvalue)
    for flag, counts in FLAGS.items():
        table = [counts[1:], [n - c for n, c in zip(FILMS[1:], counts[1:], strict=True)]]
        assert p_of(two, flag.value) == pytest.approx(scipy.stats.fisher_exact(table).pvalue, rel=1e-5), flag
    test = two.test_of("age")
    assert test is not None
    assert (test.name, test.n) == ("Mann-Whitney U", 2239 + 1116)


def test_a_small_table_is_exact() -> None:
    """Lady tasting tea with three cups: every table with these margins, one by one in plain Python."""
    films = [
        CohortFilm(
            h,
            f"{h}{i}",
            "PNG",
            9,
            9,
            None,
            None,
            True,
            flags=frozenset({FilmFlag.PATHOLOGIC}) if i < k else frozenset(),
        )
        for h, n, k in (("A", 7, 5), ("B", 6, 1), ("C", 4, 0))
        for i in range(n)
    ]
    chosen = [
        sum(s < 7 for s in c) * 100 + sum(7 <= s < 13 for s in c) * 10 for c in itertools.combinations(range(17), 6)
    ]
    frequency = {t: chosen.count(t) for t in set(chosen)}
    expected = sum(n for n in frequency.values() if n <= frequency[510]) / len(chosen)
    assert p_of(table_of(films), FilmFlag.PATHOLOGIC.value) == pytest.approx(expected)


def test_where_there_is_nothing_to_compare_the_table_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    one = table_of([CohortFilm("A", "P1", "PNG", 9, 9, "F", 80, False)])
    assert {t.p_value for t in one.tests} == {None}
    assert "it takes two hospitals" in to_text(one)
    monkeypatch.setitem(sys.modules, "scipy.stats", None)
    two = [CohortFilm(h, h, "PNG", 9, 9, "F", age, False) for h, age in (("A", 70), ("B", 80))]
    without = table_of(two)
    assert {t.p_value for t in without.tests} == {None}
    assert "SciPy is not installed" in to_text(without)
    assert {r.label: r.values for r in without.rows}["mean age"] == (70.0, 80.0)


def test_the_same_table_as_text_and_csv(paper: CohortTable) -> None:
    text = to_text(paper)
    assert "Garden I/II" in text
    assert "5242" in text
    assert "Research use only" in text
    assert len({len(line) for line in text.splitlines()[1:2]}) == 1
    rows = list(csv.DictReader(io.StringIO(to_csv(paper))))
    garden = next(r for r in rows if r["row"] == "Garden I/II")
    assert [garden[h] for h in (*HOSPITALS, "all")] == ["275", "528", "191", "994"]
    assert (garden["test"], garden["n"], garden["p"]) == ("Fisher's exact", "5242", "< 0.001")
    assert next(r for r in rows if r["row"] == "JPEG 4892 x 4020")["Gamagori City"] == "1617"
    formula = table_of([CohortFilm("A", "P1", "=cmd", 9, 9, "F", 80, False)])
    assert "\n=cmd" not in to_csv(formula)
    assert ",'=cmd 9 x 9," in to_csv(formula)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with open_project(tmp_path / "P", create=True) as opened:
        yield opened


def test_from_files_to_the_table(project: Project, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 4000, (HEIGHT, WIDTH), dtype=np.uint16)
    (tmp_path / "dicom").mkdir()
    for i, (sex, age) in enumerate((("F", "081Y"), ("M", "079Y"), ("", ""))):
        dicom_file(
            tmp_path / "dicom" / f"{i}.dcm",
            pixels + i,
            PatientID=f"ID{i}",
            PatientSex=sex,
            PatientAge=age,
            InstitutionName="Never General",
        )
    import_films(project, [tmp_path / "dicom"], hospital="North")
    write_films(tmp_path / "png", 2)
    table = "file,patient,sex,age,hospital\nfilm0.png,x1,female,90,\nfilm1.png,x1,,,West\n2.dcm,ID2,M,55,\n"
    (tmp_path / "patients.csv").write_text(table)
    import_films(project, [tmp_path / "png"], hospital="East", patients=tmp_path / "patients.csv")
    session = Session(project, reader="A")
    rows = list_films(project, reader="A")
    flags = frozenset({FilmFlag.PATHOLOGIC})
    broken = Answer(Verdict.FRACTURE, (Finding(Rectangle(30, 60, 30, 20), FractureType.GARDEN_II),), flags=flags)
    for row, answer in zip(rows, (broken, broken, Answer(Verdict.UNSURE), broken, broken), strict=True):
        session.save(row.film_id, answer)
    found = cohort_table(project)
    values = {r.label: (*r.values, r.total) for r in found.rows}
    assert found.hospitals == ("East", "North", "West")
    assert values["films"] == (1, 2, 1, 4)
    assert values["patients"] == (1, 2, 1, 3)
    assert (values["male"], values["female"]) == ((0, 1, 0, 1), (1, 1, 0, 2))
    assert values["mean age"] == (90.0, 80.0, None, 83.3)
    assert values["Garden I/II"] == values["pathologic"] == (1, 2, 1, 4)
    import_films(project, [tmp_path / "dicom"], hospital="South", patients=tmp_path / "patients.csv")
    told = {r.file_name: r.cohort for r in list_films(project, reader="A")}
    assert (told["2.dcm"].hospital, told["2.dcm"].sex, told["2.dcm"].age_years) == ("South", "M", 55)
    assert (told["0.dcm"].sex, told["0.dcm"].age_years) == ("F", 81)
    written = write_cohort(found, tmp_path / "out")
    assert [p.name for p in written] == ["cohort.json", "cohort.csv", "cohort.txt"]
    everything = b"".join(p.read_bytes() for p in written)
    assert b"Never" not in everything
    assert b"ID0" not in everything
    assert json.loads(written[0].read_text())["hospitals"] == ["East", "North", "West"]
