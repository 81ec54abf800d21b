"""A network's figures on the validation partition, after each epoch."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

from hipcad_desktop.learning.architecture import HipNetwork
from hipcad_desktop.learning.data import HipSet
from hipcad_desktop.learning.device import ChosenDevice
from hipcad_desktop.learning.distributed import ALONE, Spread


@dataclass(frozen=True, slots=True)
class Validation:
    """figures: validation_loss, auc, and sensitivity and specificity at 0.5, with the counts of both classes.

    p_fracture: of each hip; no number where the network has diverged.
    """

    figures: dict[str, Any]
    p_fracture: tuple[float, ...]


def validate(
    network: HipNetwork,
    hips: HipSet,
    *,
    device: ChosenDevice,
    batch: int,
    check: Callable[[], None],
    spread: Spread | None = None,
) -> Validation:
    """What the network says of each hip, by its first image, and how good that is.

    Where it is spread over several processes each looks at its share, and all of them know the result.
    """
    from sklearn.metrics import roc_auc_score

    network.eval()
    spread = spread or Spread(ALONE, network.logits)
    logits = [torch.empty((0, 2))]
    images = torch.tensor([choice[0] for choice in hips.choices])[spread.team.share(len(hips))]
    amp = torch.autocast(device.torch_device.type, dtype=device.amp) if device.amp else nullcontext()
    with torch.inference_mode():
        for part in torch.split(images, batch):
            check()
            pixels = network.preprocess(hips.batch(part, device.torch_device))
            with amp:
                logits.append(network.logits(pixels).float().cpu())
    network.train()
    said = spread.gathered(torch.cat(logits), len(hips)).double()
    truth = hips.fracture.numpy() == 1
    p_fracture = functional.softmax(said, dim=1)[:, 1].numpy()
    called = p_fracture >= 0.5
    finite = bool(torch.isfinite(said).all())
    figures = {
        "validation_loss": float(functional.cross_entropy(said, hips.fracture)) if finite else None,
        "auc": float(roc_auc_score(truth, p_fracture)) if finite else None,
        "sensitivity": float(called[truth].mean()),
        "specificity": float((~called[~truth]).mean()),
        "n_fracture": int(truth.sum()),
        "n_no_fracture": int((~truth).sum()),
    }
    return Validation(figures, tuple(p_fracture.tolist()))
