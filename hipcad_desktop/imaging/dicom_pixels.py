"""The pixels of a DICOM file: stored values out of the file, then the modality LUT (PS3.3 C.7.6.3, C.11.1; PS3.5 8)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.imaging.decoders import DecodedFrame, FrameError, decode_frame
from hipcad_desktop.imaging.dicom_header import text, value
from hipcad_desktop.imaging.limits import check_frames, check_pixels
from hipcad_desktop.imaging.raster import grey_of_colour, is_colour

EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
EXPLICIT_BIG = "1.2.840.10008.1.2.2"
IMPLICIT_LITTLE = "1.2.840.10008.1.2"
NATIVE_SYNTAXES = frozenset({EXPLICIT_LITTLE, EXPLICIT_BIG, IMPLICIT_LITTLE})
PIXEL_KEYWORDS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")


@dataclass(frozen=True, slots=True)
class Layout:
    """The image pixel module (PS3.3 C.7.6.3), as far as pixels are laid out by it."""

    rows: int
    columns: int
    samples: int
    frames: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool
    photometric: str
    keyword: str  # which pixel data element

    @property
    def palette(self) -> bool:
        """Whether the values are numbers of colours."""
        return self.photometric == "PALETTE COLOR"


def layout_of(dataset: Dataset, *, path: str) -> Layout:
    """The layout that the header gives. Raises UserError where it is missing, too large or unsupported."""
    keyword = next(k for k in PIXEL_KEYWORDS if k in dataset)
    whole = {name: _integer(dataset, name, path=path) for name in ("Rows", "Columns", "BitsAllocated")}
    rows, columns, allocated = whole["Rows"], whole["Columns"], whole["BitsAllocated"]
    check_pixels(rows, columns, path=path)
    frames = _integer(dataset, "NumberOfFrames", path=path, default=1)
    check_frames(frames, path=path)
    if allocated not in (1, 8, 16, 32, 64):
        raise UserError(ErrorCode.FILM_UNSUPPORTED, path=path, detail=f"{allocated} bits allocated")
    stored = _integer(dataset, "BitsStored", path=path, default=allocated)
    stored = stored if 1 <= stored <= allocated else allocated
    high = _integer(dataset, "HighBit", path=path, default=stored - 1)
    samples = _integer(dataset, "SamplesPerPixel", path=path, default=1)
    if samples not in (1, 3):
        raise UserError(ErrorCode.FILM_UNSUPPORTED, path=path, detail=f"{samples} channels")
    return Layout(
        rows=rows,
        columns=columns,
        samples=samples,
        frames=frames,
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=high if stored - 1 <= high < allocated else stored - 1,
        signed=_integer(dataset, "PixelRepresentation", path=path, default=0) == 1,
        photometric=(text(dataset, "PhotometricInterpretation") or "MONOCHROME2").upper(),
        keyword=keyword,
    )


def _integer(dataset: Dataset, keyword: str, *, path: str, default: int | None = None) -> int:
    if default is not None and (keyword not in dataset or dataset[keyword].is_empty):
        return default
    try:
        return int(dataset[keyword].value)
    except Exception:
        raise UserError(ErrorCode.FILM_DAMAGED, path=path, detail=f"{keyword} is missing or no number") from None


def stored_values(dataset: Dataset, layout: Layout, *, syntax: str, path: str) -> tuple[NDArray[Any], Layout]:
    """The first frame, H x W or H x W x 3, sign and unused bits put right; the layout as the codec corrected it.

    syntax "" means compressed, nobody says how. Raises UserError FILM_DAMAGED, FILM_TOO_LARGE or FILM_UNSUPPORTED.
    """
    if syntax in NATIVE_SYNTAXES:
        return _native(dataset, layout, syntax=syntax, path=path), layout
    if layout.keyword != "PixelData":
        raise UserError(ErrorCode.FILM_UNSUPPORTED, path=path, detail="compressed floating point values")
    frame = _first_frame(dataset, layout)
    try:
        decoded = decode_frame(
            frame,
            syntax=syntax,
            height=layout.rows,
            width=layout.columns,
            samples=layout.samples,
            bits_allocated=layout.bits_allocated,
            rgb=layout.photometric == "RGB",
        )
    except FrameError as error:
        code = (
            ErrorCode.FILM_UNSUPPORTED
            if error.unsupported
            else ErrorCode.FILM_TOO_LARGE
            if error.too_large
            else ErrorCode.FILM_DAMAGED
        )
        raise UserError(code, path=path, detail=error.detail) from None
    return _signed_right(decoded, layout), _as_decoded(decoded, layout)


def _native(dataset: Dataset, layout: Layout, *, syntax: str, path: str) -> NDArray[Any]:
    """pydicom unpacks what is not compressed: bits, byte order, planes, subsampled colour; raises anything.

    What needs no unpacking is taken as it lies in the file: pydicom would copy it twice.
    """
    from pydicom.pixels.decoders.base import get_decoder
    from pydicom.uid import UID

    needed = (layout.rows * layout.columns * layout.frames * layout.bits_allocated + 7) // 8
    if layout.samples == 1 and len(dataset[layout.keyword].value) < needed:
        raise UserError(ErrorCode.FILM_DAMAGED, path=path, detail="its pixels end early")
    plain = layout.samples == 1 and layout.keyword == "PixelData" and layout.bits_allocated in (8, 16, 32)
    if plain and syntax != EXPLICIT_BIG and layout.photometric in ("MONOCHROME1", "MONOCHROME2"):
        count = layout.rows * layout.columns
        lying = np.frombuffer(dataset.PixelData, f"<u{layout.bits_allocated // 8}", count)
        lying = lying.reshape(layout.rows, layout.columns)
        return _used_bits(lying.astype(lying.dtype.newbyteorder("="), copy=False), layout)
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    array, _ = get_decoder(syntax).as_array(dataset, index=0, raw=True)
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    if layout.samples == 1 and layout.keyword == "PixelData" and 8 <= layout.bits_allocated <= 32:
        return _used_bits(array, layout)
    return array


def _used_bits(array: NDArray[Any], layout: Layout) -> NDArray[Any]:
    """Only BitsStored bits below HighBit are the value; old files keep overlays in the others (PS3.5 8.1.1, 8.1.2)."""
    shift = layout.high_bit + 1 - layout.bits_stored
    unsigned = array.view(f"u{array.dtype.itemsize}")
    if layout.bits_stored == layout.bits_allocated and shift == 0:
        return unsigned.view(f"i{array.dtype.itemsize}") if layout.signed else unsigned
    mask = (1 << layout.bits_stored) - 1
    if shift == 0 and not layout.signed and (not unsigned.size or int(unsigned.max()) <= mask):
        return unsigned  # the other bits are empty, as in any file of today: nothing to copy
    bits = (unsigned >> shift) & mask
    return _sign_extended(bits, layout.bits_stored) if layout.signed else bits


def _sign_extended(bits: NDArray[Any], count: int) -> NDArray[Any]:
    """Two's complement of `count` bits -> signed integers of the same width."""
    unused = bits.dtype.itemsize * 8 - count
    return (bits << unused).view(f"i{bits.dtype.itemsize}") >> unused


