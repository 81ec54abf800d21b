"""Why the worker gave no answer, in a sentence."""

from __future__ import annotations

from typing import Any

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.messages import sentence


def failure_words(code: str, facts: Any) -> str:
    """The sentence of a failure's code and facts; of a bug that it is one."""
    match code:
        case "worker_died":
            return f"The program that computes ended unexpectedly ({facts.get('detail', 'unknown')}). Try again."
        case "worker_hung":
            return f"The program that computes did not answer for {facts.get('seconds', '?')} seconds. Try again."
        case "model_changed":
            return "The model file is not the one that was chosen any more. Choose the model again."
        case "" | "bug":
            return "No answer: this is a bug in HipCAD, the log holds the details."
        case _:
            try:
                return sentence(UserError(ErrorCode(code), **facts))
            except (ValueError, TypeError):
                return f"No answer: {code}."
