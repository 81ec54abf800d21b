"""A training run as its events tell it: a value that grows, from which everything on the screen is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from hipcad_desktop.domain.errors import ErrorCode
from hipcad_desktop.domain.jobs import (
    Artifact,
    Cancelled,
    Epoch,
    Event,
    Failed,
    Finished,
    Paused,
    Progress,
    Resumed,
    Started,
)

Outcome = Literal["waiting", "running", "finished", "failed", "cancelled", "interrupted"]
_MOST_STEPS = 4000  # points of the step curve; beyond, every second one is dropped


@dataclass(slots=True)
class RunState:
    """What one run has said so far. Epoch figures are kept as they came."""

    job: str
    outcome: Outcome = "waiting"
    started: Mapping[str, Any] = field(default_factory=dict)
    stage: str = ""
    done: int = 0
    total: int = 0
    epoch: int = 0  # epochs that ended
    epochs: int = 0
    loss: float | None = None
    learning_rate: float | None = None
    images_per_s: float | None = None
    seconds_left: float | None = None
    figures: list[Mapping[str, Any]] = field(default_factory=list)
    steps: list[tuple[float, float]] = field(default_factory=list)  # (share of the run, loss of a step)
    rates: list[tuple[float, float]] = field(default_factory=list)  # (share of the run, learning rate)
    notes: list[str] = field(default_factory=list)  # what a person has to know: memory ran out, the computer slept
    worst: tuple[str, int] = ("", 0)  # path of the table of the most wrong hips, and its epoch
    paused: Literal["no", "asked", "yes"] = "no"
    artifacts: dict[str, str] = field(default_factory=dict)
    summary: Mapping[str, Any] = field(default_factory=dict)
    failure: Failed | None = None
    is_resumed: bool = False

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self.outcome in ("finished", "failed", "cancelled", "interrupted")

    @property
    def resumable(self) -> bool:
        """Whether there is something to go on with: a run that had begun and did not finish, now or earlier."""
        if self.outcome in ("cancelled", "interrupted"):
            return True
        unfinished = self.failure is not None and self.failure.code == ErrorCode.RUN_UNFINISHED
        return self.outcome == "failed" and (unfinished or bool(self.started) or self.is_resumed)

    @property
    def share(self) -> float | None:
        """How much of the whole is done; None where nobody can say."""
        return self.done / self.total if self.total > 0 else None

    def hear(self, event: Event) -> bool:
        """Take in an event; False where it belongs to another job."""
        if event.job != self.job:
            return False
        match event:
            case Started(facts=facts):
                self.outcome, self.started = "running", facts
                self.epochs = int(facts.get("epochs") or self.epochs)
                self._keep_epochs(int(facts.get("epochs_done") or 0))
            case Progress():
                self._progress(event)
            case Epoch():
                self.figures.append({"epoch": event.epoch, **event.figures})
                self.epoch, self.epochs = event.epoch, event.epochs
                self.learning_rate = _number(event.figures.get("learning_rate")) or self.learning_rate
            case Artifact(what="worst_hips", path=path, facts=facts):
                self.worst = path, int(facts.get("epoch") or self.epoch)
            case Artifact(what=what, path=path):
                self.artifacts[what] = path
            case Paused():
                self.paused = "yes"
            case Resumed():
                self.paused = "no"
            case Finished(facts=facts):
                self.outcome, self.summary = "finished", facts
            case Failed():
                self.outcome, self.failure = "failed", event
            case Cancelled():
                self.outcome = "cancelled"
        return True

    def follow(self, before: RunState) -> None:
        """Go on where a run that is resumed had stopped."""
        self.is_resumed = True
        self.figures, self.steps, self.rates = list(before.figures), list(before.steps), list(before.rates)
        self.notes, self.worst = list(before.notes), before.worst
        self.epoch, self.epochs = before.epoch, before.epochs

    def _keep_epochs(self, done: int) -> None:
        """Forget what lies after the epoch from which the run goes on."""
        self.epoch = done
        self.figures = [f for f in self.figures if f["epoch"] <= done]
        if self.epochs:
            self.steps = [s for s in self.steps if s[0] <= done / self.epochs]
            self.rates = [r for r in self.rates if r[0] <= done / self.epochs]

    def _progress(self, event: Progress) -> None:
        facts = event.facts
        if facts.get("event"):  # memory ran out, the computer slept: the trainer says it in a sentence
            words = str(facts.get("sentence") or f"The run says: {facts['event']}.".replace("_", " "))
            self.notes = [*[note for note in self.notes if note != words], words]
            return
        self.stage, self.done, self.total = event.stage, event.done, event.total
        rate = _number(facts.get("learning_rate"))
        self.learning_rate = rate or self.learning_rate
        self.images_per_s = _number(facts.get("images_per_s"))
        self.seconds_left = _number(facts.get("seconds_left"))
        loss = _number(facts.get("loss"))
        if event.total > 0 and rate is not None:
            self.rates = _kept(self.rates, (event.done / event.total, rate))
        if loss is not None:
            self.loss = loss
            if event.total > 0:
                self.steps = _kept(self.steps, (event.done / event.total, loss))


def _kept(points: list[tuple[float, float]], point: tuple[float, float]) -> list[tuple[float, float]]:
    """The points with one more; every second one is dropped where there are too many to draw."""
    points.append(point)
    return points[::2] if len(points) > _MOST_STEPS else points


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and value == value else None
