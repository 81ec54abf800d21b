"""Can a network tell a film that went through the synthesis from one that did not, no hip broken in either?

    HIPCAD_REAL_FILMS=<folder> python -m benchmarks.synthetic_probe

Every whole film is there twice: as it is (cut off and shrunk like the other), and with both hips taken apart, turned a
little and put back. Two probes are asked which is which, cross-validated by blocks of file numbers: a line on the
features of Lite0 (ImageNet), and the one that `hipcad synthesize` writes into a dataset, on fine detail. 0.5: it
cannot. Synthetic and real hips must not be of different classes in one training anyway; the figure says how much a
mixture would give away.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from hipcad_desktop.domain.anatomy import ImageHalf
from hipcad_desktop.domain.auc import area_under_roc, auc_interval
from hipcad_desktop.domain.errors import UserError
from hipcad_desktop.domain.geometry import Size
from hipcad_desktop.domain.halving import halve_by_midline
from hipcad_desktop.domain.training import QUICK
from hipcad_desktop.imaging.finder import find_hips_of
from hipcad_desktop.imaging.gradients import shrunk
from hipcad_desktop.imaging.hip_image import hip_images
from hipcad_desktop.synthesis.film import BaseFilm, HipAt
from hipcad_desktop.workflows.synthesis_probe import Traces, traces_of_film
from hipcad_desktop.workflows.synthetic_films import WORKING_PX

NUMBERS_IN_A_BLOCK, FOLDS, SEED = 10, 5, 20200414


def both(path: Path, traces: Traces, patient: str, generator: np.random.Generator) -> list[np.ndarray]:
    """Hip images of the film as it is, then of the one that went through the synthesis: uint8 [4, 380, 380].

    Raises ValueError where the hips are not found or too near to the film's edge.
    """
    film = np.asarray(shrunk(np.asarray(ImageOps.exif_transpose(Image.open(path)).convert("L")), WORKING_PX))
    found = find_hips_of(film)
    if found is None:
        raise ValueError("no hips found")
    left, right = (HipAt(h.half, (h.head_x, h.head_y), (h.shaft_x, h.shaft_y), h.heads_px) for h in found)
    base = BaseFilm.of(film, (left, right))
    made = base.made(dict.fromkeys(ImageHalf), generator).film
    traces.add(patient, traces_of_film(base, (left.head, right.head), generator))
    middle = (left.head[0] + right.head[0]) / 2
    halving = halve_by_midline(Size(film.shape[1], made.shape[0]), middle, overlap_share=0.1)
    windows = (halving.left.window, halving.right.window)
    return [*hip_images(film[: made.shape[0]], windows), *hip_images(made, windows)]


def features(hips: np.ndarray) -> np.ndarray:
    """Lite0's pooled features, [N, 1280]."""
    import torch

    from hipcad_desktop.learning.architecture import build_network
    from hipcad_desktop.learning.weights import load_imagenet

    network = build_network(QUICK).eval()
    load_imagenet(network, QUICK.backbone)
    with torch.inference_mode():
        maps = [
            network.backbone.forward_features(network.preprocess(part)).mean(dim=(2, 3))
            for part in torch.from_numpy(hips).split(16)
        ]
    return torch.cat(maps).numpy()


def main() -> int:
    """Print the probe's AUC."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if "HIPCAD_REAL_FILMS" not in os.environ:
        print("Set HIPCAD_REAL_FILMS to the folder of real films.", file=sys.stderr)
        return 2
    generator = np.random.default_rng(SEED)
    hips: list[np.ndarray] = []
    block: list[int] = []
    left_out, traces = 0, Traces()
    for path in sorted((Path(os.environ["HIPCAD_REAL_FILMS"]) / "no_fracture").glob("*")):
        number = int(re.sub(r"\D", "", path.stem)) // NUMBERS_IN_A_BLOCK
        try:
            hips += both(path, traces, str(number), generator)
        except (ValueError, UserError):
            left_out += 1
            continue
        block += [number] * 4
    made = np.tile([False, False, True, True], len(hips) // 4)
    probe = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=2000))
    seen = features(np.array(hips))
    folds = GroupKFold(FOLDS)
    said = cross_val_predict(probe, seen, made, groups=block, cv=folds, method="predict_proba")[:, 1]
    yes, no = said[made].tolist(), said[~made].tolist()
    low, high, method = auc_interval(yes, no)
    print(
        f"{len(hips)} hips of {len(hips) // 4} films ({left_out} left out), half of them through the synthesis: "
        f"Lite0 AUC {area_under_roc(yes, no):.2f} ({low:.2f} to {high:.2f}, {method}; the two of a hip count as "
        "independent)"
    )
    fine = traces.answer()
    print(f"fine detail AUC {fine.value:.2f} ({fine.low:.2f} to {fine.high:.2f}, {fine.method}), n = {fine.n}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
