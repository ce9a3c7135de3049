from __future__ import annotations

from llmflow.apps.answers.prompt import Earlier, Question, grounded
from llmflow.knowledge.types import Found, Scores
from llmflow.ports.llm import ModelInfo


def _found(number: int, words: int) -> Found:
    return Found(
        document=f"d{number}.md",
        document_id="d",
        chunk_id=str(number),
        text=" ".join([f"p{number}"] * words),
        score=1.0,
        scores=Scores(),
        page=None,
        heading_path=["H"],
        ordinal=0,
        tokens=words,
        kind="text",
        knowledge_id="k",
        knowledge="kb",
        created_at=0,
        hit_count=0,
    )


async def _count(text: str) -> int:
    return len(text.split())


async def test_a_prompt_stays_within_the_models_context() -> None:
    history = [Earlier("question " * 40, "answer " * 40) for _ in range(20)]
    question = Question("What now?", "en", history=history)
    passages = [_found(n, 150) for n in range(10)]
    for context in (512, 1024, 4096):
        prompt = await grounded(
            question, passages, ModelInfo(id="m", context_tokens=context), answer_tokens=200, count=_count
        )
        used = sum([await _count(str(m.content)) for m in prompt.messages])
        assert used + prompt.max_tokens <= context
        assert prompt.passages
        assert prompt.messages[-1].role == "user"


async def test_the_best_passages_and_the_newest_turns_are_kept() -> None:
    history = [Earlier(f"question{n} " * 30, f"answer{n} " * 30) for n in range(20)]
    info = ModelInfo(id="m", context_tokens=1000)
    passages = [_found(n, 150) for n in range(10)]
    prompt = await grounded(Question("Now?", "en", history=history), passages, info, answer_tokens=200, count=_count)
    assert [found.chunk_id for found in prompt.passages] == ["0", "1"]
    assert "question19" in str(prompt.messages[-3].content)


async def test_a_first_passage_that_is_too_long_is_cut_not_dropped() -> None:
    info = ModelInfo(id="m", context_tokens=400)
    prompt = await grounded(Question("Now?", "en"), [_found(1, 5000)], info, answer_tokens=100, count=_count)
    assert len(prompt.passages) == 1
    assert sum([await _count(str(m.content)) for m in prompt.messages]) <= 300


async def test_the_answers_language_is_the_questions() -> None:
    for language, sentence in (("ko", "Answer in Korean."), ("en", "Answer in English.")):
        prompt = await grounded(
            Question("?", language), [_found(1, 5)], ModelInfo(id="m"), answer_tokens=10, count=_count
        )
        assert sentence in str(prompt.messages[0].content)
