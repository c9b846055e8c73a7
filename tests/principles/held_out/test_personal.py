"""One constitution a group: planted tastes come out, held out, and fit their own group best."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from tests.principles.voted import voted
from workbench.errors import DataError, DesignError
from workbench.principles.held_out.personal import personal


def tastes(n: int, seed: int, strength: float = 0.8):
    """Anna follows principle 0, Ben principle 1, Cem none; six principles."""
    rng = np.random.default_rng(seed)
    codes = rng.choice([1, -1], (n, 6)).astype(np.int8)
    follow = rng.random((n, 3)) < strength
    noise = rng.integers(0, 2, (n, 3)).astype(float)
    said = {
        "anna": np.where(follow[:, 0], codes[:, 0] > 0, noise[:, 0]).astype(float),
        "ben": np.where(follow[:, 1], codes[:, 1] > 0, noise[:, 1]).astype(float),
        "cem": noise[:, 2],
    }
    return voted(codes, said, clusters=np.arange(n) // 2)


def test_each_gets_the_rule_that_it_follows():
    data, votes = tastes(300, 0)
    found = personal(data, votes, n=1, replicates=200)
    first = {name: [one.text for one in listed] for name, listed in found.constitutions.items()}
    assert first["anna"] == ["Principle 00"]
    assert first["ben"] == ["Principle 01"]
    table = found.to_frame().set_index("group")
    assert table.loc["anna", "conf_low"] > 0.6
    assert table.loc["anna", ["n", "folds"]].tolist() == [300, 5]
    assert table.loc["anna", "estimate"] == pytest.approx(table.loc["anna", "in_sample"])
    assert table.loc["cem", "q_value"] > 0.05
    separation = found.contrasts.separation.set_index("principle")["q_value"]
    assert separation[["Principle 00", "Principle 01"]].max() < 1e-6
    matrix = found.cross.matrix()
    assert matrix.loc["anna", "anna"] > 0.85
    assert matrix.loc["ben", "anna"] < 0.6
    assert found.constitution("anna").digest != found.constitution("ben").digest
    assert "anna minus ben" in found.summary()
    assert {"constitutions", "separation", "cross_application"} <= set(found.tables())
    assert found.plot().data


def test_few_pairs_of_a_taste_that_is_none_find_nothing_too_often():
    """Twenty pairs, no taste: a held-out q below .05 in 5 % of runs at most."""
    runs, wrong = 15, 0
    for seed in range(runs):
        data, votes = tastes(20, seed, strength=0.0)
        table = personal(data, votes, n=2, folds=2, replicates=20, seed=seed).to_frame()
        wrong += bool((table["q_value"] < 0.05).any())
    assert wrong <= binom.ppf(0.999, runs, 0.05)


def test_small_groups_are_left_out_with_a_reason():
    data, votes = tastes(40, 0)
    labels = data.labels
    few = (labels["annotator"] == "cem") & (labels.groupby("annotator").cumcount() >= 6)
    data = type(data)(data.pairs, labels[~few].reset_index(drop=True), data.factors,
                      data.factor_values)  # fmt: skip
    found = personal(data, votes, replicates=50)
    assert list(found.constitutions) == ["anna", "ben"]
    assert found.exclusions.to_dict("records") == [
        {"group": "cem", "reason": "fewer than 10", "n": 6}
    ]
    with pytest.raises(DataError, match="enough pairs"):
        personal(data, votes, least=1000)
    with pytest.raises(DesignError, match="folds"):
        personal(data, votes, folds=1)


def test_only_one_group_left_has_no_contrast():
    data, votes = tastes(40, 0)
    labels = data.labels[(data.labels["annotator"] == "anna") | (data.labels.index % 10 == 0)]
    data = type(data)(data.pairs, labels.reset_index(drop=True), data.factors, data.factor_values)
    found = personal(data, votes, replicates=50)
    assert list(found.constitutions) == ["anna"]
    assert found.parts() == []
    assert isinstance(found.tables()["constitutions"], pd.DataFrame)
