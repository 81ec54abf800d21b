"""Any file is opened or refused with a reason: never another exception, never a wait, never gigabytes."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pydicom.uid as uid
import pytest
from PIL import Image

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.imaging import reader
from hipcad_desktop.imaging.film import Film
from hipcad_desktop.imaging.reader import find_films, read_film
from tests.fakes.dicom_files import ENCODERS, NATIVE, deflate_bomb, dicom_bytes, dicom_file, film_array, rle


def code_of(path: Path) -> ErrorCode:
    with pytest.raises(UserError) as caught:
        read_film(path)
    assert caught.value.facts["path"] == str(path)
    return caught.value.code


def test_identity_comes_from_the_bytes(tmp_path: Path) -> None:
    array = film_array(bits=8)
    Image.fromarray(array).save(tmp_path / "a.png")
    Image.fromarray(array).save(tmp_path / "b.tif")
    a, b = read_film(tmp_path / "a.png"), read_film(tmp_path / "b.tif")
    assert a.radiograph.film_id == hashlib.sha256((tmp_path / "a.png").read_bytes()).hexdigest()
    assert a.radiograph.film_id != b.radiograph.film_id
    assert a.radiograph.pixel_hash == b.radiograph.pixel_hash
    Image.fromarray(array.reshape(56, 40)).save(tmp_path / "c.png")
    assert read_film(tmp_path / "c.png").radiograph.pixel_hash != a.radiograph.pixel_hash


def test_what_is_no_film(tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("not a film at all, but long enough to have bytes 128 to 132 " * 5)
    (tmp_path / "empty.dcm").write_bytes(b"")
    (tmp_path / "short.dcm").write_bytes(b"\x08\x00")
    (tmp_path / "gif.png").write_bytes(b"GIF89a" + bytes(200))
    for name in ("text.jpg", "empty.dcm", "short.dcm", "gif.png"):
        assert code_of(tmp_path / name) is ErrorCode.NOT_A_FILM, name
    assert code_of(tmp_path / "none.dcm") is ErrorCode.FILE_MISSING
    assert code_of(tmp_path / "text.jpg" / "below") is ErrorCode.FILE_MISSING
    assert code_of(tmp_path) is ErrorCode.NOT_A_REGULAR_FILE
    assert code_of(Path("/dev/zero")) is ErrorCode.NOT_A_REGULAR_FILE


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.dcm")
    start = time.monotonic()
    assert code_of(tmp_path / "pipe.dcm") is ErrorCode.NOT_A_REGULAR_FILE
    found = find_films([tmp_path])
    assert found.films == ()
    assert found.passed_over == (tmp_path / "pipe.dcm",)
    assert time.monotonic() - start < 1


def test_a_file_without_the_right_to_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = dicom_file(tmp_path / "f.dcm", film_array())

    def refused(*_: object) -> int:  # root may read everything, so the right is not taken away with chmod
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refused)
    assert code_of(path) is ErrorCode.FILE_NOT_READABLE


def test_a_dicom_without_pixels_says_what_it_is(tmp_path: Path) -> None:
    from pydicom import dcmread

    dataset = dcmread(dicom_file(tmp_path / "f.dcm", film_array()))
    del dataset.PixelData, dataset.Rows
    dataset.SOPClassUID = uid.RTPlanStorage
    dataset.save_as(tmp_path / "plan.dcm")
    with pytest.raises(UserError) as caught:
        read_film(tmp_path / "plan.dcm")
    assert (caught.value.code, caught.value.facts["kind"]) == (ErrorCode.FILM_WITHOUT_PIXELS, "RT Plan Storage")


def test_too_large_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = dicom_file(tmp_path / "f.dcm", film_array())
    monkeypatch.setattr(reader, "MAX_FILE_BYTES", path.stat().st_size - 1)
    assert code_of(path) is ErrorCode.FILM_TOO_LARGE


def test_bombs_cost_little(tmp_path: Path) -> None:
    (tmp_path / "deflate.dcm").write_bytes(deflate_bomb(560 << 20))
    small = film_array(8, 8, bits=8)
    dicom_file(tmp_path / "rle.dcm", small, syntax=uid.RLELossless, frame=rle(small, 8), Rows=65535, Columns=65535)
    j2k = bytearray(ENCODERS[uid.JPEG2000Lossless][0](small, 8))
    j2k[8:16] = b"\0\xff\xff\xff" * 2  # its size, in the codestream only
    dicom_file(tmp_path / "j2k.dcm", small, syntax=uid.JPEG2000Lossless, frame=bytes(j2k))
    code = """
