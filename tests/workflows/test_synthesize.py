"""Fractures made by program: real films test, patients stay apart, the same seed gives the same bytes."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from hipcad_desktop.cli import main as hipcad
from hipcad_desktop.domain.cohort import Partition, PartitionRule
from hipcad_desktop.domain.dataset import Synthesis
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.geometry import Size
from hipcad_desktop.domain.halving import HalvingMethod
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.imaging.dataset_files import read_manifest
from hipcad_desktop.workflows.evaluation_cautions import cautions
from hipcad_desktop.workflows.export_dataset import ExportSummary
from hipcad_desktop.workflows.import_films import import_films
from hipcad_desktop.workflows.open_project import Project, open_project
from hipcad_desktop.workflows.readings_table import import_readings
from hipcad_desktop.workflows.repartition import repartition
from hipcad_desktop.workflows.simulate import simulate
from hipcad_desktop.workflows.synthesize import synthesize
from tests.fakes.model_package import fake_card


class Stopping(Watch):
    """Says stop at a stage."""

    def __init__(self, stage: str) -> None:
        self.stage, self.stopped = stage, False

    def step(self, stage: str, done: int, total: int, **facts: object) -> None:
        self.stopped = self.stopped or stage.startswith(self.stage)

    def cancelled(self) -> bool:
        return self.stopped


@pytest.fixture(scope="module")
def project_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """14 simulated films, 3 of them broken, all read."""
    folder = tmp_path_factory.mktemp("synthesis")
    simulate(
        films=14, seed=3, to=folder / "films", size=Size(460, 380), film_format="jpeg", broken_share=0.2, watch=Watch()
    )
    with open_project(folder / "P", create=True) as project:
        import_films(project, [folder / "films" / "films"], patients=folder / "films" / "patients.csv", watch=Watch())
        import_readings(project, folder / "films" / "boxes.csv", reader="A. Surgeon", watch=Watch())
    return folder / "P"


@pytest.fixture
def project(project_folder: Path) -> Iterator[Project]:
    with open_project(project_folder) as opened:
        yield opened


@pytest.fixture(scope="module")
def made(project_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> ExportSummary:
    with open_project(project_folder) as project:
        return synthesize(project, tmp_path_factory.mktemp("made") / "D", hips=40, seed=5)


def test_only_real_films_test_and_only_synthetic_ones_train(made: ExportSummary) -> None:
    manifest, entries = read_manifest(made.dataset, verify=True)
    assert {(e.partition is Partition.TEST, e.synthetic) for e in entries} == {(True, False), (False, True)}
    assert all(e.image.startswith("images/synthetic_") is e.synthetic for e in entries)
    assert manifest.synthesis is not None
    assert manifest.synthesis == made.synthesis
    assert made.counts["training"]["fracture"] == made.counts["training"]["no_fracture"] == 20


def test_no_patient_is_in_two_partitions_and_all_real_fractures_test(made: ExportSummary) -> None:
    seen: dict[str, set[Partition]] = defaultdict(set)
    _, entries = read_manifest(made.dataset)
    for entry in entries:
        seen[entry.patient].add(entry.partition)
    assert {len(p) for p in seen.values()} == {1}
    assert len({e.film_code for e in entries if e.fracture and not e.synthetic}) == 3


def test_a_synthetic_film_has_one_broken_hip_with_type_and_rectangle(made: ExportSummary) -> None:
    films = defaultdict(list)
    for entry in read_manifest(made.dataset)[1]:
        if entry.synthetic and entry.halving == "midline":
            films[entry.film_code].append(entry)
    assert len(films) >= 20
    for whole, broken in (sorted(hips, key=lambda e: e.fracture) for hips in films.values()):
        assert not whole.fracture
        assert broken.fracture
        assert broken.fracture_type
        assert not whole.fracture_type
        assert broken.rect_x0_px is not None
        assert broken.x0_px <= broken.rect_x0_px < (broken.rect_x1_px or 0) <= broken.film_width
        assert whole.rect_x0_px is None


def test_a_synthetic_film_has_squares_that_tell_nothing(made: ExportSummary) -> None:
    films = defaultdict(list)
    manifest, entries = read_manifest(made.dataset)
    for entry in entries:
        if entry.halving is HalvingMethod.HIP and entry.synthetic:
            films[entry.film_code].append(entry)
    assert len(films) >= 20
    bases = defaultdict(set)
    for whole, broken in (sorted(hips, key=lambda e: e.fracture) for hips in films.values()):
        assert (whole.fracture, broken.fracture) == (False, True)
        assert whole.window.width == pytest.approx(broken.window.width)
        for entry in (whole, broken):
            bases[entry.patient, entry.side].add((entry.x0_px, entry.window_y0))
    assert {len(places) for places in bases.values()} == {1}, "broken or whole, the square of a hip lies in one place"
    real = {e.film_code for e in entries if not e.synthetic}
    squares = {e.film_code for e in entries if not e.synthetic and e.halving is HalvingMethod.HIP}
    assert {n.film_code for n in manifest.without_squares} == real - squares


def test_the_same_seed_gives_the_same_bytes(made: ExportSummary, project: Project, tmp_path: Path) -> None:
    again = synthesize(project, tmp_path / "D", hips=40, seed=5)
    other = synthesize(project, tmp_path / "O", hips=40, seed=6)
    hashes = [read_manifest(s.dataset)[0].hips_sha256 for s in (made, again, other)]
    assert hashes[0] == hashes[1] != hashes[2]
    assert (made.dataset / "dataset.json").read_bytes() == (again.dataset / "dataset.json").read_bytes()


def test_cancelled_leaves_nothing(project: Project, tmp_path: Path) -> None:
    for stage in ("look at windows", "break hips for training", "export real"):
        with pytest.raises(UserError) as caught:
            synthesize(project, tmp_path / "D", hips=40, watch=Stopping(stage))
        assert caught.value.code is ErrorCode.CANCELLED
        assert list(tmp_path.iterdir()) == []


def test_synthetic_hips_never_get_into_a_test_partition_later(made: ExportSummary, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        repartition(made.dataset, tmp_path / "N", rule=PartitionRule(), seed=1)
    assert caught.value.code is ErrorCode.PARTITION_IMPOSSIBLE
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("hips", [0, 1, 10**9])
def test_a_number_that_cannot_be(project: Project, tmp_path: Path, hips: int) -> None:
    with pytest.raises(UserError) as caught:
        synthesize(project, tmp_path / "D", hips=hips)
    assert caught.value.code is ErrorCode.CONFIG_INVALID


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, float("nan")])
def test_a_share_that_leaves_no_class_to_learn(project: Project, tmp_path: Path, share: float) -> None:
    with pytest.raises(UserError) as caught:
        synthesize(project, tmp_path / "D", hips=10, broken_share=share)
    assert caught.value.facts["field"] == "broken_share"


@pytest.mark.parametrize("share", [0.2, 0.8])
def test_as_many_are_broken_as_asked(project: Project, tmp_path: Path, share: float) -> None:
    made = synthesize(project, tmp_path / "D", hips=60, broken_share=share, seed=5)
    assert made.synthesis is not None
    assert made.synthesis.broken is not None
    assert made.synthesis.broken / made.synthesis.hips == pytest.approx(share, abs=0.04)
    films = defaultdict(list)
    for entry in read_manifest(made.dataset)[1]:
        if entry.synthetic and entry.halving == "midline":
            films[entry.film_code].append(entry)
    broken = [sum(e.fracture for e in hips) for hips in films.values()]
    assert sum(broken) == made.synthesis.broken == sum(made.synthesis.types.values())
    assert set(broken) == ({0, 1} if share < 0.5 else {1, 2})
    for hips in films.values():
        assert {e.pair_has_fracture for e in hips} == {any(e.fracture for e in hips)}
        assert all((e.rect_x0_px is not None) is e.fracture is bool(e.fracture_type) for e in hips)
    told = f"{made.synthesis.hips} synthetic hips, {made.synthesis.broken} of them broken"
    assert told in made.synthesis.words


def test_too_few_patients_for_a_probe_is_said(made: ExportSummary) -> None:
    manifest, _ = read_manifest(made.dataset)
    assert manifest.synthesis is not None
    assert manifest.synthesis.probe is not None
    assert manifest.synthesis.probe.value is None
    assert "not measured, fewer than 10 patients" in manifest.synthesis.words


def test_datasets_made_before_are_read() -> None:
    old = {"hips": 40, "bases": 7, "unusable": 0, "partitions": ["training"]}
    assert "40 synthetic hips, half of them broken; validation is real" in Synthesis.from_json(old).words


def test_a_project_without_whole_films(tmp_path: Path) -> None:
    with open_project(tmp_path / "P", create=True) as project, pytest.raises(UserError) as caught:
        synthesize(project, tmp_path / "D", hips=10)
    assert caught.value.code is ErrorCode.SYNTHESIS_WITHOUT_FILMS
    assert not (tmp_path / "D").exists()


def test_figures_on_synthetic_hips_are_called_so(made: ExportSummary) -> None:
    manifest, _ = read_manifest(made.dataset)
    codes = {p: [c.code for c in cautions(fake_card(), manifest, p, (), (), ())] for p in Partition}
    assert codes[Partition.VALIDATION][0] == codes[Partition.TRAINING][0] == "synthetic"
    assert "synthetic" not in codes[Partition.TEST]


def test_the_verb_says_what_is_synthetic(
    project_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert hipcad(["synthesize", str(project_folder), "--hips", "12", "--to", str(tmp_path / "D")]) == 0
    out = capsys.readouterr().out
    assert "12 synthetic hips" not in out  # validation's are counted too
    assert "synthetic hips, half of them broken; validation is synthetic too" in out
    assert json.loads((tmp_path / "D" / "dataset.json").read_text())["synthesis"]["bases"] > 0
