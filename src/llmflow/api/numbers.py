"""What /metrics tells: this process's numbers, and those of the processes that serve beside it, each with its label."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from pathlib import Path

import aiohttp
from prometheus_client import REGISTRY, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector, CollectorRegistry
from prometheus_client.samples import Sample

_LOOK_S = 2.0
_log = logging.getLogger(__name__)


class Numbers:
    """`beside`: the sockets that the other processes tell theirs at, by the label they get."""

    def __init__(self, beside: Mapping[str, Path] | None = None) -> None:
        self._beside = dict(beside or {})

    async def told(self) -> bytes:
        """In Prometheus's text format. A process that does not answer is left out."""
        if not self._beside:
            return generate_latest()
        texts = await asyncio.gather(*(_asked(path) for path in self._beside.values()))
        registry = CollectorRegistry()
        registry.register(_Together(dict(zip(self._beside, texts, strict=True))))
        return generate_latest(registry)


async def _asked(path: Path) -> str:
    try:
        async with (
            aiohttp.ClientSession(
                connector=aiohttp.UnixConnector(str(path)), timeout=aiohttp.ClientTimeout(_LOOK_S)
            ) as session,
            session.get("http://beside/metrics") as answer,
        ):
            return await answer.text()
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        _log.warning("A process did not tell its numbers: %s", error or type(error).__name__)
        return ""


class _Together(Collector):
    """One family for each name, as the format wants it."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts

    def collect(self) -> Iterable[Metric]:
        families = {one.name: one for one in REGISTRY.collect()}
        for label, text in self._texts.items():
            for theirs in text_string_to_metric_families(text):
                family = families.setdefault(theirs.name, Metric(theirs.name, theirs.documentation, theirs.type))
                family.samples += [_labelled(sample, label) for sample in theirs.samples]
        return families.values()


def _labelled(sample: Sample, label: str) -> Sample:
    return sample._replace(labels={**sample.labels, "worker": label})
