"""The trained network as an ONNX graph for diagnosis, and what torch says of the same images."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from hipcad_desktop.domain.halving import FRAME_PX
from hipcad_desktop.learning.architecture import HipNetwork

_CHATTERERS = ("torch.onnx", "onnxscript", "onnx_ir", "torch.export")


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """What torch says of N hips: p_fracture float64 [N], heat float32 [N, h, w], and margin float64 [N], of the logits.

    p_fracture is that of the margin as it is, with no temperature.
    """

    p_fracture: npt.NDArray[np.float64]
    heat: npt.NDArray[np.float32]
    margin: npt.NDArray[np.float64]


def to_onnx(network: HipNetwork) -> bytes:
    """The graph: "hips" uint8 [N, 380, 380] -> "logits" float32 [N, 2], "heat" float32 [N, h, w]; N is free.

    Batch norms stay operators of their own, so that every weight has in the graph the value it has in the network and
    a package keeps it once; ONNX Runtime folds them on loading. The network is moved to the CPU and left in evaluation
    mode. A large backbone takes half a minute.
    """
    network = network.cpu().to(memory_format=torch.contiguous_format).eval()
    example = torch.zeros((2, FRAME_PX, FRAME_PX), dtype=torch.uint8)
    with _silence():
        program = torch.onnx.export(
            network,
            (example,),
            dynamo=True,
            input_names=["hips"],
            output_names=["logits", "heat"],
            dynamic_shapes={"hips": {0: torch.export.Dim("n", min=1)}},
            verbose=False,
            optimize=False,
        )
        if program is None:
            raise RuntimeError("the exporter returned nothing")
        _tidy(program.model)
    model = program.model_proto
    del model.metadata_props[:]
    for node in model.graph.node:  # stack traces of this machine's source files
        del node.metadata_props[:]
    return bytes(model.SerializeToString())


def _tidy(model: Any) -> None:
    """What torch's own optimisation does to a graph, except for merging weights with each other."""
    import onnx_ir
    from onnx_ir.passes import common
    from onnxscript import optimizer

    optimizer.inline(model)
    optimizer.fold_constants(model)
    optimizer.remove_unused_nodes(model)
    passes = (
        common.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0),
        common.CommonSubexpressionEliminationPass(),
        common.OutputFixPass(),
        common.NameFixPass(),
    )
    onnx_ir.passes.Sequential(*passes)(model)


def said_by_torch(network: HipNetwork, hips: npt.NDArray[np.uint8]) -> Said:
    """The network's own answer on the CPU, to hold the exported graph against."""
    network = network.cpu().eval()
    with torch.inference_mode():
        logits, heat = network(torch.from_numpy(hips))
    wide = logits.double()
    return Said(torch.softmax(wide, dim=1)[:, 1].numpy(), heat.numpy(), (wide[:, 1] - wide[:, 0]).numpy())


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """The exporter prints its stages and warns of its own parts; nobody can act on that."""
    levels = {name: logging.getLogger(name).level for name in _CHATTERERS}
    try:
        for name in levels:
            logging.getLogger(name).setLevel(logging.ERROR)
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
