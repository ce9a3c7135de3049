from __future__ import annotations

import gc

from llmflow.access.standing import Standing


def test_who_waits_hears_of_the_next_change_and_who_comes_later_of_the_one_after() -> None:
    standing = Standing()
    first, same, other = standing.of("a"), standing.of("a"), standing.of("b")
    assert first is same
    standing.changed("a")
    assert first.is_set()
    assert not other.is_set()
    later = standing.of("a")
    assert not later.is_set()
    standing.changed("a")
    assert later.is_set()


def test_nothing_is_kept_of_those_who_no_longer_wait() -> None:
    standing = Standing()
    for number in range(100):
        standing.of(str(number))
    gc.collect()
    assert len(standing._waiting) == 0
    standing.changed("5")
