"""What a film may cost before it is decoded: a small file must not become gigabytes of memory (RELIABILITY 1.12)."""

from __future__ import annotations

from hipcad_desktop.domain.errors import ErrorCode, UserError

MAX_PIXELS = 100_000_000
MAX_FRAMES = 50
MAX_INFLATED_BYTES = 512 * 1024 * 1024


def check_pixels(height: int, width: int, *, path: str) -> None:
    """Raises UserError FILM_TOO_LARGE above 100 megapixels, FILM_DAMAGED where there is no pixel at all."""
    if height < 1 or width < 1:
        raise UserError(ErrorCode.FILM_DAMAGED, path=path, detail="its size is zero")
    if height * width > MAX_PIXELS:
        raise UserError(ErrorCode.FILM_TOO_LARGE, path=path, detail=f"{width} x {height} pixels, at most 100 million")


def check_frames(frames: int, *, path: str) -> None:
    """Raises UserError FILM_TOO_LARGE above 50 frames, FILM_DAMAGED below one."""
    if frames < 1:
        raise UserError(ErrorCode.FILM_DAMAGED, path=path, detail="it claims to hold no frame")
    if frames > MAX_FRAMES:
        raise UserError(ErrorCode.FILM_TOO_LARGE, path=path, detail=f"{frames} frames, at most {MAX_FRAMES}")
