"""Simulated films as files: DICOM DX or JPEG, each of which says in its own header that no patient had it."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hipcad_desktop.simulation.exposure import STYLES, WHITE, Hospital
from hipcad_desktop.simulation.film import SimulatedFilm
from hipcad_desktop.simulation.wrong import WrongFilm, WrongKind

FilmFormat = Literal["dicom", "jpeg"]
SUFFIX: dict[FilmFormat, str] = {"dicom": ".dcm", "jpeg": ".jpg"}
NOTICE = "SIMULATED FILM - NO PATIENT - NOT FOR DIAGNOSIS"
ISSUER = "HIPCAD SIMULATION"
_DATE = "20200414"  # fictitious and fixed: the same seed gives the same bytes on any day
_DX_FOR_PRESENTATION = "1.2.840.10008.5.1.4.1.1.1.1"


@dataclass(frozen=True, slots=True)
class BodyPart:
    """What a header says of the part and the view (PS3.16 CID 4009, BodyPartExamined of annex L; CID 4010)."""

    examined: str
    code: str
    meaning: str
    view: str = "AP"
    laterality: str = "U"


_PELVIS = BodyPart("PELVIS", "12921003", "Pelvis", laterality="B")
_WRONG: Mapping[WrongKind, BodyPart] = {
    WrongKind.ONE_HIP: BodyPart("HIP", "29836001", "Hip"),
    WrongKind.LATERAL_HIP: BodyPart("HIP", "29836001", "Hip", view="LL"),
    WrongKind.FROG: BodyPart("HIP", "29836001", "Hip", laterality="B"),
    WrongKind.KNEE: BodyPart("KNEE", "72696002", "Knee"),
    WrongKind.CHEST: BodyPart("CHEST", "51185008", "Chest"),
    WrongKind.LUMBAR: BodyPart("LSPINE", "122496007", "Lumbar spine"),
    WrongKind.HAND: BodyPart("HAND", "85562004", "Hand"),
}
_VIEWS = {"AP": ("399348003", "antero-posterior"), "LL": ("399173006", "left lateral")}


@dataclass(frozen=True, slots=True, eq=False)
class _Subject:
    """What both kinds of film say of themselves."""

    values: NDArray[np.uint16]
    hospital: Hospital
    seed: int
    spacing_mm: float
    female: bool
    age_years: int
    part: BodyPart
    key: str  # what else tells two films of a seed apart


def _subject(film: SimulatedFilm | WrongFilm) -> _Subject:
    if isinstance(film, WrongFilm):
        facts, part, key = film, _WRONG[film.kind], film.kind.value
        return _Subject(
            film.values, facts.hospital, facts.seed, facts.spacing_mm, facts.female, facts.age_years, part, key
        )
    t = film.truth
    key = f"{t.fracture_type} {t.case}"
    return _Subject(film.values, t.hospital, t.seed, t.spacing_mm, t.female, t.age_years, _PELVIS, key)


def encode_film(film: SimulatedFilm | WrongFilm, *, film_format: FilmFormat, patient: str) -> bytes:
    """The film as a file's bytes; patient is a fictitious identifier such as SIM-7-0001."""
    return encode_dicom(film, patient=patient) if film_format == "dicom" else encode_jpeg(film)


def encode_jpeg(film: SimulatedFilm | WrongFilm) -> bytes:
    """8-bit grey JPEG in the hospital's quality, with the notice as its comment."""
    grey = (film.values >> 4).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(grey).save(
        buffer, "JPEG", quality=STYLES[_subject(film).hospital].jpeg_quality, comment=NOTICE.encode("ascii")
    )
    return buffer.getvalue()


def encode_dicom(film: SimulatedFilm | WrongFilm, *, patient: str) -> bytes:
    """12-bit Digital X-Ray image for presentation (PS3.3 A.26), MONOCHROME1 where the hospital stores so."""
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

    subject = _subject(film)
    key = [patient, subject.hospital, str(subject.seed), str(film.values.shape), subject.key]
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(_DX_FOR_PRESENTATION)
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[*key, "instance"])
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID = meta.MediaStorageSOPClassUID
    dataset.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    dataset.StudyInstanceUID = generate_uid(entropy_srcs=[*key, "study"])
    dataset.SeriesInstanceUID = generate_uid(entropy_srcs=[*key, "series"])
    _say_who(dataset, subject, patient)
    _say_what(dataset, subject)
    _put_pixels(dataset, subject)
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def _code(value: str, meaning: str) -> object:
    from pydicom.dataset import Dataset

    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "SCT", meaning
    return item


def _say_who(dataset: object, subject: _Subject, patient: str) -> None:
    number = patient.rsplit("-", 1)[-1]
    # hospital A names people as Japanese hospitals do, PS3.5 annex H; the others in UTF-8
    charset = ["", "ISO 2022 IR 87"] if subject.hospital == "A" else "ISO_IR 192"
    _set(
        dataset,
        SpecificCharacterSet=charset,
        PatientName=f"SIM^{number}=シミュレーション^{number}",
        PatientID=patient,
        IssuerOfPatientID=ISSUER,
        PatientBirthDate="",
        PatientSex="F" if subject.female else "M",
        PatientAge=f"{subject.age_years:03d}Y",
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


def _say_what(dataset: object, subject: _Subject) -> None:
    part = subject.part
    _set(
        dataset,
        Modality="DX",
        PresentationIntentType="FOR PRESENTATION",
        Manufacturer="HipCAD Desktop (simulation)",
        InstitutionName=f"Simulated hospital {subject.hospital}",
        StudyDescription=f"SIMULATED {part.meaning.lower()}",
        SeriesDescription=f"SIMULATED {part.meaning.lower()} {part.view}",
        ImageComments=NOTICE,
        DerivationDescription=f"Computed from a parametric skeleton, seed {subject.seed}",
        BodyPartExamined=part.examined,
        ViewPosition=part.view,
        ImageLaterality=part.laterality,
        PatientOrientation=["L", "F"],  # rows run to the patient's left, columns to the feet (PS3.3 C.7.6.1.1.1)
        ImageType=["DERIVED", "PRIMARY", ""],
        AnatomicRegionSequence=[_code(part.code, part.meaning)],
        ViewCodeSequence=[_code(*_VIEWS[part.view])],
        AcquisitionContextSequence=[],
        KVP="75",
        DetectorType="SCINTILLATOR",
        BurnedInAnnotation="NO",
        LossyImageCompression="00",
    )


def _put_pixels(dataset: object, subject: _Subject) -> None:
    inverted = STYLES[subject.hospital].inverted
    stored: NDArray[np.uint16] = np.uint16(WHITE) - subject.values if inverted else subject.values
    height, width = stored.shape
    spacing = [f"{subject.spacing_mm:.6f}"] * 2
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
