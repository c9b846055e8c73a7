"""The layout of labels for a fit, against a plain one that goes label by label."""

import numpy as np
import pandas as pd
import pytest

from workbench.data.dataset import PreferenceData
from workbench.decompose.design import build_design
from workbench.errors import DesignError

N, LABELS = 40, 300


def _data(seed: int) -> PreferenceData:
    rng = np.random.default_rng(seed)
    pairs = pd.DataFrame(
        {
            "item": np.arange(N),
            "prompt_id": rng.permutation([f"q{k % 13}" for k in range(N)]),
            "scenario": rng.choice(["code", None], N),
            "level": rng.choice([1.0, 2.5, np.nan], N),
        }
    )
    labels = pd.DataFrame(
        {
            "pair": rng.integers(0, N, LABELS),
            "annotator": rng.choice(["x", "x | y", "é"], LABELS),
            "preference": rng.choice([0.0, 1.0, 0.5, 0.3, np.nan], LABELS),
            "order_shown": rng.choice(["ab", "ba", None], LABELS),
            "weight": rng.choice([1.0, 2.0, 0.0], LABELS, p=[0.6, 0.3, 0.1]),
            "n_votes": rng.choice([1, 3], LABELS),
        }
    )
    data = PreferenceData.from_tables(pairs, labels)
    X = pd.DataFrame(rng.normal(size=(N, 2)), columns=["f", "g"])
    X.iloc[3, 1] = np.nan
    return data.with_factors(X, pd.DataFrame(index=X.index), {})


def _plain(data, by, ties):
    """Return the sums by group, pair and order, and the counts of what is left out."""
    pairs = data.pairs.set_index("pair_id")
    values = data.factors.set_index("pair_id")
    sums, left, keys = {}, {}, {}
    for label in data.labels.to_dict("records"):
        pair = pairs.loc[label["pair_id"]]
        own = [label[name] if name in label else pair[name] for name in by]
        own = ["(none)" if value is None or value != value else str(value) for value in own]
        group = " | ".join(own) if by else "all"
        y, w = label["preference"], label["weight"]
        if np.isnan(y) or (ties == "drop" and y == 0.5 and label["n_votes"] == 1):
            why = label["reason"]
        elif not w > 0:
            why = "no positive weight"
        elif values.loc[label["pair_id"]].isna().any():
            why = "missing factor value"
        else:
            shown = {"ab": 1.0, "ba": -1.0}.get(label["order_shown"], 0.0)
            at = (group, label["pair_id"], shown)
            powers = np.array([w, w * y, w * w, w * w * y, w * w * y * y])
            sums[at] = sums.get(at, 0.0) + powers
            keys.setdefault(group, own)
            continue
        left[group, why] = left.get((group, why), 0) + 1
    return sums, left, keys


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("ties", ["half", "drop"])
@pytest.mark.parametrize(
    "by", [[], ["annotator"], ["annotator", "scenario"], ["level", "annotator"], ["scenario"]]
)
def test_labels_lie_as_a_loop_over_them_lays_them(seed, ties, by):
    data = _data(seed)
    design = build_design(data, by=by, ties=ties)
    sums, left, keys = _plain(data, by, ties)
    assert design.groups == sorted(keys)
    for name, row in zip(design.groups, design.keys.itertuples(index=False), strict=True):
        assert list(row) == (keys[name] if by else [])
    found = {}
    values = data.factors.set_index("pair_id")
    clusters = data.pairs.set_index("pair_id")["cluster"]
    for cell in range(len(design.cell_row)):
        row = design.cell_row[cell]
        pair = design.pair_ids[design.pair[row]]
        assert design.X[row, :-1].tolist() == values.loc[pair].tolist()
        assert design.cluster_names[design.cluster[row]] == clusters[pair]
        found[design.groups[design.cell_group[cell]], pair, design.X[row, -1]] = cell
    assert found.keys() == sums.keys()
    for at, cell in found.items():
        assert np.allclose(design.sums[:, cell], sums[at], rtol=1e-12)
    assert (np.diff(design.cluster) >= 0).all()
    table = design.exclusions
    counted = {(r.group, r.reason): r.n for r in table.itertuples()}
    assert counted == left
    assert table.equals(table.sort_values(["group", "reason"], ignore_index=True))


def test_labels_that_nothing_is_left_of_are_told_by_reason():
    data = _data(0)
    with pytest.raises(DesignError, match="failed"):
        build_design(
            PreferenceData.from_tables(
                data.pairs, data.labels.assign(preference=np.nan, reason="failed")
            ).with_factors(data.factors[["f"]], pd.DataFrame(index=data.factors.index), {}),
            by=["annotator"],
        )
