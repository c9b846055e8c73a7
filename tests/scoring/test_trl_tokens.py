"""The tokens that TRL's DPOTrainer makes of the same file, one by one, and its log-likelihoods."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

import workbench as wb
from tests.scoring.tiny_models import CHATML, GEMMA, LLAMA, SIZES, byte_tokenizer, config
from workbench.data.preferred import preferred
from workbench.scoring.dialogues import with_messages
from workbench.scoring.logprob import score_pairs
from workbench.scoring.pairs import Tokens, tokens_of
from workbench.scoring.presets import LIKE, policy_like

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
trl = pytest.importorskip("trl", reason="TRL is not installed")

Sides = list[list[tuple[list[int], list[int]]]]
Row = dict[str, Any]

THINKS = CHATML.replace("assistant\n{% endif %}", "assistant\n<think>\n{% endif %}")
TOOLS = "{% if tools %}<|im_start|>tools\n{{ tools | tojson }}<|im_end|>\n{% endif %}" + CHATML


def said(role: str, content: str) -> Row:
    return {"role": role, "content": content}


def user(text: str) -> Row:
    return said("user", text)


def bot(text: str) -> Row:
    return said("assistant", text)


ASK = [said("system", "Answer in French."), user("Hi"), bot("Salut"), user("Sky?")]
CHATS: dict[str, list[Row]] = {
    "one turn": [{"prompt": [user("Sky?")], "chosen": [bot("blue")], "rejected": [bot("green")]}],
    "system and turns": [{"prompt": ASK, "chosen": [bot("bleu")], "rejected": [bot("vert")]}],
    "part at an earlier answer": [
        {"chosen": [user("Hi"), bot("Yes?"), user("Sky?"), bot("blue")],
         "rejected": [user("Hi"), bot("What"), user("Sky?"), bot("green")]}],
    "shared turns": [
        {"chosen": [*ASK, bot("bleu")], "rejected": [*ASK, bot("vert")]}],
    "ends in an assistant's turn": [
        {"prompt": [user("Sky?"), bot("It is")], "chosen": [bot("blue")],
         "rejected": [bot("green")]}],
    "a lone answer beside several turns": [
        {"prompt": ASK, "chosen": [bot("bleu"), user("And?"), bot("gris")],
         "rejected": [bot("vert")]},
        {"prompt": [user("Sea?")], "chosen": [bot("blue")],
         "rejected": [bot("green"), user("And?"), bot("grey")]}],
    "tools": [
        {"prompt": [user("Sky?")], "chosen": [bot("blue")], "rejected": [bot("green")],
         "tools": json.dumps([{"type": "function", "function": {"name": "look"}}])}],
}  # fmt: skip
TEXTS: dict[str, list[Row]] = {
    "joined as they are": [
        {"prompt": "The sky is", "chosen": " blue.", "rejected": " green."},
        {"prompt": "Q: sky?\nA:\n", "chosen": "blue", "rejected": "green"},
        {"prompt": "Sky?", "chosen": "Blue.", "rejected": "Green.\n"}],
    "marks in the text": [
        {"prompt": "<bos><|im_start|>user\nQ<|im_end|>\n<|im_start|>assistant\n",
         "chosen": "yes<eos>", "rejected": "no"}],
    "HH": [
        {"chosen": f"\n\nHuman: What is {k}+2?\n\nAssistant: {a}",
         "rejected": f"\n\nHuman: What is {k}+2?\n\nAssistant: {b}"}
        for k, (a, b) in enumerate([("Four.", "Five."), ("It is 3.", "It was 3"), ("A", "B")])],
    "HH of several turns": [
        {"chosen": "\n\nHuman: Hi\n\nAssistant: Yes?\n\nHuman: Sky?\n\nAssistant: Blue.",
         "rejected": "\n\nHuman: Hi\n\nAssistant: Yes?\n\nHuman: Sky?\n\nAssistant: It is green."}],
    "no prompt": [{"chosen": "The sky is blue.", "rejected": "The sky is green."}],
}  # fmt: skip


@pytest.fixture(autouse=True)
def quiet():
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


def trainer_of(rows: list[Row], tokenizer: Any, folder: Path, model: Any = None, **own: Any) -> Any:
    from datasets import Dataset

    if model is None:
        torch.manual_seed(0)
        model = transformers.LlamaForCausalLM(config(tokenizer))
    arguments = trl.DPOConfig(
        output_dir=str(folder), use_cpu=True, bf16=False, report_to="none", disable_tqdm=True, **own
    )
    reference = transformers.LlamaForCausalLM(config(tokenizer, num_hidden_layers=1))
    return trl.DPOTrainer(model=model, ref_model=reference, args=arguments,
                          train_dataset=Dataset.from_list(rows),
                          processing_class=tokenizer)  # fmt: skip


def batch_of(trainer: Any) -> Any:
    return trainer.data_collator(list(trainer.train_dataset))


def theirs(trainer: Any) -> Sides:
    """Return what the trainer's collator gives the model: what is not scored, and what is."""
    found = batch_of(trainer)
    rows = []
    for ids, seen, scored in zip(found["input_ids"].tolist(), found["attention_mask"].tolist(),
                                 found["completion_mask"].tolist(), strict=True):  # fmt: skip
        whole = [(k, m) for k, a, m in zip(ids, seen, scored, strict=True) if a]
        rows.append(([k for k, m in whole if not m], [k for k, m in whole if m]))
    half = len(rows) // 2
    return [[rows[k], rows[half + k]] for k in range(half)]


