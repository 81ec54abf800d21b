"""The decoder process from the window's side: whatever it does, one film is lost at most (RELIABILITY 1.13)."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.gui.tasks import Tasks
from hipcad_desktop.gui.viewer.decoder import Decoder
from hipcad_desktop.gui.viewer.film_source import FilmSource, LoadedFilm
from hipcad_desktop.imaging.reader import read_film
from hipcad_desktop.workflows.view_film import Question
from tests.fakes.dicom_files import dicom_file, film_array

WAIT_MS = 20_000
STARTED = 'print(\'{"v": 1, "event": "Started", "job": "1", "facts": {}}\', flush=True)'


def fake(body: str) -> tuple[str, ...]:
    """A decoder that waits for a question and then does something else."""
    return sys.executable, "-c", f"import os, sys, time\nsys.stdin.readline()\n{STARTED}\n{body}"


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return dicom_file(tmp_path / "film.dcm", film_array(600, 700), bits_stored=12)


@pytest.fixture
def question(tmp_path: Path, film: Path) -> Question:
    return Question((str(film),), None, str(tmp_path), preview=True)


@pytest.fixture
def decoders() -> Iterator[list[Decoder]]:
    made: list[Decoder] = []
    yield made
    for decoder in made:
        decoder.stop()


BREAKS = {
    "crashes": "os.kill(os.getpid(), 11)",
    "leaves": "sys.exit(0)",
    "talks nonsense and leaves": "print('{]' * 1000, flush=True)",
    "talks without end": "\nwhile True: os.write(1, b'x' * 65536)",
    "fails with an unknown word": (
        'print(\'{"v": 1, "event": "Failed", "job": "1", "code": "nonsense", "facts": {}}\', flush=True)\n'
        "time.sleep(60)"
    ),
}


@pytest.mark.parametrize("body", BREAKS.values(), ids=BREAKS.keys())
def test_a_decoder_that_breaks_costs_one_film(
    qtbot: QtBot, question: Question, decoders: list[Decoder], body: str
) -> None:
    decoder = Decoder(fake(body))
    decoders.append(decoder)
    errors: list[object] = []
    decoder.failed.connect(lambda job, error: errors.append(error))
    with qtbot.waitSignal(decoder.idle, timeout=WAIT_MS):
        decoder.ask("1", question)
    (error,) = errors
    assert isinstance(error, UserError)
    assert error.code is ErrorCode.FILM_DAMAGED
    assert not decoder.busy


def test_a_decoder_that_never_ends_is_ended(qtbot: QtBot, question: Question, decoders: list[Decoder]) -> None:
    decoder = Decoder(fake("time.sleep(600)"), patience_s=1.0)
    decoders.append(decoder)
    with qtbot.waitSignal(decoder.failed, timeout=WAIT_MS) as told:
        decoder.ask("1", question)
    assert told.args[1].code is ErrorCode.FILM_DAMAGED
    assert "more than 1 seconds" in told.args[1].facts["detail"]


def test_a_program_that_is_not_there_is_no_hang(qtbot: QtBot, question: Question, decoders: list[Decoder]) -> None:
    decoder = Decoder(("/nonexistent/decoder",))
    decoders.append(decoder)
    with qtbot.waitSignal(decoder.failed, timeout=WAIT_MS):
        decoder.ask("1", question)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no signals to send")
def test_after_a_crash_the_next_film_comes(qtbot: QtBot, question: Question, decoders: list[Decoder]) -> None:
    decoder = Decoder()
    decoders.append(decoder)
    decoder.ask("1", question)
    assert decoder._process is not None
    qtbot.waitUntil(lambda: decoder._process is not None and decoder._process.processId() > 0, timeout=WAIT_MS)
    with qtbot.waitSignal(decoder.failed, timeout=WAIT_MS):
        os.kill(decoder._process.processId(), signal.SIGKILL)
    with qtbot.waitSignal(decoder.decoded, timeout=WAIT_MS) as told:
        decoder.ask("2", question)
    assert told.args[0] == "2"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits addresses")
def test_the_decoder_may_not_take_all_memory() -> None:
    import subprocess

    program = (
        "import hipcad_desktop.decoder as d\nd.limit_memory(600 * 2**20)\n"
        "try:\n  bytearray(2**30)\nexcept MemoryError:\n  print('refused')"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "refused"


# the source of films


@pytest.fixture
def source(qtbot: QtBot, tmp_path: Path) -> Iterator[FilmSource]:
    for number in range(3):
        dicom_file(tmp_path / f"{number}.dcm", film_array(600, 700, seed=number), bits_stored=12)
    (tmp_path / "bad.dcm").write_bytes((tmp_path / "0.dcm").read_bytes()[:5000])
    tasks = Tasks()

    def questions(film_id: str):  # type: ignore[no-untyped-def]
        return lambda exchange: Question((str(tmp_path / film_id),), None, exchange, preview=True)

    made = FilmSource(tasks, questions)
    yield made
    made.forget()
    tasks.close()


def test_a_film_comes_whole_and_leaves_no_file(qtbot: QtBot, source: FilmSource, tmp_path: Path) -> None:
    looks: list[object] = []
    source.previewed.connect(lambda film_id, picture, exact: looks.append(picture))
    with qtbot.waitSignal(source.ready, timeout=WAIT_MS) as told:
        source.show("1.dcm")  # type: ignore[arg-type]
    assert len(looks) == 1
    loaded = told.args[1]
    assert isinstance(loaded, LoadedFilm)
    plain = read_film(tmp_path / "1.dcm")
    assert (loaded.film.eight_bit == plain.eight_bit).all()
    assert loaded.picture.levels[1].shape == (300, 350)
    assert source._exchange is not None
    assert list(source._exchange.iterdir()) == []
    folder = source._exchange
    source.forget()
    assert not folder.exists()
    assert (np.asarray(loaded.film.values) == plain.values).all()  # what is shown outlives its file


def test_films_ahead_are_fetched_one_after_the_other(qtbot: QtBot, source: FilmSource) -> None:
    with qtbot.waitSignal(source.ready, timeout=WAIT_MS):
        source.show("0.dcm")  # type: ignore[arg-type]
    source.prefetch(["1.dcm", "bad.dcm", "2.dcm"])  # type: ignore[list-item]
    qtbot.waitUntil(lambda: {"1.dcm", "2.dcm"} <= set(source._kept), timeout=WAIT_MS)
    with qtbot.waitSignal(source.ready, timeout=10):
        source.show("2.dcm")  # type: ignore[arg-type]


def test_a_film_that_cannot_be_decoded_is_told(qtbot: QtBot, source: FilmSource) -> None:
    with qtbot.waitSignal(source.failed, timeout=WAIT_MS) as told:
        source.show("bad.dcm")  # type: ignore[arg-type]
    assert told.args[1].code is ErrorCode.FILM_DAMAGED
    with qtbot.waitSignal(source.ready, timeout=WAIT_MS):
        source.show("0.dcm")  # type: ignore[arg-type]
