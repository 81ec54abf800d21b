"""A dead widget in a cycle goes in the window's thread, whoever allocates meanwhile."""

from __future__ import annotations

import threading
import weakref

from pytestqt.qtbot import QtBot


class Node:
    """Something that is only freed by the cycle collector, and remembers where."""

    def __init__(self, freed_in: list[int]) -> None:
        self.me = self
        weakref.finalize(self, lambda: freed_in.append(threading.get_ident()))


def test_cycles_are_freed_in_the_window_only(qtbot: QtBot) -> None:
    freed_in: list[int] = []
    for _ in range(50):
        Node(freed_in)

    def allocate() -> None:
        kept = [[i] for i in range(200_000)]
        assert kept

    thread = threading.Thread(target=allocate)
    thread.start()
    thread.join()
    assert freed_in == []  # the thread would have collected many times over
    for _ in range(20):
        if len(freed_in) == 50:
            break
        held = [[i] for i in range(2_000)]  # something to be due for
        qtbot.wait(600)
        del held
    assert set(freed_in) == {threading.get_ident()}
