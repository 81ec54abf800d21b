"""The reading: verdict, findings, remarks, sides, signature, and what becomes of the film. Decides nothing."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from hipcad_desktop.domain.anatomy import Side, SideMap, SideSource
from hipcad_desktop.domain.annotation import Answer, Finding, Verdict
from hipcad_desktop.domain.geometry import Size
from hipcad_desktop.domain.halving import Halving
from hipcad_desktop.gui import theme
from hipcad_desktop.gui.annotate.answers import Remarks
from hipcad_desktop.gui.annotate.chips import FlagChips, SourceChips, TypeChips
from hipcad_desktop.gui.annotate.findings_list import FindingsList
from hipcad_desktop.gui.annotate.previews import HipPreviews
from hipcad_desktop.gui.annotate.sign_line import SignLine
from hipcad_desktop.gui.annotate.verdict_button import VerdictButton
from hipcad_desktop.gui.widgets.notice import Notice

BUTTONS: tuple[tuple[Verdict, str, str], ...] = (
    (Verdict.FRACTURE, "Fracture", ""),
    (Verdict.NO_FRACTURE, "No fracture", "no_fracture"),
    (Verdict.UNSURE, "Unsure", "unsure"),
    (Verdict.EXCLUDED, "Excluded", "exclude"),
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
    delete_asked = Signal(int)

    def __init__(self, actions: Mapping[str, QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("look", "panel")
        self.setMinimumWidth(292)
        self._shown: Verdict | None = None
        self.verdicts: dict[Verdict, VerdictButton] = {}
        for verdict, text, action in BUTTONS:
            self.verdicts[verdict] = VerdictButton(verdict, text, actions[action] if action else None)
            self.verdicts[verdict].clicked.connect(self.show_verdict_again)
        self.findings = FindingsList()
        self.findings.picked.connect(self.finding_picked)
        self.findings.delete_asked.connect(self.delete_asked)
        self.types, self.sources, self.flags = TypeChips(actions), SourceChips(actions), FlagChips(actions)
        self.previews = HipPreviews()
        self.halving_notice, self.scope_notice = Notice(), Notice()
        self.sign_line = SignLine(actions)
        self._reason = _label("", "muted")
        self._sides_words, self._flags_words = _label("", "muted"), _label("", "warning")
        self.as_shown, self.swapped = QPushButton(), QPushButton()
        self._broken = QWidget()  # what is asked of a fracture only
        self._build()
        self.show_nothing()

    def _build(self) -> None:
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(12, 8, 12, 8)
        column.setSpacing(5)
        column.addWidget(self.scope_notice)
        column.addWidget(_label("READING", "section"))
        grid = QGridLayout()
        grid.setSpacing(5)
        for number, button in enumerate(self.verdicts.values()):
            grid.addWidget(button, number // 2, number % 2)
            grid.setColumnStretch(number % 2, 1)
        column.addLayout(grid)
        column.addWidget(self._reason)
        broken = QVBoxLayout(self._broken)
        broken.setContentsMargins(0, 0, 0, 0)
        broken.setSpacing(5)
        for part in (self.findings, self.types, _label("FIRST SEEN ON", "section"), self.sources):
            broken.addWidget(part)
        column.addWidget(self._broken)
        column.addLayout(_heading("ALSO ON THE FILM", self._flags_words))
        column.addWidget(self.flags)
        column.addLayout(_heading("SIDES", self._sides_words))
        column.addLayout(self._sides())
        column.addWidget(_label("HIP IMAGES", "section"))
        column.addWidget(self.halving_notice)
        column.addWidget(self.previews)
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # a click on a chip leaves the keys with the film
        scroll.setWidget(inside)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(scroll, 1)
        layout.addWidget(self.sign_line)

    def _sides(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(5)
        for button, mirrored in ((self.as_shown, False), (self.swapped, True)):
            button.setText(f"{Side.LEFT} | {Side.RIGHT}  mirrored" if mirrored else f"{Side.RIGHT} | {Side.LEFT}")
            button.setToolTip(TURNED if mirrored else USUAL)
            button.setProperty("look", "chip")
            button.setCheckable(True)
            button.clicked.connect(lambda _checked=False, m=mirrored: self.sides_chosen.emit(m))
            row.addWidget(button, 1)
        return row

    def show_nothing(self) -> None:
        """No film."""
        self.setEnabled(False)
        self.show_verdict(None)
        self.show_findings((), film=Size(1, 1), sides=SideMap(), selected=None)
        self.flags.show_flags(frozenset())
        self._reason.hide()
        self._sides_words.setText("")
        self._flags_words.setText("")
        self.scope_notice.say("")
        self.sign_line.show_reading(None, answered=False)
        self.show_halving(None, "")

    def show_answer(
        self, answer: Answer | None, *, film: Size, sides: SideMap, remarks: Remarks, selected: int | None
    ) -> None:
        """The answer on the film looked at. remarks: also those not saved yet, for want of a verdict."""
        self.setEnabled(True)
        self.show_verdict(answer.verdict if answer else None)
        self.show_findings(answer.findings if answer else (), film=film, sides=sides, selected=selected)
        self.sources.show_source(answer.diagnosed_from if answer else None)
        self.flags.show_flags(remarks.flags)
        self._flags_words.setText("saved with the verdict" if remarks.flags and answer is None else "")
        reason = ""
        if answer is not None and answer.exclusion is not None:
            reason = f"Reason: {answer.exclusion.value}" + (
                f" ({answer.exclusion_text})" if answer.exclusion_text else ""
            )
        self._reason.setText(reason)
        self._reason.setVisible(bool(reason))
        self._show_sides(sides, remarks.mirrored, saved=answer is not None)

    def show_findings(self, findings: tuple[Finding, ...], *, film: Size, sides: SideMap, selected: int | None) -> None:
        """The rectangles, also while they are dragged."""
        self.findings.show_findings(findings, film=film, sides=sides, selected=selected)
        self._broken.setVisible(bool(findings))
        index = 0 if selected is None and len(findings) == 1 else selected
        kind = findings[index].fracture_type if index is not None and index < len(findings) else None
        self.types.show_type(kind)

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
            for button in self.verdicts.values():
                button.recolour()
        super().changeEvent(event)

    def _show_sides(self, sides: SideMap, mirrored: bool | None, *, saved: bool) -> None:
        match sides.source:
            case SideSource.READER:
                words, look = "confirmed by you" if saved else "confirmed; saved with the verdict", "ok"
            case SideSource.HEADER:
                words, look = "from the file's header", "muted"
            case SideSource.ASSUMED:
                words, look = "assumed: please check", "warning"
        self._sides_words.setText(words)
        _set_look(self._sides_words, look)
        self.as_shown.setChecked(mirrored is False)
        self.swapped.setChecked(mirrored is True)


def _heading(title: str, words: QLabel) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setContentsMargins(0, 3, 0, 0)
    row.addWidget(_label(title, "section"))
    row.addStretch(1)
    words.setWordWrap(False)
    row.addWidget(words)
    return row


def _label(text: str, look: str) -> QLabel:
    label = QLabel(text)
    label.setWordWrap(look in ("muted", "warning"))
    label.setProperty("look", look)
    return label


def _set_look(label: QLabel, look: str) -> None:
    label.setProperty("look", look)
    label.style().unpolish(label)
    label.style().polish(label)
