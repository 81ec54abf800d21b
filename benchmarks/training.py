"""How much of a network's own speed our training loop keeps, and timm's own loop beside it: images a second.

    OMP_WAIT_POLICY=PASSIVE python -m benchmarks.training [--backbone NAME] [--input-px N] [--batch N] [--hips N]

Three sides train the same network with the same batch, precision and fused AdamW, in one process and in turns, so that
a noisy machine is noisy for all; on the CPU the limit is compared by processor time as well. (limit) Random tensors
that lie ready on the device. (ours) Trainer, from bytes in memory, with all its changes of the images. (timm) The loop
of timm's train.py over timm's create_loader, which decodes JPEG files in other processes. On a GPU the paper's recipe
is the default, on the CPU the quick one.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from contextlib import nullcontext
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import torch
from PIL import Image
from torch.nn import functional

from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.domain.training import PAPER, QUICK, TrainConfig
from hipcad_desktop.learning.architecture import HipNetwork, build_network
from hipcad_desktop.learning.data import HipSet
from hipcad_desktop.learning.determinism import repeatable
from hipcad_desktop.learning.device import ChosenDevice, choose_device
from hipcad_desktop.learning.run_folder import open_run
from hipcad_desktop.learning.trainer import STAGE, RunData, Trainer

_WARM_UP = 3  # steps: cuDNN tries its algorithms, the allocator finds its blocks
_JPEG_QUALITY = 90


class Clock(Watch):
    """When each step of the last epoch ended, by the clock and by the processor; validation lies outside."""

    def __init__(self) -> None:
        self.ends: list[tuple[float, float]] = []

    def step(self, stage: str, done: int, total: int, **facts: object) -> None:
        if stage == STAGE and "event" not in facts:
            self.ends.append((time.perf_counter(), time.process_time()))

    def epoch(self, epoch: int, epochs: int, figures: object) -> None:
        if epoch < epochs:
            self.ends.clear()


def made_up(n: int) -> HipSet:
    """n hips as smooth as films are, so that their JPEGs are as large as real ones."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand((n, 1, 48, 48), generator=generator)
    smooth = functional.interpolate(coarse, size=(380, 380), mode="bicubic")[:, 0]
    grain = torch.randn((n, 380, 380), generator=generator) * 0.02
    images = ((smooth + grain).clamp(0, 1) * 255).to(torch.uint8)
    return HipSet(images, tuple((i,) for i in range(n)), torch.arange(n) % 2, torch.arange(n) % 2 == 0)


def ours(config: TrainConfig, hips: HipSet, device: ChosenDevice) -> tuple[float, float]:
    """Images a second, of time and of processor time, of the program's training loop in its second epoch."""
    watch = Clock()
    with tempfile.TemporaryDirectory() as folder, open_run(Path(folder) / "run", resume=False) as run:
        run.begin(config, data_sha256="", environment={})
        data = RunData(hips, made_up(4), "")
        Trainer(build_network(config), data, config=config, device=device, run=run, watch=watch).train()
    steps = list(pairwise(watch.ends))
    clock, processor = ([later[i] - sooner[i] for sooner, later in steps] for i in (0, 1))
    return config.batch / _usual(clock, device), config.batch / _usual(processor, device)


def limit(config: TrainConfig, steps: int, device: ChosenDevice) -> tuple[float, float]:
    """The same of the network and optimiser alone, fed with tensors that lie ready on the device."""
    network, optimizer = _network(config, device)
    pixels = torch.randn(config.batch, 3, config.input_px, config.input_px, device=device.torch_device)
    pixels = pixels.contiguous(memory_format=torch.channels_last)
    truth = torch.arange(config.batch, device=device.torch_device) % 2
    clock, processor = [], []
    with repeatable(device.torch_device):
        for _ in range(_WARM_UP):
            _step(network, optimizer, pixels, truth, device)
        _wait(device)
        began_all = time.perf_counter()
        for _ in range(steps):
            began = time.perf_counter(), time.process_time()
            _step(network, optimizer, pixels, truth, device)
            clock.append(time.perf_counter() - began[0])
            processor.append(time.process_time() - began[1])
        _wait(device)
        if device.torch_device.type == "cuda":
            clock = [(time.perf_counter() - began_all) / steps]
    return config.batch / _usual(clock, device), config.batch / _usual(processor, device)


