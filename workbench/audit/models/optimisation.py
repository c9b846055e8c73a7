"""Over-optimisation of a reward: best of n, heads that trade off, the proxy point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd
from scipy.special import gammaln

from workbench.audit.measures import COLUMNS, Measures
from workbench.clustered import Array, mean_difference
from workbench.errors import DataError, refuse_out_of_range
from workbench.finding import Finding, Rule, finding
from workbench.provenance import Provenance
from workbench.threads import on_one_thread

if TYPE_CHECKING:
    import plotly.graph_objects as go

RULES = {
    "over-optimised": Rule(
        "gold reward of the favourite among the largest n, minus that at the best n",
        "below 0, its test corrected for the number of n",
        "Choose among fewer, stop the training earlier, or take another reward or an ensemble.",
    )
}
"""What following a reward may show, by ``rule_id``."""

_NOTHING = 1e-12
"""Difference below which means are equal, as a part of the largest gold reward."""

_METHOD = "unbiased over all subsets of n, mean over prompts, t interval"


@dataclass(frozen=True, eq=False)
class BestOfN(Measures):
    """Gold reward of the response that a proxy likes best among n."""

    heading: ClassVar[str] = "Best of n"
    about: ClassVar[str] = (
        "A proxy that is followed too far brings less of what it stands for: the gold reward "
        "of the proxy's favourite rises with n, and may fall again."
    )

    def plot(self) -> go.Figure:
        """Return the gold reward over the divergence from the model's own responses."""
        from workbench.plots.curve import curve

        table = self.estimates.dropna(subset="kl")
        return curve(table, x="kl", x_title="divergence log n - (n - 1) / n (nats)",
                     y_title="gold reward of the favourite")  # fmt: skip

    def findings(self) -> list[Finding]:
        """Return over-optimisation: the gold reward falls from its peak to the largest n."""
        fall = self.estimates[self.estimates["best_of"].isna()]
        tried = len(self.estimates) - len(fall)
        # the peak is chosen among all n: so many tests could have shown a fall
        if fall.empty or not fall["p_value"].iloc[0] * tried < 1 - self.settings["level"]:
            return []
        row = fall.iloc[0]
        numbers = (row["estimate"], row["conf_low"], row["conf_high"])
        text = f"{self.settings['what']}: it falls beyond the best of {self.settings['best_n']}"
        return [finding(RULES, "over-optimised", "warning", text, int(row["n"]), numbers)]