def ours(rows: list[Row], tokenizer: Any, folder: Path, mode: str, **own: Any) -> Tokens:
    data = kept(rows, folder)
    model = transformers.LlamaForCausalLM(config(tokenizer))
    pairs = with_messages(data, preferred(data))
    return tokens_of(model, tokenizer, pairs, policy_like("trl", mode, **own))


def kept(rows: list[Row], folder: Path) -> wb.PreferenceData:
    file = folder / "pairs.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return wb.load(file)


def sides(found: Tokens) -> Sides:
    return [[(list(a), list(b)) for a, b in one.sides] for one in found.found.values()]


@pytest.mark.parametrize("template", [CHATML, LLAMA, THINKS, TOOLS])
@pytest.mark.parametrize("kind", CHATS)
def test_dialogues_have_the_trainers_tokens(kind, template, tmp_path):
    tokenizer, rows = byte_tokenizer(template), CHATS[kind]
    found = ours(rows, tokenizer, tmp_path, "chat")
    assert sides(found) == theirs(trainer_of(rows, tokenizer, tmp_path / "run"))
    told = " ".join(found.notes)
    assert "(like trl)" in found.notes[0]
    for word, where in (
        ("another one is opened: 1 of 1", "ends in an assistant's turn"),
        ("later turns of the user too: 1 of 1", "part at an earlier answer"),
    ):
        assert (word in told) == (kind == where)
    assert ("what prompt and whole share" in told) == (template == THINKS)


@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize("adds", ["nothing", "<bos> $A", "$A <eos>"])
def test_texts_are_joined_as_the_trainer_joins(kind, adds, tmp_path):
    tokenizer, rows = byte_tokenizer(None, "<eos>"), TEXTS[kind]
    tokenizer.add_special_tokens({"bos_token": "<bos>"})
    if adds != "nothing":
        from tokenizers import processors

        tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
            adds, special_tokens=[("<bos>", 1), ("<eos>", 2)]
        )
    found = ours(rows, tokenizer, tmp_path, "raw")
    assert sides(found) == theirs(trainer_of(rows, tokenizer, tmp_path / "run"))
    told = " ".join(found.notes)
    assert ("two tokens of the beginning" in told) == (kind == "marks in the text" and "b" in adds)


