"""One design language: two palettes in one table; resources/style.qss is drawn in their colours."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from string import Template
from typing import Literal

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication, QWidget

from hipcad_desktop.app.paths import resource

ThemeName = Literal["dark", "light"]
_PROPERTY = "hipcad_theme"


@dataclass(frozen=True, slots=True)
class Palette:
    """Every colour of the window. A test holds the contrast of text on its ground at WCAG AA (4.5 : 1)."""

    name: ThemeName
    window: str  # behind everything
    surface: str  # panels and lists
    raised: str  # buttons and fields
    hover: str
    border: str
    text: str
    muted: str  # secondary text
    disabled: str
    accent: str  # the one next step, selection, focus
    accent_hover: str
    on_accent: str
    selection: str  # ground of a selected row, under `text`
    fracture: str
    doubt: str
    no_fracture: str
    danger: str
    danger_ground: str
    warning: str
    warning_ground: str
    ok: str
    info_ground: str


DARK = Palette(
    name="dark",
    window="#121417",
    surface="#1a1d21",
    raised="#262a30",
    hover="#323740",
    border="#3b414a",
    text="#e9ecf0",
    muted="#a9b1bc",
    disabled="#6d7580",
    accent="#5aa9f0",
    accent_hover="#7bbcf5",
    on_accent="#06182a",
    selection="#204566",
    fracture="#ff8a70",
    doubt="#f0bb4e",
    no_fracture="#62cf93",
    danger="#ff9186",
    danger_ground="#43201d",
    warning="#f0bb4e",
    warning_ground="#3a2f14",
    ok="#62cf93",
    info_ground="#1b2c3d",
)
LIGHT = Palette(
    name="light",
    window="#eceef1",
    surface="#fafbfc",
    raised="#ffffff",
    hover="#e3e8ee",
    border="#bfc6cf",
    text="#191d22",
    muted="#515b67",
    disabled="#8b949f",
    accent="#1662b0",
    accent_hover="#0f4f91",
    on_accent="#ffffff",
    selection="#cfe3f7",
    fracture="#b3361b",
    doubt="#7c5200",
    no_fracture="#176a3c",
    danger="#a8231a",
    danger_ground="#fbe3e0",
    warning="#7c5200",
    warning_ground="#fbf0d6",
    ok="#176a3c",
    info_ground="#e0edfa",
)
PALETTES: dict[ThemeName, Palette] = {"dark": DARK, "light": LIGHT}

# On the film the ground is always black, whatever the theme.
FILM_GROUND = "#000000"
FILM_TEXT = "#f4f4f4"
FILM_AMBER = "#ffbf47"
FILM_FINDING = "#ff7a5c"
FILM_SELECTED = "#ffd24a"
FILM_LINE = "#5fd0ff"
FILM_BAND_FRACTURE = "#ff7a5c"
FILM_BAND_OTHER = "#5fd0ff"


def current() -> Palette:
    """The palette of the running application; dark where none was applied."""
    app = QApplication.instance()
    name = app.property(_PROPERTY) if app is not None else None
    return LIGHT if name == "light" else DARK


def apply(app: QApplication, name: ThemeName) -> None:
    """Give the whole application a palette and the style sheet; widgets hear of it as QEvent.PaletteChange."""
    palette = PALETTES[name]
    app.setProperty(_PROPERTY, name)
    if app.style().name() != "fusion":
        app.setStyle("Fusion")
    app.styleHints().setColorScheme(Qt.ColorScheme.Dark if name == "dark" else Qt.ColorScheme.Light)
    app.setPalette(_qt_palette(palette))
    app.setStyleSheet(style_sheet(palette))


def has_changed(widget: QWidget, event: QEvent) -> bool:
    """For changeEvent: whether icons have to be drawn in other colours now (Qt says PaletteChange more often)."""
    if event.type() is not QEvent.Type.PaletteChange or widget.property(_PROPERTY) == current().name:
        return False
    widget.setProperty(_PROPERTY, current().name)
    return True


def _qt_palette(p: Palette) -> QPalette:
    roles = QPalette.ColorRole
    colours = {
        roles.Window: p.surface,
        roles.WindowText: p.text,
        roles.Base: p.raised,
        roles.AlternateBase: p.surface,
        roles.Text: p.text,
        roles.Button: p.raised,
        roles.ButtonText: p.text,
        roles.BrightText: p.text,
        roles.Highlight: p.selection,
        roles.HighlightedText: p.text,
        roles.ToolTipBase: p.raised,
        roles.ToolTipText: p.text,
        roles.PlaceholderText: p.muted,
        roles.Link: p.accent,
        roles.LinkVisited: p.accent,
        roles.Accent: p.accent,
        roles.Light: p.hover,
        roles.Mid: p.border,
        roles.Dark: p.border,
        roles.Shadow: p.window,
    }
    palette = QPalette()
    for role, colour in colours.items():
        palette.setColor(role, QColor(colour))
    for role in (roles.WindowText, roles.Text, roles.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(p.disabled))
    return palette


def style_sheet(p: Palette) -> str:
    """The style sheet of the window: resources/style.qss in a palette's colours."""
    arrow = resource("icons", "combo-arrow.svg").as_posix()  # grey enough for both grounds
    check = resource("icons", f"check-{p.name}.svg").as_posix()
    return Template(resource("style.qss").read_text(encoding="utf-8")).substitute(asdict(p), arrow=arrow, check=check)
