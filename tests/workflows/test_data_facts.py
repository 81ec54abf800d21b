"""What a dataset tells of a hip beside its image: enough for subgroups and probes, nothing that names a person."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hipcad_desktop.domain.anatomy import Side
from hipcad_desktop.domain.annotation import Answer, FilmFlag, Finding, Verdict
from hipcad_desktop.domain.cohort import Partition, PartitionRule
from hipcad_desktop.domain.dataset import HipEntry
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.geometry import Rectangle
from hipcad_desktop.imaging.dataset_files import read_manifest
from hipcad_desktop.store.project_store import Project
from hipcad_desktop.workflows.annotate import Session
from hipcad_desktop.workflows.export_dataset import export_dataset, population
from hipcad_desktop.workflows.import_films import import_films
from hipcad_desktop.workflows.open_project import list_films, open_project
from tests.fakes.dicom_files import dicom_file, film_array
from tests.fakes.project_films import midline_in_the_middle, write_film

pytestmark = pytest.mark.usefixtures("midline_in_the_middle")
__all__ = ["midline_in_the_middle"]

BOX = Rectangle(30, 60, 30, 20)  # on the picture's left: the patient's right
WHOLE = Answer(Verdict.NO_FRACTURE)
BROKEN = Answer(Verdict.FRACTURE, (Finding(BOX),))
PLANTED = {
    "PatientName": "Suzuki^Ichirou",
    "PatientID": "PID778899",
    "PatientBirthDate": "19310203",
    "PatientAge": "093Y",
    "StudyDate": "20240506",
    "AccessionNumber": "ACC5566",
    "StationName": "KITAROOM",
    "InstitutionName": "Minamimachi Hospital",
    "DeviceSerialNumber": "SER4711",
    "OperatorsName": "Watanabe^Kenzou",
    "ReferringPhysicianName": "Nakamura^Junko",
    "StudyDescription": "PELVIS Suzuki",
}


@pytest.fixture
def project(tmp_path: Path):  # type: ignore[no-untyped-def]
    with open_project(tmp_path / "P", create=True) as opened:
        yield opened


def read_all(project: Project, answer: Answer, *, of: str = "") -> None:
    session = Session(project, reader="A")
    for film in list_films(project, reader="A"):
        if film.file_name.startswith(of):
            session.save(film.film_id, answer)


def entries_of(project: Project, to: Path, rule: PartitionRule | None = None) -> list[HipEntry]:
    export_dataset(project, to, rule=rule or PartitionRule())
    return read_manifest(to, verify=True)[1]


def test_facts_of_the_header_and_of_the_import(project: Project, tmp_path: Path) -> None:
    model = "XG1 KITAROOM SER4711 Suzuki"
    elements = {**PLANTED, "PatientSex": "F", "Manufacturer": "FUJIFILM Corporation", "ManufacturerModelName": model}
    dicom_file(tmp_path / "Suzuki.dcm", film_array(160, 200), **elements)
    import_films(project, [tmp_path / "Suzuki.dcm"], hospital="North")
    read_all(project, BROKEN)
    entries = entries_of(project, tmp_path / "D")
    assert {(e.hospital, e.scanner, e.sex, e.age_band) for e in entries} == {("North", "FUJIFILM XG1", "F", "90+")}
    assert len(entries) == 4
    written = b"".join(p.read_bytes() for p in sorted((tmp_path / "D").rglob("*")) if p.is_file()).lower()
    words = {part for value in PLANTED.values() for part in value.replace("^", " ").split()} - {"PELVIS", "Hospital"}
    assert [w for w in sorted(words) if w.lower().encode() in written] == []


def test_a_film_that_tells_nothing_has_no_facts(project: Project, tmp_path: Path) -> None:
    import_films(project, [write_film(tmp_path / "a.png", 0)])
    read_all(project, WHOLE)
    for entry in entries_of(project, tmp_path / "D"):
        assert (entry.hospital, entry.scanner, entry.sex, entry.age_band, entry.flags) == ("",) * 5
        assert entry.rect_x0_px is entry.rect_y0_px is entry.rect_x1_px is entry.rect_y1_px is None


def test_a_hip_has_its_own_rectangles_together_and_its_films_flags(project: Project, tmp_path: Path) -> None:
    import_films(project, [write_film(tmp_path / "a.png", 0)])
    second = Rectangle(20.5, 90, 25, 15.25)
    flags = frozenset({FilmFlag.SPINE_IMPLANT, FilmFlag.IMPLANT_OTHER_HIP})
    read_all(project, Answer(Verdict.FRACTURE, (Finding(BOX), Finding(second)), flags=flags))
    for entry in entries_of(project, tmp_path / "D"):
        corners = (entry.rect_x0_px, entry.rect_y0_px, entry.rect_x1_px, entry.rect_y1_px)
        assert corners == ((20.5, 60, 60, 105.25) if entry.side is Side.RIGHT else (None,) * 4)
        assert entry.flags == "implant on the other hip; spine implant"


def test_the_rectangle_of_a_mirrored_film_goes_with_the_reader_s_side(project: Project, tmp_path: Path) -> None:
    import_films(project, [write_film(tmp_path / "a.png", 0)])
    read_all(project, replace(BROKEN, mirrored=True))
    entries = entries_of(project, tmp_path / "D")
    assert {(e.side, e.rect_x0_px) for e in entries} == {(Side.LEFT, 30.0), (Side.RIGHT, None)}
    assert all(e.fracture is (e.rect_x0_px is not None) for e in entries)


def three_hospitals(project: Project, tmp_path: Path) -> None:
    """A: patients 0-5, B: 6-11, C: 12-17; patient 0 was in C too, on a film that nobody read."""
    rows = []
    for i in range(18):
        write_film(tmp_path / "films" / f"film{i:02d}.png", i)
        rows.append(f"film{i:02d}.png,p{i},{'ABC'[i // 6]},{'MF'[i % 2] if i else ''},{40 + 3 * i}\n")
    write_film(tmp_path / "films" / "other.png", 99)
    rows.append("other.png,p0,C,F,\n")
    (tmp_path / "patients.csv").write_text("file,patient,hospital,sex,age\n" + "".join(rows))
    import_films(project, [tmp_path / "films"], patients=tmp_path / "patients.csv")
    session = Session(project, reader="A")
    for film in list_films(project, reader="A"):
        if film.file_name != "other.png":
            session.save(film.film_id, BROKEN if int(film.file_name[4:6]) % 2 else WHOLE)


def test_a_held_out_hospital_is_the_test_partition(project: Project, tmp_path: Path) -> None:
    three_hospitals(project, tmp_path)
    entries = entries_of(project, tmp_path / "D", PartitionRule(4, 0, ("C",)))
    tested = {e.patient for e in entries if e.partition is Partition.TEST}
    of_c = {e.patient for e in entries if e.hospital == "C"}
    first = {e.patient for e in entries if e.hospital == "A"} & tested
    assert len(of_c) == 6
    assert len(first) == 1, "seen in C too, though that film is not in the dataset"
    assert tested == of_c | first
    assert len({e.film_code for e in entries if e.partition is Partition.VALIDATION}) == 4
    manifest = read_manifest(tmp_path / "D")[0]
    assert manifest.rule == PartitionRule(4, 0, ("C",))
    assert (manifest.share_test, manifest.share_validation) == (7 / 18, 4 / 18)
    assert {e.sex for e in entries if e.patient in first} == {"F"}, "another film of the patient tells it"


def test_a_rule_that_cannot_be_leaves_nothing(project: Project, tmp_path: Path) -> None:
    three_hospitals(project, tmp_path)
    for rule in (PartitionRule(held_out=("D",)), PartitionRule(9, 9), PartitionRule(0.1, 0, ("A", "B", "C"))):
        with pytest.raises(UserError) as raised:
            export_dataset(project, tmp_path / "D", rule=rule)
        assert raised.value.code is ErrorCode.PARTITION_IMPOSSIBLE
        assert not (tmp_path / "D").exists()


def test_the_population_is_what_an_export_divides(project: Project, tmp_path: Path) -> None:
    three_hospitals(project, tmp_path)
    found = population(project)
    assert sum(g.films for g in found.values()) == sum(g.patients for g in found.values()) == 18
    assert sum(g.fracture for g in found.values()) == 9
    assert sorted(tuple(sorted(g.hospitals)) for g in found.values()) == [
        *[("A",)] * 5,
        ("A", "C"),
        *[("B",)] * 6,
        *[("C",)] * 6,
    ]


def test_the_same_rule_gives_the_same_bytes(project: Project, tmp_path: Path) -> None:
    three_hospitals(project, tmp_path)
    for name in ("D1", "D2"):
        export_dataset(project, tmp_path / name, rule=PartitionRule(3, 4, ("C",)), seed=9)
    one, two = ({p.name: p.read_bytes() for p in (tmp_path / d).rglob("*") if p.is_file()} for d in ("D1", "D2"))
    assert one == two


def test_scanners_of_films_imported_before_they_were_kept_are_not_known(project: Project, tmp_path: Path) -> None:
    from sqlalchemy import text

    dicom_file(tmp_path / "a.dcm", film_array(160, 200), Manufacturer="Agfa")
    import_films(project, [tmp_path / "a.dcm"])
    with project.writing() as connection:
        connection.execute(text("UPDATE film SET header = json_remove(header, '$.scanner')"))
    read_all(project, WHOLE)
    assert {e.scanner for e in entries_of(project, tmp_path / "D")} == {""}
