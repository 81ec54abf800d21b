"""A model package as the window needs it: its card and its hash, without the rooms that run it."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.model_card import SCHEMA, ModelCard

_CARD = "card.json"
_LARGEST_CARD = 4 << 20


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A .hipcad file, named by the SHA-256 of its bytes. The worker checks the rest before it computes anything."""

    path: Path
    sha256: str
    card: ModelCard


def read_model_file(path: Path) -> ModelFile:
    """Read card and hash; for the pool. Raises UserError FILE_MISSING, NOT_A_MODEL_PACKAGE or MODEL_PACKAGE_*."""
    if not path.exists():
        raise UserError(ErrorCode.FILE_MISSING, path=str(path))
    if not path.is_file():
        raise UserError(ErrorCode.NOT_A_REGULAR_FILE, path=str(path))
    try:
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            with zipfile.ZipFile(file) as archive:
                if archive.getinfo(_CARD).file_size > _LARGEST_CARD:
                    raise UserError(ErrorCode.MODEL_PACKAGE_DAMAGED, path=str(path), detail="its card is too large")
                text = archive.read(_CARD)
    except (zipfile.BadZipFile, KeyError, OSError, NotImplementedError, RuntimeError) as error:
        raise UserError(ErrorCode.NOT_A_MODEL_PACKAGE, path=str(path)) from error
    return ModelFile(path, sha256, _card(text, path))


def _card(text: bytes, path: Path) -> ModelCard:
    try:
        values = json.loads(text)
        schema = values["schema"]
        if isinstance(schema, int) and schema > SCHEMA:
            raise UserError(ErrorCode.MODEL_PACKAGE_NEWER, path=str(path), found=schema, known=SCHEMA)
        return ModelCard.from_json(values)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise UserError(ErrorCode.MODEL_PACKAGE_DAMAGED, path=str(path), detail="its card is no card") from error


def card_lines(card: ModelCard) -> list[tuple[str, str]]:
    """The card as label and words."""
    low, high = card.thresholds.no_fracture, card.thresholds.fracture
    made = card.thresholds_from
    measured = ", ".join(
        f"{made[key]} {words}"
        for key, words in (("n_fracture", "hips with a fracture"), ("n_no_fracture", "without"))
        if key in made
    )
    lines = [
        ("Name", card.name),
        ("Made", f"{card.created_utc} by HipCAD {card.program_version}"),
        ("Network", f"{card.backbone}, recipe {card.recipe}, input {card.input_px} px"),
        ("States", f"no fracture below {low:.3f}, fracture from {high:.3f}, doubt between"),
        ("Thresholds from", f"{made.get('partition', 'unknown')} partition" + (f": {measured}" if measured else "")),
        ("Trained on", _counts_words(card.data)),
        ("Figures", _figures_words(card.figures)),
        (
            "Halving",
            f"{card.halving}, each window reaches {card.overlap_share:.3f} of the film's width beyond the line",
        ),
        ("For", card.intended_use),
        ("Note", card.note),
        ("Limits", card.limits),
        ("Notice", card.notice),
    ]
    return [(label, words) for label, words in lines if words]


def _counts_words(data: Mapping[str, Any]) -> str:
    counts = data.get("counts")
    if not isinstance(counts, Mapping) or not counts:
        return "not said"
    return "\n".join(
        f"{name}: {c.get('patients', '?')} patients, {c.get('films', '?')} films, "
        f"{c.get('fracture', '?')} hips with and {c.get('no_fracture', '?')} without a fracture"
        for name, c in counts.items()
        if isinstance(c, Mapping)
    )


def _figures_words(figures: Mapping[str, Any]) -> str:
    auc = figures.get("auc")
    if not isinstance(auc, int | float):
        return "none"
    where = figures.get("partition", "validation")
    return f"AUC {auc:.3f} on the {where} partition, which also chose the thresholds: too good, see a test report"
