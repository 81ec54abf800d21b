"""Every command of the window, declared once: menus, tool bar, shortcuts and the cheat sheet read this table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QKeySequence

from hipcad_desktop.gui.widgets.icons import icon

Scope = Literal["window", "annotate"]  # annotate: the keys work only in that mode


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """One command. menu is where it is found; keys are its shortcuts, the first one is shown."""

    name: str
    text: str
    menu: str
    keys: tuple[str, ...] = ()
    icon: str = ""
    tip: str = ""
    scope: Scope = "window"
    checkable: bool = False
    separated: bool = False  # a line before it in the menu


@dataclass(frozen=True, slots=True)
class Gesture:
    """Something done with the mouse or held keys: for the cheat sheet only."""

    keys: str
    text: str


MENUS = ("Project", "Edit", "Reading", "Go", "View", "Help")

ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec("new_project", "New project…", "Project", ("Ctrl+N",), "new", "Make a project in an empty folder"),
    ActionSpec("open_project", "Open project…", "Project", ("Ctrl+O",), "open", "Open a project's folder"),
    ActionSpec("diagnose_files", "Diagnose films…", "Project", ("Ctrl+D",), "diagnose", "Let a network look at films"),
    ActionSpec("open_sample", "Open sample project", "Project", (), "sample", "Simulated films to try everything on"),
    ActionSpec(
        "import_folder",
        "Import folder…",
        "Project",
        ("Ctrl+I",),
        "import_folder",
        "Bring in all films of a folder",
        separated=True,
    ),
    ActionSpec("import_files", "Import files…", "Project", ("Ctrl+Shift+I",), "import_files", "Bring in single films"),
    ActionSpec("import_readings", "Import readings…", "Project", (), "", "Rectangles and verdicts from a CSV table"),
    ActionSpec("export_readings", "Export readings…", "Project", (), "", "All readings as a CSV table", separated=True),
    ActionSpec(
        "export_dataset", "Export dataset…", "Project", ("Ctrl+E",), "export", "Hip images and partitions, to train on"
    ),
    ActionSpec("change_reader", "Change reader…", "Project", (), "reader", "Read as somebody else", separated=True),
    ActionSpec("close_project", "Close project", "Project", ("Ctrl+W",)),
    ActionSpec("quit", "Quit", "Project", ("Ctrl+Q",), separated=True),
    ActionSpec("undo", "Undo", "Edit", ("Ctrl+Z",), "undo", "Take back the last change, on any film", "annotate"),
    ActionSpec("redo", "Redo", "Edit", ("Ctrl+Shift+Z", "Ctrl+Y"), "redo", "Do it again", "annotate"),
    ActionSpec(
        "delete_finding",
        "Delete rectangle",
        "Edit",
        ("Delete", "Backspace"),
        "delete",
        "Delete the selected rectangle",
        "annotate",
    ),
    ActionSpec("no_fracture", "No fracture", "Reading", ("N",), "no_fracture", "Neither hip is broken", "annotate"),
    ActionSpec("unsure", "Unsure", "Reading", ("U",), "unsure", "Cannot be decided on this film", "annotate"),
    ActionSpec("exclude", "Exclude…", "Reading", ("X",), "excluded", "Not for the cohort, with a reason", "annotate"),
    ActionSpec(
        "confirm_sides",
        "Sides are as lettered",
        "Reading",
        ("S",),
        "",
        "R and L on the film are right",
        "annotate",
        separated=True,
    ),
    ActionSpec("swap_sides", "Swap sides", "Reading", ("Shift+S",), "", "R and L are the other way round", "annotate"),
    ActionSpec("next_unread", "Next unread film", "Go", ("Return", "Enter"), "next", "The next step", "annotate"),
    ActionSpec("next_film", "Next film", "Go", ("Space", "PgDown"), "", "", "annotate"),
    ActionSpec("previous_film", "Previous film", "Go", ("Shift+Space", "PgUp"), "", "", "annotate"),
    ActionSpec("search", "Search the worklist", "Go", ("Ctrl+F",), "search", "", "annotate"),
    ActionSpec(
        "mode_annotate", "Annotate", "Go", ("Ctrl+1",), "annotate", "Read films", checkable=True, separated=True
    ),
    ActionSpec("mode_train", "Train", "Go", ("Ctrl+2",), "train", "Train a network on a dataset", checkable=True),
    ActionSpec("mode_diagnose", "Diagnose", "Go", ("Ctrl+3",), "diagnose", "Let a network look", checkable=True),
    ActionSpec("fit", "Fit film", "View", ("F",), "fit", "The whole film", "annotate"),
    ActionSpec(
        "actual_size", "Actual size", "View", ("1",), "actual_size", "One film pixel a screen pixel", "annotate"
    ),
    ActionSpec("zoom_in", "Zoom in", "View", ("+", "="), "", "", "annotate"),
    ActionSpec("zoom_out", "Zoom out", "View", ("-",), "", "", "annotate"),
    ActionSpec("invert", "Invert", "View", ("I",), "invert", "Black and white turned, on the screen only", "annotate"),
    ActionSpec("reset_window", "Reset brightness", "View", ("W",), "window", "Back to the film's own grey", "annotate"),
    ActionSpec(
        "hide_marks",
        "Hide marks",
        "View",
        ("H",),
        "hide",
        "See the bone without rectangles and lines",
        "annotate",
        checkable=True,
    ),
    ActionSpec("light_theme", "Light theme", "View", (), "theme", "Dark or light", checkable=True, separated=True),
    ActionSpec("cheat_sheet", "Keys and mouse", "Help", ("F1",), "help", "Every shortcut on one page"),
    ActionSpec("system_check", "System check…", "Help", (), "", "What works on this machine, and what to do"),
    ActionSpec("about", "About HipCAD Desktop", "Help"),
)

GESTURES: tuple[Gesture, ...] = (
    Gesture("Drag on the film", "Draw a rectangle: fracture"),
    Gesture("Drag a rectangle", "Move it"),
    Gesture("Drag a handle or edge", "Resize it"),
    Gesture("Arrow keys", "Move the selected rectangle by 1 pixel"),
    Gesture("Shift + arrow keys", "... by 10 pixels"),
    Gesture("Esc", "Take back a drag; select nothing"),
    Gesture("Wheel", "Zoom at the pointer"),
    Gesture("Middle drag, Space + drag", "Move the film"),
    Gesture("Right drag", "Brightness and contrast, on the screen only"),
    Gesture("O", "In diagnosis: the film without its heat map; tap or hold"),
    Gesture("S", "In diagnosis: both hips side by side, one mirrored"),
)


def spec(name: str) -> ActionSpec:
    """A command by its name. Raises KeyError."""
    for candidate in ACTIONS:
        if candidate.name == name:
            return candidate
    raise KeyError(name)


def shown_key(name: str) -> str:
    """The first shortcut of a command as people write it; empty where it has none."""
    keys = spec(name).keys
    return QKeySequence(keys[0]).toString(QKeySequence.SequenceFormat.NativeText) if keys else ""


def build(parent: QObject, handlers: Mapping[str, Callable[..., object]]) -> dict[str, QAction]:
    """All commands as QActions, connected; a checkable one hands over its new state."""
    built: dict[str, QAction] = {}
    for entry in ACTIONS:
        action = QAction(entry.text, parent)
        action.setObjectName(entry.name)
        action.setShortcuts([QKeySequence(k) for k in entry.keys])
        if entry.scope == "annotate":
            action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        key = f"  ({shown_key(entry.name)})" if entry.keys else ""
        action.setToolTip((entry.tip or entry.text.rstrip("…")) + key)
        action.setCheckable(entry.checkable)
        handler = handlers[entry.name]
        if entry.checkable:
            action.toggled.connect(handler)
        else:
            action.triggered.connect(lambda _checked=False, call=handler: call())
        built[entry.name] = action
    colour_icons(built)
    return built


def colour_icons(actions: Mapping[str, QAction]) -> None:
    """Draw the icons in the palette's colour; again after the theme has changed."""
    for name, action in actions.items():
        if spec(name).icon:
            action.setIcon(icon(spec(name).icon))
