"""How much of the network's own speed the training loop keeps, and what a backbone costs on this machine.

Run `OMP_WAIT_POLICY=PASSIVE python -m benchmarks.training [--backbone NAME] [--input-px N] [--batch N] [--hips N]`.
Both sides train the same network in the same process, in turns, so that a noisy machine is noisy for both.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import torch
from torch.nn import functional

from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.domain.training import QUICK, TrainConfig
from hipcad_desktop.learning.architecture import build_network
from hipcad_desktop.learning.data import HipSet
from hipcad_desktop.learning.device import choose_device
from hipcad_desktop.learning.run_folder import open_run
from hipcad_desktop.learning.trainer import RunData, Trainer


class Seconds(Watch):
    """Keeps how long each epoch took, validation and checkpoint left out."""

    def __init__(self) -> None:
        self.began: float | None = None
        self.images_s: list[float] = []

    def step(self, stage: str, done: int, total: int, **facts: object) -> None:
        now = time.perf_counter()
        if self.began is not None:
            self.images_s.append(now - self.began)
        self.began = now

    def epoch(self, epoch: int, epochs: int, figures: object) -> None:
        self.began = None


def made_up(n: int) -> HipSet:
    """n hips of noise."""
    images = torch.randint(0, 256, (n, 380, 380), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    return HipSet(images, tuple((i,) for i in range(n)), torch.arange(n) % 2, torch.arange(n) % 2 == 0)


def seconds_of_loop(config: TrainConfig, hips: int) -> float:
    """Median seconds of a step of the training loop."""
    watch = Seconds()
    with tempfile.TemporaryDirectory() as folder, open_run(Path(folder) / "run", resume=False) as run:
        run.begin(config, data_sha256="", environment={})
        data = RunData(made_up(hips), made_up(4), "")
        device = choose_device("auto")
        Trainer(build_network(config), data, config=config, device=device, run=run, watch=watch).train()
    return statistics.median(watch.images_s)


def seconds_of_network(config: TrainConfig, steps: int) -> float:
    """Median seconds of a step of the same network and optimiser, fed with tensors that lie ready."""
    device = choose_device("auto")
    network = build_network(config).to(device.torch_device, memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(network.backbone.parameters(), lr=1e-3)
    pixels = torch.randn(config.batch, 3, config.input_px, config.input_px, device=device.torch_device)
    pixels = pixels.contiguous(memory_format=torch.channels_last)
    truth = torch.arange(config.batch, device=device.torch_device) % 2
    taken = []
    for _ in range(steps):
        began = time.perf_counter()
        with torch.autocast(device.torch_device.type, dtype=device.amp, enabled=device.amp is not None):
            logits = network.logits(pixels)
        loss = functional.cross_entropy(logits.float(), truth)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        float(loss.detach())
        taken.append(time.perf_counter() - began)
    return statistics.median(taken[1:])


def main() -> None:
    """Print images a second of both sides and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backbone", default=QUICK.backbone)
    parser.add_argument("--input-px", type=int, default=QUICK.input_px)
    parser.add_argument("--batch", type=int, default=QUICK.batch)
    parser.add_argument("--hips", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    config = replace(
        QUICK, backbone=options.backbone, input_px=options.input_px, batch=options.batch, epochs=2, optimizer="adamw"
    )
    rounds = []
    for _ in range(options.rounds):
        floor = seconds_of_network(config, max(3, 2 * options.hips // options.batch))
        loop = seconds_of_loop(config, options.hips)
        rounds.append(floor / loop)
        print(
            f"{config.backbone} at {config.input_px} px, batch {config.batch}: "
            f"loop {config.batch / loop:.1f} images/s, "
            f"network alone {config.batch / floor:.1f} images/s, ratio {floor / loop:.2f}"
        )
    print(f"median ratio {statistics.median(rounds):.2f}")


if __name__ == "__main__":
    main()
