"""What leaves for a paper or another program: cohort tables, patient flow, contact sheets, rectangles in and out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QInputDialog, QWidget

from hipcad_desktop.domain.messages import sentence
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.gui.binding import ProjectBinding
from hipcad_desktop.gui.dialogs.summary import SummaryDialog
from hipcad_desktop.gui.state.project_state import ProjectState

if TYPE_CHECKING:
    from hipcad_desktop.workflows.annotation_formats import AnnotationsRead, AnnotationsWritten
    from hipcad_desktop.workflows.contact_sheet import ContactSheet

FORMATS = {
    "COCO (one file)": "coco",
    "YOLO (folder)": "yolo",
    "Pascal VOC (folder)": "voc",
    "labelme (folder)": "labelme",
}
COCO = "COCO (*.json)"
PICTURES = "Pictures (*.png)"


class StudyCommands(QObject):
    """Each asks where to, works beside the window, and tells what came of it."""

    said = Signal(str)

    def __init__(self, window: QWidget, *, state: ProjectState, binding: ProjectBinding) -> None:
        super().__init__(window)
        self._window, self._state, self._binding = window, state, binding

    def cohort_tables(self) -> None:
        """Tables 1 and 2 and the patient flow, into one folder."""
        to = self._folder("A folder for the tables and the flow diagram")
        if to is None:
            return

        def call(project: Any, watch: Watch) -> tuple[Path, ...]:
            from hipcad_desktop.workflows.cohort_tables import cohort_table, write_cohort
            from hipcad_desktop.workflows.patient_flow import patient_flow, write_flow

            return (*write_cohort(cohort_table(project), to), *write_flow(patient_flow(project), to))

        def written(paths: tuple[Path, ...]) -> None:
            self.said.emit(f"{', '.join(p.name for p in paths)} are in {to.name}.")

        self._binding.work("Cohort tables", call, done=written)

    def contact_sheet(self) -> None:
        """The hip images of an exported dataset on pages to look over."""
        dataset = self._folder("An exported dataset")
        if dataset is None:
            return
        to, _ = QFileDialog.getSaveFileName(
            self._window, "Contact sheet", str(dataset.parent / f"{dataset.name}.png"), PICTURES
        )
        if not to:
            return

        def call(_project: Any, watch: Watch) -> ContactSheet:
            from hipcad_desktop.workflows.contact_sheet import contact_sheet

            return contact_sheet(dataset, Path(to), watch=watch)

        def written(sheet: ContactSheet) -> None:
            pages = f"{len(sheet.pages)} page{'s' if len(sheet.pages) > 1 else ''}"
            self.said.emit(f"{sheet.films} films on {pages}: {sheet.pages[0].name}.")

        self._binding.work("Contact sheet", call, done=written)

    def export_annotations(self) -> None:
        """The reader's rectangles for another program."""
        chosen = self._format("Export rectangles")
        if not chosen:
            return
        place = str(self._parent() / f"{self._state.name}-{chosen}{'.json' if chosen == 'coco' else ''}")
        to, _ = QFileDialog.getSaveFileName(self._window, "Export rectangles", place, COCO if chosen == "coco" else "")
        if not to:
            return
        reader = self._state.reader

        def call(project: Any, watch: Watch) -> AnnotationsWritten:
            from hipcad_desktop.workflows.annotation_formats import export_annotations

            return export_annotations(project, Path(to), file_format=chosen, reader=reader)  # type: ignore[arg-type]

        def written(summary: AnnotationsWritten) -> None:
            left = f"; {summary.without_place} unsure or excluded left out" if summary.without_place else ""
            self.said.emit(f"{summary.rectangles} rectangles on {summary.films} films written{left}.")

        self._binding.work("Export rectangles", call, done=written)

    def import_annotations(self) -> None:
        """Another program's rectangles as the reader's own answers."""
        chosen = self._format("Import rectangles")
        if not chosen:
            return
        if chosen == "coco":
            name, _ = QFileDialog.getOpenFileName(self._window, "Import rectangles", str(self._parent()), COCO)
            path = Path(name) if name else None
        else:
            path = self._folder("A folder of rectangles")
        if path is None:
            return
        reader = self._state.reader

        def call(project: Any, watch: Watch) -> AnnotationsRead:
            from hipcad_desktop.workflows.annotation_formats import import_annotations

            return import_annotations(project, path, file_format=chosen, reader=reader, watch=watch)  # type: ignore[arg-type]

        self._binding.work(
            "Import rectangles", call, done=lambda read: self._binding.read_worklist(lambda: self._read(read))
        )

    def _read(self, read: AnnotationsRead) -> None:
        lines = [f"{read.saved} films have new rectangles, {read.unchanged} are unchanged."]
        if read.left_unread:
            lines.append(f"{read.left_unread} films without a rectangle in the file were left as they are.")
        rows = [("", sentence(problem)) for problem in read.problems]
        SummaryDialog("Rectangles imported", lines, ("", "What and why"), rows, self._window).open()

    def _format(self, title: str) -> str:
        words, sure = QInputDialog.getItem(self._window, title, "Format", list(FORMATS), 0, False)
        return FORMATS.get(words, "") if sure else ""

    def _folder(self, title: str) -> Path | None:
        chosen = QFileDialog.getExistingDirectory(self._window, title, str(self._parent()))
        return Path(chosen) if chosen else None

    def _parent(self) -> Path:
        return self._state.path.parent if self._state.path else Path.home()
