"""The weights are in a package once: left out of the graph on writing, put back on reading, without torch or onnx."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from safetensors.numpy import load, save

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.inference import stored_weights
from hipcad_desktop.inference.initializers import completed, taken_out
from hipcad_desktop.inference.network import Network
from hipcad_desktop.inference.package import read_package, read_weights, write_package
from tests.fakes.model_package import fake_card, fake_graph

SCALE = (np.arange(100, dtype=np.float32).reshape(10, 10) + 1) / 128  # float16 holds each of them
HIPS = np.random.default_rng(5).integers(0, 256, (2, 380, 380), dtype=np.uint8)


def weighted_graph(scale: np.ndarray = SCALE) -> bytes:
    """The brightness graph whose heat map is multiplied with a weight "backbone.scale" [10, 10]."""
    from onnx import helper, load_model_from_string, numpy_helper

    model = load_model_from_string(fake_graph())
    squeeze = next(n for n in model.graph.node if n.op_type == "Squeeze")
    squeeze.output[0] = "blocks_2d"
    model.graph.node.append(helper.make_node("Mul", ["blocks_2d", "backbone.scale"], ["heat"]))
    model.graph.initializer.append(numpy_helper.from_array(scale, "backbone.scale"))
    return bytes(model.SerializeToString())


def write(path: Path, *, half: bool = True, **card: Any) -> Path:
    weights = save({"scale": SCALE.astype(np.float16 if half else np.float32), "steps": np.array([3])})
    card = {"precision": "float16" if half else "float32", **card}
    write_package(path, card=fake_card(**card), onnx=weighted_graph(), weights=weights)
    return path


def resealed(path: Path, **members: bytes) -> Path:
    """The package with other members and a right checksum."""
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    files = {"graph": "model.onnx", "weights": "weights.safetensors", "card": "card.json"}
    content |= {files[member]: value for member, value in members.items()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, value in content.items():
            archive.writestr(name, value)
        archive.comment = b"0" * 64
    whole = path.read_bytes()[:-64]
    path.write_bytes(whole + hashlib.sha256(whole).hexdigest().encode())
    return path


@pytest.mark.parametrize("half", [True, False])
def test_the_graph_in_the_file_lacks_the_weights_and_the_one_that_is_read_has_them(tmp_path: Path, half: bool) -> None:
    path = write(tmp_path / "m.hipcad", half=half)
    package = read_package(path)
    with zipfile.ZipFile(path) as archive:
        assert len(archive.read("model.onnx")) < len(weighted_graph()) - SCALE.nbytes + 8
    assert package.card.precision == ("float16" if half else "float32")
    assert SCALE.tobytes() in package.onnx
    ours = Network(package, threads=1).predict(HIPS)
    from onnx import load_model_from_string
    from onnx.reference import ReferenceEvaluator

    theirs = ReferenceEvaluator(load_model_from_string(weighted_graph())).run(None, {"hips": HIPS})
    np.testing.assert_allclose(ours.heat, theirs[1], rtol=1e-5)
    kept = load(read_weights(path))
    np.testing.assert_array_equal(kept["scale"].astype(np.float32), SCALE)
    assert kept["scale"].dtype == (np.float16 if half else np.float32)


def test_any_onnx_reader_understands_the_completed_graph(tmp_path: Path) -> None:
    from onnx import checker, load_model_from_string, numpy_helper

    model = load_model_from_string(read_package(write(tmp_path / "m.hipcad")).onnx)
    checker.check_model(model)
    found = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
    np.testing.assert_array_equal(found["backbone.scale"], SCALE)
    assert len(found) == len(model.graph.initializer) == len(load_model_from_string(fake_graph()).graph.initializer) + 1


def test_a_weight_of_another_value_stays_in_the_graph() -> None:
    graph, names = taken_out(weighted_graph(), {"scale": SCALE + 1e-3})
    assert (graph, names) == (weighted_graph(), {})
    assert taken_out(weighted_graph(), {"scale": SCALE})[1] == {"backbone.scale": "scale"}


def test_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    assert write(tmp_path / "a.hipcad").read_bytes() == write(tmp_path / "b.hipcad").read_bytes()


def test_what_was_read_can_be_written_with_another_card(tmp_path: Path) -> None:
    first = write(tmp_path / "a.hipcad")
    package = read_package(first)
    second = tmp_path / "b.hipcad"
    write_package(second, card=package.card, onnx=package.onnx, weights=read_weights(first))
    assert second.read_bytes() == first.read_bytes()


@pytest.mark.parametrize("schema", [1, 2])
def test_older_schemas_are_written_and_read_with_a_whole_graph(tmp_path: Path, schema: int) -> None:
    path = tmp_path / "old.hipcad"
    weights = save({"scale": SCALE})
    write_package(path, card=fake_card(schema=schema), onnx=weighted_graph(), weights=weights)
    with zipfile.ZipFile(path) as archive:
        assert archive.read("model.onnx") == weighted_graph()
        card = json.loads(archive.read("card.json"))
    del card["precision"]  # as those who wrote it then
    package = read_package(resealed(path, card=json.dumps(card).encode()))
    assert package.onnx == weighted_graph()
    assert package.card.precision == "float32"


def test_a_card_of_another_precision_than_the_weights_is_a_bug(tmp_path: Path) -> None:
    for half, precision in ((True, "float32"), (False, "float16")):
        with pytest.raises(ValueError, match="precision"):
            write(tmp_path / "m.hipcad", half=half, precision=precision)
    assert list(tmp_path.iterdir()) == []


HEAD = "__metadata__"


def noted(names: object, **tensors: Any) -> bytes:
    text = names if isinstance(names, str) else json.dumps(names)
    return stored_weights.with_note(save(tensors or {"scale": SCALE}), "graph", text)


def placed(**entry: Any) -> bytes:
    """Weights whose header says this of "scale"."""
    whole = {"dtype": "F32", "shape": [10, 10], "data_offsets": [0, 400], **entry}
    text = json.dumps({HEAD: {"graph": '{"backbone.scale": "scale"}'}, "scale": whole}).encode()
    return len(text).to_bytes(8, "little") + text + SCALE.tobytes()


UNFIT = {
    "another tensor": noted({"backbone.scale": "other"}),
    "another shape": noted({"backbone.scale": "scale"}, scale=SCALE[:5]),
    "a list": noted(["backbone.scale"]),
    "a number": noted({"backbone.scale": 3}),
    "a name within a name": noted({"backbone.scale": ["scale"]}),
    "no JSON": noted("{"),
    "much too deep": noted("[" * 100_000),
    "no note": save({"scale": SCALE}),
    "no safetensors": b"pickle",
    "of no kind": placed(dtype="F4"),
    "beyond the end": placed(data_offsets=[8, 408]),
    "before the start": placed(data_offsets=[-400, 0]),
    "backwards": placed(data_offsets=[400, 0]),
    "too short": placed(data_offsets=[0, 396]),
    "negative": placed(shape=[-10, -10]),
    "astronomical": placed(shape=[1 << 40, 1 << 40]),
    "without a place": placed(data_offsets=None),
}


@pytest.mark.parametrize("weights", UNFIT.values(), ids=UNFIT)
def test_weights_that_do_not_complete_the_graph_are_refused_in_one_sentence(tmp_path: Path, weights: bytes) -> None:
    path = resealed(write(tmp_path / "m.hipcad"), weights=weights)
    with pytest.raises(UserError) as caught:
        Network(read_package(path), threads=1)
    assert caught.value.code is ErrorCode.MODEL_PACKAGE_DAMAGED


def test_no_flipped_bit_of_the_weights_is_missed(tmp_path: Path) -> None:
    path = write(tmp_path / "m.hipcad")
    content = path.read_bytes()
    start = content.index(b"weights.safetensors")
    for place in range(start, start + 400, 7):
        path.write_bytes(content[:place] + bytes([content[place] ^ 16]) + content[place + 1 :])
        with pytest.raises(UserError) as caught:
            read_package(path)
        assert caught.value.code is ErrorCode.MODEL_PACKAGE_DAMAGED


def test_reading_needs_neither_torch_nor_onnx_nor_safetensors(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from hipcad_desktop.inference.package import read_package\n"
        "from hipcad_desktop.inference.network import Network\n"
        "Network(read_package(Path(sys.argv[1])))\n"
        "heavy = ('torch', 'onnx', 'onnxscript', 'safetensors', 'google', 'hipcad_desktop.learning')\n"
        "print([m for m in heavy if m in sys.modules])"
    )
    path = str(write(tmp_path / "m.hipcad"))
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


KINDS = st.sampled_from([np.float16, np.float32, np.float64, np.int64, np.int32, np.uint8, np.bool_])


@given(st.data())
def test_the_reader_of_safetensors_agrees_with_the_library(data: st.DataObject) -> None:
    shape = arrays.array_shapes(min_dims=0, max_dims=4, max_side=5)
    wanted = {
        name: data.draw(arrays.arrays(data.draw(KINDS), data.draw(shape)))
        for name in data.draw(st.sets(st.text(min_size=1, max_size=5), max_size=4))
        if name != HEAD
    }
    content = stored_weights.with_note(save(wanted), "graph", "ß")
    assert stored_weights.note(content, "graph") == "ß"
    for found in (stored_weights.tensors(content), load(content)):
        assert found.keys() == wanted.keys()
        for name, values in wanted.items():
            np.testing.assert_array_equal(found[name], values)
            assert found[name].dtype == values.dtype
    assert stored_weights.half_precision(content) == any(v.dtype == np.float16 for v in wanted.values())


@given(weights=arrays.arrays(np.float16, st.just((4, 3, 2)), elements={"allow_nan": False}), name=st.text(min_size=1))
def test_an_initializer_is_what_onnx_would_write(weights: np.ndarray, name: str) -> None:
    from onnx import ModelProto, numpy_helper

    model = ModelProto.FromString(completed(b"", {"t": weights}, {name: "t"}))
    (found,) = model.graph.initializer
    assert found.name == name
    np.testing.assert_array_equal(numpy_helper.to_array(found), weights.astype(np.float32))
    assert numpy_helper.to_array(found).dtype == np.float32
