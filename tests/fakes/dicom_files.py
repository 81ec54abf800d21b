"""Small DICOM films for tests, made with pydicom and encoded with imagecodecs."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pydicom.uid as uid
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate

Encoder = Callable[[NDArray[Any], int], bytes]


def rle(array: NDArray[Any], bits: int) -> bytes:
    """PS3.5 annex G, by pydicom's own encoder."""
    from pydicom.pixels.encoders.base import RLELosslessEncoder

    samples = array.shape[2] if array.ndim == 3 else 1
    return RLELosslessEncoder.encode(
        array,
        rows=array.shape[0],
        columns=array.shape[1],
        samples_per_pixel=samples,
        bits_allocated=array.dtype.itemsize * 8,
        bits_stored=bits,
        pixel_representation=0,
        number_of_frames=1,
        photometric_interpretation="RGB" if samples == 3 else "MONOCHROME2",
        planar_configuration=0,
    )


def _encoders() -> Mapping[str, tuple[Encoder, int]]:
    """Lossless transfer syntaxes and the grey encoder for unsigned samples of some bits; the deepest they take here."""
    import imagecodecs as ic

    def j2k(a: NDArray[Any], bits: int) -> bytes:
        return bytes(ic.jpeg2k_encode(a, level=0, reversible=True, codecformat="j2k", bitspersample=bits))

    def htj2k(a: NDArray[Any], _: int) -> bytes:
        return bytes(ic.htj2k_encode(a, reversible=True))

    return {
        uid.RLELossless: (rle, 16),
        uid.JPEGLossless: (
            lambda a, bits: bytes(ic.jpeg8_encode(a, lossless=True, predictor=4, bitspersample=bits)),
            16,
        ),
        uid.JPEGLosslessSV1: (
            lambda a, bits: bytes(ic.jpeg8_encode(a, lossless=True, predictor=1, bitspersample=bits)),
            16,
        ),
        uid.JPEGLSLossless: (lambda a, bits: bytes(ic.jpegls_encode(a)), 16),
        uid.JPEGLSNearLossless: (lambda a, bits: bytes(ic.jpegls_encode(a, level=0)), 16),
        uid.JPEG2000Lossless: (j2k, 16),
        uid.JPEG2000: (j2k, 16),
        uid.HTJ2KLossless: (htj2k, 16),
        uid.HTJ2KLosslessRPCL: (htj2k, 16),
        uid.HTJ2K: (htj2k, 16),
    }


ENCODERS = _encoders()
NATIVE = (
    uid.ImplicitVRLittleEndian,
    uid.ExplicitVRLittleEndian,
    uid.ExplicitVRBigEndian,
    uid.DeflatedExplicitVRLittleEndian,
)


def film_array(height: int = 40, width: int = 56, *, bits: int = 12, seed: int = 1) -> NDArray[Any]:
    """Smooth grey with some noise that uses the whole range; no symmetry, so every turn shows."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    grey = 0.5 + 0.3 * np.sin(x / 9 + y / 23) + 0.15 * y / height + 0.02 * rng.standard_normal((height, width))
    array = np.clip(grey * (2**bits - 1), 0, 2**bits - 1)
    array[0, 0], array[0, 1] = 0, 2**bits - 1
    return array.astype(np.uint8 if bits <= 8 else np.uint16)


def dicom_bytes(
    array: NDArray[Any],
    *,
    syntax: str = uid.ExplicitVRLittleEndian,
    bits_stored: int | None = None,
    photometric: str = "MONOCHROME2",
    frame: bytes | None = None,
    bare: bool = False,
    sequences: Mapping[str, Dataset] | None = None,
    **elements: Any,
) -> bytes:
    """One frame as a DICOM file's bytes; frame: ready-made compressed pixels; elements: any keyword, last word."""
    bits = array.dtype.itemsize * 8
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = uid.DigitalXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID = "1.2.3.4"
    meta.TransferSyntaxUID = uid.UID(syntax)
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset() if bare else meta
    dataset.SOPClassUID, dataset.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    dataset.Rows, dataset.Columns = array.shape[:2]
    dataset.SamplesPerPixel = array.shape[2] if array.ndim == 3 else 1
    if array.ndim == 3:
        dataset.PlanarConfiguration = 0
    dataset.PhotometricInterpretation = photometric
    dataset.BitsAllocated, dataset.BitsStored = bits, bits_stored or bits
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(array.dtype.kind == "i")
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    for keyword, item in (sequences or {}).items():
        setattr(dataset, keyword, [item])
    compressed = uid.UID(syntax).is_encapsulated
    if compressed:
        coded = frame if frame is not None else ENCODERS[syntax][0](array, dataset.BitsStored)
        dataset.PixelData = encapsulate([coded])
        dataset["PixelData"].is_undefined_length = True
    else:
        order = ">" if syntax == uid.ExplicitVRBigEndian else "<"
        raw = array.astype(array.dtype.newbyteorder(order)).tobytes()
        dataset.PixelData = raw + bytes(len(raw) % 2)
    dataset["PixelData"].VR = "OB" if compressed or bits == 8 else "OW"
    buffer = io.BytesIO()
    if bare:
        dataset.save_as(buffer, implicit_vr=False, little_endian=True, enforce_file_format=False)
    else:
        dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def dicom_file(path: Path, array: NDArray[Any], **how: Any) -> Path:
    """dicom_bytes in a file."""
    path.write_bytes(dicom_bytes(array, **how))
    return path


def deflate_bomb(inflated_bytes: int) -> bytes:
    """A deflated DICOM file whose data set is one huge element of zeros."""
    plain = dicom_bytes(film_array(8, 8))
    start = plain.index(struct.pack("<HH2s", 8, 0x16, b"UI"))
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    parts = [packer.compress(plain[start:] + struct.pack("<HH2s2xI", 0x7FE1, 0x1010, b"OB", inflated_bytes))]
    chunk = bytes(1 << 20)
    parts += [packer.compress(chunk) for _ in range(inflated_bytes // len(chunk))]
    meta = dicom_bytes(film_array(8, 8), syntax=uid.DeflatedExplicitVRLittleEndian)
    length = struct.unpack("<I", meta[140:144])[0]
    return meta[: 144 + length] + b"".join(parts) + packer.flush()
