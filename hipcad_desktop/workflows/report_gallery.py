"""The gallery of the report, as the paper's Figure 3: misses, doubts and false alarms, film and heat map beside."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from hipcad_desktop.domain.diagnosis import HipState
from hipcad_desktop.domain.evaluation import HipScore
from hipcad_desktop.workflows.document import Block, Heading, HipShown, Paragraph, Shelf

MOST_SHOWN = 12  # of each kind
_SIDE_WORDS = {"R": "right hip", "L": "left hip"}

HipPicture = Callable[[HipScore], tuple[Any, Any, float]]
"""A hip, uint8 [h, w], the same with its heat map, uint8 [h, w, 3], and the width / height that it has on the film."""


def gallery(scores: Sequence[HipScore], picture: HipPicture) -> Iterator[Block]:
    """Misses, false alarms, broken hips in doubt; the worst of each first."""
    missed = [s for s in scores if s.fracture and s.state is HipState.NO_FRACTURE]
    doubted = [s for s in scores if s.fracture and s.state is HipState.DOUBT]
    alarms = [s for s in scores if not s.fracture and s.state is HipState.FRACTURE]
    yield Heading("Where it was wrong")
    yield Paragraph(
        "Beside each hip the same hip with the heat map (Grad-CAM, each hip's own maximum brightest): the colours "
        "show where the network looked, not where a fracture is."
    )
    for title, hips in (
        ("Missed: a fracture, said to be none", sorted(missed, key=lambda s: s.p_fracture)),
        ("False alarm: no fracture, said to be one", sorted(alarms, key=lambda s: -s.p_fracture)),
        ("A fracture, left in doubt", sorted(doubted, key=lambda s: s.p_fracture)),
    ):
        shown = hips[:MOST_SHOWN]
        rest = f", the worst {len(shown)} shown" if len(hips) > len(shown) else ""
        yield Heading(f"{title} (n = {len(hips)}{rest})", 3)
        if shown:
            yield Shelf(tuple(_shown(score, picture) for score in shown))
        else:
            yield Paragraph("None.", faint=True)


def _shown(score: HipScore, picture: HipPicture) -> HipShown:
    film, overlay, aspect = picture(score)
    title = ", ".join(
        words for words in (f"p = {score.p_fracture:.3f}", _SIDE_WORDS[score.side.value], score.fracture_type) if words
    )
    kind = "" if score.fracture else ("other hip broken" if score.pair_has_fracture else "film without fracture")
    lines = tuple(line for line in (kind, f"{score.patient}, film {score.film_code}") if line)
    return HipShown(_jpeg(film), _jpeg(overlay), aspect, title, lines)


def _jpeg(pixels: Any) -> bytes:
    from PIL import Image

    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "JPEG", quality=88)
    return data.getvalue()
