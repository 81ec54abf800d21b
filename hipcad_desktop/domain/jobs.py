"""The words between the window and its worker process: one JSON object a line.

Jobs go in on the worker's standard input, events come out on its (duplicated) standard output. Every object carries
`v`, the protocol's version, and `job`, the id of the job it belongs to. A line {"v": 1, "cancel": "<job>"} cancels,
"pause" in its place stops a job where it stands until "resume"; a cancel ends a paused job too. End of file on standard
input means cancel everything and end.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

VERSION = 1
HEARTBEAT_S = 2.0
HUNG_AFTER_S = 10.0

JobKind = Literal["train", "evaluate", "diagnose", "doctor", "decode", "preflight", "compare", "explain", "batch"]


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of heavy work. arguments are the keyword arguments of the workflow, paths as strings."""

    job: str
    kind: JobKind
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cancel:
    """Stop a job."""

    cancel: str


@dataclass(frozen=True, slots=True)
class Pause:
    """Let a job stand still, its memory kept, until it is told to go on. One that does not run yet will not begin."""

    pause: str


@dataclass(frozen=True, slots=True)
class Resume:
    """Let a paused job go on."""

    resume: str


Command = Job | Cancel | Pause | Resume


@dataclass(frozen=True, slots=True)
class Started:
    """The job runs; facts name device, versions and sizes."""

    job: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The worker lives. job is empty between jobs."""

    job: str


@dataclass(frozen=True, slots=True)
class Progress:
    """done of total steps of a stage; facts may carry loss, learning_rate, images_per_s, seconds_left."""

    job: str
    stage: str
    done: int
    total: int
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Epoch:
    """One epoch's figures: train_loss, validation_loss, auc, sensitivity, specificity, learning_rate, seconds."""

    job: str
    epoch: int  # from 1
    epochs: int
    figures: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Artifact:
    """Something for the eye or the next step lies at path; what says what ("diagnosis", "model", "report")."""

    job: str
    what: str
    path: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finished:
    """The job is done; facts is its summary."""

    job: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Failed:
    """The job ended in a UserError (code and facts) or in a bug (code "bug", facts with a traceback)."""

    job: str
    code: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The job stopped because it was told to."""

    job: str


@dataclass(frozen=True, slots=True)
class Paused:
    """The job stands still; nothing comes from it but heartbeats."""

    job: str


@dataclass(frozen=True, slots=True)
class Resumed:
    """The job goes on."""

    job: str


Event = Started | Heartbeat | Progress | Epoch | Artifact | Finished | Failed | Cancelled | Paused | Resumed
_COMMANDS: Mapping[str, type[Command]] = {"cancel": Cancel, "pause": Pause, "resume": Resume}
_EVENTS: Mapping[str, type[Event]] = {
    t.__name__: t for t in (Started, Heartbeat, Progress, Epoch, Artifact, Finished, Failed, Cancelled, Paused, Resumed)
}


def event_line(event: Event) -> str:
    """One line for the wire, with its newline."""
    return json.dumps({"v": VERSION, "event": type(event).__name__, **asdict(event)}, ensure_ascii=True) + "\n"


def parse_event(line: str) -> Event:
    """Back from event_line. Raises ValueError on anything else."""
    try:
        values = json.loads(line)
        if values.pop("v") != VERSION:
            raise ValueError("another version of the protocol")
        return _EVENTS[values.pop("event")](**values)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no event: {error}") from error


def command_line(command: Command) -> str:
    """A command for the wire, with its newline."""
    return json.dumps({"v": VERSION, **asdict(command)}, ensure_ascii=True) + "\n"


def parse_command(line: str) -> Command:
    """Back from command_line. Raises ValueError on anything else."""
    try:
        values = json.loads(line)
        if values.pop("v") != VERSION:
            raise ValueError("another version of the protocol")
        kind = next((kind for word, kind in _COMMANDS.items() if word in values), Job)
        return kind(**values)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no command: {error}") from error
