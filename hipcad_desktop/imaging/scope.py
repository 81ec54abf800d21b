"""Whether the method may answer on a film: the header first, then the pixels (METHOD 3.7).

Right films count most: an unknown word in a header is no reason to refuse, and what the pixels show decides. Figures
on films left out of the fit are in FINDER.md.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from hipcad_desktop.domain.diagnosis import Refusal, RefusalReason
from hipcad_desktop.domain.radiograph import HeaderFacts
from hipcad_desktop.domain.scope import FilmScope, Found
from hipcad_desktop.imaging.film import Film
from hipcad_desktop.imaging.finder import FRONTAL, find
from hipcad_desktop.imaging.pelvis import UPRIGHT, find_pelvis, pyramid

# PS3.3 C.7.3.1.1.1. DR, DF and XA are retired or stretched names that X-ray films come under, OT says nothing.
XRAY_MODALITIES = frozenset({"CR", "DX", "DR", "RG", "RF", "DF", "XA", "OT", "SC"})
# BodyPartExamined was wrong in 15 % of films (Gueld et al., SPIE 2002). So only what is far from the hips refuses
# (code strings of PS3.16 CID 4031 and what is written instead); the pixels decide the rest.
NEAR_THE_HIPS = re.compile(r"PELV|HIP|ABD|FEM|THIGH|GROIN|BUTTOCK|ILIUM|ILIAC|SACR|COCCYX|WHOLE|LOW\w*EXTR")
FAR_FROM_THE_HIPS = re.compile(
    r"CHEST|THORA|LUNG|RIB|STERN|CLAV|SCAP|SHOULD|HUMER|ELBOW|FOREARM|UPPERARM|UPRARM|WRIST|HAND|FINGER|THUMB|HEART|"
    r"SKULL|HEAD|BRAIN|FACE|FACIAL|ORBIT|NOSE|NASAL|SINUS|JAW|MANDIB|MAXIL|ZYGOMA|TMJ|TEETH|TOOTH|DENT|NECK|CERVI|"
    r"SPINE|LUMBAR|KNEE|PATELL|CALF|TIBIA|FIBULA|LOWERLEG|ANKLE|CALCAN|FOOT|FEET|TOE|EXTREM|BREAST|^ARM|^EYE|^EAR"
)
# ViewPosition: CR C.8.3.1.1.2 (LL, RL, LLD, ...), mammography C.8.11.7 by codes, and words found instead.
OTHER_VIEWS = re.compile(r"^(LL|RL|LLD|RLD|LLO|RLO|LAO|RAO|LPO|RPO|CC|MLO|ML|LM|AX|AXIAL|AXIS|OBL\w*|LAT\w*|FROG\w*)$")
LATERAL_WORD = re.compile(r"LATERAL|AXIAL|OBLIQUE|FROG")

SMALLEST_PX = 200
BLANK_LEVELS = 6  # grey levels between the 0.5th and the 99.5th percentile
LEAST_BEYOND_THE_HEADS = 0.13  # in distances of the heads; right films: least 0.16
WHOLE = 0.5  # from here on both hips of it lie in the film; below, the pelvis template is asked as well
SURE_SCORE, LEAST_SYMMETRY = 0.9, 0.2  # of the template; right films left out of its fit: median 1.5, least 0.32
HINT_SCORE = -0.2  # of the template: from here on a large pelvis at the film's edge is told as one hip
LARGE_PELVIS = 0.3  # distance of the heads as a share of the width
POSES = {1: RefusalReason.ON_ITS_SIDE, 2: RefusalReason.UPSIDE_DOWN, 3: RefusalReason.ON_ITS_SIDE}


def look(film: Film) -> FilmScope:
    """Whether the film is a frontal pelvis with both hips, upright and not inverted, and where its midline runs."""
    refusal = header_refusal(film.radiograph.header)
    return FilmScope(None, 0.0, refusal) if refusal else look_at_pixels(film.eight_bit)


def header_refusal(header: HeaderFacts) -> Refusal | None:
    """What the header alone rules out. Facts carry the header's word for part, view or modality, no identity."""
    if header.frames > 1:
        return Refusal(RefusalReason.SEVERAL_FRAMES, {"frames": header.frames})
    if header.modality and header.modality.strip().upper() not in XRAY_MODALITIES:
        return Refusal(RefusalReason.HEADER_OTHER_MODALITY, {"found": header.modality})
    if header.colour:
        return Refusal(RefusalReason.COLOUR_PICTURE)
    part = re.sub(r"[^A-Z]", "", (header.body_part or "").upper())
    if FAR_FROM_THE_HIPS.search(part) and not NEAR_THE_HIPS.search(part):
        return Refusal(RefusalReason.HEADER_OTHER_BODY_PART, {"found": header.body_part})
    view = (header.view_position or "").strip().upper()
    if OTHER_VIEWS.match(view) or LATERAL_WORD.search(view):
        return Refusal(RefusalReason.HEADER_OTHER_VIEW, {"found": header.view_position})
    return None


