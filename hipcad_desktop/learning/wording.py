"""What a library's exception says, cut down to what a sentence for a person can hold."""

from __future__ import annotations

_LONGEST = 200


def first_line(error: object) -> str:
    """The first line of an exception's text, or its kind where it has none."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:_LONGEST]
