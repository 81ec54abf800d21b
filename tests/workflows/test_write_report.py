"""The report: self-contained, escaped, the same bytes for the same values, never a bare percentage."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest

from hipcad_desktop.domain.evaluation import Estimate
from hipcad_desktop.domain.metrics import Proportion
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.workflows.evaluate import evaluate
from hipcad_desktop.workflows.write_report import estimate, share
from tests.fakes.brightness_dataset import FlatFilm, write_flat_dataset
from tests.fakes.model_package import write_fake_package

FILMS = [
    FlatFilm("P0001", 170, 90, "R", "Garden I"),
    FlatFilm("P0002", 120, 170, "R"),
    FlatFilm("P0003", 90, 120, "R"),
    FlatFilm("P0004", 170, 90),
]


class _Text(HTMLParser):
    """Collects the words a person reads, and every address in an attribute."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.addresses: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] != ["style"]:
            self.words.append(data)


def page(tmp_path: Path, name: str = "report", model: str = "brightness") -> str:
    """The HTML of one evaluation."""
    if not (tmp_path / "dataset").exists():
        write_flat_dataset(tmp_path / "dataset", FILMS)
    package = write_fake_package(tmp_path / "model.hipcad", name=model)
    moment = datetime(2026, 11, 24, 12, tzinfo=UTC)
    evaluate(package, tmp_path / "dataset", tmp_path / name, watch=Watch(), clock=lambda: moment)
    return (tmp_path / name / "report.html").read_text("utf-8")


def parsed(html: str) -> _Text:
    text = _Text()
    text.feed(html)
    return text


def test_nothing_is_fetched_and_nothing_runs(tmp_path: Path) -> None:
    text = parsed(page(tmp_path))
    assert text.addresses
    assert all(address.startswith("data:image/") for address in text.addresses)
    assert not {"script", "link", "iframe", "object"} & set(text.tags)


def test_words_that_a_person_needs(tmp_path: Path) -> None:
    words = re.sub(r"\s+", " ", " ".join(parsed(page(tmp_path)).words))
    assert words.count("Research use only. Not for clinical diagnosis.") >= 2
    for needed in (
        "n = 8 hips",
        "Missed: a fracture",
        "False alarm",
        "Garden I",
        "DeLong",
        "P0003",
        "not where a fracture is",
    ):
        assert needed in words


def test_no_percentage_stands_without_interval_and_n(tmp_path: Path) -> None:
    words = re.sub(r"\s+", " ", " ".join(parsed(page(tmp_path)).words))
    figures = re.findall(r"\d+\.\d %.{0,40}", words)
    assert figures
    for figure in figures:
        assert re.match(r"\d+\.\d % \(\d+\.\d to \d+\.\d\), \d+ of \d+", figure), figure
    assert re.findall(r"\d %", words.replace("95 %", "")) == [f[-3:] for f in re.findall(r"\d+\.\d %", words)]


def test_a_name_cannot_become_markup(tmp_path: Path) -> None:
    html = page(tmp_path, model="<script>alert(1)</script>")
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_same_values_give_the_same_bytes(tmp_path: Path) -> None:
    page(tmp_path, "first")
    page(tmp_path, "second")
    for name in ("report.html", "report.json", "predictions.csv"):
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


def test_the_page_stays_small_with_many_errors(tmp_path: Path) -> None:
    films = [FlatFilm(f"P{i:04d}", 90, 170, "R") for i in range(30)]
    write_flat_dataset(tmp_path / "dataset", films)
    html = page(tmp_path)
    assert "n = 30, the worst 12 shown" in html
    assert len(html) < 3_000_000


@pytest.mark.parametrize(
    ("proportion", "words"),
    [
        (Proportion(476, 500, 0.9297, 0.9676), "95.2 % (93.0 to 96.8), 476 of 500"),
        (Proportion(0, 0, 0.0, 1.0), "not computed (0 of 0)"),
    ],
)
def test_proportions_in_words(proportion: Proportion, words: str) -> None:
    assert share(proportion) == words


@pytest.mark.parametrize(
    ("figure", "words"),
    [
        (Estimate(0.9921, 0.98, 1.0, 1000, "hips", "DeLong"), "0.992 (0.980 to 1.000), n = 1000 hips"),
        (Estimate(None, None, None, 4, "hips", "DeLong", "no broken hip"), "not computed: no broken hip"),
        (Estimate(1.0, None, None, 4, "hips", "bootstrap", "no spread"), "1.000 (no interval: no spread), n = 4 hips"),
    ],
)
def test_estimates_in_words(figure: Estimate, words: str) -> None:
    assert estimate(figure) == words
