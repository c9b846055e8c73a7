"""Figures: every row is drawn or says why not; text of the data is only text."""

from __future__ import annotations

import html
import re

import numpy as np
import pandas as pd
import pytest

from workbench.errors import DataError
from workbench.plots.behind import EXTRA, drawn_points
from workbench.plots.forest import forest
from workbench.plots.held_out import held_out_dots
from workbench.plots.marks import explained
from workbench.plots.ranking import clear_first
from workbench.plots.theme import CONFIG, escape, label, marker, offsets

HOSTILE = ("<script>alert(1)</script>", "=cmd()", "$x$", '<a href="javascript:alert(1)">a</a>')


def table(groups: tuple[str, ...] = ("ann", "bob"), terms: tuple[str, ...] = ("x", "y")):
    rows = [
        {
            "group": group,
            "term": term,
            "estimate": 0.5 * k - j,
            "conf_low": 0.5 * k - j - 0.25,
            "conf_high": 0.5 * k - j + 0.75,
            "q_value": 0.031,
            "n": 1234,
            "method": "logit, HC1 errors",
            "reason": None,
        }
        for k, group in enumerate(groups)
        for j, term in enumerate(terms)
    ]
    return pd.DataFrame(rows)


def drawn(figure) -> list[tuple[str, float, float, float]]:
    """Name, estimate, low and high of each point with an interval, from the figure alone."""
    return [
        (trace.name, x, x - minus, x + plus)
        for trace in figure.data
        if trace.error_x.array is not None
        for x, minus, plus in zip(
            trace.x, trace.error_x.arrayminus, trace.error_x.array, strict=True
        )
    ]


def below(figure) -> list[str]:
    """The lines below the axis."""
    return [line for note in figure.layout.annotations for line in note.text.split("<br>")]


def arrows(figure) -> list[tuple[str, float, str]]:
    return [
        (trace.marker.symbol, x, hover)
        for trace in figure.data
        if trace.meta == EXTRA
        for x, hover in zip(trace.x, trace.hovertext, strict=True)
    ]


def test_points_and_intervals_are_those_of_the_table() -> None:
    frame = table()
    expected = frame[["group", "estimate", "conf_low", "conf_high"]].itertuples(index=False)
    assert drawn(forest(frame)) == [pytest.approx(tuple(row)) for row in expected]


def test_first_term_is_on_top_and_groups_are_near_their_row() -> None:
    figure = forest(table())
    assert list(figure.layout.yaxis.ticktext) == ["x", "y"]
    bottom, top = figure.layout.yaxis.range
    assert top < 0 < 1 < bottom
    for trace in figure.data:
        assert np.abs(np.asarray(trace.y) - [0, 1]).max() < 0.5
    assert set(figure.data[0].y).isdisjoint(figure.data[1].y)


def test_groups_that_share_no_row_are_in_the_middle_of_theirs() -> None:
    table = pd.DataFrame(
        {"term": ["x", "y"], "estimate": 1.0, "conf_low": 0.5, "conf_high": 2.0,
         "group": ["rule", "judge"]}
    )  # fmt: skip
    marks = [trace for trace in forest(table).data if trace.meta != EXTRA]
    assert [list(trace.y) for trace in marks] == [[0.0], [1.0]]


def test_the_names_of_four_groups_have_room_above_one_row() -> None:
    table = pd.DataFrame(
        {"term": "x", "estimate": 1.0, "conf_low": 0.5, "conf_high": 2.0, "group": list("abcd")}
    )
    # on a narrow screen each name has a line, of at most half of the figure
    assert forest(table).layout.height > 2 * 4 * 29


def test_one_group_needs_no_legend_and_no_group_column() -> None:
    assert forest(table(("ann",))).layout.showlegend is False
    figure = forest(table(("ann",)).drop(columns="group"))
    assert len(figure.data) == 1
    assert forest(table()).layout.showlegend is True


