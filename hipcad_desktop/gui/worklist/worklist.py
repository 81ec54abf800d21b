"""The worklist on the screen, and the steps through it: next, previous, next unread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QModelIndex, QTimer, Signal
from PySide6.QtGui import QAction, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QPushButton, QVBoxLayout, QWidget

from hipcad_desktop.domain.radiograph import FilmId
from hipcad_desktop.gui import theme
from hipcad_desktop.gui.binding import ProjectBinding
from hipcad_desktop.gui.settings import open_settings, text
from hipcad_desktop.gui.state.project_state import ProjectState
from hipcad_desktop.gui.worklist.filters import FilterBar
from hipcad_desktop.gui.worklist.model import WorklistModel
from hipcad_desktop.gui.worklist.progress import ReaderCounts
from hipcad_desktop.gui.worklist.rows import COLUMNS, FILM, THUMBNAIL, UNREAD, Statuses, Wanted
from hipcad_desktop.gui.worklist.table import FilmTable
from hipcad_desktop.gui.worklist.thumbnails import Thumbnails

if TYPE_CHECKING:
    from hipcad_desktop.workflows.open_project import Project

COLUMNS_SETTING, THUMBNAILS_SETTING = "worklist/columns", "worklist/thumbnails"
HIDDEN_READERS_SETTING = "worklist/hidden_readers"  # a name a line
OTHERS_MS = 300  # the list is on the screen before the other readers are read
AHEAD_ROWS = 200  # how far an unread film is looked for, to be fetched early


class Worklist(QWidget):
    """Selects films in ProjectState and follows its selection."""

    all_read = Signal()  # next unread was asked for and there is none

    def __init__(
        self, state: ProjectState, binding: ProjectBinding | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._state = state
        self._binding = binding
        self.thumbnails = Thumbnails(state, self)
        self._model = WorklistModel(state, self.thumbnails, self)
        self._following = False
        self._read = 0
        self.setProperty("look", "panel")
        self.filters = FilterBar()
        self.search, self.only = self.filters.search, self.filters.only
        self.counts = ReaderCounts()
        self.progress = self.counts.own
        self.table = FilmTable(self._model)
        self._build()
        self.filters.changed.connect(self._want)
        self.table.selectionModel().currentRowChanged.connect(self._picked)
        self.table.seen.connect(self._seen)
        self.thumbnails.progressed.connect(self._thumbnails_progressed)
        state.current_changed.connect(self._follow)
        state.films_replaced.connect(self._films_replaced)
        # After an answer the reader moves on at once: counting 20,000 answers waits until the window is idle.
        self._reading_others = QTimer(self, singleShot=True, interval=OTHERS_MS)
        self._reading_others.timeout.connect(self._read_others)
        self._model.modelReset.connect(self._list_readers)
        self._counting = QTimer(self, singleShot=True, interval=0)
        self._counting.timeout.connect(self._count)
        state.answer_changed.connect(lambda _film: self._counting.start())

    def _build(self) -> None:
        self._making = QWidget()
        row = QHBoxLayout(self._making)
        row.setContentsMargins(0, 0, 0, 0)
        self.making_words = QLabel()
        self.making_words.setProperty("look", "muted")
        self.stop_making = QPushButton("Stop")
        self.stop_making.setProperty("look", "flat")
        self.stop_making.clicked.connect(self.thumbnails.stop)
        row.addWidget(self.making_words, 1)
        row.addWidget(self.stop_making)
        self._making.hide()
        self._menu = menu = QMenu(self)
        self._reader_actions: list[QAction] = []
        self.show_thumbnails = QAction("Thumbnails", self, checkable=True)
        self.show_thumbnails.toggled.connect(self._toggle_thumbnails)
        menu.addAction(self.show_thumbnails)
        menu.addSeparator()
        for column, name in enumerate(COLUMNS):
            if column not in (FILM, THUMBNAIL):
                action = menu.addAction(name)
                action.setCheckable(True)
                action.setChecked(not self.table.isColumnHidden(column))
                action.toggled.connect(lambda on, c=column: self._show_column(c, on))
        self.filters.view.setMenu(menu)
        settings = open_settings()
        wanted = text(settings, COLUMNS_SETTING)
        for action in menu.actions() if wanted else ():
            if action is not self.show_thumbnails and not action.isSeparator():
                action.setChecked(action.text() in wanted.split(","))
        self.table.hide_readers(text(settings, HIDDEN_READERS_SETTING).splitlines())
        self.show_thumbnails.setChecked(text(settings, THUMBNAILS_SETTING) == "yes")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 0, 0)
        layout.setSpacing(6)
        for part in (self.filters, self.counts, self._making):
            layout.addWidget(part)
        layout.addWidget(self.table, 1)

    def step(self, by: int) -> None:
        """The film `by` rows further down, stopping at the ends."""
        rows = self._model.rowCount()
        if rows:
            now = self._row()
            self._state.select(
                self._film_at(min(max((-1 if by > 0 else 0) if now is None else now, -1) + by, rows - 1))
            )

    def next_unread(self) -> None:
        """The next unread film of the list, from here on and round."""
        row = self._model.next_unread(self._row())
        if row is not None:
            self._state.select(self._film_at(row))
        elif self._model.rowCount():
            self.all_read.emit()

    def ahead(self) -> list[FilmId]:
        """The films that will probably be looked at next: the next row, the next unread, the one before."""
        now, rows = self._row(), self._model.rowCount()
        if now is None:
            return []
        unread = (r for r in range(now + 1, min(now + AHEAD_ROWS, rows)) if self._model.status(r) == UNREAD)
        wanted = [now + 1, next(unread, -1), now - 1]
        return [f for f in dict.fromkeys(self._film_at(r) for r in wanted if 0 <= r < rows) if f is not None]

    def show_readers(self, counts: Sequence[tuple[str, int]]) -> None:
        """How many films each reader has read; the present reader's own count is known here already."""
        self.counts.show_others([(r, n) for r, n in counts if r != self._state.reader], len(self._state.films))

    def show_others(self, statuses: Mapping[str, Statuses]) -> None:
        """What each reader says; empty while blinded. The present reader's own column is here already."""
        self._following = True
        # A second round is read without anybody's first answers in view.
        seen = statuses if self._state.round == 1 else {}
        self._model.show_others([(name, said) for name, said in seen.items() if name != self._state.reader])
        self._list_readers()
        self.table.select(self._row())
        self._following = False

    def _list_readers(self) -> None:
        """An entry of the menu for each other reader's column."""
        names = self._model.others
        if [a.text() for a in self._reader_actions[1:]] == [_entry(n) for n in names]:
            return
        for action in self._reader_actions:
            self._menu.removeAction(action)
            action.deleteLater()
        self._reader_actions = [self._menu.addSeparator()] if names else []
        hidden = text(open_settings(), HIDDEN_READERS_SETTING).splitlines()
        for name in names:
            action = self._menu.addAction(_entry(name))
            action.setCheckable(True)
            action.setChecked(name not in hidden)
            action.toggled.connect(lambda on, n=name: self._show_reader(n, on))
            self._reader_actions.append(action)

    def _show_reader(self, name: str, on: bool) -> None:
        hidden = set(text(open_settings(), HIDDEN_READERS_SETTING).splitlines())
        hidden = hidden - {name} if on else hidden | {name}
        open_settings().setValue(HIDDEN_READERS_SETTING, "\n".join(sorted(hidden)))
        self.table.hide_readers(hidden)

    def _read_others(self) -> None:
        if self._state.films and self._binding is not None:
            self._binding.ask("Read the other readers", _statuses, done=self.show_others)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._reading_others.start()  # the blinded phase may have ended, on another page or another workstation

    def changeEvent(self, event: QEvent) -> None:
        if hasattr(self, "_counting") and theme.has_changed(self, event):
            self._model.recolour()
            self.filters.recolour()
        super().changeEvent(event)

    def _want(self, wanted: Wanted) -> None:
        self._following = True
        self._model.want(wanted)
        self.table.select(self._row())
        self._following = False
        self._show_count()

    def _picked(self, now: QModelIndex, before: QModelIndex) -> None:
        if now.isValid() and not self._following:
            self._state.select(self._film_at(now.row()))

    def _films_replaced(self) -> None:
        self._follow(self._state.current)
        self._count()
        self.counts.show_others((), 0)
        if self._state.films and self._binding is not None:
            self._binding.ask("Count what is read", _count_read, done=self.show_readers)
        self._reading_others.start()
        self._show_thumbnails(self.show_thumbnails.isChecked())

    def _follow(self, film_id: FilmId | None) -> None:
        self._following = True
        self._model.refresh()
        self.table.select(self._row())
        self._following = False

    def _row(self) -> int | None:
        return self._model.row_of(self._state.row_of(self._state.current))

    def _film_at(self, row: int) -> FilmId | None:
        return self._model.film(row).film_id if 0 <= row < self._model.rowCount() else None

    def _count(self) -> None:
        self._read = self._state.read_count()
        self._show_count()

    def _show_count(self) -> None:
        self.counts.show_own(self._read, len(self._state.films), self._model.rowCount())

    def _show_column(self, column: int, on: bool) -> None:
        self.table.show_column(column, on)
        open_settings().setValue(COLUMNS_SETTING, ",".join(self.table.shown_columns()))

    def _toggle_thumbnails(self, on: bool) -> None:
        open_settings().setValue(THUMBNAILS_SETTING, "yes" if on else "no")
        self._show_thumbnails(on)

    def _show_thumbnails(self, on: bool) -> None:
        self.table.show_thumbnails(on)
        if on and self._state.films:
            self._seen()
            self.thumbnails.make_all()
        else:
            self.thumbnails.stop()
        if self._state.films:
            self.table.select(self._row())

    def _seen(self) -> None:
        if self.show_thumbnails.isChecked():
            first, last = self.table.visible_rows()
            self.thumbnails.show([f for f in map(self._film_at, range(first, last + 1)) if f is not None])

    def _thumbnails_progressed(self, done: int, total: int) -> None:
        self._making.setVisible(done < total)
        self.making_words.setText(f"Thumbnails: {done} of {total}")


def _count_read(project: Project) -> list[tuple[str, int]]:
    """On the project's thread."""
    from hipcad_desktop.workflows.open_project import count_read

    return count_read(project)


def _statuses(project: Project) -> Mapping[str, Statuses]:
    """On the project's thread; nothing of anybody while blinded."""
    from hipcad_desktop.workflows.reader_study import ProjectPhase, phase, statuses

    return {} if phase(project) is ProjectPhase.BLINDED else statuses(project)


def _entry(reader: str) -> str:
    """A reader's name in a menu, where & would underline a letter."""
    return reader.replace("&", "&&")
