"""Circles and wordings: known rates come out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import cohen_kappa_score

import workbench as wb
from workbench.audit.judges.reliability import compare_wordings, transitivity
from workbench.errors import DesignError


def triples(n: int) -> wb.PreferenceData:
    rows = [
        {"prompt": f"p{k}", "response_a": f"{k} {one}", "response_b": f"{k} {two}"}
        for k in range(n) for one, two in (("a", "bb"), ("bb", "ccc"))
    ]  # fmt: skip
    labels = pd.DataFrame({"pair": [0], "annotator": ["ann"], "preference": [1.0]})
    return wb.PreferenceData.from_tables(pd.DataFrame(rows), labels)


def test_random_verdicts_form_a_circle_one_time_in_four():
    class Coin(wb.RuleJudge):
        """The same random verdict in both orders."""

        def verdicts(self, data):
            rows = super().verdicts(data)
            first = rows[rows["order_shown"] == "ab"].set_index("pair_id")["preference"]
            return rows.assign(preference=rows["pair_id"].map(first))

    found = transitivity(triples(800), Coin("random"), n=800).to_frame().set_index("term")
    row = found.loc["circles among decided triples"]
    assert row["n"] == 800
    assert row["conf_low"] < 0.25 < row["conf_high"]
    orders = transitivity(triples(50), wb.RuleJudge("longer")).to_frame()
    assert orders["estimate"].tolist() == [0.0, 0.0]
    few = triples(1).filter(pair_ids=triples(1).pairs["pair_id"][:1])
    with pytest.raises(DesignError, match="three responses"):
        transitivity(few, wb.RuleJudge("longer"))


def test_wordings_are_compared_by_flips_kappa_and_agreement():
    data = wb.load("sample")
    judges = {"one": wb.RuleJudge("longer"), "other": wb.RuleJudge("random"),
              "same": wb.RuleJudge("longer", "twin")}  # fmt: skip
    table = compare_wordings(data, judges, n=150).to_frame().set_index("term")
    assert table.loc["one and same differ", ["estimate", "kappa"]].tolist() == [0.0, 1.0]
    assert table.loc["one and other differ", "estimate"] > 0.4
    gain = table.loc["agreement with human: other minus one"]
    assert gain["estimate"] < 0
    with pytest.raises(DesignError, match="two"):
        compare_wordings(data, {"one": wb.RuleJudge("longer")})


def test_kappa_is_scikit_learn_s():
    from workbench.audit.judges.reliability import _kappa

    rng = np.random.default_rng(0)
    x, y = rng.choice([-1.0, 0.0, 1.0], (2, 200))
    assert _kappa(x, y) == pytest.approx(cohen_kappa_score(x, y))
