"""How hard each instruction is: given, of the file, or estimated over all models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from scipy.special import expit

from workbench.data.dataset import PreferenceData
from workbench.data.reading.containers import open_container
from workbench.decompose.kernel import Array, Codes
from workbench.errors import DataError, refuse_out_of_range

Difficulty = Mapping[str, float] | Literal["joint", "none"]

COLUMNS = ("instruction_difficulty", "difficulty")
"""Columns of the pairs that give the difficulty of their instruction."""

_TEXTS = ("instruction", "prompt", "question")
_RIDGE = 0.01
_STEPS = 200
_NEAR = 1e-7


@dataclass(frozen=True, eq=False)
class Difficulties:
    """Difficulty of each instruction, and where it comes from.

    Attributes
    ----------
    values : Series or None
        None where the term is left out.
    told : str
        Where it comes from, or why it is left out.
    key : {"prompt_id", "prompt"}
        Column of the rows that the values are indexed by.
    """

    values: pd.Series | None
    told: str
    key: str = "prompt_id"

    def of(self, rows: pd.DataFrame) -> Array:
        """Return the difficulty of each row; 0 where it is left out, NaN where unknown."""
        if self.values is None:
            return np.zeros(len(rows))
        return np.asarray(rows[self.key].map(self.values).to_numpy("float64"))


def find_difficulty(
    data: PreferenceData, rows: pd.DataFrame, base: str, given: Difficulty | None
) -> Difficulties:
    """Take the difficulty that is given, that of the file, or a joint fit's.

    Parameters
    ----------
    data : PreferenceData
    rows : DataFrame
        Of :class:`~workbench.ratings.baseline_rows.BaselineRows`.
    base : str
    given : mapping of str to float, "joint", "none", optional
        When None, a column of :data:`COLUMNS` with numbers where the pairs have one, else the
        joint fit where there are several models.
    """
    refuse_out_of_range(
        {
            "difficulty": (
                not isinstance(given, str) or given in ("joint", "none"),
                given,
                "a mapping of instructions, 'joint' or 'none'",
            )
        }
    )
    if isinstance(given, Mapping):
        return Difficulties(pd.Series(dict(given), dtype="float64"), "given", "prompt")
    if given == "none":
        return Difficulties(None, "left out, as asked")
    column = next((c for c in COLUMNS if _is_number(data.pairs, c)), None)
    if given is None and column is not None:
        values = data.pairs.groupby("prompt_id")[column].mean()
        return Difficulties(values.astype("float64"), f"of the file's column {column}")
    usable = rows[(rows["model"] != base) & rows["gap"].notna()]
    models = usable["model"].nunique()
    shared = usable["prompt_id"].duplicated().any()
    if models > 1 and shared:
        return Difficulties(joint_difficulty(usable), f"by a joint fit of {models} models")
    why = "one model" if models < 2 else "no two models answered the same instruction"
    return Difficulties(None, f"left out: none is given, and {why} cannot tell it")


def _is_number(pairs: pd.DataFrame, column: str) -> bool:
    return column in pairs and pd.api.types.is_numeric_dtype(pairs[column])


def joint_difficulty(rows: pd.DataFrame) -> pd.Series:
    r"""Estimate the difficulty of each instruction from the verdicts on all models.

    Parameters
    ----------
    rows : DataFrame
        ``model, prompt_id, gap, win``.

    Returns
    -------
    Series
        By ``prompt_id``: the log-odds that a model has there above its own at the mean
        instruction.

    Notes
    -----
    .. math:: \mathrm{logit} P_{mx} = a_m \tanh(z_{mx}) + c_m + d_x, \qquad d_x \sim N(0, \tau^2)

    fitted by penalised maximum likelihood, with a variance :math:`\tau^2` that solves
    :math:`\tau^2 = \frac 1 I \sum_x (\hat d_x^2 + v_x)`, v the variance of d given the rest of
    the data (approximate marginal likelihood). It shrinks a little too much where instructions
    have few verdicts; length control has a free slope of d, so that its scale does not matter.
    Dubois et al. (2024) fit the same terms over their models to get theirs. The weights of the
    models have a ridge of 0.01, which keeps those of a model that always wins finite. A model's
    own verdicts are among those that tell how hard its instructions are: with few models that
    takes a little of what its length explains.

    Examples
    --------
    >>> rows = pd.DataFrame({"model": ["m"] * 3 + ["n"] * 3, "prompt_id": list("xyz") * 2})
    >>> rows = rows.assign(gap=0.0, win=[1.0, 1.0, 0.0] * 2)
    >>> found = joint_difficulty(rows)
    >>> bool(found["x"] == found["y"] > 0 > found["z"])
    True
    """
    model, _ = pd.factorize(rows["model"], sort=True)
    prompt, names = pd.factorize(rows["prompt_id"], sort=True)
    spread = rows.groupby("model")["gap"].transform("std").to_numpy()
    safe = np.where(spread > 0, spread, 1.0)
    z = np.where(spread > 0, rows["gap"].to_numpy() / safe, 0.0)
    X = np.stack([np.tanh(z), np.ones(len(rows))], axis=1)
    return pd.Series(_fit(X, model, prompt, rows["win"].to_numpy("float64")), index=names)


def _fit(X: Array, model: Codes, prompt: Codes, win: Array) -> Array:
    """Return d; the Newton step eliminates it first, as its block of the Hessian is diagonal."""
    models, width, prompts = int(model.max()) + 1, X.shape[1], int(prompt.max()) + 1
    w, d, variance = np.zeros((models, width)), np.zeros(prompts), 1.0
    at = width * model[:, None] + np.arange(width)
    for _ in range(_STEPS):
        p = expit((X * w[model]).sum(axis=1) + d[prompt])
        r, h = win - p, (p * (1.0 - p))[:, None]
        slope, block = -_RIDGE * w.ravel(), _RIDGE * np.eye(models * width)
        cross = np.zeros((models * width, prompts))
        np.add.at(slope, at, X * r[:, None])
        np.add.at(cross, (at, prompt[:, None]), X * h)
        np.add.at(block, (at[:, :, None], at[:, None, :]), (X * h)[:, :, None] * X[:, None])
        pull = np.bincount(prompt, r, prompts) - d / variance
        bend = np.bincount(prompt, h[:, 0], prompts) + 1.0 / variance
        inverse = np.linalg.inv(block - (cross / bend) @ cross.T)
        step = inverse @ (slope - cross @ (pull / bend))
        move = (pull - cross.T @ step) / bend
        w += np.clip(step, -2.0, 2.0).reshape(models, width)
        d += np.clip(move, -2.0, 2.0)
        uncertain = 1.0 / bend + ((inverse @ cross) * cross).sum(axis=0) / bend**2
        last, variance = variance, max(float(np.mean(d**2 + uncertain)), 1e-6)
        if max(np.abs(step).max(), np.abs(move).max(), abs(variance - last)) < _NEAR:
            break
    return d


def read_difficulty(source: str | Path) -> dict[str, float]:
    r"""Read the difficulty of instructions from a file, by their text.

    Parameters
    ----------
    source : str or Path
        A table (CSV, JSON, JSONL, Parquet, ...) with a column ``instruction``, ``prompt`` or
        ``question`` and one of numbers: ``instruction_difficulty``, ``difficulty``, or the only
        other column; or a JSON object of texts and numbers.

    Returns
    -------
    dict of str to float

    Raises
    ------
    DataError
        No such columns. Numbers of rows do not name an instruction: files list the same
        instructions in other orders.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "hard.csv"
    ...     done = path.write_text("instruction,difficulty\nName a colour.,-1.5\n")
    ...     found = read_difficulty(path)
    >>> found
    {'Name a colour.': -1.5}
    """
    container = open_container(Path(source))
    document = container.document
    if isinstance(document, dict) and document and _all_numbers(document):
        return {str(text): float(value) for text, value in document.items()}
    table = container.table.to_pandas()
    text = next((name for name in _TEXTS if name in table), None)
    # a column of a CSV file is text
    read = {n: pd.to_numeric(table[n], errors="coerce") for n in table if n != text}
    numbers = [n for n, values in read.items() if values.notna().any()]
    named = [name for name in COLUMNS if name in numbers]
    if not named and len(table.columns) == 2:
        named = numbers
    if text is None or not named:
        raise DataError(
            "The difficulty of instructions cannot be read.",
            where=container.name,
            found="columns " + ", ".join(map(str, table.columns)),
            expected=f"the instruction's text ({', '.join(_TEXTS)}) and a number (difficulty)",
            fix="Name each instruction by its text: the number of a row stands for another one "
            "in files of another order.",
        )
    values = table.assign(value=read[named[0]]).dropna(subset=[text, "value"])
    return {str(t): float(v) for t, v in values.groupby(text)["value"].mean().items()}


def _all_numbers(document: dict[object, object]) -> bool:
    return all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in document.values())
