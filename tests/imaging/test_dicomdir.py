"""A DICOMDIR gives the images that it lists, never a file outside its folder."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import numpy as np
import pytest
from pydicom.config import IGNORE
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, MediaStorageDirectoryStorage

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.imaging.dicomdir import listed_films, read_dicomdir
from hipcad_desktop.workflows.import_films import import_films
from hipcad_desktop.workflows.open_project import list_films, open_project
from tests.fakes.dicom_files import dicom_file
from tests.fakes.project_films import HEIGHT, WIDTH, midline_in_the_middle

__all__ = ["midline_in_the_middle"]


def write_dicomdir(path: Path, *file_ids: object, kind: str = "IMAGE") -> Path:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = MediaStorageDirectoryStorage
    meta.MediaStorageSOPInstanceUID = "1.2.3"
    records = []
    patient = Dataset()
    patient.DirectoryRecordType = "PATIENT"
    records.append(patient)
    for file_id in file_ids:
        record = Dataset()
        record.DirectoryRecordType = kind
        record.add(DataElement(0x00041500, "CS", file_id, validation_mode=IGNORE))
        records.append(record)
    dataset = FileDataset(None, {}, file_meta=meta, preamble=bytes(128))
    dataset.DirectoryRecordSequence = Sequence(records)
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no writer makes such file ids, an attacker does
        dataset.save_as(path, enforce_file_format=True)
    return path


def film(path: Path, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 4000, (HEIGHT, WIDTH), dtype=np.uint16)
    dicom_file(path, pixels, PatientID=f"ID{seed}")
    return path


def test_listed_images_are_found_in_any_case(tmp_path: Path) -> None:
    first, second = film(tmp_path / "d" / "DICOM" / "IM0001"), film(tmp_path / "d" / "dicom2" / "im0002")
    table = write_dicomdir(
        tmp_path / "d" / "DICOMDIR", ["DICOM", "IM0001"], ["DICOM2", "IM0002"], "GONE", ["DICOM", "IM0001"]
    )
    images, missing = read_dicomdir(table)
    assert images == [first, second]
    assert [(m.code, m.facts["path"]) for m in missing] == [(ErrorCode.FILE_MISSING, str(tmp_path / "d" / "GONE"))]
    assert read_dicomdir(write_dicomdir(tmp_path / "other" / "DICOMDIR", "IM1", kind="RT DOSE"))[0] == []


@pytest.mark.parametrize(
    "file_id",
    [
        ["..", "secret.dcm"],
        ["..\\secret.dcm", "X"],
        "../secret.dcm",
        "/etc/passwd",
        ["DICOM", "..", "..", "secret.dcm"],
        ["C:", "secret.dcm"],
        "C:\\secret.dcm",
        ["A"] * 9,
        ["LINK", "secret.dcm"],
        ".",
    ],
)
def test_nothing_outside_the_folder_is_opened(tmp_path: Path, file_id: object) -> None:
    film(tmp_path / "secret.dcm")
    (tmp_path / "d" / "DICOM").mkdir(parents=True)
    os.symlink(tmp_path, tmp_path / "d" / "LINK")
    images, missing = read_dicomdir(write_dicomdir(tmp_path / "d" / "DICOMDIR", file_id))
    assert images == []
    assert [m.code for m in missing] == [ErrorCode.DICOMDIR_BAD]


def test_a_damaged_one_is_told(tmp_path: Path) -> None:
    (tmp_path / "DICOMDIR").write_bytes(b"nothing of the kind")
    with pytest.raises(UserError) as raised:
        listed_films([tmp_path / "DICOMDIR"])
    assert raised.value.code is ErrorCode.DICOMDIR_BAD
    found = listed_films([tmp_path])
    assert found.paths == (tmp_path,)
    assert [m.code for m in found.missing] == [ErrorCode.DICOMDIR_BAD]


@pytest.mark.usefixtures("midline_in_the_middle")
def test_a_project_imports_it(tmp_path: Path) -> None:
    film(tmp_path / "d" / "DICOM" / "IM0001", 1)
    film(tmp_path / "d" / "DICOM" / "IM0002", 2)
    film(tmp_path / "d" / "NOT_LISTED", 3)
    table = write_dicomdir(tmp_path / "d" / "DICOMDIR", ["DICOM", "IM0001"], ["DICOM", "IM0002"], ["DICOM", "IM0003"])
    with open_project(tmp_path / "P", create=True) as project:
        summary = import_films(project, [table])
        assert (summary.imported, [e.code for _, e in summary.refused]) == (2, [ErrorCode.FILE_MISSING])
        assert summary.refused[0][0].endswith("IM0003")
        again = import_films(project, [tmp_path / "d"])
        assert (again.imported, again.already, len(again.refused)) == (1, 2, 1)
        assert len(list_films(project, reader="A")) == 3
