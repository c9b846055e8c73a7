"""Warnings: each is told once, and labels without a cluster are counted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

import workbench as wb
from tests.planted import planted
from workbench.decompose.warned import told_once, warnings_once


def test_labels_without_a_value_of_their_cluster_are_counted_by_group():
    data = planted({"a": [0.8], "b": [0.5]}, n=80)
    labels = data.labels
    own = labels["annotator"].eq("a").to_numpy()
    session = pd.Series([f"s{k % 20}" for k in range(len(labels))], dtype="str")
    session[np.flatnonzero(own)[:7]] = None
    fit = wb.decompose(replace(data, labels=labels.assign(session=session)), cluster="session",
                       folds=0)  # fmt: skip
    told = [line for line in fit.warnings if "session" in line]
    n = fit.fits["a"].n
    assert told == [
        f"a: 7 of {n} labels have no session: each is a cluster of its own in that dimension"
    ]
    assert "7 of" in fit.diagnostics.set_index("group").loc["a", "warnings"]
    assert not [line for line in wb.decompose(data, folds=0).warnings if "labels have no" in line]


def test_what_several_groups_share_is_told_once_and_by_name():
    groups = ["a", "a: b", "c", "d", "e"]
    lines = [f"{name}: no weight for x: rare" for name in groups] + ["a: b: alone"]
    assert told_once(lines, groups) == [
        "5 of 5 groups (a, a: b, c, d and 1 more): no weight for x: rare",
        "a: b: alone",
    ]
    assert told_once(["of nobody"], groups) == ["of nobody"]
    assert told_once([], groups) == []


def test_reasons_that_differ_in_their_numbers_only_are_one_line():
    found = {}
    for name in ("a", "b"):
        data = planted({name: [0.8]}, n=60, clusters=12)
        rare = np.zeros(len(data.pairs))
        rare[: 3 if name == "a" else 4] = 1.0
        spec = data.factor_specs[data.factor_names[0]]
        more = replace(
            data,
            factors=data.factors.assign(rare=rare),
            factor_specs={**data.factor_specs, "rare": spec},
        )
        found[name] = wb.decompose(more, folds=0)
    reasons = {fit.fits[name].reasons["rare"] for name, fit in found.items()}
    assert len(reasons) == 2
    told = warnings_once(list(found.values()))
    assert [line for line in told if "rare" in line] == [
        "No weight for rare: too few effective clusters"
    ]


def test_terms_that_lack_a_weight_for_one_reason_share_a_line():
    data = planted({"a": [0.8]}, n=80)
    zero = data.factors.assign(empty=0.0, void=0.0)
    spec = data.factor_specs[data.factor_names[0]]
    specs = {**data.factor_specs, "empty": spec, "void": spec}
    fit = wb.decompose(replace(data, factors=zero, factor_specs=specs), folds=0)
    [line] = [line for line in fit.warnings if "no weight" in line]
    assert line.startswith("a: no weight for empty, void: ")
