"""Calibrated verdicts: planted truth, scikit-learn, hand calculations, and odd data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

import workbench as wb
from workbench.calibration.soft.isotonic import isotonic_out_of_fold
from workbench.calibration.soft.logistic import logistic_folds
from workbench.calibration.soft.scores import calibration_error, evidence
from workbench.calibration.soft.signals import signals
from workbench.data.columns import complete_labels


def judged(
    said: dict[str, np.ndarray],
    y: np.ndarray,
    each: int = 2,
    x: np.ndarray | None = None,
    strength: np.ndarray | None = None,
) -> wb.PreferenceData:
    """Return data of judges beside people, ``each`` pairs a prompt; x is a factor."""
    n = len(y)
    pairs = pd.DataFrame({
        "prompt_id": [f"p{i // each}" for i in range(n)],
        "pair_id": [f"{i:06d}" for i in range(n)],
        "scenario": np.where(np.arange(n) % 4 < 2, "u", "v"),
    })  # fmt: skip
    tables = [pd.DataFrame({"pair": np.arange(n), "annotator": name, "kind": "llm",
                            "preference": p, "strength": strength})
              for name, p in said.items()]  # fmt: skip
    tables.append(pd.DataFrame({"pair": np.arange(n), "annotator": "human", "kind": "human",
                                "preference": y, "strength": None}))  # fmt: skip
    labels = pd.concat(tables, ignore_index=True)
    labels["strength"] = labels["strength"].astype("float64")
    data = wb.PreferenceData.from_tables(pairs, labels)
    if x is None:
        return data
    frame = pd.DataFrame({"long": x})
    coding = {"long": {"coding": {"transform": "difference"}}}
    return data.with_factors(frame, pd.DataFrame(index=frame.index), coding)


def drawn(n: int, seed: int = 0, slope: float = 2.5) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a judge that is ``slope`` times too sure, people, and the truth in logits."""
    rng = np.random.default_rng(seed)
    eta = rng.normal(size=n)
    return expit(slope * eta), (rng.random(n) < expit(eta)).astype(float), eta


def swapped(data: wb.PreferenceData, at: np.ndarray) -> wb.PreferenceData:
    """Return the data with A and B exchanged on some pairs."""
    turn = pd.Series(at, index=data.pairs["pair_id"])
    p = data.labels["preference"]
    labels = data.labels.assign(
        preference=p.where(~turn.reindex(data.labels["pair_id"]).to_numpy(), 1 - p)
    )
    factors = data.factors.copy()
    for name in data.factor_names:
        factors[name] = np.where(at, -factors[name], factors[name])
    return replace(data, labels=labels, factors=factors)


def test_a_judge_twice_too_sure_is_mended_and_its_slope_found() -> None:
    p, y, eta = drawn(4000)
    found = wb.calibrate_verdicts(judged({"j": p}, y), "j")
    one = found.judges.iloc[0]
    assert one["says"] == "probability"
    assert one["kept"] == "logistic"
    assert one["slope"] == pytest.approx(1 / 2.5, abs=0.05)
    assert one["error_before_low"] > 0.05
    assert one["error_after_low"] == 0
    assert one["error_after_high"] < 0.06
    gain = found.to_frame().iloc[0]
    true = np.mean(-y * np.log(expit(eta)) - (1 - y) * np.log1p(-expit(eta)))
    assert gain["log_loss"] == pytest.approx(true, abs=0.003)
    assert gain["conf_low"] > 0
    told = found.verdicts["calibrated"].to_numpy()
    assert np.abs(told - expit(eta)).max() < 0.05


def test_a_calibrated_judge_is_left_as_it_is() -> None:
    kept = []
    for seed in range(6):
        p, y, _ = drawn(400, seed, slope=1.0)
        found = wb.calibrate_verdicts(judged({"j": p}, y), "j")
        kept.append(found.judges["kept"].iloc[0])
        if kept[-1] == "as given":
            with pytest.raises(wb.DesignError, match="No verdicts were calibrated"):
                found.add_to(judged({"j": p}, y))
    assert kept.count("as given") >= 5


def test_a_judge_that_follows_length_is_mended_by_the_factor() -> None:
    rng = np.random.default_rng(1)
    eta, x = rng.normal(size=(2, 3000))
    y = (rng.random(3000) < expit(1.5 * eta)).astype(float)
    data = judged({"j": expit(1.5 * eta + x)}, y, x=x)
    found = wb.calibrate_verdicts(data, "j")
    assert found.judges["kept"].iloc[0] == "factors"
    weight = found.weights.set_index("term").loc["long"]
    # the judge adds x to what people say
    assert weight["conf_low"] < -1 < weight["conf_high"]
    one = found.judges.iloc[0]
    assert one["worth_gain_low"] > 1
    assert [f.rule_id for f in found.findings()] == [
        "verdicts-miscalibrated", "verdicts-depend-on-factors",
    ]  # fmt: skip


