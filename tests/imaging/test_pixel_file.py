"""Files of pixels between two processes: what goes in comes out, and nothing else is believed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hipcad_desktop.imaging.pixel_file import map_pixels, read_facts, write_pixels


@pytest.fixture
def written(tmp_path: Path) -> Path:
    arrays = [
        ("level0", np.arange(60_000, dtype=np.uint16).reshape(200, 300)),
        ("eight_bit", np.ones((2, 3), np.uint8)),
    ]
    return write_pixels(tmp_path, arrays, facts={"a": 1})


def test_arrays_and_facts_come_back_and_cannot_be_written(written: Path) -> None:
    found = map_pixels(written)
    assert found.facts == read_facts(written) == {"a": 1}
    assert (found.arrays["level0"] == np.arange(60_000).reshape(200, 300)).all()
    assert found.arrays["eight_bit"].shape == (2, 3)
    with pytest.raises(ValueError, match="read-only"):
        found.arrays["level0"][0, 0] = 1


def test_it_can_be_read_after_it_is_deleted(written: Path) -> None:
    found = map_pixels(written)
    written.unlink()
    assert int(found.arrays["level0"][199, 299]) == 59_999


def test_only_this_person_may_read_it(written: Path) -> None:
    assert written.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("keep", [100, 8192, 60_000])
def test_a_file_that_ends_early_is_refused(written: Path, keep: int) -> None:
    written.write_bytes(written.read_bytes()[:keep])
    with pytest.raises(ValueError, match=r"pixels|Expecting|Extra"):
        map_pixels(written)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"uint16"', b'"object"'),
        (b"[200, 300]", b"[-20, 300]"),
        (b"[200, 300]", b"[900, 999]"),
        (b'"at": 8192', b'"at": -192'),
        (b'"format": 1', b'"format": 9'),
    ],
)
def test_a_head_that_lies_is_refused(written: Path, old: bytes, new: bytes) -> None:
    assert len(old) == len(new)
    content = written.read_bytes()
    assert old in content
    written.write_bytes(content.replace(old, new, 1))
    with pytest.raises(ValueError, match="pixels"):
        map_pixels(written)