def test_tokens_that_merge_across_the_boundary_are_the_trainers(tokenizer, tmp_path):
    words = [t for t in tokenizer.get_vocab() if t.isalpha() and len(t) >= 3]
    word = max(words, key=len)
    rows = [{"prompt": f"x {word[:-1]}", "chosen": f"{word[-1]} and", "rejected": f"{word[-1]}."}]
    found = ours(rows, tokenizer, tmp_path, "raw")
    assert sides(found) == theirs(trainer_of(rows, tokenizer, tmp_path / "run"))
    assert any("what prompt and whole share" in one for one in found.notes)


@pytest.mark.parametrize("keep", ["start", "end"])
@pytest.mark.parametrize("most", [5, 14, 30])
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_what_is_too_long_is_cut_as_the_trainer_cuts_it(keep, most, tmp_path):
    tokenizer = byte_tokenizer(None, "<eos>")
    rows = [{"prompt": "The sky is", "chosen": " blue.", "rejected": " green as it was before."},
            {"prompt": "Q", "chosen": "Yes, it is", "rejected": "Is it? No"}]  # fmt: skip
    run = trainer_of(rows, tokenizer, tmp_path / "run", max_length=most,
                     truncation_mode=f"keep_{keep}")  # fmt: skip
    found, wanted = ours(rows, tokenizer, tmp_path, "raw", max_length=most, keep=keep), theirs(run)
    # a sequence that begins within its response has nothing that its first token is predicted from
    assert sides(found) == [[(a or b[:1], b if a else b[1:]) for a, b in one] for one in wanted]
    assert (len(found.reasons) == 1) == (keep == "start" and most == 5)
    short = [one for one in found.notes if "cut to" in one]
    assert len(short) > 0


def test_the_preset_has_the_defaults_of_the_installed_package(tmp_path):
    defaults = trl.DPOConfig(output_dir=str(tmp_path), use_cpu=True, bf16=False, report_to="none")
    assert LIKE["trl"]["max_length"] == defaults.max_length
    assert f"keep_{LIKE['trl']['keep']}" == defaults.truncation_mode


MODELS = {
    "Llama": ("LlamaConfig", {}),
    "GPT-2": ("GPT2Config", {"n_positions": 512}),
    "Gemma 2": ("Gemma2Config", {"head_dim": 8, "num_key_value_heads": 2, "sliding_window": 8,
                                 "final_logit_softcapping": 5.0}),
    "Qwen 2": ("Qwen2Config", {"tie_word_embeddings": True, "num_key_value_heads": 2}),
}  # fmt: skip


@pytest.mark.parametrize("kind", MODELS)
def test_likelihoods_are_the_trainers(kind, tmp_path):
    gemma = kind == "Gemma 2"
    tokenizer = byte_tokenizer(GEMMA if gemma else CHATML)
    name, more = MODELS[kind]
    torch.manual_seed(0)
    built = getattr(transformers, name)(**{
        **SIZES, "vocab_size": len(tokenizer), "pad_token_id": 0, "initializer_range": 0.2, **more,
    })  # fmt: skip
    model = transformers.AutoModelForCausalLM.from_config(built)
    rows = [{"prompt": [user("Hi")], **{side: one[side][1:] for side in ("chosen", "rejected")}}
            for one in CHATS["part at an earlier answer"]]  # fmt: skip
    rows += CHATS["one turn"] + ([] if gemma else CHATS["system and turns"])
    data = kept(rows, tmp_path)
    run = trainer_of(rows, tokenizer, tmp_path / "run", model)
    with torch.no_grad():
        chosen, rejected = run.compute_ref_log_probs(run.model.eval(), batch_of(run))
    found = score_pairs(model, tokenizer, data, policy=policy_like("trl", "chat")).table
    assert found["reason"].isna().all()
    assert found["chosen"].tolist() == pytest.approx(chosen.tolist(), abs=1e-3)
    assert found["rejected"].tolist() == pytest.approx(rejected.tolist(), abs=1e-3)
