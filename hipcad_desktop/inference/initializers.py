"""A network's weights are kept once: taken out of the graph on writing, put back on reading.

Putting back needs no library. A protobuf message that is followed by another of its kind is the two merged, lists put
end to end (protobuf's encoding guide, "Last One Wins"), so the whole graph is the file's bytes and, after them, one
more ModelProto that holds nothing but initializers. Field numbers are those of onnx.proto.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from hipcad_desktop.inference.stored_weights import Tensors

_MODEL_GRAPH, _GRAPH_INITIALIZER = 7, 5
_TENSOR_DIMS, _TENSOR_KIND, _TENSOR_NAME, _TENSOR_RAW = 1, 2, 8, 9
_FLOAT32 = 1
_NUMBER, _BYTES = 0, 2  # wire types
_SMALLEST = 16  # values; a shorter list saves nothing


def taken_out(onnx: bytes, weights: Tensors) -> tuple[bytes, dict[str, str]]:
    """The graph without the initializers that `weights` holds value for value, and for each its tensor's name.

    An initializer is looked for under its own name and under what follows its first point ("backbone.…"). One that
    the exporter changed on its way (a constant computed from weights) stays in the graph. Needs the package onnx.
    """
    from onnx import TensorProto, load_model_from_string
    from onnx.numpy_helper import to_array

    model = load_model_from_string(onnx)
    kept, names = [], {}
    for initializer in model.graph.initializer:
        own = initializer.name
        name = next((n for n in (own, own.partition(".")[2]) if n in weights), None)
        if name is None or initializer.data_type != TensorProto.FLOAT or weights[name].size < _SMALLEST:
            kept.append(initializer)
        elif np.array_equal(np.asarray(weights[name], np.float32), to_array(initializer)):
            names[own] = name
        else:
            kept.append(initializer)
    if not names:
        return onnx, {}
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    return bytes(model.SerializeToString(deterministic=True)), names


def completed(graph: bytes, weights: Tensors, names: Mapping[str, str]) -> bytes:
    """The graph with the tensors that `names` (initializer -> tensor) asks for, as float32.

    Raises KeyError where a tensor is not there.
    """
    if not names:
        return graph
    parts: list[Any] = []
    for own, name in names.items():
        parts += _field(_GRAPH_INITIALIZER, _initializer(own, weights[name]))
    return b"".join((graph, *_field(_MODEL_GRAPH, parts)))


def _initializer(name: str, values: npt.NDArray[Any]) -> list[Any]:
    raw = np.ascontiguousarray(values, "<f4").data.cast("B")
    dims = b"".join(_varint(_TENSOR_DIMS << 3 | _NUMBER) + _varint(side) for side in values.shape)
    kind = _varint(_TENSOR_KIND << 3 | _NUMBER) + _varint(_FLOAT32)
    return [dims + kind, *_field(_TENSOR_NAME, [name.encode("utf-8")]), *_field(_TENSOR_RAW, [raw])]


def _field(number: int, parts: Iterable[Any]) -> list[Any]:
    """A length-delimited field, in parts that are joined once, at the end: the weights are copied once."""
    content = list(parts)
    return [_varint(number << 3 | _BYTES) + _varint(sum(len(part) for part in content)), *content]


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
