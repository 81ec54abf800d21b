"""A second opinion on one hip of a film: where the model looked, asked in another way. Needs torch and captum.

The film is diagnosed first, so that film, model, window and probability are those of the answer that is explained; the
weights of the package must then give the same probability as its graph, or there is no second opinion.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hipcad_desktop.domain.anatomy import Side
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.geometry import Window
from hipcad_desktop.domain.model_card import ModelCard
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.domain.second_opinion import LOOKED, METHOD_NAMES, OpinionMethod, SecondOpinion
from hipcad_desktop.domain.training import TrainConfig
from hipcad_desktop.imaging.caption import captioned
from hipcad_desktop.imaging.hip_image import encode_png, hip_image
from hipcad_desktop.imaging.overlay import heat_image, heat_overlay
from hipcad_desktop.workflows.diagnose import KeptFilms, diagnose, open_network
from hipcad_desktop.workflows.diagnosis_pictures import window_picture
from hipcad_desktop.workflows.installed import need_installed
from hipcad_desktop.workflows.write_whole import write_whole

if TYPE_CHECKING:
    from hipcad_desktop.inference.network import Predictor
    from hipcad_desktop.learning.architecture import HipNetwork
    from hipcad_desktop.learning.saliency import Looked

_LARGEST_DIFFERENCE = 0.01  # of a probability: weights may be kept with fewer digits than the graph computes with
_HEAT_PX = 380
_WHAT = "The second opinion"


def explain(
    file: str,
    *,
    side: Side,
    model: Path,
    method: OpinionMethod,
    to: Path,
    midline_px: float | None = None,
    network: Predictor | None = None,
    watch: Watch,
) -> SecondOpinion:
    """Ask a model in another way where it looked on one hip; pictures and a JSON go into the folder `to`.

    Raises UserError SECOND_OPINION_NOT_INSTALLED, SECOND_OPINION_REFUSED where the hip has no answer, CANCELLED at
    the next question to the network, what diagnose raises, and what the film's file or the model's weights are not.
    """
    need_second_opinions()
    began = time.perf_counter()
    network = network or open_network(model)
    watch.started(model=network.package.card.name, method=METHOD_NAMES[method])
    watch.step("diagnose", 0, 1)
    films = KeptFilms()  # read once, for the answer and for its picture
    facts, answer = _answered(file, model, to, midline_px, network, films, watch)
    hip = _hip_of(facts, file, side)
    window = Window(*hip["window_px"])
    film, _ = films.get(file)
    if film.radiograph.film_id != facts["film_id"]:
        raise UserError(ErrorCode.FILM_CHANGED, path=file)
    image = hip_image(film.eight_bit, window)
    weighed = _weighed(network.package.path, network.package.card)
    difference = _difference(weighed, image, hip["p_fracture"], network)

    def asked(done: int, of: int) -> None:
        watch.check(_WHAT)
        watch.step(METHOD_NAMES[method], done, of)

    looked = _asking(method)(weighed, image, asked=asked)
    stem = Path(answer).with_suffix("")
    opinion = SecondOpinion(
        file=file,
        film_id=facts["film_id"],
        model_name=network.package.card.name,
        model_sha256=network.package.sha256,
        side=side,
        window=window,
        method=method,
        p_fracture=hip["p_fracture"],
        largest_difference=difference,
        explained=looked.explained,
        heat_path=str(stem.with_name(f"{stem.name}_{side.value}_{method.value}_heat.png")),
        overlay_path=str(stem.with_name(f"{stem.name}_{side.value}_{method.value}.png")),
        seconds=round(time.perf_counter() - began, 3),
    )
    path = stem.with_name(f"{stem.name}_{side.value}_{method.value}.json")
    _write(opinion, path, window_picture(film.eight_bit, window), looked)
    watch.artifact("second_opinion", str(path), **to_json(opinion))
    return opinion


def need_second_opinions() -> None:
    """Raise UserError SECOND_OPINION_NOT_INSTALLED where a library is missing, as in the Reader edition."""
    try:
        need_installed(("torch", "timm", "captum", "safetensors"))
    except UserError as error:
        raise UserError(ErrorCode.SECOND_OPINION_NOT_INSTALLED, module=error.facts["module"]) from error


def to_json(opinion: SecondOpinion) -> dict[str, Any]:
    """The JSON object of a second opinion: window_px as [x0, x1] of a strip or [x0, x1, y0, y1] of a box."""
    values = asdict(opinion)
    values["side"], values["method"] = opinion.side.value, opinion.method.value
    values["method_name"] = METHOD_NAMES[opinion.method]
    del values["window"]
    return {**values, "window_px": list(opinion.window.edges)}


def _answered(
    file: str, model: Path, to: Path, midline_px: float | None, network: Predictor, films: KeptFilms, watch: Watch
) -> tuple[Mapping[str, Any], str]:
    """The film's diagnosis as facts, and the JSON file that holds it."""
    heard = _Heard(watch)
    midlines = {} if midline_px is None else {file: midline_px}
    run = diagnose([file], model=model, to=to, midlines=midlines, network=network, films=films, watch=heard)
    for failure in run.failures:
        raise failure.error
    return heard.facts, heard.path


