"""Reward heads that TRL's RewardTrainer trained: the same tokens, place, margin and accuracy."""

from __future__ import annotations

import json
import logging
from typing import Any

import numpy as np
import pytest

import workbench as wb
from tests.scoring.tiny_models import CHATML, GEMMA, LLAMA, byte_tokenizer, config, pairs
from workbench.audit.models.reward_models import audit_rewards
from workbench.data.preferred import preferred
from workbench.scoring.models import load_reward
from workbench.scoring.rewards import RewardHead
from workbench.scoring.tokens import TokenPolicy

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
trl = pytest.importorskip("trl", reason="TRL is not installed")

KINDS = {
    "ChatML": (CHATML, "<|im_end|>", "<pad>", r"the last token, '\n'"),
    "ChatML, padded with EOS": (CHATML, "<|im_end|>", "<|im_end|>", r"the last token, '\n'"),
    "Gemma": (GEMMA, "<eos>", "<pad>", r"the last token, '\n'"),
    "Llama 3": (LLAMA, "<|eot_id|>", "<pad>", "the last token, '<|eot_id|>'"),
    "Llama 3, padded with EOS": (LLAMA, "<|eot_id|>", "<|eot_id|>",
                                 "the last token that is not padding ('<|eot_id|>')"),
    "plain": (None, "<eos>", "<pad>", "the last token, '<eos>'"),
    "plain, padded with EOS": (None, "<eos>", "<eos>",
                               "the last token that is not padding ('<eos>')"),
}  # fmt: skip


def rows(chat: bool) -> list[dict[str, Any]]:
    found = []
    for row in preferred(pairs()).to_dict("records"):
        both = {side: row[side] for side in ("chosen", "rejected")}
        if chat:
            both = {side: [{"role": "user", "content": row["prompt"]},
                           {"role": "assistant", "content": text}]
                    for side, text in both.items()}  # fmt: skip
        else:
            both = {side: f"{row['prompt']}{text}" for side, text in both.items()}
        found.append(both)
    return found


def trained(tokenizer: Any, folder: Any, peft_config: Any = None) -> dict[str, float]:
    """Train a tiny head, keep it, and return what the trainer measures after that."""
    from datasets import Dataset

    torch.manual_seed(0)
    model = transformers.LlamaForSequenceClassification(config(tokenizer, num_labels=1))
    if peft_config is not None:
        # a language model, onto which the trainer puts a head
        causal = transformers.LlamaForCausalLM(config(tokenizer, pad_token_id=0))
        causal.save_pretrained(folder / "base")
        model = str(folder / "base")
    data = Dataset.from_list(rows(tokenizer.chat_template is not None))
    arguments = trl.RewardConfig(
        output_dir=str(folder / "run"), max_length=None, per_device_eval_batch_size=10,
        per_device_train_batch_size=10, max_steps=4, learning_rate=1e-3, use_cpu=True, bf16=False,
        report_to="none", disable_tqdm=True, save_strategy="no", logging_strategy="no",
    )  # fmt: skip
    trainer = trl.RewardTrainer(model=model, args=arguments, train_dataset=data, eval_dataset=data,
                                processing_class=tokenizer, peft_config=peft_config)  # fmt: skip
    trainer.train()
    trainer.save_model(str(folder / "head"))
    return dict(trainer.evaluate())


def audited(folder: Any, mode: str, adapter: str | None = None) -> tuple[Any, np.ndarray]:
    head = RewardHead(*load_reward(str(folder), adapter), TokenPolicy(mode))
    texts = preferred(pairs())
    margin = np.subtract(*(head(list(zip(texts["prompt"], texts[side], strict=True)))
                           for side in ("chosen", "rejected")))  # fmt: skip
    return audit_rewards(pairs(), head)[0], margin


@pytest.fixture(autouse=True)
def quiet():
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("kind", KINDS)
def test_a_head_is_read_where_trl_trained_it(kind, tmp_path):
    template, eos, pad, at = KINDS[kind]
    told = trained(byte_tokenizer(template, eos, pad), tmp_path)
    result, margin = audited(tmp_path / "head", "raw" if template is None else "chat")
    assert margin.mean() == pytest.approx(told["eval_margin"], abs=1e-4)
    accuracy = result.to_frame().set_index("term").loc["ties wrong", "estimate"]
    assert accuracy == pytest.approx(told["eval_accuracy"], abs=1e-4)
    # the output says which tokens those were
    assert f"read at {at}" in result.summary()
    assert f"read at {at}" in " ".join(result.to_dict()["settings"]["scored"])
    text = "the whole text of the chat template" if template else "prompt + response + '<eos>'"
    assert f"tokens: {text}; " in result.summary()


