"""Verdicts of one judge on models against a baseline, laid out for length control."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.dataset import PreferenceData
from workbench.decompose.kernel import Array
from workbench.errors import DesignError


@dataclass(frozen=True, eq=False)
class BaselineRows:
    """One row a pair, the model's side turned up.

    Attributes
    ----------
    table : DataFrame
        ``pair_id, model, cluster, prompt_id, prompt, gap, win``: the length of the baseline's
        response minus the model's in characters, and P(model wins) by the judge.
    left_out : dict of str to int
        Pairs that were not used, by reason.
    identical : int
        Pairs of two identical responses, which are draws.
    overruled : int
        Those of them on which the judge gave another verdict, or none.
    """

    table: pd.DataFrame
    left_out: dict[str, int]
    identical: int
    overruled: int


def baseline_rows(data: PreferenceData, base: str, judge: str) -> BaselineRows:
    """Lay out the judge's verdicts on pairs with the baseline.

    Two identical responses are a draw whatever the judge said of them: AlpacaEval does not
    ask its judge about them (its ``PairwiseAnnotator`` sets 0, which its win rates read as
    half a win). Verdicts in both orders of a pair count alike.

    Raises
    ------
    DesignError
        No verdict of the judge on such a pair.
    """
    pairs = data.pairs
    is_a, is_b = pairs["model_a"] == base, pairs["model_b"] == base
    usable = (is_a | is_b) & pairs["model_a"].notna() & pairs["model_b"].notna()
    labels = data.labels[data.labels["annotator"] == judge]
    given = _preferences(labels, pairs["pair_id"])
    same = _identical(pairs) & pairs["pair_id"].isin(labels["pair_id"]).to_numpy()
    preference = np.where(same, 0.5, given)
    # of the baseline against itself, B is taken for the model
    sign = np.where(is_a, 1.0, -1.0)
    table = pd.DataFrame(
        {
            "pair_id": pairs["pair_id"],
            "model": pairs["model_b"].where(is_a, pairs["model_a"]),
            "cluster": pairs["cluster"],
            "prompt_id": pairs["prompt_id"],
            "prompt": pairs["prompt"],
            "gap": sign * (_lengths(pairs, "a") - _lengths(pairs, "b")),
            "win": np.where(is_a, 1.0 - preference, preference),
        }
    )
    judged = np.isfinite(preference)
    if not (usable & judged).any():
        read = int(labels["preference"].notna().sum())
        raise DesignError(
            "There is no verdict of this judge on a pair with the baseline.",
            found=f"{int(usable.sum())} pairs with {base!r}, {len(labels)} labels by {judge!r}, "
            f"{read} of them with a verdict",
            expected="pairs with model_a or model_b the baseline, labelled by the judge",
            fix="Check the spelling of baseline and annotator.",
        )
    left_out = {
        "pairs without the baseline": int((~usable).sum()),
        "pairs without a verdict of the judge": int((usable & ~judged).sum()),
    }
    drawn = usable.to_numpy() & same
    return BaselineRows(
        table[usable & judged].sort_values("pair_id").reset_index(drop=True),
        {why: count for why, count in left_out.items() if count},
        int(drawn.sum()),
        int((drawn & (given != 0.5)).sum()),
    )


def _preferences(labels: pd.DataFrame, pair_ids: pd.Series) -> Array:
    """Return P(A preferred) of each pair, both orders alike; NaN without a verdict."""
    votes = labels[labels["preference"].notna()]
    keys = [votes["pair_id"], votes["order_shown"].fillna("")]
    mass = (votes["preference"] * votes["weight"]).groupby(keys).sum()
    total = votes["weight"].groupby(keys).sum()
    found = (mass / total).groupby(level=0).mean().reindex(pair_ids)
    return np.asarray(found.to_numpy("float64"))


def _identical(pairs: pd.DataFrame) -> NDArray[np.bool_]:
    a, b = pairs["response_a"], pairs["response_b"]
    return np.asarray((a.notna() & b.notna() & (a == b)).to_numpy(dtype=bool))


def _lengths(pairs: pd.DataFrame, side: str) -> Array:
    text = pairs[f"response_{side}"].str.len()
    if f"length_{side}" in pairs:
        text = text.fillna(pairs[f"length_{side}"])
    return np.asarray(text.to_numpy("float64", na_value=np.nan))


def only_baseline(data: PreferenceData) -> str:
    """Return the one model that stands in every pair.

    Raises
    ------
    DesignError
        None, or several.
    """
    a, b = data.pairs["model_a"], data.pairs["model_b"]
    names = sorted(set(a.dropna()) | set(b.dropna()))
    always = [name for name in names if ((a == name) | (b == name)).all()]
    if len(always) != 1:
        raise DesignError(
            "It is not clear which model is the baseline.",
            found=f"{len(always)} models in every pair: {', '.join(always) or 'none'}",
            expected="exactly one, or its name",
            fix="Name it: length_control(data, baseline=...), or --baseline NAME.",
        )
    return str(always[0])


def only_annotator(data: PreferenceData) -> str:
    """Return the one judge of the data.

    Raises
    ------
    DesignError
        Several.
    """
    names = data.annotators["annotator"].tolist()
    if len(names) != 1:
        raise DesignError(
            "A win rate is that of one judge.",
            found=f"{len(names)} annotators: {', '.join(map(str, names[:12]))}",
            expected="one annotator, or its name",
            fix="Name it: length_control(data, annotator=...), or --annotator NAME.",
        )
    return str(names[0])
