"""Which films are listed and in which order: searched, filtered, sorted in plain lists, made for 20,000 of them."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

from hipcad_desktop.domain.anatomy import FractureType
from hipcad_desktop.domain.annotation import Answer, FilmFlag, ReadingStatus, Verdict
from hipcad_desktop.domain.radiograph import FilmId
from hipcad_desktop.gui.state.project_state import FilmFacts, ProjectState

UNREAD = "unread"
WORDS: dict[str, str] = {
    UNREAD: "unread",
    Verdict.FRACTURE: "fracture",
    Verdict.NO_FRACTURE: "no fracture",
    Verdict.UNSURE: "unsure",
    Verdict.EXCLUDED: "excluded",
}
ANY = ""
UNTYPED, FLAGGED, REFUSED = "untyped", "flagged", "refused"
NAMES_TYPE, NAMES_FLAG = "type ", "flag "
TRAITS: dict[str, str] = {
    **{NAMES_TYPE + t.value: t.value for t in FractureType},
    UNTYPED: "fracture without a type",
    FLAGGED: "any flag",
    **{NAMES_FLAG + f.value: f.value for f in FilmFlag},
    REFUSED: "perhaps out of scope",
}
READING, THUMBNAIL, FILM, PATIENT, DATE, HOSPITAL, TYPE, FLAGS, SCOPE, FORMAT = range(10)
COLUMNS = ("Reading", "", "Film", "Patient", "Date", "Hospital", "Type", "Flags", "Scope", "Format")
STATUS_ORDER = {word: place for place, word in enumerate(WORDS.values())}
_DIGITS = re.compile(r"\d+")
Texts = tuple[str, ...]
Statuses = Mapping[FilmId, ReadingStatus]


class Row(NamedTuple):
    """What a film is shown, searched, filtered and sorted by; made once, and again when its answer changes."""

    texts: Texts
    searched: str
    traits: frozenset[str]  # its status, and those of TRAITS that it has
    film_key: str  # IMG2 before IMG10


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is listed: every word of text, one status (or ANY), one trait (or ANY)."""

    text: str = ""
    status: str = ANY
    trait: str = ANY

    @property
    def words(self) -> list[str]:
        """The words to look for."""
        return folded(self.text).split()

    @property
    def everything(self) -> bool:
        """Whether nothing is left out."""
        return not (self.text.strip() or self.status or self.trait)


def status_of(answer: Answer | None) -> str:
    """A verdict's value, or "unread"."""
    return UNREAD if answer is None else answer.verdict.value


def types_of(answer: Answer | None) -> list[str]:
    """The fracture types of an answer, each once."""
    found = () if answer is None else answer.findings
    return list(dict.fromkeys(f.fracture_type.value for f in found if f.fracture_type is not None))


def folded(text: str) -> str:
    """Text as it is compared: full and half width, composed and decomposed kana, upper and lower case are one."""
    return text.casefold() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()


def row_of(film: FilmFacts, answer: Answer | None) -> Row:
    """A film's row."""
    words = texts(film, answer)
    traits = {status_of(answer)}
    if words[SCOPE]:
        traits.add(REFUSED)
    if answer is not None:
        if any(f.fracture_type is None for f in answer.findings):
            traits.add(UNTYPED)
        traits.update(NAMES_TYPE + kind for kind in types_of(answer))
        if answer.flags:
            traits.add(FLAGGED)
            traits.update(NAMES_FLAG + flag for flag in answer.flags)
    name = folded(words[FILM])
    searched = "\n".join((name, folded(words[PATIENT]), words[DATE], folded(words[HOSPITAL])))
    return Row(words, searched, frozenset(traits), _DIGITS.sub(lambda digits: digits[0].zfill(12), name))


def texts(film: FilmFacts, answer: Answer | None) -> Texts:
    """The words of a row's cells, in the order of COLUMNS."""
    refusal = getattr(film, "refusal", None)
    return (
        WORDS[status_of(answer)],
        "",
        film.file_name,
        film.patient,
        date_of(film),
        hospital_of(film),
        ", ".join(types_of(answer)),
        "" if answer is None else ", ".join(sorted(flag.value for flag in answer.flags)),
        "" if refusal is None else "perhaps out",
        film.kind,
    )


