"""Which response of a pair is right, how much longer it is, and who chose it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.audit.judges.verdicts.preferences import reference_mask, reference_preference
from workbench.clustered import Array, Codes
from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError
from workbench.factors import STYLE
from workbench.factors.catalog import FactorSpec
from workbench.factors.coding import Coding
from workbench.factors.score import score_factors, with_coded
from workbench.structure.values.choices import judges_in

RIGHT = "right"
_PLAIN = Coding("difference", standardise=False)
_TEXT = {spec.name: spec for spec in STYLE}


@dataclass(frozen=True, eq=False)
class Sides:
    """Pairs of which one response is right, and the judges who chose.

    Attributes
    ----------
    data : PreferenceData
        These pairs and the judges' labels, with the factors ``terms``.
    terms : list of str
        Factors of the fit: right, longer, style.
    right : ndarray, shape (pairs,)
        +1 where A is right, -1 where B is.
    longer : ndarray, shape (pairs,)
        Doublings by which the right response is the longer one; below 0 where it is shorter.
    cluster : ndarray of int, shape (pairs,)
    left_out : dict of str to int
        Pairs left out, by reason.
    said_by : str
        What says which is right.
    """

    data: PreferenceData
    terms: list[str]
    right: Array
    longer: Array
    cluster: Codes
    left_out: dict[str, int]
    said_by: str

    @property
    def n_clusters(self) -> int:
        """Number of clusters."""
        return len(np.unique(self.cluster))


def sides_of(
    data: PreferenceData,
    reference: str | None,
    correct: str | None,
    length: str,
    style: Sequence[str],
    annotators: str | Iterable[str] | None,
) -> Sides:
    """Return the pairs whose right response is known and whose lengths are, with who chose.

    Parameters
    ----------
    data : PreferenceData
    reference, correct, length, style, annotators
        As :func:`workbench.apart` takes them.
    """
    data = data.decided()
    right, by, left = _right(data, reference, correct)
    a, b = _values(data, length)
    known = right != 0
    measured = (a > 0) & (b > 0) & np.isfinite(a) & np.isfinite(b)
    left[f"no {length} of both responses above 0"] = int((known & ~measured).sum())
    keep = known & measured
    if not keep.any():
        raise DesignError(
            "No pair has a right response and two lengths.",
            found="; ".join(f"{n:,} pairs: {why}" for why, n in left.items() if n),
            expected="pairs of which one response is right, both with something to measure",
            fix="Name what says which is right (reference= or correct=), and another length=.",
        )
    theirs = np.zeros(len(data.labels), dtype=bool)
    if correct is None:
        theirs = reference_mask(data, by)
    others = sorted(set(data.labels.loc[~theirs, "annotator"]))
    if not others:
        raise _nobody(by)
    wanted: str | Iterable[str] | None = annotators
    if annotators is None:
        kinds = dict(zip(data.annotators["annotator"], data.annotators["kind"], strict=True))
        people = [name for name in others if kinds[name] == "human"]
        alone = [name for name in others if len(people) < 2 or name not in people]
        wanted = [*alone, *(["human"] if len(people) > 1 else [])]
    chosen = judges_in(data.filter(annotators=others), wanted)
    with np.errstate(divide="ignore", invalid="ignore"):
        doublings = np.where(measured, np.log2(a) - np.log2(b), np.nan)
    coded, terms = _coded(chosen, right, doublings, length, style)
    coded = coded.filter(pair_ids=data.pairs["pair_id"][keep])
    if not coded.labels["preference"].notna().any():
        raise _nobody(by)
    at = pd.Index(data.pairs["pair_id"]).get_indexer(coded.pairs["pair_id"])
    return Sides(
        data=coded, terms=terms, right=right[at], longer=(right * doublings)[at],
        cluster=pd.factorize(coded.pairs["cluster"], sort=True)[0].astype(np.int64),
        left_out={why: n for why, n in left.items() if n}, said_by=correct or by,
    )  # fmt: skip


def _nobody(by: str) -> DesignError:
    return DesignError(
        "Nobody has chosen between a right and a wrong response.",
        found=f"no verdict on such pairs but what {by} says",
        expected="labels of a judge, a reward model or people beside what is right",
        fix="Ask a judge first (workbench judge), or name another reference=.",
    )


def correctness(sides: Sides) -> dict[str, tuple[NDArray[np.int64], Array]]:
    """Return each judge's pairs, ascending, and how often it was right on each: a tie by half."""
    labels, rows = sides.data.labels, sides.data.pair_rows
    preference = labels["preference"].to_numpy("float64")
    weight = labels["weight"].to_numpy("float64")
    use = np.isfinite(preference) & (weight > 0)
    value = (np.sign(preference - 0.5) * sides.right[rows] + 1) / 2
    who, found = labels["annotator"].to_numpy(str), {}
    for name in sorted(set(who[use])):
        mine = use & (who == name)
        total = np.bincount(rows[mine], weight[mine], len(sides.right))
        sums = np.bincount(rows[mine], weight[mine] * value[mine], len(sides.right))
        at = np.flatnonzero(total)
        found[name] = (at, sums[at] / total[at])
    return found


