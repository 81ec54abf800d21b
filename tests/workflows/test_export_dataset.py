"""A dataset: the right strips, the right labels, the same bytes every time, and nobody's name in any of them."""

from __future__ import annotations

import errno
import os
import shutil
import statistics
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hipcad_desktop.domain.anatomy import FractureType, Side
from hipcad_desktop.domain.annotation import Answer, ExclusionReason, Finding, Verdict
from hipcad_desktop.domain.cohort import Partition, PartitionRule
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.geometry import Rectangle, Window
from hipcad_desktop.domain.halving import MARGIN_SHARE, HalvingMethod
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.domain.scope import FilmScope
from hipcad_desktop.imaging.dataset_files import read_images, read_manifest
from hipcad_desktop.imaging.hip_image import hip_image
from hipcad_desktop.imaging.reader import read_film, read_picture
from hipcad_desktop.store.project_store import Project
from hipcad_desktop.workflows.annotate import Session
from hipcad_desktop.workflows.export_dataset import CACHE_FOLDER, ExportSummary, export_dataset
from hipcad_desktop.workflows.import_films import import_films
from hipcad_desktop.workflows.open_project import FilmRow, list_films, open_project
from tests.fakes.dicom_files import dicom_file
from tests.fakes.project_films import HEIGHT, WIDTH, midline_in_the_middle, write_film, write_films

pytestmark = pytest.mark.usefixtures("midline_in_the_middle")
__all__ = ["midline_in_the_middle"]

WHOLE = Answer(Verdict.NO_FRACTURE)
BOX = Rectangle(30, 60, 30, 20)  # on the picture's left


def broken(*rectangles: Rectangle, kind: FractureType | None = None, mirrored: bool | None = None) -> Answer:
    return Answer(Verdict.FRACTURE, tuple(Finding(r, kind) for r in rectangles), mirrored=mirrored)


@pytest.fixture
def project(tmp_path: Path):  # type: ignore[no-untyped-def]
    with open_project(tmp_path / "P", create=True) as opened:
        yield opened


def films_of(project: Project, folder: Path, count: int) -> list[FilmRow]:
    write_films(folder, count)
    import_films(project, [folder])
    return list_films(project, reader="A")


def read(project: Project, films: list[FilmRow], *answers: Answer, reader: str = "A") -> None:
    session = Session(project, reader=reader)
    for film, answer in zip(films, answers, strict=False):
        session.save(film.film_id, answer)


