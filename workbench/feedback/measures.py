"""How often users say what, whether rule and model agree, and who ends up in pairs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from workbench.agreement import agreement_and_kappa, weighted_kappa
from workbench.clustered import Array, Codes, cluster_error, count_clusters, share, t_row
from workbench.decompose.errors.tidy import q_values
from workbench.feedback.reading import PAIR, Found, Turn
from workbench.feedback.signals import DISSATISFIED, ENDED, LEFT, SATISFIED, SIGNALS
from workbench.flips import paired_difference

TIDY = ["term", "estimate", "std_error", "conf_low", "conf_high", "p_value", "q_value", "n",
        "n_clusters"]  # fmt: skip

_MODELS = 5
_SCORE = {SATISFIED: 1.0, DISSATISFIED: -1.0}

_SELECTION = (
    "difference of means; errors over conversations or users, t by those of the smaller part"
)
NOT_BOTH = "no turn was read by both"
_FEWEST = 5
FEW = f"fewer than {_FEWEST} conversations or users with a pair, or without one"


def rates(turns: Sequence[Turn], found: Sequence[Found], level: float) -> pd.DataFrame:
    """Return how many answers and conversations have which signal, by rule and by model."""
    heard = [one for one in turns if one.rule.rule not in (ENDED, LEFT)]
    rows = []
    by_turn = _codes([one.cluster for one in heard])
    for source in ("rule", "model"):
        said = [one.rule.signal if source == "rule" else one.model for one in heard]
        known = np.array([one is not None for one in said], bool)
        if not known.any():
            continue
        for signal in SIGNALS:
            is_it = np.array([one == signal for one in said], float)[known]
            row = share(is_it, by_turn[known], level)
            rows.append(_row(f"{source}: {signal}", row, "answers that the user wrote on after"))
        rows.append(_by_conversation(source, heard, said, found, level))
    pairs = np.array([one.outcome == PAIR for one in found], float)
    row = share(pairs, _codes([one.cluster for one in found]), level)
    rows.append(_row("gives a pair", row, "conversations"))
    return pd.DataFrame(rows)


def _by_conversation(
    source: str, heard: Sequence[Turn], said: Sequence[str | None], found: Sequence[Found],
    level: float,
) -> dict[str, Any]:  # fmt: skip
    told = list(zip(heard, said, strict=True))
    signs = {one.conversation for one, what in told if what in _SCORE}
    # of a turn that was not read nothing is known
    unknown = {one.conversation for one, what in told if what is None} - signs
    some = [one for one in found if one.name not in unknown]
    values = np.array([one.name in signs for one in some], float)
    row = share(values, _codes([one.cluster for one in some]), level)
    return _row(f"{source}: any feedback", row, "conversations")


def _row(term: str, row: dict[str, Any], of: str) -> dict[str, Any]:
    told = {name: row.get(name, np.nan) for name in TIDY[1:]}
    return {"term": term, **told, "of": of, "reason": row["reason"],
            "method": "share; score interval over conversations or users"}  # fmt: skip


def agreement(turns: Sequence[Turn], level: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return kappa of rule and model, and their counts side by side; empty without a model."""
    both = [one for one in turns if one.model is not None]
    table = pd.DataFrame(
        [(one.rule.signal, one.model) for one in both], columns=["rule", "model"], dtype="str"
    )
    counts = table.value_counts().sort_index().rename("n").reset_index()
    if not both:
        return pd.DataFrame(columns=[*TIDY, "agreement", "reason", "method"]), counts
    cluster, rows = _codes([one.cluster for one in both]), []
    for signal in (SATISFIED, DISSATISFIED):
        two = [(table[name] == signal).to_numpy(bool) for name in ("rule", "model")]
        raw, kappa = agreement_and_kappa(two[0], two[1], cluster, level)
        rows.append(_kappa(f"{signal} or not", kappa, raw["estimate"], "Cohen's kappa"))
    scores = [table[name].map(_SCORE).fillna(0.0).to_numpy(float) for name in ("rule", "model")]
    same = float((table["rule"] == table["model"]).mean())
    kappa = weighted_kappa(scores[0], scores[1], cluster, level)
    rows.append(_kappa("all three", kappa, same, "kappa with quadratic weights"))
    return pd.DataFrame(rows), counts


