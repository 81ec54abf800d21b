"""Films and a model package in; per hip a probability, a state and a picture out. Without torch."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hipcad_desktop.domain.anatomy import ImageHalf, Side, SideSource
from hipcad_desktop.domain.diagnosis import Diagnosis, HipState, Prediction, Refusal, RefusalReason, state_of
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.geometry import Window
from hipcad_desktop.domain.halving import Halving, halve_by_midline
from hipcad_desktop.domain.messages import refusal_sentence
from hipcad_desktop.domain.model_card import RESEARCH_USE, ModelCard
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.domain.radiograph import Radiograph
from hipcad_desktop.imaging.caption import captioned
from hipcad_desktop.imaging.hip_image import encode_png, hip_of, lowered
from hipcad_desktop.imaging.overlay import heat_image, heat_overlay
from hipcad_desktop.imaging.reader import read_film
from hipcad_desktop.imaging.scope import look
from hipcad_desktop.workflows.write_whole import write_whole

if TYPE_CHECKING:
    from hipcad_desktop.imaging.film import Film
    from hipcad_desktop.inference.network import Predictor

_PICTURE_PX = 1000  # longest edge of an overlay picture
_MOST_ENLARGED = 2.0
_HEAT_PX = 380
_WORDS = {HipState.FRACTURE: "fracture", HipState.DOUBT: "doubt", HipState.NO_FRACTURE: "no fracture"}
_SIDES = (Side.RIGHT, Side.LEFT)  # the order of every list of hips


@dataclass(frozen=True, slots=True)
class FileFailure:
    """A file that could not be read or used, and why; the other files were done."""

    file: str  # as the caller named it
    error: UserError


@dataclass(frozen=True, slots=True)
class DiagnosisRun:
    """Every file's diagnosis or failure, in the order given."""

    diagnoses: tuple[Diagnosis | FileFailure, ...]

    @property
    def failures(self) -> tuple[FileFailure, ...]:
        """The files without an answer."""
        return tuple(d for d in self.diagnoses if isinstance(d, FileFailure))


@dataclass(frozen=True, slots=True, eq=False)
class _Hip:
    """A hip before the network has seen it."""

    side: Side
    half: ImageHalf
    window: Window
    image: npt.NDArray[np.uint8]  # 380 x 380, what the network sees
    picture: npt.NDArray[np.uint8]  # the window in its true shape, for the eye


@dataclass(frozen=True, slots=True, eq=False)
class _Prepared:
    """A film that was read, judged and halved; the film's own pixels are let go."""

    radiograph: Radiograph
    refusal: Refusal | None
    midline_px: float | None
    hips: tuple[_Hip, ...]
    seconds: float


def diagnose(
    files: Sequence[str],
    *,
    model: Path,
    to: Path,
    midlines: Mapping[str, float] | None = None,
    network: Predictor | None = None,
    watch: Watch,
) -> DiagnosisRun:
    """Diagnose films one after another and write pictures and one JSON a film into the folder `to`.

    midlines gives a file's midline in pixels of the displayed film instead of the one found. network is the model
    already loaded, where the caller kept it from an earlier run. A film out of scope is an answer with a refusal; a
    file that cannot be read or used is a FileFailure. Raises UserError for the model package, for a folder that cannot
    be written, and CANCELLED between films: what was finished by then stays.
    """
    network = network or open_network(model)
    names = _Names(to)
    done: list[Diagnosis | FileFailure] = []
    watch.started(model=network.package.card.name, sha256=network.package.sha256, films=len(files))
    watch.step("diagnose", 0, len(files))
    films = _prefetched(files, network.package.card, midlines or {}, lambda: watch.check("The diagnosis"))
    with closing(films):
        for file, prepared in films:
            if isinstance(prepared, FileFailure):
                watch.artifact("failure", file, code=prepared.error.code.value, facts=dict(prepared.error.facts))
                done.append(prepared)
            else:
                diagnosis, path = _answer(file, prepared, network, names)
                watch.artifact("diagnosis", str(path), **to_json(diagnosis))
                done.append(diagnosis)
            watch.step("diagnose", len(done), len(files))
    return DiagnosisRun(tuple(done))


def open_network(model: Path) -> Predictor:
    """Load and check a model package for `diagnose`. Raises UserError where it cannot be used."""
    from hipcad_desktop.inference.network import Network
    from hipcad_desktop.inference.package import read_package

    return Network(read_package(model))


