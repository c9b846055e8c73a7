"""Scores of tiny random models against plain scoring, transformers' loss and a naive loop."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.plain_scoring import plain_logprob
from workbench.audit.models.ranking import ranking_accuracy
from workbench.errors import ScoringError
from workbench.scoring.logprob import score_pairs
from workbench.scoring.tokens import TokenPolicy, encode

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 300,
         "intermediate_size": 48, "num_key_value_heads": 2}  # fmt: skip


def made(kind: str):
    torch.manual_seed(0)
    if kind == "tied":
        config = transformers.LlamaConfig(**SIZES, tie_word_embeddings=True)
        return transformers.LlamaForCausalLM(config)
    if kind == "absolute":
        config = transformers.GPT2Config(n_embd=32, n_layer=2, n_head=4, vocab_size=300)
        return transformers.GPT2LMHeadModel(config)
    if kind == "softcap":
        caps = {"final_logit_softcapping": 2.0, "attn_logit_softcapping": 5.0}
        config = transformers.Gemma2Config(**SIZES, **caps, head_dim=8, sliding_window=4096)
        model = transformers.Gemma2ForCausalLM(config)
        # large logits, so that the cap matters
        model.get_output_embeddings().weight.data *= 20
        return model
    config = transformers.CohereConfig(**SIZES, logit_scale=0.5)
    return transformers.CohereForCausalLM(config)


def few(n: int = 12) -> wb.PreferenceData:
    data = wb.load("sample").filter(kinds=["human"])
    return data.filter(pair_ids=data.pairs["pair_id"][:n])


KINDS = ("tied", "absolute", "softcap", "scaled")


@pytest.mark.parametrize("mode", ["raw", "chat"])
@pytest.mark.parametrize("kind", KINDS)
def test_scores_are_those_of_plain_scoring(kind, mode, tokenizer):
    model, policy = made(kind), TokenPolicy(mode)
    found = score_pairs(model, tokenizer, few(), policy=policy, budget=1500, audit=4)
    assert found.noise < 1e-3
    texts = few().pairs.set_index("pair_id")
    for row in found.scored.head(5).to_dict("records"):
        pair = texts.loc[row["pair_id"]]
        both = {}
        for side in "ab":
            other = pair["response_b" if side == "a" else "response_a"]
            one = encode(tokenizer, pair["prompt"], pair[f"response_{side}"], other, policy)
            both[side] = plain_logprob(model.eval(), one.prompt, one.chosen)
        scores = sorted([row["chosen"], row["rejected"]])
        assert scores == pytest.approx(sorted(both.values()), abs=1e-3)


def test_the_sum_is_transformers_own_loss(tokenizer):
    model = made("tied").eval()
    one = encode(tokenizer, "Hello there.", "How are you?", "No.", TokenPolicy())
    ids = torch.tensor([[*one.prompt, *one.chosen]])
    labels = ids.clone()
    labels[0, : len(one.prompt)] = -100
    loss = model(input_ids=ids, labels=labels).loss.item()
    assert plain_logprob(model, one.prompt, one.chosen) == pytest.approx(
        -loss * len(one.chosen), rel=1e-5
    )


def test_ches_is_that_of_a_naive_loop(tokenizer):
    model = made("tied").eval()
    data = few(4)
    row = score_pairs(model, tokenizer, data).scored.iloc[0]
    pair = data.pairs.set_index("pair_id").loc[row["pair_id"]]
    lean = data.labels[data.labels["pair_id"] == row["pair_id"]]
    a = ((lean["preference"] - 0.5) * lean["weight"]).sum() > 0
    sides = (
        (pair["response_a"], pair["response_b"]) if a else (pair["response_b"], pair["response_a"])
    )
    one = encode(tokenizer, pair["prompt"], *sides, TokenPolicy())
    sums = []
    for response in (one.chosen, one.rejected):
        ids = torch.tensor([[*one.prompt, *response]])
        states = model(input_ids=ids, output_hidden_states=True).hidden_states[-1][0].detach()
        total = torch.zeros(32)
        for k in range(len(one.prompt) - 1, len(one.prompt) + len(response) - 1):
            total = total + states[k]
        sums.append(total)
    n, m = len(one.chosen), len(one.rejected)
    cross, own = float(sums[0] @ sums[1]), float(sums[0] @ sums[0])
    assert row["ches"] == pytest.approx(cross - own, rel=1e-3, abs=1e-2)
    assert row["ln_ches"] == pytest.approx(cross / n / m - own / n**2, rel=1e-3, abs=1e-4)


def test_batches_do_not_change_scores(tokenizer):
    model = made("absolute")
    one = score_pairs(model, tokenizer, few(), budget=200).scored.set_index("pair_id")
    two = score_pairs(model, tokenizer, few(), budget=8000).scored.set_index("pair_id")
    columns = ["chosen", "rejected"]
    assert one[columns].to_numpy() == pytest.approx(two[columns].to_numpy(), abs=1e-3)


def test_memory_that_does_not_suffice_halves_the_batch(tokenizer, monkeypatch):
    from workbench.scoring import logprob

    whole = score_pairs(made("tied"), tokenizer, few()).table
    inner, sizes = logprob._score, []

    def small(model, pairs, names, *rest):
        sizes.append(len(names))
        if len(names) > 2:
            raise RuntimeError("CUDA out of memory. Tried to allocate")
        return inner(model, pairs, names, *rest)

    monkeypatch.setattr(logprob, "_score", small)
    again = score_pairs(made("tied"), tokenizer, few()).table
    assert max(sizes) > 2
    numbers = ["chosen", "rejected"]
    assert again[numbers].to_numpy() == pytest.approx(whole[numbers].to_numpy(), abs=1e-3)


def test_a_pair_that_does_not_fit_alone_is_left_out_and_tried_again(tokenizer, tmp_path):
    # one response of the largest pair has 1,078 tokens; the other pairs have 1,000 at most in all
    names = few().pairs["pair_id"].to_numpy()
    data, large = few().filter(pair_ids=names[[1, 3, 4, 5, 7, 8]]), 2
    model = made("tied")

    def small(_module, _arguments, named):
        # also where both ways of scoring are tried, and where the pair is audited
        if named["input_ids"].shape[1] > 1050:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate")

    hook = model.base_model.register_forward_pre_hook(small, with_kwargs=True)
    found = score_pairs(model, tokenizer, data, folder=tmp_path)
    assert "memory" in found.table["reason"][large]
    assert found.table["reason"].drop(large).isna().all()
    assert found.settings["layout"] == "shared prompt"
    assert found.settings["audited"] == len(found.table) - 1
    # no score is kept of it: more memory, and it has one
    hook.remove()
    assert score_pairs(model, tokenizer, data, folder=tmp_path).table["reason"].isna().all()


def test_a_killed_run_goes_on_and_ends_the_same(tokenizer, tmp_path, monkeypatch):
    from workbench.scoring import logprob

    model, whole = made("tied"), score_pairs(made("tied"), tokenizer, few(), budget=600)
    inner, asked = logprob._score, []

    def killed(model, pairs, names, *rest):
        asked.extend(names)
        if len(asked) > 5:
            raise KeyboardInterrupt
        return inner(model, pairs, names, *rest)

    monkeypatch.setattr(logprob, "_score", killed)
    with pytest.raises(KeyboardInterrupt):
        score_pairs(model, tokenizer, few(), budget=600, folder=tmp_path)
    monkeypatch.setattr(logprob, "_score", inner)
    kept = len(logprob.Parts(tmp_path, json.loads((tmp_path / "settings.json").read_text())).read())
    assert 0 < kept < len(whole.scored)
    monkeypatch.setattr(
        logprob, "_score", lambda m, p, n, *r: asked.extend(n) or inner(m, p, n, *r)
    )
    asked.clear()
    again = score_pairs(model, tokenizer, few(), budget=600, folder=tmp_path)
    assert len(asked) == len(whole.scored) - kept
    columns = ["chosen", "rejected", "ln_ches"]
    assert again.table[columns].to_numpy() == pytest.approx(
        whole.table[columns].to_numpy(), abs=1e-3
    )
    with pytest.raises(wb.ConfigError, match="another run"):
        score_pairs(model, tokenizer, few(6), folder=tmp_path)
    # other weights under the same name are another model: nothing old is taken up
    model.get_output_embeddings().weight.data[0] += 1.0
    with pytest.raises(wb.ConfigError, match="weights"):
        score_pairs(model, tokenizer, few(), budget=600, folder=tmp_path)


def test_ties_and_pairs_without_a_verdict_are_counted(tokenizer):
    pairs = pd.DataFrame({"prompt": "Hi", "response_a": list("abcd"), "response_b": "no"})
    labels = pd.DataFrame(
        {"pair": [0, 1, 1, 2, 2], "annotator": ["ann", "ann", "ben", "ann", "ben"],
         "preference": [1.0, 1.0, 0.0, 0.0, np.nan]}
    )  # fmt: skip
    data = wb.PreferenceData.from_tables(pairs, labels)
    ids = dict(zip("abcd", data.pairs["pair_id"], strict=True))
    found = score_pairs(made("tied"), tokenizer, data).table.set_index("pair_id")["reason"]
    assert found[ids["b"]] == "tie"
    assert found[ids["d"]] == "no verdict"
    assert found[[ids["a"], ids["c"]]].isna().all()
    ben = score_pairs(made("tied"), tokenizer, data, ["ben"]).table.set_index("pair_id")["reason"]
    assert ben[ids["a"]] == "no verdict"
    assert pd.isna(ben[ids["b"]])
    both = score_pairs(made("tied"), tokenizer, data, ["ann", "ben"]).table
    assert both["reason"].eq("tie").sum() == 1


def test_what_cannot_be_scored_is_counted_with_its_reason(tokenizer):
    texts = ["yes", "", "word " * 400]
    pairs = pd.DataFrame({"prompt": "Hi there", "response_a": texts, "response_b": "no"})
    labels = pd.DataFrame({"pair": [0, 1, 2], "annotator": "ann", "preference": 1.0})
    data = wb.PreferenceData.from_tables(pairs, labels)
    config = transformers.GPT2Config(n_embd=32, n_layer=1, n_head=4, vocab_size=300, n_positions=64)
    found = score_pairs(transformers.GPT2LMHeadModel(config), tokenizer, data)
    reasons = found.table["reason"].tolist()
    assert found.table["reason"].isna().tolist() == [True, False, False]
    assert "no token" in reasons[1]
    assert "context" in reasons[2]
    assert len(found.scored) == 1
    broken = made("tied")
    broken.get_output_embeddings().weight.data[:] = float("nan")
    lost = score_pairs(broken, tokenizer, data.filter(pair_ids=data.pairs["pair_id"][:1]), audit=0)
    assert "finite" in lost.table["reason"].iloc[0]


def test_a_prompt_that_is_no_prefix_fails_or_backs_off(tokenizer):
    glued = TokenPolicy(eos=False, back_off=False)
    words = [t for t in tokenizer.get_vocab() if t.isalpha() and len(t) >= 3]
    word = max(words, key=len)
    with pytest.raises(ScoringError, match="prefix"):
        encode(tokenizer, word[:-1], word[-1] + " and so on", word[-1] + ".", glued)
    back = encode(tokenizer, "x " + word[:-1], word[-1] + " and so on", word[-1] + ".",
                  TokenPolicy(eos=False))  # fmt: skip
    assert tokenizer.decode([*back.prompt, *back.chosen]) == f"x {word} and so on"
    bare = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer.backend_tokenizer)
    with pytest.raises(ScoringError, match="chat template"):
        encode(bare, "x", "y", "z", TokenPolicy("chat"))


def test_chat_scores_up_to_the_end_of_the_turn(tokenizer):
    one = encode(tokenizer, "Hello", "Yes", "No", TokenPolicy("chat"))
    assert tokenizer.decode(one.chosen) == "Yes</s>"
    assert tokenizer.decode(one.prompt).endswith("assistant: ")
    raw = encode(tokenizer, "Hello", "Yes", "No", TokenPolicy(eos=True))
    assert raw.chosen[-1] == tokenizer.eos_token_id


def test_scores_go_into_the_ranking_accuracy(tokenizer):
    scores = score_pairs(made("tied"), tokenizer, few(40))
    found = ranking_accuracy(scores.scored, band=scores.noise)
    assert found.to_frame()["n"].iloc[0] == len(scores.scored)
    margins = scores.scored["chosen"] - scores.scored["rejected"]
    value = found.to_frame()["estimate"].iloc[0]
    assert value == pytest.approx(np.mean(margins > 0), abs=0.05)
