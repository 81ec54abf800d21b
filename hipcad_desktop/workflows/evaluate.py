"""A model package and a dataset in; figures with n and interval, a report and every hip's score out (METHOD 2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hipcad_desktop import __version__
from hipcad_desktop.domain.cohort import Partition
from hipcad_desktop.domain.dataset import DatasetManifest, HipEntry
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.evaluation import (
    DEFAULT_PREVALENCE,
    INTERVALS,
    SCHEMA,
    Evaluation,
    HalvingFigures,
    HipScore,
    Interval,
)
from hipcad_desktop.domain.judgement import HEATMAPS_FOLDER
from hipcad_desktop.domain.model_card import RESEARCH_USE
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.domain.seal import Opening
from hipcad_desktop.imaging.dataset_files import read_images, read_manifest
from hipcad_desktop.workflows.compute_figures import compute_figures
from hipcad_desktop.workflows.evaluation_cautions import cautions
from hipcad_desktop.workflows.heat_coverage import coverage_of
from hipcad_desktop.workflows.installed import need_installed
from hipcad_desktop.workflows.leak_alarms import leak_alarms
from hipcad_desktop.workflows.new_folder import new_folder, refuse_used
from hipcad_desktop.workflows.score_hips import Scored, aspect_of, judged_entries, overlay_of, score_hips
from hipcad_desktop.workflows.subgroups import subgroups_of
from hipcad_desktop.workflows.test_seal import record_opening
from hipcad_desktop.workflows.text_name import text_name
from hipcad_desktop.workflows.write_report import PREDICTIONS_CSV, REPORT_HTML, REPORT_JSON, REPORT_PDF, write_report

if TYPE_CHECKING:
    from hipcad_desktop.inference.network import Predictor

_NEEDED = ("sklearn", "scipy", "statsmodels", "matplotlib", "jinja2", "reportlab")
_REPORT_BYTES = 60_000_000


@dataclass(frozen=True, slots=True)
class EvaluationSummary:
    """Where the report lies, and its values."""

    report_html: str
    report_json: str
    report_pdf: str
    predictions_csv: str
    evaluation: Evaluation

    def to_json(self) -> dict[str, Any]:
        """A JSON object for the command line and the worker's last event."""
        return {
            "report_html": self.report_html,
            "report_json": self.report_json,
            "report_pdf": self.report_pdf,
            "predictions_csv": self.predictions_csv,
            "evaluation": self.evaluation.to_json(),
        }