import re, sys, time
from pathlib import Path
from hipcad_desktop.domain.errors import UserError
from hipcad_desktop.imaging.reader import read_film
for path in map(Path, sys.argv[1:]):
    start = time.monotonic()
    try:
        read_film(path)
    except UserError as error:
        peak = re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read())
        print(error.code.value, time.monotonic() - start, int(peak[1]) >> 10)
"""
    names = ("rle.dcm", "j2k.dcm", "deflate.dcm")
    run = subprocess.run(
        [sys.executable, "-c", code, *(str(tmp_path / n) for n in names)], capture_output=True, text=True, check=True
    )
    rows = [line.split() for line in run.stdout.splitlines()]
    assert [row[0] for row in rows] == ["film_too_large", "film_damaged", "film_too_large"]
    assert max(float(row[1]) for row in rows) < 5, "seconds; below 1 where nothing else runs"
    assert max(int(row[2]) for row in rows) < 300, "MB"


def test_nested_without_end_is_damaged(tmp_path: Path) -> None:
    head = dicom_bytes(film_array())
    start = head.index(b"\x28\x00\x02\x00US")
    opened = b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    (tmp_path / "nested.dcm").write_bytes(head[:start] + opened * 20_000 + head[start:])
    assert code_of(tmp_path / "nested.dcm") is ErrorCode.FILM_DAMAGED


def test_importing_the_reader_stays_light() -> None:
    code = "import sys, hipcad_desktop.imaging.reader; print(*{'pydicom', 'PIL', 'imagecodecs'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout.strip() == b""


def test_a_cut_dicom_file_is_damaged(tmp_path: Path) -> None:
    for syntax in (uid.ExplicitVRLittleEndian, uid.JPEG2000Lossless, uid.RLELossless):
        data = dicom_bytes(film_array(64, 64), syntax=syntax, bits_stored=12)
        (tmp_path / "f.dcm").write_bytes(data[: int(len(data) * 0.8)])
        with pytest.raises(UserError) as caught:
            read_film(tmp_path / "f.dcm")
        assert caught.value.code is ErrorCode.FILM_DAMAGED
        assert "end" in caught.value.facts["detail"]


def originals(tmp_path: Path) -> list[bytes]:
    array = film_array(40, 48, bits=12)
    coded = [dicom_bytes(array, syntax=s, bits_stored=12) for s in (*NATIVE, *ENCODERS)]
    for kind, how in (("JPEG", {}), ("PNG", {}), ("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"})):
        Image.fromarray(film_array(40, 48, bits=8)).save(tmp_path / "picture", kind, **how)
        coded.append((tmp_path / "picture").read_bytes())
    return coded


def test_mutations_are_opened_or_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(20200414)
    outcomes: Counter[str] = Counter()
    path = tmp_path / "mutant"
    for data in originals(tmp_path):
        for turn in range(40):
            mutant = bytearray(data)
            match turn % 4:
                case 0:
                    del mutant[int(rng.integers(len(mutant))) :]
                case 1:
                    at = int(rng.integers(len(mutant)))
                    del mutant[at : at + int(rng.integers(1, 40))]
                case 2:
                    at = int(rng.integers(min(1200, len(mutant))))  # headers
                    mutant[at] = int(rng.integers(256))
                case _:
                    for at in rng.integers(len(mutant), size=8):
                        mutant[at] = int(rng.integers(256))
            path.write_bytes(mutant)
            try:
                outcomes[read_film(path).radiograph.kind] += 1
            except UserError as error:
                outcomes[error.code.value] += 1
    assert sum(outcomes.values()) == 18 * 40
    assert outcomes["film_damaged"] > 150, outcomes
    assert outcomes["DICOM"] > 50, outcomes


def test_films_are_read_in_threads(tmp_path: Path) -> None:
    array = film_array(bits=12)
    path = dicom_file(tmp_path / "f.dcm", array, syntax=uid.JPEG2000Lossless, bits_stored=12)
    films: list[Film] = []
    threads = [threading.Thread(target=lambda: films.extend(read_film(path) for _ in range(5))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(films) == 20
    assert all(np.array_equal(f.values, array) for f in films)


def test_find_films(tmp_path: Path) -> None:
    array = film_array(bits=8)
    (tmp_path / "sub" / ".hidden").mkdir(parents=True)
    for name in ("IMG10.png", "IMG2.png", "sub/b.png", "sub/.hidden/c.png", ".d.png"):
        Image.fromarray(array).save(tmp_path / name)
    dicom_file(tmp_path / "sub" / "IM0001", array)  # by its bytes
    dicom_file(tmp_path / "sub" / "DICOMDIR", array)
    (tmp_path / "claims.jpg").write_text("text")  # by its name
    (tmp_path / "notes.txt").write_text("text")
    (tmp_path / "sub" / "loop").symlink_to(tmp_path)
    found = find_films([tmp_path])
    names = [str(p.relative_to(tmp_path)) for p in found.films]
    assert names == ["claims.jpg", "IMG2.png", "IMG10.png", "sub/b.png", "sub/IM0001"]
    passed = {str(p.relative_to(tmp_path)) for p in found.passed_over}
    assert passed == {"notes.txt", ".d.png", "sub/.hidden", "sub/DICOMDIR"}
    named = find_films([tmp_path / "notes.txt", tmp_path / "none.dcm", tmp_path / "IMG2.png", tmp_path])
    assert named.films[:3] == (tmp_path / "notes.txt", tmp_path / "none.dcm", tmp_path / "IMG2.png")
    assert len(named.films) == len(set(named.films)) == 7
    assert tmp_path / "notes.txt" not in named.passed_over
    (tmp_path / "empty").mkdir()
    assert find_films([tmp_path / "empty"]).films == ()


# Of pydicom's own files and those of pydicom-data: what is not opened, and why. Everything else with pixels is opened.
REFUSED_WITH_PIXELS = {
    "color3d_jpeg_baseline.dcm": ErrorCode.FILM_TOO_LARGE,  # 120 frames
    "JPEG2000-embedded-sequence-delimiter.dcm": ErrorCode.FILM_DAMAGED,
    "MR_truncated.dcm": ErrorCode.FILM_DAMAGED,
    "badVR.dcm": ErrorCode.FILM_DAMAGED,  # NumberOfFrames "1A"
    "meta_missing_tsyntax.dcm": ErrorCode.FILM_DAMAGED,
    "nested_priv_SQ.dcm": ErrorCode.FILM_DAMAGED,  # no Rows
}


def corpus() -> list[Path]:
    import data_store
    import pydicom

    roots = (Path(pydicom.__file__).parent / "data", Path(data_store.__file__).parent / "data")
    return sorted(p for root in roots for p in root.rglob("*") if p.is_file() and "__pycache__" not in p.parts)


def test_the_files_of_pydicom() -> None:
    from pydicom import dcmread

    outcomes: Counter[str] = Counter()
    refused = {}
    for path in corpus():
        try:
            film = read_film(path)
            outcomes["opened"] += 1
            assert film.eight_bit.shape == film.values.shape
        except UserError as error:
            outcomes[error.code.value] += 1
            if error.code not in (ErrorCode.NOT_A_FILM, ErrorCode.FILM_WITHOUT_PIXELS):
                try:
                    has_pixels = any(k in dcmread(path, force=True) for k in ("PixelData", "FloatPixelData"))
                except Exception:  # pydicom's own trouble with its own file
                    has_pixels = True
                if has_pixels:
                    refused[path.name] = error.code
    assert refused == REFUSED_WITH_PIXELS
    assert outcomes["opened"] >= 168, outcomes


@pytest.mark.parametrize("name", ["RG1_J2KI.dcm", "RG3_J2KR.dcm"])
def test_real_radiographs(name: str) -> None:
    folder = os.environ.get("HIPCAD_REAL_DICOM")
    if not folder:
        pytest.skip("HIPCAD_REAL_DICOM names no folder of real DICOM films")
    film = read_film(Path(folder) / name)
    assert film.radiograph.mapping.inverted
    assert film.radiograph.sides.mirrored is (name == "RG3_J2KR.dcm")
    assert film.radiograph.header.spacing_mm is None
    assert 0.009 < (film.eight_bit == 255).mean() + (film.eight_bit == 0).mean() < 0.6


def test_real_films() -> None:
    folder = os.environ.get("HIPCAD_REAL_FILMS")
    if not folder:
        pytest.skip("HIPCAD_REAL_FILMS names no folder of real films")
    films = find_films([Path(folder)]).films
    assert films
    for path in films:
        film = read_film(path)
        assert film.radiograph.mapping.rule == "identity8"
        assert not film.radiograph.header.colour
