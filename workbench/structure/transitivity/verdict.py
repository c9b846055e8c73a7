"""May these be ranked: one sentence for a group, and one line for ratings."""

from __future__ import annotations

from typing import Any

import numpy as np

from workbench.ratings.parted.sums import BattleSums
from workbench.ratings.result import Ratings
from workbench.structure.transitivity.comparisons import edges_among
from workbench.structure.transitivity.energy import Energy, energy
from workbench.structure.transitivity.group import Group
from workbench.threads import on_one_thread

ONE_SCALE = 0.10
"""Cyclic share of the energy, beyond noise, up to which items may be ranked on one scale."""

CYCLES, RANKED = "cycles", "ranked"

_LINE_DRAWS = 399
_LINE_MOST = 20_000


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


def answer(found: Energy, less: Energy | None, q_value: float, level: float, tests: int) -> str:
    """Return ``"cycles"``, ``"ranked"``, or why neither can be told, of an energy with interval.

    Parameters
    ----------
    found : Energy
    less : Energy or None
        The same without ties. Half a win for a tie bends the scale: what ties alone bring about
        is no cycle.
    q_value : float
        Of ``found``, over all tests.
    level : float
    tests : int
        Number of tests.

    Notes
    -----
    Cycles: the two-sided p-value and q are below 1 - level, and p without ties. Ranked: at most
    a tenth of the energy is cyclic by the interval's upper end.
    """
    limit = 1 - level
    if found.reason is not None:
        return found.reason
    bent = less is not None and not less.p_value < limit
    if not bent and found.p_value < limit / 2 and q_value < limit:
        return CYCLES
    draws = len(found.draws)
    least = 1 / (draws + 1)
    few = not (least < limit / 2 and least * tests < limit)
    if few and not bent and found.p_value <= max(limit, least):
        return f"{draws:,} draws give no p-value below {least:.2g}, too few at this level"
    if found.high <= ONE_SCALE:
        return RANKED
    if not np.isfinite(found.high):
        return str(found.beyond_reason)
    return f"up to {_percent(found.high)} of the energy could be cyclic ({_level(level)} interval)"


def _level(level: float) -> str:
    return f"{100 * level:.6g} %"


def _percent(share: float) -> str:
    return f"{share:.1%}".replace("%", " %")


def _pool_text(row: dict[Any, Any]) -> str:
    number = str(row["pool"]).removeprefix("pool ")
    if np.isfinite(row["p_value"]):
        return f"{number}: {row['p_value']:.2g}"
    return f"{number}: undefined ({row['reason']})"


def verdict_of(one: Group, q_value: float, level: float, tests: int) -> dict[str, Any]:
    """Return the sentence, the rule that it is a finding of, and the numbers of one group.

    A finding needs the whole and every pool of annotators in which it can be tested.
    """
    found, less = one.energy, one.decided
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
    if less is not None:
        where = f"; without ties p = {less.p_value:.2g}{where}"
    said = answer(found, less, q_value, level, tests)
    if said == RANKED:
        text = f"these may be ranked on one scale: {says}; {_at_most(found, level)}{where}"
        return {**row, "verdict": text}
    if said != CYCLES:
        text = f"whether these may be ranked cannot be told: {said}; {says}{where}"
        return {**row, "verdict": text}
    tested = pools["p_value"].dropna() if len(pools) else None
    if tested is not None and not (len(tested) and (tested < 1 - level).all()):
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


def _at_most(found: Energy, level: float) -> str:
    return f"beyond noise at most {_percent(found.high)} ({_level(level)} interval)"


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
        Yes, not on one scale, or that it cannot be told: by the rule of
        :func:`workbench.transitivity`, on 399 draws or as many as the level needs. That verb
        says more, and guards against pools of annotators.

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
    used = found.used
    if isinstance(used, BattleSums):
        return (
            "May these be ranked? Of data in parts, ask a sample: "
            "transitivity(data.sample(100_000))."
        )
    edges = edges_among(used)
    if isinstance(edges, str):
        return f"May these be ranked? Cannot be told: {edges}"
    seed = int(found.provenance.seed or 0)
    draws = int(np.clip(np.ceil(2 / (1 - level)), _LINE_DRAWS, _LINE_MOST))
    own = energy(edges, draws, level, seed, whole=False)
    if own.reason is not None:
        return f"May these be ranked? Cannot be told: {own.reason}."
    less, where = None, ""
    if edges.ties.any():
        decided = edges_among(used.take(used.preference != 0.5))
        if not isinstance(decided, str):
            less = energy(decided, draws, level, seed, whole=False, interval=False)
            where = f"; without ties p = {less.p_value:.2g}"
    said = answer(own, less, own.p_value, level, 1)
    if said == CYCLES:
        return (
            f"May these be ranked? Not on one scale alone: {hidden(own)}{where}. See transitivity."
        )
    if said == RANKED:
        return f"May these be ranked? Yes: {hidden(own)}; {_at_most(own, level)}{where}."
    return f"May these be ranked? Cannot be told: {said}; {hidden(own)}{where}."
