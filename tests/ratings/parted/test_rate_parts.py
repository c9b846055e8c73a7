"""Ratings of data in parts are those of the same data in memory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.battles import simulate
from tests.parted_data import divided
from tests.shuffled_engine import Shuffled
from workbench.data.dataset import PreferenceData
from workbench.engine import Local
from workbench.errors import DataError, DesignError
from workbench.ratings.result import Ratings
from workbench.structure.transitivity.verdict import ranking_line

EXACT = ("estimate", "n", "rank", "rank_arena", "wins", "losses", "ties")


def same(found: Ratings, wanted: Ratings) -> None:
    """Estimates to 1e-10, errors to 1e-9, and every word."""
    for name, theirs in wanted.tables().items():
        mine = found.tables()[name]
        pd.testing.assert_frame_equal(mine, theirs, rtol=1e-8, atol=1e-9, obj=name)
    mine, theirs = found.to_frame(), wanted.to_frame()
    for name in EXACT:
        np.testing.assert_allclose(mine[name], theirs[name], rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(mine["std_error"], theirs["std_error"], rtol=1e-9, atol=1e-12)
    assert found.warnings == wanted.warnings
    assert found.settings == wanted.settings
    assert found.control == wanted.control
    assert found.method == wanted.method


def compare(data: PreferenceData, folder: Path, n: int, **options: Any) -> Ratings:
    found = wb.rate(divided(data, folder, n), **options)
    same(found, wb.rate(data, **options))
    assert not (folder / "work").exists()
    return found


def odd(seed: int = 0) -> PreferenceData:
    """Ties, weights, soft verdicts, missing names, failed verdicts, a model that never won."""
    data, _, _ = simulate(K=2, ties=0.2, clusters=120)
    rng = np.random.default_rng(seed)
    labels, pairs = data.labels.copy(), data.pairs.copy()
    n = len(labels)
    labels["weight"] = rng.choice([0.5, 1.0, 2.0, 0.0], n, p=[0.3, 0.4, 0.28, 0.02])
    soft = rng.random(n) < 0.1
    labels.loc[soft, "preference"] = rng.choice([0.2, 0.8], int(soft.sum()))
    labels.loc[rng.random(n) < 0.03, ["preference", "reason"]] = [np.nan, "refused"]
    labels["annotator"] = rng.choice(["ann", "bob", "judge"], n)
    labels["kind"] = np.where(labels["annotator"].eq("judge"), "llm", "human")
    pairs.loc[rng.random(len(pairs)) < 0.03, "model_b"] = None
    lost = rng.random(len(pairs)) < 0.02
    pairs.loc[lost, "model_b"] = "loser"
    of_label = pd.Series(lost, pairs["pair_id"]).loc[labels["pair_id"]].to_numpy()
    labels.loc[of_label & labels["preference"].notna(), "preference"] = 1.0
    factors = data.factors.copy()
    factors.loc[factors.index[::40], "x1"] = np.nan
    return replace(data, pairs=pairs, labels=labels, factors=factors)


@pytest.mark.parametrize("n", [1, 5])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"ties": "davidson", "annotator": "human"},
        {"ties": "drop", "annotator": ["ann", "judge"], "anchor": "m1"},
        {"covariates": ["x0", "x1"], "anchor": ("m0", 1200)},
        {"covariates": ["x0"], "ties": "davidson", "ridge": 2.0},
    ],
)
def test_ratings_of_parts_are_those_in_memory(
    tmp_path: Path, n: int, options: dict[str, Any]
) -> None:
    found = compare(odd(), tmp_path / "set", n, replicates=200, **options)
    assert "loser" in found.reasons
    assert "a model without a finite rating" in set(found.exclusions["reason"])


def test_single_battles_as_clusters_and_models_in_some_parts_only(tmp_path: Path) -> None:
    data, _, _ = simulate(K=1)
    # models in the order of the clusters, so that a part lacks most of them
    compare(data, tmp_path / "alone", 5, replicates=100)
    compare(data, tmp_path / "more", 12, replicates=100, covariates=["x0"])


def test_votes_of_a_count_table_are_clusters_of_their_own(tmp_path: Path) -> None:
    counts = pd.DataFrame(
        {"model_a": ["m", "m", "n", "o"], "model_b": ["n", "o", "o", "m"],
         "wins_a": [3, 5, 2, 1], "wins_b": [1, 2, 4, 2], "ties": [1, 0, 2, 0]}
    )  # fmt: skip
    data = wb.load(counts)
    found = compare(data, tmp_path / "set", 3, replicates=100)
    assert found.used.n_clusters == 23
    compare(data, tmp_path / "drop", 2, replicates=100, ties="drop")


def test_covariates_that_cannot_be_told_are_left_out_alike(tmp_path: Path) -> None:
    data, _, _ = simulate(K=1)
    rng = np.random.default_rng(3)
    y = data.labels["preference"].to_numpy()
    a, b = (pd.factorize(data.pairs[f"model_{s}"], sort=True)[0] for s in "ab")
    extra = {
        "same": np.zeros(len(y)),
        "by_model": (a == 0).astype(float) - (b == 0),
        "twice": 2 * data.factors["x0"],
        "sure": np.where(rng.random(len(y)) < 0.3, 2 * y - 1, 0.0),
    }
    data = data.with_factors(
        pd.DataFrame(extra),
        pd.DataFrame(index=data.pairs.index),
        {name: {"coding": {"transform": "difference"}} for name in extra},
    )
    names = ["x0", "same", "by_model", "twice", "sure"]
    found = compare(data, tmp_path / "set", 4, covariates=names, replicates=100)
    assert found.held_constant == ["x0"]
    assert "won all" in found.covariate_reasons["sure"]


@pytest.mark.parametrize("engine", [Local(3), Shuffled()], ids=lambda one: type(one).__name__)
def test_every_engine_gives_the_same_bytes(tmp_path: Path, engine: Any) -> None:
    parts = divided(odd(), tmp_path / "set", 4)
    for options in ({"covariates": ["x0"]}, {"intervals": "bootstrap"}):
        one, two = (wb.rate(parts, replicates=100, **options, engine=e) for e in (None, engine))
        for name, table in one.tables().items():
            pd.testing.assert_frame_equal(table, two.tables()[name], check_exact=True)
        assert two.provenance.to_dict()["engine"] == engine.name


def test_resamples_follow_from_names_and_agree_with_those_in_memory(tmp_path: Path) -> None:
    data = odd()
    options: dict[str, Any] = {"intervals": "bootstrap", "replicates": 3000, "seed": 1}
    one, five = (wb.rate(divided(data, tmp_path / f"{n}", n), **options) for n in (1, 5))
    wanted = wb.rate(data, **options).to_frame()
    columns = ["estimate", "std_error", "conf_low", "conf_high"]
    np.testing.assert_allclose(
        one.to_frame()[columns], five.to_frame()[columns], rtol=1e-7, atol=1e-7
    )
    error = wanted["std_error"].to_numpy()
    # the sampling error of a standard deviation of 3,000 draws is 1.3 %
    np.testing.assert_allclose(five.to_frame()["std_error"], error, rtol=0.07)
    for end in ("conf_low", "conf_high"):
        gap = (five.to_frame()[end] - wanted[end]).abs() / error
        assert gap.max() < 0.25
    other = wb.rate(divided(data, tmp_path / "s", 2), **{**options, "seed": 2}).to_frame()
    assert (other["std_error"] != one.to_frame()["std_error"]).any()


def test_ties_alone_and_one_cluster(tmp_path: Path) -> None:
    data, _, _ = simulate(K=0)
    tied = replace(data, labels=data.labels.assign(preference=0.5))
    compare(tied, tmp_path / "tied", 3, replicates=100)
    one = replace(data, pairs=data.pairs.assign(cluster="c"))
    compare(one, tmp_path / "one", 1, replicates=100)


def test_what_is_refused_is_refused_alike(tmp_path: Path) -> None:
    data = odd()
    parts = divided(data, tmp_path / "set", 3)
    wrong: list[dict[str, Any]] = [
        {"annotator": "nobody"}, {"annotator": []}, {"covariates": ["x9"]},
        {"covariates": ["x0", "x0"]}, {"anchor": "loser"},
    ]  # fmt: skip
    for options in wrong:
        with pytest.raises(DesignError) as wanted:
            wb.rate(data, **options)
        with pytest.raises(DesignError) as found:
            wb.rate(parts, **options)
        assert str(found.value) == str(wanted.value)
    nameless = replace(data, pairs=data.pairs.assign(model_a=None, model_b=None))
    with pytest.raises(DesignError, match="do not say which models"):
        wb.rate(divided(nameless, tmp_path / "no", 2))
    unsaid = replace(data, labels=data.labels.assign(preference=np.nan, reason="refused"))
    with pytest.raises(DesignError, match="No label can be rated"):
        wb.rate(divided(unsaid, tmp_path / "un", 2))
    with pytest.raises(DesignError, match=r"data\.sample"):
        wb.rate(parts, covariates=["x0"], intervals="bootstrap", replicates=100)
    with pytest.raises(DesignError, match="lie in parts"):
        _ = wb.rate(parts, replicates=100).used.preference


def test_several_criteria(tmp_path: Path) -> None:
    data = odd()
    tone = data.labels.assign(criterion="tone", preference=0.5, reason=None)
    labels = pd.concat([data.labels.assign(criterion="overall"), tone], ignore_index=True)
    both = replace(data, labels=labels)
    compare(both, tmp_path / "set", 3, replicates=100)
    alone = labels["annotator"].eq("ann") & labels["criterion"].eq("overall")
    gone = replace(data, labels=labels[~alone].reset_index(drop=True))
    with pytest.raises(DataError, match="answered other questions only"):
        wb.rate(divided(gone, tmp_path / "x", 3))


def test_whether_they_may_be_ranked_is_asked_of_a_sample(tmp_path: Path) -> None:
    found = wb.rate(divided(odd(), tmp_path / "set", 2), replicates=100)
    assert "data.sample" in ranking_line(found)
