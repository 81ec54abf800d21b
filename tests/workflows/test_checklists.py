"""CLAIM and STARD-AI: every item is there once, filled with what is known, the rest said to be for the authors."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hipcad_desktop.imaging.dataset_files import read_manifest
from hipcad_desktop.workflows.checklist_facts import facts
from hipcad_desktop.workflows.checklists import (
    CHECKLISTS,
    CLAIM,
    FOR_AUTHORS,
    STARD_AI,
    Checklist,
    checklist_page,
    items_of,
    write_checklists,
)
from hipcad_desktop.workflows.document import Table
from tests.fakes.brightness_dataset import FlatFilm, write_flat_dataset
from tests.fakes.evaluations import made_up_evaluation, made_up_scores
from tests.fakes.model_package import fake_card

LETTERED = {"15": "abcd", "16": "abc", "17": "ab", "26": "ab", "40": "ab"}


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("checklists") / "dataset"
    write_flat_dataset(folder, [FlatFilm("P0001", 170, 90, "R", "Garden I")])
    manifest, entries = read_manifest(folder)
    return dict(facts(made_up_evaluation(made_up_scores(10)), fake_card(), manifest, entries))


def test_claim_has_its_44_items() -> None:
    assert [item.number for item in items_of(CLAIM)] == [str(n) for n in range(1, 45)]


def test_stard_ai_has_its_40_items_in_48_rows() -> None:
    wanted = [f"{n}{letter}" for n in range(1, 41) for letter in LETTERED.get(str(n), [""])]
    assert [item.number for item in items_of(STARD_AI)] == wanted
    assert len(wanted) == 48


@pytest.mark.parametrize("checklist", CHECKLISTS, ids=lambda c: c.name)
def test_every_row_says_something(checklist: Checklist, known: dict[str, str]) -> None:
    page = checklist_page(checklist, known, model="m", notice="Research use only.")
    rows = [row for block in page.blocks if isinstance(block, Table) for row in block.rows]
    assert len(rows) == len(items_of(checklist))
    assert all(row[2] for row in rows)
    unknown = [row for row, item in zip(rows, items_of(checklist), strict=True) if not (item.fact and known[item.fact])]
    assert unknown
    assert all(row[2].startswith(FOR_AUTHORS) for row in unknown)


@pytest.mark.parametrize("checklist", CHECKLISTS, ids=lambda c: c.name)
def test_every_fact_is_known_by_name(checklist: Checklist, known: dict[str, str]) -> None:
    assert {item.fact for item in items_of(checklist) if item.fact} <= known.keys()


def test_every_fact_is_asked_for(known: dict[str, str]) -> None:
    assert known.keys() == {item.fact for checklist in CHECKLISTS for item in items_of(checklist) if item.fact}


def test_ethics_funding_and_registration_are_never_filled(known: dict[str, str]) -> None:
    for checklist in CHECKLISTS:
        for item in items_of(checklist):
            if re.search(r"fund|ethic|regist|commercial", item.topic, re.IGNORECASE):
                assert not item.fact, (checklist.name, item.number)


def test_figures_carry_interval_and_n(known: dict[str, str]) -> None:
    assert re.search(r"AUC \d\.\d{3} \(\d\.\d{3} to \d\.\d{3}\), n = 20 hips", known["accuracy"])
    assert re.search(r"sensitivity \d+\.\d % \(\d+\.\d to \d+\.\d\), \d+ of 8 ", known["accuracy"])


def test_files(tmp_path: Path) -> None:
    write_flat_dataset(tmp_path / "dataset", [FlatFilm("P0001", 170, 90, "R")])
    manifest, entries = read_manifest(tmp_path / "dataset")
    evaluation = made_up_evaluation(made_up_scores(4))
    write_checklists(tmp_path / "out", evaluation=evaluation, card=fake_card(), manifest=manifest, entries=entries)
    for name in ("claim_2024", "stard_ai"):
        for kind in ("md", "html"):
            assert "paraphrased" in (tmp_path / "out" / f"{name}.{kind}").read_text("utf-8")