def test_slices_have_slopes_of_their_own() -> None:
    p, y, _ = drawn(4000, 3, slope=1.0)
    inner = np.arange(4000) % 4 < 2
    rng = np.random.default_rng(0)
    y = np.where(inner, y, (rng.random(4000) < 0.5).astype(float))
    found = wb.calibrate_verdicts(judged({"j": p}, y), "j", by="scenario")
    assert found.judges["kept"].iloc[0] == "factors"
    gap = found.slices.set_index(["verdicts", "slice"])["estimate"]
    assert gap["as given", "v"] > 0.1
    assert abs(gap["as given", "u"]) < 0.04
    assert abs(gap["factors", "v"]) < 0.04


def test_isotonic_is_scikit_learn_s_on_labels_and_their_mirror_images() -> None:
    from sklearn.isotonic import IsotonicRegression

    rng = np.random.default_rng(0)
    m = np.round(rng.normal(size=300), 1)
    y = (rng.random(300) < expit(m)).astype(float)
    fold = np.arange(300) % 3
    told = isotonic_out_of_fold(m, y, fold, 3)
    for f in range(3):
        train, test = (fold != f) & (m != 0), fold == f
        peer = IsotonicRegression(out_of_bounds="clip")
        peer.fit(np.r_[m[train], -m[train]], np.r_[y[train], 1 - y[train]])
        n = train.sum()
        theirs = np.clip(peer.predict(m[test]), 1 / (n + 2), (n + 1) / (n + 2))
        np.testing.assert_allclose(told[test], theirs, atol=1e-12)


def test_logistic_is_scikit_learn_s_without_an_intercept() -> None:
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 3))
    y = (rng.random(500) < expit(X @ [1.0, -0.5, 0.0])).astype(float)
    fold = np.arange(500) % 5
    spread = np.array([1.0, 0.5, 0.5])
    fit = logistic_folds(X, y, fold, 5, spread)
    scale = np.sqrt((X**2).mean(axis=0)) / spread
    for f in range(5):
        peer = LogisticRegression(C=1.0, fit_intercept=False, tol=1e-10, max_iter=1000)
        peer.fit((X / scale)[fold != f], y[fold != f])
        np.testing.assert_allclose(fit.each[f], peer.coef_[0] / scale, atol=1e-5)


