"""What the worker said of a film, bound to what it was asked: file, model and midline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from hipcad_desktop.domain.anatomy import ImageHalf, Side
from hipcad_desktop.domain.diagnosis import HipState
from hipcad_desktop.domain.geometry import Window
from hipcad_desktop.domain.metrics import Thresholds


@dataclass(frozen=True, slots=True)
class Question:
    """What an answer belongs to. midline_px None: the program finds it."""

    file: str
    model_sha256: str
    midline_px: float | None


@dataclass(frozen=True, slots=True)
class HipAnswer:
    """One hip of an answer."""

    side: Side
    half: ImageHalf
    p_fracture: float
    state: HipState
    window: Window
    heat: str  # path of the heat map's PNG, or ""


@dataclass(frozen=True, slots=True)
class FilmAnswer:
    """The program's statement on a film. refused is a sentence, or hips has both in the order of the film."""

    question: Question
    film_id: str
    refused: str
    midline_px: float | None
    hips: tuple[HipAnswer, ...]  # the one in the picture's left half first
    warnings: tuple[str, ...]
    model_name: str
    thresholds: Thresholds
    seconds: float


def film_answer(question: Question, facts: Mapping[str, Any], thresholds: Thresholds) -> FilmAnswer:
    """From the facts of an artifact. Raises ValueError where they answer another question or are no answer."""
    try:
        model = facts["model"]
        if facts["file"] != question.file or model["sha256"] != question.model_sha256:
            raise ValueError("an answer to another question")
        hips = sorted((_hip(h) for h in facts["hips"]), key=lambda h: h.half is ImageHalf.RIGHT)
        refused = str(facts["refused"] or "")
        if bool(refused) == bool(hips) or len(hips) not in (0, 2):
            raise ValueError("neither refused nor two hips")
        return FilmAnswer(
            question=question,
            film_id=str(facts["film_id"]),
            refused=refused,
            midline_px=None if facts["midline_px"] is None else float(facts["midline_px"]),
            hips=tuple(hips),
            warnings=tuple(str(w) for w in facts.get("warnings", ())),
            model_name=str(model["name"]),
            thresholds=thresholds,
            seconds=float(facts["seconds"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no answer: {error}") from error


def _hip(values: Mapping[str, Any]) -> HipAnswer:
    p_fracture = float(values["p_fracture"])
    if not 0 <= p_fracture <= 1:
        raise ValueError("no probability")
    x0, x1 = values["window_px"]
    return HipAnswer(
        side=Side(values["side"]),
        half=ImageHalf(values["half"]),
        p_fracture=p_fracture,
        state=HipState(values["state"]),
        window=Window(float(x0), float(x1)),
        heat=str(values.get("heat") or ""),
    )


class FilmStatus(Enum):
    """Where a film stands, for its chip."""

    NO_MODEL = auto()
    WAITING = auto()
    RUNNING = auto()
    ANSWERED = auto()
    REFUSED = auto()
    FAILED = auto()


@dataclass(slots=True)
class FilmEntry:
    """A film in the list: the midline a person set, its last answer, and why the last question failed."""

    file: str
    midline_px: float | None = None
    answer: FilmAnswer | None = None
    failure: str = ""
    failed_question: Question | None = field(default=None, repr=False)