def _kappa(term: str, row: dict[str, Any], raw: float, method: str) -> dict[str, Any]:
    told = {name: row.get(name, np.nan) for name in TIDY[1:]}
    return {"term": term, **told, "agreement": raw, "reason": row["reason"],
            "method": f"{method}; interval over conversations or users"}  # fmt: skip


def selection(found: Sequence[Found], level: float) -> pd.DataFrame:
    """Return how conversations that give a pair differ from the others: who complains.

    ``estimate`` is the mean of those with a pair minus that of the others.
    """
    chosen = np.array([one.outcome == PAIR for one in found], bool)
    cluster = _codes([one.cluster for one in found])
    names = pd.Series([one.model_name for one in found], dtype="str").value_counts()
    columns: dict[str, Array] = {
        "answers in the conversation": np.array([one.turns for one in found], float),
        "words of the first request": np.array([one.request_words for one in found], float),
        "words of the first answer": np.array([one.answer_words for one in found], float),
    }
    for name in names.index[:_MODELS] if len(names) > 1 else ():
        columns[f"share of {name}"] = np.array([one.model_name == name for one in found], float)
    rows = [_difference(term, values, chosen, cluster, level) for term, values in columns.items()]
    table = pd.DataFrame(rows)
    return table.assign(q_value=q_values(table["p_value"].to_numpy("float64")))


def _difference(
    term: str, values: Array, chosen: np.ndarray, cluster: Codes, level: float
) -> dict[str, Any]:
    parts = (chosen, ~chosen)
    means = [float(values[part].mean()) if part.any() else np.nan for part in parts]
    row: dict[str, Any] = {"term": term, **dict.fromkeys(TIDY[1:], np.nan)}
    row |= {"n": float(len(values)), "n_clusters": float(count_clusters(cluster)),
            "with_a_pair": means[0], "without": means[1], "method": _SELECTION,
            "reason": "all or none of the conversations give a pair"}  # fmt: skip
    if chosen.all() or not chosen.any():
        return row
    sizes = [count_clusters(cluster[part]) for part in parts]
    if min(sizes) < _FEWEST:
        return row | {"estimate": means[0] - means[1], "reason": FEW}
    few = parts[int(np.argmin(sizes))]
    found = t_row(means[0] - means[1], _apart(values, parts, sizes, cluster), len(values),
                  cluster[few], level)  # fmt: skip
    return row | found | {"n_clusters": row["n_clusters"]}


def _apart(
    values: Array, parts: Sequence[np.ndarray], sizes: Sequence[int], cluster: Codes
) -> float:
    """Return the error of a difference of means of two parts, of which one may be small.

    The few of one part may be alike by chance: they are taken to vary as all conversations do.
    """
    own = np.zeros(len(values))
    for sign, part, size in zip((1, -1), parts, sizes, strict=True):
        inner = values[part]
        own[part] = sign * (inner - inner.mean()) / len(inner) * np.sqrt(size / (size - 1))
    common = float(values.std(ddof=1) * np.sqrt(sum(1 / part.sum() for part in parts)))
    return max(cluster_error(own, cluster), common)


def _codes(names: Sequence[str]) -> Codes:
    return np.unique(np.array(names, dtype=str), return_inverse=True)[1].astype(np.int64)


def paired_shares(pairs: pd.DataFrame, level: float) -> pd.DataFrame:
    """Return how many earlier and later answers of pairs begin with an apology."""
    cluster = _codes(pairs["cluster"].tolist())
    both = [pairs[name].to_numpy(float) for name in ("apologised", "apologises")]
    rows = [
        _row(f"{which} answer begins with an apology", share(values, cluster, level), "pairs")
        for which, values in zip(("earlier", "later"), both, strict=True)
    ]
    gap = paired_difference(both[1] - both[0], cluster, level)
    return pd.DataFrame(
        [*rows, {**_row("later minus earlier", gap, "pairs"), "method": "paired difference"}]
    )