def test_the_calibration_error_is_unbiased_where_there_is_none_and_covers() -> None:
    rng = np.random.default_rng(0)
    squares, covered = [], 0
    for _ in range(300):
        p = rng.uniform(0.1, 0.9, 200)
        y = (rng.random(200) < p).astype(float)
        found = calibration_error(p, y, np.arange(200) // 2, 0.95)
        squares.append(found["estimate"])
        covered += found["conf_low"] == 0
    assert covered / 300 > 0.92
    assert np.median(squares) < 0.04
    covered = 0
    for _ in range(300):
        p = rng.choice([0.1, 0.3, 0.7, 0.9], 300)
        # off by .1 throughout
        y = (rng.random(300) < p + np.where(p > 0.5, -0.1, 0.1)).astype(float)
        found = calibration_error(p, y, np.arange(300), 0.95)
        covered += found["conf_low"] <= 0.1 <= found["conf_high"]
    assert 0.91 < covered / 300 < 0.99


def test_worth_of_a_label_is_that_of_the_correlation() -> None:
    y = np.tile([1.0, 1, 1, 1, 0], 40)
    p = np.tile([1.0, 1, 1, 0, 0], 40)
    found = evidence(p, y, np.arange(200), 1000, 0.95)
    assert found["rho"] == pytest.approx(0.6)  # 4 of 5 agree
    assert found["worth"] == pytest.approx(1 / (1 - 0.36))
    assert found["labels"] == pytest.approx(200 / (1 - 0.36 * 0.8))
    assert found["worth_low"] < found["worth"] < found["worth_high"]


def test_sides_rows_and_other_judges_change_nothing() -> None:
    p, y, _ = drawn(600)
    p[:20] = 0.5
    x = np.random.default_rng(2).normal(size=600)
    data = judged({"j": p}, y, x=x)
    plain = wb.calibrate_verdicts(data, "j", by="scenario")
    at = np.random.default_rng(1).random(600) < 0.5
    turned = wb.calibrate_verdicts(swapped(data, at), "j", by="scenario")
    mixed = replace(data, labels=data.labels.sample(frac=1, random_state=0).reset_index(drop=True))
    again = wb.calibrate_verdicts(mixed, "j", by="scenario")
    more = judged({"j": p, "other": 1 - p}, y, x=x)
    beside = wb.calibrate_verdicts(more, by="scenario")
    numbers = ["estimate", "conf_low", "brier", "step_gain"]
    for other in (turned, again):
        np.testing.assert_allclose(other.to_frame()[numbers], plain.to_frame()[numbers], rtol=1e-6)
        columns = ["error_before_high", "error_after_high", "worth_after", "slope"]
        np.testing.assert_allclose(other.judges[columns], plain.judges[columns], rtol=1e-6)
    told = turned.verdicts["calibrated"]
    np.testing.assert_allclose(told.where(~at, 1 - told), plain.verdicts["calibrated"], atol=1e-7)
    mine = beside.to_frame().query("judge == 'j'")
    np.testing.assert_allclose(mine[numbers], plain.to_frame()[numbers], rtol=1e-9)
    assert wb.calibrate_verdicts(data, "j").to_dict() == wb.calibrate_verdicts(data, "j").to_dict()


def test_bins_of_hard_verdicts_are_the_same_from_both_sides() -> None:
    # each fold tells one probability of a side and its mirror image, which round apart
    y = (np.random.default_rng(0).random(120) < 0.6).astype(float)
    data = judged({"j": np.where(np.arange(120) % 3 > 0, 1.0, 0.0)}, y)
    plain, turned = (
        wb.calibrate_verdicts(one, "j") for one in (data, swapped(data, np.arange(120) % 2 > 0))
    )
    columns = ["predicted", "estimate", "n"]
    np.testing.assert_allclose(turned.reliability[columns], plain.reliability[columns], rtol=1e-6)
    assert turned.judges["error_after"][0] == pytest.approx(plain.judges["error_after"][0])


def test_pairs_without_labels_are_told_by_others_and_added() -> None:
    p, y, eta = drawn(1200)
    y = np.where(np.arange(1200) < 600, y, np.nan)
    data = judged({"j": p, "doubled": p}, y)
    found = wb.calibrate_verdicts(data)
    assert found.exclusions["n"].tolist() == [600]
    one, two = found.judges.to_dict("records")
    assert (one["n"], one["n_judged"], one["kept"]) == (600, 1200, "logistic")
    assert one["labels_after"] > 600
    assert {k: v for k, v in one.items() if k != "term"} == {
        k: v for k, v in two.items() if k != "term"
    }
    more = found.add_to(data)
    new = more.labels[more.labels["annotator"].eq("j calibrated")]
    assert len(new) == 1200
    assert set(new["kind"]) == {"llm"}
    told = new.set_index("pair_id")["preference"].reindex(data.pairs["pair_id"]).to_numpy()
    assert np.abs(told - expit(eta)).max() < 0.15
    with pytest.raises(wb.DataError, match="already"):
        found.add_to(more)


def test_strengths_order_pairs_and_hard_verdicts_stay_hard() -> None:
    p, y, eta = drawn(1500)
    hard = (p > 0.5).astype(float)
    strong = wb.calibrate_verdicts(judged({"j": hard}, y, strength=np.abs(3 * eta)), "j")
    plain = wb.calibrate_verdicts(judged({"j": hard}, y), "j")
    assert strong.judges["says"].tolist() == ["strength"]
    assert plain.judges["says"].tolist() == ["verdict"]
    assert strong.judges["slope"].iloc[0] == pytest.approx(1 / 3, abs=0.06)
    # a hard verdict is right as often as it is: the calibrated one is that share
    right = np.mean(hard == y)
    assert np.abs(plain.verdicts["calibrated"] - 0.5).add(0.5).mean() == pytest.approx(
        right, abs=0.02
    )
    assert strong.to_frame()["log_loss"].min() < plain.to_frame()["log_loss"].min()


def test_both_orders_and_repeats_are_their_mean() -> None:
    p, y, _ = drawn(200)
    data = judged({"j": p}, y)
    mine = data.labels["annotator"].eq("j")
    other = data.labels[mine].assign(order_shown="ba", preference=0.5)
    both = complete_labels(pd.concat([data.labels.assign(order_shown="ab"), other]))
    found = wb.calibrate_verdicts(replace(data, labels=both), "j")
    np.testing.assert_allclose(found.verdicts["as_given"], (p + 0.5) / 2)
    weighed = both.assign(weight=np.where(both["order_shown"].eq("ba"), 3.0, 1.0))
    found = wb.calibrate_verdicts(replace(data, labels=weighed), "j")
    np.testing.assert_allclose(found.verdicts["as_given"], (p + 1.5) / 4)


@pytest.mark.parametrize("what", ["ties", "ties of people", "constant", "perfect", "opposite"])
def test_odd_judges_have_numbers_or_reasons(what: str) -> None:
    p, y, _ = drawn(200)
    if what == "ties":
        p[:] = 0.5
    elif what == "ties of people":
        y[:] = 0.5
    elif what == "constant":
        p[:] = 1.0
    elif what == "perfect":
        p = y.copy()
    else:
        p = 1 - p
    found = wb.calibrate_verdicts(judged({"j": p}, y), "j")
    one = found.judges.iloc[0]
    assert found.summary()
    assert found.plot() is not None
    for name in ("error_before", "error_after"):
        if np.isfinite(one[name]):
            assert 0 <= one[f"{name}_low"] <= one[name] <= one[f"{name}_high"] <= 1
            assert one[f"{name}_low"] < one[f"{name}_high"]
    if what.startswith("ties"):
        assert one["reason"].startswith("only ties")
        assert one["kept"] == "as given"
    if what == "opposite":
        # only the logistic way turns a judge round; a nondecreasing curve calls it even
        assert one["slope"] < 0
        assert found.verdicts["calibrated"].corr(pd.Series(y)) > 0


def test_what_cannot_be_calibrated_is_refused() -> None:
    p, y, _ = drawn(40)
    data = judged({"j": p}, y)
    with pytest.raises(wb.DataError, match="no judge 'k'"):
        wb.calibrate_verdicts(data, "k")
    with pytest.raises(wb.DesignError, match="reference itself"):
        wb.calibrate_verdicts(data, "human")
    with pytest.raises(wb.DesignError, match="no labels to calibrate on"):
        wb.calibrate_verdicts(data, "j", "nobody")
    with pytest.raises(wb.DesignError, match="too few prompts"):
        wb.calibrate_verdicts(judged({"j": p}, y, each=20), "j")
    with pytest.raises(wb.DesignError, match="folds"):
        wb.calibrate_verdicts(data, "j", folds=1)
    with pytest.raises(wb.DesignError, match="no factor"):
        wb.calibrate_verdicts(data, "j", factors=["length"])
    with pytest.raises(wb.DesignError, match="no column"):
        wb.calibrate_verdicts(data, "j", by="topic")
    apart = judged({"j": np.where(np.arange(40) < 20, p, np.nan)},
                   np.where(np.arange(40) < 20, np.nan, y))  # fmt: skip
    with pytest.raises(wb.DesignError, match="No pair has a verdict"):
        wb.calibrate_verdicts(apart, "j")
    few = judged({"j": p, "k": np.where(np.arange(40) < 4, p, np.nan)}, y)
    found = wb.calibrate_verdicts(few)
    assert found.judges.set_index("term").loc["k", "reason"].startswith("2 prompts")


def test_logits_of_verdicts_are_those_of_their_probabilities() -> None:
    p, y, _ = drawn(500, slope=1.0)
    fine = wb.calibrate_verdicts(judged({"j": p}, y), "j").judges["slope"].iloc[0]
    bold = wb.calibrate_verdicts(judged({"j": expit(2 * logit(p))}, y), "j").judges["slope"].iloc[0]
    assert bold == pytest.approx(fine / 2, rel=0.02)


def test_a_judge_of_ties_alone_has_figures_without_a_reliability_diagram():
    data = wb.load("sample")
    judged = data.labels["annotator"].eq("sim-judge-length")
    tied = data.labels.assign(preference=data.labels["preference"].mask(judged, 0.5))
    found = wb.calibrate_verdicts(replace(data, labels=tied), "sim-judge-length")
    assert list(found.figures()) == [found.heading]
    assert "reliability" not in found.tables()
    assert "undefined" in found.summary()


def test_repeats_of_a_side_make_a_probability_and_both_orders_a_tie() -> None:
    rng = np.random.default_rng(0)
    y = (rng.random(200) < 0.6) * 1.0
    votes = [np.where(rng.random(200) < 0.8, y, 1 - y) for _ in range(3)]
    data = judged({"j": votes[0], "both": votes[0]}, y)
    more = [
        pd.DataFrame({"pair_id": data.pairs["pair_id"], "annotator": name, "kind": "llm",
                      "preference": vote})
        for name, vote in (("j", votes[1]), ("j", votes[2]), ("both", votes[1]))
    ]  # fmt: skip
    labels = [data.labels, *map(complete_labels, more)]
    whole = replace(data, labels=pd.concat(labels, ignore_index=True))
    says = wb.calibrate_verdicts(whole).judges.set_index("term")["says"]
    assert says.to_dict() == {"both": "verdict", "j": "probability"}


def test_a_judge_whose_labels_lie_in_one_fold_says_so() -> None:
    p, y, _ = drawn(400)
    fold = signals(judged({"wide": p}, y), "wide", "human", 5, 0).fold
    narrow = np.where(fold == 0, p, np.nan)
    found = wb.calibrate_verdicts(judged({"wide": p, "narrow": narrow}, y)).judges
    reason = found.set_index("term")["reason"]["narrow"]
    assert reason == f"all {(fold == 0).sum() // 2} prompts with labels of both are in one fold"
