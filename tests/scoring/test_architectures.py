"""Any causal language model: tiny random ones of many architectures against plain scoring."""

from __future__ import annotations

import numpy as np
import pytest

from tests.plain_scoring import plain_logprob
from tests.scoring.test_logprob import few
from workbench.errors import ScoringError
from workbench.scoring import logprob, precision
from workbench.scoring.gains import next_tokens
from workbench.scoring.layout import Group, packed, width_of
from workbench.scoring.logprob import score_pairs, token_pairs
from workbench.scoring.tree import batches, score_all, score_groups, shares_prompts

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

COMMON = {
    "hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 4, "vocab_size": 300,
    "intermediate_size": 48, "num_key_value_heads": 2,
    "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip
OLD = {"n_layer": 2, "n_head": 4, "vocab_size": 300}
WINDOW = {**COMMON, "sliding_window": 16}
LINEAR = {
    "linear_num_value_heads": 4, "linear_num_key_heads": 2, "linear_key_head_dim": 8,
    "linear_value_head_dim": 8,
}  # fmt: skip
SEES = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
        "intermediate_size": 16, "image_size": 28, "patch_size": 14}  # fmt: skip
PICTURES = {"mm_tokens_per_image": 4, "image_token_index": 299, "boi_token_index": 298,
            "eoi_token_index": 297, "vision_config": SEES}  # fmt: skip

SHARED = {
    "Mistral": WINDOW,
    "Mixtral": {**WINDOW, "num_local_experts": 4},
    "Phi3": WINDOW,
    "Qwen2": {**WINDOW, "use_sliding_window": True, "max_window_layers": 2},
    "Qwen3": {**COMMON, "head_dim": 8},
    "Gemma2": {**WINDOW, "head_dim": 8},
    "Gemma3Text": {**WINDOW, "head_dim": 8, "sliding_window_pattern": 2},
    "Gemma3": {"text_config": {**WINDOW, "head_dim": 8, "sliding_window_pattern": 2}, **PICTURES},
    "Cohere2": WINDOW,
    "Granite": {**COMMON, "logits_scaling": 3.0},
    "GptOss": {**WINDOW, "head_dim": 8, "num_local_experts": 4},
    "GPTJ": {**OLD, "n_embd": 32, "rotary_dim": 4},
    "OPT": {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
            "vocab_size": 300, "ffn_dim": 48, "word_embed_proj_dim": 16},
}  # fmt: skip
ALONE = {
    # position biases, windows by place in the sequence, chunks
    "Bloom": {**OLD, "hidden_size": 32},
    "Mpt": {"d_model": 32, "n_layers": 2, "n_heads": 4, "vocab_size": 300},
    "GPTNeo": {"hidden_size": 32, "num_layers": 2, "num_heads": 4, "vocab_size": 300,
               "attention_types": [[["global", "local"], 1]], "window_size": 16},
    "Llama4Text": {**COMMON, "head_dim": 8, "attention_chunk_size": 16, "num_local_experts": 2,
                   "intermediate_size_mlp": 48, "no_rope_layer_interval": 2},
    # recurrent layers, and a head with a multiplier of its own
    "Mamba": {"hidden_size": 32, "num_hidden_layers": 2, "vocab_size": 300},
    "Qwen3_5Text": {**COMMON, "head_dim": 8, **LINEAR},
    "FalconH1": {**COMMON, "mamba_d_ssm": 32, "mamba_n_heads": 4, "mamba_d_head": 8,
                 "mamba_d_state": 8, "lm_head_multiplier": 0.5},
}  # fmt: skip


def built(name: str):
    torch.manual_seed(0)
    config = getattr(transformers, f"{name}Config")(**{**SHARED, **ALONE}[name])
    model = transformers.AutoModelForCausalLM.from_config(config).eval()
    with torch.no_grad():
        for one in model.parameters():
            # so that it matters what a token attends to
            one.mul_(3 if one.ndim >= 2 else 1)
    return model


def groups() -> dict[int, Group]:
    rng = np.random.default_rng(0)

    def some(n: int) -> tuple[int, ...]:
        return tuple(int(x) for x in rng.integers(5, 290, n))

    # longer than the windows and chunks, in the prompt and in a response
    sizes = ((30, (20, 25)), (3, (2, 4)), (12, (30, 9, 14)))
    return {k: Group(some(p), tuple(map(some, rest))) for k, (p, rest) in enumerate(sizes)}


@pytest.mark.parametrize("name", [*SHARED, *ALONE])
def test_every_architecture_has_its_own_scores(name):
    model, some = built(name), groups()
    found = score_all(model, some)
    for k, group in some.items():
        wanted = [plain_logprob(model, group.prompt, one) for one in group.responses]
        assert [one.total for one in found[k]] == pytest.approx(wanted, abs=1e-3)
    with torch.inference_mode():
        assert shares_prompts(model, [*some.values()]) == (name in SHARED)


def dialogues() -> dict[int, Group]:
    """Prompts of which one goes on from another's answer, twice the same, and alike ends."""
    rng = np.random.default_rng(1)

    def some(n: int) -> tuple[int, ...]:
        return tuple(int(x) for x in rng.integers(5, 290, n))

    first, answer, stem, other = some(40), some(20), some(6), some(9)
    prompts = {0: first, 1: other, 2: first + answer + some(5), 3: first}
    found = {k: Group(one, (stem + some(9), stem + some(4), some(2))) for k, one in prompts.items()}
    # one response begins another, and one goes on as the dialogue does
    return found | {4: Group(first, (answer, answer + some(3), answer[:5]))}


