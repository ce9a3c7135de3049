"""Plain text documents of 4 KB through everything that is ours - blobs, jobs, reader, chunker, words, database, index -
with a fake embedder, durable at each step. CPU of the whole process, after the libraries are loaded."""

from __future__ import annotations

import asyncio
import logging
import random
import resource
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

import uvloop

from benchmarks.report import Line, show
from llmflow import home as homes
from llmflow.config.load import load
from llmflow.wiring import Platform, build

_ENGLISH = (
    "the committee reviewed every annual report before the regional office published new travel rules for engineers "
    "customers asked whether the robot warranty covers batteries and sensors during long warehouse shifts managers "
    "approve expenses within five working days unless a receipt is missing security teams rotate passwords quarterly"
).split()
_KOREAN = (
    "회사는 매년 임직원의 건강 검진을 지원하며 신청은 인사팀에 합니다 출장비는 영수증을 첨부하여 청구하고 "
    "관리자는 닷새 안에 승인합니다 물류 로봇의 배터리는 보증 기간 동안 무상으로 교체되며 고객 문의는 등급에 "
    "따라 처리합니다 보안 사고는 즉시 신고해야 하고 비밀번호는 분기마다 변경합니다 신입 사원은 첫 주에 안전 "
    "교육을 받습니다"
).split()


def main(quick: bool = False) -> dict[str, object]:
    count = 200 if quick else 1500
    found = {}
    for language, words in (("English", _ENGLISH), ("Korean", _KOREAN)):
        with tempfile.TemporaryDirectory() as folder:
            found[language] = uvloop.run(_measure(Path(folder), words, count))
    show(
        f"Ingest of plain text, 4 KB a document, fake embedder, durable ({count} documents)",
        [
            Line(
                f"{language} documents per CPU-s",
                f"{rate:.0f}",
                f">= {target}",
                "LlamaIndex in memory 103, with Milvus Lite 54; Haystack 43; LightRAG 4",
                rate >= target,
            )
            for language, target in (("English", 120), ("Korean", 80))
            for rate in (found[language]["per_cpu_s"],)
        ]
        + [
            Line(
                f"{language}: MB more at the end than after a tenth",
                f"{found[language]['grown_mb']:.0f}",
                "flat",
                "-",
                None,
            )
            for language in ("English", "Korean")
        ],
    )
    return dict(found)


async def _measure(folder: Path, words: list[str], count: int) -> dict[str, float]:
    logging.getLogger().setLevel(logging.ERROR)
    (folder / "llmflow.yaml").write_text("organs: {embedding: {use: hashing}}\n")
    homes.prepare(folder)
    platform = await build(load(home=folder, file=folder / "llmflow.yaml", environ={}))
    await platform.start()
    base = await platform.knowledge.bases.create(platform.workspace_id, "bench")
    texts = random.Random(7)
    try:
        await _add(platform, base.id, texts, words, 32, "warm")  # loads LanceDB, LlamaIndex, mecab
        tenth = max(1, count // 10)
        cpu, wall = time.process_time(), time.monotonic()
        await _add(platform, base.id, texts, words, tenth, "first")
        early_mb = _rss_mb()
        await _add(platform, base.id, texts, words, count - tenth, "rest")
        return {
            "per_cpu_s": count / (time.process_time() - cpu),
            "per_s": count / (time.monotonic() - wall),
            "grown_mb": _rss_mb() - early_mb,
        }
    finally:
        await platform.close()


async def _add(platform: Platform, base_id: str, texts: random.Random, words: list[str], count: int, name: str) -> None:
    base = await platform.knowledge.bases.get(platform.workspace_id, base_id)
    before = (await platform.knowledge.bases.counts(base_id)).get("ready", 0)
    for number in range(count):
        await platform.knowledge.documents.accept(base, f"{name} {number}.txt", _once(_text(texts, words)))
    while (await platform.knowledge.bases.counts(base_id)).get("ready", 0) < before + count:
        await asyncio.sleep(0.2)


def _text(texts: random.Random, words: list[str]) -> bytes:
    """About 4 KB of sentences in paragraphs."""
    parts: list[str] = []
    size = 0
    while size < 4096:
        sentence = " ".join(texts.choices(words, k=12)) + f" {texts.randrange(10_000)}. "
        if texts.random() < 0.2:
            sentence += "\n\n"
        parts.append(sentence)
        size += len(sentence.encode())
    return "".join(parts).encode()


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content


def _rss_mb() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main("--quick" in sys.argv)