def _first_frame(dataset: Dataset, layout: Layout) -> bytes:
    from pydicom.encaps import get_frame

    offsets, lengths = value(dataset, "ExtendedOffsetTable"), value(dataset, "ExtendedOffsetTableLengths")
    table = (offsets, lengths) if isinstance(offsets, bytes) and isinstance(lengths, bytes) else None
    return get_frame(dataset.PixelData, 0, number_of_frames=layout.frames, extended_offsets=table)


def _signed_right(decoded: DecodedFrame, layout: Layout) -> NDArray[Any]:
    """Most codecs know no sign, and some writers forget it: the header's sign then decides (PS3.5 8.2)."""
    samples = decoded.samples
    if decoded.family == "RLE" and layout.samples == 1:
        return _used_bits(samples, layout)
    if layout.signed and not decoded.signed and layout.samples == 1:
        return _sign_extended(samples, min(decoded.precision, samples.dtype.itemsize * 8))
    return samples


def _as_decoded(decoded: DecodedFrame, layout: Layout) -> Layout:
    """What the codec has undone: JPEG comes out as RGB, and so does JPEG 2000 with its own colour transform."""
    photometric = layout.photometric
    if layout.samples == 3 and (decoded.family == "JPEG" or photometric in ("YBR_RCT", "YBR_ICT")):
        photometric = "RGB"
    bits = layout.bits_stored if decoded.family == "RLE" else decoded.precision
    return replace(layout, photometric=photometric, bits_stored=bits)


