"""What the decoder process does with a film: a first look, then everything, into files that the window maps."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.geometry import Size
from hipcad_desktop.domain.radiograph import FilmId, PatientFacts, Radiograph
from hipcad_desktop.imaging.film import Picture, pixel_hash
from hipcad_desktop.imaging.pixel_file import read_facts, write_pixels
from hipcad_desktop.imaging.pyramid import pyramid
from hipcad_desktop.imaging.reader import file_bytes, picture_in
from hipcad_desktop.workflows.view_film import Question

KEPT_BYTES = 4 * 2**30  # about 55 films of 20 megapixels and 12 bits
SPARE_BYTES = 2 * 2**30  # of the disk, left to what matters
SLOW_S = 0.5  # what took longer to decode is kept for the next time
PREVIEW_PX = 1200  # a first look has about as many pixels as it gets on the screen
SUFFIX = ".pixels"
TellPreview = Callable[[Path], None]


@dataclass(frozen=True, slots=True)
class Decoded:
    """Where a film's pixels are now, what its header says for the eye, and whether they are worth keeping.

    said: "patient" and "windows" travel beside the pixels and are nowhere kept.
    """

    path: Path
    said: Mapping[str, Any]
    slow: bool = False
    is_kept: bool = False


def decode(question: Question, *, tell_preview: TellPreview | None = None) -> Decoded:
    """Decode a film into a file of the exchange folder, or find it among those kept.

    Raises UserError FILE_MISSING, FILM_CHANGED and what read_film raises; DISK_FULL where its pixels have no room.
    """
    kept = _kept(question)
    if kept is not None:
        return kept
    failure = UserError(ErrorCode.FILE_MISSING, path=question.paths[0])
    for path in map(Path, question.paths):
        if question.film_id is not None and not path.is_file():
            continue
        try:
            return _decode_file(question, path, tell_preview)
        except UserError as error:
            failure = error
    raise failure


def _decode_file(question: Question, path: Path, tell_preview: TellPreview | None) -> Decoded:
    began = time.perf_counter()
    data, status = file_bytes(path), path.stat()
    look = FirstLook(Path(question.exchange), tell_preview)
    with ThreadPoolExecutor(1) as beside:  # hashing and decoding both let go of the interpreter
        hashing = beside.submit(lambda: hashlib.sha256(data).hexdigest())
        try:
            look.reduced(data, path)
            picture = picture_in(data, path=str(path), early=look.values_there)
        except UserError:
            _must_be(question, hashing.result(), path)
            raise
        slow = time.perf_counter() - began > SLOW_S
        levels = look.picture_there(picture)
        pixels_hashed = beside.submit(pixel_hash, picture.eight_bit)
        _must_be(question, hashing.result(), path)
        arrays = _arrays(picture, levels)
        span = [float(levels[0].min()), float(levels[0].max())]
        facts = {"source": [status.st_size, status.st_mtime_ns], "span": span}
        radiograph = _radiograph(picture, FilmId(hashing.result()), pixels_hashed.result())
        written = _write(Path(question.exchange), arrays, {"radiograph": asdict(radiograph), **facts})
    return Decoded(written, _said(data, path, picture.kind, span, asdict(picture.patient)), slow=slow)


def _must_be(question: Question, digest: str, path: Path) -> None:
    if question.film_id is not None and digest != question.film_id:
        raise UserError(ErrorCode.FILM_CHANGED, path=str(path))


def _radiograph(picture: Picture, film_id: FilmId, hashed: str) -> Radiograph:
    height, width = picture.eight_bit.shape
    size = Size(width, height)
    return Radiograph(film_id, hashed, size, picture.sides, picture.mapping, picture.header, picture.kind)


def _arrays(picture: Picture, levels: Sequence[NDArray[Any]]) -> list[tuple[str, NDArray[Any]]]:
    arrays: list[tuple[str, NDArray[Any]]] = [(f"level{i}", level) for i, level in enumerate(levels)]
    if picture.values is not picture.eight_bit:
        arrays.append(("eight_bit", picture.eight_bit))
    return arrays


def _write(folder: Path, arrays: Sequence[tuple[str, NDArray[Any]]], facts: Mapping[str, Any]) -> Path:
    try:
        return write_pixels(folder, arrays, facts=facts)
    except OSError as error:
        needed = sum(array.nbytes for _, array in arrays)
        raise UserError(ErrorCode.DISK_FULL, path=str(folder), needed_mb=needed // 10**6 + 1) from error


def _said(data: bytes, path: Path, kind: str, span: Sequence[float], patient: Mapping[str, Any] | None) -> Any:
    """The patient, where that is not known already, and the windows for the eye."""
    if kind == "DICOM":
        from hipcad_desktop.imaging import dicom, dicom_header, display_windows

        with suppress(Exception):  # a header that is read once more and makes no sense proposes nothing
            dataset = dicom.header_of(data, path=str(path))
            if patient is None:
                patient = asdict(dicom_header.patient_facts(dataset))
            found = display_windows.display_windows(dataset, least=span[0], most=span[1])
            return {"patient": patient, "windows": [asdict(window) for window in found]}
    return {"patient": patient or asdict(PatientFacts()), "windows": []}


class FirstLook:
    """Tells a smaller picture as soon as there is one, while the rest is worked out. tell None: nobody wants it."""

    def __init__(self, exchange: Path, tell: TellPreview | None) -> None:
        self._exchange, self._tell = exchange, tell
        self._levels: list[NDArray[Any]] | None = None

    def reduced(self, data: bytes, path: Path) -> None:
        """JPEG 2000 in DICOM: its lower resolutions alone."""
        if self._tell is None or data[128:132] != b"DICM":
            return
        from hipcad_desktop.imaging import dicom, dicom_header, dicom_pixels, reduced

        with suppress(Exception):  # whatever is wrong, the whole film will say so
            if dicom.said_syntax(data) not in reduced.SYNTAXES:
                return
            dataset = dicom.parse(data, path=str(path))
            layout = dicom_pixels.layout_of(dataset, path=str(path))
            found = reduced.reduced_frame(reduced.frame_of(dataset, layout.frames))
            if found is None:
                return
            quarters = dicom_header.orientation(dataset).quarters
            values = np.rot90(_bone_white(found[0], layout.photometric == "MONOCHROME1"), quarters)
            rows, columns = (layout.rows, layout.columns) if quarters % 2 == 0 else (layout.columns, layout.rows)
            self._say(pyramid(np.ascontiguousarray(values)), found[1], Size(columns, rows), exact=False)

    def values_there(self, values: NDArray[Any], exact: bool, inverted: bool) -> None:
        """A DICOM's values are there, its 8 bits are not."""
        if not exact and (self._tell is None or values.dtype.kind == "f"):
            return
        levels = pyramid(np.ascontiguousarray(values))
        if exact:
            self._levels = levels
        self._tell_levels([_bone_white(level, inverted) for level in levels], exact)

    def picture_there(self, picture: Picture) -> list[NDArray[Any]]:
        """The whole picture is there; its pyramid."""
        levels = self._levels or pyramid(picture.values)
        self._tell_levels(levels, True)
        return levels

    def _tell_levels(self, levels: list[NDArray[Any]], exact: bool) -> None:
        height, width = levels[0].shape
        seen = max([i for i, level in enumerate(levels) if max(level.shape) >= PREVIEW_PX], default=0)
        self._say(levels[seen:], seen, Size(width, height), exact=exact)

    def _say(self, levels: Sequence[NDArray[Any]], halvings: int, size: Size, *, exact: bool) -> None:
        tell, self._tell = self._tell, None  # once
        if tell is not None:
            facts = {"halvings": halvings, "width": size.width, "height": size.height, "exact": exact}
            tell(_write(self._exchange, [(f"level{i}", level) for i, level in enumerate(levels)], facts))


