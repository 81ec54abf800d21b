"""Where a disagreement with the program goes: the open project's review queue, or this computer's list."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hipcad_desktop.app.records import records_folder
from hipcad_desktop.domain.errors import UserError
from hipcad_desktop.domain.messages import sentence
from hipcad_desktop.gui.binding import ProjectBinding
from hipcad_desktop.gui.diagnose.disagree import DisputeAsked
from hipcad_desktop.gui.state.project_state import ProjectState
from hipcad_desktop.gui.tasks import Tasks

THERE = "You sent this hip with this answer before; it is in the review queue."
LOCAL = (
    "No project is open: kept in this computer's list. Open a project, then Review, Against the program, "
    "to take the list in."
)


def send_dispute(state: ProjectState, binding: ProjectBinding, tasks: Tasks, asked: DisputeAsked) -> None:
    """Keep it durably beside the window; `asked.told` gets the sentence that says where it is."""

    def failed(error: Exception) -> None:
        if isinstance(error, UserError):
            asked.told(f"Not sent. {sentence(error)}", "error")
        else:
            tasks.broken.emit(error)

    if not state.is_open:

        def keep() -> bool:
            from hipcad_desktop.workflows.program_disputes import DISPUTES_NAME, keep_dispute

            return keep_dispute(asked.dispute, records_folder() / DISPUTES_NAME)

        tasks.pool("Keep a disagreement", keep, done=lambda _new: asked.told(LOCAL, "info"), failed=failed)
        return
    name, dispute = state.name, replace(asked.dispute, reader=state.reader)

    def send(project: Any, _watch: Any) -> tuple[bool, bool]:
        from hipcad_desktop.workflows.program_disputes import send_dispute

        return send_dispute(project, dispute, file=asked.file)

    def sent(result: tuple[bool, bool]) -> None:
        new, imported = result
        added = " The film was added to the project." if imported else ""
        where = f"Sent to the review queue of {name}: Review, Against the program.{added}"
        asked.told(where if new else THERE, "info")
        if imported:
            binding.read_worklist()

    binding.work("Send to the review queue", send, done=sent, failed=failed)