def date_of(film: FilmFacts) -> str:
    """The study's date as YYYY-MM-DD where the file gave one."""
    date = getattr(getattr(film, "cohort", None), "study_date", None) or ""
    return f"{date[:4]}-{date[4:6]}-{date[6:]}" if len(date) == 8 and date.isdecimal() else date


def hospital_of(film: FilmFacts) -> str:
    """The label that the films were imported with."""
    return getattr(getattr(film, "cohort", None), "hospital", "") or ""


class FilmOrder:
    """The listed films as indices into ProjectState.films. `shown` is replaced as a whole, by the model alone."""

    def __init__(self, state: ProjectState) -> None:
        self._state = state
        self.others: list[tuple[str, Statuses]] = []  # the columns after COLUMNS: other readers, once not blinded
        self.wanted = Wanted()
        self.shown: Sequence[int] = range(0)
        self.stale = True  # films, answers, filter or order are others since the last arranged()
        self.guest = False  # the film looked at is listed only because it is looked at
        self._column = -1
        self._backwards = False
        self._rows: list[Row | None] = []
        self._prepared = 0

    def renew(self) -> None:
        """The films are others."""
        self.stale = True
        self._rows = [None] * len(self._state.films)
        self._prepared = 0

    def prepare(self, count: int) -> bool:
        """Make the next `count` rows before anybody filters or sorts; whether all are made."""
        end = min(self._prepared + count, len(self._rows))
        for index in range(self._prepared, end):
            self.row(index)
        self._prepared = end
        return end == len(self._rows)

    def row(self, index: int) -> Row:
        """The row of ProjectState.films[index]."""
        found = self._rows[index]
        if found is None:
            film = self._state.films[index]
            found = self._rows[index] = row_of(film, self._state.answer(film.film_id))
        return found

    def forget(self, index: int) -> None:
        """The answer on a film has changed."""
        self._rows[index] = None
        self.stale = True

    def show_others(self, others: Sequence[tuple[str, Statuses]]) -> None:
        """The other readers' columns."""
        self.others = list(others)
        self.stale = self.stale or self._column >= len(COLUMNS)

    def other(self, index: int, column: int) -> ReadingStatus | None:
        """What the reader of a column after COLUMNS says of ProjectState.films[index]."""
        return self.others[column - len(COLUMNS)][1].get(self._state.films[index].film_id)

    def want(self, wanted: Wanted) -> None:
        """List other films."""
        self.wanted, self.stale = wanted, True

    def sort_by(self, column: int, *, backwards: bool) -> None:
        """Order by a column; -1 is the order of import."""
        self._column, self._backwards, self.stale = column, backwards, True

    def arranged(self) -> Sequence[int]:
        """The films that are wanted, in the order that is wanted."""
        self.stale = self.guest = False
        found: Sequence[int] = range(len(self._rows)) if self.wanted.everything else self._accepted()
        unsorted = not 0 <= self._column < len(COLUMNS) + len(self.others)  # or by a reader who is here no longer
        return found if unsorted else sorted(found, key=self._key().__getitem__, reverse=self._backwards)

    def _all(self) -> list[Row]:
        if None in self._rows:
            return [row or self.row(index) for index, row in enumerate(self._rows)]
        return cast("list[Row]", self._rows)

    def _accepted(self) -> list[int]:
        wanted, rows = self.wanted, self._all()
        found = list(range(len(rows)))
        for trait in (wanted.status, wanted.trait):
            if trait:
                found = [i for i in found if trait in rows[i].traits]
        for word in wanted.words:
            found = [i for i in found if word in rows[i].searched]
        current = self._state.row_of(self._state.current)
        if current is not None:  # the film looked at always stays in the list
            place = bisect_left(found, current)
            if place == len(found) or found[place] != current:
                found.insert(place, current)
                self.guest = True
        return found

    def _key(self) -> list[str] | list[int]:
        column = self._column
        if column >= len(COLUMNS):
            statuses = (self.other(index, column) for index in range(len(self._rows)))
            return [STATUS_ORDER[WORDS[UNREAD if s is None else s.verdict]] for s in statuses]
        rows = self._all()
        if column == READING:
            return [STATUS_ORDER[row.texts[READING]] for row in rows]
        if column == FILM:
            return [row.film_key for row in rows]
        if column == PATIENT:
            return [row.texts[PATIENT].rjust(12) for row in rows]  # P9999 before P10000
        return [row.texts[column] for row in rows]
