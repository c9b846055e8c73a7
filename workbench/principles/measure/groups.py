"""Which principles separate people, judges or scenarios, and whose constitution fits whom."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from workbench.clustered import FEW_CLUSTERS
from workbench.data.dataset import PreferenceData
from workbench.decompose.errors.tidy import q_values
from workbench.errors import DesignError, refuse_out_of_range
from workbench.principles.measure.groups_kernel import (
    METHOD,
    Sums,
    difference,
    separation,
    strengths,
)
from workbench.principles.measure.kernel import Reference, reference
from workbench.principles.measure.measure import check_options
from workbench.principles.vote.votes import Rule, Votes
from workbench.provenance import Provenance
from workbench.results import Result
from workbench.threads import on_one_thread

if TYPE_CHECKING:
    import plotly.graph_objects as go

Pairs = Literal["own", "shared"]


@dataclass(frozen=True, eq=False)
class GroupContrast(Result):
    """Differences of principles' strengths between groups.

    Attributes
    ----------
    estimates : DataFrame
        One row a pair of groups and a principle; see :meth:`to_frame`.
    separation : DataFrame
        One row a principle: ``principle, spread`` (largest minus smallest strength),
        ``lowest, highest`` (groups), ``statistic, df, p_value, q_value`` of the test that
        all groups have one strength, ``n``, ``reason``.
    strengths : DataFrame
        One row a group and principle: ``group, principle, strength, std_error, n``.
    exclusions : DataFrame
        ``group, reason, n``.
    settings : dict
    provenance : Provenance
    """

    estimates: pd.DataFrame
    separation: pd.DataFrame
    strengths: pd.DataFrame
    exclusions: pd.DataFrame
    settings: dict[str, Any]
    provenance: Provenance
    heading = "Principles by group"
    about = (
        "Which principles one group follows more than another. The test knows that two groups "
        "may have labelled the same prompts."
    )

    def to_frame(self) -> pd.DataFrame:
        """Return one row a pair of groups and a principle.

        ``group, reference``, the tidy columns of the difference of strengths (``n``: pairs
        of both; ``n_shared``: pairs that both decided), ``group_strength,
        reference_strength``, ``n_clusters``, ``method``, ``reason``. The q-values are over
        all rows.
        """
        return self.estimates

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the differences, the tests over all groups, strengths and exclusions."""
        return {
            "estimates": self.estimates,
            "separation": self.separation,
            "strengths": self.strengths,
            "exclusions": self.exclusions,
        }

    def summary(self) -> str:
        """Return what separates the groups, as text."""
        level = 100 * self.settings["level"]
        groups = self.settings["groups"]
        lines = [f"Principles of {len(groups)} groups ({level:g}% interval; * q < 0.05)"]
        for (group, other), table in self.estimates.groupby(["group", "reference"], sort=False):
            clusters = table["n_clusters"].max()
            lines.append(f"\n{group} minus {other}: {clusters:,} clusters")
            lines += [_text_row(row) for row in table.itertuples()]
        lines += [f"warning: {text}" for text in self.warnings]
        return "\n".join([*lines, f"\nmethod: {METHOD}; q: Benjamini-Hochberg"])

    @property
    def warnings(self) -> list[str]:
        """What a reader should know before trusting a difference."""
        few = self.estimates[self.estimates["n_clusters"] < FEW_CLUSTERS]
        pairs = few[["group", "reference", "n_clusters"]].drop_duplicates(["group", "reference"])
        return [
            f"{row.group} and {row.reference}: only {row.n_clusters} clusters: "
            "tests may find too much"
            for row in pairs.itertuples()
        ]

    def plot(self) -> go.Figure:
        """Return a forest plot of the differences."""
        from workbench.plots.forest import forest

        table = self.estimates
        names = table["group"] + " - " + table["reference"]
        return forest(table.assign(group=names), x_title="difference of strengths")


def group_references(
    data: PreferenceData,
    votes: Votes,
    by: str = "annotator",
    groups: Sequence[str] | None = None,
    pair_ids: Iterable[str] | None = None,
) -> dict[str, Reference]:
    """Return the preferences of each group, by name.

    Parameters
    ----------
    data : PreferenceData
    votes : Votes
    by : str
        A column of labels or pairs: ``"annotator"``, ``"kind"``, ``"scenario"``, ...
    groups : sequence of str, optional
        These values of it only, in this order.
    pair_ids : iterable of str, optional

    Raises
    ------
    DesignError
        No such column or group, or a group without a usable pair.
    """
    values = _column(data, by)
    known = sorted(values.dropna().unique())
    wanted = known if groups is None else list(dict.fromkeys(groups))
    missing = [name for name in wanted if name not in known]
    if missing or len(wanted) < 2:
        raise DesignError(
            f"There is no group {missing[0]!r}." if missing else "Groups need something to differ.",
            found=", ".join(known[:12]) or f"no value of {by}",
            expected=f"at least two values of {by}",
            fix="Check by= and groups=.",
        )
    ids = None if pair_ids is None else list(pair_ids)
    return {name: reference(of_group(data, by, name), votes, None, ids) for name in wanted}


def of_group(data: PreferenceData, by: str, name: str) -> PreferenceData:
    """Return the labels of one group, with all pairs.

    Parameters
    ----------
    data : PreferenceData
    by : str
        A column of labels or pairs.
    name : str
        A value of it.
    """
    mine = (_column(data, by) == name).to_numpy(dtype=bool, na_value=False)
    return data._take(np.ones(len(data.pairs), dtype=bool), mine)


