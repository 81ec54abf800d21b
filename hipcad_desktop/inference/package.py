"""The model package: one .hipcad file with card, ONNX graph and weights, in which any changed byte is found.

The file is a stored (not compressed) zip of exactly card.json, model.onnx and weights.safetensors. Its comment is the
SHA-256, in 64 hex digits, of every byte before the comment, zip headers included. No pickle anywhere (RELIABILITY 4.1).

Since schema 3 the weights are in it once: model.onnx lacks what weights.safetensors holds, where they may be float16,
and the latter's note "graph" says which initializer is which tensor. Schemas 1 and 2 hold a complete graph. Whoever
reads gets a complete graph in float32 from each.
"""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import stat
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, NoReturn

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.halving import LARGEST_OVERLAP_SHARE, HalvingMethod
from hipcad_desktop.domain.model_card import PRECISIONS, SCHEMA, ModelCard
from hipcad_desktop.inference.graph import graph_problem
from hipcad_desktop.inference.initializers import completed, taken_out
from hipcad_desktop.inference.stored_weights import half_precision, header, note, tensors, with_note

CARD, ONNX, WEIGHTS = "card.json", "model.onnx", "weights.safetensors"
LARGEST_FILE = 2 << 30
LARGEST_CARD = 4 << 20
COMMENT_LENGTH = 64  # hex digits of a SHA-256
_FIXED_TIME = (1980, 1, 1, 0, 0, 0)  # so that the same content gives the same bytes
_LOCAL_HEADER = b"PK\x03\x04"
_CHUNK = 1 << 20
_ONCE = 3  # the first schema with the weights once
_OF_GRAPH = "graph"  # the note in weights.safetensors: JSON, initializer -> tensor


@dataclass(frozen=True, slots=True)
class ModelPackage:
    """A package that was read and found whole. sha256 is that of the whole file, as sha256sum prints it."""

    path: Path
    card: ModelCard
    onnx: bytes = field(repr=False)
    sha256: str


def read_package(path: Path) -> ModelPackage:
    """Read card and graph of a package and check every byte of it.

    Raises UserError FILE_MISSING, NOT_A_REGULAR_FILE, NOT_A_MODEL_PACKAGE (no zip, or one without a card),
    MODEL_PACKAGE_NEWER (a later schema) or MODEL_PACKAGE_DAMAGED (anything else).
    """
    with _opened(path) as file:
        sha256 = _checked_hash(file, path)
        with _as_zip(file, path) as archive:
            card = _read_card(archive, path)
            graph = _member(archive, ONNX, path)
            weights = _member(archive, WEIGHTS, path) if card.schema >= _ONCE else None
    try:
        onnx = graph if weights is None else _whole(graph, weights)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(ErrorCode.MODEL_PACKAGE_DAMAGED, path=str(path), detail="its graph lacks weights") from error
    return ModelPackage(path=path, card=card, onnx=onnx, sha256=sha256)


def read_weights(path: Path) -> bytes:
    """The weights of a package as the bytes of a safetensors file, float16 or float32, checked as read_package does."""
    with _opened(path) as file:
        _checked_hash(file, path)
        with _as_zip(file, path) as archive:
            _read_card(archive, path)
            weights = _member(archive, WEIGHTS, path)
    if not _is_safetensors(weights):
        _damaged(path, "the weights are no safetensors file")
    return weights


def write_package(path: Path, *, card: ModelCard, onnx: bytes, weights: bytes) -> str:
    """Write a package and return the SHA-256 of the file; path holds either the old file or the whole new one.

    onnx is the complete graph. What of it `weights` holds value for value is written once (card.schema 3).
    Raises ValueError where card, graph or weights would not be read back, UserError FOLDER_NOT_WRITABLE or DISK_FULL
    where the file cannot be written.
    """
    card_bytes = _card_bytes(card)
    if problem := graph_problem(onnx):
        raise ValueError(f"the ONNX graph does not fit: {problem}")
    if not _is_safetensors(weights):
        raise ValueError("the weights are no safetensors file")
    if half_precision(weights) != (card.precision == "float16"):
        raise ValueError(f"the card's precision, {card.precision}, is not that of the weights")
    if card.schema >= _ONCE:
        onnx, weights = _once(onnx, weights)
    if len(onnx) + len(weights) + LARGEST_CARD > LARGEST_FILE:
        raise ValueError("the package would be larger than read_package accepts")
    members = ((CARD, card_bytes), (ONNX, onnx), (WEIGHTS, weights))
    temporary: Path | None = None
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        temporary = Path(name)
        with os.fdopen(handle, "w+b") as file:
            sha256 = _write_members(file, members)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            needed = math.ceil((len(onnx) + len(weights)) / 1e6)
            raise UserError(ErrorCode.DISK_FULL, path=str(path), needed_mb=needed) from error
        raise UserError(ErrorCode.FOLDER_NOT_WRITABLE, path=str(path.parent)) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
    return sha256


