"""A worker that behaves as its job's arguments say: slow, crashing, hanging, spamming. Speaks domain.jobs.

arguments["act"]: "finish" (default), "crash", "kill", "hang", "stop" (SIGSTOP), "deaf" (ignores cancel), "spam",
"user_error", "bug", "garbage". A train job plays epochs, a diagnose job gives an answer that names its own request:
there the first word of the file's name is the act, and the environment's FAKE_PAUSE_S is how long an answer takes,
FAKE_DEAF makes it come although the job was cancelled.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import queue
import signal
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from hipcad_desktop.domain.jobs import (
    Artifact,
    Cancel,
    Cancelled,
    Epoch,
    Event,
    Failed,
    Finished,
    Heartbeat,
    Job,
    Pause,
    Paused,
    Progress,
    Resume,
    Resumed,
    Started,
    event_line,
    parse_command,
)
from hipcad_desktop.domain.preflight import Preflight, PreflightItem

_WRITING = threading.Lock()


def say(event: Event) -> None:
    """Write one event."""
    with _WRITING, contextlib.suppress(BrokenPipeError):
        sys.stdout.write(event_line(event))
        sys.stdout.flush()


class FakeWorker:
    """Reads commands in one thread, plays jobs in the main thread."""

    def __init__(self) -> None:
        self.jobs: queue.Queue[Job | None] = queue.Queue()
        self.cancelled: set[str] = set()
        self.paused: set[str] = set()
        self.mute = threading.Event()

    def read(self) -> None:
        """Standard input until it ends."""
        for line in sys.stdin:
            command = parse_command(line)
            if isinstance(command, Cancel):
                self.cancelled.add(command.cancel)
            elif isinstance(command, Pause):
                self.paused.add(command.pause)
            elif isinstance(command, Resume):
                self.paused.discard(command.resume)
            else:
                self.jobs.put(command)
        self.cancelled.add("all")
        self.jobs.put(None)

    def beat(self) -> None:
        """A heartbeat ten times a second, until the job hangs."""
        while not self.mute.wait(0.1):
            say(Heartbeat(""))

    def stop_asked(self, job: Job) -> bool:
        """Whether this job should stop."""
        return "all" in self.cancelled or (job.job in self.cancelled and job.arguments.get("act") != "deaf")

    def play(self, job: Job) -> None:
        """One job from Started to its end."""
        act = str(job.arguments.get("act", "finish"))
        if job.kind in ("diagnose", "explain"):
            act = Path(job.arguments.get("file") or job.arguments["files"][0]).stem.partition("-")[0]
        say(
            Started(
                job.job,
                {
                    "device": "cpu",
                    "name": "fake CPU",
                    "reason": "asked for",
                    "pid": os.getpid(),
                    "epochs_done": int(job.arguments.get("first_epoch", 1)) - 1,
                },
            )
        )
        if act == "garbage":
            sys.stdout.write("no event\n{\n")
            sys.stdout.flush()
        if act == "crash":
            os._exit(3)
        if act == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if act == "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        if act == "hang":
            self.mute.set()
            time.sleep(3600)
        if act == "user_error":
            say(Failed(job.job, "dataset_damaged", {"path": "D", "detail": "hips.csv"}))
            return
        if act == "bug":
            say(Failed(job.job, "bug", {"traceback": "Traceback: KeyError: 'x'"}))
            return
        match job.kind:
            case "train":
                stopped = self.train(job, act)
            case "diagnose":
                time.sleep(float(os.environ.get("FAKE_PAUSE_S", "0")))
                stopped = self.stop_asked(job) and not os.environ.get("FAKE_DEAF")
            case _:
                stopped = self.work(job, act)
        if stopped:
            say(Cancelled(job.job))
        elif job.kind == "diagnose":
            self.diagnose(job)
        elif job.kind == "batch":
            table = str(Path(job.arguments["to"]) / "answers.csv")
            counts = {"fracture": 2, "no_fracture": 3}
            say(Finished(job.job, {"table": table, "counts": counts, "computed": 4, "kept": 1}))
        elif job.kind == "explain":
            say(Artifact(job.job, "second_opinion", "", second_opinion(job.arguments)))
            say(Finished(job.job, {}))
        elif job.kind == "preflight":
            say(Finished(job.job, made_up_preflight(str(job.arguments.get("verdict", "mind"))).to_json()))
        else:
            say(Finished(job.job, dict(job.arguments.get("summary", {"ok": True}))))

    def work(self, job: Job, act: str) -> bool:
        """Steps of progress; True where it was stopped."""
        steps = 20_000 if act == "spam" else int(job.arguments.get("steps", 3))
        pause_s = 0.0 if act == "spam" else float(job.arguments.get("pause_s", 0.01))
        for done in range(steps):
            say(Progress(job.job, "work", done + 1, steps))
            time.sleep(pause_s)
            if self.stop_asked(job):
                return True
        return False

    def stand(self, job: Job) -> None:
        """Stand still while the job is paused."""
        if job.job in self.paused:
            say(Paused(job.job))
            while job.job in self.paused and not self.stop_asked(job):
                time.sleep(0.01)
            say(Resumed(job.job))

    def train(self, job: Job, act: str) -> bool:
        """Epochs with falling loss; dies after the second where arguments say act = "die_in_training"."""
        epochs = int(job.arguments.get("config", {}).get("epochs", 3))
        pause_s = float(job.arguments.get("pause_s", 0.005))
        for epoch in range(int(job.arguments.get("first_epoch", 1)), epochs + 1):
            for step in range(5):
                self.stand(job)
                facts = {"loss": 1 / (epoch + step / 5), "learning_rate": 1e-3}
                facts |= {"images_per_s": 40.0, "seconds_left": 9.0}
                say(Progress(job.job, "train", (epoch - 1) * 5 + step + 1, epochs * 5, facts))
                time.sleep(pause_s)
                if self.stop_asked(job):
                    return True
            if epoch == 2 and act == "out_of_memory":
                event = {"event": act, "sentence": "Memory ran out: 8 hips at once from now on, 2 times a step."}
                say(Progress(job.job, "train", epoch * 5, epochs * 5, event))
            figures = {"train_loss": 0.7 / epoch, "validation_loss": 0.8 / epoch, "auc": 1 - 0.4 / epoch}
            figures |= {"sensitivity": 1 - 0.5 / epoch, "specificity": 1 - 0.3 / epoch}
            figures |= {"learning_rate": 1e-3, "seconds": 1.0}
            say(Epoch(job.job, epoch, epochs, figures))
            if job.arguments.get("worst"):
                say(Artifact(job.job, "worst_hips", str(job.arguments["worst"]), {"epoch": epoch}))
            if epoch == 2 and Path(str(job.arguments.get("to", ""))).stem == "dies" and not job.arguments.get("resume"):
                os._exit(3)
        return False

    def diagnose(self, job: Job) -> None:
        """Answers whose figures are a fingerprint of file, model and midline, so that a test can tell a mix-up."""
        for file in job.arguments["files"]:
            if Path(file).stem.startswith("unreadable"):
                say(Artifact(job.job, "failure", file, {"code": "not_a_film", "facts": {"path": file}}))
                continue
            midline = (job.arguments.get("midlines") or {}).get(file)
            facts = answer(file, str(job.arguments["model"]), midline)
            say(Artifact(job.job, "diagnosis", "", facts))
        say(Finished(job.job, {}))


def made_up_preflight(verdict: str) -> Preflight:
    """A check of a small training: "ok" on a GPU, "mind" on the processor, "stop" with too little memory."""
    fracture = {"patients": 60, "films": 80, "hips": 160, "fracture": 70, "no_fracture": 90}
    few = "Few fractures: such a model's answers mean nothing." if verdict != "ok" else ""
    items = (
        PreflightItem("Hips", "160 to train on, 70 of them broken", "mind" if few else "ok", few),
        PreflightItem("Backbone", "tf_efficientnet_lite0.in1k, 3.4 million parameters", "ok", ""),
        PreflightItem("Disk", "55 MB needed, 22,000 MB free", "ok", ""),
    )
    on_gpu = verdict == "ok"
    device = PreflightItem("Device", "fake GPU, driver 1.2" if on_gpu else "fake CPU", "ok", "")
    if not on_gpu:
        device = replace(device, verdict="mind", sentence="No GPU can be used: torch sees none. Slow.")
    if verdict == "stop":
        short = "Choose a batch of 8 or a smaller input."
        items += (PreflightItem("Memory", "9,400 MB needed, 3,100 MB free", "stop", short),)
    return Preflight(
        items=(device, *items),
        counts={"training": fracture, "validation": fracture, "test": fracture},
        device="cuda" if on_gpu else "cpu",
        device_name="fake GPU" if on_gpu else "fake CPU",
        precision="bfloat16" if on_gpu else "float32",
        free_memory_mb=3100,
        batch=16,
        micro_batch=16,
        steps=80,
        timed_steps=3,
        seconds_per_step=0.5,
        images_per_s=32.0,
        seconds_total=660.0,
        disk_needed_mb=55,
        disk_free_mb=22_000,
        peak_memory_mb=2400,
    )


def fingerprint(file: str, model: str, midline: float | None) -> float:
    """A probability that only this request has."""
    digest = hashlib.sha256(f"{file}|{model}|{midline}".encode()).digest()
    return int.from_bytes(digest[:4], "big") / 2**32


def answer(file: str, model: str, midline: float | None) -> dict[str, Any]:
    """What the real worker says of a film of 100 x 80 pixels."""
    facts: dict[str, Any] = {
        "file": file,
        "film_id": hashlib.sha256(Path(file).read_bytes()).hexdigest(),
        "model": {"name": "fake", "sha256": hashlib.sha256(Path(model).read_bytes()).hexdigest()},
        "seconds": 0.01,
        "refused": None,
        "midline_px": None,
        "hips": [],
        "film_size": [100, 80],
        "warnings": ["A warning."] if Path(file).stem.startswith("warned") else [],
    }
    if Path(file).stem.startswith("refused"):
        return facts | {"refused": "No answer: the film is blank."}
    middle = 50.0 if midline is None else midline
    p = fingerprint(file, model, midline)
    right = {"side": "R", "half": "left", "p_fracture": p, "state": state(p), "window_px": [0.0, middle + 10]}
    left = {"side": "L", "half": "right", "p_fracture": 1 - p, "state": state(1 - p), "window_px": [middle - 10, 100.0]}
    if Path(file).stem.startswith("square"):  # one of them leaves the film
        right["window_px"] = [middle - 40, middle - 10, 20.0, 50.0]
        left["window_px"] = [middle + 15, middle + 55, 20.0, 60.0]
    if Path(file).stem.startswith("metal"):
        left |= {"p_fracture": None, "state": None, "refused": "No answer: metal."}
    return facts | {"midline_px": middle, "hips": [right, left]}


def second_opinion(arguments: Any) -> dict[str, Any]:
    """What the real worker says of a second opinion on a film of 100 x 80 pixels."""
    of = answer(arguments["file"], arguments["model"], arguments["midline_px"])
    (hip,) = [h for h in of["hips"] if h["side"] == arguments["side"]]
    return {
        "film_id": of["film_id"],
        "model_sha256": of["model"]["sha256"],
        "side": hip["side"],
        "window_px": hip["window_px"],
        "method_name": arguments["method"],
        "overlay_path": "",
        "explained": 0.9,
        "seconds": 1.0,
        "words": "Where the model looked, not where the fracture is.",
        "notice": "Research use only. Not for clinical diagnosis.",
    }


def state(p: float) -> str:
    """The state under thresholds 0.2 and 0.8."""
    return "fracture" if p >= 0.8 else "no_fracture" if p < 0.2 else "doubt"


def main() -> None:
    """Run until standard input ends."""
    worker = FakeWorker()
    threading.Thread(target=worker.read, daemon=True).start()
    threading.Thread(target=worker.beat, daemon=True).start()
    while (job := worker.jobs.get()) is not None:
        worker.play(job)


if __name__ == "__main__":
    main()
