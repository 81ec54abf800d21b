"""An evaluation's values become report.json, a self-contained report.html and predictions.csv."""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hipcad_desktop.domain.diagnosis import HipState
from hipcad_desktop.domain.evaluation import Estimate, Evaluation, HalvingFigures, HipScore
from hipcad_desktop.domain.halving import HalvingMethod
from hipcad_desktop.domain.metrics import Proportion
from hipcad_desktop.shipped import resource
from hipcad_desktop.workflows.write_whole import write_whole

REPORT_JSON, REPORT_HTML, PREDICTIONS_CSV = "report.json", "report.html", "predictions.csv"
_TEMPLATE = "report.html.jinja"
_MOST_SHOWN = 12  # of each kind in the gallery
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

HipPicture = Callable[[HipScore], tuple[Any, float]]
"""A hip with its heat map, uint8 [h, w, 3], and the width / height that it has on the film."""


@dataclass(frozen=True, slots=True)
class _Shown:
    """One picture of the gallery."""

    score: HipScore
    source: str  # a data URI
    aspect: float


@dataclass(frozen=True, slots=True)
class _Shelf:
    """One kind of error in the gallery: the worst ones, and how many there are."""

    title: str
    total: int
    shown: tuple[_Shown, ...]


def write_report(
    evaluation: Evaluation, scores: Mapping[str, Sequence[HipScore]], *, picture: HipPicture, to: Path
) -> None:
    """Write the three files into the folder `to`. Scores go by halving; picture shows a hip of the gallery.

    Raises UserError FOLDER_NOT_WRITABLE or DISK_FULL.
    """
    main = evaluation.halvings[0]
    beside = evaluation.halvings[1] if len(evaluation.halvings) > 1 else None
    values = json.dumps(evaluation.to_json(), indent=1, ensure_ascii=False, allow_nan=False)
    write_whole(to / REPORT_JSON, values.encode("utf-8"))
    write_whole(to / PREDICTIONS_CSV, _predictions(scores).encode("utf-8"))
    page = _page(evaluation, main, beside, scores[main.halving], picture)
    write_whole(to / REPORT_HTML, page.encode("utf-8"))


def _predictions(scores: Mapping[str, Sequence[HipScore]]) -> str:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(_COLUMNS)
    for halving, hips in scores.items():
        for s in hips:
            row = (halving, s.film_code, s.patient, s.side.value, int(s.fracture), int(s.pair_has_fracture))
            rows.writerow((*row, s.fracture_type, repr(s.p_fracture), s.state.value, s.image))
    return text.getvalue()


def _page(
    evaluation: Evaluation,
    main: HalvingFigures,
    beside: HalvingFigures | None,
    scores: Sequence[HipScore],
    picture: HipPicture,
) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    from hipcad_desktop.workflows.draw_charts import draw_roc, draw_scores, draw_states

    page = Environment(
        loader=FileSystemLoader(resource("report")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page.filters.update(share=share, estimate=estimate, decimals=lambda v: f"{v:.3f}")
    return page.get_template(_TEMPLATE).render(
        evaluation=evaluation,
        main=main,
        beside=beside,
        is_accuracy=main.halving == HalvingMethod.MIDLINE.value,
        points={point.name: point for point in main.points},
        points_beside={point.name: point for point in beside.points} if beside else {},
        roc=_svg_source(draw_roc(main, beside)) if main.roc.true_positive_rate else "",
        histogram=_svg_source(draw_scores(scores, evaluation.thresholds)),
        states=_svg_source(draw_states(main)),
        gallery=_gallery(scores, picture),
    )


def share(proportion: Proportion) -> str:
    """A proportion in words: per cent, 95 % interval, hits of n. Never a bare percentage."""
    if proportion.value is None:
        return "not computed (0 of 0)"
    low, high = 100 * proportion.low, 100 * proportion.high
    return f"{100 * proportion.value:.1f} % ({low:.1f} to {high:.1f}), {proportion.hits} of {proportion.n}"


def estimate(figure: Estimate) -> str:
    """An estimate in words: value, 95 % interval, n; or the reason why there is none."""
    if figure.value is None:
        return f"not computed: {figure.reason}"
    if figure.low is None or figure.high is None:
        return f"{figure.value:.3f} (no interval: {figure.reason}), n = {figure.n} {figure.unit}"
    return f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f}), n = {figure.n} {figure.unit}"


def _gallery(scores: Sequence[HipScore], picture: HipPicture) -> tuple[_Shelf, ...]:
    """Misses, broken hips in doubt, false alarms; the worst of each first."""
    missed = [s for s in scores if s.fracture and s.state is HipState.NO_FRACTURE]
    doubted = [s for s in scores if s.fracture and s.state is HipState.DOUBT]
    alarms = [s for s in scores if not s.fracture and s.state is HipState.FRACTURE]
    kinds = (
        ("Missed: a fracture, said to be none", sorted(missed, key=lambda s: s.p_fracture)),
        ("A fracture, left in doubt", sorted(doubted, key=lambda s: s.p_fracture)),
        ("False alarm: no fracture, said to be one", sorted(alarms, key=lambda s: -s.p_fracture)),
    )
    return tuple(
        _Shelf(title, len(hips), tuple(_shown(score, picture) for score in hips[:_MOST_SHOWN])) for title, hips in kinds
    )


def _shown(score: HipScore, picture: HipPicture) -> _Shown:
    from PIL import Image

    pixels, aspect = picture(score)
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "JPEG", quality=88)
    return _Shown(score, f"data:image/jpeg;base64,{base64.b64encode(data.getvalue()).decode()}", aspect)


def _svg_source(svg: str) -> str:
    # As an image of its own, so that the ids of several charts on one page cannot meet.
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode('utf-8')).decode()}"