def test_an_adapter_with_a_head_gets_its_trainers_padding(tmp_path):
    peft = pytest.importorskip("peft")
    lora = peft.LoraConfig(task_type="SEQ_CLS", r=2, target_modules=["q_proj"],
                           modules_to_save=["score"])  # fmt: skip
    # the language model below it pads with another token than the trainer did
    told = trained(byte_tokenizer(LLAMA, "<|eot_id|>", "<|eot_id|>"), tmp_path, lora)
    for folder, adapter in ((tmp_path / "head", None),
                            (tmp_path / "base", str(tmp_path / "head"))):  # fmt: skip
        result, margin = audited(folder, "chat", adapter)
        assert margin.mean() == pytest.approx(told["eval_margin"], abs=1e-4)
        assert "not padding ('<|eot_id|>')" in result.summary()


TURNS = [{"role": "system", "content": "Answer in French."}, {"role": "user", "content": "Hi"},
         {"role": "assistant", "content": "Salut"},
         {"role": "user", "content": "Sky?"}]  # fmt: skip


def said(*texts: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text} for text in texts]


@pytest.mark.parametrize("template", [CHATML, LLAMA, None])
def test_a_head_gets_the_tokens_of_turns_and_marks_that_trl_gave_it(template, tmp_path):
    from datasets import Dataset

    if template is None:
        rows = [{side: f"\n\nHuman: What is {k}?\n\nAssistant: {text}"
                 for side, text in (("chosen", f"A {k}."), ("rejected", "No."))}
                for k in range(4)]  # fmt: skip
    else:
        rows = [{"chosen": [*TURNS, *said("bleu")], "rejected": [*TURNS, *said("vert")]},
                {"chosen": [*TURNS[1:2], *said("Yes?"), *TURNS[3:], *said("blue")],
                 "rejected": [*TURNS[1:2], *said("What"), *TURNS[3:], *said("red")]}]  # fmt: skip
    tokenizer = byte_tokenizer(template, "<eos>" if template is None else "<|im_end|>")
    torch.manual_seed(0)
    model = transformers.LlamaForSequenceClassification(config(tokenizer, num_labels=1))
    arguments = trl.RewardConfig(output_dir=str(tmp_path / "run"), use_cpu=True, bf16=False,
                                 report_to="none", disable_tqdm=True)  # fmt: skip
    trainer = trl.RewardTrainer(model=model, args=arguments, train_dataset=Dataset.from_list(rows),
                                processing_class=tokenizer)  # fmt: skip
    file = tmp_path / "pairs.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    data = wb.load(file)
    head = RewardHead(model, tokenizer, TokenPolicy("chat" if template else "raw")).knowing(data)
    texts = preferred(data)
    for side in ("chosen", "rejected"):
        found = [head.tokens(*one) for one in zip(texts["prompt"], texts[side], strict=True)]
        assert found == [list(one) for one in trainer.train_dataset[f"{side}_ids"]]
    # the audit finds them by itself
    margin = audit_rewards(data, RewardHead(model, tokenizer, head.policy))
    wanted = np.subtract(*(head(list(zip(texts["prompt"], texts[side], strict=True)))
                           for side in ("chosen", "rejected")))  # fmt: skip
    share = margin[0].to_frame().set_index("term").loc["ties wrong", "estimate"]
    assert share == pytest.approx(np.mean(wanted > 0))


def test_a_head_is_never_given_a_control_token_of_a_text():
    tokenizer = byte_tokenizer()
    torch.manual_seed(0)
    model = transformers.LlamaForSequenceClassification(config(tokenizer, num_labels=1))
    head = RewardHead(model, tokenizer, TokenPolicy("chat"))
    reading = head.reading([("a", "b<|im_end|> c", "d"), ("a", "b", "c")])
    assert reading.left_out == {0: "the control token '<|im_end|>' stands in a text"}
    assert np.isnan(head([("a", "b<|im_end|> c")])).all()
