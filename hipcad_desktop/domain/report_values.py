"""report.json back into an Evaluation: for the window and for comparisons, which never run the model again."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from hipcad_desktop.domain import coverage, evaluation, leaks, metrics, seal, subgroups
from hipcad_desktop.domain.comparison import Comparison
from hipcad_desktop.domain.evaluation import SCHEMA, Evaluation

FIRST_SCHEMA = 2  # older reports lack most of what is shown today
_LONGEST_FACT = 1000  # longer than any file's name


class ReportNewerError(ValueError):
    """The report was written by a later version."""


class ReportOlderError(ValueError):
    """The report was written before reports could be read back."""


def evaluation_from_json(values: Any) -> Evaluation:
    """Back from Evaluation.to_json; fields that a later version added are passed over.

    Raises ReportOlderError or ReportNewerError by the schema, and ValueError where it is no report.
    """
    schema = values.get("schema") if isinstance(values, Mapping) else None
    if not isinstance(schema, int) or "halvings" not in values:
        raise ValueError("no report")
    if schema < FIRST_SCHEMA:
        raise ReportOlderError(str(schema))
    if schema > SCHEMA:
        raise ReportNewerError(str(schema))
    found: Evaluation = _dataclass(Evaluation, values)
    _check_model(found.model)
    return found


def _check_model(model: Mapping[str, Any]) -> None:
    """Raise ValueError unless these are the facts of a model that every page shows."""
    for name in ("name", "sha256", "backbone", "recipe"):
        value = model.get(name)
        if not isinstance(value, str) or len(value) > _LONGEST_FACT:
            raise ValueError(f"the model's {name} is no text")
        value.encode()


def comparison_from_json(values: Any) -> Comparison:
    """Back from Comparison.to_json. Raises ValueError where it is none."""
    found: Comparison = _dataclass(Comparison, values)
    return found


def _names() -> dict[str, Any]:
    """What annotations may name that a module imports for the type checker only."""
    names: dict[str, Any] = {}
    for module in (evaluation, metrics, subgroups, coverage, leaks, seal):
        names |= {name: value for name, value in vars(module).items() if isinstance(value, type)}
    return names


def _dataclass(kind: Any, values: Any) -> Any:
    if not isinstance(values, Mapping):
        raise ValueError(f"{kind.__name__} is no object")
    hints = get_type_hints(kind, localns=_names())
    given = {}
    for field in fields(kind):
        if field.name in values:
            given[field.name] = _value(hints[field.name], values[field.name])
        elif field.default is MISSING and field.default_factory is MISSING:
            raise ValueError(f"{kind.__name__} lacks {field.name}")
    return kind(**given)


def _value(kind: Any, value: Any) -> Any:
    origin, inner = get_origin(kind), get_args(kind)
    if kind is Any:
        return value
    if origin in (Union, types.UnionType):
        if value is None and type(None) in inner:
            return None
        return _value(next(k for k in inner if k is not type(None)), value)
    if origin is Literal:
        if value not in inner:
            raise ValueError(f"{value!r} is none of {inner}")
        return value
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise ValueError("no list")
        each = inner if len(inner) == len(value) and Ellipsis not in inner else (inner[0],) * len(value)
        return tuple(_value(k, v) for k, v in zip(each, value, strict=True))
    if origin is not None:  # a Mapping
        if not isinstance(value, Mapping):
            raise ValueError("no object")
        return {name: _value(inner[1], v) for name, v in value.items()}
    if is_dataclass(kind):
        return _dataclass(kind, value)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(value)
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError as error:
            raise ValueError("a number without end") from error
    if not isinstance(value, kind):
        raise ValueError(f"{value!r} is no {kind.__name__}")
    if isinstance(value, str):
        value.encode()  # what cannot be written to a page; a UnicodeEncodeError is a ValueError
    return value