def _right(
    data: PreferenceData, reference: str | None, correct: str | None
) -> tuple[Array, str, dict[str, int]]:
    """Return +1 where A is right, -1 where B is, else 0; who says so; pairs without, by reason."""
    if correct is not None:
        if reference is not None:
            raise DesignError(
                "Two things say which response is right.",
                found=f"reference {reference!r} and columns {correct!r}",
                expected="one of them",
                fix="Leave one of them out.",
            )
        a, b = _values(data, correct)
        with np.errstate(invalid="ignore"):  # two infinities are alike
            more = np.where(a == b, 0.0, np.sign(a - b))
        return np.nan_to_num(more), correct, {
            f"neither response has more {correct}": int((more == 0).sum()),
            f"no number {correct} of both responses": int(np.isnan(more).sum()),
        }  # fmt: skip
    kinds = set(data.annotators["kind"])
    name = reference or ("objective" if "objective" in kinds else None)
    if name is None or not reference_mask(data, name).any():
        raise DesignError(
            "Nothing says which response is right.",
            found=f"annotators {', '.join(data.annotators['annotator'][:12])}",
            expected="labels of kind objective, an annotator who is right, or a pair of columns",
            fix="Name the annotator (reference=, --reference), or columns x_a and x_b of which "
            "the right response has more (correct=, --correct x).",
        )
    preferred = np.sign(reference_preference(data, name) - 0.5)
    found = preferred.reindex(data.pairs["pair_id"]).to_numpy("float64")
    found = np.nan_to_num(found)
    return found, name, {f"no decided answer of {name}": int((found == 0).sum())}


def _values(data: PreferenceData, name: str) -> tuple[Array, Array]:
    """Return the raw values of both sides: of a pair of columns, a factor, or of the texts."""
    sides = [f"{name}_{side}" for side in "ab"]
    for table in (data.pairs, data.factor_values):
        if set(sides) <= set(table):
            found = [pd.to_numeric(table[side], errors="coerce") for side in sides]
            if all(one.notna().any() for one in found):
                return found[0].to_numpy("float64"), found[1].to_numpy("float64")
    if name in _TEXT and data.pairs["response_a"].notna().any():
        values = score_factors(data, [_TEXT[name]]).factor_values
        return values[sides[0]].to_numpy("float64"), values[sides[1]].to_numpy("float64")
    raise DesignError(
        f"There is no {name!r} of both responses.",
        found=", ".join(sorted({c[:-2] for c in data.pairs if str(c).endswith("_a")})),
        expected=f"columns {name}_a and {name}_b of numbers, or a text factor such as words",
        fix="Check the spelling; what is right, or how long it is, must be told of both sides.",
    )


def _coded(
    data: PreferenceData, right: Array, doublings: Array, length: str, style: Sequence[str]
) -> tuple[PreferenceData, list[str]]:
    """Return the data with being right, length and style as factors, and their names."""
    longer = f"longer ({length}, per doubling)"
    specs = [
        FactorSpec(RIGHT, "1 for the right response.", "user", "score", _PLAIN, "column"),
        FactorSpec(longer, f"Binary logarithm of {length}.", "user", "score", _PLAIN, "column"),
    ]
    # half a step on each side: the weight is that of right against wrong
    a = np.column_stack([right / 2, doublings / 2])
    given = data
    data = with_coded(data, specs, a, -a)
    names = [name for name in dict.fromkeys(style) if name not in (RIGHT, longer)]
    for name in names:
        if name not in data.factor_names:
            one, other = _values(given, name)
            spec = FactorSpec(name, f"{name} of the response.", "user", "score",
                              Coding("difference"), "column")  # fmt: skip
            data = with_coded(data, [spec], one[:, None], other[:, None])
    return data, [RIGHT, longer, *names]
