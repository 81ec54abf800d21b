"""Over the worklist while the second round is read: which round it is, and the way back to the first."""

from __future__ import annotations

from PySide6.QtWidgets import QPushButton, QWidget

from hipcad_desktop.gui.binding import ProjectBinding
from hipcad_desktop.gui.state.project_state import ProjectState
from hipcad_desktop.gui.widgets.notice import Notice


class RoundBar(Notice):
    """Hidden in the first round."""

    def __init__(self, state: ProjectState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self.back = QPushButton("Back to round 1")
        self.add_button(self.back)
        state.opened.connect(self._show)
        state.closed.connect(lambda: self.say(""))

    def _show(self) -> None:
        self.say("Second round" if self._state.round == 2 else "", "warning")


def read_round(state: ProjectState, binding: ProjectBinding, round: int) -> str:
    """Go to a round of the present reader; what there is to say. Nothing is left behind that is not saved."""
    if state.unsaved or state.unreasoned is not None:
        return "An answer is not saved yet: save it, or give its reason, first."
    binding.change_reader(state.reader, round=round)
    return f"Round {round} of {state.reader}."
