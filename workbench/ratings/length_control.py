"""Win rates against a baseline as they would be at equal length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from workbench.clustered import share
from workbench.data.dataset import PreferenceData
from workbench.decompose.kernel import Array
from workbench.errors import DesignError
from workbench.intervals import NO_VARIATION
from workbench.provenance import Provenance
from workbench.ratings.baseline_rows import baseline_rows, only_annotator, only_baseline
from workbench.ratings.difficulty import Difficulty, find_difficulty
from workbench.ratings.length_control_fit import (
    Rows,
    length_controlled_fits,
    rate_influence,
    rate_interval,
)
from workbench.ratings.length_control_fit import predict_from_weights as predict_from_weights
from workbench.results import Result
from workbench.threads import on_one_thread

if TYPE_CHECKING:
    import plotly.graph_objects as go

_METHOD = (
    "AlpacaEval's length-controlled logit, cluster-robust interval on the log-odds scale, "
    "errors by a cluster bootstrap of the whole fit"
)
_FEWEST = 10
_ITSELF = "the baseline against itself: 50 by definition, without an error"
_NO_GAMED = "left out: none is given, and the file has none"

GAMED = ("_verbose", "_concise")
"""What AlpacaEval adds to the baseline's name for its own longer and shorter runs."""

_NUMBERS = (
    "estimate", "std_error", "conf_low", "conf_high", "prediction_error", "w_l", "w_x", "w_m",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class LengthControlled(Result):
    """Raw and length-controlled win rates of models against one baseline, in percent.

    Attributes
    ----------
    estimates : DataFrame
        One row a model; see :meth:`to_frame`.
    draws : DataFrame, shape (replicates, models)
        Length-controlled win rates of the bootstrap; the same instructions are drawn for
        all models, so a difference of two columns is a draw of the difference.
    left_out : dict of str to int
        Labels or pairs that were not used, by reason.
    settings : dict
    provenance : Provenance
    """

    heading = "Length-controlled win rates"
    about = (
        "How often each model would win against the baseline if both answered at the same "
        "length, beside how often it does win. An association is taken out, not a cause."
    )
    estimates: pd.DataFrame
    draws: pd.DataFrame
    left_out: dict[str, int]
    settings: dict[str, Any]
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Return one row a model, ``estimate`` the length-controlled win rate in percent.

        Beside the tidy columns: ``n_clusters`` (instructions), ``win_rate`` with
        ``win_rate_low`` and ``win_rate_high``, ``w_l, w_x, w_m`` (log-odds),
        ``prediction_error`` (the standard error of the mean of predictions, which AlpacaEval
        publishes: too small, as it takes the weights for known), ``warning``, ``unit``,
        ``method`` and ``reason``.
        """
        return self.estimates

    def summary(self) -> str:
        """Return the win rates, their intervals and warnings as text."""
        level = 100 * self.settings["level"]
        lines = [
            f"Win rate against {self.settings['baseline']} by {self.settings['annotator']}, "
            f"percent ({level:g}% interval)"
        ]
        for row in self.estimates.to_dict("records"):
            lines.append(_told(row))
            lines += [f"    {row[c]}" for c in ("reason", "warning") if isinstance(row[c], str)]
        lines += [f"left out: {count:,} {why}" for why, count in self.left_out.items()]
        if self.settings["identical"]:
            lines.append(
                f"identical responses, read as draws: {self.settings['identical']:,} pairs, "
                f"{self.settings['overruled']:,} of them against the judge or without a verdict"
            )
        lines.append(f"held constant: length; {_model_told(self.settings)}")
        lines.append(f"method: {_METHOD}, {self.settings['replicates']} replicates")
        return "\n".join(lines)

    def plot(self) -> go.Figure:
        """Return raw and length-controlled win rates of each model with their intervals."""
        from workbench.plots.forest import forest

        own = self.estimates
        raw = own.assign(
            group="raw",
            estimate=own["win_rate"],
            conf_low=own["win_rate_low"],
            conf_high=own["win_rate_high"],
        )
        both = pd.concat([own.assign(group="length-controlled"), raw], ignore_index=True)
        return forest(
            both, title="Raw and length-controlled", x_title="win rate (percent)", reference=50.0
        )


@on_one_thread
def length_control(
    data: PreferenceData,
    *,
    baseline: str | None = None,
    annotator: str | None = None,
    difficulty: Difficulty | None = None,
    gamed: PreferenceData | None = None,
    replicates: int = 200,
    level: float = 0.95,
    seed: int = 0,
) -> LengthControlled:
    r"""Estimate each model's win rate against a baseline at equal length.

    Parameters
    ----------
    data : PreferenceData
        Pairs with ``model_a`` and ``model_b``, one of them the baseline on either side.
        Lengths are characters of the responses, or the columns ``length_a`` and
        ``length_b`` of the pairs where there are any.
    baseline : str, optional
        By default the one model that stands in every pair.
    annotator : str, optional
        The judge; needed where there are several. Both orders of a pair count alike.
    difficulty : mapping of str to float, "joint" or "none", optional
        Difficulty of each instruction by its text (never by row: files differ in order);
        ``"joint"`` estimates it from the verdicts on all models
        (:func:`~workbench.ratings.difficulty.joint_difficulty`); ``"none"`` leaves the term
        out. By default a column ``instruction_difficulty`` or ``difficulty`` of the pairs
        where there is one, else the joint fit where there are several models; the result
        states which, and what it left out.
    gamed : PreferenceData, optional
        The baseline's own verbose and concise runs against the baseline, by the same judge.
        They pull the length weight to the baseline's own length effect. By default the
        models of the data named as the baseline with ``_verbose`` and ``_concise`` added,
        where there are any.
    replicates : int
        Bootstrap draws of instructions.
    level : float
    seed : int

    Returns
    -------
    LengthControlled

    Raises
    ------
    DesignError
        No baseline, no such judge, or several of either and none named.

    Notes
    -----
    .. math:: \mathrm{logit} P = w_l \tanh(z) + w_x d_x + w_m 1[\text{not gamed}],\quad
              z = (\ell_{base} - \ell_{model}) / s

    with :math:`s` the sample standard deviation of the model's length gaps, not centred
    (Dubois et al. 2024, "Length-Controlled AlpacaEval"). The estimate is 100 times the mean
    of :math:`\sigma(w_x d_x + w_m)`. AlpacaEval picks an L1 penalty by cross-validation; here
    it is a fixed ridge of 0.01, so that the scale, the weights and the mean can be refitted
    in each draw (`fit_as_published` in `length_control_fit` has theirs). A gamed row has
    weight 0.1, and the difficulty of its instruction. The difficulty is taken as known, also
    where it was estimated. Two identical responses are a draw, whatever the judge said; the
    baseline against itself has 50 by definition.

    The interval is even on the scale of log-odds, by the influence of each instruction on
    the whole fit, the scale included (`rate_interval` in `length_control_fit`): with 60 to 100
    instructions it covers the truth in 94 to 97 % of samples, percentiles of the draws in 87
    to 94 %.

    Examples
    --------
    >>> pairs = pd.DataFrame({"prompt": [f"question {i}" for i in range(40)]})
    >>> pairs["response_a"], pairs["model_a"] = "a short one", "base"
    >>> pairs["response_b"] = ["word " * (1 + i % 7) for i in range(40)]
    >>> pairs["model_b"] = "mine"
    >>> labels = pd.DataFrame({"pair": range(40), "annotator": "judge"})
    >>> labels["preference"] = [0.3, 0.7, 0.5, 0.6] * 10
    >>> found = length_control(PreferenceData.from_tables(pairs, labels), baseline="base")
    >>> found.to_frame()[["term", "n"]].to_dict("records")
    [{'term': 'mine', 'n': 40}]
    """
    data = data.decided()
    _check_options(replicates, level)
    base = baseline if baseline is not None else only_baseline(data)
    judge = annotator if annotator is not None else only_annotator(data)
    laid = baseline_rows(data, base, judge)
    hard = find_difficulty(data, laid.table, base, difficulty)
    rows, left_out = laid.table.assign(difficulty=hard.of(laid.table)), dict(laid.left_out)
    anchors, missing = _anchors(data, laid.table, base, judge, gamed)
    anchors = anchors.assign(difficulty=hard.of(anchors))
    lost = anchors[["gap", "difficulty"]].isna()
    missing["gamed: no length"] = int(lost["gap"].sum())
    missing["gamed: no difficulty"] = int((lost["difficulty"] & ~lost["gap"]).sum())
    left_out.update({why: count for why, count in missing.items() if count})
    anchors = anchors[~lost.any(axis=1)]
    known = [rows["cluster"], *([anchors["cluster"]] if len(anchors) else [])]
    clusters = pd.Index(sorted(set(pd.concat(known))))
    rng = np.random.default_rng(seed)
    share = np.full(len(clusters), 1.0 / len(clusters))
    drawn = rng.multinomial(len(clusters), share, size=replicates)
    counts = np.vstack([np.ones(len(clusters)), drawn])
    helpers = (
        [_as_rows(part, clusters) for _, part in anchors.groupby("model")] if len(anchors) else []
    )
    table, draws = [], {}
    for model, part in rows.groupby("model", sort=True):
        row, draw = _one(part, clusters, helpers, counts, hard.values is not None, level)
        table.append({"term": model, **row})
        draws[str(model)] = draw
    settings = {
        "baseline": base,
        "annotator": judge,
        "difficulty": hard.told,
        "gamed": sorted(set(anchors["model"])) if len(anchors) else _NO_GAMED,
        "identical": laid.identical,
        "overruled": laid.overruled,
        "replicates": replicates,
        "level": level,
        "seed": seed,
    }
    estimates = pd.DataFrame(table).astype({"reason": "str", "warning": "str"})
    itself = estimates["term"] == base
    estimates.loc[itself, list(_NUMBERS)] = np.nan
    estimates.loc[itself, "estimate"] = 50.0
    estimates.loc[itself, "reason"] = _ITSELF
    estimates["method"] = f"{_METHOD}; {_model_told(settings)}"
    return LengthControlled(
        estimates=estimates,
        draws=pd.DataFrame(draws),
        left_out=left_out,
        settings=settings,
        provenance=Provenance.capture(seed=seed, dataset=data.digest),
    )


def _model_told(settings: dict[str, Any]) -> str:
    """Say which terms of AlpacaEval's model are in, and which are left out."""
    gamed = settings["gamed"]
    runs = gamed if isinstance(gamed, str) else ", ".join(gamed)
    return f"instruction difficulty {settings['difficulty']}; baseline's own gamed runs: {runs}"


def _check_options(replicates: int, level: float) -> None:
    if replicates < 20 or not 0 < level < 1:
        raise DesignError(
            "The interval cannot be drawn as asked.",
            found=f"replicates={replicates}, level={level}",
            expected="at least 20 replicates and a level between 0 and 1",
            fix="Use replicates=200 and level=0.95.",
        )


def _told(row: dict[str, Any]) -> str:
    ends = f" [{row['win_rate_low']:.1f}, {row['win_rate_high']:.1f}]"
    raw = f"raw {row['win_rate']:.1f}{ends if np.isfinite(row['win_rate_low']) else ''}"
    text = f"  {row['term']}: {raw}, n = {row['n']:,}, length-controlled "
    if not np.isfinite(row["conf_low"]):
        value = row["estimate"]
        return text + (f"{value:.1f}" if np.isfinite(value) else "undefined")
    return text + (
        f"{row['estimate']:.1f} [{row['conf_low']:.1f}, {row['conf_high']:.1f}], bootstrap error "
        f"{row['std_error']:.2f} (of predictions only, too small: {row['prediction_error']:.2f})"
    )


def _anchors(
    data: PreferenceData, rows: pd.DataFrame, base: str, judge: str, gamed: PreferenceData | None
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return rows of the baseline's own verbose and concise runs, and what was left out."""
    if gamed is None:
        return rows[rows["model"].isin([base + end for end in GAMED])], {}
    own = baseline_rows(gamed, base, judge)
    table = own.table[own.table["model"] != base]
    return table, {f"gamed: {why}": count for why, count in own.left_out.items()}


def _as_rows(part: pd.DataFrame, clusters: pd.Index) -> Rows:
    return Rows(
        gap=part["gap"].to_numpy("float64"),
        difficulty=part["difficulty"].to_numpy("float64"),
        win=part["win"].to_numpy("float64"),
        cluster=clusters.get_indexer(part["cluster"]),
    )


def _one(
    part: pd.DataFrame,
    clusters: pd.Index,
    helpers: list[Rows],
    counts: Array,
    hard: bool,
    level: float,
) -> tuple[dict[str, Any], Array]:
    code = clusters.get_indexer(part["cluster"])
    win = part["win"].to_numpy("float64")
    raw = share(win, code, level)
    row: dict[str, Any] = dict.fromkeys(_NUMBERS[:4], np.nan)
    row.update(p_value=np.nan, q_value=np.nan, n=len(part), n_clusters=len(set(code)))
    row.update(
        win_rate=100 * raw["estimate"],
        win_rate_low=100 * raw["conf_low"],
        win_rate_high=100 * raw["conf_high"],
    )
    row.update(dict.fromkeys(_NUMBERS[4:], np.nan))
    row.update(warning=None, unit="percent", method=_METHOD, reason=_why_not(part))
    if row["reason"] is not None:
        return row, np.full(len(counts) - 1, np.nan)
    own = _as_rows(part, clusters)
    spread = float(np.ptp(own.gap)) > 0
    use = np.array([spread, hard, True])
    # a draw may hold none of a model's instructions where it answered few of them
    enough = counts[:, own.cluster].sum(axis=1) > 1
    weights, rates = length_controlled_fits(own, helpers, counts[enough], use=use)
    draws = np.full(len(counts), np.nan)
    draws[enough] = rates
    influence = rate_influence(own, helpers, weights[0], len(clusters), use=use)
    low, high = rate_interval(float(rates[0]), *influence, level)
    row.update(estimate=rates[0], std_error=float(np.nanstd(draws[1:], ddof=1)))
    row.update(conf_low=low, conf_high=high)
    row.update(zip(("w_l", "w_x", "w_m"), np.where(use, weights[0], np.nan), strict=True))
    predicted = 100 * predict_from_weights(weights[0], own.difficulty)
    row["prediction_error"] = float(predicted.std(ddof=1) / np.sqrt(len(predicted)))
    row["warning"] = _warning(rates[0], row["win_rate"])
    if not np.isfinite(low):
        row.update(std_error=np.nan, reason=NO_VARIATION)
    elif not spread:
        row["reason"] = "length effect not estimated: the length gap is the same everywhere"
    return row, draws[1:]


def _why_not(part: pd.DataFrame) -> str | None:
    if part["gap"].isna().any():
        return f"no length: {int(part['gap'].isna().sum())} pairs without text or length columns"
    if part["difficulty"].isna().any():
        return f"no difficulty given for {int(part['difficulty'].isna().sum())} instructions"
    if part["cluster"].nunique() < _FEWEST:
        return f"fewer than {_FEWEST} instructions"
    if part["win"].min() == part["win"].max() and part["win"].iloc[0] in (0.0, 1.0):
        return "one class only: every verdict is the same"
    return None


def _warning(controlled: float, raw: float) -> str | None:
    """Say what AlpacaEval says where control moves a win rate suspiciously far."""
    low = controlled < min(0.75 * raw, raw - 10.0)
    high = 100.0 - controlled < min(0.75 * (100.0 - raw), 90.0 - raw)
    if not (low or high):
        return None
    return "length control moves the win rate far: the model may have been tuned to the metric"
