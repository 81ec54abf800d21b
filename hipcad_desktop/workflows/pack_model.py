"""A trained network becomes a model package: exported, held against torch, calibrated on validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

import hipcad_desktop
from hipcad_desktop.domain.cohort import Partition
from hipcad_desktop.domain.dataset import DatasetManifest
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.halving import HalvingMethod
from hipcad_desktop.domain.metrics import Thresholds, choose_thresholds, with_values
from hipcad_desktop.domain.model_card import SCHEMA, ModelCard
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.domain.training import TrainConfig
from hipcad_desktop.workflows.calibrate import fit_temperature, probabilities, threshold_warnings
from hipcad_desktop.workflows.intervals import proportion
from hipcad_desktop.workflows.text_name import text_name
from hipcad_desktop.workflows.weight_precision import LARGEST_CHANGE, compared_hips, kept_single, largest_change

if TYPE_CHECKING:
    from hipcad_desktop.inference.network import Network
    from hipcad_desktop.learning.architecture import HipNetwork

_LARGEST_DIFFERENCE = 1e-4
_COMPARED_HIPS = 8
_PREDICTED_AT_ONCE = 8
INTENDED_USE = "Finding hip fractures on frontal pelvic X-ray films with both hips, for research."
LIMITS = (
    "Trained and validated on one dataset only; no external validation. Thresholds and figures come from the same "
    "validation partition and are therefore somewhat too good; judge by the test partition's report."
)


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """The validation hips, one image each, halved as diagnosis will: uint8 [N, 380, 380], and which are broken."""

    images: npt.NDArray[np.uint8]
    fracture: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a network comes from: how it was trained, on what, with which versions."""

    config: TrainConfig
    manifest: DatasetManifest
    versions: Mapping[str, str]
    note: str


def pack_model(
    to: Path, network: HipNetwork, measured: Measured, origin: Origin, *, watch: Watch
) -> tuple[str, dict[str, Any]]:
    """Write the model package to `to`; its SHA-256, and its figures on validation.

    The weights are kept as float16 where that changes no probability by more than 0.005, and temperature, thresholds
    and figures are those of the weights as kept. Else they stay float32 and the figures' warnings say so.
    Raises UserError TARGET_EXISTS, FOLDER_NOT_WRITABLE, DISK_FULL, CANCELLED. A graph that differs from torch is a bug.
    """
    from hipcad_desktop.inference.package import write_package
    from hipcad_desktop.learning.export import said_by_torch
    from hipcad_desktop.learning.weights import rounded, weights_bytes

    watch.step("exporting", 0, 3)
    draft = _card(text_name(to, suffix=False), network, measured, origin)
    compared = compared_hips(measured.images)
    exact = said_by_torch(network, compared).margin
    kept = rounded(network)
    card, onnx, said = _exported(kept, replace(draft, precision="float16"), measured, compared, watch)
    change = largest_change(exact, said, temperature=card.temperature)
    if change > LARGEST_CHANGE:
        kept, warning = network, kept_single(change)
        card, onnx, _ = _exported(kept, draft, measured, compared, watch)
        warnings = [*card.figures["warnings"], warning]
        card = replace(card, figures={**card.figures, "warnings": warnings})
    figures = {**card.figures, "largest_change_by_float16": change}
    watch.step("exporting", 2, 3)
    if to.exists():  # somebody wrote it while we trained
        raise UserError(ErrorCode.TARGET_EXISTS, path=str(to))
    _make_folder(to.parent)
    weights = weights_bytes(kept, half=card.precision == "float16")
    sha256 = write_package(to, card=replace(card, figures=figures), onnx=onnx, weights=weights)
    watch.step("exporting", 3, 3)
    return sha256, figures


def _exported(
    network: HipNetwork,
    draft: ModelCard,
    measured: Measured,
    compared: npt.NDArray[np.uint8],
    watch: Watch,
) -> tuple[ModelCard, bytes, npt.NDArray[np.float64]]:
    """A network's calibrated card, its graph, and what the graph says of hips to compare: their margins [N]."""
    from hipcad_desktop.inference.network import Network
    from hipcad_desktop.inference.package import ModelPackage
    from hipcad_desktop.learning.export import to_onnx

    onnx = to_onnx(network)
    watch.step("exporting", 1, 3)
    graph = Network(ModelPackage(Path(draft.name), draft, onnx, ""))
    difference = _difference(graph, network, measured.images)
    card = calibrated(draft, _margins(graph, measured.images, watch), measured.fracture)
    figures = {**card.figures, "largest_difference_onnx_torch": difference}
    return replace(card, figures=figures), onnx, graph.predict(compared).margin