def _column(data: PreferenceData, by: str) -> pd.Series:
    if by in data.labels:
        return data.labels[by].astype("str").reset_index(drop=True)
    if by in data.pairs:
        return data.pairs[by].take(data.pair_rows).astype("str").reset_index(drop=True)
    raise DesignError(
        f"Cannot group by {by!r}.",
        found=", ".join([*data.labels.columns, *data.pairs.columns]),
        expected="a column of labels or pairs",
        fix="Name one of these columns in by=.",
    )


@on_one_thread
def contrast_groups(
    data: PreferenceData,
    votes: Votes,
    *,
    by: str = "annotator",
    groups: Sequence[str] | None = None,
    pairs: Pairs = "own",
    rule: Rule = "majority",
    level: float = 0.95,
    replicates: int = 1000,
    seed: int = 0,
    pair_ids: Iterable[str] | None = None,
) -> GroupContrast:
    r"""Test which principles are stronger in one group than in another.

    Parameters
    ----------
    data : PreferenceData
    votes : Votes
    by : str
        What makes a group: a column of labels or pairs.
    groups : sequence of str, optional
        These only.
    pairs : {"own", "shared"}
        Strengths on all pairs that a group decided, or, of each two groups, on those that
        both did: then a difference cannot come from different pairs.
    rule : {"majority", "unanimous"}
    level : float
    replicates : int
    seed : int
    pair_ids : iterable of str, optional
        Held-out pairs.

    Returns
    -------
    GroupContrast

    Raises
    ------
    DesignError
        Fewer than two groups, a group without usable pairs, or an option out of range.

    Notes
    -----
    With the sums :math:`s_{gj}` of net agreement and :math:`n_{gj}` of pairs of cluster g
    in group j, and strengths :math:`\theta_j`, the difference of groups 1 and 2 has the
    influence :math:`u_g = (s_{g1} - \theta_1 n_{g1}) / N_1 - (s_{g2} - \theta_2 n_{g2}) /
    N_2` and the variance :math:`\frac{G}{G-1} \sum_g u_g^2`: labels of both groups in one
    cluster are not taken for independent. The joint test of all groups is Wald's with the
    same covariance. The bootstrap draws clusters once for all groups.

    Examples
    --------
    >>> import workbench as wb
    >>> from workbench.principles.principle import Principle
    >>> data = wb.load("sample")
    >>> longer = data.pairs["response_a"].str.len() > data.pairs["response_b"].str.len()
    >>> codes = np.where(longer, 1, -1).astype(np.int8)[:, None, None]
    >>> votes = Votes(data.pairs["pair_id"].to_numpy(), (Principle("Be long"),), codes)
    >>> kinds = ["human", "llm"]
    >>> found = contrast_groups(data, votes, by="kind", groups=kinds, replicates=100)
    >>> found.to_frame()[["group", "reference", "term"]].to_numpy().tolist()
    [['human', 'llm', 'Be long']]
    """
    check_options(level, replicates)
    refuse_out_of_range({"pairs": (pairs in ("own", "shared"), pairs, '"own" or "shared"')})
    found = group_references(data, votes, by, groups, pair_ids)
    sums = {name: Sums.of(data, votes, one, rule) for name, one in found.items()}
    names = [one.text for one in votes.principles]
    tables = []
    for first, second in combinations(found, 2):
        pair = sums[first], sums[second]
        common = np.intersect1d(found[first].pair_ids, found[second].pair_ids)
        if pairs == "shared":
            cut = [one.take(np.isin(one.pair_ids, common)) for one in (found[first], found[second])]
            pair = Sums.of(data, votes, cut[0], rule), Sums.of(data, votes, cut[1], rule)
        table = difference(pair, names, level, replicates, seed)
        table.insert(0, "group", first)
        table.insert(1, "reference", second)
        table.insert(table.columns.get_loc("n") + 1, "n_shared", len(common))
        tables.append(table)
    estimates = pd.concat(tables, ignore_index=True)
    estimates["q_value"] = q_values(estimates["p_value"].to_numpy("float64"))
    exclusions = [one.exclusions.assign(group=name) for name, one in found.items()]
    settings = {
        "by": by,
        "groups": list(found),
        "pairs": pairs,
        "rule": rule,
        "level": level,
        "replicates": replicates,
        "seed": seed,
        "held_out": pair_ids is not None,
    }
    return GroupContrast(
        estimates=estimates,
        separation=separation(sums, names),
        strengths=strengths(sums, names),
        exclusions=pd.concat(exclusions, ignore_index=True)[["group", "reason", "n"]],
        settings=settings,
        provenance=Provenance.capture(seed=seed, dataset=data.digest),
    )


def _text_row(row: Any) -> str:
    if not np.isfinite(row.estimate):
        return f"  {row.term}: undefined: {row.reason}"
    return (
        f"{'*' if row.q_value < 0.05 else ' '} {row.estimate:+.3f} [{row.conf_low:+.3f}, "
        f"{row.conf_high:+.3f}] ({row.group_strength:+.3f} against "
        f"{row.reference_strength:+.3f}), q = {row.q_value:.3g}, n = {row.n:,}: {row.term}"
    )
