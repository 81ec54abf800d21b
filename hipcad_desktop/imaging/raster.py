"""JPEG, PNG and TIFF pictures become grey pixels, upright, through Pillow."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageOps, UnidentifiedImageError

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.radiograph import HeaderFacts
from hipcad_desktop.imaging.film import Picture
from hipcad_desktop.imaging.limits import check_frames, check_pixels
from hipcad_desktop.imaging.mapping import to_eight_bit

# A grey film saved as a colour JPEG has channels that differ by a few levels; a photograph differs in most pixels.
COLOUR_LEVELS = 32
COLOUR_SHARE = 0.02
TIFF_PHOTOMETRIC, MIN_IS_WHITE = 262, 0


def read(data: bytes, *, path: str, kind: str) -> Picture:
    """The picture in a file's bytes; kind is "JPEG", "PNG" or "TIFF" as its first bytes say.

    Raises UserError FILM_DAMAGED, FILM_TOO_LARGE or FILM_UNSUPPORTED.
    """
    # Pillow's own limit only warns below twice its size; ours (check_pixels) is checked before anything is decoded.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    try:
        with Image.open(io.BytesIO(data), formats=(kind,)) as image:
            check_pixels(image.height, image.width, path=path)
            frames = int(getattr(image, "n_frames", 1)) if kind == "TIFF" else 1
            check_frames(frames, path=path)
            _refuse_deep_colour(image, path=path)
            inverted = _white_is_zero(image)
            image.load()
            ImageOps.exif_transpose(image, in_place=True)  # in place: no copy of a film that lies right
            values, colour = _grey(image, kind=kind)
    except UserError:
        raise
    except Image.DecompressionBombError as error:
        raise UserError(ErrorCode.FILM_TOO_LARGE, path=path, detail="more than 100 megapixels") from error
    except UnidentifiedImageError as error:
        raise UserError(ErrorCode.FILM_DAMAGED, path=path, detail=f"its {kind} header makes no sense") from error
    except MemoryError as error:
        raise UserError(ErrorCode.FILM_TOO_LARGE, path=path, detail="not enough memory") from error
    except Exception as error:  # Pillow's plugins raise nearly every type on damaged bytes
        raise UserError(ErrorCode.FILM_DAMAGED, path=path, detail=f"the {kind} data end early or are broken") from error
    identity = values.dtype == np.uint8
    values, eight_bit, mapping = to_eight_bit(values, identity=identity, inverted=inverted)
    return Picture(kind, values, eight_bit, mapping, HeaderFacts(frames=frames, colour=colour))


def grey_of_colour(rgb: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], bool]:
    """H x W x 3 -> (grey by ITU-R 601, exact where the channels are equal; whether they differ clearly)."""
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    spread = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    return np.array(Image.fromarray(np.ascontiguousarray(rgb)).convert("L")), is_colour(spread)


def is_colour(spread: NDArray[Any]) -> bool:
    """Whether enough pixels have channels that differ clearly; spread is the largest difference, 0..255, per pixel."""
    return bool(np.count_nonzero(spread > COLOUR_LEVELS) > COLOUR_SHARE * spread.size)


def _grey(image: Image.Image, *, kind: str) -> tuple[NDArray[Any], bool]:
    """An upright picture of any mode -> (H x W: uint8, uint16, int32 or float32; whether it is in colour)."""
    match image.mode:
        case "L":
            return np.asarray(image), False  # not copied a second time: nobody writes into a film's values
        case "1":
            return np.array(image.convert("L")), False
        case "I;16" | "I;16L" | "I;16B" | "I;16N":
            return np.array(image).astype(np.uint16), False
        case "I":
            return np.array(image, dtype=np.int32), False
        case "F":
            return np.array(image, dtype=np.float32), False
        case "LA":
            return np.array(ImageChops.multiply(image.getchannel("L"), image.getchannel("A"))), False
        case "CMYK":
            # Pillow turns every CMYK JPEG as Adobe's programs need it; only those carry the Adobe marker.
            if kind == "JPEG" and "adobe" not in image.info:
                image = ImageChops.invert(image)
            return grey_of_colour(np.asarray(image.convert("RGB")))
        case "RGBA" | "PA" | "RGBa":
            return grey_of_colour(_over_black(image.convert("RGBA")))
        case "P" if "transparency" in image.info:
            return grey_of_colour(_over_black(image.convert("RGBA")))
        case _:
            return grey_of_colour(np.asarray(image.convert("RGB")))


def _over_black(image: Image.Image) -> NDArray[np.uint8]:
    """What is transparent is outside the film: black."""
    black = Image.new("RGBA", image.size, (0, 0, 0, 255))
    return np.asarray(Image.alpha_composite(black, image).convert("RGB"))


def _refuse_deep_colour(image: Image.Image, *, path: str) -> None:
    """Pillow quietly cuts 16 bits a channel to 8; such a picture is refused rather than changed."""
    if image.mode not in ("I", "F") and not image.mode.startswith("I;") and ";16" in str(getattr(image, "tile", "")):
        raise UserError(ErrorCode.FILM_UNSUPPORTED, path=path, detail="a colour picture with 16 bits a channel")


def _white_is_zero(image: Image.Image) -> bool:
    """TIFF WhiteIsZero: Pillow turns 8 bits itself, but neither 16-bit nor floating point values."""
    if image.format != "TIFF" or not (image.mode in ("I", "F") or image.mode.startswith("I;")):
        return False
    tags = getattr(image, "tag_v2", {})
    return bool(tags.get(TIFF_PHOTOMETRIC) == MIN_IS_WHITE)
