"""A model package and a dataset in; figures with n and interval, a report and every hip's score out (METHOD 2)."""

from __future__ import annotations

import importlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hipcad_desktop import __version__
from hipcad_desktop.domain.cohort import Partition
from hipcad_desktop.domain.dataset import DatasetManifest, HipEntry
from hipcad_desktop.domain.diagnosis import state_of
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.evaluation import SCHEMA, Caution, Evaluation, HalvingFigures, HipScore
from hipcad_desktop.domain.halving import HalvingMethod
from hipcad_desktop.domain.model_card import RESEARCH_USE, ModelCard
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.imaging.dataset_files import read_images, read_manifest
from hipcad_desktop.workflows.write_report import PREDICTIONS_CSV, REPORT_HTML, REPORT_JSON, write_report
from hipcad_desktop.workflows.write_whole import not_written

if TYPE_CHECKING:
    from hipcad_desktop.inference.network import Predicted, Predictor

_BATCH = 8
_HALVINGS = (HalvingMethod.MIDLINE, HalvingMethod.PAPER)  # the program's accuracy first
_SUSPICIOUS_AUC = 0.99
_NEEDED = ("sklearn", "statsmodels", "matplotlib", "jinja2")
_REPORT_BYTES = 30_000_000


@dataclass(frozen=True, slots=True)
class EvaluationSummary:
    """Where the report lies, and its values."""

    report_html: str
    report_json: str
    predictions_csv: str
    evaluation: Evaluation

    def to_json(self) -> dict[str, Any]:
        """A JSON object for the command line and the worker's last event."""
        return {
            "report_html": self.report_html,
            "report_json": self.report_json,
            "predictions_csv": self.predictions_csv,
            "evaluation": self.evaluation.to_json(),
        }


