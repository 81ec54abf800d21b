"""A diagnosis as the JSON object that is written, told on standard output and sent to the window."""

from __future__ import annotations

from typing import Any

from hipcad_desktop.domain.diagnosis import Diagnosis, HipRefusal, Prediction
from hipcad_desktop.domain.messages import refusal_sentence


def to_json(diagnosis: Diagnosis) -> dict[str, Any]:
    """The JSON object of one film: the patient's right hip first, pixels of the displayed film, paths as strings.

    window_px is [x0, x1] of a strip over the film's full height, and [x0, x1, y0, y1] of a square, which may leave it.
    A hip that was refused alone has a sentence in refused, and null for p_fracture and state.
    """
    hips = [*map(_hip_json, diagnosis.hips), *map(_refused_hip_json, diagnosis.refused_hips)]
    return {
        "file": diagnosis.file,
        "refused": refusal_sentence(diagnosis.refusal) if diagnosis.refusal else None,
        "midline_px": diagnosis.midline_px,
        "hips": sorted(hips, key=lambda hip: str(hip["side"]), reverse=True),
        "model": _model_json(diagnosis),
        "seconds": round(diagnosis.seconds, 3),
        "refused_code": diagnosis.refusal.reason.value if diagnosis.refusal else None,
        "halving": diagnosis.halving,
        "film_id": diagnosis.film_id,
        "film_size": list(diagnosis.film_size) if diagnosis.film_size else None,
        "side_source": diagnosis.side_source,
        "warnings": list(diagnosis.warnings),
    }


def _model_json(diagnosis: Diagnosis) -> dict[str, Any]:
    """thresholds is [no fracture below, fracture from]."""
    cuts = diagnosis.thresholds
    return {
        "name": diagnosis.model_name,
        "sha256": diagnosis.model_sha256,
        "notice": diagnosis.notice,
        "thresholds": [cuts.no_fracture, cuts.fracture] if cuts else None,
    }


def _hip_json(hip: Prediction) -> dict[str, Any]:
    return {
        "side": hip.side.value,
        "p_fracture": hip.p_fracture,
        "state": hip.state.value,
        "window_px": list(hip.window.edges),
        "overlay": hip.overlay_path,
        "heat": hip.heat_path,
        "half": hip.half.value,
        "outside_share": round(hip.outside_share, 4),
        "refused": None,
        "refused_code": None,
    }


def _refused_hip_json(hip: HipRefusal) -> dict[str, Any]:
    return {
        "side": hip.side.value,
        "p_fracture": None,
        "state": None,
        "window_px": list(hip.window.edges),
        "overlay": "",
        "heat": "",
        "half": hip.half.value,
        "outside_share": None,
        "refused": refusal_sentence(hip.refusal),
        "refused_code": hip.refusal.reason.value,
    }
