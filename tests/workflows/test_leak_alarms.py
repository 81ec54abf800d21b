"""Probes on data with and without shortcuts: they alarm where the label is told, and nowhere else."""

from __future__ import annotations

import csv
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hipcad_desktop.domain.auc import auc_interval
from hipcad_desktop.domain.cohort import Partition
from hipcad_desktop.domain.dataset import HipEntry
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.halving import HalvingMethod
from hipcad_desktop.domain.leaks import Probe
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.imaging.dataset_files import read_manifest
from hipcad_desktop.workflows.leak_alarms import leak_alarms, patients_apart
from hipcad_desktop.workflows.leak_cues import sharpness_of
from hipcad_desktop.workflows.leak_probe import clustered_auc, cues_auc
from tests.fakes.textured_dataset import TexturedFilm, texture, write_textured_dataset
from tests.workflows.test_subgroups import film

REAL = os.environ.get("HIPCAD_REAL_FILMS", "")
N = 40
SIDES = ("R", "L", "R", "L")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """One set of folds and few trees are enough for shortcuts as strong as these; real films get the real probe."""
    if "real_films" not in request.node.name:
        monkeypatch.setattr("hipcad_desktop.workflows.leak_probe._TREES", 10)
        monkeypatch.setattr("hipcad_desktop.workflows.leak_probe._REPEATS", 1)


def probes(to: Path, films: list[TexturedFilm]) -> dict[str, Probe]:
    _, entries = write_textured_dataset(to / "dataset", films)
    return {p.name: p for p in leak_alarms(to / "dataset", entries, (), opened=True, watch=Watch())}


