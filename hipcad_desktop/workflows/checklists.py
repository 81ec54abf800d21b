"""CLAIM (2024 update) and STARD-AI (2025): every item, filled with what the program knows, the rest for the authors."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hipcad_desktop.domain.dataset import DatasetManifest, HipEntry
from hipcad_desktop.domain.evaluation import Evaluation
from hipcad_desktop.domain.model_card import ModelCard
from hipcad_desktop.shipped import resource
from hipcad_desktop.workflows.checklist_facts import facts
from hipcad_desktop.workflows.document import Block, Document, Heading, Paragraph, Table
from hipcad_desktop.workflows.write_html import html_of, markdown_of
from hipcad_desktop.workflows.write_whole import write_whole

FOR_AUTHORS = "For the authors: "


@dataclass(frozen=True, slots=True)
class Checklist:
    """A reporting guideline: its file among the resources, its name and where it was published."""

    name: str
    title: str
    source: str


CLAIM = Checklist(
    "claim_2024",
    "CLAIM, 2024 update: 44 items",
    "Tejani et al., Checklist for Artificial Intelligence in Medical Imaging (CLAIM): 2024 Update. Radiology: "
    "Artificial Intelligence 2024;6(4):e240300, doi 10.1148/ryai.240300",
)
STARD_AI = Checklist(
    "stard_ai",
    "STARD-AI: 40 items",
    "Sounderajah et al., The STARD-AI reporting guideline for diagnostic accuracy studies using artificial "
    "intelligence. Nature Medicine 2025;31:3283-3289, doi 10.1038/s41591-025-03953-8",
)
CHECKLISTS = (CLAIM, STARD_AI)


@dataclass(frozen=True, slots=True)
class Item:
    """One row of a checklist, paraphrased. fact: which of our facts answers it; authors: what only people can say."""

    number: str
    section: str
    topic: str
    asks: str
    fact: str
    authors: str


def write_checklists(
    to: Path, *, evaluation: Evaluation, card: ModelCard, manifest: DatasetManifest, entries: Sequence[HipEntry]
) -> None:
    """Both checklists as .md and .html into a folder. Raises UserError FOLDER_NOT_WRITABLE or DISK_FULL."""
    known = facts(evaluation, card, manifest, entries)
    for checklist in CHECKLISTS:
        page = checklist_page(checklist, known, model=card.name, notice=evaluation.notice)
        write_whole(to / f"{checklist.name}.md", markdown_of(page).encode("utf-8"))
        write_whole(to / f"{checklist.name}.html", html_of(page).encode("utf-8"))


def items_of(checklist: Checklist) -> tuple[Item, ...]:
    """The rows of a checklist in their order."""
    with resource("report", f"{checklist.name}.csv").open(newline="", encoding="utf-8") as file:
        return tuple(Item(**row) for row in csv.DictReader(file))


def checklist_page(checklist: Checklist, known: Mapping[str, str], *, model: str, notice: str) -> Document:
    """A checklist pre-filled with facts by name. Raises KeyError where an item asks for a fact that does not exist."""
    items = items_of(checklist)
    filled = sum(bool(i.fact and known[i.fact] and not i.authors) for i in items)
    partly = sum(bool(i.fact and known[i.fact] and i.authors) for i in items)
    blocks: list[Block] = [
        Paragraph(
            f"Of {len(items)} rows {filled} are filled by the program, {partly} in part, "
            f"{len(items) - filled - partly} are for the authors. Items are paraphrased: submit the official form of "
            "the guideline, with page and line of the manuscript."
        )
    ]
    for section in dict.fromkeys(i.section for i in items):
        blocks.append(Heading(section, 3))
        rows = tuple(_row(i, known) for i in items if i.section == section)
        blocks.append(
            Table(
                ("No.", "Item (paraphrased)", "What the program knows, what it cannot", "Page, line"),
                rows,
                "",
                (0.07, 0.28, 0.53, 0.12),
            )
        )
    lead = f"Pre-filled for {model}."
    return Document(checklist.title, lead, notice, tuple(blocks), f"Source: {checklist.source}.")


def _row(item: Item, known: Mapping[str, str]) -> tuple[str, str, str, str]:
    words = known[item.fact] if item.fact else ""
    open_part = item.authors or ("" if words else item.topic)
    parts = [words, f"{FOR_AUTHORS}{open_part}." if open_part else ""]
    return item.number, f"{item.topic}: {item.asks}.", "\n".join(p for p in parts if p), ""