def to_json(diagnosis: Diagnosis) -> dict[str, Any]:
    """The JSON object of one film: the patient's right hip first, pixels of the displayed film, paths as strings."""
    return {
        "file": diagnosis.file,
        "refused": refusal_sentence(diagnosis.refusal) if diagnosis.refusal else None,
        "midline_px": diagnosis.midline_px,
        "hips": [
            {
                "side": hip.side.value,
                "p_fracture": hip.p_fracture,
                "state": hip.state.value,
                "window_px": [hip.window.x0, hip.window.x1],
                "overlay": hip.overlay_path,
                "heat": hip.heat_path,
                "half": hip.half.value,
            }
            for hip in diagnosis.hips
        ],
        "model": {"name": diagnosis.model_name, "sha256": diagnosis.model_sha256, "notice": diagnosis.notice},
        "seconds": round(diagnosis.seconds, 3),
        "refused_code": diagnosis.refusal.reason.value if diagnosis.refusal else None,
        "film_id": diagnosis.film_id,
        "film_size": list(diagnosis.film_size) if diagnosis.film_size else None,
        "side_source": diagnosis.side_source,
        "warnings": list(diagnosis.warnings),
    }


def _prefetched(
    files: Sequence[str], card: ModelCard, midlines: Mapping[str, float], check: Callable[[], None]
) -> Generator[tuple[str, _Prepared | FileFailure]]:
    """Each file prepared, the next one on a thread of its own while the caller computes this one."""
    pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="film")
    coming: Future[_Prepared | FileFailure] | None = None
    try:
        for i, file in enumerate(files):
            check()
            current = coming or pool.submit(_prepare, file, card, midlines.get(file))
            prepared = current.result()
            following = files[i + 1] if i + 1 < len(files) else None
            coming = pool.submit(_prepare, following, card, midlines.get(following)) if following is not None else None
            yield file, prepared
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _prepare(file: str, card: ModelCard, midline_px: float | None) -> _Prepared | FileFailure:
    start = time.perf_counter()
    try:
        film = read_film(Path(file))
        scope = look(film)
        midline = midline_px if midline_px is not None else scope.midline_px
        refusal, halving = scope.refusal, None
        if refusal is None:
            refusal, halving = _halve(film.radiograph, midline, card, given=midline_px is not None, file=file)
        hips = _hips(film, halving) if halving else ()
    except UserError as error:
        return FileFailure(file, error)
    return _Prepared(
        radiograph=film.radiograph,
        refusal=refusal,
        midline_px=halving.line_px if halving else None,
        hips=hips,
        seconds=time.perf_counter() - start,
    )


def _halve(
    radiograph: Radiograph, midline: float | None, card: ModelCard, *, given: bool, file: str
) -> tuple[Refusal | None, Halving | None]:
    """The two windows, or a refusal where the film has no usable midline. A given one that fits not is an error."""
    if midline is None:
        return Refusal(RefusalReason.NO_MIDLINE), None
    try:
        return None, halve_by_midline(radiograph.size, midline, overlap_share=card.overlap_share)
    except UserError as error:
        if given:
            detail = f"{file}: the midline given, x = {midline:g}, lies too near the film's edge or outside it"
            raise UserError(ErrorCode.NOT_HALVED_NO_MIDLINE, detail=detail) from error
        return Refusal(RefusalReason.NOT_FRONTAL_PELVIS, {"detail": "its midline lies at the film's edge"}), None


def _hips(film: Film, halving: Halving) -> tuple[_Hip, ...]:
    low = lowered(film.eight_bit)  # what both hip images share
    return tuple(_hip(film, halving, side, low=low) for side in _SIDES)


def _hip(film: Film, halving: Halving, side: Side, *, low: npt.NDArray[np.uint8]) -> _Hip:
    half = film.radiograph.sides.half_of(side)
    window = halving.of(half).window
    return _Hip(
        side=side,
        half=half,
        window=window,
        image=hip_of(low, window),
        picture=_strip(film.eight_bit, window),
    )


def _strip(eight_bit: npt.NDArray[np.uint8], window: Window) -> npt.NDArray[np.uint8]:
    """The window in its true proportions: the eye reads a squashed hip badly. Small films grow, for the words' sake."""
    from PIL import Image

    strip = Image.fromarray(eight_bit[:, round(window.x0) : max(round(window.x1), round(window.x0) + 1)])
    factor = min(_PICTURE_PX / max(strip.size), _MOST_ENLARGED)
    size = (max(1, round(strip.width * factor)), max(1, round(strip.height * factor)))
    return np.asarray(strip.resize(size, Image.Resampling.BICUBIC, reducing_gap=3.0))


