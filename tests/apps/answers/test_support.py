from __future__ import annotations

from llmflow.apps.answers.support import sources_of
from llmflow.knowledge.types import Found, Scores

_SENTENCES = ["Paid leave is 23 days a year after six years of service.", "Requests go to the People Team in Austin."]


def _found(chunk_id: str = "c") -> Found:
    return Found(
        document="d.md",
        document_id="d",
        chunk_id=chunk_id,
        text=" ".join(_SENTENCES),
        score=1.0,
        scores=Scores(),
        page=None,
        heading_path=[],
        ordinal=0,
        tokens=1,
        kind="text",
        knowledge_id="k",
        knowledge="kb",
        created_at=0,
        hit_count=0,
    )


def _is_supported(answer: str) -> bool:
    return bool(sources_of(answer, [(_found(), _SENTENCES)], "How many days of leave do I get?"))


def test_an_answer_that_restates_a_sentence_is_supported() -> None:
    assert _is_supported("After six years of service, paid leave is 23 days a year.")


def test_a_number_that_no_sentence_has_is_not_supported() -> None:
    assert not _is_supported("After six years of service, paid leave is 32 days a year.")


def test_a_name_that_no_sentence_has_is_not_supported() -> None:
    assert not _is_supported("Requests go to the People Team in Dallas.")


def test_words_of_two_sentences_put_together_are_not_supported() -> None:
    assert not _is_supported("The People Team in Austin pays six years of leave.")


def test_evasions_and_empty_answers_are_not_supported() -> None:
    assert not _is_supported("")
    assert not _is_supported("I cannot tell how many days of leave you get.")


def test_repeating_the_question_is_not_an_answer() -> None:
    assert not _is_supported("Days of leave.")


def test_the_passage_an_answer_rests_on_is_named() -> None:
    other = _found("other")
    excerpts = [(other, ["Laptops are replaced after 48 months."]), (_found(), _SENTENCES)]
    found = sources_of("Paid leave is 23 days a year after six years.", excerpts, "How much leave?")
    assert [source.chunk_id for source in found] == ["c"]
