"""The window: menus, the three modes, what is saved and what runs. Owns no film and no answer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QSettings, QTimer
from PySide6.QtGui import QActionGroup, QCloseEvent, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QApplication,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QMessageBox,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from hipcad_desktop.domain.errors import UserError
from hipcad_desktop.domain.messages import sentence
from hipcad_desktop.gui import actions as table
from hipcad_desktop.gui import settings as keys
from hipcad_desktop.gui import theme
from hipcad_desktop.gui.annotate.mode import AnnotateMode
from hipcad_desktop.gui.binding import ProjectBinding
from hipcad_desktop.gui.commands import ProjectCommands
from hipcad_desktop.gui.dialogs import trouble
from hipcad_desktop.gui.handlers import handlers
from hipcad_desktop.gui.keymap import Keymap
from hipcad_desktop.gui.modes import Modes
from hipcad_desktop.gui.state.project_state import ProjectState
from hipcad_desktop.gui.study_commands import StudyCommands
from hipcad_desktop.gui.tasks import Tasks
from hipcad_desktop.gui.top_bar import MODES, ModeRail, TopBar
from hipcad_desktop.gui.widgets.empty import EmptyPage
from hipcad_desktop.gui.widgets.icons import icon
from hipcad_desktop.gui.widgets.notice import Notice
from hipcad_desktop.gui.widgets.work_bar import WorkBar

if TYPE_CHECKING:
    from hipcad_desktop.gui.diagnose.disagree import DisputeAsked

TITLE = "HipCAD Desktop"
NOTICE = "Research use only"
MESSAGE_MS = 8000
NEEDS_PROJECT = (
    "import_readings", "export_readings", "export_dataset", "close_project", "mode_review", "send_readings",
    "merge_readings", "import_annotations", "export_annotations", "contact_sheet", "cohort_tables",
    *(e.name for e in table.ACTIONS if e.scope != "window" and e.name not in ("undo", "redo")),
)  # fmt: skip


class MainWindow(QMainWindow):
    """One window, one project."""

    def __init__(self, settings: QSettings) -> None:
        super().__init__()
        self.settings = settings
        self.tasks = Tasks(self)
        self.state = ProjectState(self)
        self.binding = ProjectBinding(self.state, self.tasks, self)
        self.commands = ProjectCommands(
            self, state=self.state, binding=self.binding, tasks=self.tasks, settings=settings
        )
        self.study = StudyCommands(self, state=self.state, binding=self.binding)
        self.keymap = Keymap(settings)
        self.actions_by_name = table.build(self, handlers(self), self.keymap.table())
        self.annotate = AnnotateMode(self.state, self.binding, self.tasks, self.actions_by_name)
        self._build()
        self._wire()
        self._restore()
        self._show_project()
        self._show_history()

    # building

    def _build(self) -> None:
        self.setAcceptDrops(True)
        self.setWindowIcon(icon("hipcad"))
        modes = QActionGroup(self)
        for name in MODES:
            modes.addAction(self.actions_by_name[name])
        for menu_name in table.MENUS:
            menu = self.menuBar().addMenu(menu_name)
            for entry in (e for e in table.ACTIONS if e.menu == menu_name):
                if entry.separated:
                    menu.addSeparator()
                menu.addAction(self.actions_by_name[entry.name])
        self.top_bar = TopBar(self.actions_by_name)
        self.start_page = EmptyPage(
            "Welcome to HipCAD Desktop",
            "Annotate frontal pelvic films, train a network on the two hips, let it look at new films.\n"
            "Everything stays on this computer. Research use only, not for clinical diagnosis.",
            [self.actions_by_name[n] for n in ("open_sample", "new_project", "open_project", "diagnose_files")],
        )
        self.unsaved = Notice()
        self._again = QPushButton("Try again")
        self._again.clicked.connect(self.binding.save_again)
        self.unsaved.add_button(self._again)
        self.modes = Modes(
            self.start_page, self.annotate, review=self._make_review, tasks=self.tasks, settings=self.settings
        )
        right = QVBoxLayout()
        right.setSpacing(0)
        right.addWidget(self.unsaved)
        right.addWidget(self.modes, 1)
        body = QHBoxLayout()
        body.setSpacing(0)
        body.addWidget(ModeRail(self.actions_by_name))
        body.addLayout(right, 1)
        centre = QWidget()
        column = QVBoxLayout(centre)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.top_bar)
        column.addLayout(body, 1)
        self.setCentralWidget(centre)
        self._build_status()
        self.setMinimumSize(1060, 640)

    def _build_status(self) -> None:
        self.work_bar = WorkBar()
        self.pointer = QLabel()
        self.pointer.setProperty("look", "muted")
        self.saved = QLabel()
        self.saved.setProperty("look", "muted")
        notice = QLabel(f"{NOTICE}. Not for clinical diagnosis.")
        notice.setProperty("look", "warning")
        for label in (self.pointer, self.saved, notice):
            label.setContentsMargins(6, 0, 8, 0)
        bar = self.statusBar()
        bar.setSizeGripEnabled(False)
        for widget in (self.work_bar, self.pointer, self.saved, notice):
            bar.addPermanentWidget(widget)

    def _wire(self) -> None:
        state, tasks = self.state, self.tasks
        state.opened.connect(self._show_project)
        state.closed.connect(self._show_project)
        state.films_replaced.connect(self._show_counts)
        state.history_changed.connect(self._show_history)
        state.saving_changed.connect(self._show_saving)
        tasks.work_started.connect(self.work_bar.follow)
        tasks.failed.connect(lambda what, error: trouble.tell(what, error, self))
        tasks.broken.connect(self.show_bug)
        self.commands.said.connect(self.say)
        self.study.said.connect(self.say)
        self.commands.train_asked.connect(self.modes.train_on)
        self.modes.mode_shown.connect(self.show_mode)
        self.modes.status_message.connect(self.say)
        self.modes.dispute_asked.connect(lambda asked: _send_dispute(self, asked))
        self.annotate.status_message.connect(self.say)
        self.annotate.pointer_moved.connect(self._show_pointer)
        self.binding.jumped.connect(lambda _film: self.actions_by_name["mode_annotate"].setChecked(True))

    def _restore(self) -> None:
        geometry = self.settings.value(keys.GEOMETRY)
        if geometry is None or not self.restoreGeometry(geometry):
            room = self.screen().availableSize()
            self.resize(min(1440, room.width() - 40), min(900, room.height() - 100))
        splitter = self.settings.value(keys.SPLITTER)
        if splitter is not None:
            self.annotate.splitter.restoreState(splitter)
        self.actions_by_name["light_theme"].setChecked(keys.text(self.settings, keys.THEME) == "light")
        self.actions_by_name["mode_annotate"].setChecked(True)

    # modes

    def _make_review(self) -> QWidget:
        from hipcad_desktop.gui.review.mode import ReviewMode

        return ReviewMode(self.state, self.binding, self.tasks, self.actions_by_name)

    def show_mode(self, name: str) -> None:
        """Annotate, Train, Diagnose or Review."""
        self.actions_by_name[name].setChecked(True)
        self.modes.show_mode(name, project_open=self.state.is_open)

    def ask_films_to_diagnose(self) -> None:
        """Choose films and open them in diagnosis mode."""
        last = keys.text(self.settings, keys.LAST_FOLDER, str(Path.home()))
        files, _ = QFileDialog.getOpenFileNames(self, "Films to diagnose", last, "All files (*)")
        if files:
            self.modes.diagnose(files)

    # showing

    def say(self, words: str) -> None:
        """Something to know, for a while."""
        self.statusBar().showMessage(words, MESSAGE_MS)

    def show_bug(self, error: BaseException) -> None:
        """The report of a bug."""
        trouble.BugDialog(error, self).open()

    def show_cheat_sheet(self) -> None:
        """Every key."""
        from hipcad_desktop.gui.dialogs.help import CheatSheet

        CheatSheet(self, self.keymap.table()).open()

    def show_keys(self) -> None:
        """Choose keys; in force at once."""
        from hipcad_desktop.gui.keys_dialog import KeysDialog

        dialog = KeysDialog(self.keymap, self)
        dialog.changed.connect(lambda: table.set_keys(self.actions_by_name, self.keymap.table()))
        dialog.open()

    def show_system_check(self) -> None:
        """What works on this machine."""
        from hipcad_desktop.gui.dialogs.system_check import SystemCheck

        SystemCheck(self.modes.worker("mode_diagnose"), self).open()

    def show_about(self) -> None:
        """Version and purpose."""
        from hipcad_desktop.gui.dialogs.help import About

        About(self).open()

    def _show_project(self) -> None:
        state = self.state
        self.setWindowTitle(f"{state.name} – {TITLE} – {NOTICE}" if state.is_open else f"{TITLE} – {NOTICE}")
        self.top_bar.show_project(state.name, state.reader if state.is_open else "")
        for name in NEEDS_PROJECT:
            self.actions_by_name[name].setEnabled(state.is_open)
        self._show_counts()
        if not state.is_open and self.actions_by_name["mode_review"].isChecked():
            self.actions_by_name["mode_annotate"].setChecked(True)
        elif self.actions_by_name["mode_annotate"].isChecked():
            self.show_mode("mode_annotate")
        training = self.modes.made("mode_train")
        if state.is_open and training is not None:
            training.set_project(state.path)
        self._show_saving()

    def _show_counts(self) -> None:
        self.actions_by_name["export_dataset"].setEnabled(self.state.is_open and bool(self.state.films))

    def _show_history(self) -> None:
        self.actions_by_name["undo"].setEnabled(self.state.can_undo)
        self.actions_by_name["redo"].setEnabled(self.state.can_redo)

    def _show_saving(self) -> None:
        unsaved = self.state.unsaved
        if not self.state.is_open:
            self.saved.setText("")
        elif self.state.unreasoned is not None:
            self.saved.setText("! Waits for a reason")
        elif unsaved:
            self.saved.setText(f"✕ {len(unsaved)} not saved")
        else:
            self.saved.setText("Saving…" if self.state.saving else "✓ All answers saved")
        if unsaved:
            error = next(iter(unsaved.values()))[1]
            why = sentence(error) if isinstance(error, UserError) else f"A bug stopped it ({type(error).__name__})."
            films = f"{len(unsaved)} answer{'s are' if len(unsaved) > 1 else ' is'} not saved."
            self.unsaved.say(f"{films} {why}", "error")
        else:
            self.unsaved.say("")

    def _show_pointer(self, at: object) -> None:
        words = ""
        if isinstance(at, tuple):
            x, y, value = at
            words = f"x {x:.0f}  y {y:.0f}  value {value:.0f}"
        self.pointer.setText(words)

    def set_light(self, light: bool) -> None:
        """The light or the dark theme, now and at the next start."""
        name: theme.ThemeName = "light" if light else "dark"
        self.settings.setValue(keys.THEME, name)
        app = QApplication.instance()
        if isinstance(app, QApplication) and theme.current().name != name:
            theme.apply(app, name)

    # Qt

    def changeEvent(self, event: QEvent) -> None:
        if hasattr(self, "top_bar") and theme.has_changed(self, event):
            table.colour_icons(self.actions_by_name)
            self.top_bar.recolour()
        super().changeEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if _dropped(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = _dropped(event)
        if not paths:
            return
        event.acceptProposedAction()
        # After the drag has ended: a dialog inside it would hold the other program up.
        if self.actions_by_name["mode_diagnose"].isChecked():
            QTimer.singleShot(0, lambda: self.modes.diagnose([str(p) for p in paths]))
        else:
            QTimer.singleShot(0, lambda: self.commands.import_paths(paths))

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self._may_close():
            event.ignore()
            return
        self.settings.setValue(keys.GEOMETRY, self.saveGeometry())
        self.settings.setValue(keys.SPLITTER, self.annotate.splitter.saveState())
        self.settings.sync()
        self.annotate.tool.finish()
        self.annotate.source.close()
        self.binding.close()
        self.tasks.close()
        self.modes.stop()
        event.accept()

    def _may_close(self) -> bool:
        losses = []
        if self.state.unsaved:
            losses.append(f"{len(self.state.unsaved)} answers are not saved and would be lost.")
        if self.state.unreasoned is not None:
            losses.append("The change to a signed reading waits for its reason and would be lost.")
        if self.modes.training:
            losses.append("The training stops; it can be resumed later.")
        losses += [f"“{work.title}” is still running and would be stopped." for work in self.tasks.works()]
        if not losses:
            return True
        box = QMessageBox.StandardButton
        answer = QMessageBox.question(
            self, "Quit HipCAD Desktop?", "\n".join(losses), box.Close | box.Cancel, box.Cancel
        )
        return answer == box.Close


def _send_dispute(window: MainWindow, asked: DisputeAsked) -> None:
    from hipcad_desktop.gui.review.send_dispute import send_dispute

    send_dispute(window.state, window.binding, window.tasks, asked)


def _dropped(event: QDropEvent) -> list[Path]:
    return [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
