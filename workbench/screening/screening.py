"""Many factors: chosen on one half of the prompts, measured on the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import ndtr, ndtri

from workbench.clustered import FEW_CLUSTERS
from workbench.data.dataset import PreferenceData
from workbench.data.parts.parted import PartedData
from workbench.data.split import folds
from workbench.decompose.design import build_design
from workbench.decompose.errors.tidy import p_values, q_values
from workbench.decompose.kernel import Array
from workbench.decompose.parted.selection import select_annotators
from workbench.errors import DesignError, listed, refuse_out_of_range
from workbench.provenance import Provenance
from workbench.results import Result
from workbench.screening.halves import Half, factor_columns, joint_auc, split_halves
from workbench.screening.kernel import EachFit, Lasso, fit_each, in_full, selection_shares
from workbench.standardised import PER_SD, difference_sd, with_per_sd
from workbench.threads import on_one_thread

if TYPE_CHECKING:
    import plotly.graph_objects as go

Method = Literal["univariate", "l1"]

_TRAIN_Q = 0.1
"""False discovery rate of the selection on the training half; the held-out half has its own."""

SAMPLE = 200_000
"""Pairs of data in parts that are screened unless said."""

_FOLDS = 5
_LIMITS = ("estimate", "conf_low", "conf_high")

_METHODS = {
    "univariate": "selected by univariate logit on the training half",
    "l1": "selected by L1-penalised logit on the training half",
}
_HELD_OUT = "; weight of each factor by itself on the held-out half, cluster-robust errors"


@dataclass(frozen=True, eq=False)
class Screening(Result):
    """Factors that were selected on one half of the clusters, and their held-out weights.

    Attributes
    ----------
    estimates : DataFrame
        One row a factor; see :meth:`to_frame`.
    joint : DataFrame
        Held-out area under the ROC curve of the joint model of all selected factors and
        controls, and of the controls alone: ``model, n_factors, auc, auc_low, auc_high, n,
        n_clusters, reason``.
    exclusions : DataFrame
        Labels left out: ``group, reason, n``.
    settings : dict
    provenance : Provenance
    """

    estimates: pd.DataFrame
    joint: pd.DataFrame
    exclusions: pd.DataFrame
    settings: dict[str, Any]
    provenance: Provenance
    heading = "Screening"
    about = (
        "Factors chosen on one half of the prompts; their weights, intervals and q-values come "
        "from the other half, raw and with the control factors held equal."
    )

    @property
    def selected(self) -> list[str]:
        """Names of the selected factors, the strongest on the training half first."""
        return [str(t) for t in self.estimates.loc[self.estimates["selected"], "term"]]

    def to_frame(self) -> pd.DataFrame:
        """Return one row a factor, the strongest on the training half first.

        The tidy columns hold the held-out weight of the factor alone, per unit of its coded
        difference; ``per_sd`` with its limits is that for a difference of one standard deviation
        among the held-out labels, which compares across codings; ``q_value`` is taken
        over the selected factors and missing for others. ``adjusted_*`` is the same with the
        control factors (and the position) in the model. Then ``train_estimate`` and
        ``train_z`` (of the adjusted model), ``selected``, ``stability`` (share of random
        halves of the training clusters in which it is selected), ``n_clusters``, ``method``
        and ``reason``.
        """
        return self.estimates

    @property
    def warnings(self) -> list[str]:
        """What a reader should know before trusting a weight."""
        n = int(self.estimates["n_clusters"].max())
        few = [f"only {n} held-out clusters: errors may be too small"] if n < FEW_CLUSTERS else []
        sampled = self.settings.get("sampled")
        if sampled:
            few.append(
                f"a sample of {sampled['pairs']:,} of {sampled['of']:,} pairs was screened: whole "
                "clusters, by a hash of their names"
            )
        return few + ([] if self.selected else ["no factor was selected on the training half"])

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the estimates, the joint model and the exclusions."""
        return {"estimates": self.estimates, "joint": self.joint, "exclusions": self.exclusions}

    def summary(self) -> str:
        """Return the selected factors as text."""
        s, table = self.settings, self.estimates
        chosen = table[table["selected"]]
        first = table.iloc[0]
        lines = [
            f"Screening of {len(table):,} factors ({100 * s['level']:g}% interval)",
            f"trained on {s['n_train']:,} labels; held out n = {first['n']:,}, "
            f"clusters = {first['n_clusters']:,}",
            f"selected: {len(chosen)}; adjusted for: {', '.join(s['control']) or 'nothing'}; "
            "weights per standard deviation",
        ]
        lines += [_text_row(row) for row in chosen.itertuples()]
        for row in self.joint.itertuples():
            value = f"AUC {row.auc:.3f} [{row.auc_low:.3f}, {row.auc_high:.3f}], n = {row.n:,}"
            shown = value if np.isfinite(row.auc) else f"undefined: {row.reason}"
            lines.append(f"  held out, {row.model}: {shown}")
        lines += [f"warning: {text}" for text in self.warnings]
        lines.append(f"method: {_METHODS[s['method']]}{_HELD_OUT}; q: Benjamini-Hochberg")
        return "\n".join(lines)

    def plot(self) -> go.Figure:
        """Return a forest plot of the selected factors' held-out weights, raw and adjusted.

        Weights per standard deviation: those per unit do not compare across codings.
        """
        from workbench.plots.forest import forest
        from workbench.plots.ranking import clear_first

        chosen = self.estimates[self.estimates["selected"]]
        shown = {**dict(zip(PER_SD, _LIMITS, strict=True)), "q_value": "q_value"}
        keep = ["term", "n", "method", "reason"]
        sets = [
            chosen[[*keep, *(prefix + name for name in shown)]]
            .rename(columns={prefix + name: to for name, to in shown.items()})
            .assign(group=group)
            for group, prefix in (("alone", ""), ("adjusted", "adjusted_"))
        ]
        x_title = "weight (log-odds per standard deviation)"
        table = pd.concat(sets, ignore_index=True)
        return forest(table, x_title=x_title, ranking=clear_first(table))


