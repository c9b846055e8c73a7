"""Rules that choose a response without reading it, and the differences that they look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workbench.clustered import Array
from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError, listed
from workbench.factors.catalog import CORE, STYLE
from workbench.factors.score import score_factors

LONGER = "longer"
FIRST = "shown first"
BETTER_MODEL = "model that is better elsewhere"

_READS = frozenset({"prompt_overlap", "echo"})
"""Factors for which the prompt has to be read."""


@dataclass(frozen=True, eq=False)
class Rules:
    """What rules look at, on n pairs.

    Attributes
    ----------
    names : list of str
        Of the rules that differ on some pair.
    differences : ndarray, shape (n, R)
        A minus B; a rule chooses A where it is above 0, and neither at 0.
    models : ndarray, shape (n, M)
        1 at the model of A, -1 at that of B; no columns without names of models.
    silent : dict of str to str
        Rules that say nothing, and why.
    """

    names: list[str]
    differences: Array
    models: Array
    silent: dict[str, str]


def rules_of(data: PreferenceData, factors: Sequence[str] | None, rows: Any, shown: Array) -> Rules:
    """Return the rules that some pairs allow.

    Parameters
    ----------
    data : PreferenceData
    factors : sequence of str, optional
        Factor columns; when None those of the data, or those of texts.
    rows : ndarray of int, shape (n,)
        Rows of the pairs.
    shown : ndarray, shape (n,)
        1 where A was shown first to who decided, -1 where B was, 0 where it is not known.

    Raises
    ------
    DesignError
        A factor that the data do not have, or nothing that a rule could look at.
    """
    columns: dict[str, Array] = {FIRST: shown}
    silent: dict[str, str] = {}
    has_text = bool(data.pairs["response_a"].notna().any())
    if has_text:
        sizes = [data.pairs[f"response_{side}"].str.len().to_numpy("float64") for side in "ab"]
        columns[LONGER] = np.nan_to_num(sizes[0] - sizes[1])[rows]
    scored = _scored(data, factors, has_text)
    for name in scored:
        values = np.nan_to_num(scored[name].to_numpy("float64"))[rows]
        # what is counted is more or fewer, a share or a score is higher or lower
        columns[f"{'higher' if np.any(values % 1) else 'more'} {name}"] = values
    models = _models(data.pairs[["model_a", "model_b", "cluster"]].iloc[rows])
    if not models.shape[1]:
        silent[BETTER_MODEL] = "no two models with a name that answer on two prompts"
    for name in [name for name, values in columns.items() if not values.any()]:
        del columns[name]
        silent[name] = "not known" if name == FIRST else "no pair in which the two differ"
    if not columns and not models.shape[1]:
        raise DesignError(
            "There is nothing that a rule could look at.",
            found="no text, no factor that differs, no order shown, no names of models",
            expected="texts, factors, or names of models",
            fix="Load texts or columns of factors.",
        )
    differences = np.column_stack([*columns.values()]) if columns else np.zeros((len(rows), 0))
    return Rules(list(columns), differences, models, silent)


def _scored(data: PreferenceData, factors: Sequence[str] | None, has_text: bool) -> pd.DataFrame:
    if factors is not None:
        names = list(dict.fromkeys(listed("factors", factors)))
        styles = {spec.name: spec for spec in STYLE}
        lacking = [name for name in names if name not in data.factor_names]
        unknown = [name for name in lacking if name not in styles or not has_text]
        if unknown:
            raise DesignError(
                f"There is no factor {unknown[0]!r}.",
                found=", ".join(data.factor_names[:12]) or "no factors",
                expected="factors of the data, or of their texts",
                fix="Check the spelling in factors=.",
            )
        if lacking:
            data = score_factors(data, [styles[name] for name in lacking])
        return data.factors[names]
    if data.factor_names:
        return data.factors[[name for name in data.factor_names if name not in _READS]]
    if has_text:
        blind = [spec for spec in CORE if spec.name not in _READS]
        return score_factors(data, blind).factors[[spec.name for spec in blind]]
    return pd.DataFrame(index=data.pairs.index)


def _models(pairs: pd.DataFrame) -> Array:
    """Return the incidence of models that answer on two prompts; others teach nothing."""
    both = pairs[["model_a", "model_b"]]
    apart = (both.notna().all(axis=1) & both["model_a"].ne(both["model_b"])).to_numpy(dtype=bool)
    met = pd.concat(
        [pairs.loc[apart, [f"model_{side}", "cluster"]].set_axis(["model", "prompt"], axis=1)
         for side in "ab"]
    )  # fmt: skip
    prompts = met.groupby("model")["prompt"].nunique()
    names = pd.Index(sorted(prompts[prompts > 1].index))
    found = np.zeros((len(pairs), len(names)))
    if len(names) < 2:
        return found[:, :0]
    rows = np.flatnonzero(apart)
    for side, sign in (("a", 1.0), ("b", -1.0)):
        place = names.get_indexer(both[f"model_{side}"][apart])
        found[rows[place >= 0], place[place >= 0]] += sign
    return found
