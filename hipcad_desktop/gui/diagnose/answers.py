"""What the worker said of a film, bound to what it was asked: file, model and midline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from hipcad_desktop.domain.anatomy import ImageHalf, Side
from hipcad_desktop.domain.diagnosis import HipState
from hipcad_desktop.domain.geometry import Window
from hipcad_desktop.domain.halving import Halving, HalvingMethod, HipWindow
from hipcad_desktop.domain.metrics import Thresholds


@dataclass(frozen=True, slots=True)
class Question:
    """What an answer belongs to. midline_px None: the program finds it."""

    file: str
    model_sha256: str
    midline_px: float | None


@dataclass(frozen=True, slots=True)
class HipAnswer:
    """One hip of an answer: probability and state, or the sentence that says why this hip has none."""

    side: Side
    half: ImageHalf
    p_fracture: float | None
    state: HipState | None
    window: Window
    heat: str  # path of the heat map's PNG, or ""
    refused: str = ""


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
    written: str = ""  # the JSON file that holds it, its pictures beside it

    @property
    def halving(self) -> Halving | None:
        """The squares about the hips; None where the model looks at strips, whose edges tell a person nothing."""
        if self.midline_px is None or len(self.hips) != 2 or self.hips[0].window.is_strip:
            return None
        left, right = (HipWindow(hip.half, hip.window, None) for hip in self.hips)
        return Halving(HalvingMethod.HIP, self.midline_px, left, right)


def film_answer(
    question: Question, facts: Mapping[str, Any], thresholds: Thresholds, *, written: str = ""
) -> FilmAnswer:
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
            written=written,
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no answer: {error}") from error


def _hip(values: Mapping[str, Any]) -> HipAnswer:
    refused = str(values.get("refused") or "")
    p_fracture = None if refused else float(values["p_fracture"])
    if p_fracture is not None and not 0 <= p_fracture <= 1:
        raise ValueError("no probability")
    return HipAnswer(
        side=Side(values["side"]),
        half=ImageHalf(values["half"]),
        p_fracture=p_fracture,
        state=None if refused else HipState(values["state"]),
        window=Window(*(float(edge) for edge in values["window_px"])),
        heat=str(values.get("heat") or ""),
        refused=refused,
    )


class FilmStatus(Enum):
    """Where a film stands, for its chip."""

    NO_MODEL = auto()
    WAITING = auto()
    RUNNING = auto()
    ANSWERED = auto()
    REFUSED = auto()
    FAILED = auto()
    CONCEALED = auto()  # there is an answer, and the reader's own comes first


@dataclass(slots=True)
class FilmEntry:
    """A film in the list: the midline a person set, its last answer, and why the last question failed."""

    file: str
    midline_px: float | None = None
    answer: FilmAnswer | None = None
    failure: str = ""
    failed_question: Question | None = field(default=None, repr=False)
    arrived_s: float = 0.0  # when it was opened, or its file changed, by the clock of the day