@on_one_thread
def screen(
    data: PreferenceData | PartedData,
    *,
    annotator: str | Iterable[str] | None = None,
    factors: Sequence[str] | None = None,
    control: Sequence[str] | None = ("words",),
    method: Method = "univariate",
    train_share: float = 0.5,
    resamples: int = 50,
    level: float = 0.95,
    sample: int = SAMPLE,
    seed: int = 0,
) -> Screening:
    r"""Find which of many factors say what an annotator prefers.

    Clusters (prompts) are split in two. On the training half factors are ranked and
    selected; on the held-out half the weight of each is estimated afresh, so that being
    picked for its size does not inflate it.

    Parameters
    ----------
    data : PreferenceData or PartedData
        With factors: columns, n-grams, embedding directions. Of data in parts, a sample.
    annotator : str or iterable of str, optional
        Only these annotators, pooled; all when None.
    factors : sequence of str, optional
        Factors to screen; all but the controls when None.
    control : sequence of str or None
        Factors to adjust for, such as a length. The shown order joins them where it is known.
    method : {"univariate", "l1"}
        ``univariate``: adjusted logits, one a factor, selected at a Benjamini-Hochberg rate
        of 0.1 on the training half. ``l1``: joint logit with an L1 penalty on all but the
        controls, the largest within one error of the best log-loss in 5 prompt-grouped folds.
    train_share : float
        Share of the pairs in the training half.
    resamples : int
        Random halves of the training clusters, for the stability; 0 leaves it out.
    level : float
        Confidence level.
    sample : int
        Of data in parts, about how many pairs are screened: whole clusters, by a hash of their
        names and the seed (:meth:`workbench.PartedData.sample`), all where there are fewer. The
        result says how many of how many. Data in memory are screened whole.
    seed : int

    Returns
    -------
    Screening

    Raises
    ------
    DesignError
        No factor to screen, an unknown factor or control, no usable label in a half, or an
        option out of range.

    Notes
    -----
    The stability of ``univariate`` moves the training fit by the first-order pull of each
    half's clusters and selects at the same rate; the one of ``l1`` refits every half with the
    penalty of the training half.

    References
    ----------
    Meinshausen and Buehlmann (2010) for the stability; Benjamini and Hochberg (1995);
    Movva et al. (2025), "What's in my human feedback?", for length-controlled logits and
    a controlled lasso with held-out AUC.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.score_factors(wb.load("sample"))
    >>> found = screen(data, annotator="human", resamples=0)
    >>> "words" in found.to_frame()["term"].tolist(), found.settings["control"]
    (False, ['words'])
    """
    _check(method, train_share, resamples, level)
    sampled: dict[str, Any] = {}
    if isinstance(data, PartedData):
        n_pairs, data = len(data), data.sample(sample, seed)
        if len(data) < n_pairs:
            sampled = {"sampled": {"pairs": len(data), "of": n_pairs}}
    data, _ = select_annotators(data, annotator, [])
    controls = list(control or ())
    names = _names(data, factors, controls)
    columns = factor_columns(data.factors[names])
    # the factors themselves come a column at a time; a design needs one that stands in it
    design = build_design(_bare(data, controls or names[:1], columns), by=[])
    train, test, controls = split_halves(data, design, controls, columns, train_share, seed)
    both = fit_each(train.X, train.controls, train.labels, keep_influence=True)
    z = _z(both)
    chosen, stability = _selection(method, train, both, z, resamples, seed)
    estimates = _table(names, test, level, chosen)
    estimates["train_estimate"], estimates["train_z"] = both.estimate, z
    estimates["selected"], estimates["stability"] = chosen, stability
    estimates["n_clusters"] = len(test.labels.starts)
    estimates["method"] = _METHODS[method] + _HELD_OUT
    estimates["reason"] = _reasons(both, test, estimates)
    order = np.argsort(-np.where(np.isfinite(z), np.abs(z), -1.0), kind="stable")
    settings = {
        "method": method,
        "control": controls,
        "train_share": train_share,
        "resamples": resamples,
        "level": level,
        "seed": seed,
        "n_train": train.n,
        **sampled,
    }
    return Screening(
        estimates.iloc[order].reset_index(drop=True),
        joint_auc(train, test, chosen, level),
        design.exclusions,
        settings,
        Provenance.capture(seed=seed, dataset=data.digest),
    )


