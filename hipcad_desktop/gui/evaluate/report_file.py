"""A report as the window shows it: values, pictures and where its pages lie. Read in the pool, never by a widget."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices, QImage

from hipcad_desktop.domain.evaluation import Evaluation
from hipcad_desktop.domain.judgement import HEATMAPS_FOLDER, HeatMap

HTML, PDF = "report.html", "report.pdf"


@dataclass(frozen=True, slots=True)
class ReportFile:
    """A folder with report.json; pages and pictures are there or not."""

    folder: Path
    evaluation: Evaluation
    heat_maps: tuple[HeatMap, ...]
    has_html: bool
    has_pdf: bool

    @property
    def title(self) -> str:
        """The model on the dataset."""
        return f"{self.evaluation.model.get('name', 'Model')} on {self.evaluation.dataset.get('name', 'dataset')}"

    def pictures(self, heat_map: HeatMap) -> tuple[QImage, QImage]:
        """The hip and its overlay; null images where a file is gone. For the pool."""
        folder = self.folder / HEATMAPS_FOLDER
        return QImage(str(folder / heat_map.hip)), QImage(str(folder / heat_map.overlay))


def read_report_file(path: Path) -> ReportFile:
    """For the pool. Raises UserError as workflows.judge_heatmaps.read_report."""
    from hipcad_desktop.workflows.judge_heatmaps import read_heat_maps, read_report

    folder, evaluation = read_report(path)
    has_pages = ((folder / HTML).is_file(), (folder / PDF).is_file())
    return ReportFile(folder, evaluation, read_heat_maps(folder), *has_pages)


def open_outside(path: Path) -> None:
    """With the program that the desktop has for it."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))
