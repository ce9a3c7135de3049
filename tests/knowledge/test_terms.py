"""Keyword terms: Korean, English and everything else people paste."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmflow.knowledge.terms import query_terms, terms


def test_korean_particles_and_endings_are_dropped() -> None:
    assert terms("회사는 직원에게 휴가를 주었다.") == ["회사", "직원", "휴가", "주"]


def test_a_compound_noun_meets_its_parts_written_apart() -> None:
    assert set(terms("복리 후생")) <= set(terms("복리후생비를"))
    assert set(terms("삼성 전자")) <= set(terms("삼성전자가"))


def test_a_number_and_its_unit_are_two_terms() -> None:
    assert {"15", "일"} <= set(terms("15일 안에"))
    assert {"15", "km"} <= set(terms("15km away"))


def test_a_code_is_found_whole_and_by_its_parts() -> None:
    assert {"hr-100", "hr", "100"} <= set(terms("규정 HR-100에 따라"))
    assert terms("hr-100") == terms("HR-100")
    assert {"snake_case", "snake", "case"} <= set(terms("snake_case"))


def test_a_number_is_found_with_and_without_thousands_commas() -> None:
    assert "1488000" in terms("1,488,000원")
    assert set(terms("1488000")) <= set(terms("1,488,000"))


def test_a_date_is_found_whole_and_by_its_parts() -> None:
    assert {"2019-03-01", "2019", "03", "01"} <= set(terms("2019-03-01"))


def test_the_korean_middle_dot_and_the_point_are_one() -> None:
    assert {"6.25"} <= set(terms("6·25 전쟁")) & set(terms("6.25 전쟁"))


def test_english_words_meet_whatever_their_form() -> None:
    assert terms("Reimbursements") == terms("reimbursement") == terms("reimbursed")
    assert terms("Bill's") == terms("bill’s") == ["bill"]
    assert terms("U.S.A.") == ["usa"]
    assert {"c++"} <= set(terms("C++로 쓴"))


def test_accents_do_not_matter_in_latin_words() -> None:
    assert terms("Café Nájera") == terms("cafe najera")


def test_composed_and_decomposed_hangul_are_one() -> None:
    assert terms(unicodedata.normalize("NFD", "연차 휴가 규정")) == terms("연차 휴가 규정")


def test_full_width_forms_meet_the_plain_ones() -> None:
    assert terms("ＨＲ－１００") == terms("HR-100")


def test_chinese_and_japanese_are_cut_into_pairs() -> None:
    assert terms("東京都") == ["東京", "京都"]
    assert terms("水") == ["水"]


def test_other_scripts_keep_their_words() -> None:
    assert terms("Русский язык") == ["русский", "язык"]
    assert terms("हिन्दी") == ["हिन्दी"]


def test_a_question_loses_its_question_words() -> None:
    assert query_terms("연차 휴가는 며칠인가요?")[:2] == ["연차", "휴가"]
    assert "어떻" not in query_terms("출장비는 어떻게 신청하나요?")
    assert "신청" in query_terms("출장비는 어떻게 신청하나요?")
    assert query_terms("How do I claim travel expenses?") == ["claim", "travel", "expens"]


def test_a_question_of_question_words_only_keeps_them() -> None:
    assert query_terms("Who are you?") == ["who", "are", "you"]
    assert query_terms("무엇이 왜?") == terms("무엇이 왜?")


def test_a_repeated_word_is_asked_once_but_counted_in_a_passage() -> None:
    assert query_terms("휴가 휴가") == ["휴가"]
    assert terms("휴가 휴가") == ["휴가", "휴가"]


@pytest.mark.parametrize("text", ["", " \n\t", "!!! ... ---", "\x00\x00", "\u200b\ufeff"])
def test_text_without_words_has_no_terms(text: str) -> None:
    assert terms(text) == []
    assert query_terms(text) == []


def test_a_zero_byte_does_not_hide_what_follows() -> None:
    assert terms("휴가\x00규정 holiday") == terms("휴가 규정 holiday")


def test_emoji_and_lone_surrogates_do_no_harm() -> None:
    assert terms("휴가 🏖️ holiday \ud83d") == ["휴가", "holiday"]


def test_a_long_text_gives_the_terms_of_its_parts() -> None:
    sentence = "직원은 연차 휴가를 신청한다. "
    assert Counter(terms(sentence * 1000)) == Counter(terms(sentence) * 1000)
    assert len(terms("가" * 50_000)) > 0


@given(st.text(max_size=200))
def test_any_text_gives_terms_without_white_space(text: str) -> None:
    found = terms(text)
    assert all(term and not any(char.isspace() for char in term) for term in found)
    assert terms(text) == found


def test_many_threads_get_the_same_terms() -> None:
    texts = [f"{n}번 직원은 연차 휴가를 {n}일 신청하고 reimbursements {n} 처리한다." for n in range(400)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(terms, texts)) == [terms(text) for text in texts]


def test_nothing_heavy_loads_before_the_first_call() -> None:
    code = "import sys, llmflow.knowledge.terms; print([m for m in ('mecab', 'snowballstemmer') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


@pytest.mark.parametrize(("name", "floor"), [("ko_tydiqa_goldp", 0.69), ("en_tydiqa_goldp", 0.77)])
def test_keyword_search_finds_the_answers_of_tydi(shared_data: Path, name: str, floor: float) -> None:
    assert _ndcg_at_10(shared_data / "retrieval" / name, terms, query_terms) >= floor


def _ndcg_at_10(folder: Path, passage: Callable[[str], list[str]], query: Callable[[str], list[str]]) -> float:
    """BM25 (k1 1.2, b .75) over the folder's passages and questions; one relevant passage a question in this set."""
    passages = [json.loads(line) for line in (folder / "corpus.jsonl").read_text("utf-8").splitlines()]
    wanted: dict[str, set[str]] = defaultdict(set)
    for line in (folder / "qrels.tsv").read_text("utf-8").splitlines()[1:]:
        query_id, passage_id, _ = line.split("\t")
        wanted[query_id].add(passage_id)
    counts = [Counter(passage(row["text"])) for row in passages]
    lengths = [sum(count.values()) for count in counts]
    mean = sum(lengths) / len(lengths)
    postings: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for number, count in enumerate(counts):
        norm = 1.2 * (0.25 + 0.75 * lengths[number] / mean)
        for term, times in count.items():
            postings[term].append((number, 2.2 * times / (times + norm)))
    total = 0.0
    questions = [json.loads(line) for line in (folder / "queries.jsonl").read_text("utf-8").splitlines()]
    questions = [row for row in questions if row["_id"] in wanted]
    for row in questions:
        scores: dict[int, float] = defaultdict(float)
        for term in query(row["text"]):
            found = postings.get(term, [])
            weight = math.log(1 + (len(passages) - len(found) + 0.5) / (len(found) + 0.5))
            for number, part in found:
                scores[number] += weight * part
        best = sorted(scores, key=lambda number: (-scores[number], number))[:10]
        relevant = wanted[row["_id"]]
        gain = sum(1 / math.log2(at + 2) for at, number in enumerate(best) if passages[number]["_id"] in relevant)
        total += gain / sum(1 / math.log2(at + 2) for at in range(min(10, len(relevant))))
    return total / len(questions)
