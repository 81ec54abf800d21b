"""Open a dataset's test partition, and never unseen: each opening is recorded before a test hip is scored.

DATASET/test_openings.jsonl has a line an opening. A line's hash is SHA-256 of the hash before it and of its opening;
before the first is the dataset's own (hips_sha256). So a line that is changed, moved, taken out or brought from
another dataset is found. A cut end is not: what was cut is in those openings' reports, which carry all before them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from hipcad_desktop import __version__
from hipcad_desktop.domain.dataset import MANIFEST_NAME
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.metrics import Thresholds
from hipcad_desktop.domain.seal import Opening
from hipcad_desktop.workflows.utc import stamp
from hipcad_desktop.workflows.write_whole import append_durably

OPENINGS_NAME = "test_openings.jsonl"
_LOCK_NAME = f".{OPENINGS_NAME}.lock"
_LOCK_S = 10.0


def openings(dataset: Path) -> tuple[Opening, ...]:
    """Every opening so far, first to last. Raises UserError NOT_A_DATASET, TEST_SEAL_BROKEN."""
    return _read(dataset)[0]


def record_opening(
    dataset: Path, *, model_name: str, model_sha256: str, thresholds: Thresholds, now: datetime
) -> tuple[Opening, ...]:
    """Record an opening durably; all of them, this one last. now has its time zone.

    Raises UserError NOT_A_DATASET, TEST_SEAL_BROKEN, TEST_SEAL_NOT_WRITTEN; the record is then what it was.
    """
    with _held(dataset):
        before, last, size = _read(dataset)
        opening = Opening(len(before) + 1, stamp(lambda: now), model_name, model_sha256, thresholds, __version__)
        path = dataset / OPENINGS_NAME
        try:
            append_durably(path, _line(opening, last), at=size)
        except OSError as error:
            raise _not_written(path, error.strerror or str(error)) from error
    return (*before, opening)


def _read(dataset: Path) -> tuple[tuple[Opening, ...], str, int]:
    """The openings, the last hash, and the size in bytes of the whole lines."""
    last = _dataset_hash(dataset)
    path = dataset / OPENINGS_NAME
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return (), last, 0
    except OSError as error:
        raise _broken(path, "it cannot be read") from error
    # A last line without its end is an opening that a power cut broke off: no test hip had been scored.
    size = data.rfind(b"\n") + 1
    found: list[Opening] = []
    for number, line in enumerate(data[:size].split(b"\n")[:-1], 1):
        try:
            opening = Opening.from_json(json.loads(line)["opening"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise _broken(path, f"line {number} is no opening") from error
        if opening.number != number or line + b"\n" != _line(opening, last):
            raise _broken(path, f"line {number} does not follow from what is before it")
        found.append(opening)
        last = _hash(opening, last)
    return tuple(found), last, size


def _dataset_hash(dataset: Path) -> str:
    """hips_sha256 of the manifest, without reading the images."""
    try:
        return str(json.loads((dataset / MANIFEST_NAME).read_bytes())["hips_sha256"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        code = ErrorCode.NOT_A_DATASET if dataset.exists() else ErrorCode.FILE_MISSING
        raise UserError(code, path=str(dataset)) from error


def _hash(opening: Opening, before: str) -> str:
    text = json.dumps(opening.to_json(), sort_keys=True, ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(f"{before}\n{text}".encode()).hexdigest()


def _line(opening: Opening, before: str) -> bytes:
    content = {"opening": opening.to_json(), "hash": _hash(opening, before)}
    return json.dumps(content, sort_keys=True, ensure_ascii=True, allow_nan=False).encode() + b"\n"


@contextmanager
def _held(dataset: Path) -> Iterator[None]:
    """One opening at a time, whatever process asks; the system lets go of the lock when its holder dies."""
    import filelock  # the window reads openings and never records one

    _dataset_hash(dataset)  # no lock file where there is no dataset
    path = dataset / OPENINGS_NAME
    lock = filelock.FileLock(dataset / _LOCK_NAME)
    try:
        lock.acquire(timeout=_LOCK_S)
    except filelock.Timeout as error:
        raise _not_written(path, "another evaluation is writing there") from error
    except (OSError, NotImplementedError) as error:
        raise _not_written(path, getattr(error, "strerror", None) or "no lock can be had there") from error
    try:
        yield
    finally:
        lock.release()


def _broken(path: Path, detail: str) -> UserError:
    return UserError(ErrorCode.TEST_SEAL_BROKEN, path=str(path), detail=detail)


def _not_written(path: Path, why: str) -> UserError:
    return UserError(ErrorCode.TEST_SEAL_NOT_WRITTEN, path=str(path), detail=why)
