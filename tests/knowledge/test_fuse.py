"""Fusion of the dense and the keyword leg."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from llmflow.knowledge.fuse import DENSE_WEIGHT, DENSE_WEIGHTS, Fused, fuse, fuse_wordings
from llmflow.ports.vector_store import Hit

ids = st.sampled_from([f"c{i}" for i in range(12)])
scores = st.floats(min_value=-1, max_value=30, allow_nan=False)
legs = st.dictionaries(ids, scores, max_size=12).map(lambda leg: [Hit(key, value) for key, value in leg.items()])


def test_a_chunk_both_legs_like_comes_first() -> None:
    dense = [Hit("a", 0.90), Hit("b", 0.89), Hit("c", 0.70)]
    keyword = [Hit("b", 12.0), Hit("d", 3.0)]
    fused = fuse(dense, keyword, language="ko")
    assert [hit.chunk_id for hit in fused] == ["b", "a", "c", "d"]
    assert (fused[0].dense, fused[0].keyword) == (0.89, 12.0)
    assert (fused[1].dense, fused[1].keyword) == (0.90, None)
    assert (fused[3].dense, fused[3].keyword) == (None, 3.0)


def test_the_score_is_the_weighted_sum_of_the_scaled_scores() -> None:
    dense = [Hit("a", 0.9), Hit("b", 0.8), Hit("c", 0.7)]
    keyword = [Hit("c", 8.0), Hit("b", 5.0), Hit("a", 4.0)]
    for language, weight in [*DENSE_WEIGHTS.items(), (None, DENSE_WEIGHT), ("fr", DENSE_WEIGHT)]:
        score = {hit.chunk_id: hit.score for hit in fuse(dense, keyword, language=language)}
        assert abs(score["a"] - weight) < 1e-9
        assert abs(score["b"] - (weight * 0.5 + (1 - weight) * 0.25)) < 1e-9
        assert abs(score["c"] - (1 - weight)) < 1e-9


def test_one_weak_keyword_match_does_not_beat_the_best_dense_hit() -> None:
    dense = [Hit(f"d{i}", 0.9 - i / 100) for i in range(10)]
    assert fuse(dense, [Hit("noise", 0.4)], language="ko")[0].chunk_id == "d0"


def test_equal_scores_are_ordered_by_chunk_id() -> None:
    dense = [Hit(chunk_id, 0.5) for chunk_id in ("z", "b", "m")]
    assert [hit.chunk_id for hit in fuse(dense, [])] == ["b", "m", "z"]
    assert [hit.score for hit in fuse(dense, [])] == [1.0, 1.0, 1.0]


def test_no_hits_give_no_hits() -> None:
    assert fuse([], []) == []


@given(legs, legs)
def test_every_chunk_of_either_leg_is_there_once_with_a_score_from_0_to_1(dense: list[Hit], keyword: list[Hit]) -> None:
    fused = fuse(dense, keyword, language="en")
    chunk_ids = [hit.chunk_id for hit in fused]
    assert sorted(chunk_ids) == sorted({hit.chunk_id for hit in [*dense, *keyword]})
    assert all(-1e-9 <= hit.score <= 1 + 1e-9 for hit in fused)
    assert [hit.score for hit in fused] == sorted((hit.score for hit in fused), reverse=True)


@given(legs)
def test_one_leg_alone_keeps_its_own_order(leg: list[Hit]) -> None:
    by_score = sorted(leg, key=lambda hit: -hit.score)
    for fused in (fuse(leg, []), fuse([], leg)):
        raw = [hit.dense if hit.dense is not None else hit.keyword for hit in fused]
        spread = {round(score, 6) for score in (hit.score for hit in fused)}
        if len(spread) == len(leg):  # equal scaled scores fall back to the chunk id
            assert raw == [hit.score for hit in by_score]


@given(legs, legs)
def test_the_order_of_the_input_changes_nothing(dense: list[Hit], keyword: list[Hit]) -> None:
    assert fuse(dense, keyword) == fuse(dense[::-1], keyword[::-1])


def test_by_ranks_only_the_order_of_a_leg_counts() -> None:
    dense, keyword = [Hit("a", 0.9), Hit("b", 0.2)], [Hit("a", 30.0), Hit("c", 29.0)]
    other = fuse([Hit("a", 0.5), Hit("b", 0.4)], [Hit("a", 3.0), Hit("c", 0.1)], fusion="ranks", dense_weight=0.5)
    fused = fuse(dense, keyword, fusion="ranks", dense_weight=0.5)
    assert [(hit.chunk_id, hit.score) for hit in fused] == [(hit.chunk_id, hit.score) for hit in other]
    assert fused[0].score == 1
    assert 0 < fused[2].score < fused[0].score


def test_what_several_wordings_find_comes_before_what_one_does() -> None:
    own = [Fused("a", 0.9, 0.9, None), Fused("b", 0.8, 0.8, None)]
    other = [Fused("b", 0.7, 0.85, 3.0), Fused("c", 0.6, None, 2.0)]
    fused = fuse_wordings([own, other])
    assert [hit.chunk_id for hit in fused] == ["b", "a", "c"]
    assert (fused[0].dense, fused[0].keyword) == (0.85, 3.0)
    assert fuse_wordings([own]) == own


@given(st.lists(legs, min_size=1, max_size=4))
def test_scores_of_fused_wordings_lie_between_0_and_1(found: list[list[Hit]]) -> None:
    lists = [[Fused(hit.chunk_id, hit.score, hit.score, None) for hit in leg] for leg in found]
    fused = fuse_wordings([lists[0], *lists[1:], []])
    assert all(0 <= hit.score <= 1 for hit in fused)
    assert {hit.chunk_id for hit in fused} == {hit.chunk_id for leg in found for hit in leg}
