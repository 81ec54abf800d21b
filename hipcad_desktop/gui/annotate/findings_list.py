"""The findings of a film: number, side, type, delete. Selecting a row selects the rectangle."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from hipcad_desktop.domain.anatomy import SideMap
from hipcad_desktop.domain.annotation import Finding
from hipcad_desktop.domain.geometry import Size
from hipcad_desktop.domain.halving import half_of
from hipcad_desktop.gui import theme
from hipcad_desktop.gui.widgets.icons import icon

NO_TYPE = "type not given"


class FindingRow(QFrame):
    """One finding."""

    picked = Signal(int)
    delete_asked = Signal(int)

    def __init__(self, index: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.index = index
        self._label = QLabel()
        self._label.setMinimumWidth(40)
        self._type = QLabel()
        self._delete = QToolButton()
        self._delete.setProperty("look", "flat")
        self._delete.setToolTip("Delete this rectangle")
        self._delete.setAccessibleName(f"Delete rectangle {index + 1}")
        self._delete.setIcon(icon("delete", theme.current().muted))
        self._delete.setIconSize(QSize(16, 16))
        self._delete.clicked.connect(lambda: self.delete_asked.emit(self.index))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 1, 2, 1)
        layout.setSpacing(6)
        layout.addWidget(self._label)
        layout.addWidget(self._type, 1)
        layout.addWidget(self._delete)

    @property
    def words(self) -> str:
        """Number, side and type."""
        return f"{self._label.text()} {self._type.text()}"

    def show_finding(self, finding: Finding, side: str, *, selected: bool) -> None:
        """What is drawn, and on which side."""
        self._label.setText(f"{self.index + 1} · {side}")
        self._type.setText(finding.fracture_type.value if finding.fracture_type else NO_TYPE)
        _set_look(self._type, "" if finding.fracture_type else "muted")
        _set_look(self, "info" if selected else "card")

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.picked.emit(self.index)


class FindingsList(QWidget):
    """Rows are kept while findings are dragged: what is under the hand must not vanish."""

    picked = Signal(int)
    delete_asked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: list[FindingRow] = []
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(3)

    def rows(self) -> list[FindingRow]:
        """One a finding."""
        return list(self._rows)

    def show_findings(self, findings: Sequence[Finding], *, film: Size, sides: SideMap, selected: int | None) -> None:
        """All findings of the film."""
        while len(self._rows) > len(findings):
            row = self._rows.pop()
            self._layout.removeWidget(row)
            row.hide()
            row.deleteLater()
        while len(self._rows) < len(findings):
            row = FindingRow(len(self._rows))
            row.picked.connect(self.picked)
            row.delete_asked.connect(self.delete_asked)
            self._rows.append(row)
            self._layout.addWidget(row)
        for row, finding in zip(self._rows, findings, strict=True):
            side = sides.side_of(half_of(finding.rectangle, film)).value
            row.show_finding(finding, side, selected=row.index == selected)


def _set_look(widget: QWidget, look: str) -> None:
    if widget.property("look") != look:
        widget.setProperty("look", look)
        widget.style().unpolish(widget)
        widget.style().polish(widget)
