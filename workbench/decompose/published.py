"""Fits that somebody else made, read as decompositions: weights without draws."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from workbench.data.digests import digest_of, row_hashes, sums_of
from workbench.decompose.fit_files import QUERY_CASES, FitRows, fit_files, read_rows
from workbench.decompose.kernel import logistic
from workbench.decompose.weights import Weights
from workbench.errors import DataError, DesignError
from workbench.provenance import Provenance
from workbench.results import Result

if TYPE_CHECKING:
    import plotly.graph_objects as go

_METHOD = "weights read from files, not fitted here"
_NO_INTERVAL = "the published fits come without intervals"
_COLUMNS = ["file", "row", "annotator", "scenario", "reason"]
_KEYS = ["annotator", "scenario"]
_SIZE = re.compile(r"(?<![a-z0-9])(?:(\d+)x)?(\d+(?:\.\d+)?)b(?![a-z0-9])", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class PublishedFits(Result):
    """Weights of annotators in scenarios, as files give them.

    Attributes
    ----------
    table : DataFrame
        One weight a row: ``annotator, scenario, term, estimate, std_error, conf_low,
        conf_high, n, reason``; sorted by annotator and scenario, terms in their order.
    terms : list of str
    exclusions : DataFrame
        What was left out: ``file, row, annotator, scenario, reason``.
    settings : dict
    provenance : Provenance
        The dataset digest is over the weights.
    """

    heading: ClassVar[str] = "Published fits"
    about: ClassVar[str] = (
        "Weights that others fitted. A probability is that of preferring A where A is better on "
        "this property only. Where a fit comes without intervals, a weight near 0 may be nothing "
        "but its prior."
    )
    table: pd.DataFrame
    terms: list[str]
    exclusions: pd.DataFrame
    settings: dict[str, Any]
    provenance: Provenance

    @property
    def annotators(self) -> list[str]:
        """Names of the annotators, sorted."""
        return sorted(self.table["annotator"].unique())

    @property
    def scenarios(self) -> list[str]:
        """Names of the scenarios that do not overlap, sorted: query-specific cases apart."""
        found = self.table["scenario"].unique()
        return sorted(name for name in found if name not in QUERY_CASES)

    @property
    def query_cases(self) -> list[str]:
        """Names of the query-specific cases, which overlap the scenarios, sorted."""
        return sorted(name for name in self.table["scenario"].unique() if name in QUERY_CASES)

    def weights(self) -> Weights:
        """Return the weights, keyed by annotator and scenario, without draws.

        ``n`` is 0, which stands for unknown, where the source gives none.
        """
        groups = self.table.groupby(_KEYS, sort=True)
        values = self.table.pivot(index=_KEYS, columns="term", values="estimate")
        return Weights(
            list(self.terms),
            values.index.to_frame(index=False),
            values.reindex(columns=self.terms).to_numpy("float64"),
            None,
            groups["n"].max().to_numpy("int64"),
            _METHOD,
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row an annotator, scenario and term.

        Beside the tidy columns: ``probability`` (P(A preferred) where A is one unit better on
        this factor only), ``method``, and ``reason`` where a number or its interval is
        undefined. ``n`` is 0 where unknown.
        """
        table = self.table
        estimate = table["estimate"].to_numpy("float64")
        without = table["reason"].isna() & table["conf_low"].isna()
        frame = table[_KEYS].assign(
            group=table["annotator"] + " | " + table["scenario"],
            term=table["term"],
            estimate=estimate,
            std_error=table["std_error"],
            conf_low=table["conf_low"],
            conf_high=table["conf_high"],
            p_value=np.nan,
            q_value=np.nan,
            n=table["n"],
            probability=logistic(estimate.copy()),
            method=_METHOD,
            reason=table["reason"].mask(without, _NO_INTERVAL),
        )
        return frame.reset_index(drop=True)

    def probabilities(self, scenario: str) -> pd.DataFrame:
        r"""Return :math:`1 / (1 + e^{-w})` of each weight in one scenario.

        Returns
        -------
        DataFrame
            A row a term, a column an annotator.

        Raises
        ------
        DesignError
            No such scenario.
        """
        chosen = self.weights().select(scenario=scenario)
        values = logistic(chosen.values.copy()).T
        return pd.DataFrame(values, self.terms, chosen.keys["annotator"].tolist())

    def mean_probabilities(self, scenarios: Sequence[str] | None = None) -> pd.DataFrame:
        """Return the mean over scenarios of the probabilities of each scenario.

        The mean of probabilities, not the probability of the mean weight: the definition of
        the preference-dissection paper (Li et al. 2024), which its tables confirm.

        Parameters
        ----------
        scenarios : sequence of str, optional
            The scenarios that do not overlap when None.

        Returns
        -------
        DataFrame
            A row a term, a column an annotator: over the scenarios in which it has the
            weight; NaN where it has it in none.
        """
        chosen = self.scenarios or self.query_cases if scenarios is None else list(scenarios)
        if not chosen:
            raise DesignError(
                "The mean over no scenario is undefined.",
                found="an empty list of scenarios",
                expected="at least one",
                fix="Leave scenarios= out for all of them.",
            )
        weights = self.weights()
        unknown = sorted(set(chosen) - set(weights.keys["scenario"]))
        if unknown:
            weights.select(scenario=unknown[0])
        values = pd.DataFrame(logistic(weights.values.copy()), columns=self.terms)
        inside = weights.keys["scenario"].isin(chosen)
        mean = values[inside].groupby(weights.keys["annotator"][inside]).mean()
        return mean.reindex(self.annotators).rename_axis(None).T

    def ranking(self, annotator: str, scenario: str | None = None) -> pd.DataFrame:
        """Return the properties of one annotator from most to least rewarded.

        Parameters
        ----------
        annotator : str
        scenario : str, optional
            By the mean probability over scenarios when None.

        Returns
        -------
        DataFrame
            ``rank`` (1 the highest; equal ones share the lowest), ``term, probability``;
            terms without a weight come last, without a rank.
        """
        own = self.mean_probabilities() if scenario is None else self.probabilities(scenario)
        if annotator not in own:
            raise DesignError(
                f"No weights have annotator = {annotator!r}.",
                where=scenario,
                found=", ".join(own.columns),
                expected="one of these",
                fix="Check the spelling; .exclusions says what was left out.",
            )
        values = own[annotator]
        table = pd.DataFrame(
            {
                "rank": values.rank(ascending=False, method="min").to_numpy(),
                "term": self.terms,
                "probability": values.to_numpy(),
            }
        )
        return table.sort_values("rank", kind="stable").reset_index(drop=True)

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the weights, the mean probabilities and what was left out."""
        mean = self.mean_probabilities().rename_axis("term").reset_index()
        return {
            "estimates": self.to_frame(),
            "mean_probability": mean,
            "exclusions": self.exclusions,
        }

    def summary(self) -> str:
        """Return what was read, and the first properties of each annotator."""
        weights = self.weights()
        known = "n unknown: the source gives none"
        if (weights.n > 0).any():
            known = f"n = {weights.n.min():,} to {weights.n.max():,} labels a fit"
        lines = [
            f"Published fits: {len(self.annotators)} annotators, {len(self.scenarios)} scenarios, "
            f"{len(self.query_cases)} query-specific cases, {len(self.terms)} terms ({known})",
            "P(A preferred) where A is better on one property only, mean over scenarios:",
        ]
        mean = self.mean_probabilities()
        for annotator in self.annotators:
            first = mean[annotator].nlargest(3)
            text = ", ".join(f"{term} {100 * value:.1f} %" for term, value in first.items())
            lines.append(f"  {annotator:<28} {text}")
        reasons = self.exclusions["reason"].value_counts(sort=False)
        lines += [f"left out: {count} x {reason}" for reason, count in reasons.items()]
        interval = _NO_INTERVAL if self.table["conf_low"].isna().all() else "interval as given"
        return "\n".join([*lines, f"method: {_METHOD}; {interval}"])

    def plot(
        self, annotators: Sequence[str] | None = None, scenario: str | None = None
    ) -> go.Figure:
        """Return the probabilities of some annotators as dots, with a line at one half.

        Parameters
        ----------
        annotators : sequence of str, optional
            The first four when None.
        scenario : str, optional
            The mean over scenarios when None.
        """
        from workbench.plots.forest import forest

        own = self.mean_probabilities() if scenario is None else self.probabilities(scenario)
        chosen = list(own.columns[:4]) if annotators is None else list(annotators)
        unknown = sorted(set(chosen) - set(own.columns))
        if unknown:
            raise DesignError(
                f"No weights have annotator = {unknown[0]!r}.",
                found=", ".join(own.columns),
                expected="one of these",
                fix="Check the spelling.",
            )
        long = own[chosen].melt(var_name="group", value_name="estimate", ignore_index=False)
        frame = long.rename_axis("term").reset_index()
        frame = frame.assign(conf_low=np.nan, conf_high=np.nan, method=_METHOD, reason=_NO_INTERVAL)
        title = f"Mean over {len(self.scenarios)} scenarios" if scenario is None else scenario
        return forest(frame, title, "P(A preferred), A better on this property only", 0.5)


def read_fits(
    source: str | Path | Sequence[str | Path], *, terms: Sequence[str] | None = None
) -> PublishedFits:
    """Read weights that somebody else fitted.

    Parameters
    ----------
    source : path, or sequence of paths
        A folder, or files: ``<subset>.jsonl`` with a line ``{"model_name", "parameters"}``
        for each annotator, as the preference-dissection repository has them (also under its
        names ``model_<subset>_fitted_paras.jsonl``); or a table with ``term, estimate`` and
        ``annotator`` (and ``scenario``) or ``group``, as this workbench exports it to CSV or
        JSON, with ``std_error, conf_low, conf_high, n`` where it has them.
    terms : sequence of str, optional
        Names of the parameters, in order. By default the 29 properties of preference
        dissection for bare parameters, and the names in the file for a table.

    Returns
    -------
    PublishedFits
        Entries that cannot be used are in ``exclusions`` with a reason: another number of
        parameters, no name, an annotator twice in a subset with different weights (none is
        kept: nothing tells which is right) or the same ones (one is kept), an annotator
        without a fit in a subset. A value that is no number is NaN with a reason.

    Raises
    ------
    DataError
        A path is not there, or no weight is left.

    References
    ----------
    Li et al. (2024), Dissecting Human and LLM Preferences, ACL.

    Examples
    --------
    >>> import json, pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     line = json.dumps({"model_name": "human", "parameters": [0.0, 1.0]})
    ...     done = (pathlib.Path(folder) / "Code.jsonl").write_text(line)
    ...     fits = read_fits(folder, terms=["polite", "clear"])
    >>> fits.probabilities("Code").round(3)["human"].to_dict()
    {'polite': 0.5, 'clear': 0.731}
    """
    files = fit_files(source)
    rows = read_rows(files, terms)
    table = _table(rows)
    _count_missing(rows, table)
    exclusions = pd.DataFrame(rows.exclusions, columns=_COLUMNS)
    if table.empty:
        raise _nothing(source, exclusions)
    own = row_hashes(table[[*_KEYS, "term", "estimate", "n"]])
    settings = {"files": [p.name for p in files], "terms": rows.terms, "method": _METHOD}
    provenance = Provenance.capture(dataset=digest_of({"fits": sums_of(own)}))
    return PublishedFits(table, rows.terms, exclusions, settings, provenance)


def model_size(name: str) -> float:
    """Return the billions of parameters that a model's name tells; NaN where it tells none.

    A mixture counts every expert: ``8x7b`` is 56.

    Examples
    --------
    >>> model_size("qwen-14b-chat"), model_size("mistral-8x7b"), model_size("human")
    (14.0, 56.0, nan)
    """
    found = _SIZE.search(name)
    return math.nan if found is None else float(found[1] or 1) * float(found[2])


def _table(rows: FitRows) -> pd.DataFrame:
    numbers = ["estimate", "std_error", "conf_low", "conf_high"]
    names = ["file", "row", *_KEYS, "term", *numbers, "n", "reason"]
    table = pd.DataFrame(rows.weights, columns=names)
    table = table.astype({**dict.fromkeys(numbers, "float64"), "n": "int64"})
    table = table.astype(dict.fromkeys([*_KEYS, "term", "reason"], "str"))
    table["term"] = pd.Categorical(table["term"], rows.terms)
    table = table.sort_values([*_KEYS, "term", "file", "row"], kind="stable")
    table = _once(rows, table.astype({"term": "str"}))
    return table.drop(columns=["file", "row"]).reset_index(drop=True)


def _once(rows: FitRows, table: pd.DataFrame) -> pd.DataFrame:
    """Keep one fit of each annotator and scenario, none where several contradict each other."""
    keys = [*_KEYS, "term"]
    if not table.duplicated(keys).any():
        return table
    several = table.groupby(keys)["estimate"].nunique(dropna=False).gt(1)
    clashing = several[several].reset_index()[_KEYS].drop_duplicates()
    clash = pd.MultiIndex.from_frame(table[_KEYS]).isin(pd.MultiIndex.from_frame(clashing))
    again = ~clash & table.duplicated(keys).to_numpy()
    for chosen, reason in (
        (clash, "given several times with different weights: none is kept"),
        (again, "given several times with the same weights: one is kept"),
    ):
        places = table[chosen].drop_duplicates(["file", "row", *_KEYS])
        for place in places.itertuples():
            rows.leave_out(place.file, place.row, place.annotator, place.scenario, reason)
    return table[~clash & ~again]


def _count_missing(rows: FitRows, table: pd.DataFrame) -> None:
    fitted = set(table[_KEYS].itertuples(index=False, name=None))
    explained = {(e["annotator"], e["scenario"]) for e in rows.exclusions}
    for annotator in sorted(table["annotator"].unique()):
        for scenario in sorted(table["scenario"].unique()):
            if (annotator, scenario) not in fitted | explained:
                reason = "no fit in this subset"
                rows.leave_out("", 0, annotator, scenario, reason)


def _nothing(source: object, exclusions: pd.DataFrame) -> DataError:
    counts = exclusions["reason"].value_counts(sort=False)
    return DataError(
        "No weights could be read.",
        where=str(source),
        found="; ".join(f"{n} x {reason}" for reason, n in counts.items()) or "no files of fits",
        expected="lines of model_name and parameters, or a table with annotator, term, estimate",
        fix="Name the folder or the files that hold the fits; give terms= for other properties.",
    )
