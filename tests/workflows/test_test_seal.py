"""The seal of the test partition: openings stay, in order, and whatever is done to their record is found."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.metrics import Thresholds
from hipcad_desktop.domain.seal import Opening
from hipcad_desktop.workflows.test_seal import OPENINGS_NAME, openings, record_opening
from tests.fakes.brightness_dataset import FlatFilm, write_flat_dataset

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    write_flat_dataset(tmp_path / "D", [FlatFilm("P0001", 10, 200, broken="L")])
    return tmp_path / "D"


def opened(dataset: Path, name: str = "model", *, now: datetime = NOW) -> tuple[Opening, ...]:
    return record_opening(dataset, model_name=name, model_sha256="a" * 64, thresholds=Thresholds(0.2, 0.7), now=now)


def code_of(call: Callable[[], object]) -> tuple[ErrorCode, str]:
    with pytest.raises(UserError) as raised:
        call()
    return raised.value.code, str(raised.value.facts.get("detail", ""))


def test_every_opening_is_kept_in_order(dataset: Path) -> None:
    assert openings(dataset) == ()
    assert not (dataset / OPENINGS_NAME).exists()
    first = opened(dataset, "first")
    japan = timezone(timedelta(hours=9))
    both = opened(dataset, "second", now=datetime(2026, 3, 2, 0, 0, tzinfo=japan))
    assert both[:1] == first
    assert [(o.number, o.model_name, o.opened_utc) for o in both] == [
        (1, "first", "2026-03-01T12:30:00.000000Z"),
        (2, "second", "2026-03-01T15:00:00.000000Z"),
    ]
    assert openings(dataset) == both
    assert both[1].thresholds == Thresholds(0.2, 0.7)
    assert Opening.from_json(json.loads(json.dumps(both[0].to_json()))) == both[0]


def change(old: str, new: str) -> Callable[[list[str]], list[str]]:
    return lambda lines: [line.replace(old, new) for line in lines]


@pytest.mark.parametrize(
    "tamper",
    [
        change('"model_name": "one"', '"model_name": "uno"'),
        change('"fracture": 0.7', '"fracture": 0.6'),
        change('"opened_utc": "2026', '"opened_utc": "2025'),
        lambda lines: lines[1:],
        lambda lines: [lines[0], lines[2]],
        lambda lines: [lines[1], lines[0], lines[2]],
        lambda lines: [*lines, lines[2]],
        lambda lines: [*lines, "x"],
        lambda lines: ["[]", *lines[1:]],
        lambda lines: [json.dumps({**json.loads(lines[0]), "hash": "0" * 64}), *lines[1:]],
        lambda lines: [json.dumps({**json.loads(lines[0]), "more": 1}), *lines[1:]],
        lambda lines: [lines[0], "", *lines[1:]],
    ],
)
def test_a_tampered_record_is_refused_for_reading_and_for_opening(
    dataset: Path, tamper: Callable[[list[str]], list[str]]
) -> None:
    for name in ("one", "two", "three"):
        opened(dataset, name)
    path = dataset / OPENINGS_NAME
    lines = path.read_text().splitlines()
    assert len(lines) == 3
    text = "".join(line + "\n" for line in tamper(lines))
    path.write_text(text)
    assert code_of(lambda: openings(dataset))[0] is ErrorCode.TEST_SEAL_BROKEN
    assert code_of(lambda: opened(dataset))[0] is ErrorCode.TEST_SEAL_BROKEN
    assert path.read_text() == text


def test_a_record_of_another_dataset_is_refused(dataset: Path, tmp_path: Path) -> None:
    write_flat_dataset(tmp_path / "E", [FlatFilm("P0002", 11, 201, broken="L")])
    opened(dataset)
    (tmp_path / "E" / OPENINGS_NAME).write_bytes((dataset / OPENINGS_NAME).read_bytes())
    assert code_of(lambda: openings(tmp_path / "E")) == (
        ErrorCode.TEST_SEAL_BROKEN,
        "line 1 does not follow from what is before it",
    )


def test_an_opening_that_a_power_cut_broke_off_was_none(dataset: Path) -> None:
    opened(dataset, "first")
    path = dataset / OPENINGS_NAME
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"hash": "12')
    assert [o.model_name for o in openings(dataset)] == ["first"]
    assert [o.number for o in opened(dataset, "second")] == [1, 2]
    assert path.read_bytes().startswith(whole)
    assert len(openings(dataset)) == 2


def test_a_full_disk_leaves_the_record_as_it_was(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened(dataset)
    before = (dataset / OPENINGS_NAME).read_bytes()

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("hipcad_desktop.workflows.write_whole.os.fsync", full)
    assert code_of(lambda: opened(dataset)) == (ErrorCode.TEST_SEAL_NOT_WRITTEN, "No space left on device")
    monkeypatch.undo()
    assert (dataset / OPENINGS_NAME).read_bytes() == before
    assert len(opened(dataset)) == 2


def test_where_nothing_can_be_written_nothing_is_opened(dataset: Path) -> None:
    (dataset / OPENINGS_NAME).mkdir()
    assert code_of(lambda: openings(dataset)) == (ErrorCode.TEST_SEAL_BROKEN, "it cannot be read")
    (dataset / OPENINGS_NAME).rmdir()
    if os.name == "posix" and os.geteuid() != 0:
        dataset.chmod(0o555)
        try:
            assert code_of(lambda: opened(dataset))[0] is ErrorCode.TEST_SEAL_NOT_WRITTEN
        finally:
            dataset.chmod(0o755)
    else:
        (dataset / f".{OPENINGS_NAME}.lock").mkdir()
        assert code_of(lambda: opened(dataset))[0] is ErrorCode.TEST_SEAL_NOT_WRITTEN


def test_no_dataset_has_no_seal(tmp_path: Path) -> None:
    assert code_of(lambda: opened(tmp_path))[0] is ErrorCode.NOT_A_DATASET
    assert code_of(lambda: openings(tmp_path / "absent"))[0] is ErrorCode.FILE_MISSING
    assert os.listdir(tmp_path) == []


def test_many_at_once_are_all_recorded(dataset: Path) -> None:
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda i: opened(dataset, f"m{i}"), range(12)))
    found = openings(dataset)
    assert [o.number for o in found] == list(range(1, 13))
    assert {o.model_name for o in found} == {f"m{i}" for i in range(12)}
