"""Simulated readers: tables like any reader's, errors where readers make them, the same ones for the same seed."""

from __future__ import annotations

import csv
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from hipcad_desktop.domain.agreement import Agreement, FilmPair, compare
from hipcad_desktop.domain.anatomy import FractureType, Side
from hipcad_desktop.domain.annotation import Answer, DiagnosedFrom, ExclusionReason, FilmFlag, Finding, Verdict
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.geometry import Rectangle, Size
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.domain.radiograph import FilmId
from hipcad_desktop.workflows.agreement import agreement
from hipcad_desktop.workflows.import_films import import_films
from hipcad_desktop.workflows.open_project import open_project
from hipcad_desktop.workflows.reader_study import end_blinded_phase
from hipcad_desktop.workflows.readings_table import import_readings
from hipcad_desktop.workflows.simulate import simulate
from hipcad_desktop.workflows.simulated_readers import (
    READERS,
    TOGETHER,
    TYPICAL,
    Habits,
    TrueFilm,
    answer_of,
    true_films,
    write_reading,
)

SIZE = Size(1200, 1000)
BOX = Rectangle(830, 520, 150, 190)
FLAWLESS = Habits(overlooks=0, unsure=0, false_alarm=0, mistakes=0, slip=0, margin=1, flags_seen=1)
# How often each type occurred in all three hospitals (METHOD 1)
OCCURRENCE = {
    FractureType.GARDEN_I: 497,
    FractureType.GARDEN_II: 497,
    FractureType.GARDEN_III: 835,
    FractureType.GARDEN_IV: 836,
    FractureType.AO_31_A1: 1381,
    FractureType.AO_31_A2: 760,
    FractureType.AO_31_A3: 178,
    FractureType.GREATER_TROCHANTER: 258,
}


def film(number: int, kind: FractureType | None, *, flags: frozenset[FilmFlag] = frozenset()) -> TrueFilm:
    """A film with one broken hip, or none."""
    findings = () if kind is None else (Finding(BOX, kind),)
    verdict = Verdict.NO_FRACTURE if kind is None else Verdict.FRACTURE
    return TrueFilm(
        file=f"film{number}.jpg",
        patient=f"SIM-{number}",
        hospital="A",
        sex="F",
        age_years=80,
        size=SIZE,
        answer=Answer(verdict, findings, flags=flags),
        shows=() if kind is None else (TYPICAL[kind],),
        heads={Side.RIGHT: (400.0, 500.0), Side.LEFT: (800.0, 500.0)},
    )


def films(count: int, broken_share: float) -> list[TrueFilm]:
    """Films with the paper's types."""
    chance = random.Random(1)
    kinds, weights = list(OCCURRENCE), list(OCCURRENCE.values())
    return [
        film(n, chance.choices(kinds, weights)[0] if chance.random() < broken_share else None) for n in range(count)
    ]


def read(of: Sequence[TrueFilm], reader: str, habits: Habits, seed: int = 1) -> list[Answer]:
    return [answer_of(f, habits, random.Random(f"{seed}/{reader}/{f.file}")) for f in of]


@pytest.fixture(scope="module")
def study() -> tuple[list[TrueFilm], dict[str, list[Answer]], Agreement]:
    """4000 films, three of four broken, read by both."""
    all_films = films(4000, 0.75)
    answers = {name: read(all_films, name, habits) for name, habits in READERS.items()}
    one, two = answers.values()
    pairs = [FilmPair(FilmId(f.file), f.size, a, b) for f, a, b in zip(all_films, one, two, strict=True)]
    return all_films, answers, compare(pairs)


def test_readers_agree_about_as_well_as_the_papers(
    study: tuple[list[TrueFilm], dict[str, list[Answer]], Agreement],
) -> None:
    found = study[2]
    assert found.presence_films.value is not None
    assert 0.85 < found.presence_films.value < 0.95
    assert found.types.value is not None
    assert 0.6 < found.types.value < 0.8
    assert found.overlap.median is not None
    assert 0.65 < found.overlap.median < 0.9
    assert found.overlap.share_same is not None
    assert found.overlap.share_same > 0.98


def test_what_shows_little_is_missed_most(study: tuple[list[TrueFilm], dict[str, list[Answer]], Agreement]) -> None:
    all_films, answers, _ = study
    missed: Counter[FractureType] = Counter()
    total: Counter[FractureType] = Counter()
    for said in answers.values():
        for true, answer in zip(all_films, said, strict=True):
            for finding in true.answer.findings:
                assert finding.fracture_type is not None
                total[finding.fracture_type] += 1
                missed[finding.fracture_type] += answer.verdict is Verdict.NO_FRACTURE
    share = {kind: missed[kind] / total[kind] for kind in FractureType}
    assert share[FractureType.GREATER_TROCHANTER] > share[FractureType.AO_31_A1] > share[FractureType.AO_31_A2]
    assert share[FractureType.GARDEN_II] > 5 * share[FractureType.GARDEN_III]
    assert sum(missed.values()) / sum(total.values()) < 0.05