def films(**by_class: tuple[object, object]) -> list[TexturedFilm]:
    """Half of them broken; a field's two values belong to broken and to whole films."""
    made = []
    for n in range(N):
        broken = n % 2 == 0
        facts = {name: values[0 if broken else 1] for name, values in by_class.items()}
        made.append(TexturedFilm(n, broken=SIDES[n // 2 % 4] if broken else "", **facts))  # type: ignore[arg-type]
    return made


def alarms(found: dict[str, Probe]) -> set[str]:
    return {name for name, probe in found.items() if probe.alarm}


def test_no_shortcut_no_alarm(tmp_path: Path) -> None:
    found = probes(tmp_path, films())
    assert alarms(found) == set()
    assert found["sharpness, between films"].auc.value is not None
    assert found["sharpness, between films"].auc.n == N


def test_sharp_broken_films_among_smooth_whole_ones(tmp_path: Path) -> None:
    found = probes(tmp_path, films(blur=(0.6, 2.0)))
    assert {"sharpness, between films", "all of these together, all hips"} <= alarms(found)
    within = found["all of these together, within films"]
    assert not within.alarm  # both hips of a film are as sharp as each other
    assert within.auc.value is not None
    first = next(iter(found.values()))
    assert first.alarm  # alarms come first
    assert "Yes, AUC" in first.sentence


def test_a_hospital_that_sends_broken_hips_only(tmp_path: Path) -> None:
    assert "hospital, between films" in alarms(probes(tmp_path, films(hospital=("A", "B"))))


def test_film_size_that_tells(tmp_path: Path) -> None:
    assert "film size, between films" in alarms(probes(tmp_path, films(width=(2000, 800))))


def test_a_side_that_tells_is_found_within_films(tmp_path: Path) -> None:
    found = probes(tmp_path, [TexturedFilm(n, broken="R") for n in range(30)])
    assert {"all of these together, within films", "all of these together, all hips"} <= alarms(found)
    between = found["sharpness, between films"]
    assert between.auc.value is None  # no film without a fracture to tell it from
    assert "patients" in between.sentence


def test_few_patients_are_said_to_be_few(tmp_path: Path) -> None:
    found = probes(tmp_path, [TexturedFilm(n, broken="R" if n < 3 else "") for n in range(8)])
    probe = found["sharpness, between films"]
    assert (probe.alarm, probe.auc.value) == (False, None)
    assert probe.sentence.startswith("Not to be said: needs 4 patients")


def test_a_copy_across_partitions_is_an_alarm(tmp_path: Path) -> None:
    parts = [TexturedFilm(n, partition=Partition.TEST if n % 2 else Partition.TRAINING) for n in range(8)]
    found = probes(tmp_path, [*parts, TexturedFilm(8, copy_of=2, partition=Partition.VALIDATION)])
    assert alarms(found) == {"near-duplicate films"}
    assert "1 pair of films" in found["near-duplicate films"].sentence


def test_a_patient_in_two_partitions_is_an_alarm() -> None:
    hips = [entry for n in range(3) for entry, _ in film(n, 0.5, 0.5)]
    assert not patients_apart(hips).alarm
    hips[0] = replace(hips[0], patient=hips[2].patient, partition=Partition.TRAINING)
    probe = patients_apart(hips)
    assert probe.alarm
    assert hips[2].patient in probe.sentence


def test_a_closed_test_partition_is_not_looked_at(tmp_path: Path) -> None:
    films_ = [TexturedFilm(n, partition=Partition.TEST if n < 2 else Partition.TRAINING) for n in range(6)]
    _, entries = write_textured_dataset(tmp_path / "dataset", films_)
    for entry in entries:
        if entry.partition is Partition.TEST:
            (tmp_path / "dataset" / entry.image).unlink()
    closed = leak_alarms(tmp_path / "dataset", entries, (), opened=False, watch=Watch())
    assert {p.auc.n for p in closed if p.name == "near-duplicate films"} == {4}
    with pytest.raises(UserError) as caught:
        leak_alarms(tmp_path / "dataset", entries, (), opened=True, watch=Watch())
    assert caught.value.code is ErrorCode.DATASET_DAMAGED


def test_cuts_of_the_papers_halving_that_tell(tmp_path: Path) -> None:
    _, entries = write_textured_dataset(tmp_path / "dataset", films())
    paper = [
        replace(e, halving=HalvingMethod.PAPER, x0_px=0.0, x1_px=680.0 if e.pair_has_fracture else 500.0)
        for e in entries
    ]
    found = leak_alarms(tmp_path / "dataset", [*entries, *paper], (), opened=True, watch=Watch())
    assert [p.name for p in found if p.alarm] == ["halving window, paper halving"]


def test_chance_rarely_alarms() -> None:
    hips = [replace(film(n, 0.5, 0.5)[0][0], fracture=n % 4 == 0) for n in range(60)]
    noise = [cues_auc([np.random.default_rng(seed).normal(size=(60, 3))], hips) for seed in range(12)]
    assert sum((a.low or 0) > 0.5 for a in noise) <= 2
    assert np.mean([a.value for a in noise if a.value is not None]) == pytest.approx(0.5, abs=0.12)


def test_single_hips_have_delongs_interval_and_pairs_have_none() -> None:
    generator = np.random.default_rng(3)
    truth = np.arange(80) % 2 == 0
    score = generator.normal(size=80) + truth
    patients = np.array([f"P{n}" for n in range(80)])
    value, low, high = clustered_auc(score, truth, patients)
    expected = auc_interval(score[truth].tolist(), score[~truth].tolist())
    assert (low, high) == pytest.approx(expected[:2])
    assert low < value < high
    # What is the same for both hips of a patient cannot tell them: exactly a half, however the values fall.
    same = np.repeat(generator.normal(size=40), 2)
    assert clustered_auc(same, truth, np.repeat(patients[:40], 2)) == pytest.approx((0.5, 0.5, 0.5))


def test_perfect_areas_of_few_patients_keep_a_wide_interval() -> None:
    truth = np.array([True] * 5 + [False] * 5)
    value, low, _ = clustered_auc(truth.astype(float), truth, np.array([f"P{n}" for n in range(10)]))
    assert value == 1
    assert low < 0.8


def test_sharpness_does_not_depend_on_contrast() -> None:
    image = texture(1)
    fainter = (image // 2 + 40).astype(np.uint8)
    assert sharpness_of(fainter) == pytest.approx(sharpness_of(image), abs=0.06)
    assert sharpness_of(texture(1, blur=2.5)).sum() < sharpness_of(texture(1, blur=0.6)).sum() - 0.5


@pytest.mark.skipif(not REAL, reason="HIPCAD_REAL_FILMS names no folder of real films")
def test_real_films_with_a_shortcut_alarm_and_their_pairs_do_not(tmp_path: Path) -> None:
    entries = exported_real_films(tmp_path)
    found = {p.name: p for p in leak_alarms(tmp_path / "D", entries, (), opened=True, watch=Watch())}
    assert any(name.endswith("between films") for name in alarms(found))
    assert not found["all of these together, within films"].alarm


def exported_real_films(tmp_path: Path) -> list[HipEntry]:
    """Broken and whole films as their source tells them, blocks of five file numbers taken for one patient."""
    from hipcad_desktop.workflows.export_dataset import export_dataset
    from hipcad_desktop.workflows.import_films import import_films
    from hipcad_desktop.workflows.open_project import open_project
    from hipcad_desktop.workflows.readings_table import import_readings

    groups = ("fracture", "fracture_fixed", "no_fracture")
    with (Path(REAL) / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = [r for r in csv.DictReader(file) if r["group"] in groups]
    with (tmp_path / "patients.csv").open("w", newline="", encoding="utf-8") as file:
        numbers = ["".join(c for c in r["file"] if c.isdigit()) for r in rows]
        csv.writer(file).writerows(
            [("file", "patient"), *((r["file"], f"B{int(n) // 5}") for r, n in zip(rows, numbers, strict=True))]
        )
    with (tmp_path / "boxes.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "verdict", "x", "y", "width", "height", "type"])
        for row in rows:
            boxes = json.loads(row["fracture_boxes_xywh"])
            writer.writerows([row["file"], "fracture", *box, ""] for box in boxes)
            if not boxes:
                writer.writerow([row["file"], "no_fracture", "", "", "", "", ""])
    with open_project(tmp_path / "P", create=True) as project:
        import_films(project, [Path(REAL) / g for g in groups], patients=tmp_path / "patients.csv")
        import_readings(project, tmp_path / "boxes.csv", reader="A. Surgeon")
        export_dataset(project, tmp_path / "D")
    return read_manifest(tmp_path / "D")[1]
