"""Adapters, reward heads, density ratios, follow-ups and servers, against plain computation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import workbench as wb
from tests.llm_server import serving
from tests.plain_scoring import plain_logprob
from tests.scoring.test_logprob import few, made
from workbench.errors import ConfigError, ScoringError
from workbench.judges.likelihood import DensityRatioJudge, FollowUpJudge
from workbench.llm.endpoint import Endpoint
from workbench.llm.prompt_logprobs import ServerScorer
from workbench.scoring.layout import Group
from workbench.scoring.logprob import edit_similarity, score_pairs
from workbench.scoring.models import load_model, load_reward, require_one_vocabulary
from workbench.scoring.rewards import RewardHead
from workbench.scoring.tokens import TokenPolicy, encode
from workbench.scoring.tree import score_groups

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")


def test_an_adapter_goes_onto_its_base(tokenizer, tmp_path):
    peft = pytest.importorskip("peft")
    base, folder = tmp_path / "base", tmp_path / "adapter"
    model = made("tied")
    model.save_pretrained(base)
    tokenizer.save_pretrained(base)
    config = peft.LoraConfig(r=2, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    torch.manual_seed(1)
    onto = transformers.AutoModelForCausalLM.from_pretrained(base)
    with_adapter = peft.get_peft_model(onto, config).eval()
    with_adapter.save_pretrained(folder)
    text = few(3)
    plain, names = load_model(str(base))
    for loaded in (load_model(str(folder))[0], load_model(str(base), str(folder))[0]):
        found = score_pairs(loaded, names, text).scored
        one = text.pairs.iloc[0]
        pair = encode(names, one["prompt"], one["response_a"], one["response_b"], TokenPolicy())
        both = (pair.chosen, pair.rejected)
        wanted = sorted(plain_logprob(with_adapter, pair.prompt, side) for side in both)
        row = found.set_index("pair_id").loc[one["pair_id"]]
        assert sorted([row["chosen"], row["rejected"]]) == pytest.approx(wanted, abs=1e-3)
        base_row = score_pairs(plain, names, text).scored.iloc[0]
        assert abs(base_row["chosen"] - found.iloc[0]["chosen"]) > 1e-2
    with pytest.raises(ConfigError, match="cannot be loaded"):
        load_model(str(base), str(tmp_path / "absent"))


@pytest.mark.parametrize("heads", [1, 3])
def test_a_reward_head_is_that_of_one_text_at_a_time(heads, tokenizer, tmp_path):
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
             "vocab_size": 300, "intermediate_size": 48, "num_key_value_heads": 2}  # fmt: skip
    config = transformers.LlamaConfig(**sizes, num_labels=heads, pad_token_id=1)
    folder = tmp_path / "rm"
    transformers.LlamaForSequenceClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    model, names = load_reward(str(folder))
    texts = [("Hi", word) for word in ("a", "b", "cc </s> d", "a longer one", "b", "</s> x")]
    head = RewardHead(model, names, TokenPolicy("raw"))
    found = head.heads(texts)
    assert found.shape == (6, heads)
    for row, (prompt, response) in zip(found, texts, strict=True):
        ids = torch.tensor([names(f"{prompt}{response}")["input_ids"]])
        # the head on the last token's state; EOS behind it is padding, where no head is read
        states = model.model(input_ids=ids).last_hidden_state[0, -1]
        assert row == pytest.approx(model.score(states).detach().numpy(), abs=1e-5)
    if heads == 1:
        judged = wb.RewardJudge(head, "rm").verdicts(few(4))
        assert judged["preference"].isin([0.0, 0.5, 1.0]).all()
        assert model.config.pad_token_id == 1
    else:
        with pytest.raises(ScoringError, match="several heads"):
            head(texts)


def test_a_density_ratio_is_the_difference_of_plain_scores(tokenizer):
    strong, weak = made("tied"), made("absolute")
    data = few(12)
    judge = DensityRatioJudge(strong, weak, tokenizer, "ratio", beta=0.5)
    a, b = judge.rewards(data.pairs)
    for k, row in enumerate(data.pairs.to_dict("records")):
        one = encode(tokenizer, row["prompt"], row["response_a"], row["response_b"], TokenPolicy())
        if len(one.prompt) + max(len(one.chosen), len(one.rejected)) > 1024:
            assert np.isnan([a[k], b[k]]).all()  # longer than one model's context
            continue
        for found, side in ((a[k], one.chosen), (b[k], one.rejected)):
            wanted = plain_logprob(strong, one.prompt, side) - plain_logprob(weak, one.prompt, side)
            assert found == pytest.approx(0.5 * wanted, abs=1e-3)
    verdicts, known = judge.verdicts(data), np.isfinite(a)
    assert 2 <= known.sum() < 12
    assert verdicts["preference"][known].tolist() == (a > b)[known].astype(float).tolist()
    assert (verdicts["preference"].isna() == ~known).all()
    # each signal is a judge, so it decomposes
    labelled = wb.judge(few(40), judge)
    assert "ratio" in labelled.data.annotators["annotator"].tolist()


def test_two_vocabularies_are_refused(tokenizer):
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = Tokenizer(models.WordLevel({"a": 0, "b": 1}))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    other = transformers.PreTrainedTokenizerFast(tokenizer_object=words)
    require_one_vocabulary(tokenizer, tokenizer)
    with pytest.raises(ConfigError, match="one tokenizer"):
        require_one_vocabulary(tokenizer, other)
    with pytest.raises(ConfigError, match="one tokenizer"):
        DensityRatioJudge(made("tied"), made("tied"), tokenizer, "x", other_tokenizer=other)


@pytest.mark.parametrize("mode", ["raw", "chat"])
def test_follow_ups_are_real_log_likelihoods(mode, tokenizer):
    model = made("tied").eval()
    said = {"liked": ["Good.", "Right."], "disliked": ["No."]}
    judge = FollowUpJudge(model, tokenizer, "flr", **said) if mode == "raw" else FollowUpJudge(
        model, tokenizer, "flr", **said, policy=TokenPolicy(mode))  # fmt: skip
    found = judge.score([("What is it?", "A cat.")])[0]
    if mode == "raw":
        start = "What is it? A cat."
        whole = [f"{start} {one}" for one in ("Good.", "Right.", "No.")]
    else:
        start = "<s>user: What is it?</s>\n<s>assistant: A cat.</s>\n<s>user: "
        whole = [start + one for one in ("Good.", "Right.", "No.")]
    values = []
    for text in whole:
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        first = len(tokenizer(start, add_special_tokens=False)["input_ids"])
        values.append(plain_logprob(model, ids[:first], ids[first:]))
    assert found == pytest.approx((values[0] + values[1]) / 2 - values[2], abs=1e-3)
    assert set(judge.verdicts(few(3))["preference"]) <= {0.0, 0.5, 1.0}


def test_many_responses_share_one_prompt_and_see_none_of_each_other():
    model = made("softcap").eval()
    rng = np.random.default_rng(0)

    def some(n):
        return tuple(int(x) for x in rng.integers(0, 299, n))

    groups = [Group(some(7), (some(3), some(5), some(1), some(4))), Group(some(2), (some(6),))]
    with torch.inference_mode():
        found = score_groups(model, groups)
    for group, responses in zip(groups, found, strict=True):
        for target, one in zip(group.responses, responses, strict=True):
            assert one.total == pytest.approx(plain_logprob(model, group.prompt, target), abs=1e-3)
            assert len(one.tokens) == len(target)


def test_tokens_of_the_same_pass_add_up(tokenizer):
    found = score_pairs(made("tied"), tokenizer, few(4), per_token=True).scored
    for row in found.to_dict("records"):
        assert sum(row["chosen_tokens"]) == pytest.approx(row["chosen"])
        assert len(row["rejected_tokens"]) == row["n_rejected"]


def test_edit_similarity_is_that_of_the_table_by_hand():
    def slow(one, other):
        rows = [[max(i, j) if i * j == 0 else 0 for j in range(len(other) + 1)]
                for i in range(len(one) + 1)]  # fmt: skip
        for i in range(1, len(one) + 1):
            for j in range(1, len(other) + 1):
                rows[i][j] = min(rows[i - 1][j] + 1, rows[i][j - 1] + 1,
                                 rows[i - 1][j - 1] + (one[i - 1] != other[j - 1]))  # fmt: skip
        return -rows[-1][-1] / max(len(one), len(other))

    rng = np.random.default_rng(0)
    for _ in range(50):
        one, other = (rng.integers(0, 4, rng.integers(1, 12)).tolist() for _ in range(2))
        assert edit_similarity(one, other) == pytest.approx(slow(one, other))


def test_a_server_s_prompt_log_probabilities_are_summed_after_the_prompt():
    with serving() as server:
        scorer = ServerScorer(Endpoint(server.url), "m")
        # " is" and " blue." have 3 and 6 characters
        assert scorer.logprob("The sky", "is blue.") == (pytest.approx(-0.9), 2)
        judge = wb.RewardJudge(scorer.many, "server")
        assert judge.verdicts(few(3))["preference"].notna().all()
        with pytest.raises(ScoringError, match="beginning"):
            scorer.logprob("The sk", "y is blue.", separator="")
        silent = replace(scorer.endpoint)
        with pytest.raises(ScoringError, match="no log-probabilities"):
            ServerScorer(silent, "silent").logprob("a", "b")
