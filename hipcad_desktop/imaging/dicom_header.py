"""What a DICOM header says: facts for scope and units, sides, the patient. Each decision cites its clause of PS3.3."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from pydicom.dataset import Dataset

from hipcad_desktop.domain.anatomy import Side, SideMap, SideSource
from hipcad_desktop.domain.radiograph import HeaderFacts, PatientFacts

MAX_SPACING_MM = 1.0  # no radiograph is coarser; larger values are mistakes or screen pixels
DESCRIPTION_KEYWORDS = (
    "StudyDescription",
    "SeriesDescription",
    "ProtocolName",
    "PerformedProcedureStepDescription",
    "RequestedProcedureDescription",
    "AcquisitionDeviceProcessingDescription",
)
LATERAL_VIEWS = frozenset({"LL", "RL", "LATERAL", "LLD", "RLD", "LLO", "RLO"})
SCANNER_CHARACTERS = 40
_COMPANY_WORDS = frozenset(
    {"corporation", "corp", "inc", "co", "ltd", "gmbh", "ag", "kk", "medical", "systems", "healthcare"}
)
# Sites write these into the model's name too; each names one machine, one place or one person.
_NAMES_ONE = (
    "DeviceSerialNumber",
    "DetectorID",
    "StationName",
    "InstitutionName",
    "PatientID",
    "PatientName",
    "OperatorsName",
)
_SIDES = {"L": Side.LEFT, "R": Side.RIGHT}
_OPPOSITE = {"L": "R", "R": "L", "H": "F", "F": "H"}


def value(dataset: Dataset, keyword: str) -> Any:
    """An element's value, or None where it is absent, empty or cannot be understood: none of these is needed."""
    try:
        found = dataset.get(keyword)
    except Exception:  # pydicom converts late and raises whatever the bytes provoke
        return None
    return None if found is None or found == "" else found


def text(dataset: Dataset, keyword: str) -> str | None:
    """An element's value as text, None where there is none. Of several values the first."""
    found = value(dataset, keyword)
    if found is None:
        return None
    if not isinstance(found, str) and isinstance(found, (list, tuple)):
        found = found[0] if found else ""
    words = " ".join(str(found).replace("\0", " ").split())
    return words or None


def _numbers(dataset: Dataset, keyword: str) -> tuple[float, ...]:
    found = value(dataset, keyword)
    try:
        items = found if hasattr(found, "__iter__") and not isinstance(found, (str, bytes)) else [found]
        return tuple(float(item) for item in items)
    except (TypeError, ValueError):
        return ()


def header_facts(dataset: Dataset, *, frames: int, turned: bool, colour: bool) -> HeaderFacts:
    """Facts for scope and units. turned: the film was rotated by a quarter, so row and column spacing change."""
    spacing, source = _spacing(dataset)
    if spacing and turned:
        spacing = (spacing[1], spacing[0])
    body_part = text(dataset, "BodyPartExamined")
    modality, view = text(dataset, "Modality"), text(dataset, "ViewPosition")
    return HeaderFacts(
        modality=modality.upper() if modality else None,
        body_part=body_part.upper() if body_part else None,
        view_position=view.upper() if view else None,
        description=_description(dataset),
        frames=frames,
        spacing_mm=spacing,
        spacing_source=source,
        colour=colour,
        scanner=_scanner(dataset),
    )


def _scanner(dataset: Dataset) -> str | None:
    """Manufacturer and ManufacturerModelName (C.7.5.1) in plain letters; what names one machine or person is left out.

    Left out are the words that other elements of the header use as such a name, and numbers of six digits and more.
    """
    forbidden = {word for keyword in _NAMES_ONE for word in _words(text(dataset, keyword))}
    kept: list[str] = []
    for keyword in ("Manufacturer", "ManufacturerModelName"):
        for word in re.sub(r"[^A-Za-z0-9 ._-]", " ", text(dataset, keyword) or "").split():
            known = {k.lower() for k in kept} | _COMPANY_WORDS
            names_one = re.search(r"\d{6}", word) or {word.lower(), *_words(word)} & forbidden
            if not names_one and word.lower().strip(".") not in known:
                kept.append(word)
    return " ".join(kept)[:SCANNER_CHARACTERS].strip() or None


