"""Reward models: planted margins, a reward for length, subsets by enumeration."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import statsmodels.api as sm

import workbench as wb
from workbench.audit.models.optimisation import best_of_n, proxy_point, trade_off
from workbench.audit.models.relevance import relevance
from workbench.audit.models.reward_models import ensemble, margins_by_strength
from workbench.errors import DataError


def test_margins_grow_with_strength_as_planted_and_as_statsmodels_says():
    rng = np.random.default_rng(0)
    strength = rng.integers(1, 4, 600).astype(float)
    cluster = np.repeat(np.arange(300), 2)
    margin = 0.4 * strength + np.repeat(rng.normal(size=300), 2) + rng.normal(size=600)
    found = margins_by_strength(margin, strength, cluster.astype(str))
    table = found.to_frame().set_index("term")
    row = table.loc["slope per unit of strength"]
    oracle = sm.OLS(margin, sm.add_constant(strength)).fit(
        cov_type="cluster", cov_kwds={"groups": cluster, "use_correction": False}
    )
    assert row["estimate"] == pytest.approx(oracle.params[1])
    assert row["std_error"] == pytest.approx(oracle.bse[1], rel=0.01)
    assert row["conf_low"] < 0.4 < row["conf_high"]
    mine = margin[strength == 2]
    assert table.loc["mean margin at strength 2", "estimate"] == pytest.approx(mine.mean())
    assert table.loc["margin below 0 at strength 2", "estimate"] == pytest.approx((mine < 0).mean())
    with pytest.raises(DataError, match="strength"):
        margins_by_strength(margin, np.ones(600), cluster)


def test_a_reward_for_length_is_seen_through():
    data = wb.load("sample")

    def length(batch):
        return [float(np.log(len(text))) for _, text in batch]

    def shared(batch):
        """Words of the prompt that the response has."""
        return [len(set(p.split()) & set(t.split())) / (1 + len(set(t.split()))) for p, t in batch]

    table = relevance(data, length, n=150).to_frame().set_index("term")
    term = "beats a response to another prompt"
    # of matched length, so length is blind to what they are about
    assert 0.35 < table.loc[term, "estimate"] < 0.65
    assert table.loc["change where said again to twice the length", "conf_low"] > 0
    assert table.loc["change where cut to its first half", "conf_high"] < 0
    partial = table.loc["partial correlation with log length, given the preference"]
    assert partial["estimate"] == pytest.approx(1.0, abs=0.02)
    other = relevance(data, shared, n=150).to_frame().set_index("term")
    assert other.loc[term, "conf_low"] > table.loc[term, "estimate"]


def test_responses_without_a_reward_are_left_out_not_lost():
    data = wb.load("sample")

    def half(batch):
        return [float(len(text)) if len(text) % 2 else np.nan for _, text in batch]

    table = relevance(data, half, n=150).to_frame().set_index("term")
    row = table.loc["beats a response to another prompt"]
    # both of two rewards are there for about a quarter
    assert 15 < row["n"] < 75
    assert 0.2 < row["estimate"] < 0.8
    none = relevance(data, lambda batch: [np.nan] * len(batch), n=20).to_frame()
    assert none["estimate"].isna().all()
    assert none["reason"].notna().all()


def test_an_ensemble_s_spread_is_its_population_s():
    rng = np.random.default_rng(1)
    truth = rng.normal(size=400)
    margins = truth[:, None] + rng.normal(size=(400, 10)) * 0.5
    gold = (truth > 0).astype(float)
    found = ensemble(margins, np.arange(400).astype(str), gold).to_frame().set_index("term")
    spread = np.sqrt(((margins - margins.mean(axis=1, keepdims=True)) ** 2).mean(axis=1)).mean()
    assert found.loc["standard deviation over models", "estimate"] == pytest.approx(spread)
    assert found.loc["confirmed in decile 10 of the mean margin", "estimate"] == 1.0
    assert found.loc["confirmed in decile 1 of the mean margin", "estimate"] == 0.0
    tens = [k for k in found.index if "decile" in k]
    assert len(tens) == 10
    assert (found.loc[tens, "n"] == 40).all()
    with pytest.raises(DataError, match="no ensemble"):
        ensemble(margins[:, :1], np.arange(400))


def test_best_of_n_is_that_of_all_subsets():
    rng = np.random.default_rng(2)
    proxy, gold = rng.normal(size=14), rng.normal(size=14)
    prompt = ["p"] * 7 + ["q"] * 7
    found = best_of_n(proxy, gold, prompt, [1, 2, 3, 7]).to_frame().set_index("term")
    for n in (1, 2, 3, 7):
        wanted = [
            np.mean([gold[max(some, key=lambda k: proxy[k])] for some in combinations(own, n)])
            for own in (range(7), range(7, 14))
        ]
        assert found.loc[f"best of {n}", "estimate"] == pytest.approx(np.mean(wanted))
    assert found.loc["best of 2", "kl"] == pytest.approx(np.log(2) - 0.5)
    # equal proxies: no matter in which order they stand
    tied = best_of_n(np.array([1.0, 1.0]), np.array([0.0, 4.0]), ["p", "p"]).to_frame()
    assert tied["estimate"].tolist() == [2.0, 2.0]


def test_a_proxy_that_is_gamed_at_the_top_peaks_before_the_end():
    rng = np.random.default_rng(3)
    proxy = rng.normal(size=(200, 32))
    gold = np.where(proxy > 1.6, -2.0, proxy)
    found = best_of_n(proxy.ravel(), gold.ravel(), np.repeat(np.arange(200), 32).tolist())
    assert found.settings["best_n"] in (2, 4, 8)
    last = found.to_frame().iloc[-1]
    assert last["term"].startswith("best of 32 minus")
    assert last["conf_high"] < 0
    with pytest.raises(wb.WorkbenchError, match="sizes"):
        best_of_n(proxy.ravel(), gold.ravel(), np.repeat(np.arange(200), 32).tolist(), [64])
    with pytest.raises(DataError, match="choose from"):
        best_of_n(np.ones(1), np.ones(1), ["p"])


def test_heads_trade_off_and_their_area_is_that_by_hand():
    heads = np.array([[4.0, 0.0], [3.0, 2.0], [0.0, 3.0], [0.0, 0.0]])
    found = trade_off(heads, ["p"] * 4, (0, 45, 90))
    assert found.settings["monotone"]
    # (4, 0), (3, 2), (0, 3) above (0, 0): 3 x 2, and nothing where a side is 0
    assert found.settings["hypervolume"] == pytest.approx(6.0)
    values = found.to_frame().set_index("term")["estimate"]
    assert values["first head at 45 degrees"] == 3.0
    assert values["second head at 90 degrees"] == 3.0


def test_the_proxy_point_of_two_components_is_found():
    grid = np.array([(x, y) for x in range(6) for y in range(6)], dtype=float)
    rng = np.random.default_rng(4)
    evaluation = -((grid[:, 0] - 3) ** 2) - 2 * (grid[:, 1] - 1) ** 2 + rng.normal(size=36) * 0.1
    found = proxy_point(grid, evaluation)
    assert found["point"].tolist() == [3.0, 1.0]
    assert found["lost_after"] == pytest.approx(4 + 32, rel=0.1)
    assert found["r_squared"] > 0.99
    with pytest.raises(DataError, match="too few"):
        proxy_point(grid[:5], evaluation[:5])
