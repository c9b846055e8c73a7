"""The main job: people pooled, every judge, and their differences."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.planted import planted
from workbench.data.dataset import PreferenceData
from workbench.errors import DataError, DesignError
from workbench.report.main_job import default_reference, ensure_factors, main_job

WEIGHTS = {
    "ann": [1.0, 0.0],
    "bob": [1.0, 0.0],
    "judge-same": [1.0, 0.0],
    "judge-long": [1.0, 1.0],
}


@pytest.fixture(scope="module")
def data() -> PreferenceData:
    return planted(WEIGHTS, n=3000)


def test_it_is_the_verbs_one_after_another(data: PreferenceData) -> None:
    job = main_job(data, folds=0)
    people = wb.decompose(data, annotator="human", folds=0)
    judges = wb.decompose(data, annotator=["judge-long", "judge-same"], folds=0)
    gap = wb.contrast(judges, people)
    for found, expected in zip(job.results, (people, judges, gap), strict=True):
        pd.testing.assert_frame_equal(found.to_frame(), expected.to_frame())


def test_people_are_pooled_and_judges_are_not(data: PreferenceData) -> None:
    job = main_job(data, folds=0)
    assert job.people.groups == ["human"]
    assert job.people.to_frame()["n"].iloc[0] == 2 * 3000
    assert job.judges is not None
    assert job.judges.groups == ["judge-long", "judge-same"]


def test_the_planted_difference_is_found(data: PreferenceData) -> None:
    gap = main_job(data, folds=0).gap
    assert gap is not None
    table = gap.to_frame().set_index(["group", "term"])
    assert (
        table.loc[("judge-long", "f1"), "conf_low"]
        < 1.0
        < table.loc[("judge-long", "f1"), "conf_high"]
    )
    assert table.loc[("judge-long", "f1"), "q_value"] < 0.001
    assert table.loc["judge-same"].loc[["f0", "f1"], "q_value"].min() > 0.01


def test_the_reference_can_be_one_annotator(data: PreferenceData) -> None:
    job = main_job(data, "judge-same", folds=0)
    assert job.people.groups == ["judge-same"]
    assert job.judges is not None
    assert job.judges.groups == ["judge-long"]


def test_named_annotators_may_be_people(data: PreferenceData) -> None:
    job = main_job(data, "ann", annotators=["bob", "ann"], folds=0)
    assert job.judges is not None
    assert job.judges.groups == ["bob"]


def test_without_judges_the_people_remain(data: PreferenceData) -> None:
    job = main_job(data.filter(kinds=["human"]), folds=0)
    assert job.judges is None
    assert job.gap is None
    assert job.results == [job.people]
    assert "No judge to compare" in job.summary()


def test_an_unknown_reference_is_explained(data: PreferenceData) -> None:
    with pytest.raises(DesignError, match="kinds human, llm"):
        main_job(data, "humans")
    with pytest.raises(DataError, match="judge-none"):
        main_job(data, annotators=["judge-none"], folds=0)


def test_the_summary_names_clear_terms_with_n_and_interval(data: PreferenceData) -> None:
    text = main_job(data, folds=2).summary()
    people, rest = text.split("\njudge-long:", 1)
    assert "human: n = 6,000, held-out accuracy 0." in people
    assert "f0 " in people
    assert "f1 " not in people
    weights, gaps = rest.split("weight minus ratio x that of human", 1)
    assert "f1 " in weights
    assert "judge-long: agreement 0." in gaps
    assert gaps.rstrip().endswith("none\n  undefined (the table says why): position")


def test_the_summary_warns_of_collinear_factors(data: PreferenceData) -> None:
    noise = np.random.default_rng(0).normal(scale=0.01, size=len(data))
    twin = pd.DataFrame({"twin": data.factors["f0"] + noise})
    twins = data.with_factors(twin, pd.DataFrame(index=twin.index), {})
    assert "collinear" not in main_job(data, folds=0).summary()
    warning = [x for x in main_job(twins, folds=0).summary().splitlines() if "collinear" in x]
    assert len(warning) == 1
    assert "f0" in warning[0]
    assert "twin" in warning[0]


def test_factors_of_columns_are_made_where_there_is_no_text() -> None:
    glow = np.arange(6.0)
    pairs = pd.DataFrame({"glow_a": glow, "glow_b": glow[::-1]})
    labels = pd.DataFrame({"pair": range(6), "annotator": "eye", "preference": 1.0})
    data = ensure_factors(PreferenceData.from_tables(pairs, labels))
    difference = glow - glow[::-1]
    expected = difference / np.sqrt(np.mean(difference**2))
    np.testing.assert_allclose(data.factors["glow"], expected)


def test_text_gets_the_core_factors() -> None:
    pairs = pd.DataFrame({"prompt": ["p"], "response_a": ["One two."], "response_b": ["One."]})
    labels = pd.DataFrame({"pair": [0], "annotator": ["ann"], "preference": [1.0]})
    data = PreferenceData.from_tables(pairs, labels)
    scored = ensure_factors(data)
    assert scored.factor_names == [spec.name for spec in wb.factors.CORE]
    assert ensure_factors(scored) is scored


def test_nothing_to_make_factors_of_is_an_error() -> None:
    pairs = pd.DataFrame({"item": [1, 2]})
    labels = pd.DataFrame({"pair": [0, 1], "annotator": "ann", "preference": [1.0, 0.0]})
    with pytest.raises(DesignError, match="numeric column"):
        main_job(PreferenceData.from_tables(pairs, labels), "ann")


def test_who_is_called_human_is_the_reference_though_no_kind_is_known() -> None:
    pairs = pd.DataFrame({"pair_id": ["a"]})
    labels = pd.DataFrame({"pair": 0, "annotator": ["human", "gpt"], "kind": "unknown",
                           "preference": 1.0})  # fmt: skip
    data = wb.PreferenceData.from_tables(pairs, labels)
    assert default_reference(data) == "human"
