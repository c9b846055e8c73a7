"""Extraction through HTTP: planted rules are found by every way of holding out and voting."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.llm_server import serving
from tests.planted_rules import rule, words
from workbench.llm.endpoint import Endpoint
from workbench.principles.extract import extract
from workbench.principles.held_out.evaluate import EXECUTOR, WITH, WITHOUT
from workbench.principles.recipe import Recipe

ORTHOGONAL = ("cat", "blue", "lemon")
ALIGNED = ("truthful", "responsive", "polite")
"""The rules of the synthetic sets: Findeis et al. (2024), section 4.1."""


@pytest.fixture
def asker(tmp_path) -> Iterator[wb.Asker]:
    with (
        serving() as server,
        wb.Journal(tmp_path / "j") as journal,
        wb.Asker(Endpoint(server.url, concurrency=16), journal) as asker,
    ):
        yield asker


@pytest.mark.parametrize(
    ("name", "planted", "longer"),
    [
        # published beside them: how often the longer response is the preferred one
        ("orthogonal", ORTHOGONAL, 0.3),
        ("aligned", ALIGNED, 0.6),
        ("mixed", ORTHOGONAL + ALIGNED, 0.45),
    ],
)
def test_the_planted_rules_of_the_synthetic_sets_are_recovered_in_folds(
    shared_data, asker, name, planted, longer
):
    files = sorted((shared_data / "icai_synthetic").rglob(f"synthetic_data_{name}*.csv"))
    if not files:
        pytest.skip("the synthetic sets of inverse constitutional AI are absent")
    data = wb.load(files[0])
    size, rules = len(data.pairs), {rule(word) for word in planted}
    recipe = Recipe(n=len(planted), folds=5, candidates=16)
    found = extract(data, asker, model="m", recipe=recipe)
    assert {one.text for one in found.principles} == rules
    table = found.to_frame().set_index("term").loc[sorted(rules)]
    # ten pairs each, all of them right: of each fold that selected the rule
    assert (table["accuracy"] == 1.0).all()
    assert table["estimate"].between(6 / size, 13.5 / size).all()
    assert (table["n"] >= 18).all()
    # a fold that did not select a rule holds none of its pairs; the exact test needs six
    enough = table["for"] >= 6
    assert enough.sum() >= len(planted) - 2
    assert (table.loc[enough, "conf_low"] > 0).all()
    assert (table.loc[enough, "q_value"] < 0.05).all()
    accuracy = found.evaluation.to_frame().set_index("term")
    assert accuracy["n"].loc[[WITH, EXECUTOR, "longer"]].tolist() == [size] * 3
    others = accuracy["estimate"].drop([WITH, EXECUTOR]).dropna()
    assert {"majority", "text factors", WITHOUT} <= set(others.index)
    assert accuracy.loc[WITH, "estimate"] > others.max()
    assert accuracy.loc[EXECUTOR, "estimate"] > others.max()
    assert accuracy.loc[WITHOUT, "p_value"] < 0.05
    assert accuracy.loc["longer", "estimate"] == pytest.approx(longer)
    assert len(found.evaluation.curve) == len(planted)


def test_rules_planted_in_the_sample_are_recovered_and_beat_every_baseline(asker):
    """The texts of the sample, preferred for three words; a coin where they do not decide."""
    wanted = ("budget", "example", "review")
    data = wb.load("sample")
    pairs = data.pairs.head(600)
    counts = [
        pairs[side].str.lower().map(lambda text: len(words(text) & set(wanted)))
        for side in ("response_a", "response_b")
    ]
    lean = np.sign(counts[0] - counts[1]).to_numpy(float)
    coin = np.random.default_rng(0).integers(0, 2, len(pairs))
    labels = pd.DataFrame({"pair": range(len(pairs)), "annotator": "planted",
                           "preference": np.where(lean == 0, coin, (lean + 1) / 2)})  # fmt: skip
    own = wb.PreferenceData.from_tables(pairs[["prompt", "response_a", "response_b"]], labels)
    found = extract(own, asker, model="m", recipe=Recipe(n=3))
    assert {one.text for one in found.principles} == {rule(word) for word in wanted}
    table = found.to_frame().set_index("term").loc[[one.text for one in found.principles]]
    assert (table["conf_low"] > 0).all()
    assert (table["q_value"] < 0.05).all()
    accuracy = found.evaluation.to_frame().set_index("term")["estimate"]
    others = accuracy.drop([WITH, EXECUTOR]).dropna()
    assert {"majority", "longer", "text factors", WITHOUT} <= set(others.index)
    assert accuracy[WITH] > others.max()
    assert accuracy[EXECUTOR] > others.max()


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
