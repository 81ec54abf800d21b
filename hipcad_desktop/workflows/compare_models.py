"""Two reports of the same hips in, every figure's difference with interval and test out. No model runs again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hipcad_desktop import __version__
from hipcad_desktop.domain.anatomy import Side
from hipcad_desktop.domain.comparison import (
    SCHEMA,
    Compared,
    Comparison,
    DiscordantHip,
    HalvingComparison,
    PointComparison,
)
from hipcad_desktop.domain.diagnosis import state_of
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.evaluation import Caution, Evaluation, HipScore, Interval
from hipcad_desktop.domain.halving import HalvingMethod
from hipcad_desktop.domain.model_card import RESEARCH_USE
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.workflows.csv_rows import CsvRow, read_csv
from hipcad_desktop.workflows.installed import need_installed
from hipcad_desktop.workflows.judge_heatmaps import read_report
from hipcad_desktop.workflows.new_folder import new_folder, refuse_used
from hipcad_desktop.workflows.text_name import text_name
from hipcad_desktop.workflows.write_comparison import COMPARE_HTML, COMPARE_JSON, COMPARE_PDF, write_comparison
from hipcad_desktop.workflows.write_report import PREDICTIONS_CSV

_COLUMNS = ("halving", "film_code", "patient", "side", "fracture", "pair_has_fracture", "p_fracture", "image")
_NEEDED = ("sklearn", "statsmodels", "matplotlib", "jinja2", "reportlab")
_WHAT = "The comparison"
_BYTES = 10_000_000
_FEWEST_DISCORDANT = 10
ACROSS = "diagnosis"  # each model as its own diagnosis halves
_HALVINGS = (ACROSS, HalvingMethod.HIP.value, HalvingMethod.MIDLINE.value, HalvingMethod.PAPER.value)
_APART = {HalvingMethod.HIP.value, HalvingMethod.MIDLINE.value}

Scores = Mapping[str, Mapping[str, HipScore]]
"""Hips by halving, then by image."""


@dataclass(frozen=True, slots=True)
class ComparisonSummary:
    """Where the comparison lies, and its values."""

    compare_html: str
    compare_json: str
    compare_pdf: str
    comparison: Comparison

    def to_json(self) -> dict[str, Any]:
        """A JSON object for the command line and the worker's last event."""
        return {
            "compare_html": self.compare_html,
            "compare_json": self.compare_json,
            "compare_pdf": self.compare_pdf,
            "comparison": self.comparison.to_json(),
        }


@dataclass(frozen=True, slots=True)
class _Report:
    """One report, read."""

    folder: Path
    evaluation: Evaluation
    scores: Scores


