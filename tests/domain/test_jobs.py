"""The worker's words: one line each, the same after the wire, and nothing else accepted."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipcad_desktop.domain import jobs

TEXT = st.text(max_size=20)
VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False), TEXT
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=8,
)
FACTS = st.dictionaries(TEXT, VALUES, max_size=4)
COUNTS = st.integers(0, 10**6)
EVENTS = st.one_of(
    st.builds(jobs.Started, TEXT, FACTS),
    st.builds(jobs.Heartbeat, TEXT),
    st.builds(jobs.Progress, TEXT, TEXT, COUNTS, COUNTS, FACTS),
    st.builds(jobs.Epoch, TEXT, COUNTS, COUNTS, FACTS),
    st.builds(jobs.Artifact, TEXT, TEXT, TEXT, FACTS),
    st.builds(jobs.Finished, TEXT, FACTS),
    st.builds(jobs.Failed, TEXT, TEXT, FACTS),
    st.builds(jobs.Cancelled, TEXT),
    st.builds(jobs.Paused, TEXT),
    st.builds(jobs.Resumed, TEXT),
)
COMMANDS = st.one_of(
    st.builds(jobs.Job, TEXT, st.sampled_from(["train", "evaluate", "diagnose", "doctor", "preflight"]), FACTS),
    st.builds(jobs.Cancel, TEXT),
    st.builds(jobs.Pause, TEXT),
    st.builds(jobs.Resume, TEXT),
)


@given(EVENTS)
def test_events_survive_the_wire_on_one_ascii_line(event: jobs.Event) -> None:
    line = jobs.event_line(event)
    assert line.isascii()
    assert line.count("\n") == 1
    assert line.endswith("\n")
    assert jobs.parse_event(line) == event


@given(COMMANDS)
def test_commands_survive_the_wire_on_one_ascii_line(command: jobs.Command) -> None:
    line = jobs.command_line(command)
    assert line.isascii()
    assert line.splitlines() == [line[:-1]]
    assert jobs.parse_command(line) == command


@pytest.mark.parametrize(
    "line",
    [
        "",
        "Traceback (most recent call last):",
        "[]",
        "3",
        "null",
        "{}",
        '{"v": 1}',
        '{"v": 2, "event": "Heartbeat", "job": "a", "cancel": "a"}',
        '{"v": 1, "event": "Explosion", "job": "a"}',
        '{"v": 1, "event": "Heartbeat"}',
        '{"v": 1, "event": "Heartbeat", "job": "a", "more": 1}',
    ],
)
def test_anything_else_is_no_word_of_ours(line: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        jobs.parse_event(line)
    with pytest.raises(ValueError, match=r".*"):
        jobs.parse_command(line)


def test_every_event_can_be_parsed() -> None:
    known = {t.__name__ for t in jobs.Event.__args__}
    assert known == set(jobs._EVENTS)
    assert json.loads(jobs.event_line(jobs.Cancelled("a"))) == {"v": jobs.VERSION, "event": "Cancelled", "job": "a"}
