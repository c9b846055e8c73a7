"""Rewards that are there already, of the two responses of pairs: ensembles and strength."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from workbench.audit.models.reward_models import MarginsByStrength, ensemble, margins_by_strength
from workbench.clustered import Array
from workbench.data.dataset import PreferenceData
from workbench.data.preferred import preferred
from workbench.errors import DataError
from workbench.results import Result

_GRADES = 10
"""Most different strengths that are told one by one."""


def audit_reward_scores(
    data: PreferenceData,
    rewards: Sequence[str] | None = None,
    *,
    gold: str | None = None,
    annotators: Sequence[str] | None = None,
    level: float = 0.95,
) -> list[Result]:
    """Return what the rewards of labelled pairs say of the labels, and of each other.

    Parameters
    ----------
    data : PreferenceData
    rewards : sequence of str, optional
        Reward models: annotators whose labels have the difference of the rewards as strength,
        or ``r`` where the pairs have columns ``r_a`` and ``r_b``. All annotators of the kind
        ``reward_model`` that have strengths when None.
    gold : str, optional
        Annotator or kind whose labels are better: by decile of the mean margin it is told how
        often they confirm the choice.
    annotators : sequence of str, optional
        Whose majority says which response is the chosen one; people, or else everybody but
        reward models and the gold labels, when None.
    level : float

    Returns
    -------
    list of Result
        Of two rewards and more the ensemble
        (:func:`workbench.audit.models.reward_models.ensemble`, each standardised to a mean
        square of 1 so that none outweighs the others, with the share of right signs of
        each), and of each the margins by strength where the labels are graded.

    Raises
    ------
    DataError
        No such reward, one reward and no grades, or no pair with a choice and all rewards.

    Examples
    --------
    >>> from workbench import PreferenceData
    >>> pairs = pd.DataFrame({"prompt": ["p", "q"], "response_a": ["a", "b"],
    ...     "response_b": ["c", "d"], "r_a": [3.0, 1.0], "r_b": [1.0, 0.5], "s_a": [2.0, 1.0],
    ...     "s_b": [1.0, 2.0]})
    >>> labels = pd.DataFrame({"pair": [0, 1], "annotator": "ann", "preference": 1.0})
    >>> found = audit_reward_scores(PreferenceData.from_tables(pairs, labels), ["r", "s"])
    >>> found[0].to_frame().set_index("term").loc["margin above 0, s", "estimate"]
    np.float64(0.5)
    """
    chosen = _chosen(data, annotators, gold)
    known = data.annotators
    models = known.loc[known["kind"] == "reward_model", "annotator"]
    names = list(rewards or [name for name in models if _has_strength(data, name)])
    sign = np.where(chosen["side"] == "a", 1.0, -1.0)
    margins = np.column_stack(
        [sign * _differences(data, name) for name in names] or [sign * np.nan]
    )
    use = chosen["why"].isna().to_numpy() & np.isfinite(margins).all(axis=1)
    if not names or not use.any():
        raise DataError(
            "There are no rewards of pairs with a choice.",
            found=f"{len(use):,} pairs; rewards: {', '.join(names) or 'none'}",
            expected="labels of reward models with strengths, or columns NAME_a and NAME_b, and "
            "labels that say which response is chosen",
            fix="Name rewards that the data have, and whose labels choose.",
        )
    notes = _notes(chosen, margins)
    confirmed = None if gold is None else _confirmed(data, gold, chosen)[use]
    chosen, margins = chosen[use], margins[use]
    cluster = chosen["cluster"].to_numpy()
    strength = chosen["strength"].to_numpy("float64")
    grades = len(np.unique(strength[np.isfinite(strength)]))
    found: list[Result] = []
    if len(names) < 2 and not 1 < grades <= _GRADES:
        raise DataError(
            "There is no ensemble: one reward and labels without grades.",
            found=f"rewards {names[0]}",
            expected="two rewards or more, or labels that are graded: margins are told by grade",
            fix="Name several: --rewards COLUMN,... (rewards= in Python), annotators or columns "
            "NAME_a and NAME_b.",
        )
    if len(names) > 1 or not 1 < grades <= _GRADES:
        scaled = margins / np.sqrt((margins**2).mean(axis=0))
        one = ensemble(scaled, cluster, confirmed, names=names, level=level)
        found.append(replace(one, settings={**one.settings, "notes": notes}))
    if 1 < grades <= _GRADES:
        found += [_by_strength(m, strength, cluster, name, level, notes)
                  for name, m in zip(names, margins.T, strict=True)]  # fmt: skip
    return found


def _chosen(
    data: PreferenceData, annotators: Sequence[str] | None, gold: str | None
) -> pd.DataFrame:
    known = data.annotators
    if annotators is None and not (known["kind"] == "human").any():
        apart = (known["kind"] == "reward_model") | known["annotator"].eq(gold)
        others = known.loc[~(apart | known["kind"].eq(gold)), "annotator"].tolist()
        return preferred(data, others or None)
    return preferred(data, annotators)


def _has_strength(data: PreferenceData, name: str) -> bool:
    labels = data.labels
    return bool(labels.loc[labels["annotator"] == name, "strength"].notna().any())


def _differences(data: PreferenceData, name: str) -> Array:
    """Return the reward of A minus that of B of every pair; NaN where there is none."""
    pairs = data.pairs
    columns = [f"{name}_{side}" for side in "ab"]
    if all(one in pairs and pd.api.types.is_numeric_dtype(pairs[one]) for one in columns):
        return np.asarray(pairs[columns[0]] - pairs[columns[1]], float)
    labels = data.labels[data.labels["annotator"] == name]
    if labels.empty or labels["strength"].isna().all():
        raise DataError(
            f"The data have no rewards {name}.",
            found=f"annotators {', '.join(data.annotators['annotator'].head(20))}; columns "
            + ", ".join(map(str, pairs.columns)),
            expected=f"labels of {name} with strengths, or columns {' and '.join(columns)}",
            fix="Name another reward.",
        )
    # equal rewards may have no strength
    sign = np.sign(labels["preference"] - 0.5)
    margin = (labels["strength"].abs() * sign).mask(sign == 0, 0.0)
    mean = margin.groupby(labels["pair_id"]).mean()
    return np.asarray(mean.reindex(pairs["pair_id"]), float)


def _confirmed(data: PreferenceData, gold: str, chosen: pd.DataFrame) -> Array:
    """Return 1 where better labels confirm a choice, 0 where they turn it, NaN without any."""
    kinds = set(data.annotators["kind"])
    better = preferred(data.filter(kinds=[gold]) if gold in kinds else data, None
                       if gold in kinds else [gold]).set_index("pair_id")  # fmt: skip
    side = better["side"].where(better["why"].isna()).reindex(chosen["pair_id"])
    same = (side.to_numpy() == chosen["side"].to_numpy()).astype(float)
    return np.where(side.notna(), same, np.nan)


def _notes(chosen: pd.DataFrame, margins: Array) -> list[str]:
    lacking = ~np.isfinite(margins).all(axis=1)
    why = chosen["why"].where(chosen["why"].notna() | ~lacking, "a reward is lacking").dropna()
    return [f"left out: {n:,} pairs, {text}" for text, n in why.value_counts().items()]


def _by_strength(
    margin: Array, strength: Array, cluster: Array, name: str, level: float, notes: list[str]
) -> MarginsByStrength:
    found = margins_by_strength(margin, strength, cluster, level=level)
    what = f"{found.settings['what']}, {name}"
    return replace(found, settings={**found.settings, "what": what, "notes": notes})
