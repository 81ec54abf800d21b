"""A model package as the window needs it: its card and its hash, without the rooms that run it."""

from __future__ import annotations

import hashlib
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

from hipcad_desktop.app.paths import resource
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
    size: int  # in bytes

    @property
    def in_the_box(self) -> bool:
        """Whether it is one that ships with the program."""
        return self.path.parent == resource("models")


def read_model_file(path: Path) -> ModelFile:
    """Read card and hash; for the pool. Raises UserError FILE_MISSING, NOT_A_MODEL_PACKAGE or MODEL_PACKAGE_*."""
    if not path.exists():
        raise UserError(ErrorCode.FILE_MISSING, path=str(path))
    if not path.is_file():
        raise UserError(ErrorCode.NOT_A_REGULAR_FILE, path=str(path))
    try:
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            size = file.tell()
            with zipfile.ZipFile(file) as archive:
                if archive.getinfo(_CARD).file_size > _LARGEST_CARD:
                    raise UserError(ErrorCode.MODEL_PACKAGE_DAMAGED, path=str(path), detail="its card is too large")
                text = archive.read(_CARD)
    except (zipfile.BadZipFile, KeyError, OSError, NotImplementedError, RuntimeError) as error:
        raise UserError(ErrorCode.NOT_A_MODEL_PACKAGE, path=str(path)) from error
    return ModelFile(path, sha256, _card(text, path), size)


def _card(text: bytes, path: Path) -> ModelCard:
    try:
        values = json.loads(text)
        schema = values["schema"]
        if isinstance(schema, int) and schema > SCHEMA:
            raise UserError(ErrorCode.MODEL_PACKAGE_NEWER, path=str(path), found=schema, known=SCHEMA)
        return ModelCard.from_json(values)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise UserError(ErrorCode.MODEL_PACKAGE_DAMAGED, path=str(path), detail="its card is no card") from error
