"""What the keys and buttons of a reading do: checked against what is on the screen, then handed to the desk."""

from __future__ import annotations

from PySide6.QtCore import QObject, QPoint, Signal
from PySide6.QtWidgets import QMessageBox, QWidget

from hipcad_desktop.domain.anatomy import FractureType
from hipcad_desktop.domain.annotation import DiagnosedFrom, ExclusionReason, FilmFlag, Verdict
from hipcad_desktop.domain.radiograph import FilmId
from hipcad_desktop.gui.annotate.desk import ReadingDesk
from hipcad_desktop.gui.annotate.reason_menu import ReasonMenu
from hipcad_desktop.gui.annotate.rectangle_tool import RectangleTool
from hipcad_desktop.gui.binding import ProjectBinding, ReasonWanted
from hipcad_desktop.gui.state.project_state import ProjectState
from hipcad_desktop.gui.viewer.film_view import FilmView
from hipcad_desktop.gui.widgets.ask_bar import AskBar


class ReadingCommands(QObject):
    """Commands on the film looked at. Questions are asked in the bar above the film, never in a dialog before it."""

    said = Signal(str)
    focus_wanted = Signal()  # the keys go back to the film

    def __init__(
        self,
        *,
        state: ProjectState,
        binding: ProjectBinding,
        desk: ReadingDesk,
        tool: RectangleTool,
        view: FilmView,
        bar: AskBar,
        beside: QWidget,
    ) -> None:
        super().__init__(view)
        self._state, self._binding = state, binding
        self._desk, self._tool, self._view = desk, tool, view
        self._bar = bar
        self._beside = beside  # the menu of reasons opens below it
        self._asked_for: FilmId | None = None
        binding.reason_wanted.connect(self._ask_reason)
        state.current_changed.connect(self._other_film)
        state.closed.connect(bar.drop)

    def say(self, verdict: Verdict) -> None:
        """No fracture, or unsure."""
        if self._readable():
            self._desk.set_verdict(verdict)

    def set_type(self, fracture_type: FractureType) -> None:
        """Of the selected rectangle."""
        if self._readable():
            self._desk.set_type(self._tool.selected, fracture_type)

    def set_source(self, source: DiagnosedFrom) -> None:
        """What the fracture was first seen on."""
        if self._readable():
            self._desk.set_source(source)

    def toggle_flag(self, flag: FilmFlag) -> None:
        """Something else that the film shows."""
        if self._readable():
            self._desk.toggle_flag(flag)

    def choose_sides(self, *, swapped: bool) -> None:
        """Confirm the letters on the film, or turn them round."""
        if self._readable():
            shown = self._desk.sides.mirrored
            self._desk.set_mirrored(shown != swapped)

    def delete_finding(self) -> None:
        """Delete the selected rectangle."""
        if self._readable() and not self._tool.delete_selected():
            self.said.emit("Select a rectangle first: click on it.")

    def ask_exclusion(self) -> None:
        """A menu of reasons beside the button."""
        if not self._readable():
            return
        menu = ReasonMenu(self.exclude, self._view.window())
        menu.popup(self._beside.mapToGlobal(QPoint(0, self._beside.height())))

    def exclude(self, reason: ExclusionReason) -> None:
        """For this reason; "other" asks for words first."""
        if reason is not ExclusionReason.OTHER:
            self._desk.exclude(reason)
            return

        def answered(text: str) -> None:
            self._desk.exclude(reason, text)
            self.focus_wanted.emit()

        self._bar.ask(
            "Why is the film excluded?",
            yes="Exclude",
            hint="a reason, no names",
            answered=answered,
            dropped=self.focus_wanted.emit,
        )

    def sign(self) -> None:
        """The reading is done."""
        if self._readable():
            self._desk.sign()

    def sign_all(self) -> None:
        """Everything the reader has answered, after one question."""
        self._tool.finish()
        open_ones = self._state.read_count() - self._state.signed_count()
        if open_ones <= 0:
            self.said.emit("Every answer is signed already.")
            return
        box = QMessageBox.StandardButton
        words = f"{open_ones} answers are not signed yet. After signing, a change needs a reason."
        sure = QMessageBox.question(
            self._view.window(), f"Sign as {self._state.reader}?", words, box.Yes | box.Cancel, box.Yes
        )
        if sure == box.Yes:
            self._binding.sign_all(done=lambda count: self.said.emit(f"{count} readings signed."))

    def _ask_reason(self, wanted: object) -> None:
        assert isinstance(wanted, ReasonWanted)

        def answered(why: str) -> None:
            wanted.go_on(why)
            self.focus_wanted.emit()

        def dropped() -> None:
            wanted.give_up()
            self.said.emit("Nothing was changed: the reading is signed, and no reason was given.")
            self.focus_wanted.emit()

        if self._bar.asking and wanted.film_id is not None and self._asked_for == wanted.film_id:
            self._bar.instead(answered)  # the same film was changed once more before the reason was typed
            return
        self._bar.ask(
            "You have signed this reading. Why does it change?",
            yes="Change",
            hint="say, second look at the lateral film",
            answered=answered,
            dropped=dropped,
        )
        self._asked_for = wanted.film_id

    def _other_film(self, film_id: FilmId | None) -> None:
        self._bar.drop()

    def _readable(self) -> bool:
        self._tool.finish()
        if self._view.film is None:
            self.said.emit("The film is not shown yet: an answer needs a look first.")
            return False
        return True
