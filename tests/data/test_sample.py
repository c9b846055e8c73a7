"""The generated sample: what its plan says is true of it."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import workbench as wb
from workbench.data.sample import (
    JUDGES,
    PEOPLE,
    PLANTED,
    REWARD,
    draw_labels,
    generate,
    ledger,
    load,
    plan,
)
from workbench.errors import DataError
from workbench.factors import STYLE

IDLE = ("headers", "numbered_items", "code_blocks", "links", "refusals", "politeness", "certainty")
RUNS = 200


@pytest.fixture(scope="module")
def scored():
    return wb.score_factors(load(), STYLE)


def test_the_same_seed_gives_the_same_data():
    one, two, other = (generate(300, seed)[0] for seed in (5, 5, 6))
    assert one.digest == two.digest
    assert one.digest != other.digest
    pd.testing.assert_frame_equal(one.pairs, two.pairs)
    pd.testing.assert_frame_equal(one.labels, two.labels)
    assert one.load_report == two.load_report


def test_numbers_in_the_labels_have_few_digits():
    """The last bits of a logarithm differ between machines; the digest must not."""
    strength = load().labels["strength"].dropna().to_numpy()
    np.testing.assert_array_equal(strength, strength.round(6))
    assert len(strength) == 2000


def test_who_and_how_many():
    data = load()
    assert len(data.pairs) == 2000
    assert data.pairs["scenario"].nunique() == 3
    assert data.pairs["scenario"].value_counts().min() > 500
    kinds = data.annotators.set_index("annotator")["kind"]
    assert kinds.value_counts().to_dict() == {"human": 12, "llm": 3, "reward_model": 1}
    assert set(kinds.index) == {*PEOPLE, *JUDGES, REWARD}
    people = data.labels[data.labels["kind"] == "human"]
    assert (people.groupby("pair_id").size() == 3).all()
    assert people.groupby("annotator").size().min() > 400
    assert data.pairs["prompt_id"].nunique() > 600
    assert (data.pairs["cluster"] == data.pairs["prompt_id"]).all()


def test_every_name_says_that_it_is_simulated():
    data = load()
    names = {*data.labels["annotator"], *data.pairs["model_a"], *data.pairs["model_b"]}
    assert all(name.startswith("sim-") for name in names)
    assert "simulated" in data.load_report.source
    assert "simulated" in str(data.load_report)


def test_ties_and_missing_verdicts_have_the_shares_of_the_plan():
    data, truth = load(), plan()
    judged = data.labels[data.labels["kind"] == "llm"]
    voted = data.labels[data.labels["kind"] == "human"]
    shares = {"tie": truth.tie_share, "both_bad": truth.both_bad_share}
    missing = {"failed": truth.failed_share, "not_applicable": truth.not_applicable_share}
    for labels, expected in ((judged, shares | missing), (voted, shares)):
        found = labels["reason"].value_counts() / len(labels)
        assert set(found.index) == set(expected)
        for reason, share in expected.items():
            assert found[reason] == pytest.approx(share, abs=4 * np.sqrt(share / len(labels)))
    assert judged.loc[judged["reason"].isin(list(missing)), "preference"].isna().all()
    assert (judged.loc[judged["reason"].isin(list(shares)), "preference"] == 0.5).all()
    failed = judged["reason"] == "failed"
    assert judged.loc[failed, "raw"].str.contains("simulated").all()
    assert data.labels["raw"].notna().sum() == failed.sum()


def test_left_out_rows_are_those_that_were_made_unusable():
    report = load().load_report
    assert {name: entry.count for name, entry in report.left_out.items()} == {
        "unparseable": 7,
        "no judgement": 5,
        "duplicate": 9,
    }
    # three votes, three judges and a reward model a pair, and 300 pairs shown again
    assert report.rows_kept == 2000 * (3 + 3 + 1) + 300
    assert report.rows_read == report.rows_kept + 21
    assert (load().pairs["response_b"].str.len() > 0).all()
    assert (load().pairs["response_a"] != load().pairs["response_b"]).all()


def test_a_sample_needs_a_pair():
    with pytest.raises(DataError, match="n_pairs=0"):
        generate(0)
    assert len(generate(1, seed=3)[0].pairs) == 1


def test_one_judge_saw_some_pairs_in_both_orders():
    judged = load().labels.query("annotator == 'sim-judge-plain'")
    both = judged.groupby("pair_id")["order_shown"].nunique()
    assert (both == 2).sum() == 300
    assert set(judged["replicate"]) == {0}
    judges = load().labels.query("kind == 'llm'")
    first = judges[~judges.duplicated(["pair_id", "annotator"])]["order_shown"]
    assert (first == "ab").mean() == pytest.approx(0.5, abs=4 * np.sqrt(0.25 / len(first)))


def test_the_reward_model_prefers_by_the_sign_of_a_margin():
    labels = load().labels.query("kind == 'reward_model'")
    assert (labels["strength"] > 0).all()
    assert labels["preference"].isin([0.0, 1.0]).all()
    assert labels["order_shown"].isna().all()


def test_texts_are_finished():
    data = load()
    for column in ("prompt", "response_a", "response_b"):
        text = data.pairs[column]
        prose = text.str.replace(re.compile(r"^```.*?^```$", re.M | re.S), "code", regex=True)
        assert (prose.str.len() > 20).all()
        assert not prose.str.contains(r"[{}]|  |\n\n\n").any()
        assert (text.str.count("```") % 2 == 0).all()
        assert (prose.str.count(r"\*\*") % 2 == 0).all()
    for prompt in data.pairs["prompt"].unique():
        assert prompt[0].isupper()
        assert prompt[-1] in ".?"


def test_no_reply_says_the_same_twice():
    for text in pd.concat([load().pairs["response_a"], load().pairs["response_b"]]):
        prose = re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)
        sentences = re.findall(r"[A-Z][^.?!\n*]{20,}[.?!]", prose)
        assert len(sentences) == len(set(sentences))


def test_replies_are_about_their_prompt():
    """A reply shares more words with its own prompt than with another one's."""
    pairs = load().pairs.query("scenario == 'summaries'")

    def shared(prompts):
        words = [set(re.findall(r"\w{5,}", text.lower())) for text in prompts]
        replies = [set(re.findall(r"\w{5,}", text.lower())) for text in pairs["response_a"]]
        return np.mean([len(w & r) / len(w) for w, r in zip(words, replies, strict=True)])

    assert shared(pairs["prompt"]) > 2 * shared(np.roll(pairs["prompt"].to_numpy(), 7))


