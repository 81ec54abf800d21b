"""Lengths and points of time in words."""

from __future__ import annotations

from datetime import datetime


def duration(seconds: float) -> str:
    """A length of time as a person says it: "40 s", "12 min", "3 h 20 min"."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes = round(whole / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours < 48 else f"{hours / 24:.0f} days"


def day_words(utc: str) -> str:
    """ "2026-03-01T12:30:15Z" as "1 March 2026, 12:30"; as it stands where it is no time."""
    try:
        at = datetime.fromisoformat(utc).astimezone()
    except ValueError:
        return utc
    return f"{at.day} {at:%B %Y, %H:%M}"


def utc_words(utc: str) -> str:
    """ "2026-03-01T12:30:15.123Z" as "2026-03-01 12:30:15 UTC": for what is read in another country too."""
    return f"{utc[:19].replace('T', ' ')} UTC"
