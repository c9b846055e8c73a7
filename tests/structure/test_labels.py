"""Labels of people as arrays: every label in its place, items without a reference."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.structure.labels import person_labels
from workbench.structure.planted import planted_people


def test_every_label_is_in_its_place():
    data, _ = planted_people(people=7, labels=12, seed=3)
    found = person_labels(data)
    said = pd.DataFrame(
        {"who": found.people[found.person], "pair": found.pair, "y": found.votes / found.weight}
    )
    table = data.labels.assign(pair=data.pair_rows)[["annotator", "pair", "preference"]]
    both = said.merge(table, left_on=["who", "pair"], right_on=["annotator", "pair"])
    assert len(both) == len(data.labels) == found.weight.sum()
    assert (both["y"] == both["preference"]).all()
    values = data.factors[data.factor_names].to_numpy()
    np.testing.assert_array_equal(found.X, values[found.pair])


def test_folds_keep_a_prompt_together():
    data, _ = planted_people(people=9, labels=20)
    found = person_labels(data)
    fold = pd.Series(found.folds(5, 0)).groupby(found.prompt).nunique()
    assert (fold == 1).all()


def _tournament() -> wb.PreferenceData:
    pairs = pd.DataFrame(
        {"model_a": ["x", "y", "x"], "model_b": ["y", "z", "z"], "cluster": ["p", "q", "r"]}
    )
    labels = pd.DataFrame(
        [{"pair": k, "annotator": who, "kind": "human", "preference": y}
         for who in ("one", "two") for k, y in enumerate((1.0, 0.0, 0.5))]
    )  # fmt: skip
    return wb.PreferenceData.from_tables(pairs, labels)


def test_items_have_no_reference():
    found = person_labels(_tournament(), items="model")
    assert found.terms == ["x", "y", "z"]
    strengths = np.array([0.3, -0.1, -0.2])
    fitted = found.told.T @ strengths
    np.testing.assert_allclose(found.told @ fitted, strengths)
    gaps = {0: 0.4, 1: 0.1, 2: 0.5}
    np.testing.assert_allclose(found.X @ fitted, [gaps[k] for k in found.pair])
    assert found.block.tolist() == [0, 0]


def test_one_person_or_one_item_is_refused_by_name():
    data = _tournament()
    with pytest.raises(wb.DesignError, match="only one person"):
        person_labels(data.filter(annotators=["one"]), items="model")
    with pytest.raises(wb.DesignError, match="no items to weigh"):
        person_labels(data, items="prompt_version")


@pytest.mark.parametrize("verb", [wb.people, wb.groups, wb.mixed])
def test_ties_throughout_are_refused(verb):
    data, _ = planted_people(people=6, labels=20)
    tied = replace(data, labels=data.labels.assign(preference=0.5))
    with pytest.raises(wb.DesignError, match="Every label is a tie"):
        verb(tied)
