"""An evaluation's values become report.json, report.html, report.pdf, predictions.csv, cards and checklists."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from hipcad_desktop.domain.dataset import DatasetManifest, HipEntry
from hipcad_desktop.domain.evaluation import Evaluation, HipScore
from hipcad_desktop.domain.model_card import ModelCard
from hipcad_desktop.workflows.checklists import write_checklists
from hipcad_desktop.workflows.report_gallery import HipPicture, gallery
from hipcad_desktop.workflows.report_page import report_page
from hipcad_desktop.workflows.write_cards import write_cards
from hipcad_desktop.workflows.write_html import html_of
from hipcad_desktop.workflows.write_pdf import pdf_of
from hipcad_desktop.workflows.write_whole import write_whole

REPORT_JSON, REPORT_HTML, REPORT_PDF, PREDICTIONS_CSV = "report.json", "report.html", "report.pdf", "predictions.csv"
_COLUMNS = (
    "halving",
    "film_code",
    "patient",
    "side",
    "fracture",
    "pair_has_fracture",
    "fracture_type",
    "p_fracture",
    "state",
    "image",
)


def write_report(
    evaluation: Evaluation,
    scores: Mapping[str, Sequence[HipScore]],
    *,
    picture: HipPicture,
    card: ModelCard,
    manifest: DatasetManifest,
    entries: Sequence[HipEntry],
    to: Path,
) -> None:
    """Write everything into the folder `to`. Scores go by halving; picture shows a hip of the gallery.

    card is the model's, manifest and entries are those of the whole dataset. Raises UserError FOLDER_NOT_WRITABLE or
    DISK_FULL.
    """
    values = json.dumps(evaluation.to_json(), indent=1, ensure_ascii=False, allow_nan=False)
    write_whole(to / REPORT_JSON, values.encode("utf-8"))
    write_whole(to / PREDICTIONS_CSV, _predictions(scores).encode("utf-8"))
    own = scores[evaluation.halvings[0].halving]
    page = report_page(evaluation, own, tuple(gallery(own, picture)))
    write_whole(to / REPORT_HTML, html_of(page).encode("utf-8"))
    write_whole(to / REPORT_PDF, pdf_of(page))
    write_cards(to, card=card, manifest=manifest, entries=entries, dataset=str(evaluation.dataset["name"]))
    write_checklists(to, evaluation=evaluation, card=card, manifest=manifest, entries=entries)


def _predictions(scores: Mapping[str, Sequence[HipScore]]) -> str:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(_COLUMNS)
    for halving, hips in scores.items():
        for s in hips:
            row = (halving, s.film_code, s.patient, s.side.value, int(s.fracture), int(s.pair_has_fracture))
            rows.writerow((*row, s.fracture_type, repr(s.p_fracture), s.state.value, s.image))
    return text.getvalue()