def _words(said: str | None) -> set[str]:
    """The words of a name, and it as a whole, in small letters; short numbers and letters alone name nobody."""
    whole = (said or "").lower()
    return {w for w in {whole, *re.split(r"[^a-z0-9]+", whole)} if (len(w) > 2 and not w.isdigit()) or len(w) > 5}


def _description(dataset: Dataset) -> str | None:
    words = [text(dataset, keyword) for keyword in DESCRIPTION_KEYWORDS]
    for keyword in ("AnatomicRegionSequence", "ViewCodeSequence", "ProcedureCodeSequence"):
        for item in value(dataset, keyword) or ():
            if isinstance(item, Dataset):
                words.append(text(item, "CodeMeaning"))
    return " | ".join(dict.fromkeys(word for word in words if word)) or None


def _spacing(dataset: Dataset) -> tuple[tuple[float, float] | None, str | None]:
    """(row, column) in mm and where it holds (C.10.7.1.3): in the patient if calibrated, else at the detector."""
    image = _plausible(_numbers(dataset, "PixelSpacing"))
    detector = _plausible(_numbers(dataset, "ImagerPixelSpacing"))
    if image:
        if text(dataset, "PixelSpacingCalibrationType") or (detector and detector != image):
            return image, "calibrated"
        return image, "detector" if detector else "image"
    return (detector, "detector") if detector else (None, None)


def _plausible(spacing: tuple[float, ...]) -> tuple[float, float] | None:
    if len(spacing) != 2 or not all(math.isfinite(v) and 0 < v <= MAX_SPACING_MM for v in spacing):
        return None
    return spacing[0], spacing[1]


@dataclass(frozen=True, slots=True)
class Orientation:
    """How to turn the stored film upright (quarters counterclockwise), and which side then lies where."""

    quarters: int
    sides: SideMap


def orientation(dataset: Dataset) -> Orientation:
    """From PatientOrientation (C.7.6.1.1.1): where the rows, then where the columns point to.

    The film is rotated so that the head is up, never mirrored: a mirrored film keeps its pixels and says so. Rows that
    point anterior or posterior, a lateral view, a missing or impossible value leave film and sides as assumed.
    """
    found = value(dataset, "PatientOrientation")
    items = [found] if isinstance(found, str) else list(found or ()) if hasattr(found, "__iter__") else []
    letters = [str(item).strip().upper()[:1] for item in items]
    view = (text(dataset, "ViewPosition") or "").upper()
    if len(letters) != 2 or view in LATERAL_VIEWS:
        return Orientation(0, SideMap())
    row, column = letters
    if row in "LR" and column in "HF" and row and column:
        quarters, right = (0, row) if column == "F" else (2, _OPPOSITE[row])
    elif row in "HF" and column in "LR" and row and column:
        # Head on the picture's right: counterclockwise, and what pointed down points right. On the left: clockwise.
        quarters, right = (1, column) if row == "H" else (3, _OPPOSITE[column])
    else:
        return Orientation(0, SideMap())
    return Orientation(quarters, SideMap(_SIDES[right].other, SideSource.HEADER))


def patient_facts(dataset: Dataset) -> PatientFacts:
    """Who the header says the patient is. The identifier is unique only with its issuer (C.2.2)."""
    identifier, issuer = text(dataset, "PatientID"), text(dataset, "IssuerOfPatientID")
    return PatientFacts(
        identifier=f"{issuer or ''}^{identifier}" if identifier else None,
        name=text(dataset, "PatientName"),
        birth_date=text(dataset, "PatientBirthDate"),
        sex=text(dataset, "PatientSex"),
        study_date=text(dataset, "StudyDate"),
        age_years=_age_years(dataset),
    )


def _age_years(dataset: Dataset) -> int | None:
    """From PatientAge (PS3.5 6.2 AS: 079Y, 011M, 003W, 012D), else from the dates of birth and study."""
    age = text(dataset, "PatientAge") or ""
    if len(age) >= 2 and age[:-1].isdigit() and age[-1] in "YMWD":
        return int(age[:-1]) // {"Y": 1, "M": 12, "W": 52, "D": 365}[age[-1]]
    birth, study = text(dataset, "PatientBirthDate") or "", text(dataset, "StudyDate") or ""
    if len(birth) == len(study) == 8 and birth.isdigit() and study.isdigit() and study >= birth:
        return (int(study) - int(birth)) // 10_000
    return None
