"""How collections of Milvus are laid out: what llmflow.yaml says, checked, with the defaults of each index.

All of it but `search` and `consistency` is fixed when a collection is made.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from llmflow.errors import ConfigError
from llmflow.organs.vector_store.milvus_rows import Metric

Consistency = Literal["Session", "Strong", "Bounded", "Eventually"]

#: Parameters of building and of searching where nothing is said. `ef` and `search_list` grow with what is asked for.
INDEXES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "AUTOINDEX": ({}, {}),
    "FLAT": ({}, {}),
    "HNSW": ({"M": 24, "efConstruction": 300}, {"ef": 128}),
    "HNSW_SQ": ({"M": 24, "efConstruction": 300, "sq_type": "SQ8", "refine": True, "refine_type": "FP16"}, {"ef": 128}),
    "IVF_FLAT": ({"nlist": 1024}, {"nprobe": 64}),
    "IVF_SQ8": ({"nlist": 1024}, {"nprobe": 64}),
    "IVF_PQ": ({"nlist": 1024, "m": 48, "nbits": 8}, {"nprobe": 64}),
    "IVF_RABITQ": ({"nlist": 1024, "refine": True, "refine_type": "SQ8"}, {"nprobe": 64, "refine_k": 4}),
    "SCANN": ({"nlist": 1024, "with_raw_data": True}, {"nprobe": 64, "reorder_k": 256}),
    "DISKANN": ({}, {"search_list": 100}),
    "GPU_CAGRA": ({"intermediate_graph_degree": 64, "graph_degree": 32}, {"itopk_size": 128}),
}
_AT_LEAST_AS_MANY = ("ef", "search_list", "reorder_k", "itopk_size")  # as are asked for, or the server refuses
_DEEPER = ("ef", "search_list", "nprobe", "itopk_size")  # where a filter thins out what is met on the way
_HOW_MUCH_DEEPER = 4  # with HNSW, where a tenth is visible: recall .95 without, .99 with; M = 16 stays at .98


@dataclass(frozen=True, slots=True)
class Layout:
    index: str = "HNSW"
    build: Mapping[str, Any] = field(default_factory=dict)
    search: Mapping[str, Any] = field(default_factory=dict)
    metric: Metric = "COSINE"
    shards: int = 1
    partitions: int = 0  # 0: no partition key
    replicas: int = 1
    consistency: Consistency = "Session"

    def build_params(self) -> dict[str, Any]:
        return INDEXES[self.index][0] | dict(self.build)

    def search_params(self, limit: int, *, is_filtered: bool) -> dict[str, Any]:
        params = INDEXES[self.index][1] | dict(self.search)
        if is_filtered:
            params |= {name: params[name] * _HOW_MUCH_DEEPER for name in _DEEPER if name in params}
        if "nprobe" in params:
            params["nprobe"] = min(params["nprobe"], self.build_params().get("nlist", params["nprobe"]))
        least = {name: max(params[name], limit) for name in _AT_LEAST_AS_MANY if name in params}
        return {"metric_type": self.metric, "params": params | least}


def layout_of(
    *, index: str, build: str, search: str, metric: str, shards: int, partitions: int, replicas: int, consistency: str
) -> Layout:
    """Raises ConfigError that names the option."""
    return Layout(
        index=_one_of("index", index.upper(), tuple(INDEXES)),
        build=parameters("build", build),
        search=parameters("search", search),
        metric=_one_of("metric", metric.upper(), get_args(Metric)),
        shards=_between("shards", shards, 1, 64),
        partitions=_between("partitions", partitions, 0, 4096),
        replicas=_between("replicas", replicas, 1, 64),
        consistency=_one_of("consistency", consistency.capitalize(), get_args(Consistency)),
    )


def parameters(option: str, text: str) -> dict[str, Any]:
    """ "M=16, efConstruction=200" as a mapping; numbers and true or false are read as what they are."""
    found: dict[str, Any] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, sign, value = (piece.strip() for piece in part.partition("="))
        if not sign or not name.isidentifier() or not value:
            raise _wrong(option, f"{part!r} is not name=value")
        try:
            read = json.loads(value)
        except ValueError:
            read = value
        found[name] = read if isinstance(read, int | float | bool) else value
    return found


def _one_of(option: str, value: str, allowed: tuple[Any, ...]) -> Any:
    if value not in allowed:
        raise _wrong(option, f"{value!r} is none of {', '.join(allowed)}")
    return value


def _between(option: str, value: int, least: int, most: int) -> int:
    if not least <= value <= most:
        raise _wrong(option, f"{value} is not between {least} and {most}")
    return value


def _wrong(option: str, what: str) -> ConfigError:
    return ConfigError(f"organs.vector_store.{option}: {what}.", code="setting_value")
