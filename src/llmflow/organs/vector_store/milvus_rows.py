"""How rows stand in Milvus: ids, words and groups written so that no text of anybody's becomes part of an expression.

Ids are percent-encoded. Words and groups are only ever compared, so each stands as a digest in letters and digits: any
analyser splits a passage's words in the same way, and the server learns neither words nor names of groups.
"""

from __future__ import annotations

import hashlib
from base64 import b32encode
from collections.abc import Sequence
from itertools import islice
from typing import Literal
from urllib.parse import quote, unquote

import numpy as np

from llmflow.ports.embedding import Vectors
from llmflow.ports.vector_store import Filter, IndexRow

#: How groups stand: as an array, which servers index, or as text, which Milvus Lite compares 30 times faster.
Groups = Literal["array", "text"]
Metric = Literal["COSINE", "IP", "L2"]

ID_BYTES = 2048  # of an encoded id
TERMS_BYTES = 65_535  # the longest VARCHAR
GROUPS_OF_A_ROW = 1_024
GROUP_BYTES = 24
_TERM_BYTES = 8
_TERMS_OF_A_ROW = TERMS_BYTES // (_TERM_BYTES + 1)
_EVERYBODY = "everybody"  # stands for no groups; shorter than any digest


def key(text: str) -> str:
    """An id in letters, digits and `_.-~%`."""
    return quote(text, safe="", errors="surrogatepass")


def unkey(stored: str) -> str:
    return unquote(stored, errors="surrogatepass")


def words(terms: Sequence[str]) -> str:
    """Terms as one text; of a passage of more than 7,281 the first ones."""
    return " ".join(_digest(term, 5) for term in islice(terms, _TERMS_OF_A_ROW) if term.strip())


def group_value(groups: Sequence[str], kind: Groups) -> list[str] | str:
    labels = [_digest(group, 15) for group in groups] or [_EVERYBODY]
    return labels if kind == "array" else f" {' '.join(labels)} "


def last_of_each(rows: Sequence[IndexRow], vectors: Vectors) -> tuple[Sequence[IndexRow], Vectors]:
    """Of rows with the same chunk_id the last one."""
    last = {row.chunk_id: number for number, row in enumerate(rows)}
    if len(last) == len(rows):
        return rows, vectors
    return [rows[number] for number in last.values()], vectors[list(last.values())]


def scaled(vectors: Vectors, metric: Metric) -> Vectors:
    """Of length one where the metric is not the cosine itself; zeros stay zeros. Shape (..., dimensions)."""
    found = np.asarray(vectors, dtype=np.float32)
    if metric == "COSINE":
        return found
    lengths = np.linalg.norm(found, axis=-1, keepdims=True)
    made: Vectors = np.divide(found, lengths, out=np.zeros_like(found), where=lengths > 0)
    return made


def cosine(distance: float, metric: Metric) -> float:
    """What Milvus calls distance, of vectors of length one for L2, which it leaves squared."""
    return 1.0 - distance / 2.0 if metric == "L2" else distance


def condition(where: Filter | None, kind: Groups) -> str:
    """A filter as an expression; "" when it leaves everything."""
    if where is None:
        return ""
    parts = []
    if where.document_ids is not None:
        parts.append(any_of("document_id", where.document_ids))
    if where.without_documents:
        parts.append(f"document_id not in {_listed(where.without_documents)}")
    if where.without_chunks:
        parts.append(f"chunk_id not in {_listed(where.without_chunks)}")
    if where.groups is not None:
        parts.append(_seen_by(where.groups, kind))
    return " and ".join(parts)


def any_of(field: str, ids: Sequence[str]) -> str:
    return f"{field} in {_listed(ids)}"


def _seen_by(groups: Sequence[str], kind: Groups) -> str:
    labels = [_EVERYBODY, *dict.fromkeys(_digest(group, 15) for group in groups)]
    if kind == "array":
        return f"array_contains_any(groups, {_quoted(labels)})"
    one_of = " or ".join(f'groups like "% {label} %"' for label in labels)
    return f"({one_of})"


def _listed(ids: Sequence[str]) -> str:
    return _quoted([key(one) for one in ids])


def _quoted(values: Sequence[str]) -> str:
    return "[" + ", ".join(f'"{value}"' for value in values) + "]"


def _digest(text: str, size: int) -> str:
    """`size` bytes, a multiple of five, as 8/5 as many letters and digits."""
    made = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=size).digest()
    return b32encode(made).decode().lower()
