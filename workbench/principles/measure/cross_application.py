"""Everybody's constitution applied to everybody's preferences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import expit
from scipy.stats import norm

from workbench.clustered import mean_and_error, share
from workbench.data.dataset import PreferenceData
from workbench.data.split import folds as fold_numbers
from workbench.decompose.errors.tidy import p_values, q_values
from workbench.errors import DesignError, refuse_out_of_range
from workbench.principles.held_out.executor import METHODS, Method, check_fit, fit_weights, hits
from workbench.principles.measure.groups import group_references
from workbench.principles.measure.kernel import Array, Reference, merged_for, sides
from workbench.principles.measure.measure import check_options
from workbench.principles.principle import Principle
from workbench.principles.vote.votes import Rule, Votes
from workbench.provenance import Provenance
from workbench.results import TIDY, Result
from workbench.threads import on_one_thread

if TYPE_CHECKING:
    import plotly.graph_objects as go


@dataclass(frozen=True, eq=False)
class CrossApplication(Result):
    """How well each group's constitution predicts each group's preferences.

    Attributes
    ----------
    estimates : DataFrame
        One row a constitution and group; see :meth:`to_frame`.
    settings : dict
    provenance : Provenance
    """

    estimates: pd.DataFrame
    settings: dict[str, Any]
    provenance: Provenance
    heading = "Constitutions across groups"
    about = (
        "Each group's constitution, carried out by arithmetic on votes, against every group's "
        "preferences. A constitution that is a group's own should fit it better than others do."
    )

    def to_frame(self) -> pd.DataFrame:
        """Return one row a constitution and group.

        ``constitution, group``, the tidy columns of the accuracy on held-out pairs (a pair
        that no vote decides counts 0.5), ``n_clusters``; ``own_gain``: accuracy of the
        group's own constitution minus this one's on the same pairs, with ``own_gain_low``
        and ``own_gain_high``; p and q are of this gain, NaN for the own constitution.
        ``method``, ``reason``.
        """
        return self.estimates

    def matrix(self) -> pd.DataFrame:
        """Return the accuracies, a row a constitution and a column a group."""
        table = self.estimates.pivot(index="constitution", columns="group", values="estimate")
        groups = self.settings["groups"]
        return table.loc[groups, groups]

    def summary(self) -> str:
        """Return the accuracies as text."""
        level = 100 * self.settings["level"]
        lines = [f"Constitutions across groups, held-out accuracy ({level:g}% interval)"]
        for row in self.estimates.itertuples():
            text = f"undefined: {row.reason}"
            if np.isfinite(row.estimate):
                text = f"{row.estimate:.3f} [{row.conf_low:.3f}, {row.conf_high:.3f}]"
            line = f"  {row.constitution} on {row.group}: {text}, n = {row.n:,}"
            if np.isfinite(row.own_gain) and row.constitution != row.group:
                line += (
                    f"; own is better by {row.own_gain:+.3f} [{row.own_gain_low:+.3f}, "
                    f"{row.own_gain_high:+.3f}], q = {row.q_value:.3g}"
                )
            lines.append(line)
        method = METHODS[self.settings["method"]]
        return "\n".join(
            [*lines, f"method: {method}; paired, cluster-robust; q: Benjamini-Hochberg"]
        )

    def plot(self) -> go.Figure:
        """Return a forest plot of the accuracies, a row a group."""
        from workbench.plots.forest import forest

        frame = self.estimates.assign(
            term=self.estimates["group"], group="by " + self.estimates["constitution"]
        )
        return forest(frame, x_title="accuracy on held-out pairs", reference=0.5)


@on_one_thread
def cross_apply(
    data: PreferenceData,
    votes: Votes,
    constitutions: Mapping[str, Sequence[Principle]],
    *,
    by: str = "annotator",
    method: Method = "weighted",
    rule: Rule = "majority",
    ridge: float = 1.0,
    folds: int = 5,
    level: float = 0.95,
    seed: int = 0,
    pair_ids: Iterable[str] | None = None,
) -> CrossApplication:
    """Apply the constitution of each group to the preferences of every group.

    Parameters
    ----------
    data : PreferenceData
    votes : Votes
        With the principles of all constitutions.
    constitutions : mapping of str to sequence of Principle
        By group: a value of ``by``.
    by : str
        What makes a group: a column of labels or pairs.
    method, rule, ridge
        As in :func:`workbench.principles.held_out.executor.fit_executor`. Weights are fitted to the
        preferences of the constitution's own group.
    folds : int
        Folds by cluster, common to all groups: no pair is predicted with weights that saw
        a label of its cluster, whosever it was.
    level : float
    seed : int
    pair_ids : iterable of str, optional
        Pairs that the constitutions were not selected on.

    Returns
    -------
    CrossApplication

    Raises
    ------
    DesignError
        Fewer than two groups, a group without usable pairs, a principle without votes, or
        an option out of range.
    DataError
        Fewer clusters than folds.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.load("sample")
    >>> longer = data.pairs["response_a"].str.len() > data.pairs["response_b"].str.len()
    >>> codes = np.where(longer, 1, -1).astype(np.int8)[:, None, None]
    >>> long = Principle("Be long")
    >>> votes = Votes(data.pairs["pair_id"].to_numpy(), (long,), codes)
    >>> cross_apply(data, votes, {"human": [long], "llm": [long]}, by="kind").matrix().shape
    (2, 2)
    """
    check_fit(method, ridge)
    check_options(level)
    refuse_out_of_range({"folds": (folds >= 2, folds, "at least 2")})
    found = group_references(data, votes, by, list(constitutions), pair_ids)
    columns = {name: _columns(votes, listed) for name, listed in constitutions.items()}
    fold = common_folds(data, found, folds, seed)
    by_fold = {name: dict.fromkeys(range(folds), own) for name, own in columns.items()}
    settings = {
        "by": by,
        "groups": list(found),
        "constitutions": {k: [one.text for one in v] for k, v in constitutions.items()},
        "folds": folds,
        "seed": seed,
        "held_out": pair_ids is not None,
    }
    return applied(data, votes, found, by_fold, fold, settings, method, rule, ridge, level)


def applied(
    data: PreferenceData,
    votes: Votes,
    found: Mapping[str, Reference],
    columns: Mapping[str, Mapping[int, Sequence[int]]],
    fold: pd.Series,
    settings: dict[str, Any],
    method: Method = "weighted",
    rule: Rule = "majority",
    ridge: float = 1.0,
    level: float = 0.95,
) -> CrossApplication:
    """Apply constitutions that may differ from fold to fold; see :func:`cross_apply`.

    Parameters
    ----------
    data : PreferenceData
    votes : Votes
    found : mapping of str to Reference
        Preferences by group.
    columns : mapping of str to mapping of int to sequence of int
        By group and fold: which principles its constitution has for the pairs of the fold.
    fold : Series
        Fold of each pair, by pair.
    settings : dict
        What the result tells of itself, beside the options below.
    method, rule, ridge, level
        As in :func:`cross_apply`.
    """
    x = {name: sides(merged_for(votes, one, rule)) for name, one in found.items()}
    rows = []
    for group, one in found.items():
        right = {
            name: hits(
                _predicted(name, group, found, x, columns[name], fold, method, ridge), one.sign
            )
            for name in found
        }
        clusters = one.cluster
        for name in found:
            rows.append(_row(name, group, right[name], right[group], clusters, level))
    table = pd.DataFrame(rows)
    table["q_value"] = q_values(table["p_value"].to_numpy("float64"))
    table["method"] = METHODS[method]
    first = ["constitution", "group", *TIDY, "n_clusters"]
    last = ["method", "reason"]
    table = table[[*first, *(c for c in table if c not in [*first, *last]), *last]]
    settings = {**settings, "method": method, "rule": rule, "ridge": ridge, "level": level}
    provenance = Provenance.capture(seed=settings["seed"], dataset=data.digest)
    return CrossApplication(table.astype({"reason": "str"}), settings, provenance)


def _columns(votes: Votes, listed: Sequence[Principle]) -> list[int]:
    at = {principle.text: k for k, principle in enumerate(votes.principles)}
    missing = [one.text for one in listed if one.text not in at]
    if missing or not listed:
        raise DesignError(
            "A constitution cannot be carried out on these votes.",
            found=f"no votes on {missing[0]!r}" if missing else "a constitution without principles",
            expected="at least one principle, all of them voted on",
            fix="Vote on the principles of every constitution first.",
        )
    return [at[one.text] for one in listed]


def common_folds(
    data: PreferenceData, found: Mapping[str, Reference], folds: int, seed: int
) -> pd.Series:
    """Return the fold of each pair that some group decided, by pair."""
    ids = sorted(set().union(*(one.pair_ids for one in found.values())))
    cluster = data.pairs.set_index("pair_id")["cluster"].loc[ids].to_numpy()
    return pd.Series(fold_numbers(cluster, folds, seed), index=ids)


def _predicted(
    name: str,
    group: str,
    found: Mapping[str, Reference],
    x: Mapping[str, Array],
    columns: Mapping[int, Sequence[int]],
    fold: pd.Series,
    method: Method,
    ridge: float,
) -> Array:
    """Return P(A) of a group's pairs by the constitution of ``name``, out of fold."""
    own, other = (
        fold.loc[found[name].pair_ids].to_numpy(),
        fold.loc[found[group].pair_ids].to_numpy(),
    )
    p = np.full(len(other), 0.5)
    for f in np.unique(other):
        train, test, listed = own != f, other == f, list(columns[f])
        if train.any() and listed:
            weights = fit_weights(x[name][train][:, listed], found[name].sign[train], method, ridge)
            p[test] = expit(x[group][test][:, listed] @ weights)
    return p


def _row(
    name: str, group: str, right: Array, own: Array, cluster: Any, level: float
) -> dict[str, Any]:
    z = float(norm.ppf(0.5 + level / 2))
    gain, error = mean_and_error(own - right, np.ones(len(own)), cluster)
    record = share(right, cluster, level)
    row: dict[str, Any] = {"constitution": name, "group": group, "term": "accuracy", **record}
    row |= {"n": int(record["n"]), "n_clusters": int(record["n_clusters"]), "q_value": np.nan}
    row |= {"p_value": np.nan, "own_gain": gain}
    row |= {"own_gain_low": gain - z * error, "own_gain_high": gain + z * error}
    if name != group:
        # two constitutions that are right on the same pairs do not differ
        p = p_values(np.array([gain]), np.array([error]))[0]
        row["p_value"] = 1.0 if error == 0 and gain == 0 else float(p)
    row["reason"] = None if np.isfinite(record["conf_low"]) else "one cluster: no interval"
    return row
