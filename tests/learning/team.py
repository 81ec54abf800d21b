"""One process of a team, as torchrun starts it: trains made-up hips, one run after the other, and keeps the weights.

    python -m tests.learning.team FOLDER RUN[:WORD...] ...        words: double, parts, stop, resume

In double precision the order of sums hardly matters, so that what several processes do differently would show.
"""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext
from pathlib import Path

import safetensors.torch
import torch

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.learning import checkpoint
from hipcad_desktop.learning.architecture import HipNetwork, build_network
from hipcad_desktop.learning.device import choose_device
from hipcad_desktop.learning.distributed import MEETING, Team, from_first, joined, team_from
from hipcad_desktop.learning.run_folder import RunFolder, open_run
from hipcad_desktop.learning.trainer import RunData, Trainer
from tests.learning.hips import DATA_SHA256, begun, made_up, small

HIPS, BATCH = 26, 7  # batches of 6 and 7 hips: the shares of two processes differ


class Stops(Watch):
    """Cancels after the first epoch where it should."""

    def __init__(self, *, after: int) -> None:
        self._left = after

    def epoch(self, epoch: int, epochs: int, figures: object) -> None:
        self._left -= 1

    def cancelled(self) -> bool:
        return self._left == 0


def main() -> None:
    """Train in the team that the environment names."""
    torch.set_num_threads(1)
    folder, team = Path(sys.argv[1]), team_from(os.environ)
    for number, run in enumerate(sys.argv[2:]):
        name, *words = run.split(":")
        os.environ[MEETING] = (folder / f"meeting{number}").as_uri()
        try:
            train(folder / name, set(words), team)
        except UserError as error:
            if error.code is not ErrorCode.CANCELLED or "stop" not in words:
                raise
            if team.size > 1:
                torch.distributed.destroy_process_group()


def train(folder: Path, words: set[str], team: Team) -> None:
    """One run; the weights of its end lie beside its folder."""
    device, config = choose_device("cpu"), small(dropout=0.3, batch=BATCH, epochs=3)
    network = build_network(config)
    if not team.is_first:  # what the first one has is what counts
        with torch.no_grad():
            for tensor in (*network.parameters(), *network.preprocess.buffers()):
                tensor.add_(0.1)
    if "double" in words:
        network.backbone.double()
        network.logits = lambda pixels, kept=None: HipNetwork.logits(network, pixels.double(), kept)
    data = RunData(made_up(HIPS, 1, halvings=2), made_up(7, 2), DATA_SHA256)
    watch = Stops(after=1 if "stop" in words else 10)
    with open_run(folder, resume="resume" in words) if team.is_first else nullcontext(RunFolder(folder)) as run:
        if team.is_first and "resume" not in words:
            begun(run, config)
        with joined(team, device.torch_device):
            found = checkpoint.newest(run.checkpoints) if "resume" in words and team.is_first else None
            found = from_first(team, found)
            going = Trainer(network, data, config=config, device=device, run=run, watch=watch, team=team)
            going._parts = 2 if "parts" in words else 1
            if found is not None:
                going.resume(found)
            trained = going.train()
        if team.is_first:
            weights = {name: tensor.contiguous() for name, tensor in trained.backbone.state_dict().items()}
            safetensors.torch.save_file(weights, folder.with_suffix(".safetensors"))


if __name__ == "__main__":
    main()