def _bone_white(values: NDArray[Any], inverted: bool) -> NDArray[Any]:
    if not inverted:
        return values
    total = int(values.min()) + int(values.max())
    turned: NDArray[Any] = np.subtract(total, values, dtype=np.int64).astype(values.dtype)
    return turned


# pixels kept from before


def _kept(question: Question) -> Decoded | None:
    """Pixels decoded before from a file that is still the same by its size and its time of change."""
    if question.kept is None or question.film_id is None:
        return None
    path = Path(question.kept) / f"{question.film_id}{SUFFIX}"
    try:
        facts = read_facts(path)
        for source in map(Path, question.paths):
            if not source.is_file():
                continue
            status = source.stat()
            if [status.st_size, status.st_mtime_ns] == facts["source"]:
                os.utime(path)  # the longest unused goes first
                said = _said(file_bytes(source), source, facts["radiograph"]["kind"], facts["span"], None)
                return Decoded(path, said, is_kept=True)
    except (OSError, ValueError, KeyError, TypeError, UserError):
        return None  # it is decoded again
    return None


def keep(pixels: BinaryIO, folder: Path, film_id: FilmId) -> None:
    """Keep decoded pixels for the next time: whole or not at all, the longest unused make room. May raise OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    size = os.fstat(pixels.fileno()).st_size
    oldest = sorted((p.stat().st_mtime_ns, p.stat().st_size, p) for p in folder.glob(f"*{SUFFIX}"))
    total = sum(held for _, held, _ in oldest)
    for _, held, path in oldest:
        if total + size > KEPT_BYTES:
            path.unlink(missing_ok=True)
            total -= held
    if shutil.disk_usage(folder).free < size + SPARE_BYTES:
        return
    part = folder / f"{film_id}.{os.getpid()}.part"
    try:
        with part.open("wb") as file:
            shutil.copyfileobj(pixels, file, 1 << 22)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, folder / f"{film_id}{SUFFIX}")
    finally:
        part.unlink(missing_ok=True)