def _answer(file: str, prepared: _Prepared, network: Predictor, names: _Names) -> tuple[Diagnosis, Path]:
    """Ask the network, write the film's files, and say which JSON file holds the diagnosis."""
    start = time.perf_counter()
    radiograph, card = prepared.radiograph, network.package.card
    stem = names.stem(file, radiograph.film_id)
    pictures: dict[Path, bytes] = {}
    predictions: list[Prediction] = []
    if prepared.hips:
        predicted = network.predict(np.stack([hip.image for hip in prepared.hips]))
        for hip, p, heat in zip(prepared.hips, predicted.p_fracture, predicted.heat, strict=True):
            prediction = _prediction(hip, float(p), card, stem)
            pictures.update(_pictures(hip, prediction, heat, radiograph))
            predictions.append(prediction)
    diagnosis = Diagnosis(
        file=file,
        film_id=radiograph.film_id,
        model_sha256=network.package.sha256,
        model_name=card.name,
        seconds=prepared.seconds + time.perf_counter() - start,
        refusal=prepared.refusal,
        midline_px=prepared.midline_px,
        side_source=radiograph.sides.source.value,
        hips=tuple(predictions),
        film_size=(radiograph.size.width, radiograph.size.height),
        warnings=_warnings(radiograph, card),
    )
    path = stem.with_name(f"{stem.name}.json")
    _write(pictures, path, diagnosis)
    return diagnosis, path


def _prediction(hip: _Hip, p_fracture: float, card: ModelCard, stem: Path) -> Prediction:
    return Prediction(
        side=hip.side,
        half=hip.half,
        p_fracture=p_fracture,
        state=state_of(p_fracture, card.thresholds),
        window=hip.window,
        heat_path=str(stem.with_name(f"{stem.name}_{hip.side.value}_heat.png")),
        overlay_path=str(stem.with_name(f"{stem.name}_{hip.side.value}.png")),
    )


def _pictures(
    hip: _Hip, prediction: Prediction, heat: npt.NDArray[np.float32], radiograph: Radiograph
) -> dict[Path, bytes]:
    peak = float(heat.max())
    relative = heat / peak if peak > 0 else np.zeros_like(heat)
    assumed = " (side assumed)" if radiograph.sides.source is SideSource.ASSUMED else ""
    said = f"{hip.side.value}{assumed}   {_WORDS[prediction.state]}   p = {prediction.p_fracture:.3f}"
    overlay = captioned(heat_overlay(hip.picture, relative), (said, RESEARCH_USE))
    return {
        Path(prediction.overlay_path): encode_png(overlay),
        Path(prediction.heat_path): encode_png(heat_image(relative, (_HEAT_PX, _HEAT_PX))),
    }


def _warnings(radiograph: Radiograph, card: ModelCard) -> tuple[str, ...]:
    rule = radiograph.mapping.rule
    notes = (card.note,) if card.note else ()
    if card.thresholds.fracture >= 1:
        notes = (*notes, "This model's threshold for a fracture is 1: it says doubt where others would say fracture.")
    if rule in card.mapping_rules:
        return notes
    known = ", ".join(card.mapping_rules)
    return (
        *notes,
        f"The model was trained on other grey levels ({known}) than this film's ({rule}): distrust its answer.",
    )


def _write(pictures: Mapping[Path, bytes], path: Path, diagnosis: Diagnosis) -> None:
    """Pictures first, the JSON that names them last; where one cannot be written, none of them stays."""
    written: list[Path] = []
    try:
        for picture, content in pictures.items():
            write_whole(picture, content)
            written.append(picture)
        # ASCII escapes carry file names that are no text in any encoding.
        write_whole(path, json.dumps(to_json(diagnosis), indent=1, allow_nan=False).encode("ascii"))
    except BaseException:
        for picture in written:
            with suppress(OSError):
                picture.unlink(missing_ok=True)
        raise


class _Names:
    """Names for a film's files: the file's own name and the film's hash, never twice in one run."""

    def __init__(self, to: Path) -> None:
        self._to = to
        self._taken: set[str] = set()

    def stem(self, file: str, film_id: str) -> Path:
        """A path in the folder to which endings are added."""
        plain = re.sub(r"[^\w.-]+", "_", Path(file).stem, flags=re.ASCII).strip("._") or "film"
        name = f"{plain[:60]}-{film_id[:12]}"
        copy = 1
        while (unique := name if copy == 1 else f"{name}-{copy}").lower() in self._taken:
            copy += 1
        self._taken.add(unique.lower())
        return self._to / unique
