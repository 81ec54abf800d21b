"""The folder of one training: its config, where it ran, every figure, its checkpoints, and one trainer at a time."""

from __future__ import annotations

import json
import math
import os
import platform
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import filelock
import torch

import hipcad_desktop
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.faults import is_disk_full
from hipcad_desktop.domain.training import TrainConfig, with_defaults
from hipcad_desktop.learning import checkpoint
from hipcad_desktop.learning.device import driver_version, torch_build

_CONFIG, _ENVIRONMENT, _METRICS, _LOG, _FINISHED = (
    "config.json",
    "environment.json",
    "metrics.jsonl",
    "log.txt",
    "finished.json",
)
_LOCK, _PID = "lock", "trainer.pid"
_CHECKPOINTS = "checkpoints"
_OTHERS = ("worst", "worst.json", "model_card.md", "model_card.html", "data_card.md", "data_card.html")
_ROOM_MB = 10  # to go on with a run whose table or log could not be written
_PACKAGES = ("torch", "timm", "numpy", "safetensors", "onnx", "onnxscript", "onnxruntime")


class RunFolder:
    """A run's folder, held by this process from open_run until it is closed."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def checkpoints(self) -> Path:
        """Where the checkpoints lie."""
        return self.path / _CHECKPOINTS

    def begin(self, config: TrainConfig, *, data_sha256: str, environment: Mapping[str, Any]) -> None:
        """Write config and environment of a run that starts at its first epoch."""
        self.write_text(_METRICS, "")
        self.write_text(_ENVIRONMENT, _pretty({**environment, "seed": config.seed, "data_sha256": data_sha256}))
        self.write_text(_CONFIG, _pretty(config.to_json()))

    def refuse_other(self, config: TrainConfig, *, data_sha256: str) -> None:
        """Raise UserError RUN_OTHER where the run in this folder has another config or other data."""
        try:
            theirs = json.loads((self.path / _CONFIG).read_text(encoding="utf-8"))
            environment = json.loads((self.path / _ENVIRONMENT).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UserError(ErrorCode.RUN_OTHER, path=str(self.path), detail="its config cannot be read") from error
        theirs, ours = with_defaults(theirs), config.to_json()
        differing = sorted(k for k in ours.keys() | theirs.keys() if ours.get(k) != theirs.get(k))
        if environment.get("data_sha256") != data_sha256:
            differing.append("dataset")
        if differing:
            raise UserError(ErrorCode.RUN_OTHER, path=str(self.path), detail=f"other {', '.join(differing)}")

    def rewrite_metrics(self, history: Iterable[Mapping[str, Any]]) -> None:
        """Make metrics.jsonl say what a checkpoint knows: a kill may have come between the two."""
        self.write_text(_METRICS, "".join(json.dumps(dict(line)) + "\n" for line in history))

    def add_metrics(self, line: Mapping[str, Any]) -> None:
        """Append one line to metrics.jsonl."""
        try:
            with (self.path / _METRICS).open("a", encoding="utf-8") as file:
                file.write(json.dumps(dict(line)) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise self._not_written(error) from error

    def log(self, text: str) -> None:
        """Append one line with the time to the log. On a full disk the line is lost: why a run ended is told anyway."""
        with suppress(OSError), (self.path / _LOG).open("a", encoding="utf-8") as file:
            file.write(f"{datetime.now(UTC).isoformat(timespec='seconds')} {text}\n")

    def finish(self, facts: Mapping[str, Any]) -> None:
        """Say that the model was written."""
        self.write_text(_FINISHED, _pretty(facts))

    def needs_space(self, needed_bytes: int) -> None:
        """Raise UserError DISK_FULL where less is free; the checkpoints of a resumed run are there already."""
        missing = needed_bytes - sum(path.stat().st_size for path in self.checkpoints.iterdir())
        if shutil.disk_usage(self.path).free < missing:
            raise UserError(ErrorCode.DISK_FULL, path=str(self.path), needed_mb=math.ceil(missing / 1e6))

    def write_text(self, name: str, text: str) -> None:
        """Write a file of the run in one piece. Raises UserError DISK_FULL or FOLDER_NOT_WRITABLE."""
        self.write_bytes(name, text.encode("utf-8"))

    def write_bytes(self, name: str, content: bytes) -> None:
        """Write a file of the run, in a folder of its own or not, in one piece; raises as write_text."""
        part = self.path / f"{name}.part"
        try:
            part.parent.mkdir(exist_ok=True)
            with part.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, self.path / name)
        except OSError as error:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            raise self._not_written(error) from error

    def _not_written(self, error: OSError) -> UserError:
        if is_disk_full(error):
            return UserError(ErrorCode.DISK_FULL, path=str(self.path), needed_mb=_ROOM_MB)
        return UserError(ErrorCode.FOLDER_NOT_WRITABLE, path=str(self.path))


@contextmanager
def open_run(path: Path, *, resume: bool) -> Iterator[RunFolder]:
    """Make or take the folder of a run and hold its lock.

    Raises UserError RUN_BUSY (another trainer holds it), RUN_UNFINISHED (a run with finished epochs, and no resume),
    TARGET_EXISTS (a finished run, and no resume), TARGET_NOT_EMPTY (no run at all), NOTHING_TO_RESUME,
    FOLDER_NOT_WRITABLE.
    """
    _refuse_no_run(path, resume=resume)
    made_here = not path.exists()
    try:
        (path / _CHECKPOINTS).mkdir(parents=True, exist_ok=True)
        # The system lets go of this lock when its process dies, however it dies: no stale lock, no reused pid.
        lock = filelock.FileLock(path / _LOCK)
        lock.acquire(timeout=0)
    except filelock.Timeout as error:
        raise UserError(ErrorCode.RUN_BUSY, path=str(path), pid=_read_pid(path)) from error
    except OSError as error:
        raise UserError(ErrorCode.FOLDER_NOT_WRITABLE, path=str(path)) from error
    try:
        _refuse_progress(path, resume=resume)
        folder = RunFolder(path)
        (path / _PID).write_text(str(os.getpid()), encoding="ascii")
        checkpoint.sweep_parts(path)
        checkpoint.sweep_parts(folder.checkpoints)
        yield folder
    finally:
        (path / _PID).unlink(missing_ok=True)
        lock.release()
        if made_here and not (path / _CONFIG).exists():  # refused before the run began: nothing worth keeping
            shutil.rmtree(path, ignore_errors=True)


def environment(*, device: str, precision: str) -> dict[str, Any]:
    """Where and with what a run was made."""
    versions = {"hipcad_desktop": hipcad_desktop.__version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = ""  # a frozen build may carry no metadata
    return {
        "versions": versions,
        "device": device,
        "precision": precision,
        "torch_build": torch_build(),
        "driver": driver_version() if precision != "float32" else "",
        "threads": torch.get_num_threads(),  # sums on the CPU are added up in that many pieces
        "system": platform.platform(),
        "git_commit": _git_commit(),
        "started_utc": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _refuse_no_run(path: Path, *, resume: bool) -> None:
    """Before anything is made or locked: what lies here is no run, or there is none to resume."""
    if resume:
        if not (path / _CONFIG).is_file():
            raise UserError(ErrorCode.NOTHING_TO_RESUME, path=str(path))
        return
    if not path.exists():
        return
    if not path.is_dir():
        raise UserError(ErrorCode.TARGET_EXISTS, path=str(path))
    ours = {*_OTHERS, _CONFIG, _ENVIRONMENT, _METRICS, _LOG, _FINISHED, _LOCK, _PID, _CHECKPOINTS}
    if any(entry.name.removesuffix(".part") not in ours for entry in path.iterdir()):
        raise UserError(ErrorCode.TARGET_NOT_EMPTY, path=str(path))


def _refuse_progress(path: Path, *, resume: bool) -> None:
    """Under the lock: a new run never goes over a run that has something to lose."""
    if resume:
        return
    if (path / _FINISHED).is_file():
        raise UserError(ErrorCode.TARGET_EXISTS, path=str(path))
    if checkpoint.any_in(path / _CHECKPOINTS):
        raise UserError(ErrorCode.RUN_UNFINISHED, path=str(path))


def _read_pid(path: Path) -> str:
    try:
        return (path / _PID).read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return ""


def _pretty(values: Mapping[str, Any]) -> str:
    return json.dumps(dict(values), indent=1) + "\n"


def _git_commit() -> str:
    """The commit of the checkout that this program runs from; empty elsewhere."""
    checkout = Path(hipcad_desktop.__file__).resolve().parents[1]
    if not (checkout / ".git").exists():
        return ""
    try:
        command = ["git", "-C", str(checkout), "rev-parse", "HEAD"]
        said = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=5, text=True
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return said.stdout.strip() if said.returncode == 0 else ""
