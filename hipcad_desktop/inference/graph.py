"""The ONNX graph that training writes and diagnosis runs: what goes in, what comes out, how it is loaded.

Input "hips" uint8 [N, 380, 380]; outputs "logits" float32 [N, 2] (class 1 is fracture) and "heat" float32 [N, h, w].
"""

from __future__ import annotations

from typing import Any

from hipcad_desktop.domain.halving import FRAME_PX

_INPUT = ("hips", "tensor(uint8)", 3)
_OUTPUTS = [("logits", "tensor(float)", 2), ("heat", "tensor(float)", 3)]


class GraphRefused(Exception):
    """ONNX Runtime cannot load a graph."""


def graph_problem(onnx: bytes) -> str:
    """Why an ONNX graph is not one that Network can use; empty where it is."""
    try:
        return misfit(open_session(onnx, threads=1, optimised=False))
    except GraphRefused as error:
        return f"ONNX Runtime cannot load it ({error})"


def open_session(onnx: bytes, *, threads: int, optimised: bool) -> Any:
    """An inference session on the CPU. Raises GraphRefused on bytes that are no usable graph."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    levels = ort.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_ENABLE_ALL if optimised else levels.ORT_DISABLE_ALL
    # A worker that waits for the next film must not keep the cores warm: the window draws on them.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 4
    try:
        return ort.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        if isinstance(error, MemoryError):
            raise
        raise GraphRefused(str(error)[:200]) from error


def misfit(session: Any) -> str:
    """In words, where a session's inputs and outputs differ from the agreed ones; empty where they do not."""
    inputs = [(v.name, v.type, len(v.shape)) for v in session.get_inputs()]
    if inputs != [_INPUT]:
        return f"its inputs are {inputs}, not {[_INPUT]}"
    shape = session.get_inputs()[0].shape
    if list(shape[1:]) != [FRAME_PX, FRAME_PX] or isinstance(shape[0], int):
        return f"its input has the shape {shape}, not [N, {FRAME_PX}, {FRAME_PX}]"
    outputs = [(v.name, v.type, len(v.shape)) for v in session.get_outputs()]
    if outputs != _OUTPUTS:
        return f"its outputs are {outputs}, not {_OUTPUTS}"
    return ""
