"""Every command of the window, declared once: menus, tool bar, keys and the cheat sheet read this table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QKeySequence

from hipcad_desktop.domain.anatomy import FractureType
from hipcad_desktop.domain.annotation import DiagnosedFrom, FilmFlag
from hipcad_desktop.gui.widgets.icons import icon

Scope = Literal["window", "annotate", "review"]  # the keys of the last two work only in that mode


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """One command. menu is where it is found; keys are its keys until a person changes them, the first is shown."""

    name: str
    text: str
    menu: str
    keys: tuple[str, ...] = ()
    icon: str = ""
    tip: str = ""
    scope: Scope = "window"
    checkable: bool = False
    separated: bool = False  # a line before it in the menu
    repeats: bool = False  # again and again while the key is held


@dataclass(frozen=True, slots=True)
class Gesture:
    """Something done with the mouse or held keys: for the cheat sheet only."""

    keys: str
    text: str


MENUS = ("Project", "Edit", "Reading", "Remarks", "Go", "View", "Review", "Settings", "Help")

WHERE = {
    DiagnosedFrom.FRONTAL: "the frontal film",
    DiagnosedFrom.LATERAL: "the lateral film",
    DiagnosedFrom.CT_MRI: "CT or MRI",
}

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
    ActionSpec("import_annotations", "Import rectangles…", "Project", (), "", "From COCO, YOLO, Pascal VOC or labelme"),
    ActionSpec("export_readings", "Export readings…", "Project", (), "", "All readings as a CSV table", separated=True),
    ActionSpec(
        "export_dataset", "Export dataset…", "Project", ("Ctrl+E",), "export", "Hip images and partitions, to train on"
    ),
    ActionSpec("export_annotations", "Export rectangles…", "Project", (), "", "For COCO, YOLO, Pascal VOC or labelme"),
    ActionSpec("contact_sheet", "Contact sheet…", "Project", (), "", "A dataset's hip images on pages to look over"),
    ActionSpec("cohort_tables", "Cohort tables…", "Project", (), "", "Tables 1 and 2 and the patient flow diagram"),
    ActionSpec("change_reader", "Change reader…", "Project", (), "reader", "Read as somebody else", separated=True),
    ActionSpec("close_project", "Close project", "Project", ("Ctrl+W",)),
    ActionSpec("quit", "Quit", "Project", ("Ctrl+Q",), separated=True),
    ActionSpec(
        "undo", "Undo", "Edit", ("Ctrl+Z",), "undo", "Take back the last change, on any film", "annotate", repeats=True
    ),
    ActionSpec("redo", "Redo", "Edit", ("Ctrl+Shift+Z", "Ctrl+Y"), "redo", "Do it again", "annotate", repeats=True),
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
    ActionSpec(
        "sign",
        "Sign the reading",
        "Reading",
        ("G",),
        "signed",
        "It is done: a later change needs a reason",
        "annotate",
        separated=True,
    ),
    ActionSpec(
        "sign_all", "Sign all my readings…", "Reading", ("Shift+G",), "", "Every answer not signed yet", "annotate"
    ),
    *(
        ActionSpec(
            f"type_{number}",
            f"Type {kind.value}",
            "Remarks",
            (str(number),),
            "",
            f"The selected rectangle is {kind.value}; the same again takes it back",
            "annotate",
        )
        for number, kind in enumerate(FractureType, 1)
    ),
    *(
        ActionSpec(
            f"source_{number}",
            f"Diagnosed from {source.value}",
            "Remarks",
            (key,),
            "",
            f"The fracture was first seen on {WHERE[source]}",
            "annotate",
            separated=number == 1,
        )
        for number, (source, key) in enumerate(zip(DiagnosedFrom, "ADC", strict=True), 1)
    ),
    *(
        ActionSpec(
            f"flag_{number}",
            flag.value[0].upper() + flag.value[1:],
            "Remarks",
            (key,),
            "",
            f"The film shows: {flag.value}",
            "annotate",
            separated=number == 1,
        )
        for number, (flag, key) in enumerate(zip(FilmFlag, "QWERT", strict=True), 1)
    ),
    ActionSpec("next_unread", "Next unread film", "Go", ("Return", "Enter"), "next", "The next step", "annotate"),
    ActionSpec("next_film", "Next film", "Go", ("Space", "PgDown"), "", "", "annotate", repeats=True),
    ActionSpec("previous_film", "Previous film", "Go", ("Shift+Space", "PgUp"), "", "", "annotate", repeats=True),
    ActionSpec("search", "Search the worklist", "Go", ("Ctrl+F",), "search", "", "annotate"),
    ActionSpec(
        "mode_annotate", "Annotate", "Go", ("Ctrl+1",), "annotate", "Read films", checkable=True, separated=True
    ),
    ActionSpec("mode_train", "Train", "Go", ("Ctrl+2",), "train", "Train a network on a dataset", checkable=True),
    ActionSpec("mode_evaluate", "Evaluate", "Go", ("Ctrl+3",), "evaluate", "How well a model does", checkable=True),
    ActionSpec("mode_diagnose", "Diagnose", "Go", ("Ctrl+4",), "diagnose", "Let a network look", checkable=True),
    ActionSpec(
        "mode_review",
        "Review",
        "Go",
        ("Ctrl+5",),
        "review",
        "How far the readers are, and how they agree",
        checkable=True,
    ),
    ActionSpec("fit", "Fit film", "View", ("F",), "fit", "The whole film", "annotate"),
    ActionSpec(
        "actual_size", "Actual size", "View", ("0",), "actual_size", "One film pixel a screen pixel", "annotate"
    ),
    ActionSpec("zoom_in", "Zoom in", "View", ("+", "="), "", "", "annotate", repeats=True),
    ActionSpec("zoom_out", "Zoom out", "View", ("-",), "", "", "annotate", repeats=True),
    ActionSpec("invert", "Invert", "View", ("I",), "invert", "Black and white turned, on the screen only", "annotate"),
    ActionSpec("reset_window", "Reset brightness", "View", ("B",), "window", "Back to the film's own grey", "annotate"),
    ActionSpec(
        "window_presets",
        "Brightness presets…",
        "View",
        ("M",),
        "presets",
        "Auto, bone, soft, full range, and what the file proposes; on the screen only",
        "annotate",
    ),
    ActionSpec("window_auto", "Auto brightness", "View", ("Shift+A",), "", "By the middle of the film", "annotate"),
    ActionSpec("window_bone", "Bone", "View", ("Shift+B",), "", "The bright half of the film", "annotate"),
    ActionSpec("window_soft", "Soft", "View", ("Shift+T",), "", "Soft tissue and thin bone", "annotate"),
    ActionSpec("window_full", "Full range", "View", ("Shift+F",), "", "Every value that occurs", "annotate"),
    ActionSpec("window_file", "Next window of the file", "View", ("Shift+W",), "", "Where DICOM has any", "annotate"),
    ActionSpec(
        "local_contrast",
        "Local contrast",
        "View",
        ("L",),
        "local_contrast",
        "CLAHE: contrast raised place by place, on the screen only",
        "annotate",
        checkable=True,
    ),
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
    ActionSpec(
        "large_hips",
        "Large hip images",
        "View",
        ("V",),
        "hips",
        "Both hips over the film, as halves and as squares of 380 x 380 pixels; tap or hold",
        "annotate",
        checkable=True,
    ),
    *(
        ActionSpec(
            f"take_{number}",
            f"Take the answer of reader {number}",
            "Review",
            (str(number),),
            "",
            "The adjudicated answer is this reader's",
            "review",
        )
        for number in (1, 2)
    ),
    ActionSpec("take_both", "Take both readers' rectangles", "Review", ("3",), "", "All rectangles of both", "review"),
    ActionSpec("agree_no_fracture", "Agreed: no fracture", "Review", ("N",), "no_fracture", "", "review"),
    ActionSpec("agree_unsure", "Agreed: unsure", "Review", ("U",), "unsure", "", "review"),
    ActionSpec(
        "adjudicate", "Record and go on", "Review", ("Return", "Enter"), "signed", "It stands for this film", "review"
    ),
    ActionSpec(
        "next_dispute", "Next disagreement", "Review", ("PgDown", "Space"), "next", "", "review", separated=True
    ),
    ActionSpec("previous_dispute", "Previous disagreement", "Review", ("PgUp", "Shift+Space"), "", "", "review"),
    ActionSpec(
        "send_readings", "Send my readings…", "Review", (), "", "As one file, for another project", separated=True
    ),
    ActionSpec("merge_readings", "Merge readings…", "Review", (), "", "A file that was sent from another project"),
    ActionSpec("set_keys", "Keys…", "Settings", ("Ctrl+,",), "keys", "Choose a key for every command"),
    ActionSpec("light_theme", "Light theme", "Settings", (), "theme", "Dark or light", checkable=True),
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
    Gesture("C", "In diagnosis: the outline of the heat map's hottest region"),
    Gesture("Y, N", "In evaluation, judging heat maps: yes, it covers the fracture; no"),
    Gesture("Ctrl+Z", "In evaluation, judging heat maps: take the last answer back"),
)


def spec(name: str) -> ActionSpec:
    """A command by its name. Raises KeyError."""
    for candidate in ACTIONS:
        if candidate.name == name:
            return candidate
    raise KeyError(name)


def key_text(action: QAction) -> str:
    """The first key of a command, in force now, as people write it; empty where it has none."""
    return action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)


def build(
    parent: QObject, handlers: Mapping[str, Callable[..., object]], keys: Mapping[str, tuple[str, ...]]
) -> dict[str, QAction]:
    """All commands as QActions with these keys, connected; a checkable one hands over its new state."""
    built: dict[str, QAction] = {}
    for entry in ACTIONS:
        action = QAction(entry.text, parent)
        action.setObjectName(entry.name)
        action.setAutoRepeat(entry.repeats)
        if entry.scope != "window":
            action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        action.setCheckable(entry.checkable)
        handler = handlers[entry.name]
        if entry.checkable:
            action.toggled.connect(handler)
        else:
            action.triggered.connect(lambda _checked=False, call=handler: call())
        built[entry.name] = action
    set_keys(built, keys)
    colour_icons(built)
    return built


def set_keys(actions: Mapping[str, QAction], keys: Mapping[str, tuple[str, ...]]) -> None:
    """Put keys in force; buttons that show one follow QAction.changed."""
    for entry in ACTIONS:
        action = actions[entry.name]
        action.setShortcuts([QKeySequence(k) for k in keys[entry.name]])
        shown = key_text(action)
        action.setToolTip((entry.tip or entry.text.rstrip("…")) + (f"  ({shown})" if shown else ""))


def colour_icons(actions: Mapping[str, QAction]) -> None:
    """Draw the icons in the palette's colour; again after the theme has changed."""
    for name, action in actions.items():
        if spec(name).icon:
            action.setIcon(icon(spec(name).icon))


def in_scope(actions: Mapping[str, QAction], scope: Scope) -> list[QAction]:
    """The commands whose keys work only in one mode."""
    return [actions[entry.name] for entry in ACTIONS if entry.scope == scope]
