"""Which key does what: the table's keys, and what a person has put in their place, kept in the settings."""

from __future__ import annotations

import json
from collections.abc import Mapping

from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QKeySequence

from hipcad_desktop.gui.actions import ACTIONS, ActionSpec, spec

GROUP = "keys"
# The film takes these itself: nudges, and Escape for taking a drag back (annotate.rectangle_tool). Tab moves the focus.
TAKEN_BY_FILM = frozenset(
    {Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Escape, Qt.Key.Key_Tab}
)


class Keymap:
    """The keys in force. Nothing here changes a QAction: actions.set_keys does."""

    def __init__(self, settings: QSettings) -> None:
        self._settings = settings
        self._keys = {entry.name: normal(entry.keys) for entry in ACTIONS}
        for entry in ACTIONS:
            kept = _kept(settings, entry.name)
            if kept is not None:
                self._keys[entry.name] = kept

    def table(self) -> Mapping[str, tuple[str, ...]]:
        """The keys of every command, in portable text."""
        return dict(self._keys)

    def keys(self, name: str) -> tuple[str, ...]:
        """The keys of one command."""
        return self._keys[name]

    def is_own(self, name: str) -> bool:
        """Whether a person has chosen them."""
        return self._keys[name] != normal(spec(name).keys)

    def holder(self, name: str, key: str) -> ActionSpec | None:
        """The other command that has this key where both would hear it; None where it is free."""
        wanted = spec(name).scope
        for entry in ACTIONS:
            meets = "window" in (wanted, entry.scope) or wanted == entry.scope
            if entry.name != name and meets and key in self._keys[entry.name]:
                return entry
        return None

    def give(self, name: str, key: str) -> None:
        """Make this the command's only key; another command that had it loses it. Kept at once."""
        holder = self.holder(name, key)
        if holder is not None:
            self._set(holder.name, tuple(k for k in self._keys[holder.name] if k != key))
        self._set(name, (key,))

    def clear(self, name: str) -> None:
        """The command has no key."""
        self._set(name, ())

    def reset(self, name: str) -> None:
        """Back to the table's keys; commands that have them by now lose them."""
        for key in normal(spec(name).keys):
            holder = self.holder(name, key)
            if holder is not None:
                self._set(holder.name, tuple(k for k in self._keys[holder.name] if k != key))
        self._set(name, normal(spec(name).keys))

    def reset_all(self) -> None:
        """The table's keys for every command."""
        self._settings.remove(GROUP)
        self._keys = {entry.name: normal(entry.keys) for entry in ACTIONS}

    def _set(self, name: str, keys: tuple[str, ...]) -> None:
        self._keys[name] = keys
        if self.is_own(name):
            self._settings.setValue(f"{GROUP}/{name}", json.dumps(list(keys)))
        else:
            self._settings.remove(f"{GROUP}/{name}")


def normal(keys: tuple[str, ...]) -> tuple[str, ...]:
    """Keys as Qt writes them, so that they can be compared."""
    return tuple(QKeySequence(key).toString(QKeySequence.SequenceFormat.PortableText) for key in keys)


def _kept(settings: QSettings, name: str) -> tuple[str, ...] | None:
    """What a person chose; None where nothing was chosen, or what is kept is no list of keys (edited by hand)."""
    text = settings.value(f"{GROUP}/{name}")
    if not isinstance(text, str):
        return None
    try:
        keys = json.loads(text)
    except ValueError:
        return None
    if not isinstance(keys, list) or not all(isinstance(k, str) for k in keys):
        return None
    return tuple(k for k in normal(tuple(keys)) if k)
