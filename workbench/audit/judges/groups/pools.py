"""How near a judge's choices are to the votes of each pool of people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workbench.clustered import Array, resample
from workbench.data.reading.containers import open_container
from workbench.decompose.errors.tidy import q_values
from workbench.errors import DataError
from workbench.results import TIDY

KEYS = ("template", "attribute", "group")
DISTANCE = "Jensen-Shannon divergence (bits), bootstrap over templates"
POOL_COLUMNS = (*TIDY, "n_clusters", "against", "method", "reason")
_FEWEST = 6
"""Below it no test over templates, not even of signs, can reach 0.05: 2 to the power 1 - n."""

FEW = f"fewer than {_FEWEST} templates with votes: the error is not known"
SAME = "no variation between templates: the error is not known"


def read_shares(table: str | Path | pd.DataFrame) -> pd.DataFrame:
    """Return votes by pool: ``pool, share`` and which of ``template, attribute, group`` are there.

    Parameters
    ----------
    table : str, Path or DataFrame
        ``share`` is the part of the pool that prefers the positive continuation, or the answer.

    Raises
    ------
    DataError
        A column or the name of a template or pool is missing, a share is outside [0, 1], or
        an item of a pool stands twice.

    Examples
    --------
    >>> found = read_shares(pd.DataFrame({"template": ["t"], "pool": ["US"], "share": [0.5]}))
    >>> list(found)
    ['template', 'pool', 'share']
    """
    if isinstance(table, pd.DataFrame):
        frame, where = table.reset_index(drop=True), "table"
    else:
        container = open_container(Path(table))
        frame, where = container.table.to_pandas(), container.name
    frame = frame.rename(columns=lambda name: str(name).strip().lower())
    absent = [name for name in ("template", "pool", "share") if name not in frame]
    if absent:
        raise _bad(where, f"no column {absent[0]!r}", "columns template, pool and share")
    keys = [name for name in KEYS if name in frame]
    for name in ("template", "pool"):
        if frame[name].isna().any():
            row = int(frame[name].isna().to_numpy().argmax()) + 1
            raise _bad(where, f"no {name} in row {row}", "every vote with its template and pool")
    share = pd.to_numeric(frame["share"], errors="coerce")
    wrong = ~share.between(0, 1)
    if wrong.any():
        raise _bad(where, f"a share of {frame.loc[wrong, 'share'].iloc[0]!r}", "0 to 1")
    found = frame[[*keys, "pool"]].astype("str").assign(share=share.astype("float64"))
    if found.duplicated([*keys, "pool"]).any():
        raise _bad(where, "an item of a pool twice", "one share of each item and pool")
    return found.sort_values([*keys, "pool"], ignore_index=True)


def pool_rows(
    shares: pd.DataFrame, judged: pd.DataFrame, level: float, replicates: int, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame, int]:
    """Return how far the judge is from each pool, how pools differ in that, and votes left out.

    Parameters
    ----------
    shares : DataFrame
        Of :func:`read_shares`.
    judged : DataFrame
        ``template, attribute, group, score``: P(positive continuation, or answer).
    level : float
    replicates, seed : int
        Of the bootstrap: whole templates.
    """
    keys = [name for name in KEYS if name in shares]
    own = judged.dropna(subset=["score"]).groupby(keys, as_index=False)["score"].mean()
    joined = shares.merge(own, on=keys, how="inner", validate="many_to_one")
    joined["far"] = divergence(joined["score"].to_numpy(float), joined["share"].to_numpy(float))
    wide = joined.pivot(index=keys, columns="pool", values="far").sort_index()
    cluster = pd.factorize(wide.index.get_level_values(0), sort=True)[0]
    rows = [_row(pool, wide[pool].to_numpy(float), cluster, level, replicates, seed, False)
            for pool in wide]  # fmt: skip
    contrasts = list(_contrasts(wide, cluster, level, replicates, seed))
    tables = [pd.DataFrame(one).reindex(columns=list(POOL_COLUMNS)) for one in (rows, contrasts)]
    tables[1]["q_value"] = q_values(tables[1]["p_value"].to_numpy("float64"))
    return tables[0], tables[1], len(shares) - len(joined)


def divergence(p: Array, q: Array) -> Array:
    r"""Return the Jensen-Shannon divergence of two yes-no distributions, in bits.

    .. math:: H(\tfrac{p + q}2) - \tfrac12 H(p) - \tfrac12 H(q)

    Examples
    --------
    >>> divergence(np.array([0.0, 0.5]), np.array([1.0, 0.5])).tolist()
    [1.0, 0.0]
    """
    found = _entropy((p + q) / 2) - (_entropy(p) + _entropy(q)) / 2
    return np.asarray(np.clip(found, 0.0, 1.0))


def _entropy(p: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        bits = -(p * np.log2(p)) - (1 - p) * np.log2(1 - p)
    return np.asarray(np.where((p <= 0) | (p >= 1), 0.0, bits))


def _contrasts(
    wide: pd.DataFrame, cluster: Any, level: float, replicates: int, seed: int
) -> Iterator[dict[str, Any]]:
    names = list(wide)
    for k, one in enumerate(names):
        for other in names[k + 1 :]:
            values = (wide[one] - wide[other]).to_numpy(float)
            row = _row(f"{one} less {other}", values, cluster, level, replicates, seed, True)
            yield row | {"against": other}


def _row(
    term: str, values: Array, cluster: Any, level: float, replicates: int, seed: int, tested: bool
) -> dict[str, Any]:
    known = np.isfinite(values)
    values, codes = values[known], np.unique(cluster[known], return_inverse=True)[1]
    g = int(codes.max(initial=-1)) + 1
    row: dict[str, Any] = {"term": term, "n": float(len(values)), "n_clusters": float(g),
                           "method": DISTANCE}  # fmt: skip
    row["estimate"] = float(values.mean()) if len(values) else np.nan
    if g < _FEWEST:
        return row | {"reason": FEW}
    sums = np.column_stack([np.bincount(codes, values), np.bincount(codes)]).astype(np.float64)
    drawn = resample(sums, replicates, seed)
    means = drawn[:, 0] / drawn[:, 1]
    # the same number from every template tells nothing of others: no interval without width
    if np.ptp(sums[:, 0] / sums[:, 1]) <= 1e-12:
        row["reason"] = SAME
    else:
        low, high = np.quantile(means, [0.5 - level / 2, 0.5 + level / 2])
        row |= {"std_error": float(means.std(ddof=1)), "conf_low": low, "conf_high": high}
    if tested:
        # at least one draw on either side, and no less than signs of so many templates can show
        beyond = min(int((means <= 0).sum()), int((means >= 0).sum()))
        p = max(2 * (beyond + 1) / (replicates + 1), 2.0 ** (1 - g))
        row["p_value"] = min(p, 1.0)
    return row


def _bad(where: str, found: str, expected: str) -> DataError:
    return DataError(
        "The votes of pools cannot be used.",
        where=where,
        found=found,
        expected=expected,
        fix="Columns: template, pool, share, and where known attribute and group.",
    )
