"""What readers changed after they had seen the program's answer: a table, a small chart, and both as CSV."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QScrollArea,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from hipcad_desktop.domain.change_of_mind import BeforeAfter, Changes, Outcome, Towards
from hipcad_desktop.domain.errors import UserError
from hipcad_desktop.domain.messages import sentence
from hipcad_desktop.domain.metrics import Proportion
from hipcad_desktop.domain.model_card import RESEARCH_USE
from hipcad_desktop.gui.tasks import Tasks
from hipcad_desktop.gui.widgets.figure_charts import Row, RowChart
from hipcad_desktop.gui.widgets.notice import Notice

if TYPE_CHECKING:
    from hipcad_desktop.workflows.read_first import ReadFirstSummary

T = TypeVar("T")
_TABLES = "Tables (*.csv)"
_NOBODY = "Nobody has read a film first yet."
_LINES: Sequence[tuple[str, Callable[[Changes], str]]] = (
    ("Films", lambda c: str(c.films)),
    ("Hips", lambda c: str(c.hips)),
    ("Left out, hips", lambda c: str(sum(c.left_out.values()))),
    ("Changed", lambda c: str(c.changed.hits)),
    *((f"   {t.value}", lambda c, t=t: str(c.towards[t])) for t in Towards),
    ("With a reference", lambda c: str(c.referenced)),
    *((f"   switched {o.value}", lambda c, o=o: str(c.outcomes[o]) if c.referenced else "–") for o in Outcome),
    ("p, right before and after", lambda c: "–" if c.p_value is None else f"{c.p_value:.3f}"),
    (
        "Confidence, before and after",
        lambda c: "–" if c.confidence is None else f"{c.confidence[0]:.2f}, {c.confidence[1]:.2f}",
    ),
)


class ReadFirstSummaryDialog(QDialog):
    """Reads the records beside the window; again where a reference table is chosen."""

    def __init__(self, path: Path, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(f"Read first: what was changed. {RESEARCH_USE}")
        self._path, self._tasks = path, tasks
        self._found: ReadFirstSummary | None = None
        self._open = True
        self.table = QTableWidget()
        self.chart = RowChart("Shares of hips with 95 % intervals")
        self.notice = Notice()
        self.reference = QPushButton("Reference table…")
        self.save = QPushButton("Save as CSV…")
        self.words = QLabel()
        self._arrange()
        self.reference.clicked.connect(self._ask_reference)
        self.save.clicked.connect(self._ask_csv)
        self.finished.connect(self._on_finished)
        self.read(None)

    def read(self, reference: Path | None) -> None:
        """The records, against a reference table where one is given."""
        path = self._path

        def call() -> ReadFirstSummary:
            from hipcad_desktop.workflows.read_first import summary_of

            return summary_of(path, reference=reference)

        self._pool("Sum up what was changed", call, self._show)

    def write(self, to: Path) -> None:
        """One row a hip."""
        found = self._found
        if found is None:
            return

        def call() -> int:
            from hipcad_desktop.workflows.read_first import write_hips

            return write_hips(found.hips, to)

        self._pool("Save the hips", call, lambda rows: self.notice.say(f"{rows} hips written to {to.name}."))

    def _pool(self, what: str, call: Callable[[], T], done: Callable[[T], None]) -> None:
        def failed(error: Exception) -> None:
            if not isinstance(error, UserError):
                self._tasks.broken.emit(error)
            elif self._open:
                self.notice.say(sentence(error), "error")

        self._tasks.pool(what, call, done=lambda value: done(value) if self._open else None, failed=failed)

    def _on_finished(self) -> None:
        self._open = False

    def _show(self, found: ReadFirstSummary) -> None:
        self._found = found
        self.notice.say("")
        readers = found.readers
        self.table.setVisible(bool(readers))
        self.chart.setVisible(bool(readers))
        self.save.setEnabled(bool(found.hips))
        self.words.setText(
            f"A hip counts where its film was read to the end and no answer on it had been seen before. "
            f"Unsure is not right. Last hash of the records: {found.head[:16]}…"
            if readers
            else _NOBODY
        )
        self.table.setColumnCount(len(readers))
        self.table.setHorizontalHeaderLabels([c.reader or "All readers" for c in readers])
        for column, changes in enumerate(readers):
            for row, (_, value) in enumerate(_LINES):
                item = QTableWidgetItem(value(changes))
                item.setTextAlignment(Qt.AlignmentFlag.AlignCenter)
                self.table.setItem(row, column, item)
        self.chart.show_rows([row for changes in readers for row in chart_rows(changes)])

    def _ask_reference(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(self, "Reference: side,reference and film or file", "", _TABLES)
        if chosen:
            self.read(Path(chosen))

    def _ask_csv(self) -> None:
        chosen, _ = QFileDialog.getSaveFileName(self, "Hips read first", "read_first.csv", _TABLES)
        if chosen:
            self.write(Path(chosen))

    def _arrange(self) -> None:
        self.table.setRowCount(len(_LINES))
        self.table.setVerticalHeaderLabels([name for name, _ in _LINES])
        self.table.verticalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.table.verticalHeader().setDefaultSectionSize(24)
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.table.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.table.setAccessibleName("What readers changed")
        self.table.setFixedHeight(24 * len(_LINES) + 34)
        self.words.setProperty("look", "muted")
        self.words.setWordWrap(True)
        page = QWidget()
        inside = QVBoxLayout(page)
        for widget in (self.words, self.table, self.chart):
            inside.addWidget(widget)
        inside.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidget(page)
        scroll.setWidgetResizable(True)
        close = QPushButton("Close")
        close.clicked.connect(self.accept)
        buttons = QHBoxLayout()
        for button in (self.reference, self.save):
            buttons.addWidget(button)
        buttons.addStretch(1)
        buttons.addWidget(close)
        layout = QVBoxLayout(self)
        layout.addWidget(scroll, 1)
        layout.addWidget(self.notice)
        layout.addLayout(buttons)
        self.resize(760, 780)


def chart_rows(changes: Changes) -> list[Row]:
    """A reader's shares; before and after in colours of their own and named."""
    rows = [
        Row(changes.reader or "All readers", heading=True),
        _row("own was the program's", changes.agreed_before, "muted"),
        _row("changed after seeing it", changes.changed, "doubt"),
    ]
    pairs: Sequence[tuple[str, BeforeAfter | None]] = (
        ("right", changes.right),
        ("sensitivity", changes.sensitivity),
        ("specificity", changes.specificity),
    )
    for name, pair in pairs:
        if pair is not None:
            rows += [_row(f"{name}, before", pair.before, "muted"), _row(f"{name}, after", pair.after, "accent")]
    return rows


def _row(name: str, share: Proportion, colour: str) -> Row:
    if share.value is None:
        return Row(name, "none", colour=colour)
    numbers = f"{share.hits} / {share.n}   {share.value:.2f} ({share.low:.2f} to {share.high:.2f})"
    return Row(name, numbers, share.value, share.low, share.high, colour=colour)