def test_the_ledger_is_what_the_factors_count(scored):
    for side in ("a", "b"):
        counted = pd.DataFrame([ledger(text) for text in scored.pairs[f"response_{side}"]])
        for name in PLANTED:
            values = scored.factor_values[f"{name}_{side}"]
            np.testing.assert_array_equal(counted[name], values, err_msg=name)


def test_the_codings_of_the_plan_are_those_of_the_factors(scored):
    a, b = (
        pd.DataFrame([ledger(text) for text in scored.pairs[side]])
        for side in ("response_a", "response_b")
    )
    assert set(plan().codings) == set(PLANTED)
    for name, coding in plan().codings.items():
        applied = scored.factor_specs[name]["coding"]
        assert applied["scale"] == pytest.approx(coding["scale"], rel=1e-12)
        assert applied["transform"] == coding["transform"]
        assert applied["standardise"] == coding["standardise"]
        total = (a[name] + b[name]).clip(lower=1)
        coded = (a[name] - b[name]) / total / coding["scale"]
        np.testing.assert_allclose(scored.factors[name], coded, rtol=0, atol=1e-12)


def test_planted_factors_correlate_but_can_be_told_apart(scored):
    x = scored.factors[list(PLANTED)].to_numpy()
    off_diagonal = np.corrcoef(x.T)[np.triu_indices(len(PLANTED), 1)]
    assert np.abs(off_diagonal).max() > 0.2
    assert np.linalg.cond(x) < 10