def evaluate(
    model: Path,
    dataset: Path,
    to: Path,
    *,
    partition: str = "test",
    prevalence: float = DEFAULT_PREVALENCE,
    interval: str = "wilson",
    watch: Watch,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> EvaluationSummary:
    """Run a package on one partition and write the report, every hip's score and heat maps into the new folder `to`.

    Hips halved as the model's diagnosis halves give the program's accuracy: at the midline, with the paper's halving
    beside it, or by the hips alone. A partition with one class gives the figures it can. prevalence is the share of
    broken hips that PPV and NPV are given for; interval "wilson" or "clopper-pearson". The test partition is sealed:
    before its first hip is scored the opening is recorded in the dataset, and stays there whatever happens then;
    without it no test image is looked at.
    Raises UserError for package, dataset and folder, CONFIG_INVALID, PARTITION_EMPTY, DATASET_WITHOUT_HALVING,
    TEST_SEAL_BROKEN, TEST_SEAL_NOT_WRITTEN, TRAINING_NOT_INSTALLED where the libraries of statistics are absent, and
    CANCELLED; then `to` is as before.
    """
    part, shares = _partition(partition), _interval(interval)
    if not 0 < prevalence < 1:
        raise _invalid("prevalence", prevalence, "a share of broken hips above 0 and below 1")
    refuse_used(to)
    need_installed(_NEEDED)
    network = _network(model)
    manifest, entries = read_manifest(dataset)
    halving = network.package.card.halving
    judged = judged_entries(entries, halving)
    if entries and not judged:
        raise UserError(ErrorCode.DATASET_WITHOUT_HALVING, path=str(dataset), halving=halving)
    chosen = [e for e in judged if e.partition is part]
    if not chosen:
        raise UserError(ErrorCode.PARTITION_EMPTY, path=str(dataset), partition=part.value)
    card = network.package.card
    watch.started(model=card.name, sha256=network.package.sha256, partition=part.value, hips=len(chosen))
    asked = _Asked(network, dataset, manifest, judged, part, prevalence, shares)
    with new_folder(to, needed=_REPORT_BYTES) as building:
        evaluation, scores = _evaluated(asked, clock(), pictures=building / HEATMAPS_FOLDER, watch=watch)
        watch.check("The evaluation")
        watch.step("write the report", 0, 1)
        picture = _HipPicture(network, dataset, {e.image: e for e in chosen})
        write_report(evaluation, scores, picture=picture, card=card, manifest=manifest, entries=entries, to=building)
        watch.check("The evaluation")
    watch.step("write the report", 1, 1)
    summary = EvaluationSummary(
        report_html=str(to / REPORT_HTML),
        report_json=str(to / REPORT_JSON),
        report_pdf=str(to / REPORT_PDF),
        predictions_csv=str(to / PREDICTIONS_CSV),
        evaluation=evaluation,
    )
    watch.artifact("report", summary.report_html, report_json=summary.report_json, report_pdf=summary.report_pdf)
    return summary


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is to be evaluated, on what, and how its figures are to be given."""

    network: Predictor
    dataset: Path
    manifest: DatasetManifest
    entries: Sequence[HipEntry]  # of all partitions, by the halvings that the network is judged on
    part: Partition
    prevalence: float
    interval: Interval


def _evaluated(
    asked: _Asked, now: datetime, *, pictures: Path, watch: Watch
) -> tuple[Evaluation, Mapping[str, Sequence[HipScore]]]:
    """The values of the report, and every hip's score by halving. The opening is recorded before the first score."""
    card = asked.network.package.card
    chosen = [e for e in asked.entries if e.partition is asked.part]
    opened = _openings(asked, now, watch)
    scored = score_hips(asked.network, asked.dataset, chosen, pictures=pictures, watch=watch)
    figures = _figures(asked, scored, watch)
    is_synthetic = {e.synthetic for e in chosen}  # synthetic films differ from real ones in size and are all broken
    alike = [e for e in asked.entries if e.synthetic in is_synthetic]
    probes = leak_alarms(asked.dataset, alike, figures, opened=asked.part is Partition.TEST, watch=watch)
    evaluation = Evaluation(
        schema=SCHEMA,
        created_utc=now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        program_version=__version__,
        model=_model_facts(asked.network),
        dataset=_dataset_facts(asked.dataset, asked.manifest),
        partition=asked.part.value,
        thresholds=card.thresholds,
        thresholds_from=dict(card.thresholds_from),
        halvings=figures,
        cautions=cautions(card, asked.manifest, asked.part, figures, probes, opened),
        notice=RESEARCH_USE,
        prevalence=asked.prevalence,
        interval=asked.interval,
        temperature=card.temperature,
        openings=opened,
        probes=probes,
    )
    return evaluation, scored.scores


def _openings(asked: _Asked, now: datetime, watch: Watch) -> tuple[Opening, ...]:
    """The openings of the test partition, this one last; none where another partition is evaluated."""
    if asked.part is not Partition.TEST:
        return ()
    watch.check("The evaluation")  # not opened where nobody wants it any more
    package = asked.network.package
    return record_opening(
        asked.dataset,
        model_name=package.card.name,
        model_sha256=package.sha256,
        thresholds=package.card.thresholds,
        now=now,
    )


def _figures(asked: _Asked, scored: Scored, watch: Watch) -> tuple[HalvingFigures, ...]:
    """The figures of each halving, its subgroups and its heat maps' coverage."""
    card, by_image = asked.network.package.card, {e.image: e for e in asked.entries}
    found: list[HalvingFigures] = []
    for at, (halving, hips) in enumerate(scored.scores.items()):
        watch.check("The evaluation")
        watch.step("compute the figures", at, len(scored.scores))
        figures = compute_figures(
            halving,
            hips,
            card.thresholds,
            prevalence=asked.prevalence,
            interval=asked.interval,
            trained_prevalence=card.calibrated_prevalence,
        )
        groups = subgroups_of(hips, by_image, card.thresholds, interval=asked.interval)
        heat = coverage_of(scored.coverage.get(halving, ()), interval=asked.interval)
        found.append(replace(figures, subgroups=groups, coverage=heat))
    return tuple(found)


def _model_facts(network: Predictor) -> dict[str, Any]:
    card = network.package.card
    return {
        "name": card.name,
        "sha256": network.package.sha256,
        "backbone": card.backbone,
        "recipe": card.recipe,
        "halving": card.halving,
        "trained_on": card.data.get("hips_sha256"),
        "note": card.note,
        "calibrated_prevalence": card.calibrated_prevalence,
    }


def _dataset_facts(dataset: Path, manifest: DatasetManifest) -> dict[str, Any]:
    return {
        "name": text_name(dataset),
        "hips_sha256": manifest.hips_sha256,
        "seed": manifest.seed,
        "not_exported": len(manifest.not_exported),
        "counts": {name: dict(counts) for name, counts in manifest.counts.items()},
    }


@dataclass(frozen=True, slots=True)
class _HipPicture:
    """Shows single hips of the dataset again, with their heat maps."""

    network: Predictor
    dataset: Path
    entries: dict[str, HipEntry]

    def __call__(self, score: HipScore) -> tuple[Any, Any, float]:
        """The hip, uint8 [380, 380], the same with its heat map over it, [380, 380, 3], and its true width / height."""
        entry = self.entries[score.image]
        image = read_images(self.dataset, [entry])
        predicted = self.network.predict(image)
        return image[0], overlay_of(image[0], predicted.heat[0]), aspect_of(entry)


def _partition(name: str) -> Partition:
    with suppress(ValueError):
        return Partition(name)
    raise _invalid("partition", name, "training, validation or test")


def _interval(name: str) -> Interval:
    for interval in INTERVALS:
        if interval == name:
            return interval
    raise _invalid("interval", name, " or ".join(INTERVALS))


def _invalid(field: str, value: Any, detail: str) -> UserError:
    return UserError(ErrorCode.CONFIG_INVALID, field=field, value=value, detail=detail)


def _network(model: Path) -> Predictor:
    from hipcad_desktop.inference.network import Network
    from hipcad_desktop.inference.package import read_package

    return Network(read_package(model))
