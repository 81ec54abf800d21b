"""The run itself: repeatable, resumable, cancelled soon, and honest when something runs out."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.learning import checkpoint, trainer
from hipcad_desktop.learning.run_folder import open_run
from hipcad_desktop.learning.validation import Validation
from tests.learning.hips import begun, run_to_the_end, small, trainer_for


class Recorder(Watch):
    """Keeps what was said; cancels after so many steps or epochs."""

    def __init__(self, *, steps: int = 10**9, epochs: int = 10**9) -> None:
        self.steps: list[Mapping[str, Any]] = []
        self.epochs: list[Mapping[str, Any]] = []
        self._most = steps, epochs

    def step(self, stage: str, done: int, total: int, **facts: Any) -> None:
        self.steps.append({"stage": stage, "done": done, "total": total, **facts})

    def epoch(self, epoch: int, epochs: int, figures: Mapping[str, Any]) -> None:
        self.epochs.append(figures)

    def cancelled(self) -> bool:
        return len(self.steps) >= self._most[0] or len(self.epochs) >= self._most[1]


def same(a: Mapping[str, torch.Tensor], b: Mapping[str, torch.Tensor]) -> bool:
    """Bit for bit."""
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def resumed(folder: Path, config: Any) -> Mapping[str, torch.Tensor]:
    """The weights of a run resumed until its end."""
    with open_run(folder, resume=True) as run:
        going_on = trainer_for(config, run)
        found = checkpoint.newest(run.checkpoints)
        if found:
            going_on.resume(found)
        return going_on.train().backbone.state_dict()  # type: ignore[no-any-return]


def lines(folder: Path) -> list[dict[str, Any]]:
    """metrics.jsonl."""
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_one_seed_gives_one_result_and_another_seed_another(tmp_path: Path) -> None:
    config = small(dropout=0.3)
    first = run_to_the_end(tmp_path / "a", config)
    assert same(first, run_to_the_end(tmp_path / "b", config))
    assert not same(first, run_to_the_end(tmp_path / "c", small(dropout=0.3, seed=7)))


@pytest.mark.parametrize("optimizer", ["adam", "adamw"])
def test_resumed_after_an_epoch_ends_as_the_unbroken_run(tmp_path: Path, optimizer: str) -> None:
    config = small(dropout=0.3, optimizer=optimizer)
    unbroken = run_to_the_end(tmp_path / "a", config)
    with open_run(tmp_path / "b", resume=False) as run:
        with pytest.raises(UserError) as stopped:
            trainer_for(config, begun(run, config), watch=Recorder(steps=4)).train()
        assert stopped.value.code is ErrorCode.CANCELLED
    assert same(unbroken, resumed(tmp_path / "b", config))
    figures = [{k: v for k, v in line.items() if k != "seconds"} for line in lines(tmp_path / "b")]
    assert figures == [{k: v for k, v in line.items() if k != "seconds"} for line in lines(tmp_path / "a")]


KILLED = """
import sys
from pathlib import Path
from hipcad_desktop.learning import checkpoint
from hipcad_desktop.learning.run_folder import open_run
from hipcad_desktop.learning.validation import Validation
from tests.learning.hips import begun, small, trainer_for
folder, resume = Path(sys.argv[1]), sys.argv[2] == "resume"
with open_run(folder, resume=resume) as run:
    config = small(dropout=0.3, epochs=4)
    if not resume:
        begun(run, config)
    going_on = trainer_for(config, run)
    found = checkpoint.newest(run.checkpoints)
    if found:
        going_on.resume(found)
    print("training", flush=True)
    going_on.train()
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
def test_killed_at_random_moments_and_resumed_ends_as_the_unbroken_run(tmp_path: Path) -> None:
    config = small(dropout=0.3, epochs=4)
    unbroken = run_to_the_end(tmp_path / "a", config)
    environment = {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}
    for attempt, delay_s in enumerate((0.6, 0.25)):
        word = "resume" if attempt else "new"
        command = [sys.executable, "-c", KILLED, str(tmp_path / "b"), word]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)
        assert process.stdout is not None
        assert process.stdout.readline() == b"training\n"
        time.sleep(delay_s)
        process.kill()
        process.communicate()
    assert same(unbroken, resumed(tmp_path / "b", config))
    assert [line["epoch"] for line in lines(tmp_path / "b")] == [1, 2, 3, 4]
    assert not list((tmp_path / "b").rglob("*.part"))


def test_every_epoch_leaves_figures_and_few_checkpoints(tmp_path: Path) -> None:
    config = small(epochs=5)
    watch = Recorder()
    with open_run(tmp_path / "r", resume=False) as run:
        trainer_for(config, begun(run, config), watch=watch).train()
    kept = sorted(int(p.stem.removeprefix("epoch-")) for p in (tmp_path / "r" / "checkpoints").iterdir())
    best = max(lines(tmp_path / "r"), key=lambda line: (line["auc"], line["epoch"]))["epoch"]
    assert kept == sorted({4, 5, best})
    assert len(watch.epochs) == 5
    assert watch.epochs[-1]["n_fracture"] == 3
    assert {"loss", "learning_rate", "images_per_s", "seconds_left"} <= watch.steps[0].keys()
    assert watch.steps[-1]["done"] == watch.steps[-1]["total"] == 15
    rates = [step["learning_rate"] for step in watch.steps]
    assert max(rates) <= config.max_learning_rate
    assert rates.index(max(rates)) == pytest.approx(0.3 * 15 - 1, abs=1)
    assert rates[-1] < rates[0]


