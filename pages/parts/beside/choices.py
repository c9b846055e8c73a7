"""Which judges stand beside which people, and on what: kept in the link."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st
from parts.choices import criteria, one, some

import workbench as wb
from workbench.data.columns import LABEL_COLUMNS, PAIR_COLUMNS
from workbench.report.main_job import default_reference

_MOST_SLICES = 50
"""A column with more values than this names pairs, not slices of them."""


def chosen_judges(data: wb.PreferenceData) -> dict[str, Any]:
    """Show the choices in the side bar and return them as options of the verbs."""
    with st.sidebar:
        asked = criteria(data)
        table = data.annotators
        names, kinds = table["annotator"].tolist(), sorted(table["kind"].unique())
        everybody, first = [*kinds, *names], default_reference(data)
        index = everybody.index(first) if first in everybody else 0
        told = "Whose labels judges are held against. A kind pools all its annotators."
        reference = one("Reference", everybody, "reference", index=index, help=told)
        others = table[~table["annotator"].eq(reference) & ~table["kind"].eq(reference)]
        judges = others["annotator"].tolist()
        chosen = some("Judges (all when empty)", judges, "judges")
        columns = ["", *_columns(data)]
        # "slices" in the session are those that were saved
        by = one("Slices", columns, "sliced_by", format_func=lambda name: name or "none")
        factors = some("Factors (all when empty)", data.factor_names, "factors")
        return {
            "criteria": asked,
            # verbs call it by what it is to them
            **dict.fromkeys(("reference", "people", "annotator"), reference),
            **_two_models(data),
            "judges": tuple(chosen) or None,
            "judge": next(iter(chosen or _no_people(others) or judges), None),
            "by": by or None,
            "factors": tuple(factors) or None,
        }


def _no_people(others: pd.DataFrame) -> list[str]:
    """Return those whom a verb about one judge is about first."""
    return list(others.loc[~others["kind"].isin(["human", "objective"]), "annotator"])


def _two_models(data: wb.PreferenceData) -> dict[str, Any]:
    """Let two models be chosen where responses have names."""
    models = sorted({*data.pairs["model_a"].dropna(), *data.pairs["model_b"].dropna()})
    if len(models) < 2:
        return {}
    first = one("Model", models, "one_model")
    rest = [name for name in models if name != first]
    return {"a": first, "b": one("Model beside it", rest, "other_model")}


def _columns(data: wb.PreferenceData) -> list[str]:
    """Return the columns of pairs that part them into slices."""
    own = {*LABEL_COLUMNS, *PAIR_COLUMNS} - {"scenario"}
    texts = data.pairs.select_dtypes(exclude="number").columns
    return [
        str(name)
        for name in texts
        if str(name) not in own and 1 < data.pairs[name].nunique() <= _MOST_SLICES
    ]