@pytest.mark.parametrize("name", [*SHARED, *ALONE])
def test_prompts_that_begin_alike_share_a_row_and_keep_their_scores(name):
    model, some = built(name), dialogues()
    assert [set(names) for names, _ in packed(some, width_of(model))] in (
        [{0, 2, 3, 4}, {1}], [{1}, {0, 2, 3, 4}]
    )  # fmt: skip
    assert {name for batch in batches(model, some, 4096) for name in batch} == set(some)
    found = score_all(model, some)
    for k, group in some.items():
        wanted = [plain_logprob(model, group.prompt, one) for one in group.responses]
        assert [one.total for one in found[k]] == pytest.approx(wanted, abs=1e-3)


def test_what_prompts_share_is_computed_once_and_rows_keep_to_the_budget():
    some = dialogues()
    tokens = {len(g.prompt) + sum(map(len, g.responses)) for g in some.values()}
    (_, one), (_, other) = packed(some, 64)
    # 40 + 20 + 5 of the prompts; what responses add to them; the other dialogue
    assert one + other <= sum(map(len, some.values())) - 3 * 40 < sum(tokens) * len(some)
    assert all(size <= 80 for names, size in packed(some, 64, 80) if len(names) > 1)
    # attention over all costs more than the little that is shared saves
    far = {k: Group((1, k + 2) + (3,) * 5000, ((4,),)) for k in range(2)}
    assert len(packed(far, 64)) == 2


@pytest.mark.parametrize("name", ["Mistral", "FalconH1", "Gemma3"])
def test_states_and_next_tokens_are_the_models_own(name, tokenizer):
    model, some = built(name), groups()
    for k, responses in score_all(model, some).items():
        for target, one in zip(some[k].responses, responses, strict=True):
            ids = torch.tensor([[*some[k].prompt, *target]])
            states = model(input_ids=ids, output_hidden_states=True).hidden_states[-1][0]
            wanted = states[len(some[k].prompt) - 1 : -1].sum(dim=0).detach().numpy()
            assert one.states.numpy() == pytest.approx(wanted, abs=1e-3)
    pairs = token_pairs(model, tokenizer, few(2))
    own = [
        torch.softmax(model(input_ids=torch.tensor([one.prompt])).logits[0, -1], dim=-1)
        for one in pairs
    ]
    wanted = torch.stack(own).detach().numpy()
    assert next_tokens(model, pairs).probabilities == pytest.approx(wanted, abs=1e-5)


def test_the_layout_is_told_and_a_wrong_one_is_no_result(tokenizer, monkeypatch):
    assert score_pairs(built("Mistral"), tokenizer, few(4)).settings["layout"] == "shared prompt"
    model = built("GPTNeo")
    found = score_pairs(model, tokenizer, few(4))
    assert found.settings["layout"] == "one sequence at a time"
    assert found.noise < 1e-3
    monkeypatch.setattr(logprob, "shares_prompts", lambda *_: True)
    with pytest.raises(ScoringError, match="plain scoring"):
        score_pairs(model, tokenizer, few(4))


def test_half_precision_is_audited_in_single(tokenizer, monkeypatch):
    exact = built("Qwen3")
    # as a model that is loaded in half precision: the weights, not the tables of positions
    half = built("Qwen3")
    for one, other in zip(half.parameters(), exact.parameters(), strict=True):
        one.data = other.data.to(torch.bfloat16)
        other.data = one.data.float()
    before = {name: one.clone() for name, one in half.state_dict().items()}
    found = score_pairs(half, tokenizer, few(), audit=100)
    assert found.settings["audited_in"] == "torch.float32"
    tokens = token_pairs(exact, tokenizer, few())
    wanted = [plain_logprob(exact, one.prompt, one.chosen)
              - plain_logprob(exact, one.prompt, one.rejected) for one in tokens]  # fmt: skip
    off = np.abs(found.scored["chosen"] - found.scored["rejected"] - wanted).max()
    assert found.noise == pytest.approx(off, abs=1e-3)
    assert found.noise > 1e-2
    # the weights came back as they were
    for name, one in half.state_dict().items():
        assert one.dtype == before[name].dtype
        assert torch.equal(one, before[name])
    monkeypatch.setattr(precision, "_free", lambda _: 0.0)
    short = score_pairs(half, tokenizer, few(), audit=100)
    assert short.settings["audited_in"] == "torch.bfloat16"
    numbers = ["chosen", "rejected"]
    assert short.scored[numbers].to_numpy() == pytest.approx(found.scored[numbers].to_numpy())


def test_weights_can_still_be_trained_after_scoring(tokenizer):
    model = built("Qwen3").to(torch.bfloat16)
    score_pairs(model, tokenizer, few(4))
    model(input_ids=torch.tensor([[5, 6, 7]]), labels=torch.tensor([[5, 6, 7]])).loss.backward()
    assert all(torch.isfinite(one.grad).all() for one in model.parameters())


def test_a_batch_of_groups_alone_is_that_of_single_ones():
    model, some = built("Mamba"), [*groups().values()]
    with torch.inference_mode():
        whole = score_groups(model, some, shared=False)
        single = [score_groups(model, [one], shared=False)[0] for one in some]
    assert [[x.total for x in row] for row in whole] == [[x.total for x in row] for row in single]
