"""A reader judges a report's heat maps: does the heat cover the fracture? Twice, two weeks apart, as in the paper."""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from hipcad_desktop.domain.agreement import Z95, Kappa, cohens_kappa
from hipcad_desktop.domain.metrics import Proportion

HEATMAPS_FOLDER, HEATMAPS_FILE = "heatmaps", "heatmaps.json"
HEATMAPS_SCHEMA = 1
JUDGEMENTS_FILE = "judgements.jsonl"
ROUNDS = (1, 2)
WASHOUT_DAYS = 14  # METHOD 1: the paper's surgeon judged twice, two weeks apart
FOUND, MISSED, FALSE_ALARM = "found", "missed", "false alarm"


@dataclass(frozen=True, slots=True)
class HeatMap:
    """Two pictures of one hip in REPORT/heatmaps: as the network saw it, and with the heat over it.

    Only `found` ones (broken, and called so) are judged; the others are for the gallery of errors.
    """

    film_code: str
    side: str  # "R" or "L"
    hip: str  # file names inside the folder
    overlay: str
    p_fracture: float
    fracture_type: str = ""
    aspect: float = 1.0  # true width / height of the hip on the film
    kind: str = FOUND

    @property
    def name(self) -> str:
        """What judgements call it: film code and side."""
        return f"{self.film_code}_{self.side}"


@dataclass(frozen=True, slots=True)
class Judgement:
    """One answer, or with covered None one taken back. The last one of a reader, round and heat map holds."""

    reader: str
    round: int
    heat_map: str
    covered: bool | None
    at_utc: str  # ISO 8601

    def to_json(self) -> dict[str, Any]:
        """A JSON object, one line of the file."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class ReaderJudgements:
    """What one reader has judged: how many of how many, the share covered, and how far the two rounds agree."""

    reader: str
    heat_maps: int
    covered: Mapping[int, Proportion]  # by round; of those judged
    again: Kappa  # first against second round


@dataclass(frozen=True, slots=True)
class JudgementSummary:
    """All readers of one report, and the first rounds of each two of them against each other."""

    heat_maps: int
    readers: tuple[ReaderJudgements, ...]
    between: tuple[tuple[str, str, Kappa], ...]


def heat_maps_to_json(heat_maps: Sequence[HeatMap]) -> dict[str, Any]:
    """What heatmaps.json holds."""
    return {"schema": HEATMAPS_SCHEMA, "heatmaps": [asdict(m) for m in heat_maps]}


def heat_maps_from_json(values: Mapping[str, Any]) -> tuple[HeatMap, ...]:
    """Back from heat_maps_to_json; what a newer program added is passed over. Raises ValueError."""
    try:
        if not 1 <= int(values["schema"]) <= HEATMAPS_SCHEMA:
            raise ValueError("another version of heatmaps.json")
        known = HeatMap.__dataclass_fields__
        maps = tuple(HeatMap(**{k: v for k, v in m.items() if k in known}) for m in values["heatmaps"])
        for m in maps:
            if any("/" in name or "\\" in name or name in ("", "..") for name in (m.hip, m.overlay)):
                raise ValueError("a picture outside the folder")
            _check_texts(m.film_code, m.side, m.hip, m.overlay, m.fracture_type, m.kind)
            if not 0 <= m.p_fracture <= 1 or not 0 < m.aspect < math.inf:
                raise ValueError("no probability, or no hip's width and height")
        return maps
    except (KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"no table of heat maps: {error}") from error


def judgement_from_json(values: Mapping[str, Any]) -> Judgement:
    """Back from Judgement.to_json. Raises ValueError."""
    try:
        judgement = Judgement(**values)
        _check_texts(judgement.reader, judgement.heat_map)
        if datetime.fromisoformat(judgement.at_utc).tzinfo is None:
            raise ValueError("a time without its zone")
        washout_over((judgement,), reader=judgement.reader)
    except (TypeError, OverflowError) as error:
        raise ValueError(f"no judgement: {error}") from error
    if not judgement.reader or judgement.round not in ROUNDS or judgement.covered not in (True, False, None):
        raise ValueError("no judgement")
    return judgement


def _check_texts(*values: Any) -> None:
    """Raise ValueError unless all are text that can be written."""
    for value in values:
        if not isinstance(value, str):
            raise ValueError("no text")
        value.encode()  # a UnicodeEncodeError is a ValueError


def current(judgements: Sequence[Judgement], *, reader: str, round: int) -> dict[str, Judgement]:
    """What holds of a reader's round, by heat map; taken back ones are absent."""
    held: dict[str, Judgement] = {}
    for j in judgements:
        if j.reader == reader and j.round == round:
            held[j.heat_map] = j
    return {name: j for name, j in held.items() if j.covered is not None}


