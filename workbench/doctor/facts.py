"""What the checks count of a data set, once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.columns import POOLS
from workbench.data.dataset import PreferenceData
from workbench.data.preferred import preferred
from workbench.errors import DataError
from workbench.factors.columns import column_factors
from workbench.report.main_job import default_reference, has_text

JUDGES = ("llm", "reward_model", "rule")
"""Kinds that are audited as judges."""


@dataclass(frozen=True, eq=False)
class Facts:
    """Counts of a data set.

    Attributes
    ----------
    data : PreferenceData
        Labels of one criterion.
    notes : tuple of str
        What was chosen on the way.
    """

    data: PreferenceData
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, data: PreferenceData) -> Facts:
        """Return the counts of data; of several criteria without a deciding one, of the fullest.

        Examples
        --------
        >>> import workbench as wb
        >>> Facts.of(wb.load("sample")).reference
        'human'
        """
        try:
            return cls(data.decided())
        except DataError:
            full = str(data.labels["criterion"].value_counts().idxmax())
            note = f"Several criteria: counted under {full!r}; verbs need --criterion NAME."
            return cls(data.filter(criteria=[full]), (note,))

    @cached_property
    def text(self) -> bool:
        """Whether any pair has both texts."""
        return has_text(self.data)

    @cached_property
    def factors(self) -> bool:
        """Whether there are factors, or what they are computed from."""
        return bool(self.text or self.data.factor_names or column_factors(self.data))

    @cached_property
    def reference(self) -> str:
        """Whom others are compared with: an annotator, or a kind."""
        return default_reference(self.data)

    @cached_property
    def verdicts(self) -> pd.DataFrame:
        """The labels with a verdict, with the cluster and the scenario of their pair."""
        labels, pairs = self.data.labels, self.data.pairs
        use = labels["preference"].notna().to_numpy() & (labels["weight"] > 0).to_numpy()
        row = self.data.pair_rows[use]
        columns = ["pair_id", "annotator", "kind", "order_shown", "preference"]
        return labels.loc[use, columns].assign(
            cluster=pairs["cluster"].to_numpy()[row], scenario=pairs["scenario"].to_numpy()[row]
        )

    @cached_property
    def own(self) -> NDArray[np.bool_]:
        """Which verdicts are of the reference."""
        table = self.verdicts
        named = table["annotator"].eq(self.reference)
        return np.asarray(named if named.any() else table["kind"].eq(self.reference), dtype=bool)

    @cached_property
    def n_own(self) -> int:
        """Clusters with a verdict of the reference."""
        return int(self.verdicts.loc[self.own, "cluster"].nunique())

    @cached_property
    def n_decided(self) -> int:
        """Clusters with a pair of texts of which one side is preferred."""
        chosen = preferred(self.data)
        return int(chosen.loc[chosen["why"].isna(), "cluster"].nunique())

    @cached_property
    def raters(self) -> pd.Series:
        """How many annotators labelled each pair; each vote of a pool is another's."""
        return _raters(self.verdicts)

    @cached_property
    def human_raters(self) -> pd.Series:
        """The same of people."""
        return _raters(self.verdicts[self.verdicts["kind"] == "human"])

    @cached_property
    def others(self) -> pd.Series:
        """Clusters of each annotator beside the reference, the most first; people only if alone."""
        table = self.verdicts[~self.own]
        rest = table[table["kind"] != "human"] if (table["kind"] != "human").any() else table
        return _clusters(rest)

    @cached_property
    def people(self) -> pd.Series:
        """Labels of each person."""
        table = self.verdicts
        return table.loc[table["kind"] == "human", "annotator"].value_counts()

    @cached_property
    def single(self) -> pd.Series:
        """Clusters of each annotator, the most first."""
        return _clusters(self.verdicts)

    def shared(self, judge: str) -> int:
        """Return the clusters of pairs that a judge and the reference both labelled."""
        table = self.verdicts
        ours = set(table.loc[self.own, "pair_id"])
        mine = table[table["annotator"].eq(judge) & table["pair_id"].isin(ours)]
        return int(mine["cluster"].nunique())

    @cached_property
    def both_orders(self) -> int:
        """Pairs that some annotator judged in both orders."""
        table = self.verdicts[self.verdicts["order_shown"].isin(["ab", "ba"])]
        orders = table.groupby(["pair_id", "annotator"], observed=True)["order_shown"].nunique()
        return int(orders[orders > 1].index.get_level_values("pair_id").nunique())

    @cached_property
    def repeats(self) -> int:
        """Pairs that a named annotator judged twice in one order."""
        table = self.verdicts[~self.verdicts["annotator"].isin(POOLS)]
        keys = ["pair_id", "annotator", table["order_shown"].fillna("")]
        times = table.groupby(keys, observed=True).size()
        return int(times[times > 1].index.get_level_values("pair_id").nunique())


def _raters(table: pd.DataFrame) -> pd.Series:
    pool = table["annotator"].isin(POOLS)
    named = table.loc[~pool, ["pair_id", "annotator"]].drop_duplicates()
    return pd.concat([named["pair_id"], table.loc[pool, "pair_id"]]).value_counts(sort=False)


def _clusters(table: pd.DataFrame) -> pd.Series:
    found = table.groupby("annotator", observed=True)["cluster"].nunique()
    return found.sort_values(ascending=False, kind="stable")
