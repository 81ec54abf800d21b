"""On a GPU: a step is only queued, never waited for. Passed over where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.learning.architecture import build_network
from hipcad_desktop.learning.device import choose_device
from hipcad_desktop.learning.losses import Losses
from hipcad_desktop.learning.run_folder import open_run
from hipcad_desktop.learning.trainer import RunData, Trainer
from tests.learning.hips import DATA_SHA256, begun, made_up, small

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")


@pytest.fixture
def _no_waiting() -> Iterator[None]:
    yield
    torch.cuda.set_sync_debug_mode("default")


@pytest.mark.usefixtures("_no_waiting")
def test_no_step_waits_for_the_gpu(tmp_path: Path) -> None:
    config = small(dropout=0.3, batch=4, epochs=1)
    device = choose_device("cuda")
    with open_run(tmp_path / "r", resume=False) as run:
        data = RunData(made_up(16, 1), made_up(4, 2), DATA_SHA256)
        going = Trainer(
            build_network(config), data, config=config, device=device, run=begun(run, config), watch=Watch()
        )
        first, second, *others = going.drawn(1)
        for batch in (first, second):  # the optimiser's state, the algorithms of cuDNN
            going.try_step(batch)
        losses = Losses(1, check=lambda: None)
        torch.cuda.set_sync_debug_mode("error")  # torch raises where something waits
        for step, batch in enumerate(others, start=1):
            losses.add(step, len(batch), going._step(batch, 1))
            losses.read(leave=2)
        torch.cuda.set_sync_debug_mode("default")
        losses.read(leave=0)
    assert losses.mean() is not None


def test_a_run_on_the_gpu_changes_every_weight_to_a_number(tmp_path: Path) -> None:
    config = small(dropout=0.3, epochs=2)
    device = choose_device("cuda")
    data = RunData(made_up(12, 1), made_up(6, 2), DATA_SHA256)
    with open_run(tmp_path / "r", resume=False) as run:
        network = build_network(config)
        before = {k: v.clone() for k, v in network.backbone.state_dict().items()}
        Trainer(network, data, config=config, device=device, run=begun(run, config), watch=Watch()).train()
    after = {k: v.cpu() for k, v in network.backbone.state_dict().items()}
    assert all(bool(torch.isfinite(v).all()) for v in after.values())
    assert all(not torch.equal(before[k], after[k]) for k in before if k.endswith("weight"))
