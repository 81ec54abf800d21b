"""The validation hips that a model gets most wrong, as small pictures, written anew after each epoch.

worst.json is replaced in one piece and names its pictures; those of the epoch before stay until the next one, so that
a window which read the old table still finds them.
"""

from __future__ import annotations

import io
import json
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from hipcad_desktop.learning.data import HipSet
from hipcad_desktop.learning.run_folder import RunFolder

SCHEMA = 1
MOST = 12
SMALL_PX = 160
TABLE, PICTURES = "worst.json", "worst"
_PICTURE = re.compile(r"e(\d{5})_\d{2}\.png")
_LEAST_P = 1e-12


def write_worst(run: RunFolder, hips: HipSet, p_fracture: Sequence[float], *, epoch: int) -> Path:
    """Write worst.json and up to 12 pictures of 160 x 160 pixels; worst.json's path.

    p_fracture: [hips]. The order is by cross-entropy, the most wrong first; `wrong` says whether it is so at 0.5. A
    hip whose probability is no number is the most wrong of all. Raises UserError DISK_FULL or FOLDER_NOT_WRITABLE.
    """
    losses = [_loss(p, bool(broken)) for p, broken in zip(p_fracture, hips.fracture.tolist(), strict=True)]
    order = sorted(range(len(losses)), key=lambda hip: (-losses[hip], hip))[:MOST]
    rows = []
    for place, hip in enumerate(order, start=1):
        name = f"{PICTURES}/e{epoch:05d}_{place:02d}.png"
        run.write_bytes(name, _small(hips.images[hips.choices[hip][0]].cpu().numpy()))
        rows.append(_row(name, hips, hip, p_fracture[hip], losses[hip]))
    run.write_text(TABLE, json.dumps({"schema": SCHEMA, "epoch": epoch, "hips": rows}, indent=1) + "\n")
    _sweep(run.path / PICTURES, keep={epoch, epoch - 1})
    return run.path / TABLE


def _row(image: str, hips: HipSet, hip: int, p: float, loss: float) -> dict[str, Any]:
    code, side = hips.names[hip] if hips.names else ("", "")
    fracture = bool(hips.fracture[hip])
    finite = math.isfinite(p)
    return {
        "image": image,
        "film_code": code,
        "side": side,
        "fracture": fracture,
        "p_fracture": p if finite else None,
        "loss": round(loss, 6) if finite else None,
        "wrong": not finite or (p >= 0.5) != fracture,
    }


def _loss(p: float, fracture: bool) -> float:
    if not math.isfinite(p):
        return math.inf
    return -math.log(max(p if fracture else 1 - p, _LEAST_P))


def _small(hip: np.ndarray[Any, np.dtype[np.uint8]]) -> bytes:
    content = io.BytesIO()
    Image.fromarray(hip).resize((SMALL_PX, SMALL_PX), Image.Resampling.BOX).save(content, "PNG")
    return content.getvalue()


def _sweep(folder: Path, *, keep: set[int]) -> None:
    for path in folder.iterdir():
        found = _PICTURE.fullmatch(path.name)
        if found is None or int(found[1]) not in keep:
            path.unlink(missing_ok=True)
