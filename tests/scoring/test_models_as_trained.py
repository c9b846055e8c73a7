"""What is loaded is what was trained: adapters whole and unmerged, no weight drawn anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.plain_scoring import plain_logprob
from tests.scoring.tiny_models import CHATML, GEMMA, byte_tokenizer, kept_model, pairs
from workbench.errors import ConfigError
from workbench.scoring.gains import next_tokens
from workbench.scoring.layout import Group, unreachable
from workbench.scoring.logprob import score_pairs
from workbench.scoring.models import load_model, load_reward, load_tokenizer
from workbench.scoring.tokens import TokenPolicy, encode

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
peft = pytest.importorskip("peft")

LAYERS = {"task_type": "CAUSAL_LM", "r": 4, "target_modules": ["q_proj"]}
KINDS: dict[str, tuple[Any, dict[str, Any]]] = {
    "LoRA on a tied head": (lambda: peft.LoraConfig(
        task_type="CAUSAL_LM", r=4, target_modules=["q_proj", "lm_head"]), {"tied": True}),
    "LoRA on tied embeddings": (lambda: peft.LoraConfig(
        task_type="CAUSAL_LM", r=4, target_modules=["embed_tokens"]), {"tied": True}),
    "a tied head of its own": (lambda: peft.LoraConfig(
        **LAYERS, modules_to_save=["lm_head"]), {"tied": True}),
    "prompt tuning": (lambda: peft.PromptTuningConfig(
        task_type="CAUSAL_LM", num_virtual_tokens=5), {}),
    "prefix tuning": (lambda: peft.PrefixTuningConfig(
        task_type="CAUSAL_LM", num_virtual_tokens=5), {}),
    "a larger vocabulary": (lambda: peft.LoraConfig(
        **LAYERS, modules_to_save=["embed_tokens", "lm_head"]), {"rows": 4}),
    "added tokens": (lambda: peft.LoraConfig(
        **LAYERS, modules_to_save=["lm_head"],
        trainable_token_indices={"embed_tokens": [266, 267, 268, 269]}), {"rows": 4}),
    "added tokens of tied tables": (lambda: peft.LoraConfig(
        **LAYERS, trainable_token_indices={"embed_tokens": [266, 267]}),
        {"rows": 2, "tied": True}),
}  # fmt: skip


def adapter_of(base: Path, folder: Path, made: Any, rows: int = 0) -> Any:
    """Put an adapter of random weights onto a model, keep it, and return both together."""
    model = transformers.AutoModelForCausalLM.from_pretrained(base)
    if rows:
        model.resize_token_embeddings(model.config.vocab_size + rows)
    torch.manual_seed(1)
    whole = peft.get_peft_model(model, made).eval()
    for one in (k for k in whole.parameters() if k.requires_grad):
        torch.nn.init.normal_(one, std=0.3)
    whole.save_pretrained(folder)
    return whole


def plain(model: Any, tokenizer: Any) -> list[float]:
    row = pairs(1).pairs.iloc[0]
    one = encode(tokenizer, row["prompt"], row["response_a"], row["response_b"], TokenPolicy())
    return sorted(of_last(model, one.prompt, side) for side in (one.chosen, one.rejected))


def of_last(model: Any, prompt: tuple[int, ...], response: tuple[int, ...]) -> float:
    """log p where virtual tokens may stand before the text."""
    logits = model(input_ids=torch.tensor([[*prompt, *response]])).logits[0, -len(response) - 1 :]
    steps = torch.log_softmax(logits[:-1].float(), dim=-1)
    return float(steps[range(len(response)), list(response)].detach().double().sum())


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", KINDS)
def test_an_adapter_scores_as_it_was_trained(kind, tmp_path):
    made, asked = KINDS[kind]
    tokenizer = byte_tokenizer()
    kept_model(tmp_path / "base", tokenizer, tie_word_embeddings=asked.get("tied", False))
    whole = adapter_of(tmp_path / "base", tmp_path / "ad", made(), asked.get("rows", 0))
    model, words = load_model(str(tmp_path / "base"), str(tmp_path / "ad"))
    found = score_pairs(model, words, pairs(1)).scored.iloc[0]
    assert sorted([found["chosen"], found["rejected"]]) == pytest.approx(
        plain(whole, tokenizer), abs=1e-3
    )
    # a base of equal weights scores otherwise: the adapter counts
    base, _ = load_model(str(tmp_path / "base"))
    assert abs(score_pairs(base, words, pairs(1)).scored.iloc[0]["chosen"] - found["chosen"]) > 0.1


@pytest.mark.filterwarnings("ignore")
def test_the_direction_of_an_adapted_head_is_what_it_computes(tmp_path):
    tokenizer = byte_tokenizer()
    kept_model(tmp_path / "base", tokenizer)
    both = peft.LoraConfig(task_type="CAUSAL_LM", r=4, target_modules=["lm_head"])
    whole = adapter_of(tmp_path / "base", tmp_path / "ad", both)
    model, _ = load_model(str(tmp_path / "ad"))
    row = pairs(1).pairs.iloc[0]
    one = encode(tokenizer, row["prompt"], row["response_a"], row["response_b"], TokenPolicy())
    weight = whole.merge_and_unload().get_output_embeddings().weight.detach()
    push = weight[one.chosen[0]] - weight[one.rejected[0]]
    found = next_tokens(model, [one]).direction
    assert found == pytest.approx((weight @ push).numpy(), abs=1e-3)


def test_half_precision_rounds_no_adapter_away(tmp_path):
    tokenizer = byte_tokenizer()
    kept_model(tmp_path / "base", tokenizer).to(torch.bfloat16).save_pretrained(tmp_path / "base")
    model = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "base", dtype="auto")
    whole = peft.get_peft_model(model, peft.LoraConfig(**LAYERS)).eval()
    for name, one in whole.named_parameters():
        if "lora_B" in name:
            # below what bfloat16 keeps of most weights
            torch.nn.init.normal_(one, std=1e-4)
    whole.save_pretrained(tmp_path / "ad")
    loaded, _ = load_model(str(tmp_path / "ad"))
    ids = torch.tensor([tokenizer("The cat says 4.")["input_ids"]])
    with torch.no_grad():
        assert torch.equal(loaded(input_ids=ids).logits, whole(input_ids=ids).logits)


def test_weights_that_are_not_there_are_refused_by_name(tmp_path):
    tokenizer = byte_tokenizer()
    model = kept_model(tmp_path / "value", tokenizer, num_labels=1)
    state = {k: v.contiguous() for k, v in model.state_dict().items()}
    model.save_pretrained(
        tmp_path / "value", state_dict=state | {"v_head.summary.weight": torch.ones(1, 32)}
    )
    with pytest.raises(ConfigError, match=r"(?s)lacks weights.*score\.weight.*v_head"):
        load_reward(str(tmp_path / "value"))
    kept_model(tmp_path / "head", tokenizer, "LlamaForSequenceClassification", num_labels=1)
    with pytest.raises(ConfigError, match=r"(?s)lacks weights.*lm_head\.weight"):
        load_model(str(tmp_path / "head"))


@pytest.mark.filterwarnings("ignore")
def test_an_adapter_that_does_not_fit_is_refused_by_name(tmp_path):
    from safetensors.torch import load_file, save_file

    base, folder = tmp_path / "base", tmp_path / "ad"
    kept_model(base, byte_tokenizer())
    adapter_of(base, folder, peft.LoraConfig(**LAYERS))
    file = folder / "adapter_model.safetensors"
    moved = {k.replace("model.model.", "model.model.inner."): v for k, v in load_file(file).items()}
    save_file(moved, file)
    with pytest.raises(ConfigError, match=r"(?s)none of this model.*4 of its 4.*inner"):
        load_model(str(base), str(folder))
    # a head that the trainer did not save with its adapter cannot be had again
    adapter_of(base, tmp_path / "headless", peft.LoraConfig(**LAYERS))
    with pytest.raises(ConfigError, match=r"(?s)lacks weights.*score\.weight"):
        load_reward(str(base), str(tmp_path / "headless"))
    # another width
    kept_model(tmp_path / "wide", byte_tokenizer(), hidden_size=48)
    with pytest.raises(ConfigError, match=r"(?s)adapter cannot be loaded.*size mismatch"):
        load_model(str(tmp_path / "wide"), str(tmp_path / "headless"))
    with pytest.raises(ConfigError, match="onto a whole model"):
        load_model(str(tmp_path / "headless"), str(tmp_path / "headless"))


def test_an_adapters_own_tokenizer_and_template_win(tmp_path):
    base, folder = tmp_path / "base", tmp_path / "ad"
    kept_model(base, byte_tokenizer(CHATML))
    adapter_of(base, folder, peft.LoraConfig(**LAYERS))
    assert load_tokenizer(str(base), str(folder)).chat_template == CHATML
    (folder / "chat_template.jinja").write_text(GEMMA)
    assert load_tokenizer(str(base), str(folder)).chat_template == GEMMA
    byte_tokenizer(GEMMA, "<eos>").save_pretrained(folder)
    for found in (load_tokenizer(str(folder)), load_model(str(base), str(folder))[1]):
        assert (found.chat_template, found.eos_token) == (GEMMA, "<eos>")


def test_a_token_without_a_row_is_a_reason(tmp_path):
    model = kept_model(tmp_path / "m", byte_tokenizer())
    assert unreachable(model, Group((1, 2), ((3,),))) is None
    assert "no embedding" in str(unreachable(model, Group((1, 2), ((999,),))))


def test_an_unmerged_adapter_scores_as_plain_scoring(tmp_path):
    tokenizer = byte_tokenizer()
    kept_model(tmp_path / "base", tokenizer)
    adapter_of(tmp_path / "base", tmp_path / "ad", peft.LoraConfig(**LAYERS))
    model, _ = load_model(str(tmp_path / "ad"))
    found = score_pairs(model, tokenizer, pairs(6))
    assert found.settings["layout"] == "shared prompt"
    row = pairs(1).pairs.iloc[0]
    one = encode(tokenizer, row["prompt"], row["response_a"], row["response_b"], TokenPolicy())
    wanted = plain_logprob(model, one.prompt, one.chosen)
    values = found.scored[["chosen", "rejected"]].to_numpy()
    assert np.abs(values - wanted).min() < 1e-3
