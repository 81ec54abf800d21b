"""A network's figures on the validation partition, after each epoch."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch
from torch.nn import functional

from hipcad_desktop.learning.architecture import HipNetwork
from hipcad_desktop.learning.data import HipSet
from hipcad_desktop.learning.device import ChosenDevice


def validate(
    network: HipNetwork, hips: HipSet, *, device: ChosenDevice, batch: int, check: Callable[[], None]
) -> dict[str, Any]:
    """validation_loss, auc, and sensitivity and specificity at 0.5, with the counts of both classes."""
    from sklearn.metrics import roc_auc_score

    network.eval()
    logits = []
    images = torch.tensor([choice[0] for choice in hips.choices])
    amp = torch.autocast(device.torch_device.type, dtype=device.amp) if device.amp else nullcontext()
    with torch.inference_mode():
        for part in torch.split(images, batch):
            check()
            pixels = network.preprocess(hips.batch(part, device.torch_device))
            with amp:
                logits.append(network.logits(pixels).float().cpu())
    network.train()
    said = torch.cat(logits).double()
    truth = hips.fracture.numpy() == 1
    p_fracture = functional.softmax(said, dim=1)[:, 1].numpy()
    called = p_fracture >= 0.5
    finite = bool(torch.isfinite(said).all())
    return {
        "validation_loss": float(functional.cross_entropy(said, hips.fracture)) if finite else None,
        "auc": float(roc_auc_score(truth, p_fracture)) if finite else None,
        "sensitivity": float(called[truth].mean()),
        "specificity": float((~called[~truth]).mean()),
        "n_fracture": int(truth.sum()),
        "n_no_fracture": int((~truth).sum()),
    }
