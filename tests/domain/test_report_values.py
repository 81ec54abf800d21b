"""report.json there and back; what is no report, an older or a newer one."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from hipcad_desktop.domain.report_values import ReportNewerError, ReportOlderError, evaluation_from_json
from tests.fakes.made_up_report import made_up_evaluation


@pytest.fixture
def values() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(made_up_evaluation().to_json()))
    return found


def test_there_and_back(values: dict[str, Any]) -> None:
    assert evaluation_from_json(values) == made_up_evaluation()


def test_fields_of_a_later_version_are_passed_over(values: dict[str, Any]) -> None:
    values["new"] = 1
    values["halvings"][0]["auc"]["new"] = 1
    assert evaluation_from_json(values) == made_up_evaluation()


@pytest.mark.parametrize("wrong", [None, [], {}, {"schema": 2}, {"schema": "2", "halvings": []}])
def test_no_report(wrong: object) -> None:
    with pytest.raises(ValueError, match="no report"):
        evaluation_from_json(wrong)


def test_older_and_newer(values: dict[str, Any]) -> None:
    with pytest.raises(ReportOlderError):
        evaluation_from_json(values | {"schema": 1})
    with pytest.raises(ReportNewerError):
        evaluation_from_json(values | {"schema": 99})


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("halvings", 0, "auc", "value"), "high"),
        (("halvings", 0, "hips"), "100"),
        (("halvings",), {}),
        (("interval",), "guess"),
        (("thresholds", "fracture"), 2.0),
        (("halvings", 0, "points", 0, "sensitivity"), 0.9),
        (("openings", 0, "number"), None),
    ],
)
def test_a_wrong_value_is_found(values: dict[str, Any], path: tuple[Any, ...], value: object) -> None:
    broken: Any = copy.deepcopy(values)
    place = broken
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(ValueError, match=r".+"):
        evaluation_from_json(broken)


def test_a_missing_value_is_found(values: dict[str, Any]) -> None:
    del values["halvings"][0]["roc"]
    with pytest.raises(ValueError, match="lacks roc"):
        evaluation_from_json(values)