def readers_of(judgements: Sequence[Judgement]) -> tuple[str, ...]:
    """Who judged, in the order of their first answers."""
    return tuple(dict.fromkeys(j.reader for j in judgements))


def judging_order(names: Sequence[str], *, reader: str, round: int, salt: str) -> tuple[str, ...]:
    """The heat maps in the order of a reader's round: the same at every start, another in the second round."""
    ranked = sorted(names)
    seed = hashlib.sha256(f"{salt}|{reader}|{round}".encode()).hexdigest()
    random.Random(seed).shuffle(ranked)
    if round == 2 and len(ranked) > 1 and tuple(ranked) == judging_order(names, reader=reader, round=1, salt=salt):
        ranked = [*ranked[1:], ranked[0]]
    return tuple(ranked)


def washout_over(judgements: Sequence[Judgement], *, reader: str) -> datetime | None:
    """From when the reader may judge again: two weeks after the last answer of the first round. None: none yet."""
    first = current(judgements, reader=reader, round=1)
    last = max((datetime.fromisoformat(j.at_utc) for j in first.values()), default=None)
    return None if last is None else last + timedelta(days=WASHOUT_DAYS)


def summarise(heat_maps: Sequence[str], judgements: Sequence[Judgement]) -> JudgementSummary:
    """Shares covered and kappas; judgements of heat maps that the report no longer has are passed over."""
    names = sorted(set(heat_maps))
    held = {
        (reader, round): {
            name: j.covered for name, j in current(judgements, reader=reader, round=round).items() if name in names
        }
        for reader in readers_of(judgements)
        for round in ROUNDS
    }
    readers = tuple(reader for reader in readers_of(judgements) if held[reader, 1] or held[reader, 2])
    return JudgementSummary(
        heat_maps=len(names),
        readers=tuple(
            ReaderJudgements(
                reader,
                len(names),
                {round: _share(held[reader, round]) for round in ROUNDS},
                _kappa(held[reader, 1], held[reader, 2]),
            )
            for reader in readers
        ),
        between=tuple(
            (one, two, _kappa(held[one, 1], held[two, 1])) for i, one in enumerate(readers) for two in readers[i + 1 :]
        ),
    )


def _share(answers: Mapping[str, bool | None]) -> Proportion:
    hits, n = sum(1 for covered in answers.values() if covered), len(answers)
    low, high = wilson(hits, n)
    return Proportion(hits, n, low, high)


def _kappa(one: Mapping[str, bool | None], two: Mapping[str, bool | None]) -> Kappa:
    both = sorted(one.keys() & two.keys())
    words = {True: "covered", False: "not covered"}
    found = cohens_kappa([(words[bool(one[name])], words[bool(two[name])]) for name in both])
    if not both:
        return Kappa(None, None, None, None, None, 0, "no heat map was judged both times")
    return found


def wilson(hits: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a share after Wilson (J Am Stat Assoc 1927;22:209); 0 to 1 where n is 0."""
    if n == 0:
        return 0.0, 1.0
    share, square = hits / n, Z95**2
    middle = (share + square / (2 * n)) / (1 + square / n)
    half = Z95 / (1 + square / n) * math.sqrt(share * (1 - share) / n + square / (4 * n * n))
    return (0.0 if hits == 0 else middle - half), (1.0 if hits == n else middle + half)
