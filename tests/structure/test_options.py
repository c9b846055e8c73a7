"""Options of the verbs that are none: a told error, before anything is fitted."""

from __future__ import annotations

from typing import Any

import pytest

import workbench as wb

VERBS = ("context", "groups", "mixed", "people", "rater_agreement", "reliability")
OWN = [
    ("people", {"folds": 2.5}),
    ("people", {"permutations": 19.5}),
    ("groups", {"folds": 2.5}),
    ("groups", {"max_groups": 1.5}),
    ("groups", {"simulations": "many"}),
]


@pytest.fixture(scope="module")
def sample() -> wb.PreferenceData:
    return wb.load("sample")


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    "option", [{"level": None}, {"level": "x"}, {"level": 1}, {"seed": -1}, {"seed": 1.5}]
)
def test_levels_and_seeds_that_are_none_are_refused(
    sample: wb.PreferenceData, verb: str, option: dict[str, Any]
) -> None:
    more = {"truth": "exists"} if verb == "reliability" else {}
    with pytest.raises(wb.DesignError, match=f"Option {next(iter(option))} is out of range"):
        getattr(wb, verb)(sample, **more, **option)


@pytest.mark.parametrize(("verb", "option"), OWN)
def test_numbers_that_are_not_whole_are_refused(
    sample: wb.PreferenceData, verb: str, option: dict[str, Any]
) -> None:
    with pytest.raises(wb.DesignError, match=f"Option {next(iter(option))} is out of range"):
        getattr(wb, verb)(sample, **option)


@pytest.mark.parametrize("option", ["factors", "columns", "aspects", "placebo"])
def test_names_are_one_name_or_several_and_nothing_else(option):
    data = wb.load("sample")
    with pytest.raises(wb.DesignError, match=f"Option {option} takes names"):
        wb.context(data, **{option: 5})
    with pytest.raises(wb.WorkbenchError, match="zz"):
        wb.context(data, **{option: "zz"})


def test_one_factor_may_be_named_without_a_list():
    data = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["length"])
    one, same = (wb.decompose(data, factors=names, folds=0) for names in ("words", ["words"]))
    assert one.to_frame().equals(same.to_frame())
