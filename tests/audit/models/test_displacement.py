"""Displacement by hand, its correlation with CHES, and the pairs that filtering keeps."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from workbench.audit.models.displacement import displacement
from workbench.errors import DataError


def scores(n: int = 80, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({
        "pair_id": [f"p{k}" for k in range(n)], "cluster": [f"c{k // 2}" for k in range(n)],
        "chosen": rng.normal(-50, 5, n), "rejected": rng.normal(-50, 5, n),
        "ches": rng.normal(0, 10, n), "ln_ches": rng.normal(0, 1, n),
    })  # fmt: skip


def test_changes_shares_and_correlations():
    before = scores()
    drop = -3 - before["ln_ches"]
    after = before.assign(chosen=before["chosen"] + drop, rejected=before["rejected"] - 8)
    found = displacement(before, after)
    table = found.to_frame().set_index("term")
    assert table.loc["change of the chosen", "estimate"] == pytest.approx(drop.mean())
    assert table.loc["change of the rejected", "estimate"] == pytest.approx(-8)
    lost = ((drop < 0) & (drop + 8 > 0)).mean()
    assert table.loc["pairs displaced", "estimate"] == pytest.approx(lost)
    rank = table.loc["correlation of ln_ches before and the change of the chosen"]
    assert rank["estimate"] == pytest.approx(-1.0)
    other = table.loc["correlation of ches before and the change of the chosen"]
    assert other["estimate"] == pytest.approx(spearmanr(before["ches"], drop).statistic)
    assert other["conf_low"] < other["estimate"] < other["conf_high"]
    assert 0.3 < other["conf_high"] - other["conf_low"] < 0.6
    (one,) = found.findings()
    assert one.rule_id == "likelihood-displacement"
    assert one.evidence[0] == before["pair_id"][drop.idxmin()]
    # 5 % of 80 pairs, the least similar ones
    kept = before.sort_values("ln_ches")["pair_id"].head(4).tolist()
    assert found.to_keep == kept
    assert found.plot().data


def test_chosen_responses_that_rise_are_no_displacement():
    before = scores()
    after = before.assign(chosen=before["chosen"] + 5)
    assert displacement(before, after).findings() == []
    with pytest.raises(DataError, match="common"):
        displacement(before, after.assign(pair_id="x"))


def test_intervals_of_the_correlation_cover():
    """Pairs of two a cluster that share luck, true rank correlation 0: 95 %."""
    rng = np.random.default_rng(0)
    runs, covered = 400, 0
    for _ in range(runs):
        shared = np.repeat(rng.normal(size=(60, 2)), 2, axis=0)
        x, y = (shared + rng.normal(size=(120, 2))).T
        before = scores(120).assign(ches=x, ln_ches=x)
        after = before.assign(chosen=before["chosen"] + y)
        row = displacement(before, after).to_frame().set_index("term")
        row = row.loc["correlation of ches before and the change of the chosen"]
        covered += row["conf_low"] <= 0 <= row["conf_high"]
    assert 0.92 <= covered / runs <= 0.98


def test_many_clusters_need_no_square_of_memory():
    before = scores(60_000)
    assert displacement(before, before.assign(chosen=before["chosen"] - 1)).to_frame().shape[0] == 6
