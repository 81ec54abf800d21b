"""The reader's desk: the film looked at, the answer in work, and the way from a gesture to a saved reading."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from hipcad_desktop.domain.anatomy import FractureType, SideMap
from hipcad_desktop.domain.annotation import Answer, DiagnosedFrom, ExclusionReason, FilmFlag, Finding, Verdict
from hipcad_desktop.domain.geometry import Size
from hipcad_desktop.domain.halving import Halving
from hipcad_desktop.domain.radiograph import FilmId
from hipcad_desktop.gui.annotate import answers
from hipcad_desktop.gui.annotate.answers import Remarks
from hipcad_desktop.gui.binding import ProjectBinding
from hipcad_desktop.gui.state.project_state import FilmFacts, ProjectState, shown_sides
from hipcad_desktop.gui.tasks import Tasks

if TYPE_CHECKING:
    from hipcad_desktop.workflows.load_film import Film

Heads = tuple[answers.Point, answers.Point] | None


class ReadingDesk(QObject):
    """Every finished gesture becomes one save; while one goes on, the halving and the hip images follow."""

    answer_shown = Signal()  # answer, sides or film changed: show it all again
    halving_changed = Signal(object, str)  # Halving or None, the sentence why not
    hips_ready = Signal(object, object)  # Halving, (left, right) uint8 [380, 380]
    squares_ready = Signal(object, object, str)  # squares about the hips: as hips_ready, or None, None and why not
    said = Signal(str)  # for the status bar

    def __init__(
        self, state: ProjectState, binding: ProjectBinding, tasks: Tasks, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._state = state
        self._binding = binding
        self._tasks = tasks
        self._film: Film | None = None  # decoded; None while it is on its way
        self._heads: list[Heads] = []  # of this film, once they were looked for; None where they were not found
        self._squares_wanted = False
        self._remarks: dict[FilmId, Remarks] = {}  # said before there is a verdict to save them with
        state.current_changed.connect(self._other_film)
        state.answer_changed.connect(self._answer_changed)
        state.signed_changed.connect(self._answer_changed)
        state.films_replaced.connect(self.show_again)

    @property
    def facts(self) -> FilmFacts | None:
        """The film looked at, as the worklist knows it."""
        return self._state.film(self._state.current)

    @property
    def size(self) -> Size | None:
        """Its size."""
        facts = self.facts
        return None if facts is None else Size(facts.width, facts.height)

    @property
    def answer(self) -> Answer | None:
        """The answer that holds."""
        facts = self.facts
        return None if facts is None else self._state.answer(facts.film_id)

    @property
    def remarks(self) -> Remarks:
        """What the reader says beside the verdict, saved or not."""
        facts, answer = self.facts, self.answer
        if facts is None:
            return Remarks()
        return answers.remarks_of(answer) if answer is not None else self._remarks.get(facts.film_id, Remarks())

    @property
    def mirrored(self) -> bool | None:
        """What the reader says of the sides."""
        return self.remarks.mirrored

    @property
    def sides(self) -> SideMap:
        """Which side is which, as far as anybody says."""
        facts = self.facts
        return SideMap() if facts is None else shown_sides(facts, self.mirrored)

    def film_loaded(self, film: Film) -> None:
        """The pixels of the film looked at are there."""
        self._film, self._heads = film, []
        self.show_again()

    def show_again(self) -> None:
        """Tell everything about the film once more."""
        self.answer_shown.emit()
        answer = self.answer
        self.preview(answer.findings if answer else ())

    def preview(self, findings: tuple[Finding, ...]) -> None:
        """The halving of these rectangles, at once; the hip images as soon as they are made."""
        size, facts = self.size, self.facts
        if size is None or facts is None:
            self.halving_changed.emit(None, "")
            return
        verdict = self.answer.verdict if self.answer else None
        if verdict is Verdict.FRACTURE and not findings:
            verdict = None
        halving, trouble = answers.halving_of(size, verdict, findings, facts.midline_px)
        self.halving_changed.emit(halving, trouble)
        film = self._film
        if halving is None or film is None:
            return

        def call() -> object:
            from hipcad_desktop.workflows.load_film import hip_previews

            return hip_previews(film, halving)

        self._tasks.latest("hip images", call, done=lambda hips: self._hips_made(film, halving, hips))
        if self._squares_wanted:
            self._preview_squares(film, size, halving, findings)

    def want_squares(self, wanted: bool) -> None:
        """Whether anybody looks at the squares; nothing is looked for in the film's pixels before."""
        self._squares_wanted = wanted
        if wanted:
            answer = self.answer
            self.preview(answer.findings if answer else ())

    def _preview_squares(self, film: Film, size: Size, halving: Halving, findings: tuple[Finding, ...]) -> None:
        held = self._heads

        def call() -> tuple[Halving | None, object, str]:
            from hipcad_desktop.workflows.load_film import film_heads, hip_previews

            if not held:
                held.append(film_heads(film))
            squares, why = answers.squares_of(halving, size, findings, held[0])
            return squares, hip_previews(film, squares) if squares else None, why

        def made(found: tuple[Halving | None, object, str]) -> None:
            if film is self._film:
                self.squares_ready.emit(*found)

        self._tasks.latest("hip squares", call, done=made)

    # what the reader does

    def set_findings(self, findings: tuple[Finding, ...]) -> None:
        """Rectangles were drawn, moved, resized or deleted."""
        had = self.answer
        self._save(answers.with_findings(had, findings, self.remarks))
        if not findings and had is not None:
            self.said.emit("The last rectangle is gone: the film is unread again.")

    def set_type(self, index: int | None, fracture_type: FractureType) -> None:
        """The selected rectangle's type; with one rectangle only it need not be selected."""
        answer = self.answer
        if answer is None or not answer.findings:
            self.said.emit("A type belongs to a rectangle: draw one first.")
            return
        if index is None and len(answer.findings) == 1:
            index = 0
        if index is None or index >= len(answer.findings):
            self.said.emit("Which rectangle? Select one first.")
            return
        self._save(answers.with_type(answer, index, fracture_type))

    def set_source(self, source: DiagnosedFrom) -> None:
        """What the fracture was first seen on."""
        answer = self.answer
        if answer is None or answer.verdict is not Verdict.FRACTURE:
            self.said.emit("This is said of a fracture: draw its rectangle first.")
            return
        self._save(answers.with_source(answer, source))

    def toggle_flag(self, flag: FilmFlag) -> None:
        """Something else that the film shows, or not."""
        self._remark(replace(self.remarks, flags=self.remarks.flags ^ {flag}))

    def set_verdict(self, verdict: Verdict) -> None:
        """No fracture, or unsure."""
        if self.answer is not None and self.answer.verdict is verdict:
            self.said.emit("That is the answer already.")
            return
        gone = len(self.answer.findings) if self.answer else 0
        self._save(answers.with_verdict(verdict, self.remarks))
        if gone:
            self.said.emit(f"{gone} rectangle{'s' if gone > 1 else ''} removed. Undo brings back what was.")

    def exclude(self, reason: ExclusionReason, text: str = "") -> None:
        """Not for the cohort."""
        self._save(answers.excluded(reason, text, self.remarks))

    def set_mirrored(self, mirrored: bool) -> None:
        """The sides are as usual (False) or the other way round (True); the same again takes it back."""
        self._remark(replace(self.remarks, mirrored=None if self.mirrored is mirrored else mirrored))

    def sign(self) -> None:
        """Put the reader's name under the answer."""
        facts, answer = self.facts, self.answer
        if facts is None:
            return
        if answer is None:
            self.said.emit("There is no answer to sign yet.")
        elif self._state.unreasoned is not None:
            self.said.emit("Give the reason for the change first.")
        elif self._state.signed(facts.film_id) and self._state.saving == 0:
            self.said.emit("This reading is signed already.")
        else:
            self._binding.sign(facts.film_id, done=lambda: self.said.emit(f"Signed by {self._state.reader}."))

    def _remark(self, remarks: Remarks) -> None:
        facts = self.facts
        if facts is None:
            return
        if self.answer is not None:
            self._save(answers.with_remarks(self.answer, remarks))
        else:
            self._remarks[facts.film_id] = remarks
            self.answer_shown.emit()

    def _save(self, answer: Answer | None) -> None:
        facts = self.facts
        if facts is None:
            return
        if answer is None:
            self._remarks[facts.film_id] = self.remarks
        self._binding.save(facts.film_id, answer)

    def _answer_changed(self, film_id: str) -> None:
        if film_id == self._state.current:
            self.show_again()

    def _other_film(self, film_id: FilmId | None) -> None:
        self._film, self._heads = None, []
        self.show_again()

    def _hips_made(self, film: Film, halving: Halving, hips: object) -> None:
        if film is self._film:  # late: another film is shown by now
            self.hips_ready.emit(halving, hips)
