"""A page of blocks becomes a PDF: A4, bookmarks, the notice and the page's number at each foot."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from hipcad_desktop.workflows.document import (
    Beside,
    Block,
    Cards,
    Chart,
    Document,
    Heading,
    HipShown,
    Note,
    Paragraph,
    Shelf,
    Table,
)

if TYPE_CHECKING:
    from reportlab.lib.styles import ParagraphStyle

_INK, _FAINT, _LINE, _GROUND = "#22272c", "#5d6770", "#dde2e6", "#f5f7f8"
_NOTE, _NOTE_EDGE, _LOUD, _LOUD_EDGE = "#fdf6e3", "#d3a42c", "#fbe9e5", "#b4472f"
_WIDTH = 178.0 * 72 / 25.4  # points between the margins of A4
_MARGIN = 16.0 * 72 / 25.4
_CJK = re.compile(r"[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]+")
_SANS, _BOLD, _MONO, _EAST = "DejaVuSans", "DejaVuSans-Bold", "DejaVuSansMono", "HeiseiKakuGo-W5"


def pdf_of(page: Document) -> bytes:
    """The page as PDF; the same blocks give the same bytes. The typeface is embedded."""
    from reportlab.platypus import BaseDocTemplate, CondPageBreak, Frame, PageTemplate, Spacer

    _fonts()
    styles = _styles()
    title = styles["title"]
    flow: list[Any] = [_banner(page.notice, styles), Spacer(1, 8), _text(page.title, title)]
    flow += [_text(page.lead, styles["faint"]), Spacer(1, 4)]
    for at, block in enumerate(page.blocks):
        shown = _flowables(block, styles)
        if isinstance(block, Paragraph) and at and isinstance(page.blocks[at - 1], Heading):
            shown[-1].keepWithNext = 1  # a heading and its first words stay with what they speak of
        if room := _room_for(page.blocks, at):
            flow.append(CondPageBreak(room))
            for flowable in shown:
                flowable.keepWithNext = 0
        flow += shown
        if isinstance(block, Table | Shelf | Cards) and at + 1 < len(page.blocks):
            flow.append(Spacer(1, 5))
    if page.footer:
        flow += [Spacer(1, 6), _text(page.footer, styles["small"])]
    data = io.BytesIO()
    paper = BaseDocTemplate(
        data,
        pagesize=(210 * 72 / 25.4, 297 * 72 / 25.4),
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=_MARGIN,
        bottomMargin=_MARGIN + 8,
        title=page.title,
        author="HipCAD Desktop",
        subject=page.notice,
        invariant=1,
        lang="en",
    )
    frame = Frame(_MARGIN, _MARGIN + 8, _WIDTH, paper.pagesize[1] - 2 * _MARGIN - 8, 0, 0, 0, 0)
    paper.addPageTemplates([PageTemplate("page", [frame])])
    paper.afterFlowable = _bookmarks(paper)
    paper.build(flow, canvasmaker=_numbered(page.notice))
    return data.getvalue()


def _room_for(blocks: Sequence[Block], at: int) -> float:
    """Points that a heading before a table or pictures wants below itself, since those may go on over the page's end.

    0 for everything else: a heading before a drawing goes with it.
    """
    if not isinstance(blocks[at], Heading | Paragraph):
        return 0.0
    if isinstance(blocks[at], Paragraph) and not (at and isinstance(blocks[at - 1], Heading)):
        return 0.0
    follows = next((b for b in blocks[at + 1 :] if not isinstance(b, Paragraph)), None)
    if isinstance(blocks[at], Paragraph):
        return 90.0 if isinstance(follows, Table) else 0.0
    match follows:
        case Table():
            return 150.0
        case Shelf():
            return 190.0
        case _:
            return 0.0


def _fonts() -> None:
    import reportlab
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.pdfbase.ttfonts import TTFont

    try:
        import matplotlib

        folder, names = Path(matplotlib.get_data_path()) / "fonts" / "ttf", (_SANS, _BOLD, _MONO)
    except ImportError:  # the Reader edition: the typeface that DejaVu was made from lies in reportlab itself
        folder, names = Path(reportlab.__file__).parent / "fonts", ("Vera", "VeraBd", "Vera")
    for name, file in zip((_SANS, _BOLD, _MONO), names, strict=True):
        if name not in pdfmetrics.getRegisteredFontNames():
            pdfmetrics.registerFont(TTFont(name, folder / f"{file}.ttf"))
    if _EAST not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(UnicodeCIDFont(_EAST))


def _styles() -> dict[str, ParagraphStyle]:
    from reportlab.lib.styles import ParagraphStyle

    def style(name: str, size: float, *, bold: bool = False, ink: str = _INK, **more: Any) -> ParagraphStyle:
        font = _BOLD if bold else _SANS
        more.setdefault("leading", size * 1.38)
        return ParagraphStyle(name, fontName=font, fontSize=size, textColor=ink, splitLongWords=1, **more)

    return {
        "title": style("title", 17, bold=True, spaceAfter=4),
        "banner": style("banner", 9, bold=True, ink="#ffffff", alignment=1),
        "h2": style("h2", 12.5, bold=True, spaceBefore=15, spaceAfter=5, keepWithNext=1),
        "h3": style("h3", 9.5, bold=True, spaceBefore=8, spaceAfter=3, keepWithNext=1),
        "body": style("body", 8.7, spaceAfter=4),
        "faint": style("faint", 8.7, ink=_FAINT, spaceAfter=4),
        "small": style("small", 7.4, ink=_FAINT, spaceAfter=4),
        "note": style("note", 8.7),
        "loud": style("loud", 8.7, bold=True),
        "cell": style("cell", 7.7),
        "row": style("row", 7.7, bold=True),
        "head": style("head", 7.2, bold=True, ink=_FAINT),
        "mono": ParagraphStyle("mono", fontName=_MONO, fontSize=7, leading=9.6, textColor=_INK, splitLongWords=1),
        "card": style("card", 7.8, bold=True),
        "value": style("value", 15, spaceBefore=1),
        "interval": style("interval", 7.7, spaceAfter=2),
        "what": style("what", 6.9, ink=_FAINT),
    }


def _text(words: str, style: ParagraphStyle) -> Any:
    from reportlab.platypus import Paragraph as Printed

    marked = _CJK.sub(lambda found: f'<font name="{_EAST}">{found.group()}</font>', escape(words))
    return Printed(marked.replace("\n", "<br/>"), style)


def _flowables(block: Block, styles: dict[str, ParagraphStyle]) -> list[Any]:
    from reportlab.platypus import HRFlowable, Spacer

    match block:
        case Heading(level=2):
            rule = HRFlowable(width="100%", thickness=1.1, color=_INK, spaceBefore=14, spaceAfter=-9)
            rule.keepWithNext = 1
            return [rule, _text(block.text, styles["h2"])]
        case Heading():
            return [_text(block.text, styles["h3"])]
        case Paragraph():
            return [_text(block.text, styles["faint" if block.faint else "body"])]
        case Note():
            return [_note(block, styles), Spacer(1, 4)]
        case Cards():
            return [_cards(block, styles)]
        case Table():
            return _table(block, styles)
        case Chart():
            drawing = _drawing(block, _WIDTH)
            drawing.keepWithNext = 1
            return [drawing, _text(block.caption, styles["small"])]
        case Beside():
            return [_pair(block, styles)]
        case Shelf():
            return _shelf(block, styles)


def _boxed(rows: list[list[Any]], widths: list[float], *style: tuple[Any, ...], repeat: int = 0) -> Any:
    from reportlab.platypus import Table as Grid

    grid = Grid(rows, colWidths=widths, repeatRows=repeat, hAlign="LEFT")
    grid.setStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), *style])
    return grid


def _banner(notice: str, styles: dict[str, ParagraphStyle]) -> Any:
    style = (
        ("BACKGROUND", (0, 0), (-1, -1), _INK),
        ("TOPPADDING", (0, 0), (-1, -1), 3),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 6),
    )
    return _boxed([[_text(notice, styles["banner"])]], [_WIDTH], *style)


def _note(note: Note, styles: dict[str, ParagraphStyle]) -> Any:
    ground, edge = (_LOUD, _LOUD_EDGE) if note.loud else (_NOTE, _NOTE_EDGE)
    return _boxed(
        [[_text(note.text, styles["loud" if note.loud else "note"])]],
        [_WIDTH],
        ("BACKGROUND", (0, 0), (-1, -1), ground),
        ("LINEBEFORE", (0, 0), (0, -1), 3.5, edge),
        ("LEFTPADDING", (0, 0), (-1, -1), 9),
        ("TOPPADDING", (0, 0), (-1, -1), 4),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 6),
    )


def _cards(block: Cards, styles: dict[str, ParagraphStyle]) -> Any:
    columns = 3
    cells: list[Any] = []
    for card in block.cards:
        value = styles["value"] if card.value != "not computed" else styles["faint"]
        words = ((card.title, styles["card"]), (card.value, value), (card.interval, styles["interval"]))
        cells.append([_text(text, style) for text, style in (*words, (card.what, styles["what"]))])
    cells += [""] * (-len(cells) % columns)
    rows = [cells[i : i + columns] for i in range(0, len(cells), columns)]
    return _boxed(
        rows,
        [_WIDTH / columns] * columns,
        ("BACKGROUND", (0, 0), (-1, -1), _GROUND),
        ("INNERGRID", (0, 0), (-1, -1), 5, "#ffffff"),
        ("LEFTPADDING", (0, 0), (-1, -1), 9),
        ("RIGHTPADDING", (0, 0), (-1, -1), 7),
        ("TOPPADDING", (0, 0), (-1, -1), 6),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 8),
    )


def _table(table: Table, styles: dict[str, ParagraphStyle]) -> list[Any]:
    columns = len(table.head or table.rows[0])
    widths = [w * _WIDTH for w in table.widths] or [_WIDTH / columns] * columns
    cell = styles["mono" if table.mono else "cell"]
    rows = [[_text(cell, styles["head"]) for cell in table.head]] if table.head else []
    rows += [[_text(row[0], styles["row"]), *(_text(c, cell) for c in row[1:])] for row in table.rows]
    style = [
        ("LINEBELOW", (0, 0), (-1, -1), 0.5, _LINE),
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ("RIGHTPADDING", (0, 0), (-1, -1), 7),
        ("TOPPADDING", (0, 0), (-1, -1), 2.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 4),
    ]
    if table.head:
        style += [("LINEBELOW", (0, 0), (-1, 0), 0.8, "#9aa4ac"), ("VALIGN", (0, 0), (-1, 0), "BOTTOM")]
    grid = _boxed(rows, widths, *style, repeat=1 if table.head else 0)
    return [grid, _text(table.caption, styles["small"])] if table.caption else [grid]


def _drawing(chart: Chart, widest: float) -> Any:
    from reportlab.platypus import Image

    width = min(widest, chart.width_in * 72 * 0.84)  # charts are drawn for the screen; paper's type is smaller
    image = Image(io.BytesIO(chart.png), width=width, height=width * chart.height_in / chart.width_in)
    image.hAlign = "LEFT"
    return image


def _pair(block: Beside, styles: dict[str, ParagraphStyle]) -> Any:
    whole = block.left.width_in + block.right.width_in
    widths = [_WIDTH * chart.width_in / whole for chart in (block.left, block.right)]
    charts = zip((block.left, block.right), widths, strict=True)
    cells = [[_drawing(chart, width - 8), _text(chart.caption, styles["small"])] for chart, width in charts]
    return _boxed([cells], widths, ("LEFTPADDING", (0, 0), (-1, -1), 0), ("RIGHTPADDING", (0, 0), (-1, -1), 8))


def _shelf(block: Shelf, styles: dict[str, ParagraphStyle]) -> list[Any]:
    columns, width = 3, _WIDTH / 3
    found = []
    for start in range(0, len(block.hips), columns):
        cells: list[Any] = [_hip(hip, width - 8, styles) for hip in block.hips[start : start + columns]]
        cells += [""] * (columns - len(cells))
        padding = (("LEFTPADDING", (0, 0), (-1, -1), 0), ("RIGHTPADDING", (0, 0), (-1, -1), 8))
        found.append(_boxed([cells], [width] * columns, *padding))
    return found


def _hip(hip: HipShown, width: float, styles: dict[str, ParagraphStyle]) -> list[Any]:
    from reportlab.platypus import Image

    height = min(120.0, (width / 2 - 1) / hip.aspect)
    each = height * hip.aspect
    pictures = [Image(io.BytesIO(data), width=each, height=height) for data in (hip.film, hip.overlay)]
    tight = tuple(
        (side, (0, 0), (-1, -1), 1) for side in ("LEFTPADDING", "RIGHTPADDING", "TOPPADDING", "BOTTOMPADDING")
    )
    frame = _boxed([pictures], [each + 2, each + 2], ("BACKGROUND", (0, 0), (-1, -1), "#101216"), *tight)
    return [frame, _text(hip.title, styles["row"]), *(_text(line, styles["what"]) for line in hip.lines)]


def _bookmarks(paper: Any) -> Callable[[Any], None]:
    names = {"title": 0, "h2": 1}

    def note(flowable: Any) -> None:
        style = getattr(getattr(flowable, "style", None), "name", "")
        if style in names:
            key = f"{style}-{paper.page}-{flowable.getPlainText()}"
            paper.canv.bookmarkPage(key)
            paper.canv.addOutlineEntry(flowable.getPlainText(), key, names[style], False)

    return note


def _numbered(notice: str) -> Any:
    from reportlab.pdfgen.canvas import Canvas

    class Numbered(Canvas):  # type: ignore[misc]
        """Writes each page's foot at the end, when the number of pages is known."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.kept: list[dict[str, Any]] = []

        def showPage(self) -> None:
            self.kept.append(dict(self.__dict__))
            self._startPage()

        def save(self) -> None:
            for number, state in enumerate(self.kept, 1):
                self.__dict__.update(state)
                self.setFont(_SANS, 7)
                self.setFillColor(_FAINT)
                width, foot = self._pagesize[0], _MARGIN - 8
                self.drawCentredString(width / 2, foot, notice)
                self.drawRightString(width - _MARGIN, foot, f"{number} / {len(self.kept)}")
                super().showPage()
            super().save()

    return Numbered
