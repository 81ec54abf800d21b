"""Does each DICOM transfer syntax decode on this machine? A frozen program loses codecs silently, so it is asked."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hipcad_desktop.domain.errors import UserError

_SIDE_PX = 32


def decode_each_syntax() -> dict[str, bool]:
    """Name of each transfer syntax -> whether a small film encoded in it comes back with its own pixels."""
    import pydicom.uid as uid

    return {uid.UID(syntax).name: _comes_back(syntax, bits, encode) for syntax, (bits, encode) in _encoders().items()}


def _encoders() -> Mapping[str, tuple[int, Callable[[NDArray[Any]], bytes | bytearray]]]:
    """Transfer syntax -> bits stored and what encodes a grey picture of uint8 or uint16; raw ones give plain bytes."""
    import imagecodecs as ic
    import pydicom.uid as uid

    def plain(a: NDArray[Any]) -> bytes:
        return a.tobytes()

    return {
        uid.ImplicitVRLittleEndian: (12, plain),
        uid.ExplicitVRLittleEndian: (12, plain),
        uid.DeflatedExplicitVRLittleEndian: (12, plain),
        uid.ExplicitVRBigEndian: (12, lambda a: a.byteswap().tobytes()),
        uid.RLELossless: (12, _rle),
        uid.JPEGBaseline8Bit: (8, lambda a: ic.jpeg8_encode(a, level=100)),
        uid.JPEGExtended12Bit: (12, lambda a: ic.jpeg8_encode(a, level=100, bitspersample=12)),
        uid.JPEGLossless: (12, lambda a: ic.jpeg8_encode(a, lossless=True, bitspersample=12)),
        uid.JPEGLosslessSV1: (12, lambda a: ic.jpeg8_encode(a, lossless=True, bitspersample=12)),
        uid.JPEGLSLossless: (12, lambda a: ic.jpegls_encode(a)),
        uid.JPEGLSNearLossless: (12, lambda a: ic.jpegls_encode(a, level=1)),
        uid.JPEG2000Lossless: (12, lambda a: ic.jpeg2k_encode(a, codecformat="j2k", reversible=True, level=0)),
        uid.JPEG2000: (12, lambda a: ic.jpeg2k_encode(a, codecformat="j2k", reversible=False, level=90)),
        uid.HTJ2KLossless: (12, lambda a: ic.htj2k_encode(a, reversible=True)),
    }


def _rle(picture: NDArray[Any]) -> bytes:
    """Two byte planes of literal runs (PS3.5 annex G): imagecodecs decodes this syntax but does not write it."""
    size = picture.dtype.itemsize
    planes = picture.astype(f">u{size}").view(np.uint8).reshape(-1, size).T
    runs = [b"".join(b"\x7f" + plane[i : i + 128].tobytes() for i in range(0, plane.size, 128)) for plane in planes]
    offsets = [64 + sum(len(r) for r in runs[:i]) for i in range(size)]
    header = np.array([size, *offsets, *[0] * (15 - size)], "<u4").tobytes()
    return header + b"".join(runs)


def _comes_back(syntax: str, bits: int, encode: Callable[[NDArray[Any]], bytes | bytearray]) -> bool:
    from hipcad_desktop.imaging import dicom

    ramp = np.linspace(0, 2**bits - 1, _SIDE_PX * _SIDE_PX).reshape(_SIDE_PX, _SIDE_PX)
    picture: NDArray[Any] = ramp.astype(np.uint8 if bits == 8 else np.uint16)
    try:
        read = dicom.read(_file(syntax, bits, picture.shape, bytes(encode(picture))), path="selftest")
    except (UserError, ImportError):
        return False
    lossy = 64 if bits == 12 else 4  # 1.5 % of the range
    return int(np.abs(read.values.astype(np.int32) - picture).max()) <= lossy


def _file(syntax: str, bits: int, shape: tuple[int, ...], frame: bytes) -> bytes:
    import pydicom
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.encaps import encapsulate

    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.UID(syntax)
    dataset.file_meta.MediaStorageSOPClassUID = pydicom.uid.DigitalXRayImageStorageForPresentation
    dataset.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.UID("1.2.3")
    dataset.SOPClassUID, dataset.SOPInstanceUID = pydicom.uid.DigitalXRayImageStorageForPresentation, "1.2.3"
    dataset.Modality, dataset.PhotometricInterpretation, dataset.SamplesPerPixel = "DX", "MONOCHROME2", 1
    dataset.Rows, dataset.Columns = shape
    dataset.BitsAllocated = 8 if bits == 8 else 16
    dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = bits, bits - 1, 0
    compressed = (
        dataset.file_meta.TransferSyntaxUID.is_compressed and syntax != pydicom.uid.DeflatedExplicitVRLittleEndian
    )
    dataset.PixelData = encapsulate([frame]) if compressed else frame
    dataset["PixelData"].VR = "OB" if compressed or bits == 8 else "OW"
    written = io.BytesIO()
    pydicom.dcmwrite(written, dataset, enforce_file_format=True)
    return written.getvalue()
