"""The ceiling: planted truths that factors reach or miss, oracles, invariances, odd data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score

import workbench as wb
from tests.planted import planted
from workbench.ceiling.boxes import margins_of
from workbench.ceiling.result import beside
from workbench.ceiling.ridge import ridge_logit
from workbench.ceiling.scored import NO_CEILING, Held, share_reached
from workbench.data.dataset import PreferenceData
from workbench.decompose.scores.labels import Labels
from workbench.embedding.offline import OfflineEmbedding
from workbench.errors import DesignError
from workbench.report.main_job import main_job

TREES = {"black_boxes": ["boosting"], "folds": 3}


def labelled(eta: Callable[[np.ndarray], np.ndarray], n: int = 400, seed: int = 0):
    """Return pairs with four normal factors whose labels follow some log-odds, prompts of two."""
    data = planted({"ann": [0.0] * 4}, n=n, clusters=n // 2, seed=seed)
    x = data.factors[data.factor_names].to_numpy()
    y = np.random.default_rng(seed + 1).random(n) < 1 / (1 + np.exp(-eta(x)))
    return replace(data, labels=data.labels.assign(preference=y.astype(float)))


def linear(x: np.ndarray) -> np.ndarray:
    return x @ np.array([1.0, -0.8, 0.6, 0.0])


def crossed(x: np.ndarray) -> np.ndarray:
    # turns with the sides, as every preference does, and no weight tells it
    return 2.5 * np.sign(x[:, 0]) * np.where(np.abs(x[:, 1]) > 0.65, 1, -1)


def share_of(found: wb.Ceiling, term: str = "AUC") -> pd.Series:
    return found.to_frame().set_index("term").loc[term]


def test_factors_that_are_all_there_is_reach_the_ceiling():
    rows = [share_of(wb.ceiling(labelled(linear, n=200, seed=s), **TREES)) for s in range(5)]
    holds = [row["conf_low"] <= 1 <= row["conf_high"] for row in rows]
    assert sum(holds) >= 4
    assert np.median([row["estimate"] for row in rows]) == pytest.approx(1.0, abs=0.05)
    assert all(row["conf_high"] - row["conf_low"] < 0.4 for row in rows)


def test_what_only_an_interaction_tells_is_out_of_the_factors_reach():
    found = wb.ceiling(labelled(crossed, n=600), **TREES)
    for term in ("AUC", "accuracy", "log-loss"):
        assert share_of(found, term)["conf_high"] < 0.5
    boosted = found.differences.set_index(["term", "measure"]).loc[("boosting", "AUC")]
    assert boosted["conf_low"] > 0.1
    weights = found.weights.set_index("predictor")["weight"]
    assert weights["boosting"] > 0.4
    assert "more for sure" not in found.sentence()
    (told,) = found.findings()
    assert told.rule_id == "share-of-ceiling"
    assert told.n == 600


def offline(texts: list[str], d: int = 24) -> OfflineEmbedding:
    return OfflineEmbedding.fit(texts, d=d)


def words(n: int = 400, seed: int = 0) -> PreferenceData:
    """Return texts of which one word decides the label, and a factor that does not count it."""
    rng = np.random.default_rng(seed)
    vocabulary = np.array([f"word{chr(97 + k)}{chr(97 + k // 5)}" for k in range(25)])
    sides, has = [], []
    for _ in range(2):
        marked = rng.random(n) < 0.5
        texts = [" ".join(rng.choice(vocabulary, 8)) for _ in range(n)]
        sides.append([f"{t} marzipan" if m else t for t, m in zip(texts, marked, strict=True)])
        has.append(marked.astype(float))
    p = 1 / (1 + np.exp(-4 * (has[0] - has[1])))
    pairs = pd.DataFrame({
        "prompt": [f"question {rng.integers(10**9)} {i}" for i in range(n)],
        "response_a": sides[0], "response_b": sides[1], "cluster": [f"c{i}" for i in range(n)],
    })  # fmt: skip
    labels = pd.DataFrame({
        "pair": np.arange(n), "annotator": "ann", "preference": (rng.random(n) < p) * 1.0,
    })  # fmt: skip
    data = PreferenceData.from_tables(pairs, labels)
    noise = pd.DataFrame({"noise": rng.normal(size=len(data.pairs))})
    specs = {"noise": {"coding": {"transform": "difference"}}}
    return data.with_factors(noise, pd.DataFrame(index=noise.index), specs)


def test_a_word_that_no_factor_counts_is_found_by_embeddings():
    found = wb.ceiling(words(), black_boxes=["embedding"], folds=3)
    scores = found.held_out.set_index("predictor")["auc"]
    # the planted log-odds themselves reach 0.74: half of the pairs have the word twice or not
    assert scores["embedding"] > 0.68
    assert scores["factors"] < 0.6
    assert share_of(found)["estimate"] < 0.4
    assert share_of(found)["conf_high"] < 0.75
    assert found.settings["made"]["embedding"]["name"].startswith("offline")


def test_of_noise_no_share_is_told():
    found = wb.ceiling(labelled(lambda x: 0 * x[:, 0]), **TREES)
    table = found.to_frame()
    assert table[["estimate", "conf_low", "conf_high"]].isna().all(axis=None)
    assert set(table["reason"]) == {NO_CEILING}
    assert "cannot be told" in found.sentence()
    assert found.findings() == []


def test_neither_sides_nor_the_order_of_rows_nor_names_change_a_share():
    data = labelled(linear, n=160)
    rng = np.random.default_rng(3)
    order = rng.permutation(160)
    turned = data.labels.assign(preference=1 - data.labels["preference"])
    others = {
        "rows": replace(
            data,
            pairs=data.pairs.iloc[order].reset_index(drop=True),
            factors=data.factors.iloc[order].reset_index(drop=True),
            factor_values=data.factor_values.iloc[order].reset_index(drop=True),
            labels=data.labels.iloc[rng.permutation(160)].reset_index(drop=True),
        ),
        "sides": replace(
            data,
            labels=turned,
            factors=data.factors.assign(**{k: -data.factors[k] for k in data.factor_names}),
        ),
        "name": replace(data, labels=data.labels.assign(annotator="somebody")),
    }
    numbers = ["estimate", "conf_low", "conf_high", "n"]
    first = wb.ceiling(data, **TREES)
    for other in others.values():
        again = wb.ceiling(other, **TREES)
        np.testing.assert_allclose(again.estimates[numbers], first.estimates[numbers], atol=1e-9)
    assert wb.ceiling(data, **TREES).to_dict()["tables"] == first.to_dict()["tables"]


def test_embeddings_turn_with_the_sides_too():
    data = words(120)
    pairs = data.pairs.rename(columns={"response_a": "response_b", "response_b": "response_a"})
    labels = data.labels.assign(preference=1 - data.labels["preference"])
    factors = data.factors.assign(noise=-data.factors["noise"])
    other = replace(data, pairs=pairs, labels=labels, factors=factors)
    texts = [*data.pairs["response_a"], *data.pairs["response_b"]]
    options = {"black_boxes": ["embedding"], "folds": 3, "embedding": offline(texts)}
    one, two = (wb.ceiling(each, **options).held_out for each in (data, other))
    np.testing.assert_allclose(two["log_loss"], one["log_loss"], atol=1e-4)


def test_near_equal_prompts_never_stand_on_both_sides():
    rng = np.random.default_rng(0)
    n, copies = 50, 4
    said = [f"token{chr(97 + i % 26)}{chr(97 + i // 26)}" for i in range(2 * n)]
    coins = rng.integers(0, 2, n).astype(float)
    rows = [
        {"prompt": f"Question {i} about thing {said[i]}{' ' * c}", "response_a": said[i],
         "response_b": f"{said[n + i]} {c}"}
        for i in range(n) for c in range(copies)
    ]  # fmt: skip
    labels = pd.DataFrame({"pair": range(n * copies), "annotator": "ann",
                           "preference": np.repeat(coins, copies)})  # fmt: skip
    data = PreferenceData.from_tables(pd.DataFrame(rows), labels)
    assert data.pairs["cluster"].nunique() == n
    noise = pd.DataFrame({"noise": rng.normal(size=n * copies)})
    specs = {"noise": {"coding": {"transform": "difference"}}}
    data = data.with_factors(noise, pd.DataFrame(index=noise.index), specs)
    texts = [*data.pairs["response_a"], *data.pairs["response_b"]]
    options = {"black_boxes": ["embedding"], "folds": 3, "embedding": offline(texts, d=100)}
    # where every copy is a prompt of its own, the coin of the others is read off
    leaking = replace(data, pairs=data.pairs.assign(cluster=[f"c{i}" for i in range(n * copies)]))
    scores = [wb.ceiling(one, **options).held_out.set_index("predictor")["auc"]["embedding"]
              for one in (data, leaking)]  # fmt: skip
    assert scores[1] > 0.9
    assert abs(scores[0] - 0.5) < 0.2


def test_the_factors_row_is_that_of_the_decomposition():
    data = labelled(linear, n=240)
    own = wb.decompose(data, folds=3, seed=5).held_out.iloc[:1]
    found = wb.ceiling(data, seed=5, **TREES)
    shown = ["accuracy", "auc", "auc_low", "auc_high", "log_loss", "brier", "n"]
    pd.testing.assert_frame_equal(found.held_out.iloc[:1][shown], own[shown])
    row = share_of(found)
    assert row["factors"] == pytest.approx(own["auc"].iloc[0], abs=1e-12)
    assert row["estimate"] == pytest.approx((row["factors"] - 0.5) / (row["of"] - 0.5))


def held(p: np.ndarray, y: np.ndarray, cluster: np.ndarray) -> Held:
    one = np.ones(len(y))
    labels = Labels(np.arange(len(y)), y, one, cluster, np.zeros(len(y), dtype=np.int64))
    return Held(labels, p)


def test_scores_are_those_of_scikit_learn_and_the_interval_is_fiellers():
    rng = np.random.default_rng(0)
    cluster = np.unique(rng.integers(0, 90, 300), return_inverse=True)[1]
    eta = rng.normal(size=300)
    y = (rng.random(300) < 1 / (1 + np.exp(-1.5 * eta))) * 1.0
    whole = held(1 / (1 + np.exp(-1.5 * eta)), y, cluster)
    part = held(1 / (1 + np.exp(-eta - rng.normal(size=300))), y, cluster)
    assert part.score("auc") == pytest.approx(roc_auc_score(y, part.p))
    assert part.score("log_loss") == pytest.approx(log_loss(y, part.p))
    assert part.score("accuracy") == pytest.approx(((part.p > 0.5) == (y > 0.5)).mean())
    for measure in ("auc", "accuracy", "log_loss"):
        row = share_reached(part, whole, measure, 0.95)
        few, every = part.beyond_chance(measure), whole.beyond_chance(measure)
        g = cluster.max() + 1
        for end in (row["conf_low"], row["conf_high"]):
            sums = np.bincount(cluster, few.pull - end * every.pull)
            variance = 2 * g / (g - 1) * (sums**2).sum()
            # Student's t with one degree of freedom less than clusters
            assert abs(few.value - end * every.value) == pytest.approx(
                1.9871 * variance**0.5, rel=1e-3
            )


def test_a_ridge_logit_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 3))
    y = (rng.random(80) < 1 / (1 + np.exp(-X[:, 0]))).astype(int)
    own = ridge_logit(X, np.ones(80), y * 1.0, 2.0, np.zeros(3))
    model = LogisticRegression(C=0.5, fit_intercept=False, tol=1e-10).fit(X, y)
    np.testing.assert_allclose(own, model.coef_[0], atol=1e-4)


def with_judge(n: int = 300) -> PreferenceData:
    data = labelled(lambda x: 2.0 * x[:, 3], n=n)
    people = data.labels
    rng = np.random.default_rng(9)
    wrong = rng.random(n) < 0.15
    said = np.where(wrong, 1 - people["preference"], people["preference"])
    judge = people.assign(annotator="judge", kind="llm", preference=said, order_shown="ab")
    back = judge.assign(order_shown="ba", preference=0.5)
    labels = pd.concat([people, judge.iloc[: n - 20], back.iloc[: n // 2]], ignore_index=True)
    return replace(data, labels=labels)


def test_a_judge_is_a_black_box_and_what_it_did_not_judge_is_counted():
    data = with_judge()
    margin = margins_of(data, "judge")
    assert set(np.abs(margin[:150])) == {0.25}  # half a vote one way, a tie the other
    assert set(np.abs(margin[150:280])) == {0.5}
    assert np.isnan(margin[280:]).all()
    found = wb.ceiling(data, annotator="ann", factors=["f0", "f1"], judge="judge",
                       black_boxes=[], folds=3)  # fmt: skip
    assert found.settings["n"] == 280
    assert found.exclusions.to_dict("records") == [{"reason": "no verdict of judge", "n": 20}]
    scores = found.held_out.set_index("predictor")["accuracy"]
    assert scores["judge"] == pytest.approx(0.85, abs=0.05)
    assert share_of(found)["conf_high"] < 0.4
    # a column of margins that says the same is worth the same
    other = replace(data, pairs=data.pairs.assign(reward=margin))
    again = wb.ceiling(other, annotator="ann", factors=["f0", "f1"], judge="reward",
                       black_boxes=[], folds=3)  # fmt: skip
    assert again.held_out["auc"].tolist() == pytest.approx(found.held_out["auc"].tolist())
    # so is everybody of a kind, and nobody of these is predicted then
    third = wb.ceiling(data, factors=["f0", "f1"], judge="llm", black_boxes=[], folds=3)
    assert third.settings["annotators"] == ["ann"]
    assert third.held_out["auc"].tolist() == pytest.approx(found.held_out["auc"].tolist())
    with pytest.raises(wb.DesignError, match="may not be among"):
        wb.ceiling(data, annotator="llm", judge="llm")
    with pytest.raises(wb.DesignError, match="may not be among"):
        wb.ceiling(data, annotator=["ann", "judge"], judge="judge")
    with pytest.raises(wb.DesignError, match="no judge 'nobody'"):
        wb.ceiling(data, judge="nobody")


def test_people_s_own_agreement_stands_beside():
    n, rng = 200, np.random.default_rng(0)
    data = labelled(lambda x: 3.0 * x[:, 0], n=n)
    first = data.labels
    flips = [rng.random(n) < 0.2 for _ in range(2)]
    more = [first.assign(annotator=f"p{k}", preference=np.where(f, 1 - first["preference"],
            first["preference"])) for k, f in enumerate(flips)]  # fmt: skip
    both = replace(data, labels=pd.concat([first, *more], ignore_index=True))
    found = wb.ceiling(both, factors=["f3"], **TREES)
    row = found.held_out.set_index("predictor").loc["other labels of the pair"]
    assert row["n"] == 3 * n
    # the majority of the two others, ties one half, told from the planted flips
    votes = np.stack([first["preference"], *(one["preference"] for one in more)])
    lean = votes.sum(axis=0) - votes - 1
    expected = np.where(lean == 0, 0.5, (lean > 0) == (votes > 0.5)).mean()
    assert row["accuracy"] == pytest.approx(expected)
    alone = wb.ceiling(data, factors=["f3"], **TREES).held_out["predictor"].tolist()
    assert alone == ["factors", "boosting", "ceiling"]


def test_few_prompts_ties_and_lost_factors_are_told_and_never_a_number():
    few = wb.ceiling(labelled(linear, n=30), **TREES)
    assert few.to_frame()["estimate"].isna().all()
    assert few.to_frame()["reason"].str.contains("fewer than 40").all()
    assert "cannot be told" in few.summary()
    tied = labelled(linear, n=200)
    tied = replace(tied, labels=tied.labels.assign(preference=0.5))
    assert wb.ceiling(tied, **TREES).to_frame()["estimate"].isna().all()
    one_side = replace(tied, labels=tied.labels.assign(preference=1.0))
    assert wb.ceiling(one_side, **TREES).to_frame()["estimate"].isna().all()
    texts = wb.ceiling(labelled(linear, n=200), black_boxes=["embedding"], folds=3)
    lost = texts.held_out.set_index("predictor").loc["embedding"]
    assert np.isnan(lost["auc"])
    assert "no pair has both texts" in lost["reason"]
    for wrong in ({"folds": 1}, {"black_boxes": ["forest"]}, {"level": 2}, {"black_boxes": []}):
        with pytest.raises(wb.DesignError):
            wb.ceiling(labelled(linear, n=60), **wrong)


def test_missing_values_of_other_factors_are_no_reason_to_leave_a_pair_out():
    data = labelled(linear, n=240)
    holes = data.factors.assign(
        f3=data.factors["f3"].where(np.arange(240) % 3 > 0), none=np.nan, most=np.inf
    )
    found = wb.ceiling(replace(data, factors=holes), factors=["f0", "f1", "f2"], **TREES)
    assert found.settings["n"] == 240
    assert found.held_out["auc"].notna().all()


def test_a_report_and_the_overview_tell_what_is_reached():
    data = labelled(crossed, n=300)
    job = main_job(data, factors=["f0", "f1"], folds=3, reference="ann", further=["ceiling"])
    (found,) = job.further
    assert found.settings["factors"] == ["f0", "f1"]
    page = job.report()
    shown = wb.overview(job)
    assert shown.points[-1].rule_id == "share-of-ceiling"
    assert "of what can be predicted" in shown.points[-1].message
    assert found.sentence() in job.summary()
    text = page.markdown()
    assert "boosting" in text.partition("Held-out scores")[2]
    table = beside(job.people.held_out, [found])
    assert table["predictor"].tolist()[-3:] == ["boosting", "embedding", "ceiling"]
    assert table["predictor"].tolist().count("factors") == 1


def test_without_a_black_box_there_is_nothing_to_be_a_share_of():
    found = wb.ceiling(labelled(linear, n=300), black_boxes=["embedding"], folds=3)
    own = found.to_frame()[found.to_frame()["against"].eq("ceiling")]
    assert own["estimate"].isna().all()
    assert own["reason"].str.startswith("there is no black box").all()
    assert found.findings() == []
    assert "cannot be told: there is no black box" in found.sentence()


def test_what_says_the_same_of_every_label_gives_no_interval_of_no_width():
    rng = np.random.default_rng(0)
    y, eta = rng.random(200) < 0.7, np.ones(200)
    each = np.arange(200)
    labels = Labels(each, y.astype(float), np.ones(200), each, each % 5)
    row = share_reached(Held.of(labels, eta), Held.of(labels, 0.9 * eta), "accuracy", 0.95)
    assert row["estimate"] == 1
    assert np.isnan([row["conf_low"], row["conf_high"], row["std_error"]]).all()
    assert row["reason"]


def test_few_prompts_are_counted_where_nothing_is_told():
    found = wb.ceiling(labelled(linear, n=60), **TREES)
    assert found.settings["n_clusters"] > 25
    assert (found.to_frame()["n_clusters"] == found.settings["n_clusters"]).all()


@pytest.mark.parametrize("name", ["factors", "ceiling", "boosting", "embedding"])
def test_a_judge_of_a_predictors_name_is_refused(name: str):
    data = labelled(linear, n=100)
    more = data.labels.assign(annotator=name)
    both = replace(data, labels=pd.concat([data.labels, more], ignore_index=True))
    with pytest.raises(DesignError, match="judge is out of range"):
        wb.ceiling(both, annotator="ann", judge=name, **TREES)
