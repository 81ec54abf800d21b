"""Model card and data card: what is known is said with n, what only people know is marked, no person is named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hipcad_desktop.domain.cohort import Partition, PartitionRule
from hipcad_desktop.domain.dataset import NotExported
from hipcad_desktop.domain.errors import ErrorCode
from hipcad_desktop.domain.training import PAPER
from hipcad_desktop.imaging.dataset_files import read_manifest
from hipcad_desktop.workflows.write_cards import data_card_page, model_card_page, write_cards, write_run_cards
from hipcad_desktop.workflows.write_html import markdown_of
from tests.fakes.brightness_dataset import FlatFilm, write_flat_dataset
from tests.fakes.model_package import fake_card, write_fake_package

FILMS = (
    FlatFilm("P0001", 170, 90, "R", "Garden I"),
    FlatFilm("P0002", 90, 90),
    FlatFilm("P0003", 90, 170, "L", "31-A1", Partition.TRAINING),
)


def test_the_model_card_says_how_it_was_made() -> None:
    validation = {"hits": 476, "n": 500, "low": 0.9297, "high": 0.9676}
    point = {"threshold": 0.3, "sensitivity": validation, "specificity": validation}
    card = fake_card(
        config=PAPER.to_json(),
        note="Trained on simulated films only.",
        temperature=1.37,
        calibrated_prevalence=0.5,
        figures={"auc": 0.98, "n_fracture": 500, "n_no_fracture": 500, "at_fracture_threshold": point},
        thresholds_from={"partition": "validation", "warnings": ["Rests on 3 hips."]},
    )
    text = markdown_of(model_card_page(card))
    for needed in (
        "> **Trained on simulated films only.**",
        "95.2 % (93.0 to 96.8), 476 of 500",
        "Rests on 3 hips.",
        "1.37, fitted on validation",
        "prevalence 0.50",
        "| max learning rate | 0.001 |",
        "| mirror | yes |",
        "For the authors",
        "Research use only",
    ):
        assert needed in text


def test_a_card_without_figures_is_no_error() -> None:
    assert "The card carries none." in markdown_of(model_card_page(fake_card()))


def test_the_data_card_counts_by_partition(tmp_path: Path) -> None:
    write_flat_dataset(tmp_path / "dataset", FILMS)
    manifest, entries = read_manifest(tmp_path / "dataset")
    entries = [replace(e, hospital="Gamagori City", sex="F", flags="osteoarthritis; spine implant") for e in entries]
    left_out = NotExported("0" * 12, "yamada.dcm", ErrorCode.NOT_EXPORTED_UNREAD.value)
    manifest = replace(
        manifest,
        counts={"test": {"patients": 2, "films": 2, "fracture": 1, "no_fracture": 3}},
        not_exported=(left_out, left_out),
        rule=PartitionRule(0.15, 500, ("Tsushima City",)),
        openings_before=2,
    )
    text = markdown_of(data_card_page(manifest, entries, "hips"))
    assert "| test | 2 | 2 | 1 | 3 |" in text
    assert "| Hospital (films) | Gamagori City | 1 | 0 | 2 |" in text
    assert "| Sex (films) | female | 1 | 0 | 2 |" in text
    assert "| Type (broken hips) | 31-A1 | 1 | 0 | 0 |" in text
    assert "|  | spine implant | 1 | 0 | 2 |" in text
    assert "all patients of Tsushima City" in text
    assert "test 500 films" in text
    assert "opened 2 times" in text
    assert "2 films in all." in text
    assert "yamada" not in text


def test_a_run_gets_both_cards(tmp_path: Path) -> None:
    write_flat_dataset(tmp_path / "dataset", FILMS)
    model = write_fake_package(tmp_path / "m.hipcad")
    write_run_cards(tmp_path / "m.run", model=model, dataset=tmp_path / "dataset")
    names = {p.name for p in (tmp_path / "m.run").iterdir()}
    assert names == {"model_card.md", "model_card.html", "data_card.md", "data_card.html"}


def test_a_name_stays_text(tmp_path: Path) -> None:
    write_flat_dataset(tmp_path / "dataset", FILMS)
    manifest, entries = read_manifest(tmp_path / "dataset")
    card = fake_card(name="a|b_c*<i>\n## d")
    write_cards(tmp_path, card=card, manifest=manifest, entries=entries, dataset="x")
    first = (tmp_path / "model_card.md").read_text("utf-8").split("\n")[0]
    assert first == "# Model card: a|b\\_c\\*\\<i><br>## d"
    assert "<i>" not in (tmp_path / "model_card.html").read_text("utf-8")
