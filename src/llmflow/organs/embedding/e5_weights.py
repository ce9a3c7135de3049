"""Turns the packaged weights into a graph for onnxruntime: `python -m llmflow.organs.embedding.e5_weights FOLDER`.

Run as a child process, once, so that `onnx` and the work's memory stay out of the server. The graph is the BERT encoder
from the summed embeddings to the unit vector, in onnxruntime's fused operators:

- most matrices become 8-bit integers, one scale per output channel, in 7 of the 8 bits: with 8 the AVX2 kernels of
  processors without VNNI overflow;
- the feed-forward layers' second matrices keep their 4-bit blocks and multiply in full precision. What enters them has
  values so large that the rest drowns in 8 bits: quantised too they cost .007 of nDCG@10 on Korean passages, so .001,
  for a third less speed;
- the layer norm after each residual is written out as centring and SimplifiedLayerNormalization, which onnxruntime
  computes five times faster than its fused SkipLayerNormalization;
- inputs are one text at a time: activations are quantised over the whole tensor, so texts in a batch would change
  each other, and batches gave no speed.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from llmflow.organs.embedding.e5_source import Source, graph_stem, packaged

_CONTRIB = "com.microsoft"
_LEVELS = 63  # largest weight in 7 bits


class _Graph:
    """Collects nodes and weights of one encoder."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def weight(self, name: str, values: NDArray[np.generic]) -> str:
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def floats(self, name: str) -> str:
        return self.weight(name, self.source.floats(name))

    def node(
        self, kind: str, inputs: list[str], *, outputs: int = 1, domain: str = "", **attributes: object
    ) -> list[str]:
        name = f"n{len(self.nodes)}"
        results = [f"{name}.{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, results, name=name, domain=domain, **attributes))
        return results

    def linear(self, value: str, *names: str) -> str:
        """`value` times the matrices, side by side, plus their biases; activations are quantised as it runs."""
        source, name = self.source, names[0]
        bias = np.concatenate([source.floats(f"{n}.b") for n in names])
        matrix = np.concatenate([source.matrix(f"{n}.w", source.floats(f"{n}.b").size) for n in names])
        scale = np.maximum(np.abs(matrix).max(axis=1) / _LEVELS, np.float32(1e-12))
        integers = np.rint(matrix / scale[:, None]).astype(np.int8)
        inputs = [
            value,
            self.weight(f"{name}.w", integers.T),
            self.weight(f"{name}.scale", scale),
            self.weight(f"{name}.zero", np.zeros(len(scale), np.int8)),
            self.weight(f"{name}.bias", bias),
        ]
        return self.node("DynamicQuantizeMatMul", inputs, domain=_CONTRIB)[0]

    def exact_linear(self, value: str, name: str) -> str:
        """`value` times the matrix as it is packed, plus its bias; activations stay in full precision."""
        source = self.source
        blocks = source.blocks(f"{name}.w", source.floats(f"{name}.b").size)
        nibbles = np.concatenate([blocks["nibbles"] & 15, blocks["nibbles"] >> 4], axis=-1)
        inputs = [
            value,
            self.weight(f"{name}.w", nibbles[..., 0::2] | (nibbles[..., 1::2] << 4)),
            self.weight(f"{name}.scale", blocks["scale"].astype(np.float32)),
            "",
            "",
            self.floats(f"{name}.b"),
        ]
        rows, columns = len(blocks), 32 * blocks.shape[1]
        sizes = {"K": columns, "N": rows, "bits": 4, "block_size": 32, "accuracy_level": 1}
        return self.node("MatMulNBits", inputs, domain=_CONTRIB, **sizes)[0]

    def add_norm(self, value: str, change: str, name: str) -> str:
        (total,) = self.node("Add", [value, change])
        (mean,) = self.node("ReduceMean", [total, "last_axis"], keepdims=1)
        (centred,) = self.node("Sub", [total, mean])
        inputs = [centred, self.floats(f"{name}.w")]
        (scaled,) = self.node("SimplifiedLayerNormalization", inputs, axis=-1, epsilon=self.source.epsilon)
        return self.node("Add", [scaled, self.floats(f"{name}.b")])[0]

    def layer(self, value: str, name: str) -> str:
        heads = self.source.heads
        packed = self.linear(value, f"{name}.q", f"{name}.k", f"{name}.v")
        parts = self.node("Split", [packed], outputs=3, axis=2, num_outputs=3)
        (seen,) = self.node("MultiHeadAttention", parts, domain=_CONTRIB, num_heads=heads)
        value = self.add_norm(value, self.linear(seen, f"{name}.ao"), f"{name}.aln")
        (inner,) = self.node("Gelu", [self.linear(value, f"{name}.fi")], domain=_CONTRIB)
        return self.add_norm(value, self.exact_linear(inner, f"{name}.fo"), f"{name}.oln")


def build(source: Source) -> onnx.ModelProto:
    """Input `embeddings` (1, tokens, hidden): word + position + type rows. Output `vector` (1, hidden), of length 1."""
    graph = _Graph(source)
    graph.weight("last_axis", np.array([-1]))
    graph.weight("tokens_axis", np.array([1]))
    inputs = ["embeddings", graph.floats("emb.ln.w"), graph.floats("emb.ln.b")]
    (value,) = graph.node("LayerNormalization", inputs, axis=-1, epsilon=source.epsilon)
    for layer in range(source.layers):
        value = graph.layer(value, f"l{layer}")
    (mean,) = graph.node("ReduceMean", [value, "tokens_axis"], keepdims=0)
    graph.nodes.append(helper.make_node("LpNormalization", [mean], ["vector"], name="unit", axis=-1, p=2))
    body = helper.make_graph(
        graph.nodes,
        "multilingual-e5-small",
        [helper.make_tensor_value_info("embeddings", TensorProto.FLOAT, [1, "tokens", source.hidden])],
        [helper.make_tensor_value_info("vector", TensorProto.FLOAT, [1, source.hidden])],
        graph.weights,
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid(_CONTRIB, 1)]
    return helper.make_model(body, opset_imports=opsets, ir_version=9, producer_name="llmflow")


def write(folder: Path) -> Path:
    """Writes the graph under a name that ends in its own checksum, whole or not at all; a second writer is harmless."""
    source = packaged()
    content = build(source).SerializeToString(deterministic=True)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{graph_stem(source)}-{hashlib.sha256(content).hexdigest()}.onnx"
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".e5-", suffix=".part", delete=False) as file:
        part = Path(file.name)
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            part.replace(target)
        except OSError:
            part.unlink(missing_ok=True)
            raise
    return target


if __name__ == "__main__":
    print(write(Path(sys.argv[1])))