def evaluate(
    model: Path,
    dataset: Path,
    to: Path,
    *,
    partition: str = "test",
    watch: Watch,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> EvaluationSummary:
    """Run a package on one partition and write report.html, report.json and predictions.csv into the new folder `to`.

    Hips of the midline halving give the program's accuracy, those of the paper's halving stand beside it. A partition
    with one class gives the figures it can. Raises UserError for package, dataset and folder, PARTITION_EMPTY,
    TRAINING_NOT_INSTALLED where the libraries of statistics are absent, and CANCELLED; then `to` is as before.
    """
    part = _partition(partition)
    _refuse_used(to)
    _need_statistics()
    network = _network(model)
    manifest, entries = read_manifest(dataset)
    chosen = [e for e in entries if e.partition is part]
    if not chosen:
        raise UserError(ErrorCode.PARTITION_EMPTY, path=str(dataset), partition=part.value)
    card = network.package.card
    watch.started(model=card.name, sha256=network.package.sha256, partition=part.value, hips=len(chosen))
    with _new_folder(to) as building:
        scores = _score(network, dataset, chosen, watch)
        evaluation = _evaluation(network, dataset, manifest, part, scores, clock())
        picture = _HipPicture(network, dataset, {e.image: e for e in chosen})
        write_report(evaluation, scores, picture=picture, to=building)
        watch.check("The evaluation")
    summary = EvaluationSummary(str(to / REPORT_HTML), str(to / REPORT_JSON), str(to / PREDICTIONS_CSV), evaluation)
    watch.artifact("report", summary.report_html, report_json=summary.report_json)
    return summary


def _score(
    network: Predictor, dataset: Path, entries: Sequence[HipEntry], watch: Watch
) -> dict[str, tuple[HipScore, ...]]:
    """The score of every hip, by halving, in the dataset's order."""
    ordered = sorted(entries, key=lambda e: _HALVINGS.index(e.halving))  # stable
    thresholds = network.package.card.thresholds
    scores: dict[str, list[HipScore]] = {}
    for start in range(0, len(ordered), _BATCH):
        watch.check("The evaluation")
        watch.step("evaluate", start, len(ordered))
        batch = ordered[start : start + _BATCH]
        predicted = network.predict(read_images(dataset, batch))
        for entry, p in zip(batch, predicted.p_fracture.tolist(), strict=True):
            score = HipScore(
                image=entry.image,
                film_code=entry.film_code,
                patient=entry.patient,
                side=entry.side,
                fracture=entry.fracture,
                pair_has_fracture=entry.pair_has_fracture,
                fracture_type=entry.fracture_type,
                p_fracture=p,
                state=state_of(p, thresholds),
            )
            scores.setdefault(entry.halving.value, []).append(score)
    watch.step("evaluate", len(ordered), len(ordered))
    return {halving: tuple(hips) for halving, hips in scores.items()}


def _evaluation(
    network: Predictor,
    dataset: Path,
    manifest: DatasetManifest,
    part: Partition,
    scores: dict[str, tuple[HipScore, ...]],
    now: datetime,
) -> Evaluation:
    from hipcad_desktop.workflows.compute_figures import compute_figures

    card = network.package.card
    halvings = tuple(compute_figures(halving, hips, card.thresholds) for halving, hips in scores.items())
    return Evaluation(
        schema=SCHEMA,
        created_utc=now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        program_version=__version__,
        model={
            "name": card.name,
            "sha256": network.package.sha256,
            "backbone": card.backbone,
            "recipe": card.recipe,
            "trained_on": card.data.get("hips_sha256"),
        },
        dataset={
            "name": dataset.name,
            "hips_sha256": manifest.hips_sha256,
            "seed": manifest.seed,
            "not_exported": len(manifest.not_exported),
        },
        partition=part.value,
        thresholds=card.thresholds,
        thresholds_from=dict(card.thresholds_from),
        halvings=halvings,
        cautions=tuple(_cautions(card, manifest, part, halvings)),
        notice=RESEARCH_USE,
    )


def _cautions(
    card: ModelCard, manifest: DatasetManifest, part: Partition, halvings: Sequence[HalvingFigures]
) -> list[Caution]:
    """What a reader has to know before believing the figures, the gravest first."""
    found: list[Caution] = []
    if card.data.get("hips_sha256") == manifest.hips_sha256:
        found.extend(_cautions_of_own_data(part))
    else:
        text = "Not the dataset that the model was trained on; nothing here can tell whether the two share patients."
        found.append(Caution("other_dataset", text))
    for figures in halvings:
        value = figures.auc.value
        if value is not None and value > _SUSPICIOUS_AUC:
            text = (
                f"AUC {value:.3f} ({figures.halving} halving) is above {_SUSPICIOUS_AUC}: before believing it, look "
                "for a leak (the same patient in two partitions, a mark or an edge that gives the answer away)."
            )
            found.append(Caution("suspiciously_good", text, loud=True))
        for n, kind in ((figures.fracture, "with"), (figures.no_fracture, "without")):
            if n == 0:
                text = f"No hip {kind} a fracture ({figures.halving} halving): what needs one is not computed."
                found.append(Caution("one_class", text, loud=True))
    if HalvingMethod.MIDLINE.value not in {f.halving for f in halvings}:
        text = (
            "No hip of this partition was halved as diagnosis halves: none of these figures is the program's accuracy."
        )
        found.append(Caution("no_midline", text, loud=True))
    if unknown := sorted(set(manifest.mapping_rules) - set(card.mapping_rules)):
        found.append(Caution("mapping", f"Mapping to 8 bits not seen in training: {', '.join(unknown)}."))
    if abs(manifest.overlap_share - card.overlap_share) > 1e-9:
        text = (
            f"The dataset's windows overlap by {manifest.overlap_share:.3f} of the film's width, the model's diagnosis "
            f"by {card.overlap_share:.3f}: diagnosis will see slightly other windows than these."
        )
        found.append(Caution("overlap", text))
    return found


def _cautions_of_own_data(part: Partition) -> list[Caution]:
    match part:
        case Partition.TRAINING:
            text = "The model was trained on exactly these hips. The figures say nothing of new patients."
        case Partition.VALIDATION:
            text = "The model and its thresholds were chosen on exactly these hips. The figures flatter it."
        case Partition.TEST:
            return []
    return [Caution("seen_in_training", text, loud=True)]


@dataclass(frozen=True, slots=True)
class _HipPicture:
    """Shows single hips of the dataset again, with their heat maps."""

    network: Predictor
    dataset: Path
    entries: dict[str, HipEntry]

    def __call__(self, score: HipScore) -> tuple[Any, float]:
        """The hip with its heat map over it, uint8 [380, 380, 3], and its true width / height."""
        import numpy as np

        from hipcad_desktop.imaging.overlay import heat_overlay

        entry = self.entries[score.image]
        image = read_images(self.dataset, [entry])
        predicted: Predicted = self.network.predict(image)
        peak = float(predicted.heat[0].max())
        heat = predicted.heat[0] / peak if peak > 0 else np.zeros_like(predicted.heat[0])
        return heat_overlay(image[0], heat), (entry.x1_px - entry.x0_px) / entry.film_height


@contextmanager
def _new_folder(to: Path) -> Iterator[Path]:
    """A folder to fill that becomes `to` at the end; it is gone where anything goes wrong."""
    building: Path | None = None
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(prefix=f".{to.name}.", suffix=".part", dir=to.parent))
        building.chmod(0o755)
        yield building
        if to.exists():
            to.rmdir()  # empty, as _refuse_used saw
        building.rename(to)
    except OSError as error:
        raise not_written(error, to.parent, needed=_REPORT_BYTES) from error
    finally:
        if building is not None:
            shutil.rmtree(building, ignore_errors=True)


def _partition(name: str) -> Partition:
    with suppress(ValueError):
        return Partition(name)
    raise UserError(ErrorCode.CONFIG_INVALID, field="partition", value=name, detail="training, validation or test")


def _refuse_used(to: Path) -> None:
    try:
        used = to.exists() and (not to.is_dir() or any(to.iterdir()))
    except OSError as error:
        raise UserError(ErrorCode.FOLDER_NOT_WRITABLE, path=str(to)) from error
    if used:
        raise UserError(ErrorCode.TARGET_NOT_EMPTY, path=str(to))


def _need_statistics() -> None:
    for module in _NEEDED:
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise UserError(ErrorCode.TRAINING_NOT_INSTALLED, module=module) from error


def _network(model: Path) -> Predictor:
    from hipcad_desktop.inference.network import Network
    from hipcad_desktop.inference.package import read_package

    return Network(read_package(model))