@dataclass(frozen=True, eq=False)
class ProxyPoint(Measures):
    """Where the gold reward peaks along a training, in terms of the rewards that it follows.

    Attributes
    ----------
    curve : DataFrame
        ``term`` (a reward, or the gold one), ``checkpoint, step`` and the tidy columns: means.
    """

    heading: ClassVar[str] = "Proxy point"
    about: ClassVar[str] = (
        "Along a training the rewards that it follows rise; what they stand for peaks, and may "
        "fall. The peak is of a quadratic surface over the checkpoints of one training: it has "
        "no interval, the means of the curve have."
    )

    curve: pd.DataFrame = field(default_factory=pd.DataFrame)

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the point and the curve."""
        return {"proxy point": self.estimates, "curve": self.curve}

    def plot(self) -> go.Figure:
        """Return the mean gold reward over the checkpoints, with the rewards."""
        from workbench.plots.curve import curve

        return curve(self.curve.assign(group=self.curve["term"]), x="step",
                     x_title=str(self.settings["checkpoint"]), y_title="mean reward")  # fmt: skip


@dataclass(frozen=True, eq=False)
class TradeOff(Measures):
    """Heads of a reward model where one is weighed against another."""

    heading: ClassVar[str] = "Heads that trade off"
    about: ClassVar[str] = (
        "The favourite response is chosen by a weighted sum of two heads, at several angles: "
        "more of one should mean less of the other, step by step."
    )


@on_one_thread
def best_of_n(
    proxy: Array, gold: Array, prompt: Sequence[Any], sizes: Sequence[int] | None = None,
    *, level: float = 0.95,
) -> BestOfN:  # fmt: skip
    r"""Return the expected gold reward of the proxy's favourite among n responses.

    Parameters
    ----------
    proxy, gold : ndarray, shape (responses,)
    prompt : sequence, length responses
    sizes : sequence of int, optional
        The n, at most as many as the prompt with the fewest responses has; powers of two
        when None.
    level : float

    Returns
    -------
    BestOfN
        With ``best_n`` and ``drop_after`` in the settings: where the gold reward peaks, and
        how far it falls by the largest n.

    Raises
    ------
    DataError
        A prompt with one response.
    DesignError
        An n that is larger than a prompt's number of responses.

    Notes
    -----
    Of N responses in the order of the proxy the i-th is the favourite of a subset of n with
    probability :math:`\binom{i-1}{n-1} / \binom{N}{n}`: no sampling (Gao et al. 2023). Equal
    proxies share.

    Examples
    --------
    >>> found = best_of_n(np.array([0.0, 1.0]), np.array([5.0, 7.0]), ["p", "p"])
    >>> found.to_frame()["estimate"].tolist()
    [6.0, 7.0]
    """
    frame = pd.DataFrame({"prompt": list(prompt), "proxy": proxy, "gold": gold})
    least = int(frame["prompt"].value_counts().min())
    if least < 2:
        raise DataError(
            "There is nothing to choose from.",
            found="a prompt with one response",
            expected="at least two responses of each prompt",
            fix="Leave such prompts out.",
        )
    wanted = sizes or [2**k for k in range(int(np.log2(least)) + 1)]
    fine = all(1 <= n <= least for n in wanted)
    refuse_out_of_range({"sizes": (fine, list(wanted), f"from 1 to {least}")})
    curves = np.stack([_curve(part, wanted) for _, part in frame.groupby("prompt", sort=False)])
    rows = [
        {"term": f"best of {n}", "best_of": n, "kl": np.log(n) - (n - 1) / n, "method": _METHOD,
         **mean_difference(curves[:, k], np.arange(len(curves)), level)}
        for k, n in enumerate(wanted)
    ]  # fmt: skip
    mean = curves.mean(axis=0)
    # of equal means the first: a favourite that does not matter peaks nowhere later
    peak = int((mean >= mean.max() - _NOTHING * np.abs(gold).max()).argmax())
    change = mean_difference(curves[:, -1] - curves[:, peak], np.arange(len(curves)), level)
    if mean[peak] - mean[-1] > _NOTHING * np.abs(gold).max():
        term = f"best of {wanted[-1]} minus best of {wanted[peak]}"
        rows.append({"term": term, **change, "method": _METHOD})
    table = pd.DataFrame(rows).reindex(columns=[*COLUMNS, "best_of", "kl"])
    settings = {"what": "Gold reward of the proxy's favourite", "level": level,
                "best_n": wanted[peak], "drop_after": float(mean[peak] - mean[-1])}  # fmt: skip
    return BestOfN(table, settings, Provenance.capture())


@on_one_thread
def trade_off(
    heads: Array, prompt: Sequence[Any], angles: Sequence[float] = (-45, -30, -15, 0),
    *, level: float = 0.95,
) -> TradeOff:  # fmt: skip
    r"""Return both heads' values of the favourite, by the direction that chooses it.

    Parameters
    ----------
    heads : ndarray, shape (responses, 2)
        As helpfulness and verbosity.
    prompt : sequence, length responses
    angles : sequence of float
        Degrees of :math:`v = (\cos \theta, \sin \theta)`; the favourite has the largest
        :math:`v^\top r`.
    level : float

    Returns
    -------
    TradeOff
        With ``monotone`` (whether the first head rises and the second falls or stays from
        angle to angle, either way round) and ``hypervolume`` above the worst of all
        responses in the settings.

    Notes
    -----
    Wang et al. (2024), "Arithmetic control of LLMs" (DPA).

    Examples
    --------
    >>> heads = np.array([[1.0, 0.0], [0.0, 1.0], [0.8, 0.8]])
    >>> trade_off(heads, ["p"] * 3, (0, 45, 90)).settings["monotone"]
    True
    """
    heads = np.asarray(heads, float)
    if heads.ndim != 2 or heads.shape[1] != 2:
        raise DataError(
            "Two heads are traded off.",
            found=f"shape {heads.shape}",
            expected="responses by two heads",
            fix="Choose two columns.",
        )
    place = pd.Series(list(prompt)).groupby(list(prompt), sort=False).indices
    rows, means = [], []
    for angle in angles:
        v = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
        best = np.array([own[np.argmax(heads[own] @ v)] for own in place.values()])
        means.append(heads[best].mean(axis=0))
        for k, name in enumerate(("first", "second")):
            row = mean_difference(heads[best, k], np.arange(len(best)), level)
            term = f"{name} head at {angle:g} degrees"
            rows.append({"term": term, "method": _METHOD_MEAN, **row})
    step = np.diff(np.array(means), axis=0)
    one_way = (step[:, 0] <= 1e-12).all() and (step[:, 1] >= -1e-12).all()
    other_way = (step[:, 0] >= -1e-12).all() and (step[:, 1] <= 1e-12).all()
    settings = {"what": "Heads of the favourite by direction", "level": level,
                "monotone": bool(one_way or other_way),
                "hypervolume": _hypervolume(np.array(means), heads.min(axis=0))}  # fmt: skip
    table = pd.DataFrame(rows).reindex(columns=list(COLUMNS))
    return TradeOff(table, settings, Provenance.capture())


def proxy_point(rewards: Array, evaluation: Array) -> dict[str, Any]:
    """Return where along a training the evaluation peaks, in terms of the rewards.

    Parameters
    ----------
    rewards : ndarray, shape (checkpoints, k)
        Value of each component at every checkpoint.
    evaluation : ndarray, shape (checkpoints,)

    Returns
    -------
    dict
        ``point`` (rewards at the checkpoint where a quadratic surface is highest),
        ``checkpoint``, ``lost_after`` (fall of the surface from there to the last
        checkpoint), ``correlation`` of the components, ``r_squared`` of the surface.

    Raises
    ------
    DataError
        Fewer checkpoints than the surface has coefficients, plus one.

    Notes
    -----
    Moskovitz et al. (2023): the proxy point is joint; components that move together shift
    it, so their correlation is told. The surface is least squares on standardised rewards.

    Examples
    --------
    >>> x = np.linspace(0, 4, 9)[:, None]
    >>> proxy_point(x, -((x[:, 0] - 3) ** 2))["point"].tolist()
    [3.0]
    """
    rewards, evaluation = np.asarray(rewards, float), np.asarray(evaluation, float)
    n, k = rewards.shape
    z = (rewards - rewards.mean(axis=0)) / np.where(rewards.std(axis=0) > 0, rewards.std(axis=0), 1)
    cross = [z[:, i] * z[:, j] for i in range(k) for j in range(i, k)]
    design = np.column_stack([np.ones(n), z, *cross])
    if n <= design.shape[1]:
        raise DataError(
            "There are too few checkpoints for a surface.",
            found=f"{n} checkpoints, {design.shape[1]} coefficients",
            expected="more checkpoints than coefficients",
            fix="Score more checkpoints, or fewer components.",
        )
    fit = design @ np.linalg.lstsq(design, evaluation, rcond=None)[0]
    peak = int(fit.argmax())
    total = float(((evaluation - evaluation.mean()) ** 2).sum())
    return {
        "point": rewards[peak],
        "checkpoint": peak,
        "lost_after": float(fit[peak] - fit[-1]),
        "correlation": np.corrcoef(rewards.T) if k > 1 else np.ones((1, 1)),
        "r_squared": 1 - float(((evaluation - fit) ** 2).sum()) / total if total else np.nan,
    }


@on_one_thread
def follow_proxy(
    table: pd.DataFrame, rewards: Sequence[str], gold: str, *, prompt: str = "prompt",
    checkpoint: str = "checkpoint", level: float = 0.95,
) -> ProxyPoint:  # fmt: skip
    """Return the proxy point of a training from the scored responses of its checkpoints.

    Parameters
    ----------
    table : DataFrame
        One row a response.
    rewards : sequence of str
        Columns of the rewards that the training follows.
    gold : str
        Column of what they stand for.
    prompt, checkpoint : str
        Columns; checkpoints are taken in their order, which is that of numbers or of names.
    level : float

    Raises
    ------
    DataError
        As :func:`proxy_point`.

    Examples
    --------
    >>> x = np.arange(9.0)
    >>> frame = pd.DataFrame({"prompt": "p", "checkpoint": x, "rm": x, "gold": -((x - 5) ** 2)})
    >>> float(follow_proxy(frame, ["rm"], "gold").to_frame()["estimate"].iloc[0])
    5.0
    """
    rows, columns = [], [*rewards, gold]
    parts = list(table.groupby(checkpoint, sort=True))
    for place, (name, part) in enumerate(parts):
        code = pd.factorize(part[prompt])[0]
        step = float(name) if isinstance(name, int | float | np.number) else float(place)
        rows += [
            {"term": one, "checkpoint": str(name), "step": step, "method": _METHOD_MEAN,
             **mean_difference(part[one].to_numpy("float64"), code, level)}
            for one in columns
        ]  # fmt: skip
    means = np.array([[part[one].mean() for one in columns] for _, part in parts])
    found = proxy_point(means[:, :-1], means[:, -1])
    about = {"n": float(len(parts)), "method": _SURFACE, "reason": "one training: no interval"}
    told = {f"{name} where {gold} peaks": at
            for name, at in zip(rewards, found["point"], strict=True)}  # fmt: skip
    told[f"{gold} from there to the last"] = -found["lost_after"]
    told["variance that the surface explains"] = found["r_squared"]
    for i, one in enumerate(rewards):
        for k, other in enumerate(rewards[:i]):
            told[f"correlation of {other} and {one} over checkpoints"] = found["correlation"][i, k]
    points = [{"term": term, "estimate": value, **about} for term, value in told.items()]
    frame = pd.DataFrame(points).reindex(columns=list(COLUMNS))
    settings = {"what": f"{gold} along a training", "level": level, "checkpoint": checkpoint,
                "at": str(parts[found["checkpoint"]][0])}  # fmt: skip
    curve = pd.DataFrame(rows).reindex(columns=["checkpoint", "step", *COLUMNS])
    return ProxyPoint(frame, settings, Provenance.capture(), curve)


_SURFACE = "quadratic surface over checkpoints, least squares"
_METHOD_MEAN = "mean over prompts, t interval"


def _curve(part: pd.DataFrame, sizes: Sequence[int]) -> Array:
    """Return the expected gold reward of the favourite among n, for every n."""
    # equal proxies have the mean gold reward of those that are equal
    shared = part.groupby("proxy")["gold"].transform("mean")
    gold = shared.to_numpy("float64")[np.argsort(part["proxy"].to_numpy(), kind="stable")]
    total = len(gold)
    i = np.arange(1, total + 1)
    found = []
    for n in sizes:
        with np.errstate(divide="ignore", invalid="ignore"):
            log_weight = _log_choose(i - 1, n - 1) - _log_choose(np.array(total), n)
        weight = np.where(i >= n, np.exp(log_weight), 0.0)
        found.append(float(weight @ gold / weight.sum()) if weight.any() else np.nan)
    return np.array(found)


def _log_choose(n: Any, k: int) -> Any:
    return gammaln(n + 1) - gammaln(k + 1) - gammaln(np.maximum(n - k, 0) + 1)


def _hypervolume(points: Array, worst: Array) -> float:
    """Return the area that points dominate above the worst corner."""
    area, height = 0.0, float(worst[1])
    for x, y in sorted(points.tolist(), key=lambda one: -one[0]):
        if y > height:
            area += (x - float(worst[0])) * (y - height)
            height = y
    return float(area)
