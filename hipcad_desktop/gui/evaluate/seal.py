"""What a person is told of the seal of the test partition, before it is opened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hipcad_desktop.domain.seal import Opening
from hipcad_desktop.domain.time_words import day_words
from hipcad_desktop.gui.training.dataset_facts import DatasetFacts, read_dataset_facts


@dataclass(frozen=True, slots=True)
class DatasetWithSeal:
    """A dataset's counts, and every opening of its test partition so far."""

    facts: DatasetFacts
    openings: tuple[Opening, ...]


def read_dataset(path: Path) -> DatasetWithSeal:
    """For the pool. Raises UserError as dataset_facts and workflows.test_seal."""
    from hipcad_desktop.workflows.test_seal import openings

    facts = read_dataset_facts(path)
    return DatasetWithSeal(facts, openings(facts.path))


def seal_words(openings: Sequence[Opening]) -> str:
    """How often it was opened, and what opening it means."""
    if not openings:
        return "Sealed: never opened. The first opening counts most; it is recorded and shown in every report."
    last = openings[-1]
    times = "once" if len(openings) == 1 else f"{len(openings)} times"
    return f"Opened {times}, last {day_words(last.opened_utc)} with {last.model_name}. Every opening is recorded."


def question_words(openings: Sequence[Opening], model: str) -> str:
    """The question before it is opened."""
    number = len(openings) + 1
    warning = (
        "Have you settled on this model and its thresholds? Figures seen earlier can no longer be unseen."
        if number == 1
        else "Choosing between models by these figures would flatter the one chosen: compare them on validation."
    )
    return f"Open the test partition with {model}? This is opening no. {number} and is recorded for good. {warning}"
