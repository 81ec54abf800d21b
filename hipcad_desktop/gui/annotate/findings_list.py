"""The findings of a film: number, side, type, delete. Selecting a row selects the rectangle."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QComboBox, QFrame, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from hipcad_desktop.domain.anatomy import FractureType, SideMap
from hipcad_desktop.domain.annotation import Finding
from hipcad_desktop.domain.geometry import Size
from hipcad_desktop.domain.halving import half_of
from hipcad_desktop.gui import theme
from hipcad_desktop.gui.widgets.icons import icon

GROUPS: tuple[tuple[str, tuple[FractureType, ...]], ...] = (
    ("Femoral neck", (FractureType.GARDEN_I, FractureType.GARDEN_II, FractureType.GARDEN_III, FractureType.GARDEN_IV)),
    ("Trochanter", (FractureType.AO_31_A1, FractureType.AO_31_A2, FractureType.AO_31_A3)),
    ("Isolated", (FractureType.GREATER_TROCHANTER,)),
)


class FindingRow(QFrame):
    """One finding."""

    picked = Signal(int)
    type_chosen = Signal(int, object)
    delete_asked = Signal(int)

    def __init__(self, index: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.index = index
        self._label = QLabel()
        self._label.setMinimumWidth(44)
        self.types = _type_box()
        self.types.setAccessibleName(f"Fracture type of rectangle {index + 1}")
        self.types.activated.connect(self._type_chosen)
        self._delete = QToolButton()
        self._delete.setProperty("look", "flat")
        self._delete.setToolTip("Delete this rectangle")
        self._delete.setAccessibleName(f"Delete rectangle {index + 1}")
        self._delete.setIcon(icon("delete", theme.current().muted))
        self._delete.setIconSize(QSize(16, 16))
        self._delete.clicked.connect(lambda: self.delete_asked.emit(self.index))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 4, 4, 4)
        layout.setSpacing(6)
        layout.addWidget(self._label)
        layout.addWidget(self.types, 1)
        layout.addWidget(self._delete)

    def show_finding(self, finding: Finding, side: str, *, selected: bool) -> None:
        """What is drawn, and on which side."""
        self._label.setText(f"{self.index + 1} · {side}")
        self.types.setCurrentIndex(max(self.types.findData(finding.fracture_type), 0))
        look = "info" if selected else "card"
        if self.property("look") != look:
            self.setProperty("look", look)
            self.style().unpolish(self)
            self.style().polish(self)

    def _type_chosen(self) -> None:
        data = self.types.currentData()  # Qt hands a StrEnum back as a plain str
        self.type_chosen.emit(self.index, FractureType(data) if data else None)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.picked.emit(self.index)


class FindingsList(QWidget):
    """Rows are kept while findings are dragged: a combo box open under the hand must not vanish."""

    picked = Signal(int)
    type_chosen = Signal(int, object)  # index, FractureType or None
    delete_asked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: list[FindingRow] = []
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(4)

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
            row.type_chosen.connect(self.type_chosen)
            row.delete_asked.connect(self.delete_asked)
            self._rows.append(row)
            self._layout.addWidget(row)
        for row, finding in zip(self._rows, findings, strict=True):
            side = sides.side_of(half_of(finding.rectangle, film)).value
            row.show_finding(finding, side, selected=row.index == selected)


def _type_box() -> QComboBox:
    box = QComboBox()
    box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    box.addItem("type not given", None)
    for name, types in GROUPS:
        box.addItem(name)
        item = box.model().index(box.count() - 1, 0)
        box.model().setData(item, 0, Qt.ItemDataRole.UserRole - 1)  # a heading: not selectable
        for fracture_type in types:
            box.addItem(f"   {fracture_type.value}", fracture_type)
    return box