def grey_values(stored: NDArray[Any], dataset: Dataset, layout: Layout, *, path: str) -> tuple[NDArray[Any], bool]:
    """Stored values -> (H x W grey, whether the picture is clearly in colour). Raises UserError FILM_UNSUPPORTED."""
    if layout.samples == 1 and layout.photometric in ("MONOCHROME1", "MONOCHROME2"):
        return stored, False
    if layout.samples == 1 and layout.palette:
        from pydicom.pixels.processing import apply_color_lut

        stored = apply_color_lut(stored, dataset)
        return grey_of_colour(_eight(stored, stored.dtype.itemsize * 8)[..., :3])
    if layout.samples == 3 and layout.photometric == "RGB":
        return grey_of_colour(_eight(stored, layout.bits_stored))
    if layout.samples == 3 and layout.photometric.startswith("YBR_FULL"):
        eight = _eight(stored, layout.bits_stored)
        chroma = np.abs(eight[..., 1:].astype(np.int16) - 128).max(axis=-1)
        return np.ascontiguousarray(eight[..., 0]), is_colour(2 * chroma)
    raise UserError(ErrorCode.FILM_UNSUPPORTED, path=path, detail=f"colours coded as {layout.photometric[:16]}")


def _eight(samples: NDArray[Any], bits: int) -> NDArray[np.uint8]:
    shifted = samples >> (bits - 8) if bits > 8 else samples
    eight: NDArray[np.uint8] = np.clip(shifted, 0, 255).astype(np.uint8)
    return eight


def padding_mask(stored: NDArray[Any], dataset: Dataset) -> NDArray[np.bool_] | None:
    """Where PixelPaddingValue, or its range, says that there is no picture (C.7.5.1.1.2); before the modality LUT."""
    first, last = value(dataset, "PixelPaddingValue"), value(dataset, "PixelPaddingRangeLimit")
    if not isinstance(first, int) or stored.dtype.kind not in "iu":
        return None
    low, high = sorted((first, last if isinstance(last, int) else first))
    mask: NDArray[np.bool_] = (stored >= low) & (stored <= high)
    return mask


def after_modality_lut(
    grey: NDArray[Any], dataset: Dataset, layout: Layout, *, little_endian: bool
) -> tuple[NDArray[Any], bool]:
    """Grey values -> (output of the modality LUT, whether that is plain 8-bit grey). A sequence goes before a rescale.

    Integers stay integers where they can (C.11.1); everything else is float32.
    """
    if layout.samples == 3 or layout.palette:
        return grey, True
    sequence = value(dataset, "ModalityLUTSequence")
    if sequence:
        return _looked_up(grey, sequence[0], signed=layout.signed, little_endian=little_endian), False
    slope, intercept = (_number(dataset, k, d) for k, d in (("RescaleSlope", 1.0), ("RescaleIntercept", 0.0)))
    if (slope, intercept) == (1.0, 0.0) or slope == 0:
        return _compact(grey), grey.dtype == np.uint8 and layout.bits_stored == 8
    if slope == 1.0 and intercept.is_integer() and grey.dtype.kind in "iu" and abs(intercept) < 2**31:
        return _compact(grey.astype(np.int64) + int(intercept)), False
    return (grey * np.float64(slope) + intercept).astype(np.float32), False


def _number(dataset: Dataset, keyword: str, default: float) -> float:
    found = text(dataset, keyword)
    number = default if found is None else float(found)
    return number if np.isfinite(number) else default


def _compact(array: NDArray[Any]) -> NDArray[Any]:
    """float32 for floating point, else the narrowest of uint8, uint16, int16, int32 that holds the values."""
    if array.dtype.kind == "f":
        return array.astype(np.float32)
    if array.dtype in (np.uint8, np.uint16, np.int16, np.int32):
        return np.ascontiguousarray(array, array.dtype.newbyteorder("="))
    low, high = int(array.min()), int(array.max())
    for kind in (np.uint8, np.uint16, np.int16, np.int32):
        if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
            return array.astype(kind)
    return array.astype(np.float32)


def _looked_up(grey: NDArray[Any], item: Dataset, *, signed: bool, little_endian: bool) -> NDArray[Any]:
    """The modality LUT of C.11.1.1: values below its first take its first entry, values beyond take its last."""
    count, first, bits = (int(v) for v in item.LUTDescriptor)
    count = count or 65536
    if signed and first > 32767:  # the descriptor was read as unsigned
        first -= 65536
    data = item.LUTData
    if isinstance(data, bytes):
        width = 1 if bits <= 8 and len(data) < 2 * count else 2
        table = np.frombuffer(data[: len(data) // width * width], f"{'<' if little_endian else '>'}u{width}")
    else:
        table = np.atleast_1d(np.asarray(data, np.int64)) & 0xFFFF
        if bits <= 8 and len(table) < count:  # two entries a word
            table = table.astype("<u2").view(np.uint8)
    table = table[:count].astype(np.uint8 if bits <= 8 else np.uint16)
    if not table.size:
        raise ValueError("an empty look-up table")
    index = np.clip(grey.astype(np.int64) - first, 0, len(table) - 1)
    return table[index]