def compare_models(
    report_a: Path,
    report_b: Path,
    to: Path,
    *,
    threshold_a: float | None = None,
    threshold_b: float | None = None,
    watch: Watch,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> ComparisonSummary:
    """Hold two reports of the same hips against each other and write compare.html, .pdf and .json into the folder `to`.

    Each is taken at its own two thresholds; thresholds given instead make one operating point, "chosen". The same
    report twice compares its own two thresholds unless others are given. Of two models of which one halves by the hips
    each is taken as its own diagnosis halves, on the hips that both have. Raises UserError for the folder and the
    reports, REPORTS_OF_OTHER_HIPS, CONFIG_INVALID for a threshold, TRAINING_NOT_INSTALLED where the libraries of
    statistics are absent, and CANCELLED; then `to` is as before.
    """
    refuse_used(to)
    need_installed(_NEEDED)
    a, b = _read(report_a), _read(report_b)
    thresholds = _thresholds(a, b, threshold_a, threshold_b)
    a, b, alone = _by_hip(a, b)
    _refuse_other_hips(a, b)
    watch.started(a=a.evaluation.model.get("name"), b=b.evaluation.model.get("name"))
    halvings = []
    shared = [h for h in _HALVINGS if h in a.scores]
    for done, halving in enumerate(shared):
        watch.check(_WHAT)
        watch.step("compare", done, len(shared))
        halvings.append(_compared(halving, a, b, thresholds))
    watch.step("compare", len(shared), len(shared))
    comparison = Comparison(
        schema=SCHEMA,
        created_utc=clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        program_version=__version__,
        a=_side(a),
        b=_side(b),
        dataset=dict(a.evaluation.dataset),
        partition=a.evaluation.partition,
        halvings=tuple(halvings),
        cautions=tuple(_cautions(a, b, halvings, alone)),
        notice=RESEARCH_USE,
    )
    with new_folder(to, needed=_BYTES) as building:
        write_comparison(comparison, to=building)
        watch.check(_WHAT)
    summary = ComparisonSummary(str(to / COMPARE_HTML), str(to / COMPARE_JSON), str(to / COMPARE_PDF), comparison)
    watch.artifact("comparison", summary.compare_html, compare_json=summary.compare_json)
    return summary


def _read(path: Path) -> _Report:
    folder, evaluation = read_report(path)
    table = read_csv(folder / PREDICTIONS_CSV, required=_COLUMNS, bad=ErrorCode.NOT_A_REPORT)
    scores: dict[str, dict[str, HipScore]] = {}
    try:
        for row in table.rows:
            score = _score(row, evaluation)
            scores.setdefault(row.get("halving"), {})[score.image] = score
    except ValueError as error:
        raise UserError(ErrorCode.NOT_A_REPORT, path=str(folder)) from error
    counts = {figures.halving: figures.hips for figures in evaluation.halvings}
    if counts != {halving: len(hips) for halving, hips in scores.items()}:  # cut off, or of another report
        raise UserError(ErrorCode.NOT_A_REPORT, path=str(folder))
    return _Report(folder, evaluation, scores)


def _score(row: CsvRow, evaluation: Evaluation) -> HipScore:
    """Back from a row of predictions.csv. Raises ValueError where it is none."""
    p = float(row.get("p_fracture"))
    if not 0 <= p <= 1:
        raise ValueError("no probability")
    return HipScore(
        image=row.get("image"),
        film_code=row.get("film_code"),
        patient=row.get("patient"),
        side=Side(row.get("side")),
        fracture=bool(int(row.get("fracture"))),
        pair_has_fracture=bool(int(row.get("pair_has_fracture"))),
        fracture_type=row.get("fracture_type"),
        p_fracture=p,
        state=state_of(p, evaluation.thresholds),
    )


def _by_hip(a: _Report, b: _Report) -> tuple[_Report, _Report, int]:
    """Where one model sees squares about the hips and the other strips: the scores of the hips that both have.

    Then also how many hips are in only one of them; else both as they are.
    """
    own = [r.evaluation.halvings[0].halving for r in (a, b)]
    if set(own) != _APART:
        return a, b, 0
    hips = [
        {(s.film_code, s.side): s for s in r.scores[halving].values()} for r, halving in zip((a, b), own, strict=True)
    ]
    shared = sorted(hips[0].keys() & hips[1].keys())
    if not shared:
        raise UserError(ErrorCode.REPORTS_OF_OTHER_HIPS, detail="no hip is in both")
    named = [
        {f"{film}_{side.value}": replace(found[film, side], image=f"{film}_{side.value}") for film, side in shared}
        for found in hips
    ]
    return (
        replace(a, scores={ACROSS: named[0]}),
        replace(b, scores={ACROSS: named[1]}),
        len(hips[0].keys() ^ hips[1].keys()),
    )


def _refuse_other_hips(a: _Report, b: _Report) -> None:
    """Raise UserError REPORTS_OF_OTHER_HIPS unless both are of one partition of one dataset, hip by hip."""

    def refuse(detail: str) -> UserError:
        return UserError(ErrorCode.REPORTS_OF_OTHER_HIPS, detail=detail)

    if a.evaluation.partition != b.evaluation.partition:
        raise refuse(f"one of the {a.evaluation.partition} partition, one of the {b.evaluation.partition} partition")
    if a.evaluation.dataset.get("hips_sha256") != b.evaluation.dataset.get("hips_sha256"):
        raise refuse("the datasets differ")
    for halving in sorted(a.scores.keys() | b.scores.keys()):
        truth_a, truth_b = (
            {image: (s.fracture, s.patient) for image, s in r.scores.get(halving, {}).items()} for r in (a, b)
        )
        if truth_a.keys() != truth_b.keys():
            apart = len(truth_a.keys() ^ truth_b.keys())
            raise refuse(f"{apart} hips of the {halving} halving are in only one of them")
        if truth_a != truth_b:
            raise refuse("what the readers said of the hips differs")


def _thresholds(a: _Report, b: _Report, given_a: float | None, given_b: float | None) -> dict[str, tuple[float, float]]:
    """The operating points: by name, the threshold of A and that of B."""
    of_a, of_b = a.evaluation.thresholds, b.evaluation.thresholds
    for name, value in (("threshold_a", given_a), ("threshold_b", given_b)):
        if value is not None and not 0 <= value <= 1:
            raise UserError(ErrorCode.CONFIG_INVALID, field=name, value=str(value), detail="between 0 and 1")
    if given_a is not None or given_b is not None:
        return {
            "chosen": (
                of_a.fracture if given_a is None else given_a,
                of_b.fracture if given_b is None else given_b,
            )
        }
    if a.folder.resolve() == b.folder.resolve():
        return {"chosen": (of_a.fracture, of_a.no_fracture)}
    return {"fracture": (of_a.fracture, of_b.fracture), "no_fracture": (of_a.no_fracture, of_b.no_fracture)}


def _compared(halving: str, a: _Report, b: _Report, thresholds: Mapping[str, tuple[float, float]]) -> HalvingComparison:
    from hipcad_desktop.workflows.curves import roc_curve_of
    from hipcad_desktop.workflows.paired_figures import compare_areas

    hips_a = list(a.scores[halving].values())
    hips_b = [b.scores[halving][s.image] for s in hips_a]
    fracture, patients = [s.fracture for s in hips_a], [s.patient for s in hips_a]
    return HalvingComparison(
        halving=halving,
        hips=len(hips_a),
        fracture=sum(fracture),
        no_fracture=len(hips_a) - sum(fracture),
        films=len({s.film_code for s in hips_a}),
        patients=len(set(patients)),
        auc=compare_areas([s.p_fracture for s in hips_a], [s.p_fracture for s in hips_b], fracture, patients),
        points=tuple(_point(name, at, hips_a, hips_b, a.evaluation.interval) for name, at in thresholds.items()),
        roc_a=roc_curve_of(hips_a),
        roc_b=roc_curve_of(hips_b),
        discordant=_discordant(hips_a, hips_b, next(iter(thresholds.values()))),
    )


def _point(
    name: str, at: tuple[float, float], hips_a: Sequence[HipScore], hips_b: Sequence[HipScore], interval: Interval
) -> PointComparison:
    from hipcad_desktop.workflows.paired_figures import compare_shares

    shares = []
    for share, broken in (("sensitivity", True), ("specificity", False)):
        pairs = [(x, y) for x, y in zip(hips_a, hips_b, strict=True) if x.fracture is broken]
        right_a = [(x.p_fracture >= at[0]) is broken for x, _ in pairs]
        right_b = [(y.p_fracture >= at[1]) is broken for _, y in pairs]
        shares.append(compare_shares(share, right_a, right_b, [x.patient for x, _ in pairs], interval))
    return PointComparison(name, at[0], at[1], shares[0], shares[1])


def _discordant(
    hips_a: Sequence[HipScore], hips_b: Sequence[HipScore], at: tuple[float, float]
) -> tuple[DiscordantHip, ...]:
    found = []
    for x, y in zip(hips_a, hips_b, strict=True):
        right_a = (x.p_fracture >= at[0]) is x.fracture
        right_b = (y.p_fracture >= at[1]) is y.fracture
        if right_a != right_b:
            right = "a" if right_a else "b"
            hip = DiscordantHip(x.image, x.film_code, x.side.value, x.fracture, x.p_fracture, y.p_fracture, right)
            found.append(hip)
    return tuple(sorted(found, key=lambda d: (d.right, not d.fracture, -abs(d.p_a - d.p_b))))


def _side(report: _Report) -> Compared:
    evaluation = report.evaluation
    return Compared(text_name(report.folder), dict(evaluation.model), evaluation.thresholds, evaluation.temperature)


def _cautions(a: _Report, b: _Report, halvings: Sequence[HalvingComparison], alone: int) -> list[Caution]:
    """What a reader has to know before believing the differences, the gravest first."""
    found: list[Caution] = []
    if alone:
        text = f"{alone} hips are in only one of the reports, as no square was cut about them; they are not compared."
        found.append(Caution("hips_of_one", text))
    for name, report in (("A", a), ("B", b)):
        for caution in report.evaluation.cautions:
            if caution.loud:
                found.append(Caution(f"{caution.code}_{name.lower()}", f"{name}: {caution.sentence}", loud=True))
    if a.evaluation.model.get("sha256") == b.evaluation.model.get("sha256"):
        found.append(Caution("same_model", "Both reports are of the same model: only the thresholds can differ."))
    main = halvings[0]
    fewest = min(
        share.only_a_right + share.only_b_right for p in main.points for share in (p.sensitivity, p.specificity)
    )
    if fewest < _FEWEST_DISCORDANT:
        text = (
            "On few hips only one of the two was right: McNemar's test can then hardly find a difference, and no "
            "difference found is not the same as none."
        )
        found.append(Caution("few_discordant", text))
    if main.patients < main.hips:
        text = (
            f"{main.hips} hips of {main.patients} patients: DeLong, McNemar and Newcombe count every hip as a patient "
            "of its own. The interval by patient beside them does not; where they differ, believe that one."
        )
        found.append(Caution("several_hips", text))
    text = "No p value is corrected for the number of comparisons on this page."
    found.append(Caution("several_tests", text))
    return found
