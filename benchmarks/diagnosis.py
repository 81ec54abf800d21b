"""Both hips of a film through EfficientNet-B4 at 380 with heat maps: our Network beside eager torch with captum.

Run: python benchmarks/diagnosis.py [--rounds N] [--threads N]. Every round times all contestants one after another, so
that a noisy machine disturbs all of them; what counts are the ratios. The bound is the arithmetic alone (18 GFLOP for
both hips) at the speed of a plain matrix product in the same round. Goals: at least 3 times eager torch with captum,
at most 1.7 times the bound (design/PERFORMANCE.md). Weights are random: they do not change the time.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
GFLOP_BOTH_HIPS = 18.0
MATRIX = 1536
Contestant = Callable[[], object]


def main() -> int:
    """Print seconds and ratios; 0 where both goals are met, else 1."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("--rounds", type=int, default=9)
    arguments.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1))
    options = arguments.parse_args()
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = str(options.threads)
    sys.path.insert(0, str(ROOT))

    contestants, difference = prepare(options.threads)
    walls: dict[str, list[float]] = {name: [] for name in contestants}
    cpus: dict[str, list[float]] = {name: [] for name in contestants}
    for round_number in range(options.rounds + 1):
        for name, run in contestants.items():
            wall, cpu = time.perf_counter(), time.process_time()
            run()
            if round_number:  # the first round warms up
                walls[name].append(time.perf_counter() - wall)
                cpus[name].append(time.process_time() - cpu)
    return report(walls, cpus, difference, options.threads)


def prepare(threads: int) -> tuple[dict[str, Contestant], float]:
    """The contestants by name, and by how much our heat maps differ from captum's, relative to the maximum."""
    import numpy as np
    import torch
    from captum.attr import LayerGradCam

    from hipcad_desktop.domain.training import PAPER
    from hipcad_desktop.learning.architecture import build_network
    from hipcad_desktop.learning.export import to_onnx

    torch.set_num_threads(threads)
    model = build_network(PAPER)
    hips = np.random.default_rng(1).integers(0, 256, (2, 380, 380), dtype=np.uint8)
    settle(model, torch.from_numpy(hips))
    ours = our_network(to_onnx(model), model.backbone.state_dict(), threads)

    pixels = model.preprocess(torch.from_numpy(hips))
    explained = LayerGradCam(model.backbone, model.backbone.bn2)

    def eager() -> tuple[Any, Any]:
        with torch.no_grad():
            p_fracture = torch.softmax(model.backbone(pixels), dim=1)[:, 1]
        heat = explained.attribute(pixels, target=1, relu_attributions=True)
        return p_fracture, heat[:, 0].detach().numpy()

    # Two different matrices: of a @ a.T numpy computes only half (BLAS syrk).
    a, b = np.random.default_rng(2).random((2, MATRIX, MATRIX), dtype=np.float32)
    expected = eager()[1]
    difference = float(np.abs(ours.predict(hips).heat - expected).max() / max(expected.max(), 1e-30))
    return {
        "Network (ONNX Runtime)": lambda: ours.predict(hips),
        "eager torch + captum": eager,
        "matrix product": lambda: a @ b,
    }, difference


def settle(model: Any, hips: Any) -> None:
    """Give the batch norms the statistics of these pixels, as training would.

    With random weights and untouched statistics the activations fade into denormal numbers, which slow torch tenfold.
    """
    import torch

    model.train()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        model(hips)
    model.eval()


def our_network(onnx: bytes, weights: dict[str, Any], threads: int) -> Any:
    """Network of a package that went through a file, as in diagnosis."""
    from safetensors.torch import save

    from hipcad_desktop.inference.network import Network
    from hipcad_desktop.inference.package import read_package, write_package
    from tests.fakes.model_package import fake_card

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "b4.hipcad"
        card = replace(fake_card(), name="b4, random weights", backbone="tf_efficientnet_b4.aa_in1k")
        write_package(path, card=card, onnx=onnx, weights=save(weights))
        start = time.perf_counter()
        network = Network(read_package(path), threads=threads)
        seconds, megabytes = time.perf_counter() - start, path.stat().st_size / 1e6
        print(f"opening the package: {seconds:.2f} s ({megabytes:.0f} MB, every byte checked)")
    return network


def report(walls: dict[str, list[float]], cpus: dict[str, list[float]], difference: float, threads: int) -> int:
    """Print the table and the two ratios."""
    gflop = 2 * MATRIX**3 / 1e9
    print(f"{threads} threads, {len(walls['matrix product'])} rounds, load {os.getloadavg()[0]:.1f}")
    print(f"{'':26}{'median s':>10}{'best s':>10}{'CPU s':>10}")
    for name, times in walls.items():
        print(f"{name:26}{statistics.median(times):10.3f}{min(times):10.3f}{statistics.median(cpus[name]):10.3f}")
    ours, eager, product = (walls[name] for name in walls)
    speed = gflop / statistics.median(product)
    bound = GFLOP_BOTH_HIPS / speed
    faster = statistics.median(eager) / statistics.median(ours)
    above = statistics.median(ours) / bound
    our_cpu, eager_cpu, product_cpu = (statistics.median(cpus[name]) for name in cpus)
    cpu_above = our_cpu / (GFLOP_BOTH_HIPS / gflop * product_cpu)
    print(f"bound: {GFLOP_BOTH_HIPS:.0f} GFLOP / {speed:.0f} GFLOP/s = {bound:.3f} s")
    print(f"times faster than eager torch + captum: {faster:.2f} (goal 3); in CPU time {eager_cpu / our_cpu:.2f}")
    print(f"times the bound: {above:.2f} (goal 1.7); in CPU time {cpu_above:.2f}")
    print(f"largest difference of the heat maps, of the maximum: {difference:.1e}")
    return 0 if faster >= 3 and above <= 1.7 else 1


if __name__ == "__main__":
    raise SystemExit(main())
