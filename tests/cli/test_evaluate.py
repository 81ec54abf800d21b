"""`hipcad evaluate`: alarms first, every figure with n and interval, a share in either writing."""

from __future__ import annotations

from pathlib import Path

import pytest

from hipcad_desktop.cli import main
from hipcad_desktop.domain.halving import HalvingMethod
from tests.fakes.brightness_dataset import FlatFilm, write_flat_dataset
from tests.fakes.model_package import write_fake_package


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hipcad_desktop.workflows.leak_probe._TREES", 2)
    monkeypatch.setattr("hipcad_desktop.workflows.leak_probe._REPEATS", 1)
    monkeypatch.setattr("hipcad_desktop.workflows.write_report.pdf_of", lambda page: b"%PDF-")


def evaluated(tmp_path: Path, *options: str, halvings: tuple[HalvingMethod, ...] = tuple(HalvingMethod)) -> int:
    films = [FlatFilm(f"P{n:04d}", 170 if n % 2 else 90, 90, "R" if n % 2 else "") for n in range(10)]
    write_flat_dataset(tmp_path / "D", films, halvings=halvings)
    model = write_fake_package(tmp_path / "M.hipcad")
    return main(["evaluate", str(model), str(tmp_path / "D"), "--to", str(tmp_path / "R"), *options])


def test_alarms_come_first_and_the_predictive_values_name_their_prevalence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluated(tmp_path, "--prevalence", "10%", "--interval", "clopper-pearson") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("LEAK ALARM, ")
    assert any("model's AUC, midline halving" in line and "above 0.99" in line for line in lines)
    assert any("Opening number 1 of the sealed test" in line for line in lines)
    assert any("positive predictive value, where 10.0% of the hips are broken: 1.000 (95 %" in line for line in lines)
    assert any(line.startswith("Report: ") and "report.pdf" in line for line in lines)


def test_a_dataset_without_the_midline_halving_is_told_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluated(tmp_path, halvings=(HalvingMethod.PAPER,)) == 0
    assert "test partition, paper halving" in capsys.readouterr().out


@pytest.mark.parametrize("share", ["0", "100%", "often"])
def test_a_wrong_share_is_wrong_usage(tmp_path: Path, share: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        evaluated(tmp_path, "--prevalence", share)
    assert stopped.value.code == 2
    assert "write 0.1 or 10%" in capsys.readouterr().err
