"""The codec self-test that `hipcad doctor` and the built program run."""

from __future__ import annotations

import sys

import pytest

from hipcad_desktop.imaging.selftest import decode_each_syntax


def test_every_syntax_decodes() -> None:
    results = decode_each_syntax()
    assert len(results) == 14
    assert all(results.values()), results


def test_a_missing_codec_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    import imagecodecs

    def gone(*_: object, **__: object) -> None:
        raise ImportError("no codec")

    monkeypatch.setattr(imagecodecs, "jpegls_decode", gone)
    results = decode_each_syntax()
    assert [name for name, ok in results.items() if not ok] == [
        "JPEG-LS Lossless Image Compression",
        "JPEG-LS Lossy (Near-Lossless) Image Compression",
    ]
    assert "imagecodecs" in sys.modules