def _selection(
    method: Method, train: Half, fit: EachFit, z: Array, resamples: int, seed: int
) -> tuple[NDArray[np.bool_], Array]:
    if method == "univariate":
        q = q_values(2 * ndtr(-np.abs(z)))
        chosen = np.isfinite(q) & (q <= _TRAIN_Q)
        return chosen, selection_shares(fit, _TRAIN_Q, resamples, seed)
    usable = np.flatnonzero(fit.varies)
    chosen, stability = np.zeros(len(z), dtype=bool), np.full(len(z), np.nan)
    if not len(usable):
        return chosen, stability
    lasso = Lasso(in_full(train.X[:, usable]), train.controls, train.labels)
    penalty = lasso.choose(folds(train.cluster_names, _FOLDS, seed))
    chosen[usable] = lasso.select(penalty, np.ones(train.X.shape[0], dtype=bool))
    if resamples:
        stability[usable] = lasso.stability(penalty, resamples, seed)
    return chosen, stability


def _table(names: list[str], test: Half, level: float, chosen: NDArray[np.bool_]) -> pd.DataFrame:
    table = pd.DataFrame({"term": names})
    width = float(ndtri(0.5 + level / 2))
    nothing = test.controls[:, :0]
    for prefix, controls in (("", nothing), ("adjusted_", test.controls)):
        fit = fit_each(test.X, controls, test.labels)
        p = p_values(fit.estimate, np.where(np.isfinite(fit.std_error), fit.std_error, 0.0))
        table[f"{prefix}estimate"] = fit.estimate
        table[f"{prefix}std_error"] = fit.std_error
        table[f"{prefix}conf_low"] = fit.estimate - width * fit.std_error
        table[f"{prefix}conf_high"] = fit.estimate + width * fit.std_error
        table[f"{prefix}p_value"] = p
        table[f"{prefix}q_value"] = q_values(np.where(chosen, p, np.nan))
        if not prefix:
            table["n"] = test.n
    sd = difference_sd(test.X, test.labels.weight)
    return with_per_sd(table, sd, ("", "adjusted_"))