@pytest.mark.parametrize(("hips", "batch", "epochs", "share"), [(2, 2, 1, 0.3), (3, 2, 1, 0.01), (5, 40, 2, 0.99)])
def test_the_smallest_sets_train(tmp_path: Path, hips: int, batch: int, epochs: int, share: float) -> None:
    config = small(batch=batch, epochs=epochs, warm_up_share=share, input_px=32)
    with open_run(tmp_path / "r", resume=False) as run:
        trainer_for(config, begun(run, config), hips=hips).train()


def test_cancelling_comes_out_of_the_middle_of_a_batch(tmp_path: Path) -> None:
    class Impatient(Watch):
        asked = 0

        def cancelled(self) -> bool:
            self.asked += 1
            return self.asked > 20

    config, watch = small(), Impatient()
    with open_run(tmp_path / "r", resume=False) as run:
        going = trainer_for(config, begun(run, config), watch=watch)
        with pytest.raises(UserError) as stopped:
            going.train()
    assert stopped.value.code is ErrorCode.CANCELLED
    assert watch.asked == 21


def test_a_cancel_in_the_backward_pass_is_still_a_cancel(tmp_path: Path) -> None:
    class Later(Watch):
        def cancelled(self) -> bool:
            return torch._C._current_graph_task_id() != -1  # true only while gradients are computed

    config = small()
    with open_run(tmp_path / "r", resume=False) as run, pytest.raises(UserError) as stopped:
        trainer_for(config, begun(run, config), watch=Later()).train()
    assert stopped.value.code is ErrorCode.CANCELLED


def test_running_out_of_memory_halves_the_micro_batch_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = trainer.changed

    def greedy(preprocess: Any, hips: torch.Tensor, *rest: Any) -> torch.Tensor:
        if len(hips) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")
        return real(preprocess, hips, *rest)

    monkeypatch.setattr(trainer, "changed", greedy)
    config, watch = small(batch=8, epochs=1), Recorder()
    with open_run(tmp_path / "r", resume=False) as run:
        trainer_for(config, begun(run, config), watch=watch, hips=16).train()
    events = [step for step in watch.steps if step.get("event") == "out_of_memory"]
    assert [(e["micro_batch"], e["accumulated"]) for e in events] == [(4, 2), (2, 4)]
    assert [line["accumulated"] for line in lines(tmp_path / "r") if "event" in line] == [2, 4]
    assert watch.steps[-1]["micro_batch"] == 2


def test_memory_that_never_suffices_ends_the_run_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def greedy(*_: Any) -> torch.Tensor:
        raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(trainer, "changed", greedy)
    config = small(batch=64)
    with open_run(tmp_path / "r", resume=False) as run, pytest.raises(UserError) as stopped:
        trainer_for(config, begun(run, config), hips=64).train()
    assert stopped.value.code is ErrorCode.OUT_OF_MEMORY
    assert [line["accumulated"] for line in lines(tmp_path / "r")] == [2, 4, 8, 16]


def test_gradients_add_up_to_those_of_the_whole_batch(tmp_path: Path) -> None:
    config = small(batch=8, dropout=0.0, line_jitter=0.0)
    with open_run(tmp_path / "r", resume=False) as run:
        going = trainer_for(config, begun(run, config), hips=8)
    for module in going._network.modules():  # batch norm depends on the micro-batch, so it stands still here
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eval()
    (batch,) = trainer.draw_epoch(going._data.training, config, 1).batches(8)
    found = []
    for parts in (1, 4):
        going._parts = parts
        loss = going._gradients(batch)
        found.append([float(loss), *(p.grad.clone() for p in going._network.backbone.parameters())])
        going._optimizer.zero_grad(set_to_none=True)
    for whole, added in zip(*found, strict=True):
        torch.testing.assert_close(whole, added, atol=1e-5, rtol=1e-3)


def test_a_loss_that_is_no_number_stops_the_run_and_spoils_no_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = trainer.functional.cross_entropy
    calls = []

    def diverging(*arguments: object, **how: object) -> torch.Tensor:
        calls.append(1)
        return real(*arguments, **how) * (torch.nan if len(calls) in (2, 4, 5, 6) else 1.0)

    monkeypatch.setattr(trainer.functional, "cross_entropy", diverging)
    monkeypatch.setattr(trainer, "validate", lambda *_, **__: Validation({"auc": 0.5}, (0.5,) * 6))
    config = small(epochs=3)
    with open_run(tmp_path / "r", resume=False) as run, pytest.raises(UserError) as stopped:
        trainer_for(config, begun(run, config)).train()
    assert stopped.value.code is ErrorCode.LOSS_NOT_FINITE
    assert stopped.value.facts == {"epoch": 2, "step": 3}  # one alone, in the first epoch, was passed over
    found = checkpoint.newest(tmp_path / "r" / "checkpoints")
    assert found is not None
    assert all(bool(torch.isfinite(t).all()) for t in found.tensors.values())


def test_rare_fractures_weigh_as_much_as_common_whole_hips() -> None:
    from hipcad_desktop.learning.data import class_weights

    weights = class_weights(torch.tensor([0, 0, 0, 1]))
    assert torch.allclose(weights, torch.tensor([2 / 3, 2.0]))
    assert torch.allclose(class_weights(torch.tensor([0, 1])), torch.ones(2))
