"""The order of rows, what is folded away, and how tall a figure becomes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench.plots.fold import TALLEST, foldable, folded
from workbench.plots.forest import forest
from workbench.plots.panels import panels
from workbench.plots.ranking import clear_first


def _rows(group: str, **effects: tuple[float, float]) -> pd.DataFrame:
    """Each term's estimate and q; intervals reach 0.1 to both sides."""
    return pd.DataFrame(
        {
            "group": group,
            "term": list(effects),
            "estimate": [e for e, _ in effects.values()],
            "conf_low": [e - 0.1 for e, _ in effects.values()],
            "conf_high": [e + 0.1 for e, _ in effects.values()],
            "q_value": [q for _, q in effects.values()],
            "reason": None,
        }
    )


def _grid(groups: int, terms: int, clear: int = 5) -> pd.DataFrame:
    parts = [
        _rows(f"g{g}", **{f"t{k}": (2.0 - k / 40, 0.001 if k < clear else 0.5)
                          for k in range(terms)})
        for g in range(groups)
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def test_clear_ones_come_first_by_size_and_the_rest_by_how_near_they_are():
    frame = _rows("a", small=(0.2, 0.01), large=(-0.6, 0.01), near=(0.09, 0.3), far=(0.01, 0.9),
                  uncorrected=(0.3, 0.06))  # fmt: skip
    assert clear_first(frame) == (["large", "small"], ["uncorrected", "near", "far"])


def test_a_wide_interval_does_not_lead_the_rest_and_undefined_terms_are_in_neither():
    frame = _rows("a", wide=(9.0, 0.9), near=(0.09, 0.3), lost=(np.nan, np.nan))
    frame.loc[0, ["conf_low", "conf_high"]] = -400.0, 420.0
    assert clear_first(frame) == ([], ["near", "wide"])


def test_all_groups_share_one_order_and_a_difference_can_make_it():
    weights = pd.concat(
        [_rows("human", x=(0.9, 0.01), y=(0.2, 0.2)), _rows("judge", y=(0.4, 0.01), x=(0.8, 0.01))]
    )
    assert clear_first(weights).clear == ["x", "y"]
    gap = _rows("judge", x=(-0.1, 0.4), y=(0.3, 0.01))
    ranking = clear_first(weights, gap)
    assert ranking.clear == ["y", "x"]
    figure = forest(weights, ranking=ranking)
    assert list(figure.layout.yaxis.ticktext) == ["y", "x"]
    for trace in figure.data:
        assert [row[1] for row, _ in sorted(zip(trace.customdata, trace.y, strict=True),
                                            key=lambda pair: pair[1])] == ["y", "x"]  # fmt: skip


def test_the_clear_ones_are_on_view_and_the_others_are_a_toggle_away():
    frame = _grid(1, 27, clear=9)
    figure = forest(frame, ranking=clear_first(frame))
    whole = figure.layout.height
    assert foldable(figure) == 18
    assert folded(figure).layout.height < whole / 2
    # what is no longer tall needs no second axis, and its legend no room above one
    assert figure.layout.xaxis2.visible is False
    assert figure.layout.legend.y == 1
    assert figure.layout.yaxis.range == (8.5, -0.5)
    assert len(figure.data[0].x) == 27


def test_the_axis_of_the_first_rows_is_theirs_unless_one_of_them_is_cut():
    frame = _rows("a", **{f"t{k}": (0.5, 0.01) for k in range(8)},
                  **{f"u{k}": (0.0, 0.9) for k in range(9)})  # fmt: skip
    frame.loc[8:, ["conf_low", "conf_high"]] = -2.0, 2.0
    whole = forest(frame, ranking=clear_first(frame)).layout.xaxis.range
    assert whole[0] < -2 < 2 < whole[1]
    low, high = folded(forest(frame, ranking=clear_first(frame))).layout.xaxis.range
    assert -0.1 < low < 0 < 0.6 < high < 0.7
    frame.loc[0, ["estimate", "conf_low", "conf_high"]] = 60.0, 1.0, 900.0
    cut = folded(forest(frame, ranking=clear_first(frame)))
    assert tuple(cut.layout.xaxis.range) == tuple(
        forest(frame, ranking=clear_first(frame)).layout.xaxis.range
    )


def test_some_rows_are_on_view_where_none_is_clear_and_few_are_not_folded():
    none = _grid(1, 30, clear=0)
    assert foldable(forest(none, ranking=clear_first(none))) == 22
    few = _grid(1, 12, clear=9)
    assert foldable(forest(few, ranking=clear_first(few))) == 0
    # a table in its own order is shown whole
    assert foldable(forest(none)) == 0


@pytest.mark.parametrize(("groups", "terms"), [(1, 27), (5, 27), (9, 27), (9, 72), (3, 600)])
def test_a_ranked_figure_is_never_taller_than_a_screen_or_two(groups, terms):
    frame = _grid(groups, terms)
    figure = forest(frame, ranking=clear_first(frame))
    assert figure.layout.height <= TALLEST + 120
    drawn = len(figure.layout.yaxis.ticktext)
    told = [note.text for note in figure.layout.annotations]
    assert told == ([] if drawn == terms else [f"The first {drawn} of {terms} rows; the table has "
                                               "all."])  # fmt: skip


def test_eight_annotators_in_nine_scenarios_are_small_multiples_of_a_bounded_height():
    parts = [_grid(8, 27).assign(scenario=f"<s{k}>") for k in range(9)]
    frame = pd.concat(parts, ignore_index=True)
    frame.loc[3, ["estimate", "conf_low", "conf_high"]] = 50.0, -900.0, 1000.0
    terms = [f"t{k}" for k in range(27)]
    figure = panels(frame, terms, row="scenario", x_title="weight")
    assert figure.layout.height <= TALLEST + 60
    shown = [note.text for note in figure.layout.annotations]
    assert shown[:-1] == terms[: len(shown) - 1]
    assert shown[-1].endswith("of 27 terms; the table has all.")
    assert figure.layout.yaxis.ticktext[0] == "&lt;s0&gt;"
    # every panel has the same axis, which one diverging row does not stretch
    ranges = {axis.range for axis in figure.select_xaxes()}
    assert len(ranges) == 1
    assert all(abs(end) < 5 for end in ranges.pop())
    assert list(figure.data[0].customdata[0]) == ["g0", "t0", None, "<s0>"]
    first = [trace for trace in figure.data if trace.showlegend]
    assert len(first) == 8


@pytest.mark.parametrize("rows", [58, 400])
def test_panels_of_many_rows_are_no_taller_and_count_what_they_leave_out(rows):
    parts = [_grid(2, 3).assign(scenario=f"s{k}") for k in range(rows)]
    figure = panels(pd.concat(parts, ignore_index=True), ["t0", "t1", "t2"], row="scenario",
                    x_title="weight")  # fmt: skip
    assert figure.layout.height <= TALLEST + 60
    drawn = len(figure.layout.yaxis.ticktext)
    told = figure.layout.annotations[-1].text
    assert "The first 2 of 3 terms; the table has all." in told
    assert (f"The first {drawn} of {rows} rows; the table has all." in told) == (drawn < rows)
    assert sum(len(trace.x) for trace in figure.data) == drawn * 2 * 2
