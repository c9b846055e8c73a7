"""Heatmap: order of the tree, numbers, hover text, size, colours."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.cluster.hierarchy import linkage
from scipy.spatial.distance import squareform

from workbench.errors import DataError
from workbench.plots.heatmap import SCALE, heatmap


def _matrix(count, seed=0):
    values = np.random.default_rng(seed).uniform(-0.5, 0.95, (count, count))
    values = (values + values.T) / 2
    np.fill_diagonal(values, 1.0)
    names = [f"annotator-{k}" for k in range(count)]
    return pd.DataFrame(values, names, names)


def _tree(matrix):
    distance = squareform(1 - matrix.to_numpy(), checks=False)
    return list(matrix.index), linkage(distance, "average")


def _luminance(colour):
    parts = np.array([int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def test_cells_numbers_and_names():
    matrix = pd.DataFrame([[1.0, -0.35], [-0.35, 1.0]], ["a<b", "c"], ["a<b", "c"])
    figure = heatmap(matrix, title="T")
    cells, numbers = figure.data
    np.testing.assert_array_equal(cells.z, matrix)
    assert list(numbers.text) == ["1.00", "-.35", "-.35", "1.00"]
    assert figure.layout.yaxis.ticktext == ("a&lt;b", "c")
    assert figure.layout.yaxis.range == (1.5, -0.5)
    assert figure.layout.title.text == "T"


def test_hover_text_has_the_interval_of_its_pair():
    matrix = _matrix(3)
    low, high = matrix - 0.1, matrix + 0.1
    low.iloc[0, 2] = low.iloc[2, 0] = np.nan
    # the ends may come in another order
    hover = heatmap(matrix, low.iloc[::-1, ::-1], high.iloc[::-1, ::-1]).data[0].hovertext
    r = matrix.iloc[0, 1]
    assert f"{r:+.3f} [{r - 0.1:+.3f}, {r + 0.1:+.3f}]" in hover[0][1]
    assert "annotator-1" in hover[0][1]
    assert hover[0][2].endswith("no interval")
    assert "[" not in hover[1][1]


def test_rows_follow_the_tree_and_branches_meet_their_rows():
    matrix = pd.DataFrame(0.1, list("abcd"), list("abcd"))
    for first, second in (("a", "c"), ("b", "d")):
        matrix.loc[first, second] = matrix.loc[second, first] = 0.8
    matrix = matrix.mask(np.eye(4, dtype=bool), 1.0)
    figure = heatmap(matrix, tree=_tree(matrix))
    order = list(figure.layout.yaxis.ticktext)
    assert abs(order.index("a") - order.index("c")) == 1
    np.testing.assert_array_equal(figure.data[0].z, matrix.loc[order, order])
    branches = [trace for trace in figure.data if trace.xaxis == "x2"]
    assert len(branches) == 3
    leaves = {y for b in branches for x, y in zip(b.x, b.y, strict=True) if x == 0}
    assert leaves == {0.0, 1.0, 2.0, 3.0}
    joined = sorted(max(b.x) for b in branches)
    np.testing.assert_allclose(joined, [0.2, 0.2, 0.9])
    assert branches[-1].hovertext == "joined at a mean of 0.100"
    assert figure.layout.xaxis.domain[1] < figure.layout.xaxis2.domain[0]


def test_annotators_outside_the_tree_come_last():
    matrix = _matrix(4)
    matrix.loc["annotator-0", :] = np.nan
    matrix.loc[:, "annotator-0"] = np.nan
    rest = matrix.iloc[1:, 1:]
    figure = heatmap(matrix, tree=_tree(rest))
    assert figure.layout.yaxis.ticktext[-1] == "annotator-0"
    assert figure.data[1].text[-1] == "–"
    assert "undefined" in figure.data[0].hovertext[0][-1]


@pytest.mark.parametrize("count", [2, 8, 33, 80])
def test_every_row_has_room(count):
    figure = heatmap(_matrix(count), tree=_tree(_matrix(count)))
    assert figure.layout.height >= 20 * count + 50
    assert len(figure.layout.yaxis.tickvals) == count
    written = any(trace.type == "scatter" and trace.mode == "markers+text" for trace in figure.data)
    assert written == (count <= 60)


def test_colours_diverge_around_zero_and_numbers_stay_readable():
    matrix = _matrix(12)
    cells, numbers = heatmap(matrix).data
    assert cells.zmin == -cells.zmax
    off = np.abs(matrix.to_numpy()[~np.eye(12, dtype=bool)]).max()
    assert off <= cells.zmax <= min(1.0, off + 0.1)
    places, colours = zip(*SCALE, strict=True)
    channel = [[int(c[k : k + 2], 16) for k in (1, 3, 5)] for c in colours]
    for value, ink in zip(matrix.to_numpy().ravel(), numbers.textfont.color, strict=True):
        at = np.clip((value / cells.zmax + 1) / 2, 0, 1)
        ground = [round(np.interp(at, places, [c[k] for c in channel])) for k in range(3)]
        shades = sorted([_luminance("#" + "".join(f"{g:02x}" for g in ground)), _luminance(ink)])
        assert (shades[1] + 0.05) / (shades[0] + 0.05) > 4.4


@pytest.mark.parametrize(
    "matrix",
    [
        pd.DataFrame(),
        pd.DataFrame([[1.0]], ["a"], ["b"]),
        pd.DataFrame(1.0, ["a", "a"], ["a", "a"]),
    ],
)
def test_a_matrix_that_is_not_of_names_by_names_is_an_error(matrix):
    with pytest.raises(DataError, match="same names"):
        heatmap(matrix)
