"""Principles as factors, and their effects once length, position and format are held equal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from workbench.data.dataset import PreferenceData
from workbench.decompose.errors.tidy import normal_interval, p_values, tidy_columns
from workbench.factors.catalog import FAMILIES, FactorSpec
from workbench.factors.coding import Coding
from workbench.factors.score import score_factors
from workbench.principles.measure.kernel import Array, Reference, merged_for, reference, sides
from workbench.principles.measure.measure import check_options
from workbench.principles.measure.vote_estimates import VoteEstimates, whose
from workbench.principles.vote.vote_models import ROWS_PER_TERM, Models, fit_models
from workbench.principles.vote.votes import Rule, Vote, Votes
from workbench.provenance import Provenance
from workbench.threads import on_one_thread

if TYPE_CHECKING:
    import plotly.graph_objects as go

FORMAT = tuple(spec for spec in FAMILIES["structure"] if spec.name not in ("links", "paragraphs"))
"""Text factors that stand for format: headers, lists, bold, tables and code blocks."""

MOST_LOST = 0.5
"""Share of an effect lost to the controls from which a principle is flagged."""

_METHOD = "logit of the preference on the vote, with controls, cluster-robust errors"


def principle_factors(
    data: PreferenceData, votes: Votes, *, rule: Rule = "majority"
) -> PreferenceData:
    """Make a factor of every principle, so that they can be decomposed jointly.

    Parameters
    ----------
    data : PreferenceData
    votes : Votes
    rule : {"majority", "unanimous"}
        How repeats of a vote are merged.

    Returns
    -------
    PreferenceData
        With a factor a principle, named by its text: +1 where the vote is for A, -1 for B,
        0 where it is for both, neither or not applicable, and NaN where it is invalid or
        was not asked: a fit leaves such pairs out and counts them.

    Examples
    --------
    >>> from workbench.principles.principle import Principle
    >>> pairs = pd.DataFrame({"prompt": ["p", "q"], "response_a": "yes", "response_b": "no"})
    >>> labels = pd.DataFrame({"pair": [0, 1], "annotator": "ann", "preference": 1.0})
    >>> data = PreferenceData.from_tables(pairs, labels)
    >>> codes = np.array([1, 5], dtype=np.int8).reshape(2, 1, 1)
    >>> votes = Votes(data.pairs["pair_id"].to_numpy(), (Principle("Be kind"),), codes)
    >>> principle_factors(data, votes).factors["Be kind"].tolist()
    [1.0, nan]
    """
    at = pd.Index(votes.pair_ids).get_indexer(data.pairs["pair_id"])
    codes = votes.merged(rule)[at]
    unknown = (codes == Vote.INVALID) | (codes == Vote.NOT_ASKED) | (at < 0)[:, None]
    values = np.where(unknown, np.nan, sides(codes))
    names = [one.text for one in votes.principles]
    coding, voter = Coding("difference", standardise=False), votes.voter or "of an unnamed model"
    specs = {
        name: FactorSpec(name, name, "principle", "vote", coding, f"votes {voter}").to_dict()
        for name in names
    }
    nothing = pd.DataFrame(index=data.factors.index)
    return data.with_factors(pd.DataFrame(values, columns=names), nothing, specs)


@dataclass(frozen=True, eq=False)
class Adjusted(VoteEstimates):
    """Effects of principles, raw and with length, position and format held equal.

    Attributes
    ----------
    controls : DataFrame
        What was held equal: ``control``, whether it was ``used``, and the ``reason`` if not.
    """

    controls: pd.DataFrame
    heading = "Principles, adjusted"
    about = (
        "Effects of principles among responses of equal length, position and format. A "
        "principle that loses most of its effect mostly says what the controls say."
    )
    beside = ("controls",)

    def to_frame(self) -> pd.DataFrame:
        """Return one row a principle.

        The tidy columns are of the adjusted weight, in logits. ``raw`` is the weight
        without controls, with ``raw_low``, ``raw_high`` and ``raw_p_value``; ``raw_ame``
        and ``ame`` are the mean changes of P(A preferred) by a vote for A; ``lost`` is the
        share of the first that the controls take, and ``flagged`` says that it is above
        half of a raw effect that itself differs from 0 (at the level). ``n_clusters``,
        ``method``, ``reason``.
        """
        return self.estimates

    def summary(self) -> str:
        """Return raw and adjusted weights as text."""
        used = ", ".join(self.controls.loc[self.controls["used"], "control"]) or "nothing"
        title = f"Principles with {used} held equal ({self._interval} of the weight)"
        return self._told(title, _text, "n = {0.n:,}", f"{_METHOD}; q: Benjamini-Hochberg")

    def plot(self) -> go.Figure:
        """Return a forest plot of raw and adjusted weights."""
        from workbench.plots.forest import forest

        table = self.estimates
        raw = table.assign(
            group="raw",
            estimate=table["raw"],
            conf_low=table["raw_low"],
            conf_high=table["raw_high"],
            q_value=np.nan,
        )
        both = pd.concat([raw, table.assign(group="adjusted")], ignore_index=True)
        return forest(both, x_title="weight (log-odds of A for a vote for A)")


@on_one_thread
def adjusted(
    data: PreferenceData,
    votes: Votes,
    annotator: str | Iterable[str] | None = None,
    *,
    rule: Rule = "majority",
    level: float = 0.95,
    pair_ids: Iterable[str] | None = None,
) -> Adjusted:
    r"""Regress preferences on each principle's vote, without and with controls.

    .. math:: P(\text{A preferred}) = \frac{1}{1 + e^{-(\beta v + z'\gamma)}}

    with the vote :math:`v` (+1 for A, -1 for B, else 0) and the controls :math:`z`: the
    log ratio of the lengths in characters, the shown order, and the coded differences of
    :data:`FORMAT`.

    Parameters
    ----------
    data : PreferenceData
    votes : Votes
    annotator : str or iterable of str, optional
    rule : {"majority", "unanimous"}
    level : float
    pair_ids : iterable of str, optional
        Held-out pairs.

    Returns
    -------
    Adjusted

    Raises
    ------
    DesignError
        No usable pair, or an option out of range.

    Notes
    -----
    The share lost compares average marginal effects, because a weight in logits grows when
    controls that predict the preference come in. A control that says nothing here (no
    text, order unknown, a factor that is 0 everywhere or repeats others) is left out and
    named. Pairs with an invalid vote of a principle, or none, are not in its fits.

    References
    ----------
    Liang and Zeger (1986) for the errors; Mood (2010) on comparing logits.

    Examples
    --------
    >>> import workbench as wb
    >>> from workbench.principles.principle import Principle
    >>> data = wb.load("sample").filter(kinds=["human"])
    >>> longer = data.pairs["response_a"].str.len() > data.pairs["response_b"].str.len()
    >>> codes = np.where(longer, 1, -1).astype(np.int8)[:, None, None]
    >>> votes = Votes(data.pairs["pair_id"].to_numpy(), (Principle("Be long"),), codes)
    >>> bool(adjusted(data, votes).to_frame()["flagged"].iloc[0])
    True
    """
    check_options(level)
    found = reference(data, votes, annotator, pair_ids)
    codes = merged_for(votes, found, rule)
    known = (codes != Vote.INVALID) & (codes != Vote.NOT_ASKED)
    Z, controls = _controls(data, found)
    K, C = codes.shape[1], Z.shape[1]
    X = np.hstack([sides(codes), Z])
    alone = np.hstack([np.eye(K, dtype=bool), np.zeros((K, C), bool)])
    raw = fit_models(X, found, alone, known)
    full = fit_models(X, found, alone | (np.arange(K + C) >= K), known)
    names = [one.text for one in votes.principles]
    settings = {
        "annotator": whose(annotator),
        "rule": rule,
        "level": level,
        "held_out": pair_ids is not None,
        "n": len(found),
        "voter": votes.voter,
    }
    provenance = Provenance.capture(dataset=data.digest)
    table = _table(names, raw, full, level)
    return Adjusted(table, found.exclusions, settings, provenance, controls)


def _text(row: Any) -> str:
    lost = f", {row.lost:.0%} lost" if row.flagged else ""
    return (
        f"{row.estimate:+.3f} [{row.conf_low:+.3f}, {row.conf_high:+.3f}], "
        f"q = {row.q_value:.3g}, raw {row.raw:+.3f}{lost}"
    )


def _controls(data: PreferenceData, found: Reference) -> tuple[Array, pd.DataFrame]:
    """Return the control columns, shape (n, C), and a table that says which were used."""
    pairs = data.pairs.iloc[found.pair]
    columns: dict[str, Array] = {}
    reasons: dict[str, str] = {}
    names = ["log length ratio", "position", *(spec.name for spec in FORMAT)]
    columns["position"] = found.position
    if pairs[["response_a", "response_b"]].isna().all(axis=None):
        reasons = {name: "the data have no text" for name in names if name != "position"}
    else:
        a, b = (pairs[side].str.len().fillna(0) for side in ("response_a", "response_b"))
        columns["log length ratio"] = np.log((a.to_numpy("float64") + 1) / (b.to_numpy() + 1))
        ids = list(found.pair_ids)
        scored = score_factors(data.filter(pair_ids=ids), FORMAT).factors
        scored = scored.set_index("pair_id").loc[ids]
        columns |= {spec.name: scored[spec.name].fillna(0).to_numpy() for spec in FORMAT}
    used: list[str] = []
    for name in (name for name in names if name in columns):
        if not np.any(columns[name]):
            reasons[name] = (
                "0 on every pair" if name != "position" else "the shown order is unknown"
            )
        elif _repeats(columns[name], [columns[other] for other in used]):
            reasons[name] = "repeats other controls"
        elif len(found) < 2 * ROWS_PER_TERM * (len(used) + 2):
            reasons[name] = "too few pairs for another control"
        else:
            used.append(name)
    Z = np.column_stack([columns[name] for name in used]) if used else np.empty((len(found), 0))
    rows = [(name, name in used, reasons.get(name)) for name in names]
    table = pd.DataFrame(rows, columns=["control", "used", "reason"])
    return Z, table.astype({"reason": "str"})


def _repeats(column: Array, others: list[Array]) -> bool:
    if not others:
        return False
    basis = np.linalg.qr(np.column_stack(others))[0]
    rest = column - basis @ (basis.T @ column)
    return bool(rest @ rest < 1e-6 * (column @ column))


def _table(names: list[str], raw: Models, full: Models, level: float) -> pd.DataFrame:
    k = np.arange(len(names))
    coef, error = full.coef[k, k], full.errors[k, k]
    first, first_error = raw.coef[k, k], raw.errors[k, k]
    raw_low, raw_high = normal_interval(first, first_error, level)
    raw_ame, ame = raw.slope * first, full.slope * coef
    nonzero = np.isfinite(raw_ame) & (np.abs(raw_ame) > 1e-12)
    lost = np.full(len(names), np.nan)
    lost[nonzero] = 1 - ame[nonzero] / raw_ame[nonzero]
    reasons = [a or b for a, b in zip(full.reasons, raw.reasons, strict=True)]
    table = pd.DataFrame(
        {
            **tidy_columns(names, coef, error, full.n, level),
            "raw": first,
            "raw_low": raw_low,
            "raw_high": raw_high,
            "raw_p_value": p_values(first, first_error),
            "raw_ame": raw_ame,
            "ame": ame,
            "lost": lost,
            "flagged": (lost > MOST_LOST) & ((raw_low > 0) | (raw_high < 0)),
            "n_clusters": full.n_clusters,
            "method": _METHOD,
        }
    )
    return table.assign(reason=pd.Series(reasons, dtype="str"))