def test_together_they_err_less_than_either(study: tuple[list[TrueFilm], dict[str, list[Answer]], Agreement]) -> None:
    all_films, answers, _ = study

    def wrong(said: Sequence[Answer]) -> int:
        return sum(t.answer.verdict is not a.verdict for t, a in zip(all_films, said, strict=True))

    joint = read(all_films, "both", TOGETHER)
    assert wrong(joint) < min(wrong(said) for said in answers.values()) / 2


def test_a_flawless_reader_says_what_is_so() -> None:
    flags = frozenset({FilmFlag.OSTEOARTHRITIS, FilmFlag.IMPLANT_OTHER_HIP})
    for true in (film(1, FractureType.GARDEN_II, flags=flags), film(2, None, flags=flags)):
        assert answer_of(true, FLAWLESS, random.Random(1)) == true.answer


def test_one_who_sees_nothing_misses_only_what_does_not_show() -> None:
    blind = Habits(overlooks=1, unsure=0, false_alarm=1, mistakes=0, slip=0, margin=1, flags_seen=0)
    hidden = TrueFilm(**{**_fields(film(1, FractureType.GARDEN_II)), "shows": (0.0,)})
    plain = TrueFilm(**{**_fields(film(1, FractureType.GARDEN_II)), "shows": (1.0,)})
    assert answer_of(hidden, blind, random.Random(1)).verdict is Verdict.NO_FRACTURE
    assert answer_of(plain, blind, random.Random(1)).verdict is Verdict.FRACTURE
    alarm = answer_of(film(2, None), blind, random.Random(1))
    box = alarm.findings[0].rectangle
    assert box.clipped(SIZE) == box
    assert min(abs(box.centre_x - x) for x in (400, 800)) < 120  # near a hip


def _fields(true: TrueFilm) -> dict[str, object]:
    return {name: getattr(true, name) for name in TrueFilm.__slots__}


def test_metal_in_the_broken_hip_is_excluded_by_everyone() -> None:
    excluded = Answer(Verdict.EXCLUDED, exclusion=ExclusionReason.PERIPROSTHETIC)
    true = TrueFilm(**{**_fields(film(1, None)), "answer": excluded})
    for name, habits in READERS.items():
        assert answer_of(true, habits, random.Random(name)) == excluded


def test_the_same_film_is_read_alike_whatever_else_is_read(tmp_path: Path) -> None:
    some = films(30, 0.75)
    habits = READERS["Reader 2"]
    write_reading(some, tmp_path / "all.csv", reader="Reader 2", habits=habits, seed=4)
    only = {f.file for f in some[10:20]}
    count = write_reading(some[::-1], tmp_path / "some.csv", reader="Reader 2", habits=habits, seed=4, only=only)
    write_reading(some, tmp_path / "other.csv", reader="Reader 2", habits=habits, seed=5)

    def rows(name: str) -> set[tuple[str, ...]]:
        with (tmp_path / name).open(newline="") as file:
            return {tuple(row) for row in csv.reader(file)}

    assert count == 10
    assert rows("some.csv") < rows("all.csv") != rows("other.csv")


def test_simulated_films_are_read_imported_and_compared(tmp_path: Path) -> None:
    simulate(
        films=6, seed=4, to=tmp_path / "sim", size=Size(160, 132), film_format="jpeg", broken_share=0.5, watch=Watch()
    )
    true = true_films([tmp_path / "sim"])
    assert len(true) == 6
    assert {f.answer.diagnosed_from for f in true if f.answer.findings} <= set(DiagnosedFrom)
    assert all(len(f.shows) == len(f.answer.findings) for f in true)
    with open_project(tmp_path / "P", create=True) as project:
        import_films(project, [tmp_path / "sim" / "films"], patients=tmp_path / "sim" / "patients.csv", watch=Watch())
        for name, habits in READERS.items():
            write_reading(true, tmp_path / f"{name}.csv", reader=name, habits=habits, seed=1)
            saved = import_readings(project, tmp_path / f"{name}.csv", reader=name, watch=Watch())
            assert (saved.saved, saved.problems) == (6, ())
        end_blinded_phase(project)
        assert agreement(project)[0].agreement.films == 6


def test_a_folder_that_simulate_did_not_write(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        true_films([tmp_path])
    assert caught.value.code is ErrorCode.FILE_MISSING
