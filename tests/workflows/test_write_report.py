"""The report: self-contained, escaped, the same bytes for the same values, never a bare percentage."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from hipcad_desktop.domain.evaluation import Caution, HipScore
from hipcad_desktop.domain.metrics import Estimate, Proportion
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.workflows.document import Document, Note
from hipcad_desktop.workflows.evaluate import evaluate
from hipcad_desktop.workflows.figure_words import estimate, share
from hipcad_desktop.workflows.paper_figures import PRINTED
from hipcad_desktop.workflows.report_gallery import MOST_SHOWN, gallery
from hipcad_desktop.workflows.report_page import report_page
from hipcad_desktop.workflows.write_html import html_of, markdown_of
from hipcad_desktop.workflows.write_pdf import pdf_of
from tests.fakes.brightness_dataset import FlatFilm, write_flat_dataset
from tests.fakes.evaluations import made_up_evaluation, made_up_scores
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


NAME = "<script>alert(1)</script>"


def report(folder: Path) -> Path:
    """The folder of one evaluation by a model with a bad name."""
    write_flat_dataset(folder / "dataset", FILMS)
    package = write_fake_package(folder / "model.hipcad", name=NAME)
    moment = datetime(2026, 11, 24, 12, tzinfo=UTC)
    evaluate(package, folder / "dataset", folder / "report", watch=Watch(), clock=lambda: moment)
    return folder / "report"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return report(tmp_path_factory.mktemp("once"))


@pytest.fixture(scope="module")
def html(folder: Path) -> str:
    return (folder / "report.html").read_text("utf-8")


@pytest.fixture(scope="module")
def small() -> Document:
    return made_up(6)


def parsed(html: str) -> _Text:
    text = _Text()
    text.feed(html)
    return text


def words_of(html: str) -> str:
    return re.sub(r"\s+", " ", " ".join(parsed(html).words))


def picture(score: HipScore) -> tuple[np.ndarray, np.ndarray, float]:
    return np.full((380, 380), 90, np.uint8), np.full((380, 380, 3), 120, np.uint8), 0.6


def made_up(films: int, **options: object) -> Document:
    scores = made_up_scores(films, **options)  # type: ignore[arg-type]
    return report_page(made_up_evaluation(scores), scores, tuple(gallery(scores, picture)))


def test_nothing_is_fetched_and_nothing_runs(html: str) -> None:
    text = parsed(html)
    pictures = [address for address in text.addresses if not address.startswith("#")]
    assert pictures
    assert all(address.startswith("data:image/") for address in pictures)
    assert not {"script", "link", "iframe", "object"} & set(text.tags)


def test_every_line_of_the_contents_leads_somewhere(html: str, small: Document) -> None:
    anchors = {address[1:] for address in parsed(html).addresses if address.startswith("#")}
    assert len(anchors) == len(small.sections) > 9
    assert anchors == set(re.findall(r'<h2 id="([^"]+)"', html))


def test_everything_lies_in_the_folder(folder: Path) -> None:
    names = {p.name for p in folder.iterdir()}
    cards = {
        f"{name}.{kind}" for name in ("model_card", "data_card", "claim_2024", "stard_ai") for kind in ("md", "html")
    }
    assert names >= {"report.html", "report.pdf", "report.json", "predictions.csv", *cards}
    assert (folder / "report.pdf").read_bytes().startswith(b"%PDF-")


def test_words_that_a_person_needs(html: str) -> None:
    words = words_of(html)
    assert words.count("Research use only. Not for clinical diagnosis.") >= 2
    for needed in (
        "n = 8 hips",
        "Missed: a fracture",
        "False alarm",
        "Garden I",
        "DeLong",
        "P0003",
        "not where a fracture is",
        "PPV",
        "Brier score",
        "476 of 500",
        "How often the test was opened",
    ):
        assert needed in words


def test_no_percentage_stands_without_interval_and_n(html: str, small: Document) -> None:
    words = words_of(html) + words_of(html_of(small))
    for as_printed in (figure.printed for figure in PRINTED):  # the paper gave no n
        assert as_printed in words
        words = words.replace(as_printed, "")
    figures = re.findall(r"\d+\.\d %.{0,40}", words)
    assert len(figures) > 20
    for figure in figures:
        assert re.match(r"\d+\.\d % \(\d+\.\d to \d+\.\d\),? \d+ of \d+", figure), figure
    assert re.findall(r"\d %", words.replace("95 %", "")) == [f[-3:] for f in re.findall(r"\d+\.\d %", words)]


def test_an_alarm_stands_before_any_figure() -> None:
    scores = made_up_scores(6)
    evaluation = made_up_evaluation(scores, alarms=True)
    words = words_of(html_of(report_page(evaluation, scores, ())))
    assert words.index("Leak alarm") < words.index("Sensitivity at")
    assert words.index("Sharpness alone") < words.index("Sensitivity at")
    quiet = words_of(html_of(report_page(made_up_evaluation(scores), scores, ())))
    assert "Leak alarm" not in quiet


def test_an_alarm_of_the_papers_halving_alone_is_not_loud() -> None:
    scores = made_up_scores(6)
    sentence = "Leak alarms of the paper's halving only: halving window."
    evaluation = made_up_evaluation(scores, alarms=True)
    evaluation = replace(evaluation, cautions=(Caution("leak_paper", sentence),))
    notes = [block for block in report_page(evaluation, scores, ()).blocks if isinstance(block, Note)]
    (note,) = [n for n in notes if sentence in n.text]
    assert not note.loud
    assert "Sharpness alone" in note.text
    assert not any("Do not believe" in n.text for n in notes)


def test_every_opening_is_told() -> None:
    scores = made_up_scores(6)
    words = words_of(html_of(report_page(made_up_evaluation(scores, openings=3), scores, ())))
    assert all(f"2026-11-2{day} 12:00:00 UTC" in words for day in (1, 2, 3))


def test_both_thresholds_stand_with_each_other() -> None:
    """A high sensitivity must not be read beside a specificity of another threshold."""
    scores = made_up_scores(20)
    evaluation = made_up_evaluation(scores)
    points = {p.name: p for p in evaluation.halvings[0].points}
    words = words_of(html_of(report_page(evaluation, scores, ())))
    assert f"Specificity at this threshold: {share(points['no_fracture'].specificity)}" in words
    assert f"Sensitivity at this threshold: {share(points['fracture'].sensitivity)}" in words


@pytest.mark.parametrize("broken_share", [0.0, 1.0])
@pytest.mark.parametrize("films", [1, 12])
def test_any_number_of_hips_gives_html_and_pdf(films: int, broken_share: float) -> None:
    document = made_up(films, broken_share=broken_share)
    assert "nan" not in words_of(html_of(document)).lower().split()
    assert pdf_of(document).startswith(b"%PDF-")


def test_a_name_cannot_become_markup(folder: Path, html: str) -> None:
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    for name in ("model_card.html", "claim_2024.html"):
        assert "<script" not in (folder / name).read_text("utf-8")
    assert not re.search(r"(?<!\\)<script", (folder / "model_card.md").read_text("utf-8"))


def test_a_pdf_can_say_any_name() -> None:
    scores = made_up_scores(1)
    evaluation = made_up_evaluation(scores)
    evaluation = replace(evaluation, model={**evaluation.model, "name": "<b>&\u80a1\u95a2\u7bc0</para>"})
    assert pdf_of(report_page(evaluation, scores, ())).startswith(b"%PDF-")


def test_same_values_give_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    again = report(tmp_path)
    for path in folder.glob("*.*"):
        assert path.read_bytes() == (again / path.name).read_bytes(), path.name


def test_the_page_stays_small_with_many_errors() -> None:
    scores = tuple(replace(s, fracture=not s.fracture) for s in made_up_scores(100))  # everything is wrong
    document = report_page(made_up_evaluation(scores), scores, tuple(gallery(scores, picture)))
    html = html_of(document)
    assert f"the worst {MOST_SHOWN} shown" in html
    assert len(html) < 3_000_000
    assert len(pdf_of(document)) < 4_000_000


def test_the_pdf_has_bookmarks_and_the_notice(small: Document) -> None:
    data = pdf_of(small)
    assert b"/Outlines" in data
    assert data.count(b"/Title") >= len(small.sections)
    assert b"Research use only" in data  # in the properties; in the pages it is compressed


def test_markdown_keeps_the_tables(small: Document) -> None:
    text = markdown_of(small)
    assert "| Sensitivity |" in text
    assert text.count("\n## ") == len(small.sections)


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