def test_an_undefined_weight_leaves_the_axis_and_is_told_below_with_its_reason() -> None:
    frame = table()
    frame.loc[1, ["estimate", "conf_low", "conf_high", "q_value"]] = np.nan
    frame.loc[1, "reason"] = "separation: <b>infinite</b>"
    figure = forest(frame)
    assert len(drawn(figure)) == 3
    assert below(figure) == ["No number for y (ann): separation: &lt;b&gt;infinite&lt;/b&gt;"]
    assert list(figure.layout.yaxis.ticktext) == ["x", "y"]
    assert "nan" not in figure.to_json().lower().replace("finance", "")
    frame.loc[3, ["estimate", "conf_low", "conf_high", "reason"]] = [None] * 3 + ["rare"]
    figure = forest(frame)
    assert list(figure.layout.yaxis.ticktext) == ["x"]
    assert below(figure)[1] == "No number for y (bob): rare"


def test_undefined_terms_of_one_reason_share_a_line() -> None:
    groups, terms = ("a", "b", "c"), ("words", "tables", "tables_chars")
    frame = table(groups, terms)
    lost = frame["term"].str.startswith("tables")
    frame.loc[lost, ["estimate", "conf_low", "conf_high"]] = np.nan
    frame.loc[lost, "reason"] = "too few clusters (2)"
    assert below(forest(frame)) == ["No number for tables, tables_chars: too few clusters (2)"]
    some = frame.assign(group=frame["group"].replace({"c": "d"}))
    some = pd.concat([some, table(("c", "e"), ("tables",))], ignore_index=True)
    lines = below(forest(some))
    assert lines == [
        "No number for tables (3 of 5 groups), tables_chars (3 of 5 groups): too few clusters (2)"
    ]
    many = table(("a",), tuple(f"t{k}" for k in range(40))).assign(estimate=np.nan)
    many["reason"] = [f"reason {k}" for k in range(40)]
    assert len(below(forest(many))) == 6
    assert below(forest(many))[-1] == "and 35 more: the table says why"


def test_all_undefined_and_empty_tables_still_draw() -> None:
    frame = table()
    frame[["estimate", "conf_low", "conf_high"]] = np.nan
    figure = forest(frame)
    assert drawn(figure) == []
    assert below(figure) == ["No number for x, y: no reason recorded"]
    assert forest(frame.iloc[:0]).data == ()


def test_one_row_that_diverges_does_not_squash_the_others() -> None:
    frame = table(("ann",), tuple("uvwxyz"))
    frame[["estimate", "conf_low", "conf_high"]] = [0.2, 0.1, 0.4]
    frame.loc[2, ["estimate", "conf_low", "conf_high"]] = [30.0, -4000.0, 4060.0]
    figure = forest(frame)
    low, high = figure.layout.xaxis.range
    assert low < 0 < 0.4 < high < 1
    told = arrows(figure)
    assert [(sign, x) for sign, x, _ in told] == [("triangle-left", low), ("triangle-right", high)]
    assert all("+30.000 [-4000.000, +4060.000]" in hover for *_, hover in told)
    # it is drawn where it is, for those who zoom out, and once in the table of the figure
    assert drawn(figure)[2] == pytest.approx(("ann", 30.0, -4000.0, 4060.0))
    assert len(drawn_points(figure)) == 6


def test_wide_intervals_are_not_cut_where_all_are_wide() -> None:
    frame = table(("ann",), tuple("uvwxyz"))
    frame["conf_low"], frame["conf_high"] = frame["estimate"] - 40, frame["estimate"] + 40
    figure = forest(frame)
    assert arrows(figure) == []
    low, high = figure.layout.xaxis.range
    assert low < frame["conf_low"].min()
    assert high > frame["conf_high"].max()


def test_a_tall_figure_has_its_axis_on_top_too() -> None:
    tall = forest(table(("ann", "bob"), tuple(f"t{k}" for k in range(40))))
    assert tall.layout.xaxis2.side == "top"
    assert tall.layout.xaxis2.matches == "x"
    assert "xaxis2" not in forest(table()).layout


def test_an_estimate_without_interval_says_so() -> None:
    frame = table(("ann",), ("x",)).assign(conf_low=np.nan, conf_high=np.nan, q_value=np.nan)
    hover = forest(frame).data[0].hovertext[0]
    assert "interval undefined" in hover
    assert "nan" not in hover


