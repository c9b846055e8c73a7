"""What a model's own responses follow, against what it rewards as a judge (PROFILE)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from workbench.compare.alignment import Alignment, align, place
from workbench.compare.concordance import Concordance, concordance
from workbench.compare.tau_interval import interval
from workbench.data.dataset import PreferenceData
from workbench.decompose.errors.tidy import p_values, q_values
from workbench.decompose.kernel import Array
from workbench.errors import DesignError
from workbench.provenance import Provenance
from workbench.results import Result
from workbench.threads import on_one_thread

if TYPE_CHECKING:
    import plotly.graph_objects as go

_DIFFERENCE = (
    "difference of taus (evaluation minus generation), from the intervals of both (MOVER) and "
    "their correlation by the joint cluster bootstrap"
)
GENERATION, EVALUATION = "generation", "evaluation"


@dataclass(frozen=True, eq=False)
class Generation(Result):
    """What a model's own responses follow, against what it rewards as a judge.

    Attributes
    ----------
    differences : DataFrame
        One row a factor: evaluation tau minus generation tau; see :meth:`to_frame`.
    taus : Concordance
        Groups ``generation`` and ``evaluation``.
    alignment : Alignment
        Of the two.
    settings : dict
    provenance : Provenance
    """

    heading = "Generation against evaluation"
    about = (
        "Factors that a model's own responses have more of, against those that it rewards "
        "when it judges."
    )

    differences: pd.DataFrame
    taus: Concordance
    alignment: Alignment
    settings: dict[str, Any]
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Return one row a factor.

        The tidy columns of the difference (``n``: labels of both), then ``generation`` and
        ``evaluation`` taus, ``n_generation``, ``n_evaluation``, ``method`` and ``reason``.
        """
        return self.differences

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the differences, both taus with intervals, and their alignment."""
        return {
            "differences": self.differences,
            "taus": self.taus.to_frame(),
            "alignment": self.alignment.to_frame(),
        }

    def summary(self) -> str:
        """Return taus, differences and alignment as text."""
        first = self.differences.iloc[0]
        level = f"{100 * self.settings['level']:g}% interval"
        lines = [
            f"Generation against evaluation of {self.settings['model']} ({level})",
            f"n = {first['n_generation']:,} pairs generated, {first['n_evaluation']:,} judged",
        ]
        for row in self.differences.itertuples():
            if np.isfinite(row.estimate):
                lines.append(
                    f"  {row.term:<24} generation {row.generation:+.3f}, evaluation "
                    f"{row.evaluation:+.3f}, difference {row.estimate:+.3f} "
                    f"[{row.conf_low:+.3f}, {row.conf_high:+.3f}]  q = {row.q_value:.3g}"
                )
            else:
                lines.append(f"  {row.term:<24} undefined: {row.reason}")
        lines.append(f"method: {_DIFFERENCE}; q: Benjamini-Hochberg")
        return "\n".join([*lines, "", self.alignment.summary()])

    def plot(self) -> go.Figure:
        """Return both taus of each factor with their intervals."""
        from workbench.plots.forest import forest

        return forest(self.taus.to_frame(), x_title="tau")


@on_one_thread
def generation(
    data: PreferenceData,
    model: str,
    *,
    annotator: str | None = None,
    scores: tuple[str, str] | None = None,
    factors: Sequence[str] | None = None,
    replicates: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Generation:
    """Compare the factors that a model's responses follow with those that it rewards.

    Parameters
    ----------
    data : PreferenceData
        With factors, responses of the model and its labels.
    model : str
        Name in ``model_a`` / ``model_b``.
    annotator : str, optional
        Name of the model as an annotator; the same name when None.
    scores : tuple of str, optional
        Columns of ``pairs`` with the target score that response A and response B were
        written for (higher = meant to be better): generation is then the concordance with
        the higher target, over the pairs of the model's own responses (all pairs of one
        prompt should be in the data). Without them: the model's response against the other
        model's, so that a positive tau says that it has more of the factor.
    factors : sequence of str, optional
    replicates : int
    level : float
    seed : int

    Returns
    -------
    Generation

    Raises
    ------
    DesignError
        The model wrote no response of a pair with another, has no labels, or a score column
        is missing.

    Notes
    -----
    A judge that prefers its own responses evaluates the factors of its own style: the number
    of judged pairs in which it took part is ``n_own_judged`` in the settings.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["length"])
    >>> name = data.pairs["model_a"].iloc[0]
    >>> judge = data.annotators["annotator"].iloc[0]
    >>> both = generation(data, name, annotator=judge, factors=["words"], replicates=100)
    >>> both.taus.groups
    ['evaluation', 'generation']
    """
    data = data.decided()
    judge = annotator or model
    own = _written(data, model) if scores is None else _targets(data, model, scores)
    labels = data.labels[data.labels["annotator"] == judge]
    if labels.empty:
        raise DesignError(
            f"There are no labels of {judge!r}.",
            found=", ".join(data.annotators["annotator"]),
            expected="the model among the annotators",
            fix="Name the model's annotator with annotator=.",
        )
    table = pd.concat([own, labels.assign(annotator=EVALUATION)], ignore_index=True)
    both = replace(data, labels=table)
    taus = concordance(both, factors=factors, replicates=replicates, level=level, seed=seed)
    wrote = data.pairs.loc[(data.pairs[["model_a", "model_b"]] == model).any(axis=1), "pair_id"]
    settings = {
        "model": model,
        "annotator": judge,
        "scores": None if scores is None else list(scores),
        "n_own_judged": int(labels["pair_id"].isin(wrote).sum()),
        **taus.settings,
    }
    provenance = Provenance.capture(seed=seed, dataset=data.digest)
    alignment = align(taus, GENERATION, EVALUATION)
    return Generation(_differences(taus), taus, alignment, settings, provenance)


def _written(data: PreferenceData, model: str) -> pd.DataFrame:
    """Return a label for each pair of the model's response with another model's."""
    is_a = (data.pairs["model_a"] == model).to_numpy()
    is_b = (data.pairs["model_b"] == model).to_numpy()
    return _as_labels(data, is_a != is_b, is_a.astype("float64"), f"pairs of {model!r}")


def _targets(data: PreferenceData, model: str, scores: tuple[str, str]) -> pd.DataFrame:
    missing = [name for name in scores if name not in data.pairs]
    if missing:
        raise DesignError(
            f"The pairs have no column {missing[0]!r}.",
            found=", ".join(data.pairs.columns),
            expected="a column with the target score of each response",
            fix="Name the columns: scores=('target_a', 'target_b').",
        )
    a, b = (data.pairs[name].to_numpy("float64") for name in scores)
    own = (data.pairs[["model_a", "model_b"]] == model).all(axis=1).to_numpy()
    usable = own & np.isfinite(a) & np.isfinite(b)
    return _as_labels(data, usable, 0.5 + 0.5 * np.sign(a - b), f"scored pairs of {model!r}")


def _as_labels(data: PreferenceData, use: Any, preference: Array, what: str) -> pd.DataFrame:
    if not use.any():
        names = pd.concat([data.pairs["model_a"], data.pairs["model_b"]]).dropna().unique()
        raise DesignError(
            f"There are no {what}.",
            found=", ".join(sorted(map(str, names))[:12]) or "no model names",
            expected="a model of model_a / model_b with responses to compare",
            fix="Check the model's name.",
        )
    rows = pd.DataFrame(
        {
            "pair_id": data.pairs["pair_id"].to_numpy()[use],
            "annotator": GENERATION,
            "preference": preference[use],
            "kind": "rule",
        }
    )
    fresh = PreferenceData.from_tables(data.pairs, rows).labels
    extra = [c for c in data.labels if c not in fresh]
    return fresh.reindex(columns=[*fresh.columns, *extra])


def _differences(taus: Concordance) -> pd.DataFrame:
    first, second = place(taus, EVALUATION), place(taus, GENERATION)
    tables = {name: g.reset_index(drop=True) for name, g in taus.estimates.groupby("group")}
    judged, wrote = tables[EVALUATION], tables[GENERATION]
    estimate = (judged["estimate"] - wrote["estimate"]).to_numpy()
    draws = taus.draws[:, first] - taus.draws[:, second]
    error = interval(draws, taus.settings["level"])[0]
    known = np.isfinite(judged["conf_low"]) & np.isfinite(wrote["conf_low"])
    error = np.where(known & (error > 1e-12), error, np.nan)
    low, high = _mover(judged, wrote, taus.draws[:, first], taus.draws[:, second])
    p = p_values(estimate, error, np.minimum(judged["n_clusters"], wrote["n_clusters"]) - 1.0)
    return pd.DataFrame(
        {
            "term": judged["term"],
            "estimate": estimate,
            "std_error": error,
            "conf_low": low,
            "conf_high": high,
            "p_value": p,
            "q_value": q_values(p),
            "n": judged["n"] + wrote["n"],
            "generation": wrote["estimate"],
            "evaluation": judged["estimate"],
            "n_generation": wrote["n"],
            "n_evaluation": judged["n"],
            "method": _DIFFERENCE,
            "reason": judged["reason"].fillna(wrote["reason"]),
        }
    )


def _mover(one: pd.DataFrame, other: pd.DataFrame, draws: Array, others: Array) -> Array:
    """Return the ends of intervals of differences of taus (Zou 2007), within [-2, 2]."""
    a, b = draws - draws.mean(axis=0), others - others.mean(axis=0)
    size = np.sqrt((a * a).sum(axis=0) * (b * b).sum(axis=0))
    r = np.divide((a * b).sum(axis=0), size, out=np.zeros(len(size)), where=size > 1e-12)
    ends = []
    for sign, near, far in ((-1.0, "conf_low", "conf_high"), (1.0, "conf_high", "conf_low")):
        x = (one[near] - one["estimate"]).to_numpy()
        y = (other["estimate"] - other[far]).to_numpy()
        gap = np.maximum(x * x + y * y - 2.0 * r * x * y, 0.0)
        middle = (one["estimate"] - other["estimate"]).to_numpy()
        ends.append(middle + sign * np.sqrt(gap))
    return np.stack(ends)
