"""Consensus: the order of readers never matters, and nobody is outvoted in silence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipcad_desktop.domain.annotation import Answer, DiagnosedFrom, ExclusionReason, FilmFlag, Finding, Reading, Verdict
from hipcad_desktop.domain.consensus import Consensus, consensus, standing
from hipcad_desktop.domain.geometry import Rectangle
from hipcad_desktop.domain.radiograph import FilmId

ONE, TWO = Finding(Rectangle(1, 1, 5, 5)), Finding(Rectangle(8, 2, 5, 9))
SIDES = st.sampled_from([None, True, False])
ANSWERS = st.one_of(
    st.none(),
    st.builds(
        Answer, st.just(Verdict.FRACTURE), st.lists(st.sampled_from([ONE, TWO]), min_size=1).map(tuple), mirrored=SIDES
    ),
    st.builds(Answer, st.sampled_from([Verdict.NO_FRACTURE, Verdict.UNSURE]), mirrored=SIDES),
    st.builds(Answer, st.just(Verdict.EXCLUDED), exclusion=st.sampled_from(list(ExclusionReason)), mirrored=SIDES),
)


def readings(*answers: Answer | None) -> list[Reading]:
    return [Reading(FilmId("f"), f"reader {i}", 1, a, "2026-01-01T00:00:00Z") for i, a in enumerate(answers)]


@given(st.lists(ANSWERS, max_size=5), st.randoms())
def test_the_order_of_readers_never_matters(answers: list[Answer | None], chance: object) -> None:
    given_order = readings(*answers)
    shuffled = list(given_order)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert consensus(shuffled) == consensus(given_order)


@given(st.lists(ANSWERS, max_size=5))
def test_agreement_is_one_verdict_and_no_contradiction(answers: list[Answer | None]) -> None:
    said = [a for a in answers if a is not None]
    found = consensus(readings(*answers))
    sides = {a.mirrored for a in said} - {None}
    agree = len({a.verdict for a in said}) == 1 and len(sides) <= 1
    assert (found.answer is not None) == agree
    assert found.disagree == (bool(said) and not agree)
    if found.answer is not None:
        assert found.answer.verdict is said[0].verdict
        assert set(found.answer.findings) == {f for a in said for f in a.findings}
        assert found.answer.mirrored == (sides.pop() if sides else None)


def test_withdrawn_readings_say_nothing() -> None:
    assert consensus(readings(None, Answer(Verdict.UNSURE), None)) == Consensus(Answer(Verdict.UNSURE), False)
    assert consensus(readings(None, None)) == Consensus(None, False)
    assert consensus([]) == Consensus(None, False)


@pytest.mark.parametrize(
    "build",
    [
        lambda: Answer(Verdict.FRACTURE),
        lambda: Answer(Verdict.NO_FRACTURE, (ONE,)),
        lambda: Answer(Verdict.EXCLUDED),
        lambda: Answer(Verdict.UNSURE, exclusion=ExclusionReason.OTHER),
    ],
)
def test_answers_that_contradict_themselves_cannot_be(build: object) -> None:
    with pytest.raises(ValueError, match="only"):
        build()  # type: ignore[operator]


def test_what_else_readers_say_is_joined() -> None:
    spine, bone = frozenset({FilmFlag.SPINE_IMPLANT}), frozenset({FilmFlag.PATHOLOGIC})
    one = Answer(Verdict.UNSURE, flags=spine, diagnosed_from=DiagnosedFrom.CT_MRI)
    agreed = consensus(readings(one, Answer(Verdict.UNSURE, flags=bone))).answer
    assert agreed == Answer(Verdict.UNSURE, flags=spine | bone, diagnosed_from=DiagnosedFrom.CT_MRI)
    other = consensus(readings(one, Answer(Verdict.UNSURE, diagnosed_from=DiagnosedFrom.LATERAL))).answer
    assert other is not None
    assert other.diagnosed_from is None


def test_an_adjudication_goes_before_the_readers() -> None:
    said = readings(Answer(Verdict.UNSURE), Answer(Verdict.NO_FRACTURE))
    agreed = Reading(FilmId("f"), "consensus", 1, Answer(Verdict.NO_FRACTURE), "", adjudicators=("A", "B"))
    assert standing([*said, agreed]) == (agreed,)
    assert consensus([agreed, *said]) == Consensus(Answer(Verdict.NO_FRACTURE), False)
    withdrawn = Reading(FilmId("f"), "consensus", 2, None, "", adjudicators=("A", "B"))
    assert consensus([withdrawn, *said]).disagree