def timms(config: TrainConfig, folder: Path, device: ChosenDevice, workers: int) -> float:
    """Images a second of timm's loop over JPEG files (after train_one_epoch of its train.py), in its second epoch."""
    from timm.data import ImageDataset, create_loader
    from timm.utils import AverageMeter, NativeScaler

    on_gpu = device.torch_device.type == "cuda"
    network, optimizer = _network(config, device)
    scaler = NativeScaler() if device.amp is torch.float16 else None
    losses = AverageMeter()
    loader = create_loader(
        ImageDataset(str(folder)),
        input_size=(3, config.input_px, config.input_px),
        batch_size=config.batch,
        is_training=True,
        use_prefetcher=on_gpu,
        hflip=0.5,
        color_jitter=(config.brightness, config.contrast, 0.0),
        auto_augment=None,
        scale=(0.9, 1.0),
        interpolation="bilinear",
        num_workers=workers,
        persistent_workers=workers > 0,
        pin_memory=on_gpu,
        device=device.torch_device,
    )
    taken: list[float] = []
    with repeatable(device.torch_device):
        for epoch in range(2):
            _wait(device)
            last = began = time.perf_counter()
            for number, (pixels, truth) in enumerate(loader):
                if not on_gpu:
                    pixels, truth = pixels.to(device.torch_device), truth.to(device.torch_device)
                pixels = pixels.contiguous(memory_format=torch.channels_last)
                with _amp(device):
                    loss = functional.cross_entropy(network.backbone(pixels), truth)
                if scaler is not None:
                    scaler(loss, optimizer, parameters=network.backbone.parameters())
                else:
                    loss.backward()
                    optimizer.step()
                optimizer.zero_grad()
                if number % 50 == 0:  # its log interval
                    losses.update(loss.item(), pixels.size(0))
                now = time.perf_counter()
                if epoch and number and not on_gpu:  # the first batch waits for the workers to begin
                    taken.append(now - last)
                last = now
            _wait(device)
            if on_gpu:
                taken = [(time.perf_counter() - began) / len(loader)]
    return config.batch / _usual(taken, device)


def write_jpegs(hips: HipSet, folder: Path) -> None:
    """One file a hip, in a folder for each class as timm wants them."""
    for index, (image, fracture) in enumerate(zip(hips.images, hips.fracture.tolist(), strict=True)):
        to = folder / ("fracture" if fracture else "no_fracture")
        to.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image.numpy()).save(to / f"{index:06d}.jpg", quality=_JPEG_QUALITY)


def _network(config: TrainConfig, device: ChosenDevice) -> tuple[HipNetwork, torch.optim.Optimizer]:
    network = build_network(config).to(device.torch_device, memory_format=torch.channels_last)
    return network, torch.optim.AdamW(network.backbone.parameters(), lr=1e-4, fused=True)


def _step(
    network: HipNetwork,
    optimizer: torch.optim.Optimizer,
    pixels: torch.Tensor,
    truth: torch.Tensor,
    device: ChosenDevice,
) -> None:
    with _amp(device):
        logits = network.logits(pixels)
    functional.cross_entropy(logits.float(), truth).backward()
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)


def _amp(device: ChosenDevice) -> torch.autocast | nullcontext[None]:
    return torch.autocast(device.torch_device.type, dtype=device.amp) if device.amp else nullcontext()


def _wait(device: ChosenDevice) -> None:
    if device.torch_device.type == "cuda":
        torch.cuda.synchronize()


def _usual(seconds: list[float], device: ChosenDevice) -> float:
    """Of a step: the median on the CPU (others work there too), the mean on a GPU (its queue hides single steps)."""
    return statistics.median(seconds) if device.torch_device.type == "cpu" else statistics.fmean(seconds)


def main() -> None:
    """Print images a second of the three sides and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone")
    parser.add_argument("--input-px", type=int)
    parser.add_argument("--batch", type=int)
    parser.add_argument("--hips", type=int, help="default: 40 batches on a GPU, 8 on the CPU")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, help="timm's; default: one a processor")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    options = parser.parse_args()
    device = choose_device(options.device)
    on_gpu = device.torch_device.type == "cuda"
    recipe = PAPER if on_gpu else QUICK
    config = replace(
        recipe,
        backbone=options.backbone or recipe.backbone,
        input_px=options.input_px or recipe.input_px,
        batch=options.batch or recipe.batch,
        epochs=2,
        optimizer="adamw",
    )
    count = options.hips or config.batch * (40 if on_gpu else 8)
    count = max(3, count // config.batch) * config.batch  # whole batches: all sides see the same size
    workers = options.workers if options.workers is not None else len(_processors())
    print(f"{config.backbone} at {config.input_px} px, batch {config.batch}, {device.precision} on {device.name}")
    hips = made_up(count)
    of_limit, of_timm, of_work = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        write_jpegs(hips, Path(folder))
        for _ in range(options.rounds):
            most, most_work = limit(config, count // config.batch, device)
            mine, mine_work = ours(config, hips, device)
            theirs = timms(config, Path(folder), device, workers)
            of_limit.append(mine / most)
            of_timm.append(mine / theirs)
            of_work.append(mine_work / most_work)
            print(
                f"  limit {most:.1f}, ours {mine:.1f}, timm with {workers} workers {theirs:.1f} images/s: "
                f"{mine / most:.2f} of the limit, {mine / theirs:.2f} of timm's loop",
                flush=True,
            )
    if not on_gpu:
        print(f"by processor time {statistics.median(of_work):.2f} of the limit")
    print(f"median: {statistics.median(of_limit):.2f} of the limit, {statistics.median(of_timm):.2f} of timm's loop")


def _processors() -> set[int] | range:
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)


if __name__ == "__main__":
    main()
