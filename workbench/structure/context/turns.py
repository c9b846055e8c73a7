"""Labels that turn: between contexts, by a placebo, by a negation, and by asking again."""

from __future__ import annotations

import numpy as np
import pandas as pd

from workbench.structure.context.roles import Roles

UNIT = ["annotator", "pair", "group", "cluster"]


def between(said: pd.DataFrame) -> pd.DataFrame:
    r"""Return how often two contexts of one annotator and pair are answered oppositely.

    .. math:: \binom{C}{2}^{-1} \sum_{c < c'} (p_c q_{c'} + q_c p_{c'})

    with the shares p for A and q for B of the labels under each of the C contexts.

    Parameters
    ----------
    said : DataFrame
        From :func:`workbench.structure.context.said.said_of`, contexts only.

    Returns
    -------
    DataFrame
        ``annotator, pair, group, cluster, value, n_contexts``, of two contexts and more.

    Examples
    --------
    >>> cell = {"annotator": "x", "pair": 0, "group": "x", "cluster": 0, "n": 1.0}
    >>> one = {**cell, "criterion": "brief", "for_a": 1.0, "for_b": 0.0}
    >>> two = {**cell, "criterion": "full", "for_a": 0.0, "for_b": 1.0}
    >>> between(pd.DataFrame([one, two]))["value"].tolist()
    [1.0]
    """
    product = said.assign(product=said["for_a"] * said["for_b"], n_contexts=1)
    sums = product.groupby(UNIT, sort=True, observed=True)[
        ["for_a", "for_b", "product", "n_contexts"]
    ].sum()
    sums = sums[sums["n_contexts"] > 1].reset_index()
    pairs = sums["n_contexts"] * (sums["n_contexts"] - 1) / 2
    sums["value"] = (sums["for_a"] * sums["for_b"] - sums["product"]) / pairs
    return sums[[*UNIT, "value", "n_contexts"]]


def against(one: pd.DataFrame, other: pd.DataFrame, on: list[str]) -> pd.DataFrame:
    """Return how often the labels of two sets of cells are opposed, where both are there.

    Parameters
    ----------
    one, other : DataFrame
        From :func:`~workbench.structure.context.said.said_of`.
    on : list of str
        Columns in which the cells must agree.

    Returns
    -------
    DataFrame
        ``annotator, pair, group, cluster, criterion, value``.
    """
    both = one.merge(other[[*on, "for_a", "for_b"]], on=on, suffixes=("", "_other"))
    value = both["for_a"] * both["for_b_other"] + both["for_b"] * both["for_a_other"]
    return both.assign(value=value)[[*UNIT, "criterion", "value"]]


def repeats(said: pd.DataFrame) -> pd.DataFrame:
    """Return how often two labels of one annotator, pair and criterion are opposed.

    Returns
    -------
    DataFrame
        As :func:`against`; cells with two labels and more.
    """
    n = said["n"]
    some = said[n > 1]
    value = some["for_a"] * some["for_b"] * some["n"] ** 2 / (some["n"] * (some["n"] - 1) / 2)
    return some.assign(value=value)[[*UNIT, "criterion", "value"]]


def placebo_turns(said: pd.DataFrame, roles: Roles) -> pd.DataFrame:
    """Return how often a placebo turned the label that was given without a criterion."""
    mute = said[said["criterion"].isin(roles.placebos)]
    blind = said[said["criterion"] == roles.blind]
    return against(mute, blind, ["annotator", "pair"])


def negation_turns(said: pd.DataFrame, roles: Roles) -> pd.DataFrame:
    """Return how often a negated criterion turned the label under the criterion."""
    negated = said[said["criterion"].isin(list(roles.negated))]
    base = said[said["side"] != 0].rename(columns={"criterion": "base"})
    named = negated.assign(base=negated["criterion"].map(roles.negated))
    return against(named, base, ["annotator", "pair", "base"])


def per_unit(turns: pd.DataFrame) -> pd.DataFrame:
    """Return the mean over criteria of each annotator and pair: ``value`` by unit.

    Examples
    --------
    >>> rows = pd.DataFrame({"annotator": ["x"] * 2, "pair": [0, 0], "group": ["x"] * 2,
    ...                      "cluster": [0, 0], "value": [1.0, 0.0]})
    >>> per_unit(rows)["value"].tolist()
    [0.5]
    """
    return turns.groupby(UNIT, sort=True, observed=True)["value"].mean().reset_index()


def scored(said: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Return each cell's hits against the reference: 1, 0, or one half for a tie.

    Parameters
    ----------
    said : DataFrame
    truth : DataFrame
        From :func:`workbench.structure.context.said.majority`; where it is tied there is no
        answer to hit.

    Returns
    -------
    DataFrame
        Columns of ``said`` and ``hit``.
    """
    decided = truth[truth["side"] != 0]
    both = said.merge(
        decided[["pair", "criterion", "side"]], on=["pair", "criterion"], suffixes=("", "_truth")
    )
    return both.assign(hit=np.abs(both["side"] + both["side_truth"]) / 2)
