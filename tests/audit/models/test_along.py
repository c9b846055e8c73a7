"""Where in the response a margin arises: a planted token, sums by hand, odd data."""

from __future__ import annotations

import copy

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.audit.models.likelihoods.along import GINI, HALF, along, by_tenth, unevenness
from workbench.errors import DataError, DesignError

REST = "the rest"


def scores(chosen: list, rejected: list, cluster: list | None = None) -> pd.DataFrame:
    n = len(chosen)
    return pd.DataFrame({"pair_id": [f"p{k}" for k in range(n)],
                         "cluster": cluster or [f"c{k}" for k in range(n)],
                         "chosen_tokens": chosen, "rejected_tokens": rejected})  # fmt: skip


def rows(found: wb.Result) -> pd.DataFrame:
    return found.to_frame().set_index("term")


def test_tenths_are_sums_of_tokens_by_their_parts() -> None:
    assert by_tenth(np.arange(20.0)).tolist() == [2 * (2 * k) + 1 for k in range(10)]
    odd = np.array([3.0, -1.0, 2.0])
    parts = by_tenth(odd)
    assert parts.sum() == pytest.approx(odd.sum())
    # the fourth tenth lies from 0.9 to 1.2 tokens
    assert parts[3] == pytest.approx(0.1 * 3 + 0.2 * -1)


def test_gini_is_that_of_all_differences() -> None:
    values = np.random.default_rng(0).exponential(size=30)
    every = np.abs(values[:, None] - values).mean() / (2 * values.mean())
    assert unevenness(values) == pytest.approx(every)


def test_shares_add_up_and_intervals_know_clusters() -> None:
    rng = np.random.default_rng(0)
    chosen = [rng.normal(0.3, 1, rng.integers(8, 30)) for _ in range(60)]
    rejected = [rng.normal(0.0, 1, rng.integers(8, 30)) for _ in range(60)]
    table = rows(along(scores(chosen, rejected)))
    tenths = table[table.index.str.startswith("tenth")]
    margin = table.loc["margin", "estimate"]
    by_hand = np.mean([one.sum() - two.sum() for one, two in zip(chosen, rejected, strict=True)])
    assert margin == pytest.approx(by_hand)
    assert tenths["estimate"].sum() == pytest.approx(margin)
    assert tenths["share"].sum() == pytest.approx(1)
    assert table.loc[["first 5 tokens", REST], "share"].sum() == pytest.approx(1)
    # each pair twice is no more data
    names = [f"c{k}" for k in range(60)]
    twice = rows(along(scores(chosen * 2, rejected * 2, names * 2)))
    one, two = table.loc["tenth 3"], twice.loc["tenth 3"]
    assert two["conf_low"] == pytest.approx(one["conf_low"], rel=1e-6)
    assert two["share_high"] == pytest.approx(one["share_high"], rel=1e-6)
    # rows in another order
    some = scores(chosen, rejected)
    other = rows(along(some.iloc[::-1].reset_index(drop=True)))
    assert other["estimate"].to_numpy() == pytest.approx(table["estimate"].to_numpy())


def test_a_margin_of_nothing_has_no_shares() -> None:
    rng = np.random.default_rng(1)
    chosen = [rng.normal(0, 1, 9) for _ in range(20)]
    table = rows(along(scores(chosen, [one[::-1] for one in chosen])))
    assert table.loc["tenth 1", "share_reason"] == "the margin is not clearly away from 0"
    assert np.isnan(table.loc["tenth 1", "share"])
    flat = along(scores([[0.0, 0.0]] * 3, [[0.0]] * 3))
    assert np.isnan(rows(flat).loc[HALF, "estimate"])
    assert "carry nothing" in flat.summary()


@pytest.mark.parametrize(
    "broken",
    [
        scores([[-1.0]], [[-1.0]]).drop(columns="chosen_tokens"),
        scores([[]], [[-1.0]]),
        scores([[np.nan]], [[-1.0]]),
        scores([], []),
    ],
)
def test_scores_without_tokens_are_refused(broken: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="log-probabilities of the tokens"):
        along(broken)


def test_options_and_other_tokens_are_refused() -> None:
    one = scores([[-1.0, -1.0]], [[-1.0]])
    with pytest.raises(DesignError):
        along(one, first=0)
    with pytest.raises(DataError):
        along(one, scores([[-1.0]], [[-1.0]]))
    single = rows(along(one))
    assert single.loc["margin", "reason"] == "one cluster" or single["conf_low"].isna().any()


def test_a_model_whose_margin_lies_in_one_token(tokenizer) -> None:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    from workbench.scoring.logprob import score_pairs

    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        hidden_size=32, num_hidden_layers=1, num_attention_heads=4, num_key_value_heads=2,
        vocab_size=300, intermediate_size=48,
    )  # fmt: skip
    base = transformers.LlamaForCausalLM(config)
    head = torch.nn.Linear(32, 300, bias=True)
    head.weight.data, head.bias.data = base.lm_head.weight.data.clone(), torch.zeros(300)
    base.lm_head = head
    trained = copy.deepcopy(base)
    (token,) = tokenizer("~", add_special_tokens=False)["input_ids"]
    trained.lm_head.bias.data[token] = -6.0
    texts = wb.load("sample").pairs["response_a"].str[:80].head(12)
    pairs = pd.DataFrame({"prompt": [f"q{k}" for k in range(12)],
                          "response_a": texts + "!", "response_b": texts + "~"})  # fmt: skip
    labels = pd.DataFrame({"pair": range(12), "annotator": "eye", "preference": 1.0})
    data = wb.PreferenceData.from_tables(pairs, labels)
    last, first = (score_pairs(one, tokenizer, data, per_token=True).scored
                   for one in (trained, base))  # fmt: skip
    found = along(last, first)
    table = rows(found)
    assert table.loc["margin", "estimate"] == pytest.approx(6, abs=0.1)
    assert table.loc["tenth 10", "share"] > 0.8
    assert abs(table.loc["first 5 tokens", "share"]) < 0.02
    assert table.loc[HALF, "estimate"] == pytest.approx((1 / found.pairs["n_tokens"]).mean())
    assert table.loc[GINI, "estimate"] > 0.9
