"""Tiny random models with byte tokenizers, as fine-tunes keep them on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

import workbench as wb

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
GEMMA = (
    "<bos>{% for m in messages %}<start_of_turn>{{ 'model' if m.role == 'assistant' else m.role }}"
    "\n{{ m.content | trim }}<end_of_turn>\n{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)
LLAMA = (
    "<bos>{% for m in messages %}<|start|>{{ m.role }}<|end|>\n\n{{ m.content | trim }}<|eot_id|>"
    "{% endfor %}{% if add_generation_prompt %}<|start|>assistant<|end|>\n\n{% endif %}"
)
MARKS = ("<pad>", "<bos>", "<eos>", "<|im_start|>", "<|im_end|>", "<start_of_turn>",
         "<end_of_turn>", "<|start|>", "<|end|>", "<|eot_id|>")  # fmt: skip
SIZES = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
         "num_attention_heads": 2, "max_position_embeddings": 512}  # fmt: skip


def byte_tokenizer(
    template: str | None = CHATML, eos: str = "<|im_end|>", pad: str = "<pad>", closes: bool = False
) -> Any:
    """A tokenizer of bytes and marks; one that closes every text puts EOS behind it."""
    import transformers
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

    signs = [*MARKS, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    made = Tokenizer(models.BPE(vocab={s: k for k, s in enumerate(signs)}, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens(list(MARKS))
    if closes:
        ends = [(eos, signs.index(eos))]
        made.post_processor = processors.TemplateProcessing(f"$A {eos}", special_tokens=ends)
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token=pad, eos_token=eos, chat_template=template
    )


def config(tokenizer: Any, **more: Any) -> Any:
    """Of a Llama of two layers whose random weights are large enough to tell texts apart."""
    import transformers

    return transformers.LlamaConfig(**{
        **SIZES, "vocab_size": len(tokenizer), "pad_token_id": tokenizer.pad_token_id,
        "eos_token_id": tokenizer.eos_token_id, "initializer_range": 0.3, **more,
    })  # fmt: skip


def kept_model(folder: Path, tokenizer: Any, kind: str = "LlamaForCausalLM", **more: Any) -> Any:
    """A random model in a folder with its tokenizer; returned as it was drawn."""
    import torch
    import transformers

    torch.manual_seed(0)
    model = getattr(transformers, kind)(config(tokenizer, **more)).eval()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return model


def pairs(n: int = 10) -> wb.PreferenceData:
    """Pairs of one annotator who likes cats."""
    rows = [{"prompt": f"Question {k}?", "response_a": f"The cat says {k * k}.",
             "response_b": f"No dog {'at all ' * (k % 3)}says so"} for k in range(n)]  # fmt: skip
    labels = pd.DataFrame({"pair": range(n), "annotator": "a", "preference": 1.0, "kind": "human"})
    return wb.PreferenceData.from_tables(pd.DataFrame(rows), labels)
