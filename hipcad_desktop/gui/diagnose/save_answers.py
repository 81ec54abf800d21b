"""Answers saved from the window: this film as PDF and picture, or all of them as tables."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QMenu, QPushButton, QVBoxLayout, QWidget

from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.gui.diagnose.answers import FilmStatus
from hipcad_desktop.gui.diagnose.question_queue import QuestionQueue
from hipcad_desktop.gui.tasks import Tasks
from hipcad_desktop.gui.widgets.notice import Notice

_ONE, _TABLES, _ALL = ("pdf", "png", "json"), ("csv", "json"), ("pdf", "png", "csv", "json")


class SaveAnswers(QWidget):
    """A button with a menu. What is saved are the current answers, read again from their files and their films."""

    def __init__(self, queue: QuestionQueue, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._queue, self._tasks = queue, tasks
        self._file = ""
        self.button = QPushButton("Save…")
        self.notice = Notice()
        menu = QMenu(self)
        self.one = menu.addAction("This film: PDF, picture and JSON…", lambda: self._ask([self._file], _ONE))
        menu.addSeparator()
        self.tables = menu.addAction(
            "All answers: table (CSV) and JSON…", lambda: self._ask(self._queue.files, _TABLES)
        )
        self.all = menu.addAction("All answers: also PDF and pictures…", lambda: self._ask(self._queue.files, _ALL))
        self.button.setMenu(menu)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.button)
        layout.addWidget(self.notice)
        menu.aboutToShow.connect(self._enable)

    def show_film(self, file: str) -> None:
        """The film on the screen."""
        if file != self._file:
            self._file = file
            self.notice.say("")

    def written(self, files: list[str]) -> list[Path]:
        """The JSON files of the films that have a current answer, in the order given."""
        found = []
        for file in files:
            entry = self._queue.entry(file)
            current = self._queue.status(file) in (FilmStatus.ANSWERED, FilmStatus.REFUSED)
            if entry is not None and entry.answer is not None and current and entry.answer.written:
                found.append(Path(entry.answer.written))
        return found

    def save(self, files: list[str], to: Path, formats: tuple[str, ...]) -> None:
        """Write the current answers of these films into a folder, beside the window."""
        answers = self.written(files)

        def write(watch: Watch) -> tuple[Path, ...]:
            from hipcad_desktop.workflows.diagnosis_report import write_reports

            return write_reports(answers, to, formats=formats, watch=watch)

        self._tasks.work("Save answers", write, done=lambda paths: self._done(to, len(answers), len(paths)))

    def _done(self, to: Path, films: int, files: int) -> None:
        self.notice.say(f"{films} {'film' if films == 1 else 'films'} saved as {files} files in {to}.")

    def _ask(self, files: list[str], formats: tuple[str, ...]) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Where to save the answers")
        if folder:
            self.save(files, Path(folder), formats)

    def _enable(self) -> None:
        self.one.setEnabled(bool(self.written([self._file])))
        several = bool(self.written(self._queue.files))
        self.tables.setEnabled(several)
        self.all.setEnabled(several)