def _once(onnx: bytes, weights: bytes) -> tuple[bytes, bytes]:
    """Graph and weights such that no weight is in both, and the graph can be completed again."""
    graph, names = taken_out(onnx, tensors(weights))
    if not names:
        return onnx, weights
    weights = with_note(weights, _OF_GRAPH, json.dumps(names, separators=(",", ":")))
    if problem := graph_problem(_whole(graph, weights)):
        raise ValueError(f"the ONNX graph does not fit once its weights are out: {problem}")
    return graph, weights


def _whole(graph: bytes, weights: bytes) -> bytes:
    """The complete graph. Raises ValueError, KeyError, TypeError or AttributeError where the weights do not fit it."""
    names = json.loads(note(weights, _OF_GRAPH) or "{}")
    return completed(graph, tensors(weights), names)


def _write_members(file: IO[bytes], members: tuple[tuple[str, bytes], ...]) -> str:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name, _FIXED_TIME), content)
        archive.comment = b"0" * COMMENT_LENGTH
    length = file.tell()
    digest, _ = _hashes(file, length)
    file.seek(length - COMMENT_LENGTH)
    file.write(digest)
    file.flush()
    os.fsync(file.fileno())
    return _hashes(file, length)[1]


def _hashes(file: IO[bytes], length: int) -> tuple[bytes, str]:
    """The hex digits that the comment should be, and the SHA-256 of the whole file, in one pass."""
    file.seek(0)
    running = hashlib.sha256()
    left = length - COMMENT_LENGTH
    while left > 0 and (chunk := file.read(min(_CHUNK, left))):
        running.update(chunk)
        left -= len(chunk)
    content = running.hexdigest().encode("ascii")
    running.update(file.read(COMMENT_LENGTH))
    return content, running.hexdigest()


def _opened(path: Path) -> IO[bytes]:
    # The kind is asked before opening: opening a FIFO would wait for ever (RELIABILITY 1.14).
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise UserError(ErrorCode.NOT_A_REGULAR_FILE, path=str(path))
        if status.st_size > LARGEST_FILE:
            raise UserError(ErrorCode.NOT_A_MODEL_PACKAGE, path=str(path))
        return path.open("rb")
    except FileNotFoundError as error:
        raise UserError(ErrorCode.FILE_MISSING, path=str(path)) from error
    except OSError as error:
        raise UserError(ErrorCode.MODEL_PACKAGE_DAMAGED, path=str(path), detail="it cannot be opened") from error


def _checked_hash(file: IO[bytes], path: Path) -> str:
    length = file.seek(0, os.SEEK_END)
    expected, sha256 = _hashes(file, length)
    file.seek(max(0, length - COMMENT_LENGTH))
    if file.read() != expected:
        if not _claims_to_be_package(file):
            raise UserError(ErrorCode.NOT_A_MODEL_PACKAGE, path=str(path))
        _damaged(path, "its content does not match its checksum")
    return sha256


def _claims_to_be_package(file: IO[bytes]) -> bool:
    """Whether a file without a valid checksum was a package once: its first member or its directory names the card."""
    file.seek(0)
    start = file.read(64)
    if start.startswith(_LOCAL_HEADER) and start[30:].startswith(CARD.encode()):
        return True
    try:
        with zipfile.ZipFile(file) as archive:
            return CARD in archive.namelist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        return False


