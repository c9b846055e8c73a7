"""What the checks of a fit warn of, in words that can stand beside the weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from workbench.decompose.checks.verdict import BAD, POOR, Q_LEVEL, too_certain
from workbench.finding import Finding, Rule, finding

_TOLD = f"q < {Q_LEVEL:g}, and the verdict over all tests of the annotator q < {Q_LEVEL:g}"

RULES = {
    "link-misfit": Rule(
        "change of the predictor's slope beyond its median size",
        _TOLD,
        "Read the weights by sign and rank; careless or fixed answers flatten the ends.",
    ),
    "miscalibrated-fit": Rule(
        "F of the bins of certainty as added terms",
        _TOLD,
        "Look at the reliability curve before using predicted probabilities.",
    ),
    "curved-factor": Rule(
        "change of the factor's weight beyond its median difference, or what any difference "
        "counts by itself",
        _TOLD,
        "Recode the factor (logarithm, sign, steps), or read its weight as an average.",
    ),
    "interaction": Rule(
        "change of one factor's weight per unit of the size of the other's difference",
        _TOLD,
        "Read the weight as an average over the other factor, or fit both parts of the data.",
    ),
    "too-certain": Rule(
        "slope of held-out labels on the predictor",
        "interval below 1",
        "Take fewer factors or a prior (dissect), or label more.",
    ),
    "one-cluster": Rule(
        "the weight without the cluster",
        f"a weight with p < {Q_LEVEL:g} that turns its sign, becomes undefined or moves by more "
        "than one standard error",
        "Look at that cluster's labels before the weight is told.",
    ),
}
"""What checks of a fit may show, by ``rule_id``."""

_RULE_OF = {"link": "link-misfit", "calibration": "miscalibrated-fit", "bend": "curved-factor",
            "step": "curved-factor", "interaction": "interaction"}  # fmt: skip
_MOST = 3
"""Rows of one kind that are told of one group; the rest are counted."""


def findings(
    tests: pd.DataFrame, interactions: pd.DataFrame, influence: pd.DataFrame, verdicts: pd.DataFrame
) -> list[Finding]:
    """Return the findings of a check; those of predictions that are too certain are one.

    Parameters
    ----------
    tests, interactions, influence, verdicts : DataFrame
        Of a :class:`workbench.decompose.checks.result.FitCheck`.
    """
    every = told_by_group(tests, interactions, influence, verdicts)
    found = [one for _, one in every if one.rule_id != "too-certain"]
    slopes = too_certain(tests).sort_values("estimate", kind="stable")
    if slopes.empty:
        return found
    first, *others = slopes.to_dict("records")
    text = f"predictions of held-out labels of {first['group']} are too certain"
    names = ", ".join(str(row["group"]) for row in others[: _MOST - 1])
    more = len(others) - (_MOST - 1)
    text += f"; so too of {names}" if names else ""
    text += f" and {more} more" if more > 0 else ""
    return [*found, _finding("too-certain", "note", text, first)]


def told_by_group(
    tests: pd.DataFrame, interactions: pd.DataFrame, influence: pd.DataFrame, verdicts: pd.DataFrame
) -> Iterator[tuple[str, Finding]]:
    """Yield each group with what is told of it.

    Parameters
    ----------
    tests, interactions, influence, verdicts
        As of :func:`findings`.
    """
    every = pd.concat([tests, interactions], ignore_index=True)
    for verdict in verdicts.to_dict("records"):
        name = verdict["group"]
        own = every[every["group"] == name]
        if verdict["q_value"] < Q_LEVEL:
            level = "warning" if verdict["verdict"] == BAD else "note"
            for kind, rows in _clear(own).groupby("kind", sort=False):
                yield name, _misfit(name, str(kind), rows, level, verdict["coin_gain"])
        for row in too_certain(own).to_dict("records"):
            text = f"predictions of held-out labels of {name} are too certain"
            yield name, _finding("too-certain", "note", text, row)
        for row in _of_one_cluster(influence, name).to_dict("records"):
            yield name, _finding("one-cluster", "note", _moved(row), row)


def _clear(own: pd.DataFrame) -> pd.DataFrame:
    clear = own[(own["q_value"] < Q_LEVEL)]
    return clear.loc[clear["p_value"].sort_values(kind="stable").index]


def _misfit(name: str, kind: str, rows: pd.DataFrame, level: str, coin: float) -> Finding:
    first, *others = rows.to_dict("records")
    text = f"{_WORDS[kind](first)} ({name})"
    also = ", ".join(str(one["term"]) for one in others[: _MOST - 1])
    more = len(others) - (_MOST - 1)
    text += f"; so too {also}" if also else ""
    text += f" and {more} more" if more > 0 else ""
    if not first["gain"] > POOR * coin:
        level = "note"
    return _finding(_RULE_OF[kind], level, text, first)


def _finding(rule: str, level: str, text: str, row: dict[Any, Any]) -> Finding:
    numbers = (float(row["estimate"]), float(row["conf_low"]), float(row["conf_high"]))
    return finding(RULES, rule, level, text, int(row["n"]), numbers)


def _link(row: dict[Any, Any]) -> str:
    where = "less" if row["estimate"] < 0 else "more"
    return f"where the model is most certain, labels follow it {where} than it says"


def _bend(row: dict[Any, Any]) -> str:
    """Say whether a factor counts more or less beyond its median difference.

    Examples
    --------
    >>> _bend({"factor": "words", "estimate": 0.4, "beyond": -0.1})
    'words is no straight line: beyond its median difference it counts less (weight -0.10; -0.50 ...
    """
    beyond, near = row["beyond"], row["beyond"] - row["estimate"]
    way = "for" if beyond > 0 else "against"
    less = "less" if beyond * near > 0 else way
    counts = f"more {way}" if abs(beyond) > abs(near) else less
    return (
        f"{row['factor']} is no straight line: beyond its median difference it counts {counts} "
        f"(weight {beyond:+.2f}; {near:+.2f} up to it)"
    )


def _step(row: dict[Any, Any]) -> str:
    """Say whether small differences count more or less than the fit's line says.

    Examples
    --------
    >>> _step({"factor": "words", "estimate": -0.4, "weight": 0.5})
    'words is no straight line: small differences count less than the line says'
    """
    than = "more" if row["estimate"] * row["weight"] > 0 else "less"
    return f"{row['factor']} is no straight line: small differences count {than} than the line says"


def _interaction(row: dict[Any, Any]) -> str:
    more = "rises" if row["estimate"] > 0 else "falls"
    return f"the weight of {row['factor']} {more} where the responses differ in {row['other']}"


def _calibration(row: dict[Any, Any]) -> str:
    return "predicted probabilities and shares of labels differ by certainty"


_WORDS = {"link": _link, "bend": _bend, "step": _step, "interaction": _interaction,
          "calibration": _calibration}  # fmt: skip


def _of_one_cluster(table: pd.DataFrame, name: str) -> pd.DataFrame:
    own = table[table["group"] == name]
    if own.empty:
        return own
    # a weight near the edge of significance is turned by some cluster in most data
    turned = own["turns"].isin(["sign", "undefined"]) | (own["moves"].abs() > 1)
    return own[own["told"].astype(bool) & turned]


def _moved(row: dict[Any, Any]) -> str:
    without = f"{row['estimate']:+.3f}" if np.isfinite(row["estimate"]) else "undefined"
    return (
        f"the weight of {row['term']} is {row['weight']:+.3f}, and {without} without the cluster "
        f"{row['cluster']} of {row['group']} ({row['share']:.1%} of its labels)"
    )