def _reasons(train: EachFit, test: Half, table: pd.DataFrame) -> pd.Series:
    reason = pd.Series([None] * len(table), dtype="str")
    differs = difference_sd(test.X) > 0
    reason = reason.mask(
        table["estimate"].isna().to_numpy() & differs, "separation on the held-out half"
    )
    lost = table["adjusted_estimate"].isna() & table["estimate"].notna()
    reason = reason.mask(lost.to_numpy(), "not told apart from the controls on the held-out half")
    reason = reason.mask(~differs, "the difference is 0 on every held-out pair")
    unfit = np.isnan(train.estimate)
    told = "separation, or not told apart from the controls, on the training half"
    reason = reason.mask(unfit & reason.isna().to_numpy(), told)
    return reason.mask(~train.varies & differs, "no difference of its own on the training half")


def _z(fit: EachFit) -> Array:
    out = np.full(len(fit.estimate), np.nan)
    z = np.divide(fit.estimate, fit.std_error, out=out, where=fit.std_error > 0)
    return np.asarray(z)


def _names(data: PreferenceData, factors: Sequence[str] | None, control: list[str]) -> list[str]:
    known = data.factor_names
    wanted = known if factors is None else listed("factors", factors)
    names = [n for n in wanted if n not in control]
    missing = [name for name in [*control, *names] if name not in known]
    if missing or not names:
        shown = ", ".join(known[:12]) + (", ..." if len(known) > 12 else "")
        raise DesignError(
            f"The data have no factor {missing[0]!r}." if missing else "No factor to screen.",
            found=shown or "no factor columns",
            expected="scored factors beside the controls",
            fix="Score factors first, or pass control=None to adjust for nothing.",
        )
    return names


def _bare(data: PreferenceData, kept: list[str], columns: sparse.csc_array) -> PreferenceData:
    """Return the data with some factors only, without a value where another has none."""
    table = data.factors[kept].astype("float64")
    table.iloc[columns.indices[~np.isfinite(columns.data)]] = np.nan
    return replace(data, factors=table)


def _check(method: str, train_share: float, resamples: int, level: float) -> None:
    problems = {
        "method": (method in _METHODS, method, " or ".join(map(repr, _METHODS))),
        "train_share": (0 < train_share < 1, train_share, "a share between 0 and 1"),
        "resamples": (resamples >= 0, resamples, "0 or more"),
        "level": (0 < level < 1, level, "a number between 0 and 1, such as 0.95"),
    }
    refuse_out_of_range(problems)


def _text_row(row: Any) -> str:
    if not np.isfinite(row.estimate):
        return f"  {row.term:<28} undefined: {row.reason}"
    return (
        f"  {row.term:<28} {row.per_sd:+.3f} [{row.per_sd_low:+.3f}, {row.per_sd_high:+.3f}]"
        f"  q = {row.q_value:.3g}; adjusted {row.adjusted_per_sd:+.3f} "
        f"[{row.adjusted_per_sd_low:+.3f}, {row.adjusted_per_sd_high:+.3f}]"
        f"  q = {row.adjusted_q_value:.3g}; stability {row.stability:.2f}"
    )
