"""What each command of the table does in the window. Modes are looked up when a command is triggered."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt

from hipcad_desktop.domain.anatomy import FractureType
from hipcad_desktop.domain.annotation import DiagnosedFrom, FilmFlag, Verdict
from hipcad_desktop.gui.top_bar import MODES
from hipcad_desktop.gui.viewer.presets import PERCENTILES
from hipcad_desktop.gui.viewer.window_menu import ask_preset

if TYPE_CHECKING:
    from hipcad_desktop.gui.main_window import MainWindow

Handlers = dict[str, Callable[..., object]]
COMMANDS = (
    "new_project", "open_project", "open_sample", "import_folder", "import_files", "import_readings",
    "export_readings", "export_dataset", "change_reader", "close_project",
)  # fmt: skip
STUDY = ("import_annotations", "export_annotations", "contact_sheet", "cohort_tables")


def handlers(window: MainWindow) -> Handlers:
    """A function for every command's name."""
    found: Handlers = {name: getattr(window.commands, name) for name in COMMANDS}
    found |= {name: getattr(window.study, name) for name in STUDY}
    found |= {
        "diagnose_files": window.ask_films_to_diagnose,
        "quit": window.close,
        "undo": window.binding.undo,
        "redo": window.binding.redo,
        "set_keys": window.show_keys,
        "light_theme": window.set_light,
        "cheat_sheet": window.show_cheat_sheet,
        "system_check": window.show_system_check,
        "about": window.show_about,
    }
    for mode in MODES:
        found[mode] = lambda on, name=mode: window.show_mode(name) if on else None
    return found | _going_and_seeing(window) | _reading(window) | _review(window)


def _going_and_seeing(window: MainWindow) -> Handlers:
    return {
        "next_unread": lambda: window.annotate.next_unread(),
        "next_film": lambda: window.annotate.step(1),
        "previous_film": lambda: window.annotate.step(-1),
        "search": lambda: window.annotate.worklist.search.setFocus(Qt.FocusReason.ShortcutFocusReason),
        "fit": lambda: window.annotate.view.fit(),
        "actual_size": lambda: window.annotate.view.actual_size(),
        "zoom_in": lambda: window.annotate.view.zoom(1.25),
        "zoom_out": lambda: window.annotate.view.zoom(0.8),
        "invert": lambda: window.annotate.view.invert(),
        "reset_window": lambda: window.annotate.view.reset_grey_window(),
        "window_presets": lambda: ask_preset(window.annotate.view),
        "local_contrast": lambda on: window.annotate.view.set_local_contrast(on),
        **{f"window_{n}": lambda n=n: window.annotate.view.use_preset(n) for n in (*PERCENTILES, "full", "file")},
        "hide_marks": lambda hidden: window.annotate.hide_marks(hidden),
        "large_hips": lambda shown: window.annotate.show_large_hips(shown),
    }


def _reading(window: MainWindow) -> Handlers:
    def does(name: str, *given: object, **named: object) -> Callable[[], object]:
        return lambda: getattr(window.annotate.commands, name)(*given, **named)

    found: Handlers = {
        "delete_finding": does("delete_finding"),
        "no_fracture": does("say", Verdict.NO_FRACTURE),
        "unsure": does("say", Verdict.UNSURE),
        "exclude": does("ask_exclusion"),
        "confirm_sides": does("choose_sides", swapped=False),
        "swap_sides": does("choose_sides", swapped=True),
        "sign": does("sign"),
        "sign_all": does("sign_all"),
    }
    found |= {f"type_{n}": does("set_type", kind) for n, kind in enumerate(FractureType, 1)}
    found |= {f"source_{n}": does("set_source", source) for n, source in enumerate(DiagnosedFrom, 1)}
    return found | {f"flag_{n}": does("toggle_flag", flag) for n, flag in enumerate(FilmFlag, 1)}


def _review(window: MainWindow) -> Handlers:
    def does(name: str, *given: object) -> Callable[[], object]:
        return lambda: getattr(window.modes.mode("mode_review"), name)(*given)

    return {
        "take_1": does("take", 0),
        "take_2": does("take", 1),
        "take_both": does("take_both"),
        "agree_no_fracture": does("agree", Verdict.NO_FRACTURE),
        "agree_unsure": does("agree", Verdict.UNSURE),
        "adjudicate": does("adjudicate"),
        "next_dispute": does("step", 1),
        "previous_dispute": does("step", -1),
        "send_readings": does("send_readings"),
        "merge_readings": does("merge_readings"),
    }
