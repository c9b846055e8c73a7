"""Whose verdicts stand beside a reference."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

import workbench as wb
from workbench.audit.judges.verdicts.preferences import (
    judges_beside,
    most_beside,
    reference_mask,
)  # fmt: skip
from workbench.calibration.few.inputs import lay
from workbench.calibration.soft.signals import signals
from workbench.errors import DataError, DesignError


@pytest.fixture(scope="module")
def data() -> wb.PreferenceData:
    pairs = pd.DataFrame({"prompt": ["p", "q"], "response_a": ["a", "b"],
                          "response_b": ["c", "d"]})  # fmt: skip
    kinds = {"z": "llm", "a": "reward", "gold": "objective", "ann": "human", "ben": "human"}
    parts = [pd.DataFrame({"pair": [0, 1], "annotator": name, "kind": kind, "preference": 1.0})
             for name, kind in kinds.items()]  # fmt: skip
    return wb.PreferenceData.from_tables(pairs, pd.concat(parts, ignore_index=True))


def test_without_names_it_is_everybody_but_people_gold_and_the_reference(data):
    assert judges_beside(data, None, reference_mask(data, "human")) == ["a", "z"]
    # a person that is not of the reference is no judge either
    assert judges_beside(data, None, reference_mask(data, "ann")) == ["a", "z"]
    assert judges_beside(data, None, reference_mask(data, "z")) == ["a"]
    assert wb.panel(data).settings["judges"] == ["a", "z"]
    assert lay(data, None, "human").judges == ["a", "z"]
    assert signals(data, None, "human", 2, 0).judges == ["a", "z"]


def test_who_is_named_is_taken_once_and_in_the_order_of_names(data):
    theirs = reference_mask(data, "ann")
    assert judges_beside(data, "gold", theirs) == ["gold"]
    assert judges_beside(data, ["z", "ben", "z"], theirs) == ["ben", "z"]


def test_the_judge_with_most_pairs_beside_a_reference_is_found_whatever_the_order(data):
    people = reference_mask(data, "ann")
    assert most_beside(data, ["z", "a"], people) == "a"
    # repeats and lost verdicts are no further pairs
    first = data.labels["pair_id"].eq(data.pairs["pair_id"][0])
    labels = data.labels.assign(preference=data.labels["preference"].mask(
        data.labels["annotator"].eq("a") & first))  # fmt: skip
    fewer = replace(data, labels=labels)
    assert most_beside(fewer, ["a", "z"], people) == "z"
    assert most_beside(fewer, ["a", "z"], people & ~people) is None
    assert most_beside(fewer, ["a", "z"], people & first.to_numpy()) == "z"
    nobody = labels.assign(preference=labels["preference"].where(labels["annotator"].eq("ann")))
    assert most_beside(replace(data, labels=nobody), ["a", "z"], people) is None


def test_who_cannot_be_a_judge_is_refused(data):
    people, alone = reference_mask(data, "human"), data.filter(kinds=["human"])
    with pytest.raises(DataError, match="no judge 'nobody'"):
        judges_beside(data, ["z", "nobody"], people)
    with pytest.raises(DesignError, match="ann is the reference itself, or a part of it"):
        judges_beside(data, ["z", "ann"], people)
    with pytest.raises(DesignError, match="There is no judge"):
        judges_beside(data, [], people)
    with pytest.raises(DesignError, match="There is no judge"):
        judges_beside(alone, None, reference_mask(alone, "ann"))
    with pytest.raises(DesignError, match="takes names"):
        judges_beside(data, [1], people)
    for measure in (wb.panel, wb.instrument):
        with pytest.raises(DesignError, match="is the reference itself"):
            measure(data, ["z", "ann"], "human")
