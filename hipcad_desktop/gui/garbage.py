"""Python's cycle collector, kept to the window's thread.

A collection runs in whichever thread happens to allocate. Where a dead widget is in the cycle, its C++ part then goes
in a pool's thread, and Qt takes the program down (seen: a closed dialog, collected while a dataset was read).
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

_EVERY_MS = 500


class GarbageCollector(QObject):
    """Collects as Python would, by its own thresholds, but only where this object lives; stop() gives it back."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        gc.disable()
        self._timer = QTimer(self)
        self._timer.setInterval(_EVERY_MS)
        self._timer.timeout.connect(self.look)
        self._timer.start()

    def look(self) -> None:
        """Collect the oldest generation that is due."""
        for generation in (2, 1, 0):
            if gc.get_count()[generation] > gc.get_threshold()[generation]:
                gc.collect(generation)
                return

    def stop(self) -> None:
        """Collect once more, here, and let Python do it again."""
        self._timer.stop()
        gc.collect()
        gc.enable()
