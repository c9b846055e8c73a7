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
