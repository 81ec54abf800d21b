"""Annotation mode: worklist, film and reading side by side, wired together."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QElapsedTimer, QEvent, Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractButton,
    QComboBox,
    QLabel,
    QSplitter,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from hipcad_desktop.domain.annotation import Verdict
from hipcad_desktop.domain.diagnosis import Refusal
from hipcad_desktop.domain.errors import UserError
from hipcad_desktop.domain.messages import refusal_sentence, sentence
from hipcad_desktop.domain.radiograph import FilmId
from hipcad_desktop.gui.actions import in_scope
from hipcad_desktop.gui.annotate.desk import ReadingDesk
from hipcad_desktop.gui.annotate.film_header import FilmHeader
from hipcad_desktop.gui.annotate.large_hips import LargeHips
from hipcad_desktop.gui.annotate.panel import ReadingPanel
from hipcad_desktop.gui.annotate.reading_commands import ReadingCommands
from hipcad_desktop.gui.annotate.rectangle_tool import RectangleTool
from hipcad_desktop.gui.annotate.round_bar import RoundBar, read_round
from hipcad_desktop.gui.binding import ProjectBinding
from hipcad_desktop.gui.state.project_state import ProjectState
from hipcad_desktop.gui.tasks import Tasks
from hipcad_desktop.gui.viewer.film_source import FilmSource, LoadedFilm
from hipcad_desktop.gui.viewer.film_view import FilmView
from hipcad_desktop.gui.viewer.picture import Picture
from hipcad_desktop.gui.widgets.ask_bar import AskBar
from hipcad_desktop.gui.widgets.empty import EmptyPage
from hipcad_desktop.gui.worklist.worklist import Worklist

HELD_MS = 350  # a key let go after that was held, not tapped


class AnnotateMode(QWidget):
    """Owns no data: ProjectState knows the films, ReadingDesk the answer."""

    status_message = Signal(str)
    pointer_moved = Signal(object)  # (x, y, value) in film pixels, or None

    def __init__(
        self,
        state: ProjectState,
        binding: ProjectBinding,
        tasks: Tasks,
        actions: Mapping[str, QAction],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._state = state
        self._actions = actions
        self.desk = ReadingDesk(state, binding, tasks, self)
        self.source = FilmSource(tasks, binding.load, self)
        self._binding = binding
        self.worklist = Worklist(state, binding)
        self.round_bar = RoundBar(state)
        self.view = FilmView()
        self.view.setAccessibleName("Film")
        self.tool = RectangleTool(self)
        self.view.set_tool(self.tool)
        self.panel = ReadingPanel(actions)
        self.header = FilmHeader(actions)
        self.bar = AskBar()
        self._notice = QLabel()
        self._held = QElapsedTimer()
        self._build()
        self.commands = ReadingCommands(
            state=state,
            binding=binding,
            desk=self.desk,
            tool=self.tool,
            view=self.view,
            bar=self.bar,
            beside=self.panel.verdicts[Verdict.EXCLUDED],
        )
        self._wire()

    def _build(self) -> None:
        self._empty = EmptyPage(
            "No films yet",
            "Drop films or a folder of films here, or choose them.\nDICOM, JPEG, PNG and TIFF are read; "
            "the files stay where they are and are never changed.",
            [self._actions["import_folder"], self._actions["import_files"]],
        )
        self._notice.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._notice.setWordWrap(True)
        self._notice.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._notice.setStyleSheet("background: #000; color: #f4f4f4; padding: 40px; font-size: 14px;")
        film = QWidget()
        self._film_stack = QStackedLayout(film)
        self._film_stack.addWidget(self.view)
        self._film_stack.addWidget(self._notice)
        self.large_hips = LargeHips(self.view)
        centre = QWidget()
        column = QVBoxLayout(centre)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.header)
        column.addWidget(self.bar)
        column.addWidget(film, 1)
        self.splitter = QSplitter()
        self.splitter.setHandleWidth(5)
        self.splitter.setChildrenCollapsible(False)
        left = QWidget()
        films = QVBoxLayout(left)
        films.setContentsMargins(0, 0, 0, 0)
        films.setSpacing(0)
        films.addWidget(self.round_bar)
        films.addWidget(self.worklist, 1)
        for widget in (left, centre, self.panel):
            self.splitter.addWidget(widget)
        self.worklist.setMinimumWidth(220)
        centre.setMinimumWidth(320)
        self.splitter.setStretchFactor(1, 1)
        self.splitter.setSizes([300, 840, 302])
        self._pages = QStackedLayout(self)
        self._pages.addWidget(self.splitter)
        self._pages.addWidget(self._empty)
        for action in in_scope(self._actions, "annotate"):
            self.addAction(action)

    def _wire(self) -> None:
        state, desk, tool, panel = self._state, self.desk, self.tool, self.panel
        state.current_changed.connect(self._other_film)
        state.films_replaced.connect(self._films_replaced)
        state.closed.connect(self.source.forget)
        self.source.previewed.connect(self._film_previewed)
        self.source.ready.connect(self._film_ready)
        self.source.failed.connect(self._film_failed)
        desk.answer_shown.connect(self._show_answer)
        desk.halving_changed.connect(self._show_halving)
        desk.hips_ready.connect(lambda halving, hips: panel.show_hips(halving, hips, desk.sides))
        desk.hips_ready.connect(lambda halving, hips: self.large_hips.show_hips(halving, hips, desk.sides))
        desk.squares_ready.connect(lambda cut, hips, why: self.large_hips.show_squares(cut, hips, why, desk.sides))
        for speaker in (desk, self.commands):
            speaker.said.connect(self.status_message)
        self.commands.focus_wanted.connect(self.take_focus)
        state.saving_changed.connect(self._show_signature)
        state.signed_changed.connect(lambda _film: self._show_signature())
        tool.edited.connect(self._edited)
        tool.committed.connect(desk.set_findings)
        tool.selection_changed.connect(lambda _index: self._show_findings())
        tool.repaint_asked.connect(self.view.update)
        panel.finding_picked.connect(self._pick)
        panel.delete_asked.connect(self._delete)
        panel.sides_chosen.connect(desk.set_mirrored)
        self.view.space_tapped.connect(self._space)
        self.view.pointer_moved.connect(self.pointer_moved)
        self.round_bar.back.clicked.connect(lambda: self.read_round(1))
        self.worklist.all_read.connect(lambda: self.status_message.emit("Every film of this list has been read."))

    # commands, called by the actions

    def step(self, by: int) -> None:
        """The next film of the list, or the one before."""
        self.tool.finish()
        self.worklist.step(by)
        self.take_focus()  # out of the search field, say: the next key is for the film

    def next_unread(self) -> None:
        """The next film without an answer."""
        self.tool.finish()
        self.worklist.next_unread()
        self.take_focus()

    def read_round(self, round: int) -> None:
        """The reader's first or second round, unless an answer still waits."""
        self.tool.finish()
        self.status_message.emit(read_round(self._state, self._binding, round))

    def show_large_hips(self, shown: bool) -> None:
        """The two hip images over the film; the key held shows them only as long."""
        self._held.start()
        self.large_hips.setVisible(shown)
        self.desk.want_squares(shown)

    def hide_marks(self, hidden: bool) -> None:
        """The bone alone."""
        self.view.set_marks_visible(not hidden)
        self.tool.set_visible(not hidden)

    def take_focus(self) -> None:
        """Keys go to the film."""
        self.view.setFocus(Qt.FocusReason.OtherFocusReason)

    # what happens

    def _films_replaced(self) -> None:
        self._pages.setCurrentWidget(self.splitter if self._state.films else self._empty)
        if self._state.films and self._state.current is None:
            self.worklist.next_unread()
            if self._state.current is None:
                self._state.select(self._state.films[0].film_id)

    def _other_film(self, film_id: FilmId | None) -> None:
        self.view.clear()
        self.tool.set_film(None)
        self.header.show_film(self.desk.facts)
        self._show_words("")
        facts = self.desk.facts
        refusal: Refusal | None = getattr(facts, "refusal", None)
        words = refusal_sentence(refusal).removeprefix("No answer: ") if refusal else ""
        self.panel.scope_notice.say(f"Out of scope? {words[:1].upper()}{words[1:]}" if words else "", "warning")
        if film_id is None:
            self.panel.show_nothing()
        else:
            self.source.show(film_id)

    def _film_previewed(self, film_id: str, picture: Picture, exact: bool) -> None:
        if film_id == self._state.current:
            self._show_words("")
            self.view.show_first_look(picture, sides=self.desk.sides, exact=exact)

    def _film_ready(self, film_id: str, loaded: LoadedFilm) -> None:
        if film_id != self._state.current:
            return
        size, answer = self.desk.size, self.desk.answer
        self._show_words("")
        self.view.show_film(loaded.film, sides=self.desk.sides, picture=loaded.picture)
        self.tool.set_film(size, answer.findings if answer else ())
        self.header.show_patient(loaded.film.patient)
        self.desk.film_loaded(loaded.film)
        self.source.prefetch(self.worklist.ahead())

    def _film_failed(self, film_id: str, error: Exception) -> None:
        if film_id != self._state.current:
            return
        words = (
            sentence(error) if isinstance(error, UserError) else f"This film cannot be shown ({type(error).__name__})."
        )
        self._show_words(words)

    def _show_words(self, words: str) -> None:
        self._notice.setText(words)
        self._film_stack.setCurrentWidget(self._notice if words else self.view)

    def _show_answer(self) -> None:
        size, answer = self.desk.size, self.desk.answer
        if size is None:
            self.panel.show_nothing()
            return
        findings = answer.findings if answer else ()
        if self.view.film is not None and not self.tool.busy and self.tool.findings != findings:
            self.tool.set_findings(findings)
        self.view.set_sides(self.desk.sides)
        self.panel.show_answer(
            answer, film=size, sides=self.desk.sides, remarks=self.desk.remarks, selected=self.tool.selected
        )
        self._show_signature()

    def _show_signature(self) -> None:
        facts = self.desk.facts
        if facts is not None:
            waiting = self._state.unreasoned == facts.film_id
            reading = self._state.reading(facts.film_id)
            self.panel.sign_line.show_reading(reading, answered=self.desk.answer is not None, waiting=waiting)

    def _show_findings(self) -> None:
        size = self.desk.size
        if size is not None:
            self.panel.show_findings(self.tool.findings, film=size, sides=self.desk.sides, selected=self.tool.selected)

    def _edited(self, findings: object) -> None:
        assert isinstance(findings, tuple)
        self._show_findings()
        self.desk.preview(findings)

    def _show_halving(self, halving: object, trouble: str) -> None:
        self.view.set_halving(halving)  # type: ignore[arg-type]
        self.panel.show_halving(halving, trouble)  # type: ignore[arg-type]
        if halving is None:
            self.large_hips.say(trouble)

    def _pick(self, index: int) -> None:
        self.tool.select(index)
        self.take_focus()

    def _delete(self, index: int) -> None:
        self.tool.select(index)
        self.tool.delete_selected()
        self.take_focus()

    def _space(self, back: bool) -> None:
        # Space is held for panning, so the canvas keeps it from the shortcuts; tapped, it is the key of its command.
        key = QKeySequence("Shift+Space" if back else "Space")
        for action in in_scope(self._actions, "annotate"):
            if key in action.shortcuts() and action.isEnabled():
                action.trigger()
                return

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        action = self._actions["large_hips"]
        of_hips = QKeySequence(event.key()) in action.shortcuts()
        if of_hips and not event.isAutoRepeat() and action.isChecked() and self._held.elapsed() >= HELD_MS:
            action.setChecked(False)
        super().keyReleaseEvent(event)

    def event(self, event: QEvent) -> bool:
        # Space and Return press a focused button; as shortcuts they would turn the page instead. The focused widget
        # is asked first, and what it leaves comes here.
        if event.type() is QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            focused = isinstance(self.focusWidget(), QAbstractButton | QComboBox)
            if focused and event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter):
                event.accept()
                return True
        return super().event(event)
