"""`hipcad model` and a training that starts from the box, from a terminal."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from hipcad_desktop.cli import main
from hipcad_desktop.domain.training import QUICK
from hipcad_desktop.inference.package import read_package
from tests.fakes.made_up_dataset import write_made_up_dataset
from tests.fakes.model_package import write_fake_package
from tests.workflows.test_shrink_model import older_package


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    """The verbs take Ctrl+C for themselves; the tests give it back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_model_in_words_and_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = write_fake_package(tmp_path / "m.hipcad", name="Hüfte", note="Looks at brightness.")
    assert main(["model", str(model)]) == 0
    said = capsys.readouterr().out
    assert "Name:            Hüfte\n" in said
    assert "Weights:         in single precision\n" in said
    assert f"m.hipcad, {model.stat().st_size / 1e6:.1f} MB\n" in said
    assert "Looks at brightness." in said
    assert main(["model", str(model), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["card"] == json.loads(json.dumps(read_package(model).card.to_json()))
    assert (facts["bytes"], facts["sha256"]) == (model.stat().st_size, read_package(model).sha256)


def test_a_damaged_model_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = write_fake_package(tmp_path / "m.hipcad")
    model.write_bytes(model.read_bytes()[:-1])
    assert main(["model", str(model)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert "damaged" in said.err


def test_a_model_is_made_smaller_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from hipcad_desktop.learning.architecture import build_network
    from tests.fakes.tiny_recipe import TINY

    old, small = older_package(tmp_path / "old.hipcad", build_network(TINY)), tmp_path / "small.hipcad"
    assert main(["model", str(old), "--shrink", str(small)]) == 0
    assert "small.hipcad: " in capsys.readouterr().out
    assert read_package(small).card.precision == "float16"
    assert main(["model", str(old), "--shrink", str(small)]) == 1
    assert "is not overwritten" in capsys.readouterr().err


def test_a_training_starts_from_the_box_with_its_backbone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from hipcad_desktop.learning.architecture import build_network
    from tests.fakes.tiny_recipe import TINY

    dataset = tmp_path / "d"
    write_made_up_dataset(dataset)
    model = older_package(tmp_path / "box.hipcad", build_network(TINY))
    monkeypatch.setattr("hipcad_desktop.app.box.default_model", lambda: model)
    plan = ["--recipe", "quick", "--input", "64", "--batch", "4", "--epochs", "1", "--device", "cpu"]
    to = tmp_path / "mine.hipcad"
    assert main(["train", str(dataset), *plan, "--start", "box", "--to", str(to)]) == 0
    config = read_package(to).card.config
    assert (config["backbone"], config["weights"]) == (TINY.backbone, "box.hipcad")
    assert config["backbone"] != QUICK.backbone

    monkeypatch.setattr("hipcad_desktop.app.box.default_model", lambda: None)
    capsys.readouterr()
    assert main(["train", str(dataset), *plan, "--start", "box", "--to", str(tmp_path / "n.hipcad")]) == 2
    assert "start cannot be 'box'" in capsys.readouterr().err.lower()
