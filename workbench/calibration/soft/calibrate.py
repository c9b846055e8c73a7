"""The verb that calibrates verdicts of judges on labels of people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t as student

from workbench.calibration.soft.fits import RAW, Columns, Fitted, fitted, gains
from workbench.calibration.soft.result import CalibratedVerdicts
from workbench.calibration.soft.scores import (
    ERROR_METHOD,
    calibration_error,
    evidence,
    reliability_rows,
    slice_rows,
    worth_gain,
)
from workbench.calibration.soft.signals import SURE, Signals, signals
from workbench.clustered import cluster_error, count_clusters, dense_codes
from workbench.data.dataset import PreferenceData
from workbench.decompose.errors.tidy import q_values
from workbench.errors import (
    DesignError,
    level_option,
    listed,
    refuse_out_of_range,
    seed_option,
    whole,
)
from workbench.provenance import Provenance
from workbench.results import TIDY
from workbench.structure.named import named_once
from workbench.threads import on_one_thread

_METHOD = (
    "each pair by fits that have not seen its prompt; paired t over clusters; a way is kept if "
    "it gains over the one kept before (Bonferroni over the ways); in log losses nothing is surer "
    f"than {1 - SURE:g}; "
    f"calibration error: {ERROR_METHOD}"
)
_COLUMNS = (
    *TIDY, "judge", "calibrator", "log_loss", "brier", "brier_gain", "brier_gain_low",
    "brier_gain_high", "over", "step_gain", "step_low", "step_high", "kept", "n_clusters",
    "method", "reason",
)  # fmt: skip
_WEIGHTS = (*TIDY, "judge", "n_clusters", "method")
_MOST_SLICES = 50


@on_one_thread
def calibrate_verdicts(
    data: PreferenceData,
    judge: str | Sequence[str] | None = None,
    reference: str = "human",
    *,
    by: str | Sequence[str] | None = None,
    factors: Sequence[str] | None = None,
    folds: int = 5,
    level: float = 0.95,
    seed: int = 0,
) -> CalibratedVerdicts:
    r"""Calibrate what judges say on what people say, and keep it where that gains held out.

    .. math:: \operatorname{logit} P(A) = a\, m, \qquad P(A) = f(m), \qquad
              \operatorname{logit} P(A) = (a + a_s)\, m + x'b

    with the judge's margin m (the log-odds of its probability, or the strength of its verdict
    with the sign of its side), a nondecreasing f with :math:`f(-m) = 1 - f(m)`, the coded factor
    differences x, and a slope of its own in each slice s.

    Parameters
    ----------
    data : PreferenceData
    judge : str or sequence of str, optional
        Every annotator that is neither a person nor gold, nor of the reference, when None.
    reference : str
        An annotator or a kind.
    by : str or sequence of str, optional
        Columns of the pairs that make slices: slopes of their own, and errors in each.
    factors : sequence of str, optional
        Factor columns; all that the data have when None, none with an empty list.
    folds : int
        By prompt.
    level : float
    seed : int
        Of the folds.

    Returns
    -------
    CalibratedVerdicts

    Raises
    ------
    DesignError
        No pair of a judge and the reference, fewer prompts than folds, or an option out of range.
    DataError
        A judge, factor or column that the data do not have.

    Notes
    -----
    No way has an intercept: which response is A says nothing. Platt's and the beta calibration
    (Kull, Silva Filho and Flach 2017) with that symmetry are the first way; the second is
    isotonic regression of the labels and their mirror images (Zadrozny and Elkan 2002); the
    third has prior standard deviations of half a logit per root mean square of a difference.
    Calibration does not change how many pairs a judge orders rightly, but for the third way.

    References
    ----------
    Platt (1999); Guo et al. (2017); Kumar, Liang and Ma (2019) for the debiased error.

    Examples
    --------
    >>> import workbench as wb
    >>> found = wb.calibrate_verdicts(wb.load("sample"), "sim-judge-length")
    >>> found.judges[["says", "kept", "n"]].values.tolist()
    [['verdict', 'logistic', 1954.0]]
    """
    refuse_out_of_range(
        {
            "level": level_option(level),
            "seed": seed_option(seed),
            "folds": (whole(folds, 2), folds, "a whole number, 2 or more"),
        }
    )
    data = data.decided()
    found = signals(data, judge, reference, folds, seed)
    slices, by_names = _slices(data, by)
    columns, notes = _columns(data, named_once(factors), slices)
    parts = [fitted(found, j, columns, folds) for j in range(len(found.judges))]
    tables: dict[str, list[dict[str, Any]]] = {"gains": [], "judges": [], "reliability": [],
                                               "weights": []}  # fmt: skip
    by_slice, verdicts = [], []
    kinds = data.annotators.set_index("annotator")["kind"]
    ids = data.pairs["pair_id"]
    for j, one in enumerate(parts):
        kept = _add_judge(tables, found, j, one, columns, level)
        name = found.judges[j]
        verdicts.append(pd.DataFrame({
            "pair_id": ids.take(one.judged).array, "annotator": name, "kind": kinds[name],
            "as_given": one.p[RAW], "calibrated": one.p[kept],
        }))  # fmt: skip
        if slices is not None:
            by_slice += _by_slice(found, name, one, kept, slices, level)
    settings: dict[str, Any] = {
        "judges": found.judges,
        "reference": reference,
        "reference_is": data.noun(reference),
        "by": by_names,
        "factors": [] if columns is None else columns.names,
        "folds": folds,
        "level": level,
        "criterion": data.criteria[0] if len(data.criteria) == 1 else "overall",
        "notes": notes,
        "method": _METHOD,
    }
    return CalibratedVerdicts(
        estimates=_gains(tables["gains"]),
        judges=pd.DataFrame(tables["judges"]),
        reliability=pd.DataFrame(tables["reliability"] or {"judge": [], "verdicts": []}),
        weights=_weights(tables["weights"]),
        slices=_with_q(pd.concat(by_slice, ignore_index=True)) if by_slice else pd.DataFrame(),
        exclusions=found.exclusions,
        verdicts=pd.concat(verdicts, ignore_index=True),
        settings=settings,
        provenance=Provenance.capture(seed=seed, dataset=data.digest),
    )


def _add_judge(
    tables: dict[str, list[dict[str, Any]]],
    found: Signals,
    j: int,
    one: Fitted,
    columns: Columns | None,
    level: float,
) -> str:
    """Add the rows of one judge to the tables, and return which way is kept."""
    name = found.judges[j]
    y = found.y[one.labelled]
    code = dense_codes(found.cluster[one.labelled])
    rows, kept = gains(one, found, level) if one.reason is None else ([], RAW)
    if one.reason is not None:
        nothing = {"calibrator": "none", "n": float(len(y)), "reason": one.reason,
                   "n_clusters": float(count_clusters(code))}  # fmt: skip
        rows = [nothing]
    tables["gains"] += [{**row, "term": f"{name}: {row['calibrator']}", "judge": name,
                         "kept": row["calibrator"] == kept} for row in rows]  # fmt: skip
    record: dict[str, Any] = {"term": name, "says": found.kinds[j], "kept": kept,
                              "n": float(len(y)), "n_judged": float(len(one.judged))}  # fmt: skip
    told: list[tuple[dict[str, Any], dict[str, Any]]] = []
    for when, way in (("before", RAW), ("after", kept)):
        p = one.p[way][one.at]
        if when == "after" and kept == RAW:
            error, use = told[0]
        else:
            error = calibration_error(p, y, code, level)
            use = evidence(p, y, code, len(one.judged), level)
            tables["reliability"] += [{"judge": name, "verdicts": way, **row}
                                      for row in reliability_rows(p, y, code, level)]  # fmt: skip
        told.append((error, use))
        record |= {f"error_{when}": error["estimate"], f"error_{when}_low": error["conf_low"],
                   f"error_{when}_high": error["conf_high"]}  # fmt: skip
        for key in ("rho", "worth"):
            ends = {f"{key}_{when}{end}": use[f"{key}{end}"] for end in ("", "_low", "_high")}
            record |= ends
        record[f"labels_{when}"] = use["labels"]
    record |= worth_gain(told[0][1], told[1][1], code, level)
    why = [one.reason, told[0][0]["reason"], told[0][1]["reason"]]
    record |= {"slope": one.slope, "n_clusters": float(count_clusters(code)),
               "reason": next((text for text in why if text), None)}  # fmt: skip
    tables["judges"].append(record)
    tables["weights"] += _weight_rows(name, one, columns, code, level)
    return kept


def _weight_rows(
    name: str, one: Fitted, columns: Columns | None, code: Any, level: float
) -> list[dict[str, Any]]:
    if one.weights is None or columns is None:
        return []
    G = count_clusters(code)
    rows = []
    for k, term in enumerate(columns.terms):
        value = float(one.weights.weights[k])
        error = cluster_error(one.weights.influence[:, k], code)
        known = error > 0
        half = float(student.ppf(0.5 + level / 2, max(G - 1, 1))) * error
        p = 2 * float(student.sf(abs(value) / error, max(G - 1, 1))) if known else np.nan
        rows.append({
            "term": term, "judge": name, "estimate": value, "std_error": error if known else np.nan,
            "conf_low": value - half if known else np.nan,
            "conf_high": value + half if known else np.nan, "p_value": p, "n": float(len(code)),
            "n_clusters": float(G), "method": "penalised logit of all labels, cluster-robust t",
        })  # fmt: skip
    return rows


def _by_slice(
    found: Signals, name: str, one: Fitted, kept: str, slices: pd.Categorical, level: float
) -> list[pd.DataFrame]:
    y, cluster = found.y[one.labelled], found.cluster[one.labelled]
    code = slices.codes[one.labelled].astype(np.int64)
    tables = []
    for way in dict.fromkeys((RAW, kept)):
        table = slice_rows(one.p[way][one.at], y, cluster, code, level)
        if len(table):
            named = slices.categories.take(table["slice"]).array
            tables.append(table.assign(judge=name, verdicts=way, slice=named))
    return tables


def _slices(
    data: PreferenceData, by: str | Sequence[str] | None
) -> tuple[pd.Categorical | None, list[str]]:
    names = [] if by is None else listed("by", by)
    unknown = [name for name in names if name not in data.pairs]
    if unknown:
        raise DesignError(
            f"The pairs have no column {unknown[0]!r}.",
            found=", ".join(map(str, data.pairs)),
            expected="columns of the pairs that make slices",
            fix="Name one of these in by=.",
        )
    if not names:
        return None, []
    parts = [data.pairs[name].astype("str").fillna("(none)") for name in names]
    joined = parts[0].str.cat(parts[1:], sep=" · ") if len(parts) > 1 else parts[0]
    slices = pd.Categorical(joined)
    if len(slices.categories) > _MOST_SLICES:
        raise DesignError(
            "There are too many slices.",
            found=f"{len(slices.categories):,} values of {', '.join(names)}",
            expected=f"{_MOST_SLICES} at the most",
            fix="Name a column with fewer values in by=.",
        )
    return slices, names


def _columns(
    data: PreferenceData, factors: list[str] | None, slices: pd.Categorical | None
) -> tuple[Columns | None, list[str]]:
    names = data.factor_names if factors is None else factors
    unknown = [name for name in names if name not in data.factor_names]
    if unknown:
        raise DesignError(
            f"The data have no factor {unknown[0]!r}.",
            found=", ".join(data.factor_names) or "no factor columns",
            expected="names of scored factors",
            fix="Score them first: data = workbench.score_factors(data).",
        )
    values = data.factors[names].to_numpy("float64") if names else np.empty((len(data), 0))
    lacking = int((~np.isfinite(values)).any(axis=1).sum())
    notes = [f"{lacking:,} pairs lack a factor value, which counts as no difference"] * (
        lacking > 0
    )
    levels: list[str] = []
    member = np.zeros((len(data), 0), dtype=bool)
    if slices is not None and len(slices.categories) > 1:
        levels = slices.categories.tolist()
        member = slices.codes[:, None] == np.arange(len(levels))
    if not names and not levels:
        return None, [*notes, "no factors and no slices: the way with factors is left out"]
    return Columns(np.nan_to_num(values, posinf=0.0, neginf=0.0), names, member, levels), notes


def _gains(rows: list[dict[str, Any]]) -> pd.DataFrame:
    table = _with_q(pd.DataFrame(rows).reindex(columns=list(_COLUMNS)))
    how = "gain in held-out log loss, paired t over clusters"
    return table.assign(method=how)


def _weights(rows: list[dict[str, Any]]) -> pd.DataFrame:
    return _with_q(pd.DataFrame(rows).reindex(columns=list(_WEIGHTS))) if rows else pd.DataFrame()


def _with_q(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(q_value=q_values(table["p_value"].to_numpy("float64")))
