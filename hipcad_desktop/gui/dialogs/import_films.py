"""Import films: from where, whose they are, copied or not; then how far it is. The report is dialogs.summary's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QProgressBar,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from hipcad_desktop.gui.widgets.notice import Notice

if TYPE_CHECKING:
    from hipcad_desktop.gui.tasks import Work

COPY_WORDS = "Copy the films into the project's folder (needs their room once more; the originals may go away then)"
HINT = (
    "Folders are searched to the bottom; a DICOMDIR stands for the films that it lists. Files are never changed, and a "
    "film that is there already is not taken twice."
)
PATIENTS_HINT = "Table with the columns file, patient (and hospital, sex, age where known)"


@dataclass(frozen=True, slots=True)
class ImportOrder:
    """What is to be imported, and how."""

    paths: tuple[Path, ...]
    copy: bool = False
    patients: Path | None = None
    hospital: str = ""


class ImportDialog(QDialog):
    """It starts nothing itself: import_asked tells, follow(), show_failure() and accept() answer."""

    import_asked = Signal(object)  # ImportOrder

    def __init__(self, paths: Sequence[Path], hospitals: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Import films")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAcceptDrops(True)
        self.resize(640, 460)
        self._work: Work | None = None
        self._pages = QStackedWidget()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 16, 20, 16)
        layout.setSpacing(12)
        title = QLabel("Import films")
        title.setProperty("look", "title")
        layout.addWidget(title)
        layout.addWidget(self._pages, 1)
        self._build_form(hospitals)
        self._build_progress()
        self.add(paths)

    def _build_form(self, hospitals: Sequence[str]) -> None:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        self.sources = QListWidget()
        self.sources.setAccessibleName("Folders and files to import")
        self.sources.setSelectionMode(QListWidget.SelectionMode.ExtendedSelection)
        self.sources.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        buttons = QVBoxLayout()
        for words, call in (
            ("Add folder…", self._add_folder),
            ("Add files…", self._add_files),
            ("Remove", self._remove),
        ):
            button = QPushButton(words)
            button.setAutoDefault(False)
            button.clicked.connect(call)
            buttons.addWidget(button)
        buttons.addStretch(1)
        row = QHBoxLayout()
        row.addWidget(self.sources, 1)
        row.addLayout(buttons)
        hint = QLabel(HINT)
        hint.setProperty("look", "muted")
        hint.setWordWrap(True)
        self.trouble = Notice()
        for part in (row, hint, self._options(hospitals), self.trouble, self._form_buttons()):
            if isinstance(part, QWidget):
                column.addWidget(part)
            else:
                column.addLayout(part, int(part is row))
        self._pages.addWidget(page)

    def _options(self, hospitals: Sequence[str]) -> QFormLayout:
        self.copy_films = QCheckBox(COPY_WORDS)
        self.hospital = QComboBox()
        self.hospital.setEditable(True)
        self.hospital.addItems(["", *hospitals])
        edit = self.hospital.lineEdit()
        assert edit is not None
        edit.setPlaceholderText("A label such as “Hospital A”; empty where it does not matter")
        self.patients = QLineEdit()
        self.patients.setPlaceholderText(PATIENTS_HINT)
        self.patients.setClearButtonEnabled(True)
        choose = QPushButton("Choose…")
        choose.setAutoDefault(False)
        choose.clicked.connect(self._choose_patients)
        patients = QHBoxLayout()
        patients.addWidget(self.patients, 1)
        patients.addWidget(choose)
        form = QFormLayout()
        form.setSpacing(10)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Hospital", self.hospital)
        form.addRow("Patients", patients)
        form.addRow("", self.copy_films)
        return form

    def _form_buttons(self) -> QHBoxLayout:
        cancel = QPushButton("Cancel")
        cancel.setAutoDefault(False)
        cancel.clicked.connect(self.reject)
        self.start = QPushButton("Import")
        self.start.setProperty("look", "primary")
        self.start.setDefault(True)
        self.start.clicked.connect(self._ask)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(cancel)
        row.addWidget(self.start)
        return row

    def _build_progress(self) -> None:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        self.progress_words = QLabel()
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        background = QPushButton("Go on reading meanwhile")
        background.setAutoDefault(False)
        background.setToolTip("The import runs on; the status bar shows it, and the report comes at its end")
        background.clicked.connect(self.accept)
        self.stop = QPushButton("Cancel")
        self.stop.setAutoDefault(False)
        self.stop.clicked.connect(self._cancel)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(background)
        row.addWidget(self.stop)
        column.addWidget(self.progress_words)
        column.addWidget(self.bar)
        column.addStretch(1)
        column.addLayout(row)
        self._pages.addWidget(page)

    @property
    def order(self) -> ImportOrder:
        """What is chosen now."""
        table = self.patients.text().strip()
        return ImportOrder(
            tuple(Path(self.sources.item(row).text()) for row in range(self.sources.count())),
            self.copy_films.isChecked(),
            Path(table) if table else None,
            self.hospital.currentText().strip(),
        )

    def add(self, paths: Sequence[Path]) -> None:
        """List more folders and files; each once."""
        known = {str(p) for p in self.order.paths}
        self.sources.addItems([str(p) for p in paths if str(p) not in known])
        self.start.setEnabled(self.sources.count() > 0)

    def follow(self, work: Work) -> None:
        """The import runs."""
        self._work = work
        self.progress_words.setText("Looking for films…")
        self.bar.setRange(0, 0)
        self.stop.setEnabled(True)
        work.progressed.connect(self._progressed)
        self._pages.setCurrentIndex(1)

    def show_failure(self, words: str) -> None:
        """It did not work: back to the form, with the sentence."""
        self._work = None
        self.trouble.say(words, "error")
        self._pages.setCurrentIndex(0)

    def reject(self) -> None:
        """Escape while it runs cancels the import; the films taken by then stay."""
        if self._work is not None:
            self._cancel()
        else:
            super().reject()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if self._work is None and event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        event.acceptProposedAction()
        self.add([Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()])

    def _ask(self) -> None:
        self.trouble.say("")
        self.import_asked.emit(self.order)

    def _add_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder with films", self._beside())
        if folder:
            self.add([Path(folder)])

    def _add_files(self) -> None:
        files, _ = QFileDialog.getOpenFileNames(self, "Films, or a DICOMDIR", self._beside(), "All files (*)")
        self.add([Path(f) for f in files])

    def _remove(self) -> None:
        for item in self.sources.selectedItems():
            self.sources.takeItem(self.sources.row(item))
        self.start.setEnabled(self.sources.count() > 0)

    def _choose_patients(self) -> None:
        table, _ = QFileDialog.getOpenFileName(self, "Table of patients", self._beside(), "Tables (*.csv)")
        if table:
            self.patients.setText(table)

    def _beside(self) -> str:
        paths = self.order.paths
        return str(paths[-1].parent) if paths else str(Path.home())

    def _progressed(self, stage: str, done: int, total: int) -> None:
        if self._work is not None and not self._work.cancel_asked:
            self.progress_words.setText(f"{done} of {total} films")
            self.bar.setRange(0, max(total, 1))
            self.bar.setValue(done)

    def _cancel(self) -> None:
        if self._work is not None:
            self._work.cancel()
            self.stop.setEnabled(False)
            self.progress_words.setText("Stopping…")
