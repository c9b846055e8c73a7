"""Extraction through HTTP: planted rules are found by every way of holding out and voting."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

import workbench as wb
from tests.llm_server import serving
from tests.planted_rules import MENTIONS
from workbench.llm.client import Endpoint
from workbench.principles.evaluate import EXECUTOR, WITH, WITHOUT
from workbench.principles.extract import extract
from workbench.principles.recipe import Recipe

PLANTED = {MENTIONS.format(word=word) for word in ("cat", "blue", "lemon")}
"""The rules of the set "orthogonal": Findeis et al. (2024), section 4.1."""


@pytest.fixture
def asker(tmp_path) -> Iterator[wb.Asker]:
    with (
        serving() as server,
        wb.Journal(tmp_path / "j") as journal,
        wb.Asker(Endpoint(server.url, concurrency=16), journal) as asker,
    ):
        yield asker


def test_the_planted_rules_of_the_synthetic_set_are_recovered_in_folds(shared_data, asker):
    files = sorted((shared_data / "icai_synthetic").rglob("*orthogonal*.csv"))
    if not files:
        pytest.skip("the synthetic sets of inverse constitutional AI are absent")
    data = wb.load(files[0])
    recipe = Recipe(n=3, folds=5, candidates=16)
    found = extract(data, asker, model="m", recipe=recipe)
    assert {one.text for one in found.principles} == PLANTED
    table = found.to_frame().set_index("term").loc[sorted(PLANTED)]
    # ten of the thirty pairs each, all of them right: of each fold that selected the rule
    assert (table["accuracy"] == 1.0).all()
    assert table["estimate"].between(0.2, 0.45).all()
    assert (table["n"] >= 18).all()
    assert (table["conf_low"] > 0).all()
    assert (table["q_value"] < 0.05).all()
    accuracy = found.evaluation.to_frame().set_index("term")
    assert accuracy["n"].loc[[WITH, EXECUTOR, "longer"]].tolist() == [30, 30, 30]
    others = accuracy["estimate"].drop([WITH, EXECUTOR]).dropna()
    assert accuracy.loc[WITH, "estimate"] > others.max()
    assert accuracy.loc[EXECUTOR, "estimate"] > others.max()
    assert accuracy.loc[WITHOUT, "p_value"] < 0.05
    # published beside it: the longer response is right on 30 %
    assert accuracy.loc["longer", "estimate"] == pytest.approx(0.3)
    assert len(found.evaluation.curve) == 3


def test_effects_in_folds_do_not_see_the_labels_that_selected_them(shared_data, asker):
    """Labels at random: what five folds select is measured on pairs that it has not seen."""
    data = wb.load("sample").filter(kinds=["human"])
    data = data.filter(pair_ids=data.pairs["pair_id"][:200])
    rng = np.random.default_rng(0)
    labels = data.labels.assign(preference=rng.integers(0, 2, len(data.labels)).astype(float))
    noise = wb.PreferenceData(data.pairs, labels, data.factors, data.factor_values)
    loose = Recipe(folds=4, rules=replace(Recipe().rules, max_q=None))
    found = extract(noise, asker, model="m", recipe=loose, judge=False)
    table = found.to_frame()
    chosen = table["selected"] & table["estimate"].notna()
    assert (table.loc[chosen, "in_sample"] > 0).all()
    assert (table.loc[chosen, "q_value"] > 0.01).all()
    unseen = table[table["estimate"].isna()]
    assert set(unseen["reason"]) <= {"selected in no fold"}


def test_folds_and_adaptive_voting_exclude_each_other():
    with pytest.raises(wb.WorkbenchError, match="adaptive"):
        Recipe(folds=5, adaptive=True)
