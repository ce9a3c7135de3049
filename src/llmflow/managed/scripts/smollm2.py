"""Makes vLLM's first two models: `smollm2.py WEIGHTS GGUF`. Runs inside vLLM's environment.

SmolLM2-135M from the packaged GGUF file as safetensors, since vLLM reads no GGUF on a CPU, and with a template that
shows the model its tools; and a Llama of two layers with random weights and the same tokenizer, which starts in half
the time. A folder is there only when it is whole.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig, LlamaConfig, LlamaForCausalLM

#: ChatML, as the model was trained; tools in the words of the Hermes parser.
TEMPLATE = Path(__file__).with_name("chatml_tools.jinja")


def main() -> None:
    weights, gguf = Path(sys.argv[1]), Path(sys.argv[2])
    weights.mkdir(parents=True, exist_ok=True)
    given: dict[str, Any] = {"gguf_file": gguf.name}
    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, **given)
    tokenizer.chat_template = TEMPLATE.read_text("utf-8")
    model = AutoModelForCausalLM.from_pretrained(
        gguf.parent, dtype=torch.bfloat16, quantization_config=GgufConfig(dequantize=True), **given
    )
    keep(model, tokenizer, weights / "smollm2-135m-instruct")
    torch.manual_seed(0)
    tiny = LlamaConfig(
        vocab_size=model.config.vocab_size,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=32,
        max_position_embeddings=8192,
        tie_word_embeddings=True,
        bos_token_id=model.config.bos_token_id,
        eos_token_id=model.config.eos_token_id,
        pad_token_id=model.config.pad_token_id,
    )
    keep(LlamaForCausalLM(tiny).to(torch.bfloat16), tokenizer, weights / "random-llama")


def keep(model: Any, tokenizer: Any, folder: Path) -> None:
    draft = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(draft)
    tokenizer.save_pretrained(draft)
    draft.rename(folder)


if __name__ == "__main__":
    main()
