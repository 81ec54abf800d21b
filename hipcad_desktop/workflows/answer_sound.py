"""Whether a JSON object that says it is an answer can be shown: it may have been edited, or come from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hipcad_desktop.domain.anatomy import Side
from hipcad_desktop.domain.batch import is_number
from hipcad_desktop.domain.diagnosis import HipState

_LONGEST_REFUSAL = 1000  # letters; a page holds them
_FARTHEST = 4  # of the film's longer side: a window reaches no further out
_LARGEST_FILM = 20_000


def refuse_unsound(facts: Mapping[str, Any]) -> None:
    """Raise ValueError, KeyError or TypeError where an answer's values are not what diagnosis writes."""
    model, hips = facts["model"], facts["hips"]
    texts = (facts["file"], facts["film_id"], model["name"], model["sha256"], model["notice"], *facts["warnings"])
    _need(all(isinstance(text, str) for text in texts), "text")
    _need(isinstance(facts["warnings"], list) and isinstance(hips, list), "lists")
    _need(isinstance(facts.get("side_source"), str | None), "side")
    _need_refusal(facts["refused"])
    _need(is_number(facts["seconds"]), "seconds")
    _need(facts.get("midline_px") is None or is_number(facts["midline_px"]), "midline")
    size = facts["film_size"]
    _need(size is None or (len(size) == 2 and all(type(n) is int and 0 < n < 1_000_000 for n in size)), "size")
    cuts = model.get("thresholds")
    _need(not cuts or (isinstance(cuts, list) and len(cuts) == 2 and all(map(is_number, cuts))), "thresholds")
    for hip in hips:
        _need_hip(hip, _FARTHEST * max(size or (_LARGEST_FILM,)))
    _need(len({hip["side"] for hip in hips}) == len(hips), "one answer a hip")
    # The rest goes into pages and tables as it is: no NaN, and no half letters but in the names of files.
    plain = {**facts, "file": "", "hips": [{**hip, "overlay": "", "heat": ""} for hip in hips]}
    json.dumps(plain, allow_nan=False, ensure_ascii=False).encode("utf-8")


def _need_hip(hip: Mapping[str, Any], farthest: float) -> None:
    Side(hip["side"])
    _need_refusal(hip.get("refused"))
    if not hip.get("refused"):
        HipState(hip["state"])
        _need(is_number(hip["p_fracture"]) and 0 <= hip["p_fracture"] <= 1, "probability")
    edges = hip["window_px"]
    _need(isinstance(edges, list) and len(edges) in (2, 4), "window")
    _need(all(is_number(edge) and abs(edge) <= farthest for edge in edges), "window")
    _need(all(first < last for first, last in zip(edges[::2], edges[1::2], strict=True)), "window")


def _need_refusal(refused: Any) -> None:
    _need(refused is None or (isinstance(refused, str) and len(refused) <= _LONGEST_REFUSAL), "refusal")


def _need(sound: bool, what: str) -> None:
    if not sound:
        raise ValueError(what)
