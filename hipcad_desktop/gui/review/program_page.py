"""Against the program: answers that a reader disagreed with, and what was read of their films since."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from hipcad_desktop.app.records import records_folder
from hipcad_desktop.domain.read_first import ANSWER_WORDS
from hipcad_desktop.gui.binding import ProjectBinding
from hipcad_desktop.gui.state.project_state import ProjectState
from hipcad_desktop.gui.widgets.notice import Notice

if TYPE_CHECKING:
    from hipcad_desktop.workflows.program_disputes import QueuedDispute, TakenIn

COLUMNS = ("Film", "Hip", "The program", "Reader", "Says", "Since")
_EMPTY = "Nobody has disagreed with an answer of the program in this project."
_HOW = "Read the film again, or adjudicate it, and its line is not open any more."


class ProgramPage(QWidget):
    """One row a disputed hip, the open ones first. Reads when it is told to."""

    look_asked = Signal(str)  # film id

    def __init__(self, state: ProjectState, binding: ProjectBinding, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state, self._binding = state, binding
        self.queue: Sequence[QueuedDispute] = ()
        self.words = QLabel(_EMPTY)
        self.words.setProperty("look", "muted")
        self.words.setWordWrap(True)
        self.notice = Notice()
        self.table = QTableWidget(0, len(COLUMNS))
        self.look = QPushButton("Read this film again")
        self.take = QPushButton("Take in this computer's list")
        self.save = QPushButton("Save as CSV…")
        self._arrange()
        self.table.itemSelectionChanged.connect(self._enable)
        self.table.itemDoubleClicked.connect(lambda _item: self._look())
        self.look.clicked.connect(self._look)
        self.take.clicked.connect(self.take_in)
        self.save.clicked.connect(self._ask_csv)
        state.closed.connect(self.forget)
        self._enable()

    @property
    def open_ones(self) -> int:
        """How many wait to be looked at."""
        return sum(q.open for q in self.queue)

    def read(self) -> None:
        """The queue, and how many this computer's list holds. Only for a project that is not blinded."""

        def call(project: Any) -> tuple[Sequence[QueuedDispute], int]:
            from hipcad_desktop.workflows.program_disputes import DISPUTES_NAME, disputes_in, review_queue

            return review_queue(project), len(disputes_in(records_folder() / DISPUTES_NAME))

        self._binding.ask("Read the answers disputed", call, done=lambda found: self.show_queue(*found))

    def show_queue(self, queue: Sequence[QueuedDispute], local: int) -> None:
        """All of it."""
        self.queue = queue
        hips = "hip" if len(queue) == 1 else "hips"
        self.words.setText(f"{len(queue)} disputed {hips}, {self.open_ones} open. {_HOW}" if queue else _EMPTY)
        self.take.setText(f"Take in this computer's list ({local})")
        self.take.setEnabled(local > 0)
        self.table.setRowCount(len(queue))
        for row, queued in enumerate(queue):
            d = queued.dispute
            program = f"{d.program.value.replace('_', ' ')} (p = {d.p_fracture:.3f})"
            cells = (queued.file_name, d.side.value, program, d.reader, ANSWER_WORDS[d.own], _since(queued))
            for column, words in enumerate(cells):
                item = QTableWidgetItem(words)
                item.setToolTip(f"{words}\nModel {d.model_name}" if column == 2 else words)
                self.table.setItem(row, column, item)
        self._enable()

    def take_in(self) -> None:
        """The list kept while no project was open; it stays as it is."""

        def call(project: Any, _watch: Any) -> TakenIn:
            from hipcad_desktop.workflows.program_disputes import DISPUTES_NAME, take_in

            return take_in(project, records_folder() / DISPUTES_NAME)

        def taken(found: TakenIn) -> None:
            wait = (
                f" {found.waiting} wait: their films are not in this project. Import them, then take the list in again."
                if found.waiting
                else ""
            )
            said = f"{found.added} taken in, {found.already} were there already.{wait}"
            self.notice.say(said, "warning" if found.waiting else "info")
            self.read()

        self._binding.work("Take in the list", call, done=taken)

    def forget(self) -> None:
        """Another project, or none."""
        self.notice.say("")
        self.show_queue((), 0)

    def _look(self) -> None:
        row = self.table.currentRow()
        if 0 <= row < len(self.queue):
            self.look_asked.emit(self.queue[row].dispute.film_id)

    def _ask_csv(self) -> None:
        parent = self._state.path.parent if self._state.path else Path.home()
        start = str(parent / "against_the_program.csv")
        chosen, _ = QFileDialog.getSaveFileName(self, "Answers disputed", start, "Tables (*.csv)")
        if not chosen:
            return
        queue = self.queue

        def call(_project: Any) -> int:
            from hipcad_desktop.workflows.program_disputes import write_queue

            return write_queue(queue, Path(chosen))

        said = f"written to {Path(chosen).name}."
        self._binding.ask("Save the answers disputed", call, done=lambda rows: self.notice.say(f"{rows} rows {said}"))

    def _enable(self) -> None:
        self.look.setEnabled(0 <= self.table.currentRow() < len(self.queue))
        self.save.setEnabled(bool(self.queue))

    def _arrange(self) -> None:
        self.table.setHorizontalHeaderLabels(list(COLUMNS))
        self.table.setAccessibleName("Answers of the program that were disputed")
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setTabKeyNavigation(False)
        self.table.setShowGrid(False)
        self.table.setWordWrap(False)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(28)
        header = self.table.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setHighlightSections(False)
        header.setSectionResizeMode(len(COLUMNS) - 1, QHeaderView.ResizeMode.Stretch)
        for column, width in enumerate((220, 50, 180, 140, 110)):
            self.table.setColumnWidth(column, width)
        buttons = QHBoxLayout()
        for button in (self.look, self.take, self.save):
            buttons.addWidget(button)
        buttons.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 14, 16, 14)
        layout.setSpacing(10)
        layout.addWidget(self.words)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.notice)
        layout.addLayout(buttons)


def _since(queued: QueuedDispute) -> str:
    from hipcad_desktop.workflows.program_disputes import since_words

    return since_words(queued)
