"""The menu of ready-made windows, for mouse and keys: each entry has a digit, the one in force a mark."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QPoint

from hipcad_desktop.gui.viewer.film_view import FilmView
from hipcad_desktop.gui.widgets.key_menu import KeyMenu

MARGIN_PX = 12


def ask_preset(view: FilmView) -> KeyMenu | None:
    """Show the menu over the film; None without a film."""
    found = view.presets()
    if not found:
        return None
    menu = KeyMenu(view)
    menu.setObjectName("preset_menu")
    now = replace(view.grey_window, inverted=False)
    for number, preset in enumerate(found, 1):
        if preset.from_file and not found[number - 2].from_file:
            menu.addSection("From the film's file")
        digit = f"&{number}  " if number <= 9 else ""
        entry = menu.addAction(digit + preset.text.replace("&", "&&"))
        entry.setCheckable(True)
        entry.setChecked(preset.window == now)
        entry.triggered.connect(lambda _c=False, name=preset.name: view.use_preset(name))
    menu.aboutToHide.connect(menu.deleteLater)
    left = (view.width() - menu.sizeHint().width()) // 2  # the letters of the sides stay in sight
    menu.popup(view.mapToGlobal(QPoint(left, MARGIN_PX)))
    return menu
