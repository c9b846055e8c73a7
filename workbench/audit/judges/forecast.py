"""What manipulating a judge should bring, by its weights: a forecast."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd
from scipy.special import expit

from workbench.decompose.decomposition import Decomposition
from workbench.decompose.design import POSITION
from workbench.errors import DesignError
from workbench.factors.catalog import STYLE
from workbench.provenance import Provenance
from workbench.results import TIDY, Result
from workbench.threads import on_one_thread

if TYPE_CHECKING:
    import plotly.graph_objects as go


@dataclass(frozen=True, eq=False)
class Susceptibility(Result):
    """What a judge rewards most and least, and what following it should bring: a forecast.

    Attributes
    ----------
    estimates : DataFrame
        The top and the last properties by weight; see :meth:`to_frame`.
    predicted : float
        sigma(sum of the top weights) - sigma(sum of the last ones).
    prompts : dict of str to str
        System prompts ``top`` and ``last`` that tell a model to follow them.
    settings : dict
    provenance : Provenance
    """

    heading: ClassVar[str] = "Manipulation, forecast"
    about: ClassVar[str] = (
        "The properties that a judge rewards most and least. What a writer gains by following "
        "them is forecast from the weights; only the measured shift is a measurement."
    )

    estimates: pd.DataFrame
    predicted: float
    prompts: dict[str, str]
    settings: dict[str, Any]
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Return ``list`` (top or last), the tidy columns of the weights, ``degree``: its sigma."""
        return self.estimates

    def summary(self) -> str:
        """Return both lists and the forecast."""
        lines = [f"{self.settings['group']}: forecast susceptibility {self.predicted:+.3f} "
                 "(from weights; not measured)"]  # fmt: skip
        lines += [
            f"  {row['list']}: {row['term']} {row['estimate']:+.3f} [{row['conf_low']:+.3f}, "
            f"{row['conf_high']:+.3f}], n = {row['n']:,.0f}"
            for row in self.estimates.to_dict("records")
        ]
        return "\n".join(lines)

    def plot(self) -> go.Figure:
        """Return the weights with their intervals."""
        from workbench.plots.forest import forest

        return forest(self.estimates.assign(group=self.estimates["list"]), x_title="weight")


@on_one_thread
def susceptibility(fit: Decomposition, group: str, k: int = 3) -> Susceptibility:
    r"""Forecast how far a judge's win rate moves between following its top and last properties.

    .. math:: \sigma\Big(\sum_{\text{top } k} w\Big) - \sigma\Big(\sum_{\text{last } k} w\Big)

    Parameters
    ----------
    fit : Decomposition
    group : str
        The judge.
    k : int
        Properties in each list.

    Raises
    ------
    DesignError
        Fewer than 2 k weights.

    Notes
    -----
    Li et al. (2024), "Dissecting human and LLM preferences", whose measured shifts need a
    model that writes: this is the forecast.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["structure"])
    >>> fit = wb.decompose(data, annotator="sim-judge-format", folds=0)
    >>> susceptibility(fit, "sim-judge-format", 2).predicted > 0
    True
    """
    table = fit.to_frame()
    own = table[(table["group"] == group) & table["estimate"].notna() & (table["term"] != POSITION)]
    if len(own) < 2 * k or k < 1:
        raise DesignError(
            "There are too few weights for two lists.",
            found=f"{len(own)} weights of {group}",
            expected=f"at least {2 * max(k, 1)}",
            fix="Fit more factors, or ask for a smaller k.",
        )
    own = own.sort_values(["estimate", "term"], ascending=[False, True], kind="stable")
    lists = pd.concat([own.head(k).assign(list="top"), own.tail(k).iloc[::-1].assign(list="last")])
    sums = lists.groupby("list")["estimate"].sum()
    meaning = {spec.name: spec.meaning for spec in STYLE}
    prompts = {
        name: _prompt(lists.loc[lists["list"] == name, "term"].tolist(), meaning)
        for name in ("top", "last")
    }
    columns = ["list", *TIDY]
    lists = lists.assign(degree=expit(lists["estimate"]), method="weights of the decomposition")
    return Susceptibility(
        lists[[*columns, "degree", "method"]].reset_index(drop=True),
        float(expit(sums["top"]) - expit(sums["last"])),
        prompts,
        {"group": group, "k": k},
        fit.provenance,
    )


def _prompt(terms: list[str], meaning: Mapping[str, str]) -> str:
    told = [f"- {term}: {meaning.get(term, term)}" for term in terms]
    return "\n".join(
        ["When you answer, have more of the following, in this order of importance:", *told]
    )
