"""A small model package for tests: its graph looks at brightness only, so every answer can be computed by hand.

p_fracture = sigmoid(gain * (mean brightness in 0..1 - pivot)); heat = mean brightness of 38 x 38 blocks, 10 x 10.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hipcad_desktop import __version__
from hipcad_desktop.domain.metrics import Thresholds
from hipcad_desktop.domain.model_card import SCHEMA, ModelCard
from hipcad_desktop.inference.package import write_package

GAIN = 20.0
PIVOT = 0.5


def fake_card(**changes: Any) -> ModelCard:
    """A complete card; changes replace fields."""
    card = ModelCard(
        schema=SCHEMA,
        name="brightness",
        created_utc="2026-11-24T12:00:00Z",
        program_version=__version__,
        backbone="none",
        recipe="fake",
        input_px=380,
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
        mapping_rules=("identity8", "percentile/v1"),
        halving="midline",
        overlap_share=0.1,
        thresholds=Thresholds(no_fracture=0.25, fracture=0.75),
        thresholds_from={"partition": "validation", "halving": "midline", "fracture": 20, "no_fracture": 20},
        config={"recipe": "fake"},
        data={"hips_sha256": "0" * 64, "counts": {}},
        figures={},
        versions={"hipcad": __version__},
        intended_use="Tests.",
        limits="Looks at brightness only.",
    )
    return replace(card, **changes)


def fake_graph(*, gain: float = GAIN, pivot: float = PIVOT) -> bytes:
    """The ONNX graph of the contract: hips uint8 [N, 380, 380] to logits [N, 2] and heat [N, 10, 10]."""
    from onnx import TensorProto, checker, helper, numpy_helper

    def constant(name: str, values: Any, kind: type[Any]) -> Any:
        return numpy_helper.from_array(np.array(values, dtype=kind), name)

    nodes = [
        helper.make_node("Cast", ["hips"], ["levels"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["levels", "white"], ["brightness"]),
        # Rows first: ONNX Runtime adds 144400 floats one after another and would be off in the fourth digit.
        helper.make_node("ReduceMean", ["brightness", "columns"], ["of_rows"], keepdims=0),
        helper.make_node("ReduceMean", ["of_rows", "rows"], ["mean"], keepdims=0),
        helper.make_node("Sub", ["mean", "pivot"], ["above"]),
        helper.make_node("Unsqueeze", ["above", "last"], ["column"]),
        helper.make_node("Mul", ["column", "half_gains"], ["logits"]),
        helper.make_node("Unsqueeze", ["brightness", "channel"], ["picture"]),
        helper.make_node("AveragePool", ["picture"], ["blocks"], kernel_shape=[38, 38], strides=[38, 38]),
        helper.make_node("Squeeze", ["blocks", "channel"], ["heat"]),
    ]
    constants = [
        constant("white", 255.0, np.float32),
        constant("pivot", pivot, np.float32),
        constant("half_gains", [[-gain / 2, gain / 2]], np.float32),
        constant("rows", [1], np.int64),
        constant("columns", [2], np.int64),
        constant("last", [1], np.int64),
        constant("channel", [1], np.int64),
    ]
    graph = helper.make_graph(
        nodes,
        "brightness",
        [helper.make_tensor_value_info("hips", TensorProto.UINT8, ["N", 380, 380])],
        [
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", 2]),
            helper.make_tensor_value_info("heat", TensorProto.FLOAT, ["N", 10, 10]),
        ],
        initializer=constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    checker.check_model(model)
    return bytes(model.SerializeToString())


def fake_weights() -> bytes:
    """A safetensors file with one small tensor."""
    from safetensors.numpy import save

    return bytes(save({"head.weight": np.zeros((2, 4), np.float32)}))


def write_fake_package(path: Path, *, gain: float = GAIN, pivot: float = PIVOT, **card: Any) -> Path:
    """Write the package at path and return path; keyword arguments replace fields of the card."""
    write_package(path, card=fake_card(**card), onnx=fake_graph(gain=gain, pivot=pivot), weights=fake_weights())
    return path
