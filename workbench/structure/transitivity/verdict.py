"""May these be ranked: one sentence for a group, and one line for ratings."""

from __future__ import annotations

from typing import Any

import numpy as np

from workbench.errors import DesignError
from workbench.ratings.result import Ratings
from workbench.structure.transitivity.comparisons import ordered
from workbench.structure.transitivity.energy import Energy, energy
from workbench.structure.transitivity.group import Group
from workbench.threads import on_one_thread

_LINE_DRAWS = 399


def hidden(found: Energy) -> str:
    """Return what ratings hide, in words.

    Examples
    --------
    >>> import numpy as np
    >>> nothing = (np.nan,) * 4
    >>> hidden(Energy(0.2, 0.2, 0.0, np.full(99, 0.05), 0.01, *nothing, 0.0, 1, 0.5, None, 10))
    'ratings hide 20.0 % of the energy (Bradley-Terry noise alone: 5.0 %; p = 0.01, n = 10 labels)'
    """
    return (
        f"ratings hide {found.value:.1%} of the energy (Bradley-Terry noise alone: "
        f"{found.null:.1%}; p = {found.p_value:.2g}, n = {found.n:,} labels)"
    ).replace("%", " %")


def _pool_text(row: dict[Any, Any]) -> str:
    number = str(row["pool"]).removeprefix("pool ")
    if np.isfinite(row["p_value"]):
        return f"{number}: {row['p_value']:.2g}"
    return f"{number}: undefined ({row['reason']})"


def verdict_of(one: Group, q_value: float, level: float) -> dict[str, Any]:
    """Return the sentence, the rule that it is a finding of, and the numbers of one group.

    A finding needs the whole and every pool of annotators in which it can be tested.
    """
    found, limit = one.energy, 1 - level
    row = {"group": one.name, "rule": None, "evidence": (), "beyond": found.beyond,
           "low": found.low, "high": found.high, "n": found.n}  # fmt: skip
    if found.reason is not None:
        return {**row, "verdict": f"whether these may be ranked cannot be told: {found.reason}"}
    says = hidden(found)
    pools = one.pool_energies
    where = ""
    if len(pools):
        told = [_pool_text(row) for row in pools.to_dict("records")]
        where = f"; different annotators labelled different items: p by pool {', '.join(told)}"
    less = one.decided
    if less is not None:
        where = f"; without ties p = {less.p_value:.2g}{where}"
    # half a win for a tie bends the scale: what ties alone bring about is no cycle
    bent = less is not None and not less.p_value < limit
    if bent or not (q_value < limit and found.low > 0):
        return {**row, "verdict": f"these may be ranked on one scale: {says}{where}"}
    tested = pools["p_value"].dropna() if len(pools) else None
    if tested is not None and not (len(tested) and (tested < limit).all()):
        text = (f"these may be ranked within a pool of annotators only: {says}, but not within "
                f"each pool{where}")  # fmt: skip
        return {**row, "verdict": text, "rule": "pools-make-cycles", "evidence": one.evidence}
    people = one.mixture
    if people is not None and people.p_value >= 1 - level:
        text = (f"one scale does not hold these people together, and nobody's own labels are "
                f"shown to go round: {says}; as much from {people.n_people:,} people with rankings "
                f"of their own: p = {people.p_value:.2g}{where}")  # fmt: skip
        return {**row, "verdict": text, "rule": "pools-make-cycles", "evidence": one.evidence}
    text = f"one scale does not hold these: {says}{where}"
    return {**row, "verdict": text, "rule": "cyclic-shares", "evidence": one.evidence}


@on_one_thread
def ranking_line(found: Ratings) -> str:
    """Say in one line whether the rated models may be ranked at all.

    Parameters
    ----------
    found : Ratings
        Of :func:`workbench.rate`; the labels among the rated models are tested.

    Returns
    -------
    str
        The cyclic share of the energy against 399 draws of Bradley-Terry, or why it cannot be
        told. :func:`workbench.transitivity` says more, and guards against pools of annotators.

    Examples
    --------
    >>> import workbench as wb
    >>> line = ranking_line(wb.rate(wb.load("sample"), annotator="human"))
    >>> line.startswith("May these be ranked? Yes: ratings hide ")
    True
    """
    level = float(found.settings["level"])
    if len(found.used.models) < 3:
        return "May these be ranked? Two models make no cycle."
    try:
        edges = ordered(found.used)[0]
    except DesignError as error:
        return f"May these be ranked? Cannot be told: {str(error).splitlines()[0]}"
    own = energy(edges, _LINE_DRAWS, level, int(found.provenance.seed or 0), whole=False)
    if own.reason is not None:
        return f"May these be ranked? Cannot be told: {own.reason}."
    # as the interval of the whole verb: two-sided
    if own.p_value < (1 - level) / 2:
        return f"May these be ranked? Not on one scale alone: {hidden(own)}. See transitivity."
    return f"May these be ranked? Yes: {hidden(own)}."
