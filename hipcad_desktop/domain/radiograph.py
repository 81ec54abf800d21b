"""A film: who it is by its bytes, how it is laid out, and what its header says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NewType

from hipcad_desktop.domain.anatomy import SideMap
from hipcad_desktop.domain.geometry import Size

FilmId = NewType("FilmId", str)  # SHA-256 of the file's bytes, 64 hex digits
PatientCode = NewType("PatientCode", str)  # pseudonym inside a project: P0001, P0002, ...


@dataclass(frozen=True, slots=True)
class HeaderFacts:
    """What a DICOM header says that decides scope and units. All None for JPEG, PNG and TIFF. No identity."""

    modality: str | None = None
    body_part: str | None = None  # BodyPartExamined, upper case
    view_position: str | None = None
    description: str | None = None  # protocol/series words used for scope only, never exported
    frames: int = 1
    spacing_mm: tuple[float, float] | None = None  # (row, column), above zero and at most 1 mm, else None
    spacing_source: str | None = None  # "calibrated", "image" or "detector"
    colour: bool = False  # the picture's channels differ clearly: no X-ray film (also set for JPEG, PNG, TIFF)
    scanner: str | None = None  # manufacturer and model; never a serial number, a station or an institution


@dataclass(frozen=True, slots=True)
class Mapping8:
    """How stored values became 8 bits: the rule's name and its two anchors after the modality LUT (METHOD 3.5).

    rule "identity8" keeps 8-bit grey as it is; "percentile/v1" maps low..high linearly to 0..255.
    inverted says that MONOCHROME1 was turned so that bone is white.
    """

    rule: str
    low: float
    high: float
    inverted: bool


@dataclass(frozen=True, slots=True)
class Radiograph:
    """One pelvic X-ray: identity, layout and header facts; pixels travel beside it."""

    film_id: FilmId
    pixel_hash: str  # SHA-256 of the displayed 8-bit pixels and their shape: finds one film under two names
    size: Size  # as displayed: EXIF orientation or PatientOrientation applied
    sides: SideMap
    mapping: Mapping8
    header: HeaderFacts
    kind: str  # "DICOM", "JPEG", "PNG" or "TIFF"


@dataclass(frozen=True, slots=True)
class PatientFacts:
    """Who the file says the patient is. Shown beside the film and used to group films; never logged or exported."""

    identifier: str | None = None  # DICOM Issuer^PatientID
    name: str | None = None
    birth_date: str | None = None
    sex: str | None = None
    study_date: str | None = None
    age_years: int | None = None

    def __repr__(self) -> str:
        return "PatientFacts(…)"

    def words(self) -> str:
        """Name, id, sex, birth and study date on one line, as far as the file says them; for the screen only."""
        known = (
            self.shown_name,
            self.identifier and f"ID {self.identifier}",
            self.sex,
            self.birth_date and f"born {_iso(self.birth_date)}",
            self.study_date and f"film of {_iso(self.study_date)}",
        )
        return "   ".join(k for k in known if k)

    @property
    def shown_name(self) -> str:
        """The name in all its writings, alphabetic first: "Yamada Tarou (山田 太郎)" (PS3.5 6.2.1.1)."""
        writings = [" ".join(part for part in w.split("^") if part) for w in (self.name or "").split("=")]
        first, *others = [w for w in writings if w] or [""]
        return f"{first} ({', '.join(others)})" if others else first


def _iso(date: str) -> str:
    """19400102 as 1940-01-02; anything else as it is."""
    return f"{date[:4]}-{date[4:6]}-{date[6:]}" if len(date) == 8 and date.isdigit() else date
