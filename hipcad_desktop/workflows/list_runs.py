"""Trainings that were run, from the folders they left: listed, and held side by side. Reads only; needs no torch."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.runs import FIGURES, Compared, RunComparison, RunRow, RunState

_DEEPEST = 4  # folders below one that was named
_MOST_FOLDERS = 20_000  # looked into; a whole disk was named by mistake
_CONFIG, _METRICS, _ENVIRONMENT, _FINISHED = "config.json", "metrics.jsonl", "environment.json", "finished.json"
_ENDED = "ended: "


def list_runs(folders: Sequence[Path]) -> tuple[RunRow, ...]:
    """The runs in these folders (each a run itself, or one that holds runs), the latest first.

    A run that cannot be read whole is listed as "damaged". Raises UserError FILE_MISSING.
    """
    found: dict[Path, RunRow] = {}
    for folder in folders:
        if not folder.is_dir():
            raise UserError(ErrorCode.FILE_MISSING, path=str(folder))
        for path in _runs_below(folder):
            found.setdefault(path.resolve(), _Run(path).row())
    return tuple(sorted(found.values(), key=lambda row: (row.started_utc, row.path), reverse=True))


def compare_runs(paths: Sequence[Path]) -> RunComparison:
    """Runs side by side, in the order given: config, environment, and the figures of each epoch.

    Raises UserError NOT_A_RUN.
    """
    runs = []
    for path in paths:
        if not _is_run(path):
            raise UserError(ErrorCode.NOT_A_RUN, path=str(path))
        runs.append(_Run(path))
    return RunComparison(
        runs=tuple(run.row() for run in runs),
        config=_table([run.config for run in runs]),
        environment=_table([_flat(run.environment) for run in runs]),
        curves={name: tuple(run.curve(name) for run in runs) for name in FIGURES},
    )


class _Run:
    """The files of one run, as far as they can be read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config, self.environment = _object(path / _CONFIG), _object(path / _ENVIRONMENT)
        self._finished = _object(path / _FINISHED)
        self._lines = list(_lines(path / _METRICS))
        self._epochs = {int(line["epoch"]): line for line in self._lines if "event" not in line}

    def row(self) -> RunRow:
        """The run on one line."""
        config, environment = self.config, self.environment
        done = max(self._epochs, default=0)
        last = self._epochs.get(done, {})
        return RunRow(
            path=str(self.path),
            name=self.path.name.removesuffix(".run"),
            state=self._state(),
            started_utc=_text(environment, "started_utc"),
            recipe=_text(config, "recipe"),
            backbone=_text(config, "backbone"),
            weights=_text(config, "weights"),
            seed=_whole(config, "seed"),
            epochs_done=done,
            epochs=_whole(config, "epochs") or 0,
            auc=_number(last, "auc"),
            sensitivity=_number(last, "sensitivity"),
            specificity=_number(last, "specificity"),
            n_fracture=_whole(last, "n_fracture") or 0,
            n_no_fracture=_whole(last, "n_no_fracture") or 0,
            seconds=sum(_number(line, "seconds") or 0.0 for line in self._epochs.values()),
            device=_text(environment, "device"),
            data_sha256=_text(environment, "data_sha256"),
            model=_text(self._finished, "model"),
            model_sha256=_text(self._finished, "model_sha256"),
            ended=self._ended(),
            events=tuple(line for line in self._lines if "event" in line),
        )

    def curve(self, name: str) -> tuple[tuple[int, float], ...]:
        """A figure by epoch; epochs without it are left out."""
        points = ((epoch, _number(line, name)) for epoch, line in sorted(self._epochs.items()))
        return tuple((epoch, value) for epoch, value in points if value is not None)

    def _state(self) -> RunState:
        if not self.config or not self.environment:
            return "damaged"
        if self._finished:
            return "finished"
        return "running" if _alive(self.path / "trainer.pid") else "unfinished"

    def _ended(self) -> str:
        """Why the run ended, from the last line of its log; empty where it finished, runs, or was killed."""
        with suppress(OSError):
            lines = (self.path / "log.txt").read_text(encoding="utf-8", errors="replace").splitlines()
            last = lines[-1] if lines else ""
            if not self._finished and _ENDED in last:
                return last.partition(_ENDED)[2].strip()
        return ""


def _is_run(path: Path) -> bool:
    return (path / _CONFIG).is_file() and (path / _METRICS).is_file()


def _runs_below(folder: Path) -> Iterator[Path]:
    """The folder itself where it is a run, else the runs in it; links are not followed."""
    if _is_run(folder):
        yield folder
        return
    for looked, (parent, folders, _) in enumerate(os.walk(folder)):
        here = Path(parent)
        runs = [name for name in sorted(folders) if _is_run(here / name)]
        yield from (here / name for name in runs)
        deep = len(here.relative_to(folder).parts) + 1 >= _DEEPEST
        folders[:] = [] if deep or looked > _MOST_FOLDERS else sorted(set(folders) - set(runs))


def _object(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a table that may just be written to: what is no whole line yet is left out."""
    with suppress(OSError):
        for text in path.read_text(encoding="utf-8", errors="replace").splitlines():
            with suppress(ValueError, RecursionError):
                line = json.loads(text)
                if isinstance(line, dict) and ("event" in line or isinstance(line.get("epoch"), int)):
                    yield line


def _alive(pid_file: Path) -> bool:
    """Whether the process that trains here lives on this machine. Of a killed one the file stays."""
    try:
        pid = int(pid_file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return False
    if os.name == "nt":  # there a signal of 0 would end the process; the file is held open by the one that lives
        return _held(pid_file.with_name("lock"))
    with suppress(ProcessLookupError, OverflowError):
        try:
            os.kill(pid, 0)
        except PermissionError:
            return True
        return _held(pid_file.with_name("lock"))
    return False


def _held(lock: Path) -> bool:
    """Whether somebody holds a run's lock: a pid is given out again, a lock is not."""
    try:
        import filelock
    except ImportError:  # an edition that cannot train
        return False
    try:
        with filelock.FileLock(lock, timeout=0):
            return False
    except filelock.Timeout:
        return True
    except OSError:  # a folder that cannot be written to
        return False


def _flat(values: Mapping[str, Any]) -> dict[str, Any]:
    """{"versions": {"torch": "2"}} as {"versions.torch": "2"}."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat |= {f"{name}.{inner}": found for inner, found in value.items()}
        else:
            flat[name] = value
    return flat


def _table(columns: Sequence[Mapping[str, Any]]) -> tuple[Compared, ...]:
    names = dict.fromkeys(name for column in columns for name in column)
    return tuple(Compared(name, tuple(_words(column.get(name)) for column in columns)) for name in names)


def _words(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}"
        case list():
            return ", ".join(_words(each) for each in value)
        case _:
            return str(value)


def _text(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name, "")
    return value if isinstance(value, str) else ""


def _whole(values: Mapping[str, Any], name: str) -> int | None:
    value = values.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _number(values: Mapping[str, Any], name: str) -> float | None:
    value = values.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    with suppress(OverflowError):  # a whole number of hundreds of digits
        if math.isfinite(value):
            return float(value)
    return None
