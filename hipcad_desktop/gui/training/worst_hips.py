"""The validation hips that the model gets most wrong, as small pictures that change after each epoch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QImage, QPixmap, QResizeEvent
from PySide6.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from hipcad_desktop.domain.anatomy import Side
from hipcad_desktop.gui.tasks import Tasks
from hipcad_desktop.gui.training.form import button
from hipcad_desktop.gui.widgets.pieces import muted

_THUMB_PX = 84
_CELL_PX = 108
_LARGE_PX = 456
_NOT_YET = "After the first epoch: the hips of the validation partition that the model gets most wrong."


@dataclass(frozen=True, slots=True, eq=False)
class WorstHip:
    """One hip as worst.json tells it, with its picture (160 x 160)."""

    image: QImage
    film_code: str
    side: str  # R, L or empty
    fracture: bool
    p_fracture: float | None
    wrong: bool

    @property
    def truth(self) -> str:
        """What the readers said."""
        return "fracture" if self.fracture else "no fracture"

    @property
    def short(self) -> str:
        """One line under the picture; the sign says whether it is wrong at 0.5."""
        said = "no number" if self.p_fracture is None else f"{self.p_fracture:.2f}"
        return f"{'✕' if self.wrong else '✓'} {'broken' if self.fracture else 'whole'} · {said}"

    @property
    def long(self) -> str:
        """Everything, for a tool tip and the large picture."""
        said = "no number" if self.p_fracture is None else f"{self.p_fracture:.3f}"
        side = f", {Side(self.side).name.lower()} hip" if self.side else ""
        return f"Readers: {self.truth}. Model: probability of a fracture {said}. Film {self.film_code}{side}."


@dataclass(frozen=True, slots=True)
class WorstTable:
    """The hips of one epoch, the most wrong first."""

    epoch: int
    hips: tuple[WorstHip, ...]


def read_worst(path: Path) -> WorstTable | None:
    """worst.json and its pictures, for the pool; None where the next epoch's has just taken their place."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        hips = tuple(
            WorstHip(
                QImage(str(path.parent / row["image"])),
                str(row["film_code"]),
                str(row["side"]),
                bool(row["fracture"]),
                row["p_fracture"],
                bool(row["wrong"]),
            )
            for row in values["hips"]
        )
        return WorstTable(int(values["epoch"]), tuple(h for h in hips if not h.image.isNull()))
    except (OSError, ValueError, KeyError, TypeError):
        return None


class WorstHips(QWidget):
    """As many columns as fit; a click shows a hip large."""

    def __init__(self, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._path: Path | None = None
        self._epoch = -1
        self._hips: tuple[WorstHip, ...] = ()
        self._thumbs: list[QToolButton] = []
        self._heading = QLabel("Most wrong")
        self._heading.setProperty("look", "heading")
        self._words = muted(_NOT_YET)
        self._grid = QGridLayout()
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(6)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self._heading)
        layout.addWidget(self._words)
        layout.addLayout(self._grid)
        layout.addStretch(1)
        self.setMinimumWidth(_CELL_PX)

    @property
    def hips(self) -> Sequence[WorstHip]:
        """What is shown."""
        return self._hips

    @property
    def thumbs(self) -> Sequence[QToolButton]:
        """The small pictures, the most wrong first."""
        return self._thumbs

    def follow(self, path: str, epoch: int) -> None:
        """Show the table of an epoch; an empty path shows none."""
        if not path:
            self._path, self._epoch = None, -1
            self._show(None)
        elif (Path(path), epoch) != (self._path, self._epoch):
            self._path, self._epoch = Path(path), epoch
            wanted = self._path
            self._tasks.latest("worst hips", lambda: (wanted, read_worst(wanted)), done=self._on_read)

    def _on_read(self, found: tuple[Path, WorstTable | None]) -> None:
        path, table = found
        if path == self._path and table is not None:
            self._show(table)

    def _show(self, table: WorstTable | None) -> None:
        for thumb in self._thumbs:
            thumb.hide()
            thumb.deleteLater()
        self._hips = table.hips if table is not None else ()
        self._thumbs = [self._thumb(place, hip) for place, hip in enumerate(self._hips)]
        if table is not None and self._hips:
            wrong = sum(h.wrong for h in self._hips)
            self._heading.setText(f"Most wrong after epoch {table.epoch}")
            self._words.setText(
                f"{wrong} of these {len(self._hips)} validation hips are wrong at 0.5. The number is the model's "
                "probability of a fracture."
            )
        else:
            self._heading.setText("Most wrong")
            self._words.setText(_NOT_YET)
        self._place()

    def _thumb(self, place: int, hip: WorstHip) -> QToolButton:
        thumb = QToolButton()
        thumb.setProperty("look", "thumb")
        thumb.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        thumb.setIconSize(QSize(_THUMB_PX, _THUMB_PX))
        thumb.setIcon(QPixmap.fromImage(hip.image))
        thumb.setText(hip.short)
        thumb.setToolTip(hip.long)
        thumb.setAccessibleName(hip.long)
        thumb.clicked.connect(lambda: LargeHips(self._hips, place, self).open())
        return thumb

    def _place(self) -> None:
        columns = max(1, (self.width() + 6) // (_CELL_PX + 6))
        for place, thumb in enumerate(self._thumbs):
            self._grid.addWidget(thumb, place // columns, place % columns, Qt.AlignmentFlag.AlignLeft)
            thumb.setFixedWidth(_CELL_PX)
            thumb.show()
        for column in range(self._grid.columnCount()):
            self._grid.setColumnStretch(column, 0)
        self._grid.setColumnStretch(columns, 1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.oldSize().width() != event.size().width():
            self._place()


class LargeHips(QDialog):
    """One hip large; the arrow keys go to the next."""

    def __init__(self, hips: Sequence[WorstHip], place: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Hips the model gets most wrong")
        self._hips, self._at = tuple(hips), place
        self._picture = QLabel()
        self._picture.setFixedSize(_LARGE_PX, _LARGE_PX)
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.words.setFixedWidth(_LARGE_PX)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._before, self._after = button("◂ Before", lambda: self._go(-1)), button("Next ▸", lambda: self._go(1))
        self._before.setShortcut(Qt.Key.Key_Left)
        self._after.setShortcut(Qt.Key.Key_Right)
        close = button("Close", self.accept)
        row = QHBoxLayout()
        row.addWidget(self._before)
        row.addWidget(self._after)
        row.addStretch(1)
        row.addWidget(close)
        layout = QVBoxLayout(self)
        for widget in (self._picture, self.words):
            layout.addWidget(widget)
        layout.addLayout(row)
        self._go(0)

    def _go(self, by: int) -> None:
        self._at = min(max(self._at + by, 0), len(self._hips) - 1)
        hip = self._hips[self._at]
        ratio = self.devicePixelRatioF()
        size = round(_LARGE_PX * ratio)
        large = QPixmap.fromImage(hip.image.scaled(size, size, mode=Qt.TransformationMode.SmoothTransformation))
        large.setDevicePixelRatio(ratio)
        self._picture.setPixmap(large)
        self.words.setText(f"{self._at + 1} of {len(self._hips)}. {hip.long}")
        self._before.setEnabled(self._at > 0)
        self._after.setEnabled(self._at < len(self._hips) - 1)