def _hip_of(facts: Mapping[str, Any], file: str, side: Side) -> Mapping[str, Any]:
    hip = next((h for h in facts["hips"] if h["side"] == side.value), None)
    if hip is None or hip["refused"]:
        detail = str(facts["refused"] or (hip or {}).get("refused") or "no answer").rstrip(".")
        raise UserError(ErrorCode.SECOND_OPINION_REFUSED, path=Path(file).name, side=side.word, detail=detail)
    found: Mapping[str, Any] = hip
    return found


def _weighed(path: Path, card: ModelCard) -> HipNetwork:
    """The network in torch, with the package's weights."""
    from hipcad_desktop.inference.package import read_weights
    from hipcad_desktop.learning.architecture import build_network
    from hipcad_desktop.learning.weights import load_bytes

    network = build_network(TrainConfig.from_json(card.config))
    network.preprocess.set_normalisation(card.mean, card.std)
    load_bytes(network, read_weights(path), path=str(path), backbone=card.backbone)
    return network


def _difference(weighed: HipNetwork, image: npt.NDArray[np.uint8], p: float, network: Predictor) -> float:
    from hipcad_desktop.learning.saliency import p_fracture

    package = network.package
    difference = abs(p_fracture(weighed, image, temperature=package.card.temperature) - p)
    if not difference <= _LARGEST_DIFFERENCE:
        detail = f"its weights and its graph answer differently, by {difference:.3f}"
        raise UserError(ErrorCode.MODEL_PACKAGE_DAMAGED, path=str(package.path), detail=detail)
    return difference


def _asking(method: OpinionMethod) -> Callable[..., Looked]:
    from hipcad_desktop.learning import saliency

    table: Mapping[OpinionMethod, Callable[..., Looked]] = {
        OpinionMethod.EARLIER_GRAD_CAM: saliency.earlier_grad_cam,
        OpinionMethod.INTEGRATED_GRADIENTS: saliency.integrated_gradients,
        OpinionMethod.OCCLUSION: saliency.occlusion,
    }
    return table[method]


def _write(opinion: SecondOpinion, path: Path, picture: npt.NDArray[np.uint8], looked: Looked) -> None:
    peak = float(looked.heat.max())
    relative = looked.heat / peak if peak > 0 else looked.heat
    said = f"{opinion.side.value}   {METHOD_NAMES[opinion.method]}   p = {opinion.p_fracture:.3f}"
    overlay = captioned(heat_overlay(picture, relative), (said, LOOKED, opinion.notice))
    write_whole(Path(opinion.overlay_path), encode_png(overlay))
    write_whole(Path(opinion.heat_path), encode_png(heat_image(relative, (_HEAT_PX, _HEAT_PX))))
    write_whole(path, json.dumps(to_json(opinion), indent=1, allow_nan=False).encode("ascii"))


class _Heard(Watch):
    """The diagnosis within: its answer is kept, its progress is not the second opinion's."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self.facts: Mapping[str, Any] = {}
        self.path = ""

    def artifact(self, what: str, path: str, **facts: Any) -> None:
        if what == "diagnosis":
            self.facts, self.path = facts, path

    def cancelled(self) -> bool:
        return self._watch.cancelled()
