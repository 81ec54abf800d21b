"""A DICOM file's bytes become upright grey values, bone white, with the header's facts (PS3.3, PS3.5, PS3.10)."""

from __future__ import annotations

import io
import logging
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset, read_preamble

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.imaging.dicom_header import header_facts, orientation, patient_facts, text, value
from hipcad_desktop.imaging.dicom_pixels import (
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    PIXEL_KEYWORDS,
    after_modality_lut,
    grey_values,
    layout_of,
    padding_mask,
    stored_values,
)
from hipcad_desktop.imaging.film import Early, Picture
from hipcad_desktop.imaging.limits import MAX_INFLATED_BYTES
from hipcad_desktop.imaging.mapping import to_eight_bit

DEFLATED = "1.2.840.10008.1.2.1.99"


def read(data: bytes, *, path: str, early: Early | None = None) -> Picture:
    """The film in a DICOM file's bytes; of several frames the first (header.frames tells how many).

    early gets the values, upright, as soon as they are decoded.

    Raises UserError NOT_A_FILM, FILM_DAMAGED, FILM_TOO_LARGE, FILM_WITHOUT_PIXELS or FILM_UNSUPPORTED.
    """
    _silence_pydicom()
    with _damaged(path, "its DICOM header makes no sense"):
        dataset = parse(data, path=path)
        syntax = _transfer_syntax(dataset)
        _must_have_pixels(dataset, path=path)
        layout = layout_of(dataset, path=path)
    with _damaged(path, "its pixels cannot be decoded"):
        stored, layout = stored_values(dataset, layout, syntax=syntax, path=path)
    with _damaged(path, "its pixels cannot be shown"):
        grey, colour = grey_values(stored, dataset, layout, path=path)
        padding = None if layout.samples > 1 or layout.palette else padding_mask(grey, dataset)
        values, identity = after_modality_lut(grey, dataset, layout, little_endian=syntax != EXPLICIT_BIG)
        inverted = layout.photometric == "MONOCHROME1"
        upright = orientation(dataset)
        if early is not None:
            exact = not inverted and values.dtype.kind != "f" and (padding is None or not padding.any())
            early(np.rot90(values, upright.quarters), exact, inverted)
        values, eight_bit, mapping = to_eight_bit(values, identity=identity, inverted=inverted, padding=padding)
    return Picture(
        kind="DICOM",
        values=np.ascontiguousarray(np.rot90(values, upright.quarters)),
        eight_bit=np.ascontiguousarray(np.rot90(eight_bit, upright.quarters)),
        mapping=mapping,
        header=header_facts(dataset, frames=layout.frames, turned=upright.quarters % 2 == 1, colour=colour),
        sides=upright.sides,
        patient=patient_facts(dataset),
    )


def _silence_pydicom() -> None:
    """pydicom quotes a file's values, names among them, in warnings and log lines: neither may leave this room.

    A filter for pydicom's modules rather than catch_warnings, which is not safe where films are read in threads.
    """
    warnings.filterwarnings("ignore", module=r"pydicom(\.|$)")
    logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)


@contextmanager
def _damaged(path: str, detail: str) -> Iterator[None]:
    """pydicom raises nearly every type on damaged bytes, with the file's values in the text: none of it goes on."""
    try:
        yield
    except UserError:
        raise
    except MemoryError:
        raise UserError(ErrorCode.FILM_TOO_LARGE, path=path, detail="not enough memory") from None
    except Exception:
        raise UserError(ErrorCode.FILM_DAMAGED, path=path, detail=detail) from None


def parse(data: bytes, *, path: str) -> Dataset:
    """The data set of a file's bytes, not yet understood; raises anything on damaged bytes."""
    stream = io.BytesIO(data)
    bare = read_preamble(stream, force=True) is None
    meta = read_dataset(
        stream, is_implicit_VR=False, is_little_endian=True, stop_when=lambda tag, vr, length: tag >> 16 != 2
    )
    if text(meta, "TransferSyntaxUID") == DEFLATED:
        data = _inflated(data, start=stream.tell(), path=path)
    dataset = dcmread(io.BytesIO(data), force=True)
    if bare and not any(keyword in dataset for keyword in ("SOPClassUID", "Rows", "Modality")):
        raise UserError(ErrorCode.NOT_A_FILM, path=path)
    return dataset


def said_syntax(data: bytes) -> str:
    """The transfer syntax that the file's first group names, nothing else being read; raises anything."""
    stream = io.BytesIO(data)
    read_preamble(stream, force=True)
    meta = read_dataset(
        stream, is_implicit_VR=False, is_little_endian=True, stop_when=lambda tag, vr, length: tag >> 16 != 2
    )
    return text(meta, "TransferSyntaxUID") or ""


def header_of(data: bytes, *, path: str) -> Dataset:
    """Everything before the pixels; raises anything on damaged bytes."""
    if said_syntax(data) == DEFLATED:
        return parse(data, path=path)
    return dcmread(io.BytesIO(data), stop_before_pixels=True, force=True)


def _inflated(data: bytes, *, start: int, path: str) -> bytes:
    """The same file with a plain data set (PS3.5 A.5). pydicom would inflate 600 KB to 2 GB without a question."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    total, rest = 0, data[start:]
    while rest and not inflater.eof:  # count first, keep nothing
        total += len(inflater.decompress(rest, 1 << 20))
        rest = inflater.unconsumed_tail
        if total > MAX_INFLATED_BYTES:
            raise UserError(ErrorCode.FILM_TOO_LARGE, path=path, detail="it unpacks to more than 512 MB")
    if not inflater.eof:
        raise UserError(ErrorCode.FILM_DAMAGED, path=path, detail="its packed data end early")
    plain = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data[start:])
    uid = EXPLICIT_LITTLE.encode() + b"\0"
    return bytes(128) + b"DICM" + struct.pack("<HH2sH", 2, 0x10, b"UI", len(uid)) + uid + plain


def _transfer_syntax(dataset: Dataset) -> str:
    """As the file says; where it says nothing, as pydicom found it to be, or "" for compressed pixels."""
    said = text(dataset.file_meta, "TransferSyntaxUID")
    if said:
        return said
    element = dataset.get_item("PixelData") if "PixelData" in dataset else None
    if element is not None and getattr(element, "is_undefined_length", False):
        return ""
    implicit, little = dataset.original_encoding
    return IMPLICIT_LITTLE if implicit else EXPLICIT_LITTLE if little else EXPLICIT_BIG


def _must_have_pixels(dataset: Dataset, *, path: str) -> None:
    if not any(keyword in dataset for keyword in PIXEL_KEYWORDS):
        if "Rows" in dataset or "Image Storage" in _object_name(dataset):
            raise UserError(ErrorCode.FILM_DAMAGED, path=path, detail="it ends before its pixels")
        raise UserError(ErrorCode.FILM_WITHOUT_PIXELS, path=path, kind=_object_name(dataset) or "no image")


def _object_name(dataset: Dataset) -> str:
    """What kind of DICOM object this is, by the standard's name: "RT Plan Storage"."""
    for holder, keyword in ((dataset, "SOPClassUID"), (dataset.file_meta, "MediaStorageSOPClassUID")):
        name = getattr(value(holder, keyword), "name", None)
        if isinstance(name, str) and not name[:1].isdigit():  # an unknown UID is its own name
            return name
    return ""
