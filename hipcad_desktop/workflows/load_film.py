"""A film's pixels, from the project (its bytes checked) or from a file."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.halving import Halving
from hipcad_desktop.domain.radiograph import FilmId
from hipcad_desktop.imaging.film import Film as Film  # the window names the type through here
from hipcad_desktop.imaging.film import Picture
from hipcad_desktop.imaging.finder import find_hips_of
from hipcad_desktop.imaging.hip_image import hip_images
from hipcad_desktop.imaging.reader import find_films, read_film, read_picture
from hipcad_desktop.store.films import files_of
from hipcad_desktop.store.project_store import Project
from hipcad_desktop.workflows.view_film import KEPT_FOLDER, Question


def question_of(project: Project, film_id: FilmId, *, exchange: str) -> Question:
    """What a decoder process has to know to show this film. Raises KeyError for a film that the project has not."""
    paths = tuple(str(path) for path in files_of(project, film_id))
    return Question(paths, film_id, exchange, kept=str(project.path / KEPT_FOLDER), preview=True)


def picture_from(paths: Sequence[Path], film_id: FilmId) -> Picture:
    """Only the pixels of the film, from the first of these files that holds exactly its bytes.

    Raises UserError FILE_MISSING where no file is there, FILM_CHANGED where there are only others, and what read_film
    raises.
    """
    failure = UserError(ErrorCode.FILE_MISSING, path=str(paths[0]))
    for path in paths:
        if not path.is_file():
            continue
        try:
            found, picture = read_picture(path)
        except UserError as error:
            failure = error if has_bytes(path, film_id) else UserError(ErrorCode.FILM_CHANGED, path=str(path))
            continue
        if found == film_id:
            return picture
        failure = UserError(ErrorCode.FILM_CHANGED, path=str(path))
    raise failure


def load_film_file(path: Path) -> Film:
    """The film in a file that need not be in any project. Raises what read_film raises."""
    return read_film(path)


def films_among(paths: Sequence[Path]) -> tuple[Path, ...]:
    """The films in files and folders: each file named, and in folders what is a film."""
    return find_films(paths).films


def has_bytes(path: Path, film_id: FilmId) -> bool:
    """Whether a file holds exactly a film's bytes."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == film_id
    except OSError:
        return False


def film_heads(film: Film) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """The femoral heads (x, y) in film pixels, on the picture's left and right, as the export finds them."""
    found = find_hips_of(film.eight_bit)
    return None if found is None else ((found[0].head_x, found[0].head_y), (found[1].head_x, found[1].head_y))


def hip_previews(film: Film, halving: Halving) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The hip images, uint8 [380, 380], of the picture's left and right half, exactly as they would be exported."""
    left, right = hip_images(film.eight_bit, [halving.left.window, halving.right.window])
    return left, right
