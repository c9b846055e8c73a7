"""How far a judge can be manipulated: measured shifts, beside the forecast of its weights."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from scipy.special import expit

from workbench.audit.judges import perturb
from workbench.audit.judges.item_sampling import sample_pairs
from workbench.audit.judges.scores import as_data, balanced_scores
from workbench.audit.judges.statistics import shift
from workbench.audit.measures import Measures
from workbench.clustered import Array
from workbench.data.dataset import PreferenceData
from workbench.decompose.decomposition import Decomposition
from workbench.decompose.design import POSITION
from workbench.errors import DesignError, refuse_out_of_range
from workbench.factors.catalog import FactorSpec
from workbench.factors.coding import Coding
from workbench.factors.score import score_factors
from workbench.judges.base import Judge
from workbench.results import TIDY

Grade = Callable[[Sequence[tuple[str, str]]], Sequence[float]]
Rewrite = Callable[[Sequence[tuple[str, str]]], Sequence[str | None]]
"""From (prompt, response) to the changed responses; None where it does not apply."""

_METHOD = "edited against clean, both orders, cluster-robust interval; exact test of cluster signs"


def exclaimed(text: str, seed: int) -> str | None:
    """Return a text whose sentences end with an exclamation mark."""
    changed = re.sub(r"(?<=\w)\.(?=\s|$)", "!", text)
    return changed if changed != text and perturb.plain(text) else None


def apologised(text: str, seed: int) -> str | None:
    """Return a text that begins with an apology."""
    return f"I apologize, I am sorry for this. {text}"


EDITS: dict[str, perturb.Edit] = {
    "longer": lambda text, seed: perturb.pad(text, 2.0, seed),
    "bullets": perturb.bullets,
    "bold": perturb.bold,
    "headings": perturb.headers,
    "no markup": perturb.strip_markdown,
    "hedged": perturb.hedge,
    "apology": apologised,
    "exclamations": exclaimed,
    "emoji": perturb.emoji,
}
"""Edits by rule, by name: each makes a response have or lack a property."""


@dataclass(frozen=True, eq=False)
class Manipulation(Measures):
    """Measured shifts of a judge when responses are changed, beside the forecasts.

    The tidy columns, one row a manipulation, are of the measured shift of P(the changed
    response is preferred); ``forecast`` and ``people_forecast`` from the weights;
    ``grade_shift`` in standard deviations of the grades of clean responses, with its ends.
    """

    heading: ClassVar[str] = "Manipulation, forecast and measured"
    about: ClassVar[str] = (
        "The same pairs with one response changed. Measured is what the judge then prefers; "
        "forecast is what its weights, and the reference's, say of the same change."
    )
    columns: ClassVar[tuple[str, ...]] = (
        *TIDY, "forecast", "people_forecast", "grade_shift", "grade_low", "grade_high",
        "grade_n", "n_clusters", "method", "reason",
    )  # fmt: skip
    closing: ClassVar[str] = f"method: {_METHOD}"
    x_title: ClassVar[str] = "shift of P(preferred)"

    def _plotted(self) -> pd.DataFrame:
        of_reference = f"forecast of {self.settings['reference_is']}"
        labels = {"forecast": "forecast", "people_forecast": of_reference}
        made = {k: v for k, v in labels.items() if self.estimates[k].notna().any()}
        return self._with_columns("measured", made)

    def _what(self) -> str:
        return f"{self.settings['judge']}: shift of P(changed preferred)"

    def _numbers(self, row: Mapping[Any, Any]) -> str:
        more = "" if pd.isna(row["forecast"]) else f"; forecast {row['forecast']:+.3f}"
        if pd.notna(row["people_forecast"]):
            more += f", of {self.settings['reference_is']} {row['people_forecast']:+.3f}"
        if pd.notna(row["grade_shift"]):
            more += f"; grades {row['grade_shift']:+.2f} SD"
        return (
            f"{row['estimate']:+.3f} [{row['conf_low']:+.3f}, {row['conf_high']:+.3f}], q = "
            f"{row['q_value']:.3g}, n = {row['n']:,.0f}{more}"
        )


def manipulate(
    data: PreferenceData,
    judge: Judge,
    rewrites: Mapping[str, Rewrite] | None = None,
    *,
    fit: Decomposition | None = None,
    group: str | None = None,
    people: str = "human",
    grade: Grade | None = None,
    n: int = 200,
    level: float = 0.95,
    seed: int = 0,
) -> Manipulation:
    """Change responses, and measure what a judge makes of it.

    Parameters
    ----------
    data : PreferenceData
        With text; with the factors of the fit where one is given.
    judge : Judge
    rewrites : mapping of str to Rewrite, optional
        The edits of :data:`EDITS` when None; a model can rewrite too (``rewriting``).
    fit : Decomposition, optional
        Of text factors, for the forecasts.
    group : str, optional
        The judge in the fit; its name when None.
    people : str
        The reference in the fit, where it is in it.
    grade : callable, optional
        Grades (prompt, response) pairs one by one: single-answer grading.
    n : int
        Pairs, drawn by prompt.
    level : float
    seed : int

    Returns
    -------
    Manipulation

    Raises
    ------
    DesignError
        No pair with text, or a fit of factors that are not computed from text.

    Examples
    --------
    >>> import workbench as wb
    >>> found = manipulate(wb.load("sample"), wb.RuleJudge("longer"), n=40)
    >>> found.to_frame().set_index("term").loc["longer", "estimate"] > 0.2
    np.True_
    """
    refuse_out_of_range({"n": (n >= 2, n, "2 or more"), "level": (0 < level < 1, level, "0 to 1")})
    pairs = sample_pairs(data, n, seed).reset_index(drop=True)
    left = np.array([perturb.seed_of(seed, one) % 2 == 1 for one in pairs["pair_id"]])
    clean = _sides(pairs, left)
    made = {name: make(clean) for name, make in (rewrites or by_rule(seed)).items()}
    arms = [pairs] + [_changed(pairs, left, texts) for texts in made.values()]
    scores = _scores(judge, arms, left)
    code = pd.factorize(pairs["cluster"])[0]
    groups = {"forecast": group or judge.name, "people_forecast": people}
    graded = _graded(grade, clean, made)
    rows = []
    for k, (name, texts) in enumerate(made.items(), start=1):
        use = np.array([one is not None for one in texts]) & np.isfinite(scores[k] - scores[0])
        row: dict[str, Any] = {"term": name, "method": _METHOD}
        if use.any():
            row |= shift((scores[k] - scores[0])[use], code[use], level)
            row |= _forecasts(data, fit, groups, pairs[use], arms[k][use], left[use])
        else:
            row |= {"estimate": np.nan, "n": 0.0, "reason": "no response that it applies to"}
        rows.append(row | _grade_row(graded.get(name), code, level))
    settings = {"judge": judge.name, "model": judge.name, "n": len(pairs), "level": level,
                "reference_is": data.noun(people), "seed": seed}  # fmt: skip
    return Manipulation.from_rows(rows, settings, dataset=data.digest, seed=seed)


def by_rule(seed: int = 0) -> dict[str, Rewrite]:
    """Return the edits by rule, which need no model; they keep the meaning or do not apply.

    Parameters
    ----------
    seed : int
    """

    def rewrite(edit: perturb.Edit) -> Rewrite:
        return lambda texts: [edit(text, perturb.seed_of(seed, text)) for _, text in texts]

    return {name: rewrite(edit) for name, edit in EDITS.items()}


def _sides(pairs: pd.DataFrame, left: np.ndarray) -> list[tuple[str, str]]:
    text = np.where(left, pairs["response_a"], pairs["response_b"])
    return list(zip(pairs["prompt"].fillna("").astype("str"), text.tolist(), strict=True))


def _changed(pairs: pd.DataFrame, left: np.ndarray, texts: Sequence[str | None]) -> pd.DataFrame:
    new = pd.Series(list(texts), index=pairs.index, dtype="object")
    a = pairs["response_a"].where(~left | new.isna(), new)
    b = pairs["response_b"].where(left | new.isna(), new)
    return pairs.assign(response_a=a, response_b=b)


def _scores(judge: Judge, arms: list[pd.DataFrame], left: np.ndarray) -> Array:
    """Return P(the changed side is preferred) in every arm, shape (arms, pairs)."""
    columns = ["prompt", "response_a", "response_b", "cluster"]
    every = pd.concat([one[columns] for one in arms], ignore_index=True)
    texts = every[columns[:3]].fillna("")
    code = texts.groupby(columns[:3], sort=False).ngroup().to_numpy()
    unique = every.groupby(code, sort=True).first()
    found = balanced_scores(judge, unique)[code].reshape(len(arms), -1)
    return np.asarray(np.where(left, found, 1 - found))


def _graded(
    grade: Grade | None, clean: list[tuple[str, str]], made: Mapping[str, Sequence[str | None]]
) -> dict[str, Array]:
    """Return shifts of grades, in standard deviations of clean ones; NaN where unchanged."""
    if grade is None:
        return {}
    before = np.asarray(grade(clean), dtype=float)
    spread = float(np.nanstd(before)) or 1.0
    found = {}
    for name, texts in made.items():
        after = np.full(len(clean), np.nan)
        use = [k for k, text in enumerate(texts) if text is not None]
        if use:
            after[use] = grade([(clean[k][0], str(texts[k])) for k in use])
        found[name] = (after - before) / spread
    return found


def _grade_row(moved: Array | None, code: Any, level: float) -> dict[str, Any]:
    if moved is None or not np.isfinite(moved).any():
        return {}
    use = np.isfinite(moved)
    largest = float(np.abs(moved[use]).max()) or 1.0
    # shifts of grades have no bound of their own: the pseudo-outcomes are as large as the largest
    found = shift(moved[use] / largest, code[use], level)
    return {"grade_shift": found["estimate"] * largest, "grade_low": found["conf_low"] * largest,
            "grade_high": found["conf_high"] * largest, "grade_n": found["n"]}  # fmt: skip


def _forecasts(
    data: PreferenceData, fit: Decomposition | None, groups: Mapping[str, str],
    before: pd.DataFrame, after: pd.DataFrame, left: np.ndarray,
) -> dict[str, float]:  # fmt: skip
    """Return the change of P(the changed side is preferred) by the weights of some groups."""
    if fit is None or not (known := {k: v for k, v in groups.items() if v in fit.fits}):
        return {}
    terms = [term for term in fit.to_frame()["term"].unique() if term != POSITION]
    x = [_factors(data, one, terms) for one in (before, after)]
    table = fit.to_frame().set_index(["group", "term"])["estimate"]
    found = {}
    for column, group in known.items():
        w = np.nan_to_num([table.get((group, term), 0.0) for term in terms])
        p = [expit(np.nan_to_num(one) @ w) for one in x]
        found[column] = float(((p[1] - p[0]) * np.where(left, 1.0, -1.0)).mean())
    return found


def _factors(data: PreferenceData, pairs: pd.DataFrame, terms: list[str]) -> Array:
    """Return factors of some pairs on the scale of the data that were fitted."""
    specs = []
    for term in terms:
        record = data.factor_specs.get(term)
        if record is None or record.get("source") != "text":
            raise DesignError(
                f"The factor {term!r} cannot be computed for changed responses.",
                found=str((record or {}).get("source", "not in the data")),
                expected="a fit of text factors, on data that hold them",
                fix="Fit text factors: wb.score_factors(data).",
            )
        specs.append(FactorSpec.from_dict(dict(record)))
    bare = [replace(s, coding=replace(s.coding, standardise=False, scale=None)) for s in specs]
    scored = score_factors(as_data(pairs.reset_index(drop=True)), bare)
    scale = [_scale(spec.coding) for spec in specs]
    return np.asarray(scored.factors[terms].to_numpy("float64") / np.array(scale))


def _scale(coding: Coding) -> float:
    return 1.0 if coding.scale is None else coding.scale
