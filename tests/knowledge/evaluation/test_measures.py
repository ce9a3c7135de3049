"""Measures of one ranking, held against values worked out by hand."""

from __future__ import annotations

import math

import pytest

from llmflow.knowledge.evaluation import measures, score
from llmflow.knowledge.evaluation.matching import place
from llmflow.knowledge.evaluation.types import Expected, Judged, Place
from llmflow.knowledge.types import Found, Scores


def test_one_right_document_at_the_top_is_all_there_is_to_gain() -> None:
    assert measures.ndcg(["a", "b"], {"a"}) == 1.0
    assert measures.recall(["a", "b"], {"a"}) == 1.0
    assert measures.reciprocal_rank(["a", "b"], {"a"}) == 1.0


def test_ndcg_falls_with_the_logarithm_of_the_rank() -> None:
    # right at ranks 2 and 4 of two: (1/log2(3) + 1/log2(5)) / (1/log2(2) + 1/log2(3)) = (.6309 + .4307) / 1.6309
    assert measures.ndcg(["x", "a", "y", "b"], {"a", "b"}) == pytest.approx(0.65092, abs=1e-5)
    assert measures.ndcg(["x", "y", "a"], {"a"}) == pytest.approx(0.5)  # 1 / log2(4)
    assert measures.ndcg([*list("123456789"), "a"], {"a"}) == pytest.approx(1 / math.log2(11))


def test_what_stands_after_the_tenth_counts_for_nothing_but_its_rank() -> None:
    ranked = [*"0123456789", "a"]
    assert (
        measures.ndcg(ranked, {"a"}) == measures.recall(ranked, {"a"}) == measures.reciprocal_rank(ranked, {"a"}) == 0
    )
    assert measures.rank(ranked, {"a"}) == 11
    assert measures.rank(ranked, {"z"}) is None


def test_recall_is_the_share_of_what_is_right_and_the_ideal_holds_ten_at_most() -> None:
    assert measures.recall(["a", "x"], {"a", "b", "c", "d"}) == 0.25
    many = {str(number) for number in range(20)}
    assert measures.ndcg([str(number) for number in range(10)], many) == pytest.approx(1.0)
    assert measures.recall([str(number) for number in range(10)], many) == 0.5


def hit(document: str, chunk: str, text: str) -> Found:
    return Found(document, document, chunk, text, 1.0, Scores(), None, [], 0, 1, "text", "k", "k", 0, 0)


def question(passage: str = "", *documents: str) -> Judged:
    return Judged(0, "?", [Expected(one, one) for one in documents or ("d",)], passage)


def test_a_document_stands_where_its_best_passage_does_and_counts_once() -> None:
    found = [hit("other", "1", ""), hit("other", "2", ""), hit("d", "3", ""), hit("d", "4", "")]
    assert place(question(), found, 5.0) == Place(2, 1 / math.log2(3), 1.0, 0.5, 5.0)


def test_a_named_passage_must_be_found_itself_however_its_document_is_cut() -> None:
    passage = "연차 휴가는 입사일로부터 계산하여 해마다 열다섯 날이 주어진다."
    other = hit("d", "1", "출장비는 하루에 오만 원이며 영수증을 붙인다.")
    broken = hit("d", "2", "제3조\n연차 휴가는 입사일로부터\n계산하여 해마다 열다섯 날이 주어진다.")
    foreign = hit("x", "3", passage)
    assert place(question(passage), [other, foreign, broken], 0).rank == 3
    assert place(question(passage), [other, foreign], 0).rank is None
    half = hit("d", "4", "연차 휴가는 입사일로부터 계산하여")
    assert place(question(passage), [half, broken], 0).rank == 1
    assert place(question(passage), [hit("d", "5", "연차"), broken], 0).rank == 2


def measured(**ndcg: list[float]) -> list[dict[str, Place]]:
    times = {"quick": 1.0, "slow": 9.0}
    count = len(next(iter(ndcg.values())))
    return [
        {name: Place(1, values[at], values[at], values[at], times.get(name, 5.0)) for name, values in ndcg.items()}
        for at in range(count)
    ]


def test_settings_have_the_means_and_how_far_they_are_behind_the_best() -> None:
    places = measured(slow=[1.0, 1.0, 0.5, 1.0], quick=[0.5, 1.0, 0.5, 0.0])
    slow, quick = score.settings({"slow": {}, "quick": {}}, places, {"quick": {"x": 2}})
    assert (slow.ndcg_at_10, quick.ndcg_at_10) == (0.875, 0.5)
    assert (slow.behind, quick.behind) == (0.0, 0.375)
    # the differences .5, 0, 0, 1 deviate by .4787: 1.96 * .4787 / sqrt(4)
    assert quick.margin == pytest.approx(0.46917, abs=1e-4)
    assert (quick.p50_ms, quick.notes, quick.questions) == (1.0, {"x": 2}, 4)


def test_the_best_setting_wins_and_a_quicker_one_that_is_hardly_behind_it_wins_over_that() -> None:
    def winner(**ndcg: list[float]) -> str:
        return score.best(score.settings({name: {} for name in ndcg}, measured(**ndcg), {}))

    assert winner(quick=[0.5], slow=[0.9]) == "slow"
    assert winner(quick=[0.899], slow=[0.9]) == "quick"
    assert score.best(score.settings({"quick": {}}, [], {})) == ""


def test_a_setting_that_could_not_be_measured_is_not_the_best() -> None:
    places = [{"dense": Place(None, 0.0, 0.0, 0.0, 3.0)}]
    found = score.settings({"dense": {}, "rerank": {}}, places, {"rerank": {"rerank_missing": 1}})
    assert [(one.name, one.questions) for one in found] == [("dense", 1), ("rerank", 0)]
    assert score.best(found) == "dense"
