"""Review mode: the readers, how they agree, what they decide together, and the audit trail, on four pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction, QShowEvent
from PySide6.QtWidgets import QFileDialog, QMessageBox, QTabWidget, QVBoxLayout, QWidget

from hipcad_desktop.domain.annotation import ProjectPhase, Verdict
from hipcad_desktop.domain.radiograph import FilmId
from hipcad_desktop.gui.annotate.round_bar import read_round
from hipcad_desktop.gui.binding import ProjectBinding
from hipcad_desktop.gui.review.agreement_page import AgreementPage
from hipcad_desktop.gui.review.audit_page import AuditPage
from hipcad_desktop.gui.review.disputes_page import DisputesPage
from hipcad_desktop.gui.review.facts import ReviewFacts, read_facts
from hipcad_desktop.gui.review.program_page import ProgramPage
from hipcad_desktop.gui.review.readers_page import ReadersPage
from hipcad_desktop.gui.state.project_state import ProjectState
from hipcad_desktop.gui.tasks import Tasks

if TYPE_CHECKING:
    from hipcad_desktop.workflows.exchange_readings import MergeSummary

READINGS = "Readings of HipCAD (*.hipcad-readings);;All files (*)"
TABLES = "Tables (*.csv)"


class ReviewMode(QWidget):
    """Read again whenever it is shown; while readers are blinded there is nothing of any answer in it."""

    status_message = Signal(str)

    def __init__(
        self,
        state: ProjectState,
        binding: ProjectBinding,
        tasks: Tasks,
        actions: Mapping[str, QAction],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._state, self._binding, self._actions = state, binding, actions
        self.facts: ReviewFacts | None = None
        self.readers = ReadersPage(actions)
        self.agreement = AgreementPage()
        self.disputes = DisputesPage(state, binding, tasks, actions)
        self.program = ProgramPage(state, binding)
        self.audit = AuditPage()
        self.pages = QTabWidget()
        self.pages.setDocumentMode(True)
        for page, name in (
            (self.readers, "Readers"),
            (self.agreement, "Agreement"),
            (self.disputes, "Disagreements"),
            (self.program, "Against the program"),
            (self.audit, "Audit trail"),
        ):
            self.pages.addTab(page, name)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.pages)
        self.setFocusProxy(self.pages)
        self._show_phase(ProjectPhase.BLINDED)
        self.readers.end_asked.connect(self.end_blinded_phase)
        self.readers.second.start_asked.connect(self.start_second_round)
        self.readers.second.read_asked.connect(self.read_second_round)
        self.disputes.csv_asked.connect(self.export_disagreements)
        self.audit.verify_asked.connect(self.verify)
        self.audit.export_asked.connect(self.export_audit)
        self.disputes.said.connect(self.status_message)
        self.program.look_asked.connect(lambda film_id: state.select(FilmId(film_id)))
        self.program.look_asked.connect(lambda _film_id: actions["mode_annotate"].trigger())
        self.disputes.recorded.connect(self._read_trail)
        self.disputes.recorded.connect(self._show_open_ones)
        self.pages.currentChanged.connect(self._page_shown)
        state.opened.connect(self._other_project)
        state.closed.connect(self._other_project)

    # reading

    def read_again(self) -> None:
        """Everything, from the project."""
        self._binding.ask("Read the review", read_facts, done=self._show)
        self._read_second_round()
        self._read_trail()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.read_again()

    def _show(self, facts: ReviewFacts) -> None:
        self.facts = facts
        self._show_phase(facts.phase)
        self.readers.show_readers(facts.progress, facts.phase, self._state.reader)
        self.agreement.show_pairs(facts.pairs, facts.trouble)
        self.disputes.show_disputes(facts.disputes)
        self._show_open_ones()
        if facts.phase is ProjectPhase.OPEN and self._state.round == 1:
            self.program.read()

    def _show_open_ones(self) -> None:
        count = f"  ({self.disputes.open_ones} open)" if self.facts and self.facts.disputes else ""
        self.pages.setTabText(self.pages.indexOf(self.disputes), f"Disagreements{count}")

    def _show_phase(self, phase: ProjectPhase) -> None:
        for page in (self.agreement, self.disputes, self.program):
            index = self.pages.indexOf(page)
            again = self._state.round == 2  # who reads again does not see the own first answers
            self.pages.setTabEnabled(index, phase is ProjectPhase.OPEN and not again)
            blinded = "Only after the blinded phase" if phase is ProjectPhase.BLINDED else ""
            self.pages.setTabToolTip(index, "Not while you read your second round" if again else blinded)

    def _read_trail(self) -> None:
        def call(project: Any) -> tuple[Any, ProjectPhase]:
            from hipcad_desktop.workflows.audit import audit_entries
            from hipcad_desktop.workflows.reader_study import phase

            return audit_entries(project), phase(project)

        def read(found: tuple[Any, ProjectPhase]) -> None:
            entries, phase = found
            hidden = phase is ProjectPhase.BLINDED or self._state.round == 2
            self.audit.show_entries(entries, blinded=hidden, file_names=_file_names(self._state))

        self._binding.ask("Read the audit trail", call, done=read)

    def _other_project(self) -> None:
        self.facts = None
        self.audit.forget()
        self.program.forget()
        self.readers.second.show_facts(None)
        self.readers.merged.say("")
        self.readers.conflicts.hide()
        self._show_phase(ProjectPhase.BLINDED)
        self.pages.setCurrentWidget(self.readers)
        if self._state.is_open and self.isVisible():
            self.read_again()

    def _page_shown(self, _index: int) -> None:
        if self.pages.currentWidget() is self.disputes:
            self.disputes.take_focus()

    # the study

    def end_blinded_phase(self) -> None:
        """After one question: it cannot be undone."""
        box = QMessageBox.StandardButton
        words = (
            "From then on every reader sees the others' answers, and readings made later are no longer independent. "
            "This cannot be undone."
        )
        if QMessageBox.question(self, "End the blinded phase?", words, box.Yes | box.Cancel, box.Cancel) != box.Yes:
            return
        who = self._state.reader

        def call(project: Any) -> None:
            from hipcad_desktop.workflows.reader_study import end_blinded_phase

            end_blinded_phase(project, who=who)

        self._binding.ask("End the blinded phase", call, done=lambda _none: self.read_again())

    def _read_second_round(self) -> None:
        reader = self._state.reader

        def call(project: Any) -> Any:
            from hipcad_desktop.workflows.reader_study import second_round_facts

            return second_round_facts(project, reader=reader)

        self._binding.ask("Read the second round", call, done=self.readers.second.show_facts)

    def start_second_round(self, days: float, seed: int) -> None:
        """The project refuses before the wash-out time is over."""
        reader = self._state.reader

        def call(project: Any) -> Any:
            from hipcad_desktop.workflows.reader_study import start_second_round

            return start_second_round(project, reader=reader, after_days=days, seed=seed)

        self._binding.ask("Start the second round", call, done=lambda _films: self.read_again())

    def read_second_round(self) -> None:
        """In annotation mode, in the round's own order."""
        self.status_message.emit(read_round(self._state, self._binding, 2))
        self._actions["mode_annotate"].trigger()

    def export_disagreements(self) -> None:
        """The table of disagreements."""
        path, _ = QFileDialog.getSaveFileName(self, "Disagreements", _beside(self._state, "disagreements.csv"), TABLES)
        if not path:
            return
        disputes = self.disputes.all

        def call(_project: Any) -> None:
            from hipcad_desktop.workflows.agreement import write_disagreements

            write_disagreements(disputes, Path(path))

        said = f"{len(disputes)} disagreements written to {Path(path).name}."
        self._binding.ask("Save disagreements", call, done=lambda _none: self.status_message.emit(said))

    def send_readings(self) -> None:
        """The reader's own work as one file."""
        reader = self._state.reader
        place = _beside(self._state, f"{reader}.hipcad-readings")
        path, _ = QFileDialog.getSaveFileName(self, "Send my readings", place, READINGS)
        if not path:
            return

        def call(project: Any) -> Any:
            from hipcad_desktop.workflows.exchange_readings import send_readings

            return send_readings(project, Path(path), reader=reader)

        def sent(summary: Any) -> None:
            self.status_message.emit(
                f"{summary.revisions} revisions on {summary.films} films are in {Path(path).name}."
            )

        self._binding.ask("Send readings", call, done=sent)

    def merge_readings(self) -> None:
        """A file that a reader sent; the page tells what came of it, with every conflict."""
        path, _ = QFileDialog.getOpenFileName(self, "Merge readings", _beside(self._state, ""), READINGS)
        if path:
            self.merge_file(Path(path))

    def merge_file(self, path: Path) -> None:
        """Merge this file."""
        who = self._state.reader

        def call(project: Any) -> MergeSummary:
            from hipcad_desktop.workflows.exchange_readings import merge_readings

            return merge_readings(project, path, who=who)

        def merged(summary: MergeSummary) -> None:
            self.pages.setCurrentWidget(self.readers)
            self.readers.show_merge(summary, _file_names(self._state))
            self._binding.read_worklist()
            self.read_again()

        self._binding.ask("Merge readings", call, done=merged)

    # the trail

    def verify(self) -> None:
        """Check every link and every reading."""

        def call(project: Any) -> Any:
            from hipcad_desktop.workflows.audit import verify_audit

            return verify_audit(project)

        self._binding.ask("Verify the audit trail", call, done=self.audit.show_report)

    def export_audit(self) -> None:
        """All of it, with the hashes."""
        path, _ = QFileDialog.getSaveFileName(self, "Audit trail", _beside(self._state, "audit.csv"), TABLES)
        if not path:
            return

        def call(project: Any) -> int:
            from hipcad_desktop.workflows.audit import export_audit

            return export_audit(project, Path(path))

        self._binding.ask(
            "Export the audit trail",
            call,
            done=lambda rows: self.status_message.emit(f"{rows} entries written to {Path(path).name}."),
        )

    # adjudication, by the commands of the table

    def take(self, number: int) -> None:
        """One reader's answer."""
        self._on_disputes(lambda page: page.take(number))

    def take_both(self) -> None:
        """Both readers' rectangles."""
        self._on_disputes(lambda page: page.take_both())

    def agree(self, verdict: Verdict) -> None:
        """No fracture, or unsure."""
        self._on_disputes(lambda page: page.agree(verdict))

    def adjudicate(self) -> None:
        """Record the draft."""
        self._on_disputes(lambda page: page.record())

    def step(self, by: int) -> None:
        """The next disagreement."""
        self._on_disputes(lambda page: page.step(by))

    def _on_disputes(self, does: Callable[[DisputesPage], None]) -> None:
        if self.pages.currentWidget() is self.disputes:
            does(self.disputes)
        else:
            self.status_message.emit("This belongs to the page “Disagreements”.")


def _beside(state: ProjectState, name: str) -> str:
    parent = state.path.parent if state.path else Path.home()
    return str(parent / name)


def _file_names(state: ProjectState) -> dict[str, str]:
    return {film.film_id: film.file_name for film in state.films}
