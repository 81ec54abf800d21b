"""The judging screen: film hip and heat map side by side; one question, Y or N, and on to the next."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtCore import Qt
from PySide6.QtGui import QImage, QKeyEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QInputDialog,
    QLabel,
    QProgressBar,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.judgement import HeatMap
from hipcad_desktop.domain.messages import sentence
from hipcad_desktop.gui.evaluate.judge_result import JudgeResult
from hipcad_desktop.gui.evaluate.pictures import HipPane
from hipcad_desktop.gui.evaluate.report_file import ReportFile
from hipcad_desktop.gui.tasks import Tasks
from hipcad_desktop.gui.widgets.notice import Notice
from hipcad_desktop.gui.widgets.pieces import muted
from hipcad_desktop.workflows.judge_heatmaps import JudgingSession

QUESTION = "Does the heat cover the fracture?"
_SIDES = {"R": "right hip", "L": "left hip"}


class JudgePage(QWidget):
    """One reader at one report. Every answer is on the disk before the next heat map is shown."""

    def __init__(self, tasks: Tasks, *, reader: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._report: ReportFile | None = None
        self._session: JudgingSession | None = None
        self._shown: HeatMap | None = None
        self._saving = False
        self._reader = reader
        self.reader = QPushButton()
        self.reader.setProperty("look", "flat")
        self.reader.setToolTip("Who judges: click to change")
        self.reader.clicked.connect(self._ask_reader)
        self.progress_words = QLabel()
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("How many heat maps are judged")
        self.hip, self.overlay = HipPane("As the network saw it"), HipPane("Where the heat lies")
        self.yes, self.no, self.undo = QPushButton("Yes   Y"), QPushButton("No   N"), QPushButton("Undo   Ctrl+Z")
        self.which = muted()
        self.result = JudgeResult()
        self.notice = Notice()
        self._stack = QStackedWidget()
        self._desk = QWidget()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._arrange()
        self.yes.clicked.connect(lambda: self.answer(True))
        self.no.clicked.connect(lambda: self.answer(False))
        self.undo.clicked.connect(self.take_back)
        self.result.read.connect(lambda: self.setFocus(Qt.FocusReason.OtherFocusReason))

    # the report and the reader

    def show_report(self, report: ReportFile) -> None:
        """Its heat maps, where this reader stopped."""
        self._report, self._session, self._shown = report, None, None
        self.notice.say("")
        self._open()

    def set_reader(self, reader: str) -> None:
        """Somebody else judges."""
        self._reader = reader.strip()
        self._session = None
        self._open()

    def _open(self) -> None:
        report, reader = self._report, self._reader
        self.reader.setText(reader or "Who judges?")
        if report is None:
            return
        if not reader:
            self._say_blank("Say who judges, then the heat maps come one by one.")
            return
        self._tasks.pool(
            "Read the judgements",
            lambda: JudgingSession(report.folder, reader=reader),
            done=lambda session: self._on_session(report, reader, session),
            failed=lambda error: self._on_failed(report, error),
        )

    def _on_session(self, report: ReportFile, reader: str, session: JudgingSession) -> None:
        if report is self._report and reader == self._reader:
            self._session = session
            self._go_on()

    def _on_failed(self, report: ReportFile, error: Exception) -> None:
        if not isinstance(error, UserError):
            self._tasks.broken.emit(error)
        elif report is self._report:
            self._say_blank(sentence(error), "info" if error.code is ErrorCode.HEATMAPS_MISSING else "error")

    def _ask_reader(self) -> None:
        name, chosen = QInputDialog.getText(self, "Who judges?", "Name of the reader", text=self._reader)
        if chosen and name.strip():
            self.set_reader(name)

    # judging

    def answer(self, covered: bool) -> None:
        """Keep the answer on the heat map shown and go on."""
        session, shown = self._session, self._shown
        if session is None or shown is None or self._saving or not self._desk.isVisible():
            return
        self._saving = True
        self._tasks.pool(
            "Keep the judgement",
            lambda: session.answer(shown.name, covered),
            done=lambda _none: self._saved(session),
            failed=self._not_saved,
        )

    def take_back(self) -> None:
        """The last answer of this sitting is asked again."""
        session = self._session
        if session is None or not session.can_undo or self._saving:
            return
        self._saving = True
        self._tasks.pool(
            "Take back", session.undo, done=lambda back: self._saved(session, back), failed=self._not_saved
        )

    def _saved(self, session: JudgingSession, back: HeatMap | None = None) -> None:
        self._saving = False
        if session is self._session:
            self.notice.say("")
            self._go_on(back)

    def _not_saved(self, error: Exception) -> None:
        self._saving = False
        if isinstance(error, UserError):
            self.notice.say(f"This answer is not kept. {sentence(error)}", "error")
        else:
            self._tasks.broken.emit(error)

    def _go_on(self, wanted: HeatMap | None = None) -> None:
        session = self._session
        if session is None:
            return
        self.undo.setEnabled(session.can_undo)
        following = wanted or session.next
        opens = session.opens
        done, total = len(session.answers(session.round)), len(session.order(session.round))
        if opens is not None:
            done = total  # of the first round
        self.bar.setRange(0, max(total, 1))
        self.bar.setValue(done)
        now = 1 if opens is not None else session.round
        self.progress_words.setText(f"Round {now}:  {done} of {total} judged")
        self.result.show_summary(session.summary(), self._reader)
        if following is None:
            self._shown = None
            self.result.say(_end_words(opens))
            self._stack.setCurrentWidget(self.result)
            return
        self._stack.setCurrentWidget(self._desk)
        self._show(following)

    def _show(self, m: HeatMap) -> None:
        report = self._report
        if report is None:
            return
        self._shown = m
        self.which.setText(f"Film {m.film_code}, {_SIDES.get(m.side, m.side)}")
        for pane in (self.hip, self.overlay):
            pane.show_image(None)
        self._tasks.pool("Read the pictures", lambda: report.pictures(m), done=lambda two: self._show_pictures(m, two))

    def _show_pictures(self, m: HeatMap, pictures: tuple[QImage, QImage]) -> None:
        if m is self._shown:
            for pane, image in zip((self.hip, self.overlay), pictures, strict=True):
                pane.show_image(image, m.aspect, gone="This picture is gone from the report's folder.")
            known = not any(image.isNull() for image in pictures)
            for button in (self.yes, self.no):
                button.setEnabled(known)  # nobody can judge what is not seen

    def keyPressEvent(self, event: QKeyEvent) -> None:
        match event.key():
            case Qt.Key.Key_Y if not event.isAutoRepeat():
                self.yes.click()
            case Qt.Key.Key_N if not event.isAutoRepeat():
                self.no.click()
            case Qt.Key.Key_Z if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
                self.undo.click()
            case Qt.Key.Key_Backspace:
                self.undo.click()
            case Qt.Key.Key_O if not event.isAutoRepeat():
                self.overlay.setVisible(self.overlay.isHidden())
            case _:
                super().keyPressEvent(event)

    # the screen

    def _say_blank(self, words: str, kind: str = "info") -> None:
        self._shown = None
        self.progress_words.setText("")
        self.bar.setRange(0, 1)
        self.bar.setValue(0)
        self.result.clear()
        self.result.say(words)
        self.undo.setEnabled(False)
        if kind == "error":
            self.notice.say(words, "error")
        self._stack.setCurrentWidget(self.result)

    def _arrange(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(12)
        head.addWidget(self.reader)
        head.addWidget(self.progress_words)
        head.addWidget(self.bar, 1, Qt.AlignmentFlag.AlignVCenter)
        head.addWidget(self.undo)
        for button in (self.yes, self.no):
            button.setProperty("look", "primary")
            button.setMinimumSize(150, 44)
        for button in (self.yes, self.no, self.undo):
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # Y and N stay where they are heard
        question = QLabel(QUESTION)
        question.setProperty("look", "title")
        foot = QHBoxLayout()
        foot.setSpacing(12)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(question)
        words.addWidget(self.which)
        foot.addLayout(words, 1)
        foot.addWidget(self.yes)
        foot.addWidget(self.no)
        panes = QHBoxLayout()
        panes.setSpacing(2)
        panes.addWidget(self.hip, 1)
        panes.addWidget(self.overlay, 1)
        desk = QVBoxLayout(self._desk)
        desk.setContentsMargins(0, 0, 0, 0)
        desk.setSpacing(12)
        desk.addLayout(panes, 1)
        desk.addLayout(foot)
        self._stack.addWidget(self._desk)
        self._stack.addWidget(self.result)
        frame = QFrame()
        column = QVBoxLayout(frame)
        column.setContentsMargins(0, 0, 0, 0)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 12, 18, 14)
        layout.setSpacing(10)
        layout.addLayout(head)
        layout.addWidget(self.notice)
        layout.addWidget(self._stack, 1)


def _end_words(opens: datetime | None) -> str:
    if opens is None:
        return "Both rounds are done. Thank you."
    local = opens.astimezone()
    return (
        f"The first round is done. Judge again from {local.day} {local:%B %Y, %H:%M} on, two weeks after, in another "
        "order and without seeing these answers: it shows how sure the judgement is."
    )