def look_at_pixels(eight_bit: NDArray[np.uint8]) -> FilmScope:
    """The same from the displayed pixels alone, H x W, bone white as far as the header knows."""
    height, width = eight_bit.shape
    if min(height, width) < SMALLEST_PX:
        return FilmScope(None, 0.0, Refusal(RefusalReason.TOO_SMALL, {"width": width, "height": height}))
    step = max(1, min(height, width) // 400)
    low, high = np.percentile(eight_bit[::step, ::step], (0.5, 99.5))
    if high - low < BLANK_LEVELS:
        return FilmScope(None, 0.0, Refusal(RefusalReason.BLANK))
    return judged(eight_bit, find(eight_bit))


def judged(eight_bit: NDArray[np.uint8], found: Found) -> FilmScope:
    """What follows from what the finder saw on a film."""
    refusal = _pose_refusal(found) or _pelvis_refusal(found, eight_bit)
    told = refusal is None or refusal.reason is RefusalReason.ONE_HIP_ONLY
    return FilmScope(found.midline_px if told else None, found.frontal, refusal, found)


def _pose_refusal(found: Found) -> Refusal | None:
    """A pelvis on its side, upside down or with dark bone."""
    if found.pose == UPRIGHT or found.frontal < FRONTAL:
        return None
    return Refusal(POSES.get(found.pose.quarter_turns, RefusalReason.INVERTED))


def _pelvis_refusal(found: Found, eight_bit: NDArray[np.uint8]) -> Refusal | None:
    """What speaks against the pelvis found upright, None where nothing does."""
    if found.frontal < FRONTAL:
        if _is_one_hip(eight_bit):
            return Refusal(RefusalReason.ONE_HIP_ONLY)
        return Refusal(RefusalReason.NOT_FRONTAL_PELVIS, {"detail": f"likeness {found.frontal:.0%}"})
    left, right = found.hips
    beyond = min(left.head_x / left.heads_px, (eight_bit.shape[1] - right.head_x) / right.heads_px)
    if beyond < LEAST_BEYOND_THE_HEADS or (found.whole < WHOLE and not _template_is_sure(eight_bit)):
        return Refusal(RefusalReason.ONE_HIP_ONLY)
    return None


def _is_one_hip(eight_bit: NDArray[np.uint8]) -> bool:
    """Of a film that is refused anyway: whether the template sees a large pelvis at its edge."""
    pelvis = find_pelvis(pyramid(eight_bit))
    at_the_edge = pelvis.beyond_the_heads < LEAST_BEYOND_THE_HEADS and pelvis.heads >= LARGE_PELVIS
    return at_the_edge and pelvis.score >= HINT_SCORE


def _template_is_sure(eight_bit: NDArray[np.uint8]) -> bool:
    """The second opinion where the network doubts that both hips are there: right films count most."""
    pelvis = find_pelvis(pyramid(eight_bit))
    return pelvis.score >= SURE_SCORE and pelvis.symmetry >= LEAST_SYMMETRY
