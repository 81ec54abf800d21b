"""Rectangles as other programs write them, exact: decimal text in, decimal text out, no digit lost on the way.

A rectangle is kept as corner and extent. Formats that write two corners, or shares of the film, would lose its last
bits in floating point; decimal text of enough digits does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Context, Decimal, InvalidOperation, localcontext
from pathlib import Path
from typing import Literal

from hipcad_desktop.domain.anatomy import FractureType
from hipcad_desktop.domain.annotation import Finding
from hipcad_desktop.domain.geometry import Rectangle, Size

UNTYPED = "fracture"  # the class of a rectangle whose type nobody gave
CLASSES = (UNTYPED, *(t.value for t in FractureType))
DIGITS = (6, 9, 17, 28, 40)  # tried in turn: what a person drew in whole pixels stays short
_EXACT = Context(prec=60)
_STEP = Decimal("1e-30")  # px: what division leaves over beside zero

Box = tuple[Decimal, Decimal, Decimal, Decimal]
Shape = Literal[
    "extent", "corners", "shares"
]  # x,y,width,height | x0,y0,x1,y1 | centre and extent as shares of the film


@dataclass(frozen=True, slots=True)
class FilmBoxes:
    """A film to write: its name without its drive, and its findings (none: no fracture)."""

    name: str
    size: Size
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class ReadBox:
    """A rectangle as it was read: four numbers, its class, and where it stands ("line 3")."""

    box: Box
    label: str
    place: str


@dataclass(frozen=True, slots=True)
class ReadFilm:
    """A film as another program's file has it. names: what it may be called, the surest first."""

    path: Path  # of the file that says so
    place: str
    names: tuple[str, ...]
    size: Size | None
    shape: Shape
    boxes: tuple[ReadBox, ...]
    no_fracture: bool = False  # said in so many words, not only by having no rectangle


class BadAnnotation(Exception):
    """What is wrong with one film of a file: where, and in words."""

    def __init__(self, place: str, detail: str) -> None:
        super().__init__(detail)
        self.place = place
        self.detail = detail


def number(text: object, *, name: str, place: str) -> Decimal:
    """A finite number from text or JSON. Raises BadAnnotation."""
    try:
        if isinstance(text, bool) or not isinstance(text, str | int | float | Decimal):
            raise InvalidOperation
        value = Decimal(text if not isinstance(text, float) else repr(text))
    except InvalidOperation:
        raise BadAnnotation(place, f"{name} is no number: {str(text)[:40]!r}") from None
    if not value.is_finite() or (value and value.adjusted() > 60):
        raise BadAnnotation(place, f"{name} is no number: {str(text)[:40]!r}")
    return value


def whole_number(value: object, *, name: str, place: str) -> int:
    """A whole number above zero. Raises BadAnnotation."""
    found = number(value, name=name, place=place)
    if found != int(found) or found < 1:
        raise BadAnnotation(place, f"{name} is no size: {str(value)[:40]!r}")
    return int(found)


def to_finding(read: ReadBox, shape: Shape, film: Size) -> Finding:
    """The finding in pixels of the film, clipped to it. Raises BadAnnotation where it lies outside."""
    try:
        rectangle = _rectangle(read.box, shape, film)
    except ValueError:
        raise BadAnnotation(read.place, "a rectangle has a width and a height above zero") from None
    centre_inside = 0 <= rectangle.centre_x <= film.width and 0 <= rectangle.y + rectangle.height / 2 <= film.height
    clipped = rectangle.clipped(film)
    if clipped is None or not centre_inside:
        detail = f"the rectangle lies outside the film ({film.width} x {film.height} pixels)"
        raise BadAnnotation(read.place, detail)
    inside = rectangle.x >= 0 and rectangle.y >= 0 and rectangle.x1 <= film.width and rectangle.y1 <= film.height
    return Finding(rectangle if inside else clipped, fracture_type(read.label, place=read.place))


def to_texts(rectangle: Rectangle, shape: Shape, film: Size) -> tuple[str, str, str, str]:
    """The four numbers, as short as gives exactly this rectangle back."""
    with localcontext(_EXACT):
        exact = _numbers(rectangle, shape, film)
    texts: tuple[str, ...] = ()
    for digits in DIGITS:
        context = Context(prec=digits)
        texts = tuple(_plain(context.plus(v)) for v in exact)
        a, b, c, d = (Decimal(t) for t in texts)
        try:
            if _rectangle((a, b, c, d), shape, film) == rectangle:
                break
        except ValueError:
            continue
    return texts[0], texts[1], texts[2], texts[3]


def class_of(finding: Finding) -> str:
    """The class that stands for a finding's type."""
    return UNTYPED if finding.fracture_type is None else finding.fracture_type.value


def fracture_type(label: str, *, place: str) -> FractureType | None:
    """The type that a class names, free of case, blanks and dashes; None for "fracture". Raises BadAnnotation."""
    word = re.sub(r"[\s_\-./]+", "", label.lower())
    if word in ("fracture", "hipfracture"):
        return None
    for kind in FractureType:
        full = re.sub(r"[\s\-]+", "", kind.value.lower())
        if word in (full, full.removeprefix("garden"), full.removeprefix("31")):
            return kind
    raise BadAnnotation(place, f"the class {label[:60]!r} is none of {', '.join(CLASSES)}")


def texts_of(films: FilmBoxes, shape: Shape) -> Iterator[tuple[Finding, tuple[str, str, str, str]]]:
    """Every finding of a film with its four numbers."""
    for finding in films.findings:
        yield finding, to_texts(finding.rectangle, shape, films.size)


def _rectangle(box: Box, shape: Shape, film: Size) -> Rectangle:
    """Raises ValueError where the extent is not above zero."""
    with localcontext(_EXACT):
        a, b, c, d = box
        match shape:
            case "extent":
                exact = box
            case "corners":
                exact = (min(a, c), min(b, d), abs(c - a), abs(d - b))
            case "shares":
                shares = ((a - c / 2) * film.width, (b - d / 2) * film.height, c * film.width, d * film.height)
                exact = (shares[0].quantize(_STEP), shares[1].quantize(_STEP), shares[2], shares[3])
        return Rectangle(*(float(v) for v in exact))


def _numbers(rectangle: Rectangle, shape: Shape, film: Size) -> Box:
    x, y, w, h = (Decimal(v) for v in (rectangle.x, rectangle.y, rectangle.width, rectangle.height))
    match shape:
        case "extent":
            return x, y, w, h
        case "corners":
            return x, y, x + w, y + h
        case "shares":
            return (x + w / 2) / film.width, (y + h / 2) / film.height, w / film.width, h / film.height


def _plain(value: Decimal) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
