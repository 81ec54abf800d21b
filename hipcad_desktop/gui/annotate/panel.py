"""The reading: verdict, findings, sides, and what becomes of the film. Tells what is chosen; decides nothing."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from hipcad_desktop.domain.anatomy import Side, SideMap, SideSource
from hipcad_desktop.domain.annotation import Answer, Finding, Verdict
from hipcad_desktop.domain.geometry import Size
from hipcad_desktop.domain.halving import Halving
from hipcad_desktop.gui import theme
from hipcad_desktop.gui.actions import shown_key
from hipcad_desktop.gui.annotate.findings_list import FindingsList
from hipcad_desktop.gui.annotate.previews import HipPreviews
from hipcad_desktop.gui.widgets.icons import icon
from hipcad_desktop.gui.widgets.notice import Notice
from hipcad_desktop.gui.worklist.model import status_colour

BUTTONS: tuple[tuple[Verdict, str, str, str], ...] = (
    (Verdict.FRACTURE, "Fracture", "draw it", "fracture"),
    (Verdict.NO_FRACTURE, "No fracture", "no_fracture", "no_fracture"),
    (Verdict.UNSURE, "Unsure", "unsure", "unsure"),
    (Verdict.EXCLUDED, "Excluded", "exclude", "excluded"),
)

USUAL = "The patient's right is on the picture's left, as usual"
TURNED = "The film is mirrored: the patient's left is on the picture's left"

FIRST_AN_ANSWER = "They appear with a rectangle or “no fracture”."
NO_HIPS: Mapping[Verdict | None, str] = {
    Verdict.UNSURE: "None: a film that is unsure is not exported.",
    Verdict.EXCLUDED: "None: an excluded film is not exported.",
}


class ReadingPanel(QWidget):
    """The right-hand side of annotation mode."""

    sides_chosen = Signal(bool)  # mirrored
    finding_picked = Signal(int)
    type_chosen = Signal(int, object)
    delete_asked = Signal(int)

    def __init__(self, actions: Mapping[str, QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("look", "panel")
        self.setMinimumWidth(292)
        self._actions = actions
        self.verdicts: dict[Verdict, QPushButton] = {}
        self._shown: Verdict | None = None
        self.findings = FindingsList()
        self.findings.picked.connect(self.finding_picked)
        self.findings.type_chosen.connect(self.type_chosen)
        self.findings.delete_asked.connect(self.delete_asked)
        self.previews = HipPreviews()
        self.halving_notice = Notice()
        self.scope_notice = Notice()
        self._reason = _label("", "muted")
        self._sides_words = _label("", "muted")
        self.as_shown, self.swapped = QPushButton(), QPushButton()
        self._build()
        self._colour()
        self.show_nothing()

    def _build(self) -> None:
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(12, 10, 12, 12)
        column.setSpacing(6)
        column.addWidget(self.scope_notice)
        column.addWidget(_label("READING", "section"))
        for verdict, text, action, picture in BUTTONS:
            column.addWidget(self._verdict_button(verdict, text, action, picture))
        column.addWidget(self._reason)
        self._findings_title = _label("FINDINGS", "section")
        column.addWidget(self._findings_title)
        column.addWidget(self.findings)
        column.addSpacing(6)
        column.addWidget(_label("SIDES", "section"))
        column.addWidget(self._sides_words)
        sides = QHBoxLayout()
        sides.setSpacing(6)
        for button, mirrored in ((self.as_shown, False), (self.swapped, True)):
            button.setText(f"{Side.LEFT} | {Side.RIGHT}  mirrored" if mirrored else f"{Side.RIGHT} | {Side.LEFT}")
            button.setToolTip(TURNED if mirrored else USUAL)
            button.setCheckable(True)
            button.clicked.connect(lambda _checked=False, m=mirrored: self.sides_chosen.emit(m))
            sides.addWidget(button, 1)
        column.addLayout(sides)
        column.addSpacing(6)
        column.addWidget(_label("HIP IMAGES", "section"))
        column.addWidget(self.halving_notice)
        column.addWidget(self.previews)
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(inside)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scroll, 1)
        layout.addWidget(self._next_button())

    def _verdict_button(self, verdict: Verdict, text: str, action: str, picture: str) -> QPushButton:
        button = QPushButton()
        button.setProperty("look", "verdict")
        button.setProperty("icon_name", picture)
        button.setCheckable(True)
        button.setIconSize(QSize(18, 18))
        button.setAccessibleName(text)
        hint = action if verdict is Verdict.FRACTURE else shown_key(action)
        row = QHBoxLayout(button)
        row.setContentsMargins(36, 0, 10, 0)
        words, key = QLabel(text), _label(hint, "key" if verdict is not Verdict.FRACTURE else "muted")
        for label in (words, key):
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        row.addWidget(words)
        row.addStretch(1)
        row.addWidget(key, 0, Qt.AlignmentFlag.AlignVCenter)
        button.setMinimumHeight(36)
        if verdict is Verdict.FRACTURE:
            button.setToolTip("Drag a rectangle round the fracture on the film")
            button.clicked.connect(self.show_verdict_again)
        else:
            button.setToolTip(self._actions[action].toolTip())
            button.clicked.connect(self._actions[action].trigger)
            button.clicked.connect(self.show_verdict_again)
        self.verdicts[verdict] = button
        return button

    def _next_button(self) -> QWidget:
        bar = QFrame()
        bar.setProperty("look", "panel")
        row = QHBoxLayout(bar)
        row.setContentsMargins(12, 8, 12, 10)
        self.next = QPushButton("Next unread   ↵")
        self.next.setProperty("look", "primary")
        self.next.setToolTip("Go on with the next film that has no answer yet")
        self.next.clicked.connect(self._actions["next_unread"].trigger)
        row.addWidget(self.next)
        return bar

    def show_nothing(self) -> None:
        """No film."""
        self.setEnabled(False)
        self.show_verdict(None)
        self.findings.show_findings((), film=Size(1, 1), sides=SideMap(), selected=None)
        self._findings_title.hide()
        self._reason.hide()
        self._sides_words.setText("")
        self.scope_notice.say("")
        self.show_halving(None, "")

    def show_answer(
        self, answer: Answer | None, *, film: Size, sides: SideMap, mirrored: bool | None, selected: int | None
    ) -> None:
        """The answer on the film looked at. mirrored: what the reader says of the sides, saved already or not."""
        self.setEnabled(True)
        findings = answer.findings if answer else ()
        self.show_verdict(answer.verdict if answer else None)
        self.show_findings(findings, film=film, sides=sides, selected=selected)
        reason = ""
        if answer is not None and answer.exclusion is not None:
            reason = f"Reason: {answer.exclusion.value}" + (
                f" ({answer.exclusion_text})" if answer.exclusion_text else ""
            )
        self._reason.setText(reason)
        self._reason.setVisible(bool(reason))
        self._show_sides(sides, mirrored, saved=answer is not None)

    def show_findings(self, findings: tuple[Finding, ...], *, film: Size, sides: SideMap, selected: int | None) -> None:
        """The rectangles, also while they are dragged."""
        self.findings.show_findings(findings, film=film, sides=sides, selected=selected)
        self._findings_title.setVisible(bool(findings))

    def show_verdict(self, verdict: Verdict | None) -> None:
        """Which verdict holds."""
        self._shown = verdict
        for each, button in self.verdicts.items():
            button.setChecked(each is verdict)

    def show_verdict_again(self) -> None:
        """A click toggles a checkable button; what holds is decided elsewhere."""
        self.show_verdict(self._shown)

    def show_halving(self, halving: Halving | None, trouble: str) -> None:
        """What becomes of the film: nothing yet, two windows, or the sentence why not."""
        if trouble:
            self.halving_notice.say(trouble, "warning")
        else:
            self.halving_notice.say("" if halving else NO_HIPS.get(self._shown, FIRST_AN_ANSWER), "info")
        self.previews.setVisible(halving is not None)
        if halving is None:
            self.previews.clear()

    def show_hips(self, halving: Halving, hips: tuple[NDArray[np.uint8], NDArray[np.uint8]], sides: SideMap) -> None:
        """The two hip images."""
        self.previews.setVisible(True)
        self.previews.show_hips(halving, hips, sides)

    def changeEvent(self, event: QEvent) -> None:
        if hasattr(self, "verdicts") and theme.has_changed(self, event):
            self._colour()
        super().changeEvent(event)

    def _show_sides(self, sides: SideMap, mirrored: bool | None, *, saved: bool) -> None:
        match sides.source:
            case SideSource.READER:
                words, look = "Confirmed by you" + ("." if saved else "; saved with the verdict."), "ok"
            case SideSource.HEADER:
                words, look = "From the file's header.", "muted"
            case SideSource.ASSUMED:
                words, look = "Assumed: the file does not say. Please check.", "warning"
        self._sides_words.setText(words)
        _set_look(self._sides_words, look)
        self.as_shown.setChecked(mirrored is False)
        self.swapped.setChecked(mirrored is True)

    def _colour(self) -> None:
        for verdict, button in self.verdicts.items():
            button.setIcon(icon(button.property("icon_name"), status_colour(verdict.value)))


def _label(text: str, look: str) -> QLabel:
    label = QLabel(text)
    label.setWordWrap(look in ("muted", "warning"))
    label.setProperty("look", look)
    return label


def _set_look(label: QLabel, look: str) -> None:
    label.setProperty("look", look)
    label.style().unpolish(label)
    label.style().polish(label)
