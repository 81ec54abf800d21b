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
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hipcad_desktop.domain.anatomy import ImageHalf, Side
from hipcad_desktop.domain.diagnosis import (
    Diagnosis,
    HipRefusal,
    Prediction,
    Refusal,
    RefusalReason,
    state_of,
)
from hipcad_desktop.domain.errors import UserError
from hipcad_desktop.domain.geometry import Window
from hipcad_desktop.domain.halving import Halving, share_inside
from hipcad_desktop.domain.model_card import ModelCard
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.domain.radiograph import Radiograph
from hipcad_desktop.imaging.hip_image import hip_images
from hipcad_desktop.imaging.reader import read_film
from hipcad_desktop.imaging.scope import look
from hipcad_desktop.workflows.diagnosis_json import to_json as to_json
from hipcad_desktop.workflows.diagnosis_pictures import answer_pictures, window_picture
from hipcad_desktop.workflows.halve_film import cut_off_words, halve_film, metal_refusals
from hipcad_desktop.workflows.write_whole import write_whole

if TYPE_CHECKING:
    from hipcad_desktop.domain.scope import FilmScope
    from hipcad_desktop.imaging.film import Film
    from hipcad_desktop.inference.network import Predictor

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
    outside_share: float
    image: npt.NDArray[np.uint8]  # 380 x 380, what the network sees
    picture: npt.NDArray[np.uint8] | None  # the window in its true shape, for the eye; where overlays are asked for


@dataclass(frozen=True, slots=True, eq=False)
class _Prepared:
    """A film that was read, judged and halved; the film's own pixels are let go."""

    radiograph: Radiograph
    refusal: Refusal | None
    midline_px: float | None
    hips: tuple[_Hip, ...]
    refused_hips: tuple[HipRefusal, ...]
    cut_off: tuple[str, ...]  # sentences on hips that the film does not show whole
    seconds: float


class Films:
    """Reads films and looks at them."""

    def get(self, file: str) -> tuple[Film, FilmScope]:
        """A film and what a look at it says. Raises UserError as read_film does."""
        film = read_film(Path(file))
        return film, look(film)


class KeptFilms(Films):
    """Keeps the last film while its file stays the same: a window asks of one film midline after midline."""

    def __init__(self) -> None:
        self._kept: tuple[tuple[str, int, int, int], tuple[Film, FilmScope]] | None = None

    def get(self, file: str) -> tuple[Film, FilmScope]:
        """As Films.get, at once where this is the file asked for last."""
        try:
            status = Path(file).stat()
        except OSError:
            return super().get(file)  # which says what is wrong
        key = (file, status.st_ino, status.st_mtime_ns, status.st_size)
        if self._kept is None or self._kept[0] != key:
            self._kept = None  # two large films need not be in memory at once
            self._kept = (key, super().get(file))
        return self._kept[1]


def diagnose(
    files: Sequence[str],
    *,
    model: Path,
    to: Path,
    midlines: Mapping[str, float] | None = None,
    network: Predictor | None = None,
    films: Films | None = None,
    overlays: bool = True,
    watch: Watch,
) -> DiagnosisRun:
    """Diagnose films one after another and write pictures and one JSON a film into the folder `to`.

    midlines gives a file's midline in pixels of the displayed film instead of the one found; a model of squares looks
    for the hips about it. network and films are what the caller kept from an earlier run. A film out of scope is an
    answer with a refusal, a hip with metal on it is refused alone; a file that cannot be read or used is a FileFailure.
    Without overlays only the heat maps are written: a window lays them over the film itself, and a drag does not wait.
    Raises UserError for the model package, for a folder that cannot be written, and CANCELLED between films: what was
    finished by then stays.
    """
    network = network or open_network(model)
    names = _Names(to)
    done: list[Diagnosis | FileFailure] = []
    watch.started(model=network.package.card.name, sha256=network.package.sha256, films=len(files))
    watch.step("diagnose", 0, len(files))
    prepare = _Preparation(network.package.card, midlines or {}, films or Films(), overlays)
    with closing(_prefetched(files, prepare, lambda: watch.check("The diagnosis"))) as coming:
        for file, prepared in coming:
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


def _prefetched(
    files: Sequence[str], prepare: _Preparation, check: Callable[[], None]
) -> Generator[tuple[str, _Prepared | FileFailure]]:
    """Each file prepared, the next one on a thread of its own while the caller computes this one."""
    pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="film")
    coming: Future[_Prepared | FileFailure] | None = None
    try:
        for i, file in enumerate(files):
            check()
            current = coming or pool.submit(prepare.film, file)
            prepared = current.result()
            following = files[i + 1] if i + 1 < len(files) else None
            coming = pool.submit(prepare.film, following) if following is not None else None
            yield file, prepared
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@dataclass(frozen=True, slots=True, eq=False)
class _Preparation:
    """What a film is read, judged and halved with."""

    card: ModelCard
    midlines: Mapping[str, float]
    films: Films
    overlays: bool

    def film(self, file: str) -> _Prepared | FileFailure:
        """One file up to the images that the network sees."""
        start = time.perf_counter()
        try:
            film, scope = self.films.get(file)
            refusal, halving = scope.refusal, None
            if refusal is None:
                found = halve_film(film, scope, self.card, midline_px=self.midlines.get(file), file=file)
                refusal, halving = (found, None) if isinstance(found, Refusal) else (None, found)
        except UserError as error:
            return FileFailure(file, error)
        metal = metal_refusals(scope, film.radiograph.sides) if halving else {}
        if len(metal) == len(_SIDES):
            refusal, halving = Refusal(RefusalReason.METAL_ON_BOTH_HIPS), None
        return _Prepared(
            radiograph=film.radiograph,
            refusal=refusal,
            midline_px=halving.line_px if halving else None,
            hips=self._hips(film, halving, [side for side in _SIDES if side not in metal]) if halving else (),
            refused_hips=_refused_hips(film, halving, metal) if halving else (),
            cut_off=tuple(cut_off_words(film, scope, halving)) if halving else (),
            seconds=time.perf_counter() - start,
        )

    def _hips(self, film: Film, halving: Halving, asked: Sequence[Side]) -> tuple[_Hip, ...]:
        halves = [film.radiograph.sides.half_of(side) for side in asked]
        windows = [halving.of(half).window for half in halves]
        images = hip_images(film.eight_bit, windows)
        return tuple(
            _Hip(
                side=side,
                half=half,
                window=window,
                outside_share=1 - share_inside(window, film.radiograph.size),
                image=image,
                picture=window_picture(film.eight_bit, window) if self.overlays else None,
            )
            for side, half, window, image in zip(asked, halves, windows, images, strict=True)
        )


def _refused_hips(film: Film, halving: Halving, refusals: Mapping[Side, Refusal]) -> tuple[HipRefusal, ...]:
    sides = film.radiograph.sides
    return tuple(
        HipRefusal(side, sides.half_of(side), refusals[side], halving.of(sides.half_of(side)).window)
        for side in _SIDES
        if side in refusals
    )


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
            pictures.update(answer_pictures(hip.picture, prediction, heat, radiograph))
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
        refused_hips=prepared.refused_hips,
        halving=card.halving,
        thresholds=card.thresholds,
        film_size=(radiograph.size.width, radiograph.size.height),
        warnings=(*prepared.cut_off, *_warnings(radiograph, card)),
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
        overlay_path="" if hip.picture is None else str(stem.with_name(f"{stem.name}_{hip.side.value}.png")),
        outside_share=max(0.0, hip.outside_share),
    )


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
