"""Boxes and arrows as a picture: SVG text, and the same as PNG bytes with the typeface that Pillow carries."""

from __future__ import annotations

import io
from dataclasses import dataclass
from xml.sax.saxutils import escape

from PIL import Image, ImageDraw, ImageFont

INK, FAINT, LINE, PAPER, SIDE = "#22272c", "#5b646d", "#8b949c", "#ffffff", "#f3f5f6"
HEAD_PX, TEXT_PX, STEP_PX, PAD_PX = 15, 13, 19, 12


@dataclass(frozen=True, slots=True)
class Box:
    """A frame with a headline and lines below it; side boxes are shaded."""

    x: float
    y: float
    width: float
    lines: tuple[str, ...]
    side: bool = False

    @property
    def height(self) -> float:
        """As tall as its lines need."""
        return 2 * PAD_PX + HEAD_PX + 3 + STEP_PX * (len(self.lines) - 1)

    @property
    def middle(self) -> tuple[float, float]:
        """Its centre."""
        return self.x + self.width / 2, self.y + self.height / 2


@dataclass(frozen=True, slots=True)
class Arrow:
    """A line through these points, with a head at the last one unless plain."""

    points: tuple[tuple[float, float], ...]
    plain: bool = False


@dataclass(frozen=True, slots=True)
class Diagram:
    """A picture in units of a screen's pixels."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    notice: str


def box_width(lines: tuple[str, ...]) -> float:
    """Wide enough for the lines, with room for a typeface that runs wider."""
    widths = [_font(HEAD_PX if i == 0 else TEXT_PX).getlength(line) for i, line in enumerate(lines)]
    return 2 * PAD_PX + 1.12 * max(widths)


def to_svg(diagram: Diagram) -> str:
    """An SVG document; the same diagram gives the same text."""
    w, h = f"{diagram.width:g}", f"{diagram.height:g}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" viewBox="0 0 {w} {h}" '
        f'font-family="Aileron, Helvetica, Arial, sans-serif" fill="{INK}">',
        f'<rect width="{w}" height="{h}" fill="{PAPER}"/>',
    ]
    for arrow in diagram.arrows:
        points = " ".join(f"{x:g},{y:g}" for x, y in arrow.points)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{LINE}" stroke-width="1.5"/>')
        if not arrow.plain:
            head = " ".join(f"{x:g},{y:g}" for x, y in _head(arrow))
            parts.append(f'<polygon points="{head}" fill="{LINE}"/>')
    for box in diagram.boxes:
        parts.append(
            f'<rect x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" height="{box.height:g}" rx="5" '
            f'fill="{SIDE if box.side else PAPER}" stroke="{LINE}" stroke-width="1.5"/>'
        )
        for i, line in enumerate(box.lines):
            size, colour = (HEAD_PX, INK) if i == 0 else (TEXT_PX, FAINT)
            weight = ' font-weight="600"' if i == 0 else ""
            x, y = box.x + PAD_PX, _line_y(box, i) + size * 0.8
            parts.append(f'<text x="{x:g}" y="{y:g}" font-size="{size}" fill="{colour}"{weight}>{escape(line)}</text>')
    y = diagram.height - PAD_PX
    parts.append(f'<text x="{PAD_PX * 2}" y="{y:g}" font-size="11" fill="{FAINT}">{escape(diagram.notice)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def to_png(diagram: Diagram, *, scale: int = 2) -> bytes:
    """PNG bytes, scale pixels a unit."""
    canvas = Image.new("RGB", (round(diagram.width * scale), round(diagram.height * scale)), PAPER)
    draw = ImageDraw.Draw(canvas)

    def scaled(points: tuple[tuple[float, float], ...]) -> list[tuple[float, float]]:
        return [(x * scale, y * scale) for x, y in points]

    for arrow in diagram.arrows:
        draw.line(scaled(arrow.points), fill=LINE, width=round(1.5 * scale))
        if not arrow.plain:
            draw.polygon(scaled(_head(arrow)), fill=LINE)
    for box in diagram.boxes:
        frame = (box.x * scale, box.y * scale, (box.x + box.width) * scale, (box.y + box.height) * scale)
        fill = SIDE if box.side else PAPER
        draw.rounded_rectangle(frame, radius=5 * scale, fill=fill, outline=LINE, width=round(1.5 * scale))
        for i, line in enumerate(box.lines):
            size, colour = (HEAD_PX, INK) if i == 0 else (TEXT_PX, FAINT)
            at = ((box.x + PAD_PX) * scale, (_line_y(box, i) + size * 0.8) * scale)
            draw.text(at, line, font=_font(size * scale), fill=colour, anchor="ls")
    at = (PAD_PX * 2 * scale, (diagram.height - PAD_PX) * scale)
    draw.text(at, diagram.notice, font=_font(11 * scale), fill=FAINT, anchor="ls")
    data = io.BytesIO()
    canvas.save(data, "PNG", optimize=True)
    return data.getvalue()


def _line_y(box: Box, i: int) -> float:
    return box.y + PAD_PX + (0 if i == 0 else HEAD_PX + 4 + STEP_PX * (i - 1) + (STEP_PX - TEXT_PX) / 2)


def _head(arrow: Arrow) -> tuple[tuple[float, float], ...]:
    """The triangle at the end; arrows run level or upright."""
    (x0, y0), (x1, y1) = arrow.points[-2:]
    if y0 == y1:
        back = x1 - 8 if x1 > x0 else x1 + 8
        return (x1, y1), (back, y1 - 4), (back, y1 + 4)
    back = y1 - 8 if y1 > y0 else y1 + 8
    return (x1, y1), (x1 - 4, back), (x1 + 4, back)


def _font(size: float) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)  # Pillow's wheels are built with FreeType
    return font
