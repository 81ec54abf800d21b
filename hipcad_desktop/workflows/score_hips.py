"""A network looks at every hip of a partition: scores, heat against rectangles, pictures for the judges."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hipcad_desktop.domain.dataset import HipEntry
from hipcad_desktop.domain.diagnosis import HipState, state_of
from hipcad_desktop.domain.evaluation import HipScore
from hipcad_desktop.domain.halving import HalvingMethod
from hipcad_desktop.domain.judgement import (
    FALSE_ALARM,
    FOUND,
    HEATMAPS_FILE,
    MISSED,
    HeatMap,
    heat_maps_to_json,
)
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.imaging.dataset_files import read_images
from hipcad_desktop.imaging.overlay import heat_overlay
from hipcad_desktop.workflows.heat_coverage import Covered, covered
from hipcad_desktop.workflows.write_whole import write_whole

if TYPE_CHECKING:
    from hipcad_desktop.inference.network import Predictor

_BATCH = 8
_HALVINGS = (HalvingMethod.HIP, HalvingMethod.MIDLINE, HalvingMethod.PAPER)  # the program's accuracy first
_MOST_PICTURES = {FOUND: 2000, MISSED: 500, FALSE_ALARM: 500}  # 40 kB each; four times the paper's test partition
_JPEG_QUALITY = 90


@dataclass(frozen=True, slots=True)
class Scored:
    """By halving: every hip's score in the dataset's order, and each found fracture's heat against its rectangle."""

    scores: Mapping[str, tuple[HipScore, ...]]
    coverage: Mapping[str, tuple[Covered, ...]]


def score_hips(
    network: Predictor, dataset: Path, entries: Sequence[HipEntry], *, pictures: Path, watch: Watch
) -> Scored:
    """Score every hip and write the heat maps of found, missed and falsely found fractures into the folder `pictures`.

    Entries are of the halvings that the network is judged on (judged_entries). The pictures are as diagnosis shows
    them, or of the only halving that there is. Raises UserError DATASET_DAMAGED, MODEL_PACKAGE_DAMAGED, CANCELLED,
    FOLDER_NOT_WRITABLE, DISK_FULL.
    """
    ordered = sorted(entries, key=lambda e: _HALVINGS.index(e.halving))  # stable
    thresholds = network.package.card.thresholds
    scores: dict[str, list[HipScore]] = {}
    coverage: dict[str, list[Covered]] = {}
    album = _Album(pictures, ordered[0].halving if ordered else HalvingMethod.MIDLINE)
    for start in range(0, len(ordered), _BATCH):
        watch.check("The evaluation")
        watch.step("evaluate", start, len(ordered))
        batch = ordered[start : start + _BATCH]
        images = read_images(dataset, batch)
        predicted = network.predict(images)
        for at, (entry, p) in enumerate(zip(batch, predicted.p_fracture.tolist(), strict=True)):
            score = _score(entry, p, state_of(p, thresholds))
            scores.setdefault(entry.halving.value, []).append(score)
            if entry.fracture and score.state is HipState.FRACTURE:
                against = covered(entry, predicted.heat[at])
                coverage.setdefault(entry.halving.value, []).extend([against] if against else [])
            album.add(score, entry, images[at], predicted.heat[at])
    album.close()
    watch.step("evaluate", len(ordered), len(ordered))
    return Scored({h: tuple(s) for h, s in scores.items()}, {h: tuple(c) for h, c in coverage.items()})


def judged_entries(entries: Sequence[HipEntry], halving: str) -> list[HipEntry]:
    """The hips that say something of a model whose diagnosis halves so.

    Squares for one that knows squares only; else the midline's strips, and the paper's beside them.
    """
    squares = halving == HalvingMethod.HIP.value
    return [e for e in entries if (e.halving is HalvingMethod.HIP) is squares]


def overlay_of(image: npt.NDArray[np.uint8], heat: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """A hip [380, 380] under its heat map of any scale, uint8 [380, 380, 3]."""
    peak = float(heat.max())
    return heat_overlay(image, heat / peak if peak > 0 else np.zeros_like(heat))


def aspect_of(entry: HipEntry) -> float:
    """Width / height of the hip on its film; its image is square."""
    y0, y1 = entry.window.rows(entry.film_height)
    return entry.window.width / (y1 - y0)


def _score(entry: HipEntry, p: float, state: HipState) -> HipScore:
    return HipScore(
        image=entry.image,
        film_code=entry.film_code,
        patient=entry.patient,
        side=entry.side,
        fracture=entry.fracture,
        pair_has_fracture=entry.pair_has_fracture,
        fracture_type=entry.fracture_type,
        p_fracture=p,
        state=state,
    )


class _Album:
    """Writes the pictures that a reader judges, and the table of them."""

    def __init__(self, folder: Path, halving: HalvingMethod) -> None:
        self._folder, self._halving = folder, halving
        self._maps: list[HeatMap] = []
        self._count: Counter[str] = Counter()

    def add(
        self, score: HipScore, entry: HipEntry, image: npt.NDArray[np.uint8], heat: npt.NDArray[np.float32]
    ) -> None:
        """Keep a hip that is worth a look, as many of each kind as there is room for."""
        kind = _kind(score)
        if kind is None or entry.halving is not self._halving or self._count[kind] >= _MOST_PICTURES[kind]:
            return
        self._count[kind] += 1
        name = f"{score.film_code}_{score.side.value}"
        hip, overlay = f"{name}_hip.jpg", f"{name}_overlay.jpg"
        write_whole(self._folder / hip, _jpeg(image))
        write_whole(self._folder / overlay, _jpeg(overlay_of(image, heat)))
        self._maps.append(
            HeatMap(
                film_code=score.film_code,
                side=score.side.value,
                hip=hip,
                overlay=overlay,
                p_fracture=score.p_fracture,
                fracture_type=score.fracture_type,
                aspect=aspect_of(entry),
                kind=kind,
            )
        )

    def close(self) -> None:
        """Write heatmaps.json."""
        text = json.dumps(heat_maps_to_json(self._maps), indent=1, ensure_ascii=False, allow_nan=False)
        write_whole(self._folder / HEATMAPS_FILE, text.encode("utf-8"))


def _kind(score: HipScore) -> str | None:
    match score.fracture, score.state:
        case True, HipState.FRACTURE:
            return FOUND
        case True, HipState.NO_FRACTURE:
            return MISSED
        case False, HipState.FRACTURE:
            return FALSE_ALARM
        case _:
            return None


def _jpeg(pixels: npt.NDArray[Any]) -> bytes:
    from PIL import Image

    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "JPEG", quality=_JPEG_QUALITY)
    return data.getvalue()
