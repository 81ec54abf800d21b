"""Several processes train as one does: the same batches, batch norm, dropout, order, and the same weights."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import safetensors.torch
import torch
import torch.distributed as dist

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.learning.distributed import ALONE, Team, team_from
from hipcad_desktop.learning.global_norm import GlobalBatchNorm
from hipcad_desktop.learning.run_folder import open_run
from tests.learning.hips import begun, small, trainer_for

PATIENCE_S = 120


Weights = Mapping[str, torch.Tensor]


@dataclass(frozen=True, slots=True)
class Ends:
    """The weights that runs of one process and of two ended with, by the run's name."""

    one: Mapping[str, Weights]
    two: Mapping[str, Weights]
    folder: Path


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> Ends:
    """All runs, in as few processes as can be: each takes seconds to load torch."""
    folder = tmp_path_factory.mktemp("teams")
    exact = ("exact:double", "parts:double:parts")
    one = trained(1, folder / "one", *exact)
    two = trained(2, folder / "two", *exact, "unbroken", "broken:stop", "broken:resume")
    return Ends(one, two, folder)


def trained(processes: int, folder: Path, *runs: str) -> dict[str, Weights]:
    """What the runs end with in so many processes."""
    folder.mkdir()
    command = [sys.executable, "-W", "error", "-m", "tests.learning.team", str(folder), *runs]
    surroundings = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "WORLD_SIZE": str(processes),
        "LOCAL_WORLD_SIZE": str(processes),
    }
    started = [
        subprocess.Popen(command, env={**surroundings, "RANK": rank, "LOCAL_RANK": rank}, stderr=subprocess.PIPE)
        for rank in map(str, range(processes))
    ]
    try:
        said = [process.communicate(timeout=PATIENCE_S)[1].decode() for process in started]
    finally:
        for process in started:
            process.kill()
            process.communicate()
    assert [process.returncode for process in started] == [0] * processes, "\n".join(said)
    return {path.stem: safetensors.torch.load_file(path) for path in folder.glob("*.safetensors")}


def furthest(a: Weights, b: Weights) -> float:
    """The largest difference, as a share of a tensor's largest value or of 1, whichever is more."""
    assert a.keys() == b.keys()
    return max(float((a[k] - b[k]).abs().max()) / max(1.0, float(b[k].abs().max())) for k in a)


def test_two_processes_end_with_the_weights_of_one(ends: Ends) -> None:
    # Three epochs of Adam with dropout and batch norm; the loss itself is float32.
    assert furthest(ends.two["exact"], ends.one["exact"]) < 1e-6
    assert not list(ends.folder.rglob("*.part"))


def test_they_do_so_where_a_batch_is_cut_into_parts(ends: Ends) -> None:
    assert furthest(ends.two["parts"], ends.one["parts"]) < 1e-6
    assert furthest(ends.one["parts"], ends.one["exact"]) > 1e-4  # batch norm sees parts: this is another training


def test_a_team_that_was_stopped_and_resumed_ends_as_the_unbroken_team(ends: Ends) -> None:
    unbroken, broken = ends.two["unbroken"], ends.two["broken"]
    assert all(torch.equal(broken[name], unbroken[name]) for name in unbroken)
    lines = {run: (ends.folder / "two" / run / "metrics.jsonl").read_text().splitlines() for run in ("broken", "exact")}
    assert len(lines["broken"]) == len(lines["exact"]) == 3


def test_torchruns_variables_name_the_team() -> None:
    said = {"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "ward7"}
    assert team_from(said) == Team(rank=3, size=4, local_rank=1, local_size=2)
    assert team_from({}) == team_from({"RANK": "0", "WORLD_SIZE": "x"}) == ALONE


@pytest.mark.parametrize(("n", "size"), [(7, 2), (26, 3), (4, 4), (3, 5)])
def test_shares_cover_everything_once_and_are_nearly_equal(n: int, size: int) -> None:
    shares = [list(range(n))[Team(rank=rank, size=size).share(n)] for rank in range(size)]
    assert [i for share in shares for i in share] == list(range(n))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_more_processes_than_hips_in_a_batch_are_refused(tmp_path: Path) -> None:
    config = small(batch=4)
    with open_run(tmp_path / "r", resume=False) as run, pytest.raises(UserError) as error:
        trainer_for(config, begun(run, config), team=Team(rank=0, size=5))
    assert error.value.code is ErrorCode.CONFIG_INVALID
    assert error.value.facts["field"] == "processes"


@pytest.fixture
def one_process_group(tmp_path: Path) -> Iterator[None]:
    """A team of one that nevertheless exchanges."""
    dist.init_process_group("gloo", init_method=(tmp_path / "meeting").as_uri(), rank=0, world_size=1)
    yield
    dist.destroy_process_group()


@pytest.mark.parametrize("layer", [torch.nn.BatchNorm2d(5), torch.nn.BatchNorm2d(5, affine=False, momentum=None)])
@pytest.mark.usefixtures("one_process_group")
def test_batch_norm_of_all_processes_is_torchs_batch_norm(layer: torch.nn.BatchNorm2d) -> None:
    layer = copy.deepcopy(layer).double()
    ours = GlobalBatchNorm(copy.deepcopy(layer))
    generator = torch.Generator().manual_seed(0)
    for _ in range(2):
        x = torch.randn(4, 5, 3, 2, dtype=torch.float64, generator=generator) * 3 + 7
        found = []
        for norm in (layer, ours):
            inputs = x.clone().requires_grad_()
            y = norm(inputs)
            (y * x.cos()).sum().backward()
            found.append([y, inputs.grad, *(p.grad for p in norm.parameters()), *norm.buffers()])
        for theirs, mine in zip(*found, strict=True):
            torch.testing.assert_close(mine, theirs)
    torch.testing.assert_close(ours.eval()(x), layer.eval()(x))


@pytest.mark.usefixtures("one_process_group")
def test_batch_norms_gradient_is_the_derivative() -> None:
    norm = GlobalBatchNorm(torch.nn.BatchNorm2d(2).double())
    x = torch.randn(3, 2, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    assert torch.autograd.gradcheck(norm, (x,), nondet_tol=0)