def _as_zip(file: IO[bytes], path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise UserError(ErrorCode.NOT_A_MODEL_PACKAGE, path=str(path)) from error


def _read_card(archive: zipfile.ZipFile, path: Path) -> ModelCard:
    names = archive.namelist()
    if CARD not in names:
        raise UserError(ErrorCode.NOT_A_MODEL_PACKAGE, path=str(path))
    if archive.getinfo(CARD).file_size > LARGEST_CARD:
        _damaged(path, "its card is too large")
    try:
        values = json.loads(_member(archive, CARD, path).decode("utf-8"), parse_constant=_no_constant)
        schema = values["schema"]
        if isinstance(schema, int) and schema > SCHEMA:  # before anything else: a later layout may differ
            raise UserError(ErrorCode.MODEL_PACKAGE_NEWER, path=str(path), found=schema, known=SCHEMA)
        card = ModelCard.from_json(values)
        _refuse_unfit_card(card)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise UserError(ErrorCode.MODEL_PACKAGE_DAMAGED, path=str(path), detail="its card is no card") from error
    if names != [CARD, ONNX, WEIGHTS]:
        _damaged(path, "it does not hold exactly card, graph and weights")
    return card


def _member(archive: zipfile.ZipFile, name: str, path: Path) -> bytes:
    try:
        info = archive.getinfo(name)
        # Stored and plain members cannot grow on reading, so the file's size limit bounds the memory too.
        if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 0x1 or info.file_size != info.compress_size:
            _damaged(path, f"{name} is compressed or encrypted")
        return archive.read(info)
    except (KeyError, zipfile.BadZipFile, EOFError, OSError, NotImplementedError) as error:
        raise UserError(ErrorCode.MODEL_PACKAGE_DAMAGED, path=str(path), detail=f"{name} is incomplete") from error


def _card_bytes(card: ModelCard) -> bytes:
    text = _card_text(card)
    if _card_text(ModelCard.from_json(json.loads(text))) != text:
        raise ValueError("the card changes on its way through JSON")
    _refuse_unfit_card(card)
    if len(content := text.encode("utf-8")) > LARGEST_CARD:
        raise ValueError("the card is too large")
    return content


def _card_text(card: ModelCard) -> str:
    return json.dumps(card.to_json(), indent=1, ensure_ascii=False, allow_nan=False)


def _refuse_unfit_card(card: ModelCard) -> None:
    """Raise ValueError on a card whose numbers no network or halving can use."""
    numbers = (*card.mean, *card.std, card.overlap_share)
    texts = (card.created_utc, card.program_version, card.backbone, card.recipe, card.intended_use, card.limits)
    tables = (card.thresholds_from, card.config, card.data, card.figures, card.versions)
    checks = (
        (isinstance(card.schema, int) and 1 <= card.schema <= SCHEMA, "schema"),
        (isinstance(card.name, str) and bool(card.name.strip()), "name"),
        (isinstance(card.input_px, int) and 32 <= card.input_px <= 1024, "input_px"),
        (len(card.mean) == 3 and len(card.std) == 3, "mean and std"),
        (all(isinstance(v, int | float) and math.isfinite(v) for v in numbers), "numbers"),
        (all(v > 0 for v in card.std), "std"),
        (0 <= card.overlap_share <= LARGEST_OVERLAP_SHARE, "overlap_share"),
        (card.halving in (HalvingMethod.MIDLINE.value, HalvingMethod.HIP.value), "halving"),
        (card.precision in PRECISIONS, "precision"),
        (all(isinstance(rule, str) for rule in card.mapping_rules), "mapping_rules"),
        (bool(card.notice), "notice"),
        (all(isinstance(text, str) for text in texts), "words"),
        (all(isinstance(table, Mapping) for table in tables), "tables"),
    )
    for ok, what in checks:
        if not ok:
            raise ValueError(f"the card's {what} cannot be used")


def _is_safetensors(content: bytes) -> bool:
    """Whether the bytes begin with a safetensors header: eight bytes of length, then that much JSON."""
    try:
        header(content)
    except ValueError:
        return False
    return True


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _damaged(path: Path, detail: str) -> NoReturn:
    raise UserError(ErrorCode.MODEL_PACKAGE_DAMAGED, path=str(path), detail=detail)
