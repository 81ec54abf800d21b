"""Thumbnails of a project's films: from its cache, else made of the film and kept. Never touches the database."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from hipcad_desktop.domain.errors import UserError
from hipcad_desktop.domain.radiograph import FilmId
from hipcad_desktop.imaging.thumbnail import ThumbnailCache, make_thumbnail

CACHE_FOLDER = Path("cache", "thumbnails")
FILMS_FOLDER = "films"  # the project's own copies, named by their hash

log = logging.getLogger(__name__)


def thumbnails_of(project: Path) -> ThumbnailCache:
    """The cache in a project's folder."""
    return ThumbnailCache(project / CACHE_FOLDER)


def thumbnail(cache: ThumbnailCache, project: Path, film_id: FilmId, path: Path) -> bytes | None:
    """A film's thumbnail as JPEG, kept for the next time; None where no file of the film can be read.

    path: the film's own file; the project's copy is tried after it.
    """
    kept = cache.load(film_id)
    if kept is not None:
        return kept
    return _made(cache, film_id, lambda: [path, *sorted((project / FILMS_FOLDER).glob(f"{film_id}*"))])


def _made(cache: ThumbnailCache, film_id: FilmId, places: Callable[[], list[Path]]) -> bytes | None:
    for place in places():
        if not place.is_file():
            continue
        try:
            jpeg = make_thumbnail(place, film_id)
        except UserError as error:  # told where the film is opened; a list shows an empty place
            log.info("no thumbnail: %s", error.code)
            continue
        cache.save(film_id, jpeg)
        return jpeg
    return None
