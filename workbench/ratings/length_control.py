"""Win rates against a baseline as they would be at equal length."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from workbench.clustered import share
from workbench.data.dataset import PreferenceData
from workbench.decompose.kernel import Array
from workbench.errors import DesignError
from workbench.provenance import Provenance
from workbench.ratings.length_control_fit import Rows, length_controlled_fits
from workbench.ratings.length_control_fit import predict_from_weights as predict_from_weights
from workbench.results import Result

if TYPE_CHECKING:
    import plotly.graph_objects as go

_METHOD = "AlpacaEval's length-controlled logit, cluster bootstrap of the whole fit"
_FEWEST = 10
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
            lines.append(
                f"  {row['term']}: raw {row['win_rate']:.1f} [{row['win_rate_low']:.1f}, "
                f"{row['win_rate_high']:.1f}], length-controlled {row['estimate']:.1f} "
                f"[{row['conf_low']:.1f}, {row['conf_high']:.1f}], bootstrap error "
                f"{row['std_error']:.2f} (of predictions only, too small: "
                f"{row['prediction_error']:.2f}), n = {row['n']:,}"
            )
            lines += [f"    {row[c]}" for c in ("reason", "warning") if isinstance(row[c], str)]
        lines += [f"left out: {count:,} {why}" for why, count in self.left_out.items()]
        lines.append(f"difficulty: {self.settings['difficulty']}; gamed: {self.settings['gamed']}")
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


def length_control(
    data: PreferenceData,
    *,
    baseline: str | None = None,
    annotator: str | None = None,
    difficulty: Mapping[str, float] | None = None,
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
    difficulty : mapping of str to float, optional
        Difficulty of each instruction by its text (never by row: files differ in order).
        Without it the term is left out, which the result states.
    gamed : PreferenceData, optional
        The baseline's own verbose and concise runs against the baseline, by the same judge.
        They pull the length weight to the baseline's own length effect.
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
    weight 0.1 and no difficulty. A given difficulty is taken as known. The interval holds the
    percentiles of the draws.

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
    base = baseline if baseline is not None else _only_baseline(data)
    judge = annotator if annotator is not None else _only_annotator(data)
    rows, left_out = _rows(data, base, judge, difficulty)
    anchors = pd.DataFrame()
    if gamed is not None:
        anchors, missing = _rows(gamed, base, judge, None)
        left_out.update({f"gamed: {why}": count for why, count in missing.items()})
        anchors = anchors[anchors["gap"].notna()]
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
        row, draw = _one(part, clusters, helpers, counts, difficulty is not None, level)
        table.append({"term": model, **row})
        draws[str(model)] = draw
    return LengthControlled(
        estimates=pd.DataFrame(table).astype({"reason": "str", "warning": "str"}),
        draws=pd.DataFrame(draws),
        left_out=left_out,
        settings={
            "baseline": base,
            "annotator": judge,
            "difficulty": "left out" if difficulty is None else "given",
            "gamed": sorted(set(anchors["model"])) if len(anchors) else "none",
            "replicates": replicates,
            "level": level,
            "seed": seed,
        },
        provenance=Provenance.capture(seed=seed, dataset=data.digest),
    )


def _check_options(replicates: int, level: float) -> None:
    if replicates < 20 or not 0 < level < 1:
        raise DesignError(
            "The interval cannot be drawn as asked.",
            found=f"replicates={replicates}, level={level}",
            expected="at least 20 replicates and a level between 0 and 1",
            fix="Use replicates=200 and level=0.95.",
        )


def _only_baseline(data: PreferenceData) -> str:
    a, b = data.pairs["model_a"], data.pairs["model_b"]
    names = sorted(set(a.dropna()) | set(b.dropna()))
    always = [name for name in names if ((a == name) | (b == name)).all()]
    if len(always) != 1:
        raise DesignError(
            "It is not clear which model is the baseline.",
            found=f"{len(always)} models in every pair: {', '.join(always) or 'none'}",
            expected="exactly one, or its name",
            fix="Name it: length_control(data, baseline=...).",
        )
    return str(always[0])


def _only_annotator(data: PreferenceData) -> str:
    names = data.annotators["annotator"].tolist()
    if len(names) != 1:
        raise DesignError(
            "A win rate is that of one judge.",
            found=f"{len(names)} annotators: {', '.join(map(str, names[:12]))}",
            expected="one annotator, or its name",
            fix="Name it: length_control(data, annotator=...).",
        )
    return str(names[0])


def _rows(
    data: PreferenceData, base: str, judge: str, difficulty: Mapping[str, float] | None
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return one row a pair, the model's side turned up, and what was left out."""
    pairs = data.pairs
    is_a, is_b = pairs["model_a"] == base, pairs["model_b"] == base
    named = pairs["model_a"].notna() & pairs["model_b"].notna()
    usable = (is_a ^ is_b) & named
    labels = data.labels[data.labels["annotator"] == judge]
    if not usable.any() or labels.empty:
        raise DesignError(
            "There is no verdict of this judge on a pair with the baseline.",
            found=f"{int(usable.sum())} pairs with {base!r}, {len(labels)} labels by {judge!r}",
            expected="pairs with model_a or model_b the baseline, labelled by the judge",
            fix="Check the spelling of baseline and annotator.",
        )
    votes = labels[labels["preference"].notna()]
    keys = ["pair_id", votes["order_shown"].fillna("")]
    mass = (votes["preference"] * votes["weight"]).groupby([votes["pair_id"], keys[1]]).sum()
    total = votes["weight"].groupby([votes["pair_id"], keys[1]]).sum()
    preference = (mass / total).groupby(level=0).mean().reindex(pairs["pair_id"]).to_numpy()
    lengths = [_lengths(pairs, side) for side in "ab"]
    sign = np.where(is_a, 1.0, -1.0)
    hard = pairs["prompt"].map(dict(difficulty)) if difficulty is not None else 0.0
    rows = pd.DataFrame(
        {
            "pair_id": pairs["pair_id"],
            "model": pairs["model_a"].where(is_b, pairs["model_b"]),
            "cluster": pairs["cluster"],
            "gap": sign * (lengths[0] - lengths[1]),
            "win": np.where(is_a, 1.0 - preference, preference),
            "difficulty": hard,
        }
    )
    judged = np.isfinite(preference)
    left_out = {
        "pairs without the baseline against another model": int((~usable).sum()),
        "pairs without a verdict of the judge": int((usable & ~judged).sum()),
    }
    rows = rows[usable & judged].sort_values("pair_id").reset_index(drop=True)
    return rows, {why: count for why, count in left_out.items() if count}


