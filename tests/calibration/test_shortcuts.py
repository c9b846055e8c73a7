"""What solves a benchmark without reading: planted truths, another package, invariances, edges."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

import workbench as wb
from workbench.audit.judges.verdicts.elsewhere import FITTED
from workbench.calibration.shortcuts.fitted import predicted_elsewhere
from workbench.errors import DataError, DesignError
from workbench.principles.held_out.executor import ridge_logit

NAMES = ["words", "bullets", "bold"]


def benchmark(
    better: np.ndarray,
    sizes: np.ndarray,
    *,
    turned: np.ndarray | None = None,
    clusters: int | None = None,
    seed: int = 0,
    judges: dict[str, np.ndarray] | None = None,
    **columns: object,
) -> wb.PreferenceData:
    """Return pairs of texts of these sizes, shape (n, 2), in which side 0 or 1 is better.

    ``turned`` lists the pair the other way round; judges say 0 or 1, as ``better`` does.
    """
    n = len(better)
    rng = np.random.default_rng(seed)
    marks = rng.integers(0, 3, (n, 2, 2))
    texts = [
        [
            f"{k}{side} " + "word " * sizes[k, side] + "**b** " * marks[k, side, 0]
            + "\n- item" * marks[k, side, 1]
            for k in range(n)
        ]
        for side in (0, 1)
    ]  # fmt: skip
    swap = np.zeros(n, dtype=bool) if turned is None else turned
    a, b = (np.where(swap, texts[1 - s], texts[s]) for s in (0, 1))
    pairs = pd.DataFrame(
        {"prompt": [f"question {k % (clusters or n)}" for k in range(n)], "response_a": a,
         "response_b": b}
    )  # fmt: skip
    pairs["cluster"] = pairs["prompt"]
    said = {"gold": better, **(judges or {})}
    labels = pd.concat(
        [
            pd.DataFrame({"pair": np.arange(n), "annotator": name,
                          "kind": "objective" if name == "gold" else "llm",
                          "preference": np.where(swap, values, 1 - values)})
            for name, values in said.items()
        ],
        ignore_index=True,
    )  # fmt: skip
    return wb.PreferenceData.from_tables(pairs.assign(**columns), labels)


def sizes_of(n: int, rng: np.random.Generator) -> np.ndarray:
    first = rng.integers(5, 40, n)
    return np.column_stack([first, first + rng.integers(1, 20, n) * rng.choice([-1, 1], n) + 21])


def check(data: wb.PreferenceData, **options: object) -> wb.BenchmarkCheck:
    return wb.check_benchmark(data, "gold", factors=NAMES, **options)


def row(found: wb.BenchmarkCheck, term: str) -> pd.Series:
    return found.to_frame().set_index("term").loc[term]


def test_ridge_is_that_of_another_package():
    rng = np.random.default_rng(0)
    for n, penalty in ((120, 0.1), (120, 30.0), (4, 1.0)):
        # of 5 columns: with 4 rows they are more than what is fitted
        X = rng.normal(size=(n, 5))
        y = np.r_[1.0, -1, np.where(rng.random(n - 2) < 0.6, 1.0, -1.0)]
        theirs = LogisticRegression(C=1 / penalty, fit_intercept=False, tol=1e-10).fit(X, y)
        assert ridge_logit(X, y, penalty) == pytest.approx(theirs.coef_[0], abs=1e-5)


def test_noise_is_not_predicted_on_other_prompts():
    """Twenty columns of noise fit 100 pairs well, and predict a coin."""
    rng = np.random.default_rng(1)
    shares = []
    for seed in range(8):
        X, y = rng.normal(size=(100, 20)), rng.integers(0, 2, 100).astype(float)
        prompt = np.array([f"p{k // 2}" for k in range(100)])
        said = predicted_elsewhere(X, y, prompt, 5, seed)
        shares.append(((said > 0) == (y > 0.5)).mean())
    assert 0.42 < np.mean(shares) < 0.58


def test_a_benchmark_that_length_solves():
    rng = np.random.default_rng(2)
    sizes = sizes_of(400, rng)
    longer = (sizes[:, 1] > sizes[:, 0]).astype(float)
    right = rng.random(400) < 0.9
    better = np.where(right, longer, 1 - longer)
    found = check(benchmark(better, sizes, turned=rng.random(400) < 0.5))
    for term in ("longer", "higher words", "best single rule", "all of these together"):
        assert row(found, term)["conf_low"] < 0.9 < row(found, term)["conf_high"] + 0.02
    assert row(found, "higher bold")["q_value"] > 0.01
    assert [one.rule_id for one in found.findings()] == ["solved-without-reading"]
    assert "longer: 0.9" in found.summary() or "longer: 0.8" in found.summary()


def test_shorter_solves_as_well_as_longer():
    rng = np.random.default_rng(3)
    sizes = sizes_of(200, rng)
    shorter = (sizes[:, 1] < sizes[:, 0]).astype(float)
    found = check(benchmark(shorter, sizes))
    assert row(found, "longer")["estimate"] < 0.05
    assert row(found, "all of these together")["estimate"] > 0.95
    assert "shorter: " in found.summary()


def test_a_benchmark_that_nothing_solves():
    rng = np.random.default_rng(4)
    judge = rng.integers(0, 2, 400).astype(float)
    better = np.where(rng.random(400) < 0.8, judge, 1 - judge)
    data = benchmark(better, sizes_of(400, rng), judges={"judge": judge}, clusters=200)
    found = check(data)
    together = row(found, "all of these together")
    assert together["conf_low"] < 0.5 < together["conf_high"]
    assert together["n_clusters"] == 200
    assert together["judge_gap_low"] > 0.13
    assert row(found, "best judge in the file")["estimate"] == pytest.approx(0.8, abs=0.06)
    assert found.findings() == []


def test_no_judge_is_better_than_the_rules():
    rng = np.random.default_rng(5)
    sizes = sizes_of(300, rng)
    longer = (sizes[:, 1] > sizes[:, 0]).astype(float)
    better = np.where(rng.random(300) < 0.85, longer, 1 - longer)
    weak = np.where(rng.random(300) < 0.7, better, 1 - better)
    found = check(benchmark(better, sizes, judges={"judge": weak, "coin": 1 - weak}))
    rules = {one.rule_id for one in found.findings()} - {"sides-not-random"}
    assert rules == {"solved-without-reading", "judge-no-better-than-rules"}
    best = row(found, "best judge in the file")
    assert best["estimate"] == pytest.approx(0.7, abs=0.08)
    # chosen of two on other prompts; of one nothing is chosen
    one = row(check(benchmark(better, sizes, judges={"judge": weak}), judges="judge"), best.name)
    assert one["estimate"] == best["estimate"]
    assert best["std_error"] == pytest.approx(FITTED**0.5 * one["std_error"])
    for method in ("twice the variance", "signs of prompts"):
        assert method in found.summary()


def test_a_file_that_lists_the_better_first_is_no_easier():
    rng = np.random.default_rng(6)
    sizes, n = sizes_of(150, rng), 150
    better = rng.integers(0, 2, n).astype(float)
    mixed = check(benchmark(better, sizes))
    listed = check(benchmark(better, sizes, turned=better > 0.5))
    aside = ~mixed.to_frame()["term"].eq("listed as A")
    pd.testing.assert_frame_equal(
        mixed.to_frame()[aside], listed.to_frame()[aside], check_exact=False, rtol=1e-6
    )
    assert row(listed, "listed as A")["estimate"] == 1
    assert "always side A" in listed.summary()
    assert [one.rule_id for one in listed.findings()] == ["sides-not-random"]


def test_the_name_of_the_model_is_learnt_on_other_prompts():
    rng = np.random.default_rng(7)
    n = 240
    strength = {"weak": 0, "fair": 1, "good": 2, "best": 3}
    names = np.array([rng.choice(list(strength), 2, replace=False) for _ in range(n)])
    power = np.vectorize(strength.get)(names)
    better = (power[:, 1] > power[:, 0]).astype(float)
    data = benchmark(better, sizes_of(n, rng), model_a=names[:, 0], model_b=names[:, 1])
    found = check(data)
    assert row(found, "model that is better elsewhere")["estimate"] > 0.97
    assert row(found, "all of these together")["estimate"] > 0.9
    once = benchmark(better, sizes_of(n, rng), model_a=[f"x{k}" for k in range(n)],
                     model_b=[f"y{k}" for k in range(n)])  # fmt: skip
    assert "on two prompts" in row(check(once), "model that is better elsewhere")["reason"]


def test_the_order_that_judges_saw():
    rng = np.random.default_rng(8)
    better = rng.integers(0, 2, 120).astype(float)
    data = benchmark(better, sizes_of(120, rng), judges={"judge": better})
    first = np.where(data.labels["preference"] > 0.5, "ab", "ba")
    labels = data.labels.assign(order_shown=np.where(data.labels["kind"] == "llm", first, None))
    shown = wb.PreferenceData.from_tables(data.pairs, labels.drop(columns="replicate"))
    found = check(shown)
    assert row(found, "first before judges")["estimate"] == 1
    assert "shown first to judges in 100%" in found.findings()[-1].message
    both = labels.assign(order_shown=np.where(data.labels["kind"] == "objective", first, None))
    known = check(wb.PreferenceData.from_tables(data.pairs, both.drop(columns="replicate")))
    assert row(known, "shown first")["estimate"] == 1
    assert row(known, "all of these together")["estimate"] > 0.95


def test_subsets_are_solved_apart():
    """Longer is right in one subset and wrong in the other: together, neither is seen."""
    rng = np.random.default_rng(9)
    sizes = sizes_of(240, rng)
    longer = (sizes[:, 1] > sizes[:, 0]).astype(float)
    easy = np.arange(240) < 110
    better = np.where(easy, longer, 1 - longer)
    kind = np.select([easy, np.arange(240) < 230], ["easy", "hard"], "rare")
    found = check(benchmark(better, sizes, scenario=kind), by="scenario")
    table = found.slices.set_index(["group", "term"])
    assert table.loc[("easy", "all of these together"), "estimate"] > 0.95
    assert table.loc[("hard", "all of these together"), "estimate"] > 0.95
    assert table.loc[("hard", "longer"), "estimate"] < 0.05
    assert "fewer than 20 prompts" in table.loc[("rare", "all of these together"), "reason"]
    assert row(found, "longer")["conf_low"] < 0.5 < row(found, "longer")["conf_high"]
    assert row(found, "all together, fitted by subset")["estimate"] > 0.9
    assert set(found.figures()) == {found.heading, "By scenario"}


def test_few_prompts_ties_and_what_never_differs():
    rng = np.random.default_rng(10)
    better = np.r_[rng.integers(0, 2, 10), np.full(5, 0.5)]
    same = np.full((15, 2), 9)
    found = check(benchmark(better, same))
    assert "fewer than 20 prompts" in row(found, "all of these together")["reason"]
    assert row(found, "higher words")["reason"] or row(found, "higher words")["n"] == 10
    assert found.exclusions.to_dict("records") == [{"reason": "a tie", "n": 5}]
    one = check(benchmark(np.ones(30), sizes_of(30, rng), clusters=1))
    assert "one cluster" in row(one, "longer")["reason"]
    assert np.isnan(row(one, "longer")["p_value"])


def test_refusals():
    rng = np.random.default_rng(11)
    data = benchmark(rng.integers(0, 2, 30).astype(float), sizes_of(30, rng))
    with pytest.raises(DesignError, match="no labels of 'human'"):
        wb.check_benchmark(data)
    with pytest.raises(DesignError, match="no factor 'charm'"):
        wb.check_benchmark(data, "gold", factors=["charm"])
    with pytest.raises(DesignError, match="no slices"):
        check(data, by="nothing")
    with pytest.raises(DesignError, match="folds"):
        check(data, folds=1)
    with pytest.raises(DataError, match="nobody"):
        check(data, judges=["nobody"])
    with pytest.raises(DesignError, match="gold is the reference itself"):
        check(data, judges=["gold"])
    with pytest.raises(DesignError, match="No pair is decided"):
        check(benchmark(np.full(4, 0.5), sizes_of(4, rng)))
    bare = wb.PreferenceData.from_tables(
        pd.DataFrame({"item": range(9)}),
        pd.DataFrame({"pair": range(9), "annotator": "gold", "preference": 1.0}),
    )
    with pytest.raises(DesignError, match="nothing that a rule could look at"):
        wb.check_benchmark(bare, "gold")


def test_evalbiasbench_is_solved_without_reading(shared_data):
    """Its pairs are built so that the worse response is longer or looks better."""
    data = wb.load(shared_data / "evalbiasbench" / "biasbench.json")
    found = wb.check_benchmark(data, "objective")
    assert row(found, "all of these together")["conf_low"] > 0.6
    assert row(found, "longer")["conf_high"] < 0.5


def test_what_is_fitted_on_other_folds_has_twice_the_variance_of_a_rule():
    """Labels by chance: of signs alone, a fifth of the p-values are below .05."""
    rng = np.random.default_rng(3)
    data = benchmark(rng.integers(0, 2, 80), rng.integers(1, 40, (80, 2)))
    table = wb.check_benchmark(data, "gold", factors=["words"]).to_frame().set_index("term")
    for term in ("all of these together", "best single rule"):
        one = table.loc[term]
        plain = 2 * np.sqrt(one["estimate"] * (1 - one["estimate"]) / 79)
        assert 2 * one["std_error"] == pytest.approx(np.sqrt(FITTED) * plain, rel=0.04)
        assert 0 <= one["conf_low"] < one["estimate"] < one["conf_high"] <= 1
        assert "twice the variance" in one["method"]
    assert "signs of prompts" in table.loc["longer", "method"]
