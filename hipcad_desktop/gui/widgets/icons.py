"""Icons from currentColor SVGs, drawn in a colour of the palette, sharp at 1x and 2x."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from hipcad_desktop.app.paths import resource
from hipcad_desktop.gui import theme

SIZES_PX = (18, 26)  # of tool buttons and of the modes; each is drawn for 1x and 2x, the rest is scaled by Qt


def icon(name: str, colour: str | None = None) -> QIcon:
    """The icon resources/icons/<name>.svg; colour None is the palette's text, greyed out where it is disabled."""
    palette = theme.current()
    result = QIcon()
    for mode, shade in ((QIcon.Mode.Normal, colour or palette.text), (QIcon.Mode.Disabled, palette.disabled)):
        renderer = _renderer(name, shade)
        for size in (s * ratio for s in SIZES_PX for ratio in (1, 2)):
            result.addPixmap(_drawn(renderer, size), mode)
    return result


def pixmap(name: str, size: int, *, colour: str | None = None, ratio: float = 1.0) -> QPixmap:
    """One picture of an icon, size x size logical pixels."""
    drawn = _drawn(_renderer(name, colour or theme.current().text), round(size * ratio))
    drawn.setDevicePixelRatio(ratio)
    return drawn


def _renderer(name: str, colour: str) -> QSvgRenderer:
    text = resource("icons", f"{name}.svg").read_text(encoding="utf-8")
    return QSvgRenderer(QByteArray(text.replace("currentColor", colour).encode()))


def _drawn(renderer: QSvgRenderer, size: int) -> QPixmap:
    picture = QPixmap(size, size)
    picture.fill(Qt.GlobalColor.transparent)
    with QPainter(picture) as painter:
        renderer.render(painter, QRectF(0, 0, size, size))
    return picture