def test_draw_labels_follows_the_logistic_model():
    rng = np.random.Generator(np.random.PCG64(1))
    n = 40_000
    x = np.tile([[1.0, -2.0]], (n, 1))
    labels = draw_labels(x, np.array([0.5, 0.1]), 0.4, np.repeat([1.0, -1.0], n // 2), rng)
    # 0.5 - 0.2 + 0.4 = 0.7 where A came first, -0.1 where B did: 1 / (1 + e^-u)
    for half, p in ((labels[: n // 2], 0.668188), (labels[n // 2 :], 0.475021)):
        assert half.mean() == pytest.approx(p, abs=4 * np.sqrt(p * (1 - p) / (n / 2)))


def _fit(data, name, half):
    """Fit one group of the sample by statsmodels; the position joins where it is planted."""
    labels = data.labels
    group = np.where(labels["kind"] == "human", "human", labels["annotator"])
    usable = labels["preference"].notna() if half else labels["preference"].isin([0.0, 1.0])
    rows = usable.to_numpy() & (group == name)
    design = data.factors[list(PLANTED)].to_numpy()[data.pair_rows][rows]
    if name in plan().position:
        shown = labels["order_shown"].map({"ab": 1.0, "ba": -1.0}).to_numpy()[rows]
        design = np.column_stack([design, shown])
    y = labels["preference"].to_numpy()[rows]
    return sm.GLM(y, design, family=sm.families.Binomial()).fit()


@pytest.mark.parametrize("name", ["human", *JUDGES, REWARD])
def test_planted_weights_are_recovered_by_statsmodels(scored, name):
    """Ties dropped, each weight lies within 4 standard errors of the truth."""
    truth = plan()
    expected = list(truth.weights[name].values())
    expected += [truth.position[name]] if name in truth.position else []
    fit = _fit(scored, name, half=False)
    assert (np.abs(fit.params - expected) < 4 * fit.bse).all()


def test_ties_as_half_votes_shrink_the_weights_by_about_their_share(scored):
    share = plan().tie_share + plan().both_bad_share
    dropped, half = (_fit(scored, "sim-judge-format", half).params for half in (False, True))
    slope = (half @ dropped) / (dropped @ dropped)
    # P - 1/2 shrinks by the share; on the logit scale a little more, where P is far from 1/2
    assert 1 - 2 * share < slope < 1 - share / 2


@pytest.fixture(scope="module")
def drawn(scored):
    """Fits of 200 fresh draws of one judge's labels on the pairs of the sample."""
    truth = plan()
    weights = np.array(list(truth.weights["sim-judge-format"].values()))
    x = scored.factors[list(PLANTED)].to_numpy()
    rng = np.random.Generator(np.random.PCG64(7))
    n = len(x)
    tables = []
    for run in range(RUNS):
        order = rng.choice([1.0, -1.0], n)
        tables.append(
            pd.DataFrame(
                {
                    "pair": np.arange(n),
                    "annotator": f"sim-{run}",
                    "preference": draw_labels(x, weights, 0.35, order, rng),
                    "order_shown": np.where(order > 0, "ab", "ba"),
                }
            )
        )
    labels = pd.concat(tables, ignore_index=True)
    pairs = scored.pairs.drop(columns="pair_id")
    names = [*PLANTED, *IDLE]
    data = wb.PreferenceData.from_tables(pairs, labels).with_factors(
        scored.factors[names],
        pd.DataFrame(index=scored.factors.index),
        {name: scored.factor_specs[name] for name in names},
    )
    table = wb.decompose(data, folds=0).to_frame()
    expected = {**truth.weights["sim-judge-format"], "position": 0.35}
    return table.assign(weight=table["term"].map(expected).fillna(0.0))


def test_intervals_cover_the_plan_over_fresh_draws(drawn):
    inside = (drawn["conf_low"] <= drawn["weight"]) & (drawn["weight"] <= drawn["conf_high"])
    assert len(drawn) == RUNS * (len(PLANTED) + len(IDLE) + 1)
    assert inside.mean() >= 0.93
    assert inside.groupby(drawn["term"]).mean().min() > 0.88


def test_factors_of_no_weight_are_rejected_at_the_nominal_rate(drawn):
    null = drawn[drawn["weight"] == 0]
    assert len(null) == RUNS * (1 + len(IDLE))
    assert 0.04 <= (null["p_value"] < 0.05).mean() <= 0.06


def test_intervals_cover_the_plan_over_fresh_samples():
    covered, n = 0, 0
    for seed in range(3):
        data, truth = generate(600, seed=100 + seed)
        data = wb.score_factors(data, [spec for spec in STYLE if spec.name in PLANTED])
        judges = wb.decompose(data, annotator=list(JUDGES), ties="drop", folds=0)
        people = wb.decompose(data, annotator="human", ties="drop", folds=0)
        table = pd.concat([judges.to_frame(), people.to_frame()])
        table = table.merge(truth.to_frame(), on=["group", "term"]).dropna(subset=["estimate"])
        inside = (table["conf_low"] <= table["weight"]) & (table["weight"] <= table["conf_high"])
        covered, n = covered + inside.sum(), n + len(table)
    # 7 factors of 4 groups and the position of 3, each time; 3 standard errors below 95 %
    assert n == 3 * (4 * len(PLANTED) + 3)
    assert covered / n > 0.95 - 3 * np.sqrt(0.95 * 0.05 / n)
