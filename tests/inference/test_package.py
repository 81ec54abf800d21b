"""A package is read back whole, or refused: every changed byte, every foreign file, every unfit content."""

from __future__ import annotations

import hashlib
import json
import os
import random
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.metrics import Thresholds
from hipcad_desktop.inference import package as package_module
from hipcad_desktop.inference.package import read_package, read_weights, write_package
from tests.fakes.model_package import fake_card, fake_graph, fake_weights, write_fake_package


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_fake_package(tmp_path / "model.hipcad")


def refused(path: Path) -> ErrorCode:
    with pytest.raises(UserError) as caught:
        read_package(path)
    return caught.value.code


def sealed(path: Path, members: list[tuple[str, bytes]], *, compression: int = zipfile.ZIP_STORED) -> Path:
    """A zip with a right checksum in its comment, whatever it holds."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members:
            archive.writestr(name, content)
        archive.comment = b"0" * 64
    content = path.read_bytes()[:-64]
    path.write_bytes(content + hashlib.sha256(content).hexdigest().encode())
    return path


def card_bytes(**changes: object) -> bytes:
    return json.dumps({**fake_card().to_json(), **changes}).encode()


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "model.hipcad"
    card = fake_card(thresholds=Thresholds(0.125, 0.875), overlap_share=0.13, name="Hüfte 1")
    sha256 = write_package(path, card=card, onnx=fake_graph(), weights=fake_weights())
    package = read_package(path)
    assert package.card == card
    assert package.onnx == fake_graph()
    assert package.sha256 == sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert read_weights(path) == fake_weights()


def test_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    first = write_fake_package(tmp_path / "a.hipcad").read_bytes()
    assert write_fake_package(tmp_path / "b.hipcad").read_bytes() == first


def test_any_unzip_reads_it(model: Path) -> None:
    with zipfile.ZipFile(model) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["card.json", "model.onnx", "weights.safetensors"]
        assert len(archive.comment) == 64


def test_every_flipped_bit_of_the_last_400_bytes_and_600_elsewhere_is_found(model: Path) -> None:
    content = model.read_bytes()
    chance = random.Random(11)
    places = [*range(60), *range(len(content) - 400, len(content))]
    places += [chance.randrange(len(content)) for _ in range(600)]
    for place in places:
        changed = bytearray(content)
        changed[place] ^= 1 << chance.randrange(8)
        model.write_bytes(changed)
        assert refused(model) is ErrorCode.MODEL_PACKAGE_DAMAGED, place
    model.write_bytes(content)
    assert read_package(model).card == fake_card()


def test_every_replaced_comment_digit_is_found(model: Path) -> None:
    content = model.read_bytes()
    for place in range(len(content) - 64, len(content)):
        upper = content[place : place + 1].upper()
        if upper != content[place : place + 1]:
            model.write_bytes(content[:place] + upper + content[place + 1 :])
            assert refused(model) is ErrorCode.MODEL_PACKAGE_DAMAGED


@pytest.mark.parametrize("kept", [60, 200, 1000, -1, -64, -80])
def test_a_truncated_package_is_damaged(model: Path, kept: int) -> None:
    model.write_bytes(model.read_bytes()[:kept])
    assert refused(model) is ErrorCode.MODEL_PACKAGE_DAMAGED


@pytest.mark.parametrize("extra", [b"\0", b"x" * 64, b"x" * 70_000])
def test_appended_bytes_are_found(model: Path, extra: bytes) -> None:
    model.write_bytes(model.read_bytes() + extra)
    assert refused(model) is ErrorCode.MODEL_PACKAGE_DAMAGED


@pytest.mark.parametrize("content", [b"", b"P", b"hello, this is a text", b"\x89PNG\r\n\x1a\n" + bytes(400), bytes(64)])
def test_another_file_is_no_package(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.hipcad"
    path.write_bytes(content)
    assert refused(path) is ErrorCode.NOT_A_MODEL_PACKAGE


def test_a_zip_without_a_card_is_no_package(tmp_path: Path) -> None:
    path = tmp_path / "model.hipcad"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("photo.jpg", b"x")
    assert refused(path) is ErrorCode.NOT_A_MODEL_PACKAGE
    assert refused(sealed(path, [("photo.jpg", b"x")])) is ErrorCode.NOT_A_MODEL_PACKAGE


def test_a_sealed_text_is_no_package(tmp_path: Path) -> None:
    path = tmp_path / "model.hipcad"
    path.write_bytes(b"text" + hashlib.sha256(b"text").hexdigest().encode())
    assert refused(path) is ErrorCode.NOT_A_MODEL_PACKAGE


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    assert refused(tmp_path / "absent.hipcad") is ErrorCode.FILE_MISSING
    assert refused(tmp_path) is ErrorCode.NOT_A_REGULAR_FILE
    os.mkfifo(tmp_path / "pipe.hipcad")
    assert refused(tmp_path / "pipe.hipcad") is ErrorCode.NOT_A_REGULAR_FILE


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "disk.hipcad"
    with path.open("wb") as file:
        file.truncate(package_module.LARGEST_FILE + 1)
    assert refused(path) is ErrorCode.NOT_A_MODEL_PACKAGE


def test_a_newer_schema_names_itself_even_with_other_members(tmp_path: Path) -> None:
    path = sealed(tmp_path / "model.hipcad", [("card.json", card_bytes(schema=7, new=1)), ("parts/0", b"x")])
    with pytest.raises(UserError) as caught:
        read_package(path)
    assert caught.value.code is ErrorCode.MODEL_PACKAGE_NEWER
    assert caught.value.facts["found"] == 7


MEMBERS = [("card.json", card_bytes()), ("model.onnx", b"graph"), ("weights.safetensors", fake_weights())]


@pytest.mark.parametrize(
    "members",
    [
        MEMBERS[:2],
        [*MEMBERS, ("extra.txt", b"x")],
        [*MEMBERS, ("../../.bashrc", b"x")],
        [*MEMBERS, ("/etc/passwd", b"x")],
        [MEMBERS[1], MEMBERS[0], MEMBERS[2]],
        [*MEMBERS[:2], ("model.pkl", b"x")],
    ],
)
def test_other_members_are_refused_and_nothing_is_extracted(tmp_path: Path, members: list[tuple[str, bytes]]) -> None:
    folder = tmp_path / "inner"
    folder.mkdir()
    assert refused(sealed(folder / "model.hipcad", members)) is ErrorCode.MODEL_PACKAGE_DAMAGED
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == ["model.hipcad"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_twice_is_refused(tmp_path: Path) -> None:
    assert refused(sealed(tmp_path / "model.hipcad", [*MEMBERS, MEMBERS[1]])) is ErrorCode.MODEL_PACKAGE_DAMAGED


def test_compressed_members_are_refused(tmp_path: Path) -> None:
    bomb = [MEMBERS[0], ("model.onnx", bytes(1 << 20)), MEMBERS[2]]
    path = sealed(tmp_path / "model.hipcad", bomb, compression=zipfile.ZIP_DEFLATED)
    assert refused(path) is ErrorCode.MODEL_PACKAGE_DAMAGED


@pytest.mark.parametrize(
    "changes",
    [
        {"schema": "1"},
        {"schema": 0},
        {"thresholds": {"no_fracture": 0.9, "fracture": 0.1}},
        {"thresholds": {"no_fracture": 0.1}},
        {"mean": [0.5]},
        {"std": [0.1, 0, 0.1]},
        {"std": ["a", "b", "c"]},
        {"overlap_share": 0.7},
        {"overlap_share": "wide"},
        {"halving": "paper"},
        {"input_px": 1e9},
        {"name": " "},
        {"unknown": 1},
        {"precision": "float8"},
        {"notice": ""},
        {"data": None},
        {"thresholds_from": []},
        {"limits": 5},
        {"mean": [10**400, 0, 0]},
    ],
)
def test_a_card_that_no_network_can_use_is_refused(tmp_path: Path, changes: dict[str, object]) -> None:
    members = [("card.json", card_bytes(**changes)), *MEMBERS[1:]]
    assert refused(sealed(tmp_path / "model.hipcad", members)) is ErrorCode.MODEL_PACKAGE_DAMAGED


@pytest.mark.parametrize("card", [b"", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, card_bytes()[:-1] + b',"x":NaN}'])
def test_a_card_that_is_no_json_object_is_refused(tmp_path: Path, card: bytes) -> None:
    path = sealed(tmp_path / "model.hipcad", [("card.json", card), *MEMBERS[1:]])
    assert refused(path) is ErrorCode.MODEL_PACKAGE_DAMAGED


NO_WEIGHTS = [b"", b"pickle", b"\x80\x04\x95" * 40, struct.pack("<Q", 1 << 60), b"\x02" + bytes(9)]


@pytest.mark.parametrize("weights", NO_WEIGHTS)
def test_weights_that_are_no_safetensors_are_refused(tmp_path: Path, weights: bytes) -> None:
    path = sealed(tmp_path / "model.hipcad", [*MEMBERS[:2], ("weights.safetensors", weights)])
    with pytest.raises(UserError, match="damaged"):
        read_weights(path)
    with pytest.raises(ValueError, match="safetensors"):
        write_package(tmp_path / "new.hipcad", card=fake_card(), onnx=fake_graph(), weights=weights)


def test_write_refuses_what_does_not_fit_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "model.hipcad"
    unfit = [
        {"card": fake_card(overlap_share=0.9)},
        {"card": fake_card(overlap_share=float("nan"))},
        {"card": fake_card(config={"path": (1, 2)}, halving="paper")},
        {"onnx": b"no graph"},
        {"onnx": _graph_with_other_outputs()},
    ]
    for change in unfit:
        with pytest.raises(ValueError, match=r"fit|cannot be used|JSON"):
            write_package(path, **{"card": fake_card(), "onnx": fake_graph(), "weights": fake_weights(), **change})
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_keeps_the_old_package(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = model.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(package_module.os, "fsync", full)
    with pytest.raises(UserError) as caught:
        write_fake_package(model, gain=3)
    assert caught.value.code is ErrorCode.DISK_FULL
    assert model.read_bytes() == before
    assert list(model.parent.iterdir()) == [model]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        write_fake_package(tmp_path / "absent" / "model.hipcad")
    assert caught.value.code is ErrorCode.FOLDER_NOT_WRITABLE


def test_reading_a_package_needs_neither_torch_nor_pickled_code(model: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from hipcad_desktop.inference.package import read_package\n"
        "from hipcad_desktop.inference.network import Network\n"
        "Network(read_package(Path(sys.argv[1])))\n"
        "heavy = ('torch', 'timm', 'captum', 'onnx', 'safetensors', 'hipcad_desktop.learning')\n"
        "print([m for m in heavy if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(model)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def _graph_with_other_outputs() -> bytes:
    from onnx import load_model_from_string

    graph = load_model_from_string(fake_graph())
    del graph.graph.output[1]
    return bytes(graph.SerializeToString())