def _card(name: str, network: HipNetwork, measured: Measured, origin: Origin) -> ModelCard:
    """The card without thresholds and figures."""
    config, manifest = origin.config, origin.manifest
    mean, std = network.preprocess.normalisation()
    # A file's place on this machine may name a person and says nothing elsewhere.
    weights = config.weights if config.weights in ("none", "imagenet") else Path(config.weights).name
    return ModelCard(
        schema=SCHEMA,
        name=name,
        created_utc=datetime.now(UTC).isoformat(timespec="seconds"),
        program_version=hipcad_desktop.__version__,
        backbone=config.backbone,
        recipe=config.recipe,
        input_px=config.input_px,
        mean=mean,
        std=std,
        mapping_rules=manifest.mapping_rules,
        halving=config.judged_halving.value,
        overlap_share=manifest.overlap_share if config.judged_halving is HalvingMethod.MIDLINE else 0.0,
        thresholds=Thresholds(0.5, 0.5),
        thresholds_from={
            "partition": Partition.VALIDATION.value,
            "halving": config.judged_halving.value,
            "n_fracture": sum(measured.fracture),
            "n_no_fracture": len(measured.fracture) - sum(measured.fracture),
            "sensitivity_target": config.sensitivity_target,
            "specificity_target": config.specificity_target,
        },
        config={**config.to_json(), "weights": weights},
        data={"hips_sha256": manifest.hips_sha256, "counts": {k: dict(v) for k, v in manifest.counts.items()}},
        figures={},
        versions=dict(origin.versions),
        intended_use=INTENDED_USE,
        limits=LIMITS,
        note=" ".join(filter(None, (origin.note, _of_synthesis(manifest)))),
    )


def calibrated(draft: ModelCard, margins: npt.NDArray[np.float64], fracture: Sequence[bool]) -> ModelCard:
    """The card with temperature, thresholds and figures of the validation hips: margins [N] and which are broken.

    The thresholds are of probabilities after the temperature, as diagnosis shows them. What must be minded of them is
    said in thresholds_from["warnings"], and again in figures["warnings"] for the run's summary.
    """
    config, origin = draft.config, draft.thresholds_from
    temperature = fit_temperature(margins, fracture, balanced=bool(config["balance_classes"]))
    sensitivity, specificity = float(config["sensitivity_target"]), float(config["specificity_target"])
    p_fracture = probabilities(margins, temperature.value).tolist()
    thresholds = choose_thresholds(p_fracture, fracture, sensitivity_target=sensitivity, specificity_target=specificity)
    warnings = list(
        threshold_warnings(
            thresholds,
            n_fracture=sum(fracture),
            n_no_fracture=len(fracture) - sum(fracture),
            sensitivity_target=sensitivity,
            specificity_target=specificity,
        )
    )
    figures = validation_figures(p_fracture, fracture, thresholds)
    return replace(
        draft,
        temperature=temperature.value,
        calibrated_prevalence=temperature.prevalence,
        thresholds=thresholds,
        thresholds_from={**origin, "warnings": warnings},
        figures={**figures, "halving": draft.halving, "temperature": temperature.to_json(), "warnings": warnings},
    )


def _of_synthesis(manifest: DatasetManifest) -> str:
    return f"Trained on synthetic fractures. {manifest.synthesis.words}" if manifest.synthesis else ""


def validation_figures(p_fracture: Sequence[float], fracture: Sequence[bool], thresholds: Thresholds) -> dict[str, Any]:
    """AUC, and sensitivity and specificity at both thresholds with counts and Wilson intervals."""
    from sklearn.metrics import roc_auc_score

    p, truth = np.asarray(p_fracture), np.asarray(fracture, bool)
    figures: dict[str, Any] = {
        "partition": Partition.VALIDATION.value,
        "n_fracture": int(truth.sum()),
        "n_no_fracture": int((~truth).sum()),
        "auc": float(roc_auc_score(truth, p)),
    }
    for name, threshold in (("no_fracture", thresholds.no_fracture), ("fracture", thresholds.fracture)):
        called = p >= threshold
        figures[f"at_{name}_threshold"] = {
            "threshold": threshold,
            "sensitivity": _shown(int(called[truth].sum()), int(truth.sum())),
            "specificity": _shown(int((~called)[~truth].sum()), int((~truth).sum())),
        }
    return figures


def _shown(hits: int, n: int) -> dict[str, Any]:
    shown: dict[str, Any] = with_values(asdict(proportion(hits, n)))
    return shown


def _margins(graph: Network, hips: npt.NDArray[np.uint8], watch: Watch) -> npt.NDArray[np.float64]:
    """What the graph says of each hip: the logit of "fracture" minus that of "no fracture", [N]."""
    said = np.empty(len(hips))
    for start in range(0, len(hips), _PREDICTED_AT_ONCE):
        watch.check("The training")
        some = hips[start : start + _PREDICTED_AT_ONCE]
        said[start : start + len(some)] = graph.predict(some).margin
        watch.step("choosing thresholds", start + len(some), len(hips))
    return said


def _difference(graph: Network, network: HipNetwork, hips: npt.NDArray[np.uint8]) -> float:
    """The largest difference between graph and torch, heat maps relative to their maximum. Too large a one is a bug."""
    from hipcad_desktop.learning.export import said_by_torch

    some = hips[:_COMPARED_HIPS]
    ours, theirs = said_by_torch(network, some), graph.predict(some)
    heat = np.abs(ours.heat - theirs.heat).max() / max(float(ours.heat.max()), 1e-6)
    difference = max(float(np.abs(ours.p_fracture - theirs.p_fracture).max()), float(heat))
    if not difference < _LARGEST_DIFFERENCE:
        raise RuntimeError(f"the exported graph differs from torch by {difference}")
    return difference


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(ErrorCode.FOLDER_NOT_WRITABLE, path=str(folder)) from error
