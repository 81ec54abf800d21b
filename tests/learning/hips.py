"""Small made-up hips: noise, and a dark square where the hip is "broken"."""

from __future__ import annotations

from pathlib import Path

import torch

from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.domain.training import TrainConfig
from hipcad_desktop.learning.architecture import build_network
from hipcad_desktop.learning.data import HipSet
from hipcad_desktop.learning.device import choose_device
from hipcad_desktop.learning.distributed import ALONE, Team
from hipcad_desktop.learning.run_folder import RunFolder
from hipcad_desktop.learning.trainer import RunData, Trainer
from tests.fakes.tiny_recipe import TINY

DATA_SHA256 = "0" * 64


def made_up(n: int, seed: int, *, halvings: int = 1) -> HipSet:
    """n hips, every other one broken, each with as many images as halvings."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(100, 256, (n * halvings, 380, 380), generator=generator, dtype=torch.uint8)
    fracture = torch.arange(n) % 2
    for hip in range(1, n, 2):
        images[hip * halvings : (hip + 1) * halvings, 80:300, 80:300] //= 4
    choices = tuple(tuple(range(i * halvings, (i + 1) * halvings)) for i in range(n))
    return HipSet(images, choices, fracture, torch.arange(n * halvings) % 3 == 0)


def trainer_for(
    config: TrainConfig, run: RunFolder, *, watch: Watch | None = None, hips: int = 12, team: Team = ALONE
) -> Trainer:
    """A trainer on the CPU with made-up hips."""
    data = RunData(made_up(hips, 1, halvings=2), made_up(6, 2), DATA_SHA256)
    network = build_network(config)
    return Trainer(
        network, data, config=config, device=choose_device("cpu"), run=run, watch=watch or Watch(), team=team
    )


def small(**changes: object) -> TrainConfig:
    """A config that trains in a second or two."""
    from dataclasses import replace

    values: dict[str, object] = {"input_px": 64, "batch": 4, "epochs": 3, **changes}
    return replace(TINY, **values)  # type: ignore[arg-type]


def begun(run: RunFolder, config: TrainConfig) -> RunFolder:
    """The run's folder with config and environment written."""
    run.begin(config, data_sha256=DATA_SHA256, environment={"device": "test"})
    return run


def run_to_the_end(folder: Path, config: TrainConfig) -> dict[str, torch.Tensor]:
    """The weights of an unbroken run."""
    from hipcad_desktop.learning.run_folder import open_run

    with open_run(folder, resume=False) as run:
        return trainer_for(config, begun(run, config)).train().backbone.state_dict()  # type: ignore[no-any-return]
