"""One compressed DICOM frame becomes an array, through imagecodecs alone; its size is checked before it is decoded.

Nothing is registered with pydicom: the frame's bytes go in, the samples come out as they were coded. The codestream
itself says which codec it needs, its precision and its sign; headers contradict it often enough (PS3.5 8.2).
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

RLE_LOSSLESS = "1.2.840.10008.1.2.5"

Family = Literal["JPEG", "JPEG-LS", "JPEG 2000", "HTJ2K", "RLE"]
MAX_COMPONENTS = 4
# SOF markers (ITU-T T.81 table B.1) without DHT (C4), JPG (C8) and DAC (CC); F7 is JPEG-LS (T.87).
_JPEG_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_LS_SOF = 0xF7
_END_OF_IMAGE = b"\xff\xd9"


class FrameError(Exception):
    """A frame that cannot be decoded; the text is fit for a person and carries no patient data."""

    def __init__(self, detail: str, *, unsupported: bool = False, too_large: bool = False) -> None:
        super().__init__(detail)
        self.detail = detail
        self.unsupported = unsupported
        self.too_large = too_large


@dataclass(frozen=True, slots=True)
class Codestream:
    """What a codestream says of itself before it is decoded."""

    family: Family
    precision: int
    signed: bool
    height: int
    width: int
    components: int
    offset: int  # of the frame header inside the bytes
    marked_colour: bool = False  # an Adobe segment says how colour was coded


@dataclass(frozen=True, slots=True, eq=False)
class DecodedFrame:
    """Samples as coded: H x W or H x W x components, their precision in bits, and whether the codec signed them."""

    samples: NDArray[Any]
    precision: int
    signed: bool
    family: Family


def describe(frame: bytes) -> Codestream:
    """Family, size, precision of a JPEG, JPEG-LS, JPEG 2000 or HTJ2K codestream. Raises FrameError."""
    try:
        if frame.startswith(b"\xff\xd8"):
            return _describe_jpeg(frame)
        start = 0 if frame.startswith(b"\xff\x4f\xff\x51") else frame.find(b"\xff\x4f\xff\x51", 0, 65536)
        if start >= 0:  # above zero: wrapped into a JP2 file, against PS3.5 A.4.4 but seen
            return _describe_jpeg2000(frame, start)
    except (IndexError, struct.error):
        raise FrameError("the compressed pixels end early") from None
    raise FrameError("the compressed pixels are in no known format")


def _describe_jpeg(frame: bytes) -> Codestream:
    offset, marked = 2, False
    while True:
        if frame[offset] != 0xFF:
            raise FrameError("the JPEG header is broken")
        marker = frame[offset + 1]
        if marker == 0xFF:  # fill byte
            offset += 1
            continue
        if marker in _JPEG_SOF or marker == _JPEG_LS_SOF:
            precision, height, width, components = struct.unpack_from(">BHHB", frame, offset + 4)
            family: Family = "JPEG-LS" if marker == _JPEG_LS_SOF else "JPEG"
            return Codestream(family, precision, False, height, width, components, offset, marked)
        marked = marked or marker == 0xEE
        offset += 2 + max(2, int.from_bytes(frame[offset + 2 : offset + 4], "big"))


def _describe_jpeg2000(frame: bytes, start: int) -> Codestream:
    """SIZ of ITU-T T.800 A.5.1; bit 14 of its capabilities says that the blocks are high-throughput (T.814 A.2)."""
    (capabilities, x1, y1, x0, y0) = struct.unpack_from(">HIIII", frame, start + 6)
    (components, first) = struct.unpack_from(">HB", frame, start + 40)
    family: Family = "HTJ2K" if capabilities & 0x4000 else "JPEG 2000"
    return Codestream(family, (first & 0x7F) + 1, bool(first & 0x80), y1 - y0, x1 - x0, components, start)


def decode_frame(
    frame: bytes, *, syntax: str, height: int, width: int, samples: int, bits_allocated: int, rgb: bool
) -> DecodedFrame:
    """Decode one frame of height x width x samples. rgb: the header says that colour was not transformed.

    Raises FrameError: before decoding where the codestream's size is not the header's, which the caller has limited.
    """
    if syntax == RLE_LOSSLESS:
        return _decode_rle(frame, height=height, width=width, samples=samples, bits_allocated=bits_allocated)
    said = describe(frame)
    if (said.height, said.width) != (height, width):
        raise FrameError("the compressed pixels have another size than the header says")
    if said.components != samples or said.components > MAX_COMPONENTS:
        raise FrameError("the compressed pixels have another number of channels than the header says")
    if frame.rfind(_END_OF_IMAGE) <= said.offset:  # libjpeg fills up a cut frame in silence
        raise FrameError("the compressed pixels end early")
    try:
        decoded = _decoded(frame, said, rgb=rgb)
    except MemoryError:
        raise FrameError("not enough memory", too_large=True) from None
    except Exception:  # each codec of imagecodecs has its own error; none of their texts helps a person
        raise FrameError(f"the {said.family} pixels are broken") from None
    expected = (height, width) if samples == 1 else (height, width, samples)
    if decoded.shape != expected:
        raise FrameError(f"the {said.family} pixels are broken")
    return DecodedFrame(decoded, said.precision, decoded.dtype.kind == "i", said.family)


def _decoded(frame: bytes, said: Codestream, *, rgb: bool) -> NDArray[Any]:
    import imagecodecs

    decoded: NDArray[Any]
    match said.family:
        case "JPEG":
            # Without an Adobe segment libjpeg guesses YCbCr; the header knows better (PS3.5 8.2.1).
            plain = "RGB" if said.components == 3 and rgb and not said.marked_colour else None
            decoded = imagecodecs.jpeg8_decode(frame, colorspace=plain, outcolorspace=plain)
        case "JPEG-LS":
            decoded = imagecodecs.jpegls_decode(frame)
            if said.components > 1 and decoded.shape[0] == said.components != decoded.shape[-1]:
                decoded = np.moveaxis(decoded, 0, -1)
        case _:
            # OpenJPEG for HTJ2K too: imagecodecs.htj2k_decode hands errors to sys.excepthook instead of raising them
            # alone, and fills up a cut frame in silence.
            decoded = imagecodecs.jpeg2k_decode(frame, planar=False, numthreads=min(4, os.cpu_count() or 1))
    return decoded


def _decode_rle(frame: bytes, *, height: int, width: int, samples: int, bits_allocated: int) -> DecodedFrame:
    """PS3.5 annex G: a byte plane per segment, most significant first, sample after sample."""
    import imagecodecs

    size = bits_allocated // 8
    if bits_allocated % 8 or size not in (1, 2, 4):
        raise FrameError(f"RLE with {bits_allocated} bits allocated", unsupported=True)
    if len(frame) < 64 or int.from_bytes(frame[:4], "little") != size * samples:
        raise FrameError("the RLE header is broken")
    expected = height * width * samples * size
    try:
        # A whole number of bytes more than needed is never written: the codec stops at the end of `out`.
        raw = imagecodecs.dicomrle_decode(frame, f"<u{size}", out=bytearray(expected))
    except Exception:
        raise FrameError("the RLE pixels are broken") from None
    if len(raw) != expected:
        raise FrameError("the RLE pixels end early")
    planes = np.frombuffer(raw, f"<u{size}").reshape(samples, height, width)
    array = planes[0] if samples == 1 else np.ascontiguousarray(np.moveaxis(planes, 0, -1))
    return DecodedFrame(array, bits_allocated, False, "RLE")
