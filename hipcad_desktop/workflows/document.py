"""A page as blocks: said once, then shown as HTML, as PDF and as Markdown, so that the three cannot differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; level 2 begins a section and stands in the table of contents, level 3 a part of one."""

    kind: ClassVar[str] = "heading"
    text: str
    level: int = 2


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text; faint where it explains what stands beside it."""

    kind: ClassVar[str] = "paragraph"
    text: str
    faint: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """What a reader must not overlook; loud where it puts the figures in question."""

    kind: ClassVar[str] = "note"
    text: str
    loud: bool = False


@dataclass(frozen=True, slots=True)
class Card:
    """One leading figure: what it is, its value, interval and n, and what that means in plain words."""

    title: str
    value: str
    interval: str
    what: str


@dataclass(frozen=True, slots=True)
class Cards:
    """The leading figures."""

    kind: ClassVar[str] = "cards"
    cards: tuple[Card, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of words; the first column names the row. A newline in a cell is a line break.

    widths are shares of the page's width that add up to 1; without them columns are equal.
    """

    kind: ClassVar[str] = "table"
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""
    widths: tuple[float, ...] = ()
    mono: bool = False  # hashes and names: fixed width

    def __post_init__(self) -> None:
        columns = len(self.head) or len(self.rows[0])
        if any(len(row) != columns for row in self.rows) or len(self.widths) not in (0, columns):
            raise ValueError("a table's rows are of one length")


@dataclass(frozen=True, slots=True)
class Chart:
    """One drawing: vectors for the screen, pixels for paper; what it shows in words for who cannot see it."""

    kind: ClassVar[str] = "chart"
    svg: str
    png: bytes
    width_in: float
    height_in: float
    alt: str = ""
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Beside:
    """Two charts beside each other."""

    kind: ClassVar[str] = "beside"
    left: Chart
    right: Chart


@dataclass(frozen=True, slots=True)
class HipShown:
    """A hip of the gallery: the film alone and with the heat map (JPEG), width / height on the film, and words."""

    film: bytes
    overlay: bytes
    aspect: float
    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shelf:
    """Hips of one kind in the gallery."""

    kind: ClassVar[str] = "shelf"
    hips: tuple[HipShown, ...]


Block = Heading | Paragraph | Note | Cards | Table | Chart | Beside | Shelf


@dataclass(frozen=True, slots=True)
class Document:
    """A whole page. The notice stands on top, and on paper at the foot of each page."""

    title: str
    lead: str
    notice: str
    blocks: tuple[Block, ...]
    footer: str = ""

    @property
    def sections(self) -> tuple[str, ...]:
        """The headings of the table of contents."""
        return tuple(b.text for b in self.blocks if isinstance(b, Heading) and b.level == 2)
