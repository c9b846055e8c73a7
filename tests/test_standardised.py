"""Weights per standard deviation: by hand, and the same whatever unit a factor is coded in."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.planted import planted
from workbench.data.dataset import PreferenceData
from workbench.standardised import PER_SD, difference_sd, with_per_sd

WEIGHTS = {"ann": [0.8, -0.4], "judge": [0.3, 0.5]}


def _scaled(data: PreferenceData, by: float) -> PreferenceData:
    return replace(data, factors=data.factors.assign(f1=by * data.factors["f1"]))


def _results(data: PreferenceData) -> dict[str, pd.DataFrame]:
    fit = wb.decompose(data, folds=0)
    return {
        "bootstrap": wb.bootstrap(fit, replicates=50).to_frame(),
        "screening": wb.screen(data, control=None, resamples=0).to_frame(),
        "concordance": wb.concordance(data, fit=fit, replicates=50).to_frame(),
    }


def test_by_hand() -> None:
    X, weight = np.array([[3.0, 0.0], [-4.0, 1.0]]), np.array([1.0, 3.0])
    np.testing.assert_allclose(difference_sd(X, weight), np.sqrt([57 / 4, 3 / 4]))
    # exchanging the two responses of a pair changes nothing
    np.testing.assert_allclose(difference_sd(-X), difference_sd(X))
    assert difference_sd(X[:0]).tolist() == [0.0, 0.0]


def test_the_tidy_columns_stay_together() -> None:
    columns = ["term", "estimate", "std_error", "conf_low", "conf_high", "p_value", "q_value", "n"]
    table = pd.DataFrame(np.ones((1, 9)), columns=[*columns, "method"])
    table["adjusted_estimate"] = table["adjusted_conf_low"] = table["adjusted_conf_high"] = 2.0
    found = with_per_sd(table, np.array([0.5]), ("", "adjusted_"))
    assert found.columns.tolist()[:12] == [*columns, *PER_SD, "method"]
    assert found.columns.tolist()[-3:] == [f"adjusted_{name}" for name in PER_SD]
    assert found["adjusted_per_sd"].tolist() == [1.0]


def test_the_unit_of_a_factor_does_not_matter() -> None:
    data = planted(WEIGHTS, n=400, clusters=80)
    for name, table in _results(data).items():
        other = _results(_scaled(data, 1000.0))[name]
        order = [c for c in ("group", "term") if c in table]
        table, other = (t.sort_values(order).reset_index(drop=True) for t in (table, other))
        np.testing.assert_allclose(other[list(PER_SD)], table[list(PER_SD)], rtol=1e-4)
        weight = "weight" if name == "concordance" else "estimate"
        mine = (table["term"] == "f1").to_numpy()
        np.testing.assert_allclose(
            other.loc[mine, weight], table.loc[mine, weight] / 1000, rtol=1e-4
        )


def test_a_posterior_says_both() -> None:
    data = planted(WEIGHTS, n=200)
    found = wb.dissect(data, by="annotator", folds=0, scale=0.3)
    table = found.to_frame()
    sd = np.sqrt((data.factors[["f0", "f1"]] ** 2).mean())
    for row in table[table["term"] != "position"].itertuples():
        assert row.per_sd == pytest.approx(row.estimate * sd[row.term])
        assert row.per_sd_high == pytest.approx(row.conf_high * sd[row.term])
    assert table.loc[table["term"] == "position", "per_sd"].isna().all()


def test_figures_of_several_codings_show_standard_deviations() -> None:
    data = planted(WEIGHTS, n=400, clusters=80)
    fit = wb.decompose(data, folds=0)
    figures = (
        wb.screen(data, control=None, resamples=0).plot(),
        wb.concordance(data, fit=fit, replicates=50).plot(),
    )
    for figure in figures:
        assert re.search("per standard deviation|/SD", figure.layout.xaxis.title.text)
