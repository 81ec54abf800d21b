"""Simulated films as files: DICOM DX or JPEG, each of which says in its own header that no patient had it."""

from __future__ import annotations

import io
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hipcad_desktop.simulation.exposure import STYLES, WHITE
from hipcad_desktop.simulation.film import FilmTruth, SimulatedFilm

FilmFormat = Literal["dicom", "jpeg"]
SUFFIX: dict[FilmFormat, str] = {"dicom": ".dcm", "jpeg": ".jpg"}
NOTICE = "SIMULATED FILM - NO PATIENT - NOT FOR DIAGNOSIS"
ISSUER = "HIPCAD SIMULATION"
_DATE = "20200414"  # fictitious and fixed: the same seed gives the same bytes on any day
_DX_FOR_PRESENTATION = "1.2.840.10008.5.1.4.1.1.1.1"


def encode_film(film: SimulatedFilm, *, film_format: FilmFormat, patient: str) -> bytes:
    """The film as a file's bytes; patient is a fictitious identifier such as SIM-7-0001."""
    return encode_dicom(film, patient=patient) if film_format == "dicom" else encode_jpeg(film)


def encode_jpeg(film: SimulatedFilm) -> bytes:
    """8-bit grey JPEG in the hospital's quality, with the notice as its comment."""
    grey = (film.values >> 4).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(grey).save(
        buffer, "JPEG", quality=STYLES[film.truth.hospital].jpeg_quality, comment=NOTICE.encode("ascii")
    )
    return buffer.getvalue()


def encode_dicom(film: SimulatedFilm, *, patient: str) -> bytes:
    """12-bit Digital X-Ray image for presentation (PS3.3 A.26), MONOCHROME1 where the hospital stores so."""
    from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
    from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

    truth = film.truth
    key = [patient, truth.hospital, str(truth.seed), str(film.values.shape), str(truth.fracture_type)]
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(_DX_FOR_PRESENTATION)
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[*key, "instance"])
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID = meta.MediaStorageSOPClassUID
    dataset.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    dataset.StudyInstanceUID = generate_uid(entropy_srcs=[*key, "study"])
    dataset.SeriesInstanceUID = generate_uid(entropy_srcs=[*key, "series"])
    _say_who(dataset, truth, patient)
    _say_what(dataset, truth)
    region = Dataset()
    region.CodeValue, region.CodingSchemeDesignator, region.CodeMeaning = "12921003", "SCT", "Pelvis"
    dataset.AnatomicRegionSequence = [region]
    _put_pixels(dataset, film)
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def _say_who(dataset: object, truth: FilmTruth, patient: str) -> None:
    number = patient.rsplit("-", 1)[-1]
    # hospital A names people as Japanese hospitals do, PS3.5 annex H; the others in UTF-8
    charset = ["", "ISO 2022 IR 87"] if truth.hospital == "A" else "ISO_IR 192"
    _set(
        dataset,
        SpecificCharacterSet=charset,
        PatientName=f"SIM^{number}=シミュレーション^{number}",
        PatientID=patient,
        IssuerOfPatientID=ISSUER,
        PatientBirthDate="",
        PatientSex="F" if truth.female else "M",
        PatientAge=f"{truth.age_years:03d}Y",
        PatientIdentityRemoved="YES",
        DeidentificationMethod="Simulated by HipCAD Desktop: there is no patient",
        StudyDate=_DATE,
        SeriesDate=_DATE,
        AcquisitionDate=_DATE,
        ContentDate=_DATE,
        StudyTime="120000",
        ContentTime="120000",
        AccessionNumber="",
        ReferringPhysicianName="",
        StudyID=number,
        SeriesNumber=1,
        InstanceNumber=1,
    )


def _say_what(dataset: object, truth: FilmTruth) -> None:
    _set(
        dataset,
        Modality="DX",
        PresentationIntentType="FOR PRESENTATION",
        Manufacturer="HipCAD Desktop (simulation)",
        InstitutionName=f"Simulated hospital {truth.hospital}",
        StudyDescription="SIMULATED pelvis",
        SeriesDescription="SIMULATED pelvis AP",
        ImageComments=NOTICE,
        DerivationDescription=f"Computed from a parametric skeleton, seed {truth.seed}",
        BodyPartExamined="PELVIS",
        ViewPosition="AP",
        ImageLaterality="B",
        PatientOrientation=["L", "F"],  # rows run to the patient's left, columns to the feet (PS3.3 C.7.6.1.1.1)
        ImageType=["DERIVED", "PRIMARY", ""],
        AcquisitionContextSequence=[],
        DetectorType="SCINTILLATOR",
        BurnedInAnnotation="NO",
        LossyImageCompression="00",
    )


def _put_pixels(dataset: object, film: SimulatedFilm) -> None:
    inverted = STYLES[film.truth.hospital].inverted
    stored: NDArray[np.uint16] = np.uint16(WHITE) - film.values if inverted else film.values
    height, width = stored.shape
    spacing = [f"{film.truth.spacing_mm:.6f}"] * 2
    _set(
        dataset,
        SamplesPerPixel=1,
        PhotometricInterpretation="MONOCHROME1" if inverted else "MONOCHROME2",
        PresentationLUTShape="INVERSE" if inverted else "IDENTITY",
        Rows=height,
        Columns=width,
        BitsAllocated=16,
        BitsStored=12,
        HighBit=11,
        PixelRepresentation=0,
        PixelSpacing=spacing,
        ImagerPixelSpacing=spacing,
        PixelIntensityRelationship="LOG",
        PixelIntensityRelationshipSign=1 if inverted else -1,  # PS3.3 C.8.11.3.1.2
        RescaleIntercept="0",
        RescaleSlope="1",
        RescaleType="US",
        WindowCenter="2048",
        WindowWidth="4096",
        PixelData=stored.astype("<u2").tobytes(),
    )


def _set(dataset: object, **values: object) -> None:
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