def test_hover_gives_estimate_interval_q_n_and_method() -> None:
    hover = forest(table()).data[1].hovertext[0]
    for text in ("+0.500 [+0.250, +1.250]", "q = 0.031", "n = 1,234", "logit, HC1 errors", "bob"):
        assert text in hover


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_text_wherever_they_are_shown(name: str) -> None:
    frame = table((name, "b"), (name, "y")).assign(reason=name, method=name)
    frame.loc[0, "estimate"] = np.nan
    figure = explained(forest(frame, title=name, ranking=clear_first(frame)), {name: name})
    shown = [figure.layout.title.text, *figure.layout.yaxis.ticktext, *below(figure)]
    for trace in figure.data:
        shown += [trace.name, *trace.hovertext]
    for text in shown:
        own = re.sub(r"</?b>|<br>", "", text)
        assert "<" not in own
        assert "$" not in own
    assert html.unescape(figure.layout.title.text) == name
    # once as the term, once as what it means
    assert html.unescape(figure.data[1].hovertext[0]).count(name) >= 2


def test_long_names_leave_room_and_stay_whole_in_the_hover_text() -> None:
    name = "a very long name " * 40
    figure = forest(table((name, "b")))
    assert len(figure.data[0].name) <= 40
    assert name in figure.data[0].hovertext[0]


def test_height_grows_with_rows_and_groups() -> None:
    heights = [
        forest(table(groups, terms)).layout.height
        for groups, terms in (
            (("a",), ("x",)),
            (("a",), tuple("wxyz")),
            (tuple("abcdef"), tuple("wxyz")),
        )
    ]
    assert heights == sorted(heights)
    assert len(set(heights)) == 3


def test_the_ground_is_transparent_and_the_same_call_gives_the_same_figure() -> None:
    figure = forest(table())
    assert figure.layout.paper_bgcolor == figure.layout.plot_bgcolor == "rgba(0,0,0,0)"
    assert figure.to_json() == forest(table()).to_json()


def test_sixty_four_groups_have_different_signs() -> None:
    signs = {(marker(k)["color"], marker(k)["symbol"]) for k in range(64)}
    assert len(signs) == 64
    assert len({marker(k)["color"] for k in range(8)}) == 8


def test_offsets_stay_inside_the_row_and_keep_their_order() -> None:
    for count in range(1, 50):
        places = offsets(count)
        assert len(set(places)) == count
        assert places == sorted(places)
        assert max(map(abs, places)) < 0.5


def test_a_missing_column_is_named() -> None:
    with pytest.raises(DataError, match="conf_low"):
        forest(table().drop(columns="conf_low"))


def test_nothing_offers_an_upload() -> None:
    assert CONFIG["showSendToCloud"] is False
    assert CONFIG["displaylogo"] is False


def test_escape_and_label_are_undone_by_reading_html() -> None:
    for name in HOSTILE:
        assert html.unescape(escape(name)) == name
    assert html.unescape(label("<" * 60)) == "<" * 39 + "…"


def scores() -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "group": ["ann", "ann"],
            "predictor": ["factors", "first position"],
            "n": [400, 0],
            "reason": [None, "the rule never decides"],
        }
    )
    for name in ("accuracy", "auc", "log_loss", "brier"):
        frame[name], frame[f"{name}_low"], frame[f"{name}_high"] = (
            [0.7, np.nan],
            [0.65, np.nan],
            [0.76, np.nan],
        )
    return frame


@pytest.mark.parametrize("measure", ["accuracy", "auc", "log_loss", "brier"])
def test_held_out_scores_have_intervals_and_reasons(measure: str) -> None:
    figure = held_out_dots(scores(), measure)
    assert drawn(figure) == [pytest.approx(("factors", 0.7, 0.65, 0.76))]
    assert below(figure) == ["No number for ann (first position): the rule never decides"]


def test_chance_is_marked_where_there_is_one() -> None:
    assert [s.x0 for s in held_out_dots(scores(), "accuracy").layout.shapes] == [0.5]
    assert not held_out_dots(scores(), "brier").layout.shapes


def test_an_unknown_measure_is_explained() -> None:
    with pytest.raises(DataError, match="accuracy, auc, log_loss, brier"):
        held_out_dots(scores(), "f1")
    with pytest.raises(DataError, match="no held-out scores"):
        held_out_dots(scores()[["group", "predictor", "n", "reason"]])