def bytes_below(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_a_broken_film_is_halved_twice_as_the_method_says(project: Project, tmp_path: Path) -> None:
    films = films_of(project, tmp_path / "films", 1)
    read(project, films, broken(BOX, kind=FractureType.GARDEN_II))
    summary = export_dataset(project, tmp_path / "D")
    manifest, entries = read_manifest(tmp_path / "D", verify=True)
    line = BOX.x1 + MARGIN_SHARE * WIDTH
    width = WIDTH - line
    overlap = width / WIDTH - 0.5
    assert manifest.overlap_share == summary.overlap_share == pytest.approx(overlap)
    found = {(e.side, e.halving): (e.x0_px, e.x1_px, e.fracture, e.fracture_type) for e in entries}
    assert found == {
        (Side.RIGHT, HalvingMethod.PAPER): (0, pytest.approx(width), True, "Garden II"),
        (Side.LEFT, HalvingMethod.PAPER): (pytest.approx(line), WIDTH, False, ""),
        (Side.RIGHT, HalvingMethod.MIDLINE): (0, pytest.approx((0.5 + overlap) * WIDTH), True, "Garden II"),
        (Side.LEFT, HalvingMethod.MIDLINE): (pytest.approx((0.5 - overlap) * WIDTH), WIDTH, False, ""),
    }
    assert {(e.line_px, e.margin_share, e.overlap_share) for e in entries} == {
        (line, MARGIN_SHARE, None),
        (WIDTH / 2, None, manifest.overlap_share),
    }
    eight_bit = read_film(tmp_path / "films" / "film0.png").eight_bit
    for entry, image in zip(entries, read_images(tmp_path / "D", entries), strict=True):
        assert np.array_equal(image, hip_image(eight_bit, Window(entry.x0_px, entry.x1_px)))
        assert entry.pair_has_fracture
        assert (entry.film_width, entry.film_height, entry.mapping_rule) == (WIDTH, HEIGHT, "identity8")
    assert (summary.films, summary.hips, summary.not_exported) == (1, 2, ())
    assert summary.counts["training"] == {"patients": 1, "films": 1, "fracture": 1, "no_fracture": 1}
    assert manifest.counts == summary.counts


def test_a_whole_film_is_halved_at_its_midline(project: Project, tmp_path: Path) -> None:
    films = films_of(project, tmp_path / "films", 2)
    read(project, films, WHOLE, broken(BOX))
    export_dataset(project, tmp_path / "D")
    manifest, entries = read_manifest(tmp_path / "D")
    d = manifest.overlap_share * WIDTH
    whole = [e for e in entries if not e.pair_has_fracture]
    assert {(e.side, e.halving, e.x0_px, e.x1_px, e.margin_share) for e in whole} == {
        (Side.RIGHT, HalvingMethod.PAPER, 0, WIDTH / 2, None),
        (Side.LEFT, HalvingMethod.PAPER, WIDTH / 2, WIDTH, None),
        (Side.RIGHT, HalvingMethod.MIDLINE, 0, WIDTH / 2 + d, None),
        (Side.LEFT, HalvingMethod.MIDLINE, WIDTH / 2 - d, WIDTH, None),
    }
    assert not any(e.fracture for e in whole)


@pytest.mark.parametrize(
    ("mirrored", "side", "source"), [(None, "R", "assumed"), (False, "R", "reader"), (True, "L", "reader")]
)
def test_the_readers_word_decides_the_sides(
    project: Project, tmp_path: Path, mirrored: bool | None, side: str, source: str
) -> None:
    films = films_of(project, tmp_path / "films", 1)
    read(project, films, broken(BOX, mirrored=mirrored))
    export_dataset(project, tmp_path / "D")
    entries = read_manifest(tmp_path / "D")[1]
    assert {(e.side.value, e.side_source) for e in entries if e.fracture} == {(side, source)}
    assert all(f"_{side}_" in e.image for e in entries if e.fracture)


def test_both_hips_broken(project: Project, tmp_path: Path) -> None:
    films = films_of(project, tmp_path / "films", 1)
    read(project, films, broken(BOX, BOX.mirrored(WIDTH)))
    summary = export_dataset(project, tmp_path / "D")
    assert all(e.fracture for e in read_manifest(tmp_path / "D")[1])
    assert summary.counts["training"]["fracture"] == 2


def test_every_film_that_is_left_out_is_named_with_why(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def off(film: Any) -> FilmScope:
        return FilmScope({7: 20.0, 8: 150.0}.get(order.index(film.radiograph.film_id), WIDTH / 2), 1.0)

    paths = write_films(tmp_path / "films", 12)
    order = [read_film(p).radiograph.film_id for p in paths]
    monkeypatch.setattr("hipcad_desktop.workflows.import_films.look", off)
    films = films_of(project, tmp_path / "films", 12)
    read(
        project,
        films,
        broken(BOX),
        Answer(Verdict.UNSURE),
        Answer(Verdict.EXCLUDED, exclusion=ExclusionReason.SHAFT_FRACTURE, exclusion_text="Mr Smith"),
        WHOLE,
        broken(Rectangle(20, 0, 160, 9)),
        broken(Rectangle(20, 0, 75, 9), Rectangle(90, 0, 75, 9)),
        WHOLE,
        WHOLE,
        broken(Rectangle(110, 0, 20, 20)),
        WHOLE,
        WHOLE,
    )
    read(project, [films[3]], broken(BOX), reader="B")
    (tmp_path / "films" / "film9.png").unlink()
    write_film(tmp_path / "films" / "film10.png", 99)
    summary = export_dataset(project, tmp_path / "D")
    assert {n.file_name: n.code for n in summary.not_exported} == {
        "film1.png": ErrorCode.NOT_EXPORTED_UNSURE,
        "film2.png": ErrorCode.NOT_EXPORTED_EXCLUDED,
        "film3.png": ErrorCode.NOT_EXPORTED_DISAGREE,
        "film4.png": ErrorCode.NOT_HALVED_WINDOW_TOO_NARROW,
        "film5.png": ErrorCode.NOT_HALVED_NO_GAP,
        "film7.png": ErrorCode.NOT_HALVED_MIDLINE_AT_EDGE,
        "film8.png": ErrorCode.NOT_HALVED_SIDE_UNCLEAR,
        "film9.png": ErrorCode.FILE_MISSING,
        "film10.png": ErrorCode.FILM_CHANGED,
        "film11.png": ErrorCode.NOT_EXPORTED_UNREAD,
    }
    assert all(n.sentence and "?" not in n.sentence for n in summary.not_exported)
    assert (summary.films, summary.hips) == (2, 4)
    manifest, _ = read_manifest(tmp_path / "D")
    assert [(n.film_code, n.code) for n in manifest.not_exported] == [
        (n.film_code, n.code) for n in summary.not_exported
    ]


def test_no_byte_that_leaves_names_a_person_or_a_file(project: Project, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 4000, (HEIGHT, WIDTH), dtype=np.uint16)
    folder = tmp_path / "Tanaka"
    folder.mkdir()
    for i in range(3):
        dicom_file(
            folder / f"Yamada_{i}.dcm",
            pixels + i,
            PatientID="ID4711",
            PatientName="Suzuki^Hanako",
            IssuerOfPatientID="Gamagori",
            StudyDescription="Kobayashi",
        )
    import_films(project, [folder])
    films = list_films(project, reader="A")
    read(project, films, broken(BOX), WHOLE, reader="Dr Sato")
    excluded = Answer(Verdict.EXCLUDED, exclusion=ExclusionReason.OTHER, exclusion_text="Suzuki fell")
    read(project, films[2:], excluded, reader="Dr Sato")
    summary = export_dataset(project, tmp_path / "D")
    assert summary.films == 2
    everything = b"\n".join(p.encode() + b + bytes(p, "utf-8") for p, b in bytes_below(tmp_path / "D").items()).lower()
    for word in ("yamada", "suzuki", "hanako", "4711", "gamagori", "kobayashi", "sato", "tanaka", "fell"):
        assert word.encode() not in everything


def test_the_same_project_and_seed_give_the_same_bytes(project: Project, tmp_path: Path) -> None:
    films = films_of(project, tmp_path / "films", 9)
    read(project, films, *([broken(BOX)] * 4 + [WHOLE] * 4))
    for name in ("D1", "D2"):
        export_dataset(project, tmp_path / name, seed=1)
    assert bytes_below(tmp_path / "D1") == bytes_below(tmp_path / "D2")
    partitions = {}
    for seed in range(1, 4):
        export_dataset(project, tmp_path / f"S{seed}", seed=seed)
        entries = read_manifest(tmp_path / f"S{seed}")[1]
        partitions[seed] = tuple(sorted((e.film_code, e.partition.value) for e in entries))
    assert len(set(partitions.values())) > 1, "the seed decides"


def test_partitions_are_by_patient_and_shared_films_join_patients(project: Project, tmp_path: Path) -> None:
    write_films(tmp_path / "films", 12)
    write_film(tmp_path / "films" / "again.png", 0, comment="under another patient")
    names = {f"film{i}.png": f"patient{i % 8}" for i in range(12)} | {"again.png": "patient5"}
    (tmp_path / "patients.csv").write_text("file,patient\n" + "".join(f"{f},{p}\n" for f, p in names.items()))
    import_films(project, [tmp_path / "films"], patients=tmp_path / "patients.csv")
    films = list_films(project, reader="A")
    read(project, films, *[broken(BOX) if int(f.patient[1:]) % 2 else WHOLE for f in films])
    patients = {f.film_id[:12]: names[f.file_name] for f in films}
    tested = set()
    for seed in range(4):
        export_dataset(project, tmp_path / f"D{seed}", seed=seed, rule=PartitionRule(0.3, 0.3))
        where: dict[str, set[Partition]] = {}
        for entry in read_manifest(tmp_path / f"D{seed}")[1]:
            where.setdefault(patients[entry.film_code], set()).add(entry.partition)
        assert all(len(partitions) == 1 for partitions in where.values())
        assert where["patient0"] == where["patient5"], "they share a film"
        tested |= {p for partitions in where.values() for p in partitions}
    assert tested == set(Partition)


def test_the_overlap_is_the_median_of_the_training_films_alone(project: Project, tmp_path: Path) -> None:
    films = films_of(project, tmp_path / "films", 12)
    read(project, films, *[broken(replace(BOX, x=5.0 + i)) for i in range(10)])
    export_dataset(project, tmp_path / "D")
    manifest, entries = read_manifest(tmp_path / "D")
    widths = [
        (e.x1_px - e.x0_px) / e.film_width
        for e in entries
        if e.fracture and e.halving is HalvingMethod.PAPER and e.partition is Partition.TRAINING
    ]
    assert len(widths) < 10
    assert manifest.overlap_share == pytest.approx(statistics.median(widths) - 0.5)


def test_a_dataset_of_one_class_is_exported_and_says_so(project: Project, tmp_path: Path) -> None:
    films = films_of(project, tmp_path / "films", 2)
    read(project, films, WHOLE, WHOLE)
    summary = export_dataset(project, tmp_path / "D")
    assert summary.counts["training"] == {"patients": 2, "films": 2, "fracture": 0, "no_fracture": 4}
    assert summary.overlap_share == 0


def code_of(project: Project, to: Path, watch: Watch | None = None) -> ErrorCode:
    with pytest.raises(UserError) as raised:
        export_dataset(project, to, watch=watch or Watch())
    return raised.value.code


def test_an_export_that_cannot_be_leaves_nothing(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stop(Watch):
        """Stops after the second film."""

        done = 0

        def step(self, stage: str, done: int, total: int, **facts: Any) -> None:
            self.done = done

        def cancelled(self) -> bool:
            return self.done >= 2

    films = films_of(project, tmp_path / "films", 6)
    before = sorted(os.listdir(tmp_path))
    assert code_of(project, tmp_path / "D") is ErrorCode.NOTHING_TO_EXPORT
    read(project, films, *[broken(BOX)] * 5)
    assert code_of(project, tmp_path / "new" / "D", Stop()) is ErrorCode.CANCELLED
    (tmp_path / "file").write_text("x")
    assert code_of(project, tmp_path / "file") is ErrorCode.TARGET_NOT_EMPTY
    assert code_of(project, tmp_path / "file" / "D") is ErrorCode.FOLDER_NOT_WRITABLE
    (tmp_path / "file").unlink()
    assert code_of(project, tmp_path / "films") is ErrorCode.TARGET_NOT_EMPTY

    def full(path: Path, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("hipcad_desktop.workflows.export_dataset._write", full)
    assert code_of(project, tmp_path / "D") is ErrorCode.DISK_FULL
    assert sorted(os.listdir(tmp_path)) == before
    assert len(os.listdir(tmp_path / "films")) == 6


def test_an_empty_folder_is_filled(project: Project, tmp_path: Path) -> None:
    films = films_of(project, tmp_path / "films", 1)
    read(project, films, WHOLE)
    (tmp_path / "D").mkdir()
    export_dataset(project, tmp_path / "D")
    assert len(read_manifest(tmp_path / "D")[1]) == 4


def test_what_a_film_lost_meanwhile_is_left_out(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    films = films_of(project, tmp_path / "films", 2)
    read(project, films, WHOLE, WHOLE)

    def vanish(paths: list[Path], film_id: str) -> Any:
        if paths[0].name == "film1.png":
            raise UserError(ErrorCode.FILM_DAMAGED, path=str(paths[0]), detail="x")
        return read_picture(paths[0])[1]

    monkeypatch.setattr("hipcad_desktop.workflows.export_dataset.picture_from", vanish)
    summary = export_dataset(project, tmp_path / "D")
    assert isinstance(summary, ExportSummary)
    assert [(n.file_name, n.code) for n in summary.not_exported] == [("film1.png", ErrorCode.FILM_DAMAGED)]
    assert summary.films == 1
    assert b"film1" not in (tmp_path / "D" / "dataset.json").read_bytes()


def test_a_second_export_decodes_nothing_and_gives_the_same_bytes(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    films = films_of(project, tmp_path / "films", 4)
    read(project, films, broken(BOX), WHOLE, broken(BOX), WHOLE)
    export_dataset(project, tmp_path / "D1")
    decoded: list[str] = []

    def counted(paths: list[Path], film_id: str) -> Any:
        decoded.append(paths[0].name)
        return read_picture(paths[0])[1]

    monkeypatch.setattr("hipcad_desktop.workflows.export_dataset.picture_from", counted)
    export_dataset(project, tmp_path / "D2")
    assert decoded == []
    kept = sorted((project.path / CACHE_FOLDER).rglob("*.hips"))
    kept[0].write_bytes(kept[0].read_bytes()[:-1])
    kept[1].unlink()
    export_dataset(project, tmp_path / "D3")
    assert len(decoded) == 2
    read(project, films, broken(replace(BOX, x=20)))
    export_dataset(project, tmp_path / "D4")
    assert "film0.png" in decoded[2:], "another window is made anew"
    assert bytes_below(tmp_path / "D1") == bytes_below(tmp_path / "D2") == bytes_below(tmp_path / "D3")
    shutil.rmtree(project.path / "cache")
    export_dataset(project, tmp_path / "D5")
    assert bytes_below(tmp_path / "D4") == bytes_below(tmp_path / "D5")
