"""Sides of the patient, halves of the picture, and the classes of fracture (METHOD 1, 3.1)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Side(StrEnum):
    """The patient's side."""

    RIGHT = "R"
    LEFT = "L"

    @property
    def other(self) -> Side:
        """The patient's opposite side."""
        return Side.LEFT if self is Side.RIGHT else Side.RIGHT

    @property
    def word(self) -> str:
        """The side in words, of the patient."""
        return "right" if self is Side.RIGHT else "left"


class ImageHalf(StrEnum):
    """The picture's half as displayed."""

    LEFT = "left"
    RIGHT = "right"

    @property
    def other(self) -> ImageHalf:
        """The picture's opposite half."""
        return ImageHalf.RIGHT if self is ImageHalf.LEFT else ImageHalf.LEFT


class SideSource(StrEnum):
    """Who says which side is which."""

    HEADER = "header"  # PatientOrientation
    ASSUMED = "assumed"  # nothing says; a frontal film shows the patient's right on the picture's left
    READER = "reader"  # a reader confirmed or corrected it


@dataclass(frozen=True, slots=True)
class SideMap:
    """Which of the patient's sides lies in which half of the displayed film."""

    picture_left: Side = Side.RIGHT
    source: SideSource = SideSource.ASSUMED

    def side_of(self, half: ImageHalf) -> Side:
        """The patient's side shown in a half of the picture."""
        return self.picture_left if half is ImageHalf.LEFT else self.picture_left.other

    def half_of(self, side: Side) -> ImageHalf:
        """The half of the picture that shows a side of the patient."""
        return ImageHalf.LEFT if side is self.picture_left else ImageHalf.RIGHT

    @property
    def mirrored(self) -> bool:
        """True where the patient's left lies on the picture's left."""
        return self.picture_left is Side.LEFT


class FractureType(StrEnum):
    """Type of a proximal femur fracture: Garden for the neck, old AO/OTA for the trochanter (METHOD 1)."""

    GARDEN_I = "Garden I"
    GARDEN_II = "Garden II"
    GARDEN_III = "Garden III"
    GARDEN_IV = "Garden IV"
    AO_31_A1 = "31-A1"
    AO_31_A2 = "31-A2"
    AO_31_A3 = "31-A3"
    GREATER_TROCHANTER = "greater trochanter"
