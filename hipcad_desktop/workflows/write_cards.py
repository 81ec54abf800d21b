"""Model card and data card: what a model is and was made from, in Markdown to go on writing in and in HTML."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hipcad_desktop.domain.cohort import Partition
from hipcad_desktop.domain.dataset import DatasetManifest, HipEntry, NotExported
from hipcad_desktop.domain.halving import HalvingMethod
from hipcad_desktop.domain.metrics import Proportion
from hipcad_desktop.domain.model_card import ModelCard
from hipcad_desktop.workflows.document import Block, Document, Heading, Note, Paragraph, Table
from hipcad_desktop.workflows.figure_words import HALVING_WORDS, POINT_WORDS, share, thresholds_words
from hipcad_desktop.workflows.text_name import text_name
from hipcad_desktop.workflows.write_html import html_of, markdown_of
from hipcad_desktop.workflows.write_whole import write_whole

MODEL_CARD, DATA_CARD = "model_card", "data_card"
_AUTHORS = "For the authors: "


def write_cards(
    to: Path, *, card: ModelCard, manifest: DatasetManifest, entries: Sequence[HipEntry], dataset: str
) -> None:
    """model_card and data_card as .md and .html into a folder. dataset is the name of the data card's dataset.

    Raises UserError FOLDER_NOT_WRITABLE or DISK_FULL.
    """
    for name, page in ((MODEL_CARD, model_card_page(card)), (DATA_CARD, data_card_page(manifest, entries, dataset))):
        write_whole(to / f"{name}.md", markdown_of(page).encode("utf-8"))
        write_whole(to / f"{name}.html", html_of(page).encode("utf-8"))


def write_run_cards(run_folder: Path, *, model: Path, dataset: Path) -> None:
    """Both cards of a finished training into its run's folder, from the package and the dataset that it was made of.

    Raises UserError of the package, the dataset and the folder.
    """
    from hipcad_desktop.imaging.dataset_files import read_manifest
    from hipcad_desktop.inference.package import read_package

    manifest, entries = read_manifest(dataset)
    write_cards(
        run_folder, card=read_package(model).card, manifest=manifest, entries=entries, dataset=text_name(dataset)
    )


def model_card_page(card: ModelCard) -> Document:
    """A model in words, after Mitchell et al., Model Cards for Model Reporting (FAT* 2019)."""
    lead = f"{card.backbone}, recipe {card.recipe}, made {card.created_utc} with HipCAD Desktop {card.program_version}."
    footer = "Everything here is in the package's card.json. What begins with “For the authors” only people can say."
    return Document(f"Model card: {card.name}", lead, card.notice, tuple(_model_blocks(card)), footer)


def _model_blocks(card: ModelCard) -> Iterator[Block]:
    if card.note:
        yield Note(card.note, loud=True)
    yield Heading("Intended use")
    yield Paragraph(card.intended_use)
    yield Paragraph(
        "One answer per hip: a probability, and one of three states. Below the no-fracture threshold “no fracture”, "
        "from the fracture threshold on “fracture”, between them “doubt”, which asks for CT or MRI. Not for films "
        "with one hip only, lateral views, or a prosthesis or plate on the hip asked about."
    )
    yield Paragraph(
        f"{_AUTHORS}who is meant to use it, at which point of the patient's way, and who must not.", faint=True
    )
    yield Heading("Limits")
    yield Paragraph(card.limits)
    for warning in card.thresholds_from.get("warnings", ()):
        yield Note(str(warning))
    yield Heading("Figures on validation")
    yield Paragraph(
        "Model and thresholds were chosen on these hips: the figures flatter. Judge by the report on the test "
        "partition."
    )
    yield from _validation(card.figures)
    yield from _answers(card)
    yield Heading("How it was trained")
    yield Table((), tuple((k.replace("_", " "), _plain(v)) for k, v in card.config.items()), widths=(0.24, 0.76))
    yield Heading("On which data")
    yield Table(
        (), (("hips.csv SHA-256", str(card.data.get("hips_sha256", "unknown"))),), widths=(0.24, 0.76), mono=True
    )
    counts = card.data.get("counts") or {}
    if counts:
        yield _counts_table(counts)
    yield Paragraph("The data card says more.", faint=True)
    yield Heading("Ethics and fairness")
    yield Paragraph(
        f"{_AUTHORS}approval, consent, groups of patients that the data lack, what a miss and a false alarm cost, "
        "and who answers for the model. The report's subgroups by sex, age, hospital and machine are the material "
        "for it.",
        faint=True,
    )
    yield Heading("Versions")
    yield Table((), tuple((k, str(v)) for k, v in card.versions.items()), widths=(0.24, 0.76), mono=True)


def _answers(card: ModelCard) -> Iterator[Block]:
    """What its answers mean, and what it looks at."""
    yield Heading("Thresholds and calibration")
    prevalence = card.calibrated_prevalence
    yield Table(
        (),
        (
            ("no fracture", f"below {card.thresholds.no_fracture:.6g}"),
            ("fracture", f"from {card.thresholds.fracture:.6g} on"),
            ("where from", thresholds_words(card.thresholds_from) or "the card does not say"),
            (
                "temperature",
                f"{card.temperature:.4g}" + (" (none applied)" if card.temperature == 1 else ", fitted on validation"),
            ),
            (
                "probabilities meant for",
                "not known" if prevalence is None else f"prevalence {prevalence:.2f} of broken hips",
            ),
        ),
        widths=(0.24, 0.76),
    )
    yield Heading("What it sees")
    yield Table(
        (),
        (
            (
                "picture",
                f"one hip, 380 x 380, 8-bit grey, resized to {card.input_px} x {card.input_px} inside the graph",
            ),
            (
                "halving",
                HALVING_WORDS.get(card.halving, card.halving) + _overlap_words(card),
            ),
            ("mapping to 8 bits", ", ".join(card.mapping_rules)),
            ("mean, deviation", f"{_numbers(card.mean)}; {_numbers(card.std)}"),
        ),
        widths=(0.24, 0.76),
    )


def _validation(figures: Mapping[str, Any]) -> Iterator[Block]:
    points = [name for name in ("no_fracture", "fracture") if f"at_{name}_threshold" in figures]
    if not points:
        yield Paragraph("The card carries none.", faint=True)
        return
    head = ("", *(f"at the {POINT_WORDS[name]}" for name in points))
    rows = []
    for label in ("sensitivity", "specificity"):
        found = (figures[f"at_{name}_threshold"][label] for name in points)
        rows.append((label, *(share(Proportion(f["hits"], f["n"], f["low"], f["high"])) for f in found)))
    caption = (
        f"Wilson intervals. AUC {figures['auc']:.3f} on {figures['n_fracture']} hips with and "
        f"{figures['n_no_fracture']} without fracture; its interval is in the test's report."
    )
    yield Table(head, tuple(rows), caption, (0.24, *(0.76 / len(points),) * len(points)))


def data_card_page(manifest: DatasetManifest, entries: Sequence[HipEntry], name: str) -> Document:
    """A dataset in words, after Gebru et al., Datasheets for Datasets (CACM 2021), by partition."""
    lead = (
        f"Hip images cut from frontal pelvic films, exported with HipCAD Desktop {manifest.program_version}, seed "
        f"{manifest.seed}. Patients are pseudonyms; no name, number, date or file name is in the dataset."
    )
    footer = "Everything here is in dataset.json and hips.csv. What begins with “For the authors” only people can say."
    return Document(f"Data card: {name}", lead, manifest.notice, tuple(_data_blocks(manifest, entries)), footer)


def _data_blocks(manifest: DatasetManifest, entries: Sequence[HipEntry]) -> Iterator[Block]:
    yield Heading("How much")
    yield _counts_table(manifest.counts)
    yield Paragraph(
        "Partitions are by patient: no patient, and no film that two patients share, is in two of them. This cannot be "
        "switched off."
    )
    yield from _rule(manifest)
    yield from _characteristics(entries)
    yield Heading("Where it comes from")
    yield Paragraph(
        f"{_AUTHORS}hospitals, period, why the films were taken, consecutive or chosen, approval and consent, who "
        "may have the data.",
        faint=True,
    )
    yield Heading("Reference standard")
    yield Paragraph(
        "Readers answered for each film (fracture with a rectangle and a type, or no fracture). A film is exported "
        "only where its readers agree or a dispute was decided; the agreement page of the project holds kappa."
    )
    yield Paragraph(f"{_AUTHORS}who read, with which experience, and what CT, MRI or operation confirmed.", faint=True)
    yield Heading("How it was made")
    methods = sorted({HALVING_WORDS.get(e.halving.value, e.halving.value) for e in entries})
    yield Table(
        (),
        (
            ("halvings", "; ".join(methods)),
            ("overlap of the windows", f"{manifest.overlap_share:.4f} of the film's width"),
            ("mapping to 8 bits", ", ".join(manifest.mapping_rules)),
            ("picture", "380 x 380, 8-bit grey, one resize from the film's full resolution"),
        ),
        widths=(0.24, 0.76),
    )
    yield Heading("What was left out")
    if manifest.not_exported:
        yield _reasons(manifest.not_exported, "films in all.")
    else:
        yield Paragraph("No film.")
    if manifest.without_squares:
        yield _reasons(manifest.without_squares, "films are in the dataset without squares about their hips.")
    yield Heading("To find it again")
    yield Table((), (("hips.csv SHA-256", manifest.hips_sha256),), widths=(0.24, 0.76), mono=True)


def _reasons(films: Sequence[NotExported], caption: str) -> Table:
    reasons = Counter(n.sentence for n in films)
    rows = tuple((reason, str(n)) for reason, n in reasons.most_common())
    return Table(("Why", "films"), rows, f"{len(films)} {caption}", (0.86, 0.14))


def _rule(manifest: DatasetManifest) -> Iterator[Block]:
    """How the partitions were drawn, what is synthetic, and what is no longer sealed."""
    if manifest.synthesis is not None:
        yield Note(manifest.synthesis.words)
    if manifest.rule is not None:
        rule = manifest.rule
        asked = f"Asked for: validation {_size(rule.validation)}, test {_size(rule.test)}, the rest trains."
        held = f" Held out for the test: all patients of {', '.join(rule.held_out)}." if rule.held_out else ""
        yield Paragraph(asked + held)
    if manifest.partitioned_from:
        yield Paragraph(
            f"Partitioned again from the dataset with hips.csv {manifest.partitioned_from[:16]}; the overlap of the "
            "windows is that of the export."
        )
    if manifest.openings_before:
        yield Note(
            f"The test partitions of the datasets before this one were opened {manifest.openings_before} times: hips "
            "of this test may have been seen."
        )


def _size(size: float) -> str:
    return f"{size:.2f} of the patients" if isinstance(size, float) else f"{size} films"


def _counts_table(counts: Mapping[str, Mapping[str, int]]) -> Table:
    names = ("patients", "films", "fracture", "no_fracture")
    rows = tuple((part, *(str(values.get(name, 0)) for name in names)) for part, values in counts.items())
    return Table(("Partition", "patients", "films", "hips with fracture", "hips without"), rows)


def _characteristics(entries: Sequence[HipEntry]) -> Iterator[Block]:
    """STARD-AI 25, CLAIM 36: what each partition is made of; films, but hips for side and type."""
    hips = [e for e in entries if e.halving is HalvingMethod.MIDLINE] or list(entries)
    yield Heading("Who and what is in it")
    films: dict[str, HipEntry] = {}
    for e in hips:
        films.setdefault(e.film_code, e)
    kinds: tuple[tuple[str, Sequence[HipEntry], Callable[[HipEntry], Sequence[str]]], ...] = (
        ("Hospital (films)", tuple(films.values()), lambda e: (e.hospital or "not known",)),
        ("Machine (films)", tuple(films.values()), lambda e: (e.scanner or "not known",)),
        (
            "Sex (films)",
            tuple(films.values()),
            lambda e: ({"M": "male", "F": "female", "O": "other"}.get(e.sex, "not known"),),
        ),
        ("Age (films)", tuple(films.values()), lambda e: (e.age_band or "not known",)),
        ("Type (broken hips)", [e for e in hips if e.fracture], lambda e: (e.fracture_type or "not given",)),
        ("Findings (films)", tuple(films.values()), lambda e: [f for f in e.flags.split("; ") if f] or ["none noted"]),
    )
    rows = []
    for label, chosen, names in kinds:
        table = Counter((name, e.partition) for e in chosen for name in names(e))
        for number, name in enumerate(sorted({name for name, _ in table})):
            counts = (str(table[name, part]) for part in Partition)
            rows.append((label if number == 0 else "", name, *counts))
    head = ("", "", *(part.value for part in Partition))
    if rows:
        yield Table(head, tuple(rows), "Numbers of films or hips.", (0.22, 0.3, 0.16, 0.16, 0.16))


def _overlap_words(card: ModelCard) -> str:
    if card.halving != HalvingMethod.MIDLINE.value:
        return ""
    return f", windows overlap by {card.overlap_share:.3f} of the film's width"


def _numbers(values: Sequence[float]) -> str:
    return ", ".join(f"{v:.3f}" for v in values)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(str(v) for v in value) if isinstance(value, list | tuple) else str(value)