def _lengths(pairs: pd.DataFrame, side: str) -> Array:
    text = pairs[f"response_{side}"].str.len()
    if f"length_{side}" in pairs:
        text = text.fillna(pairs[f"length_{side}"])
    return np.asarray(text.to_numpy("float64", na_value=np.nan))


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
    rate = share(win, code, level)
    raw = rate["estimate"]
    row: dict[str, Any] = dict.fromkeys(_NUMBERS[:4], np.nan)
    row.update(p_value=np.nan, q_value=np.nan, n=len(part), n_clusters=len(set(code)))
    row.update(
        win_rate=100 * raw,
        win_rate_low=100 * rate["conf_low"],
        win_rate_high=100 * rate["conf_high"],
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
    low, high = np.nanquantile(draws[1:], [0.5 - level / 2, 0.5 + level / 2])
    row.update(estimate=rates[0], std_error=float(np.nanstd(draws[1:], ddof=1)))
    row.update(conf_low=float(low), conf_high=float(high))
    row.update(zip(("w_l", "w_x", "w_m"), np.where(use, weights[0], np.nan), strict=True))
    predicted = 100 * predict_from_weights(weights[0], own.difficulty)
    row["prediction_error"] = float(predicted.std(ddof=1) / np.sqrt(len(predicted)))
    row["warning"] = _warning(rates[0], 100 * raw)
    if not spread:
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
