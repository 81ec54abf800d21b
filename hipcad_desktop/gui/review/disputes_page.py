"""Adjudication: one disputed film after the other, both readers' rectangles on it, decided by keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QLabel, QPushButton, QSplitter, QStackedLayout, QVBoxLayout, QWidget

from hipcad_desktop.domain.annotation import Answer, Finding, Verdict
from hipcad_desktop.domain.errors import UserError
from hipcad_desktop.domain.geometry import Size
from hipcad_desktop.domain.messages import sentence
from hipcad_desktop.gui import theme
from hipcad_desktop.gui.actions import in_scope
from hipcad_desktop.gui.binding import ProjectBinding
from hipcad_desktop.gui.review.decision_bar import DecisionBar
from hipcad_desktop.gui.review.dispute_list import DisputeList
from hipcad_desktop.gui.review.dispute_tool import DisputeTool, ReaderMarks
from hipcad_desktop.gui.state.project_state import ProjectState, shown_sides
from hipcad_desktop.gui.tasks import Tasks
from hipcad_desktop.gui.viewer.film_source import FilmSource, LoadedFilm
from hipcad_desktop.gui.viewer.film_view import FilmView
from hipcad_desktop.gui.widgets.ask_bar import AskBar

if TYPE_CHECKING:
    from hipcad_desktop.workflows.agreement import DisputedFilm


class DisputesPage(QWidget):
    """Decides nothing by itself: the draft is recorded when the adjudicators say so."""

    said = Signal(str)
    csv_asked = Signal()
    recorded = Signal()  # the figures of other pages may be others now

    def __init__(
        self,
        state: ProjectState,
        binding: ProjectBinding,
        tasks: Tasks,
        actions: Mapping[str, QAction],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._state, self._binding = state, binding
        self._disputes: list[DisputedFilm] = []
        self._index: int | None = None
        self._draft: Answer | None = None
        self._choice = ""
        self.source = FilmSource(tasks, binding.load, self)
        self.list = DisputeList()
        self.view = FilmView()
        self.view.setAccessibleName("Film with both readers' rectangles")
        self.tool = DisputeTool(self)
        self.view.set_tool(self.tool)
        self.bar = DecisionBar(actions)
        self.ask = AskBar()
        self._notice = QLabel("The readers agree on every film that both have read.")
        self.save_csv = QPushButton("Save as CSV…")
        self.save_csv.setEnabled(False)
        self.save_csv.clicked.connect(self.csv_asked)
        self._build(actions)
        self.list.picked.connect(self._pick)
        self.tool.edited.connect(lambda _findings: self.view.update())
        self.tool.repaint_asked.connect(self.view.update)
        self.tool.committed.connect(self._drawn)
        self.view.space_tapped.connect(lambda back: self.step(-1 if back else 1))
        self.source.ready.connect(self._film_ready)
        self.source.failed.connect(self._film_failed)
        state.closed.connect(self._forget)

    def _build(self, actions: Mapping[str, QAction]) -> None:
        self._notice.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._notice.setWordWrap(True)
        self._notice.setStyleSheet("background: #000; color: #f4f4f4; padding: 40px; font-size: 14px;")
        film = QWidget()
        self._stack = QStackedLayout(film)
        self._stack.addWidget(self.view)
        self._stack.addWidget(self._notice)
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.ask)
        column.addWidget(film, 1)
        column.addWidget(self.bar)
        splitter = QSplitter()
        splitter.setHandleWidth(5)
        splitter.setChildrenCollapsible(False)
        left = QWidget()
        rows = QVBoxLayout(left)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addWidget(self.list, 1)
        rows.addWidget(self.save_csv)
        splitter.addWidget(left)
        splitter.addWidget(right)
        splitter.setStretchFactor(1, 1)
        splitter.setSizes([470, 700])
        self.list.setMinimumWidth(330)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(splitter)
        for action in in_scope(actions, "review"):
            self.addAction(action)

    # what is shown

    def show_disputes(self, disputes: Sequence[DisputedFilm]) -> None:
        """All of them; the film looked at stays, else the first open one comes."""
        before = self._dispute
        self._disputes = list(disputes)
        self.save_csv.setEnabled(bool(disputes))
        same = [
            i for i, d in enumerate(disputes) if before and (d.film_id, d.readers) == (before.film_id, before.readers)
        ]
        self.list.show_disputes(self._disputes, same[0] if same else None)
        if same:
            self._index = same[0]
            self._show_draft()
        else:
            self._go(self._next_open(-1))

    @property
    def all(self) -> tuple[DisputedFilm, ...]:
        """Every disagreement, with what was agreed on it."""
        return tuple(self._disputes)

    @property
    def open_ones(self) -> int:
        """Disagreements on which nothing is agreed yet."""
        return sum(d.adjudicated is None for d in self._disputes)

    @property
    def _dispute(self) -> DisputedFilm | None:
        return None if self._index is None or self._index >= len(self._disputes) else self._disputes[self._index]

    def _next_open(self, after: int) -> int | None:
        count = len(self._disputes)
        order = [(after + offset) % count for offset in range(1, count + 1)]
        return next(
            (i for i in order if self._disputes[i].adjudicated is None), after if after >= 0 else 0 if count else None
        )

    def _go(self, index: int | None) -> None:
        self.ask.drop()
        self._index = index
        self._draft, self._choice = None, ""
        self.view.clear()
        self.tool.set_film(None)
        dispute = self._dispute
        self.bar.setEnabled(dispute is not None)
        self._stack.setCurrentWidget(self._notice if dispute is None else self.view)
        if dispute is None:
            return
        self.list.blockSignals(True)
        self.list.selectRow(index or 0)
        self.list.blockSignals(False)
        self.bar.show_readers(dispute.readers, dispute.answers)
        if not self.bar.adjudicators:
            self.bar.names.setText(", ".join(dispute.readers))
        self.tool.show_readers(
            [ReaderMarks(r, a.findings) for r, a in zip(dispute.readers, dispute.answers, strict=True)]
        )
        self._show_draft()
        self.source.show(dispute.film_id)

    def _pick(self, index: int) -> None:
        if index >= 0 and index != self._index:
            self._go(index)
            self.take_focus()

    def _film_ready(self, film_id: str, loaded: LoadedFilm) -> None:
        dispute = self._dispute
        facts = self._state.film(dispute.film_id) if dispute else None
        if dispute is None or facts is None or film_id != dispute.film_id:
            return
        mirrored = next((a.mirrored for a in dispute.answers if a.mirrored is not None), None)
        self.view.show_film(loaded.film, sides=shown_sides(facts, mirrored), picture=loaded.picture)
        recorded = dispute.adjudicated.findings if dispute.adjudicated else ()
        self.tool.set_film(Size(facts.width, facts.height), self._draft.findings if self._draft else recorded)

    def _film_failed(self, film_id: str, error: Exception) -> None:
        if self._dispute is not None and film_id == self._dispute.film_id:
            kind = type(error).__name__
            self._notice.setText(
                sentence(error) if isinstance(error, UserError) else f"This film cannot be shown ({kind})."
            )
            self._stack.setCurrentWidget(self._notice)

    # what the adjudicators do

    def take_focus(self) -> None:
        """Keys go to the film."""
        self.view.setFocus(Qt.FocusReason.OtherFocusReason)

    def step(self, by: int) -> None:
        """The next disagreement, or the one before."""
        if self._index is not None and self._disputes:
            self._go(min(max(self._index + by, 0), len(self._disputes) - 1))

    def take(self, number: int) -> None:
        """One reader's answer is the agreed one."""
        if self._dispute is not None:
            self._propose(self._dispute.answers[number], f"take_{number + 1}")

    def take_both(self) -> None:
        """Every rectangle of both readers."""
        dispute = self._dispute
        if dispute is None:
            return
        findings = tuple(dict.fromkeys(f for answer in dispute.answers for f in answer.findings))
        if findings:
            self._propose(self._with(Verdict.FRACTURE, findings), "take_both")
        else:
            self.said.emit("Neither reader drew a rectangle.")

    def agree(self, verdict: Verdict) -> None:
        """No fracture, or unsure."""
        if self._dispute is not None:
            self._propose(self._with(verdict, ()), f"agree_{verdict.value}")

    def record(self, why: str = "") -> None:
        """The draft stands for the film, with the names of those who agreed."""
        dispute, draft, names, index = self._dispute, self._draft, self.bar.adjudicators, self._index
        if dispute is None or index is None or self.view.film is None:
            return
        if draft is None:
            self.said.emit("Choose an answer first, or draw the agreed rectangle.")
            return
        if not names:
            self.said.emit("Who agrees? Type at least one name.")
            self.bar.names.setFocus(Qt.FocusReason.OtherFocusReason)
            return
        if dispute.adjudicated is not None and not why:
            self.ask.ask(
                "This film was adjudicated before. Why does it change?",
                yes="Change",
                hint="a reason",
                answered=self.record,
                dropped=self.take_focus,
            )
            return

        def call(project: object) -> object:
            from hipcad_desktop.workflows.adjudicate import adjudicate

            return adjudicate(project, dispute.film_id, draft, adjudicators=names, why=why)  # type: ignore[arg-type]

        def recorded(_reading: object) -> None:
            self._disputes = [
                replace(d, adjudicated=draft) if d.film_id == dispute.film_id else d for d in self._disputes
            ]
            self.list.show_disputes(self._disputes, index)
            self.said.emit(f"Recorded, agreed by {', '.join(names)}.")
            self.recorded.emit()
            self._go(self._next_open(index))
            self.take_focus()

        self._binding.ask("Adjudicate", call, done=recorded)

    def _drawn(self, findings: object) -> None:
        assert isinstance(findings, tuple)
        if findings:
            self._propose(self._with(Verdict.FRACTURE, findings), "")
        else:
            self._draft, self._choice = None, ""
            self._show_draft()

    def _with(self, verdict: Verdict, findings: tuple[Finding, ...]) -> Answer:
        """An answer of this verdict; remarks that either reader made stay."""
        answers = self._dispute.answers if self._dispute else ()
        sides = {a.mirrored for a in answers} - {None}
        sources = {a.diagnosed_from for a in answers} - {None}
        return Answer(
            verdict,
            findings,
            mirrored=sides.pop() if len(sides) == 1 else None,
            flags=frozenset().union(*(a.flags for a in answers)),
            diagnosed_from=sources.pop() if len(sources) == 1 and findings else None,
        )

    def _propose(self, draft: Answer, choice: str) -> None:
        self._draft, self._choice = draft, choice
        if self.tool.findings != draft.findings:
            self.tool.set_findings(draft.findings)
        self._show_draft()

    def _show_draft(self) -> None:
        self.bar.show_draft(self._draft, self._choice, self._dispute.adjudicated if self._dispute else None)

    def _forget(self) -> None:
        self.source.forget()
        self._disputes, self._index = [], None
        self.save_csv.setEnabled(False)
        self.bar.names.clear()
        self._go(None)

    def changeEvent(self, event: QEvent) -> None:
        if hasattr(self, "list") and theme.has_changed(self, event):
            self.list.recolour()
        super().changeEvent(event)
