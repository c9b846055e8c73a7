"""Labels under several criteria are never added up: groups, choices, comparisons."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

import workbench as wb
from tests.planted import planted


@pytest.fixture(scope="module")
def data() -> wb.PreferenceData:
    """One annotator under two criteria, whose planted weights are opposite."""
    both = planted({"safety": [1.5, 0.0, -0.5], "tone": [-1.5, 0.0, 0.5]}, n=600)
    labels = both.labels.assign(criterion=both.labels["annotator"], annotator="ann")
    return replace(both, labels=labels)


def test_criteria_are_not_added_up_unless_chosen(data: wb.PreferenceData) -> None:
    assert data.criteria == ["safety", "tone"]
    for verb in (wb.decompose, wb.observe, wb.rate):
        with pytest.raises(wb.WorkbenchError, match="several questions"):
            verb(data)
    first = data.factor_names[0]
    for name, sign in (("safety", 1), ("tone", -1)):
        fit = wb.decompose(data.filter(criteria=[name]), folds=0).to_frame()
        assert sign * fit.set_index("term").loc[first, "estimate"] > 1


def test_groups_by_criterion_are_fitted_apart_and_aligned(data: wb.PreferenceData) -> None:
    fits = wb.decompose(data, by=["criterion"], folds=0)
    assert fits.groups == ["safety", "tone"]
    first = data.factor_names[0]
    gap = wb.contrast(fits, "tone").to_frame().set_index("term").loc[first]
    assert gap["conf_low"] > 1
    taus = wb.concordance(data, by="criterion", replicates=60)
    aligned = wb.align(taus, "safety", "tone").to_frame().set_index("term")["estimate"]
    assert aligned["kendall"] < 0


def test_overall_decides_where_it_is_there(data: wb.PreferenceData) -> None:
    overall = data.labels[data.labels["criterion"] == "safety"].assign(criterion="overall")
    more = replace(data, labels=pd.concat([data.labels, overall], ignore_index=True))
    one, other = (
        wb.decompose(some, folds=0).to_frame() for some in (more, data.filter(criteria=["safety"]))
    )
    pd.testing.assert_series_equal(one["estimate"], other["estimate"])
