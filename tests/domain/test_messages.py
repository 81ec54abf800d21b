"""Every failure and refusal has one clear sentence, made of the facts that its code promises."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

import pytest

from hipcad_desktop.domain import diagnosis, errors
from hipcad_desktop.domain.diagnosis import Refusal, RefusalReason
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.messages import REFUSALS, SENTENCES, refusal_sentence, sentence


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name}


def promised(module: object, name: str) -> set[str]:
    """The facts that the comment behind a code names."""
    source = Path(module.__file__).read_text("utf-8")  # type: ignore[attr-defined]
    found = re.search(rf"^    {name} = \"\w+\"(?:  # ([\w, ]*))?", source, re.M)
    assert found, name
    return {fact.strip() for fact in (found[1] or "").split(",") if fact.strip()}


@pytest.mark.parametrize("code", list(ErrorCode))
def test_every_error_has_a_sentence_of_its_facts(code: ErrorCode) -> None:
    assert fields(SENTENCES[code]) <= promised(errors, code.name)
    said = sentence(UserError(code, **{name: f"<{name}>" for name in fields(SENTENCES[code])}))
    assert said.endswith((".", "?"))
    assert "{" not in said
    assert all(f"<{name}>" in said for name in fields(SENTENCES[code]))


@pytest.mark.parametrize("reason", list(RefusalReason))
def test_every_refusal_has_a_sentence_of_its_facts(reason: RefusalReason) -> None:
    assert fields(REFUSALS[reason]) <= promised(diagnosis, reason.name)
    assert refusal_sentence(Refusal(reason)).endswith(".")


def test_a_missing_fact_never_hides_the_sentence() -> None:
    assert sentence(UserError(ErrorCode.FILE_MISSING)).startswith("?: there is no such file")


def test_braces_in_a_fact_are_only_text() -> None:
    assert sentence(UserError(ErrorCode.FILE_MISSING, path="a{b}.png")).startswith("a{b}.png: ")
