"""What a reader says of a film. A reading is never changed: a new revision follows it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hipcad_desktop.domain.anatomy import FractureType
from hipcad_desktop.domain.geometry import Rectangle
from hipcad_desktop.domain.radiograph import FilmId


class Verdict(StrEnum):
    """One reader's answer on a whole film."""

    FRACTURE = "fracture"  # one or more findings
    NO_FRACTURE = "no_fracture"  # neither hip is broken
    UNSURE = "unsure"
    EXCLUDED = "excluded"  # with a reason


class ExclusionReason(StrEnum):
    """Why a film does not belong into the cohort (METHOD 1)."""

    HIP_NOT_IN_FILM = "both hips not in the film"
    SHAFT_FRACTURE = "shaft fracture"
    PERIPROSTHETIC = "periprosthetic fracture"
    OTHER = "other"


class DiagnosedFrom(StrEnum):
    """What the fracture was first seen on (METHOD 1: 5024, 97 and 121 films)."""

    FRONTAL = "frontal"
    LATERAL = "lateral"
    CT_MRI = "CT/MRI"


class FilmFlag(StrEnum):
    """What else a film shows; such films are kept on purpose (METHOD 1)."""

    IMPLANT_OTHER_HIP = "implant on the other hip"
    SPINE_IMPLANT = "spine implant"
    OSTEOARTHRITIS = "osteoarthritis"
    PATHOLOGIC = "pathologic"
    OLD_PELVIC_FRACTURE = "old pelvic fracture"


class ProjectPhase(StrEnum):
    """Whether readers may see each other's answers."""

    BLINDED = "blinded"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Finding:
    """One fracture rectangle, in pixels of the displayed film, and its type where the reader gave one."""

    rectangle: Rectangle
    fracture_type: FractureType | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The content of a reading: what the reader says, without who and when.

    A verdict "fracture" has findings and no other verdict has any; "excluded" alone has a reason.
    `mirrored` is None until the reader confirms or corrects the sides: False confirms that the patient's right lies on
    the picture's left, True says that the film is mirrored.
    """

    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    exclusion: ExclusionReason | None = None
    exclusion_text: str = ""
    mirrored: bool | None = None
    diagnosed_from: DiagnosedFrom | None = None
    flags: frozenset[FilmFlag] = frozenset()

    def __post_init__(self) -> None:
        if (self.verdict is Verdict.FRACTURE) != bool(self.findings):
            raise ValueError("a fracture verdict has a rectangle, and only a fracture verdict has one")
        if (self.verdict is Verdict.EXCLUDED) != (self.exclusion is not None):
            raise ValueError("an excluded film has a reason, and only an excluded film has one")


@dataclass(frozen=True, slots=True)
class ReadingStatus:
    """As much of a reading as a list shows."""

    verdict: Verdict
    signed: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """One reader's complete answer on one film, one revision. answer None means withdrawn (undone to unread).

    adjudicators: who agreed on a consensus reading; empty for the reading of one reader.
    """

    film_id: FilmId
    reader: str
    revision: int  # 1, 2, ... per film, reader and round
    answer: Answer | None
    created_utc: str  # ISO 8601 with "Z"
    round: int = 1  # 2: read again after the wash-out time
    signed_utc: str | None = None
    reason: str = ""  # why a signed reading was changed
    adjudicators: tuple[str, ...] = ()
    uuid: str = ""  # the same in every project that the reading was merged into
