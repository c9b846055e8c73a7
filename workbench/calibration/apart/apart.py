"""The verb that sets a response's being right and its length apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from workbench.audit.measures import COLUMNS as MEASURED
from workbench.calibration.apart import exchange as traded
from workbench.calibration.apart.accuracies import GAP, place_of, rows
from workbench.calibration.apart.beside import gaps_beside, weights_beside
from workbench.calibration.apart.result import COLUMNS, Apart
from workbench.calibration.apart.sides import Sides, correctness, sides_of
from workbench.calibration.apart.wrong import wrong_choices
from workbench.data.dataset import PreferenceData
from workbench.decompose.decomposition import Decomposition, decompose
from workbench.decompose.errors.tidy import q_values
from workbench.decompose.labelled import Ties
from workbench.errors import DesignError, level_option, refuse_out_of_range
from workbench.provenance import Provenance
from workbench.threads import on_one_thread

WEIGHT = "logit on right, longer and style, CR2 errors over clusters"
EQUAL = "right at equal length"
EXCHANGE = "times as long outweighs right"
_AT_EQUAL = "logistic of the weight of being right"


@on_one_thread
def apart(
    data: PreferenceData,
    *,
    reference: str | None = None,
    correct: str | None = None,
    length: str = "words",
    style: Sequence[str] = (),
    annotators: str | Iterable[str] | None = None,
    against: str | None = None,
    equal: float = 0.1,
    ties: Ties = "half",
    level: float = 0.95,
) -> Apart:
    r"""Say how much of a choice is a response's being right, and how much its length.

    .. math:: \log \frac{P(A)}{P(B)} = b_{right}\, r + b_{longer} \log_2 \frac{l_A}{l_B}
              + \sum_k b_k x_k + \pi s, \qquad r = \pm 1

    Parameters
    ----------
    data : PreferenceData
        Pairs with a right and a wrong response, and labels of whoever chose.
    reference : str, optional
        Annotator or kind whose labels say which response is right; ``objective`` when None.
    correct : str, optional
        In its place: ``x`` for columns ``x_a`` and ``x_b``, such as tests passed, of which the
        right response has more.
    length : str
        ``words``, another text factor, or a pair of columns ``length_a`` and ``length_b``.
    style : sequence of str
        Further factors of the fit: those of the data, text factors, or pairs of columns.
    annotators : str or iterable of str, optional
        Judges; a kind stands for all of it as one. Everybody else, people as one, when None.
    against : str, optional
        Judge beside whom the others are put; people, or else the first by name, when None.
    equal : float
        Two responses are about as long where the longer has at most this part more.
    ties : {"half", "drop"}
    level : float

    Returns
    -------
    Apart

    Raises
    ------
    DesignError
        Nothing says what is right, no such columns, no label that can be used, or an option
        out of range.
    DataError
        An annotator that the data do not have.

    Notes
    -----
    The accuracies are RM-Bench's easy, normal and hard of any set: they differ by length, but
    right responses that are long may be easier for another reason too. The weights set both
    apart at once; :math:`2^{b_{right} / b_{longer}}` is how many times as long a wrong response
    must be to be chosen as often (:func:`workbench.calibration.apart.exchange.exchange`).

    References
    ----------
    Liu et al. (2024), *RM-Bench*, arXiv:2410.16184, for accuracy by style; Fieller (1954); Bell
    and McCaffrey (2002) for the errors; Zou and Donner (2008) for differences of shares.

    Examples
    --------
    >>> import workbench as wb
    >>> from workbench.calibration.apart.planted import planted_lengths
    >>> data = planted_lengths({"sim-judge": (1.0, 0.5)}, prompts=300)
    >>> found = wb.apart(data, length="tokens")
    >>> table = found.to_frame().set_index("term")
    >>> bool(table.loc["times as long outweighs right", "conf_low"] < 4)
    True
    """
    refuse_out_of_range(
        {
            "equal": (0 <= equal < np.inf, equal, "0 or above, such as 0.1"),
            "ties": (ties in ("half", "drop"), ties, "half or drop"),
            "level": level_option(level),
        }
    )
    sides = sides_of(data, reference, correct, length, [*style], annotators)
    options: dict[str, Any] = {"ties": ties, "folds": 0, "level": level}
    fit = decompose(sides.data, by="annotator", factors=sides.terms, **options)
    said = correctness(sides)
    place = place_of(sides.longer, equal)
    told = fit.to_frame()
    lines: list[dict[str, Any]] = []
    for name, (at, values) in said.items():
        lines += [{"group": name, "unit": "share", **row}
                  for row in rows(values, place[at], sides.cluster[at], level)]  # fmt: skip
        lines += _weights(name, fit, told[told["group"].eq(name)], sides.terms, level)
    table = _tested(lines, COLUMNS)
    base = _against(against, list(said))
    beside, notes = _beside(fit, said, place, sides, base, level)
    counts = {what: int((place == sign).sum())
              for sign, what in ((1, "longer"), (0, "as long"), (-1, "shorter"))}  # fmt: skip
    return Apart(
        estimates=table,
        contrast=beside,
        wrong=_tested(list(wrong_choices(sides, said, level)), ("group", "factor", *MEASURED)),
        exclusions=fit.exclusions,
        settings={
            "right": sides.said_by, "length": length, "style": sides.terms[2:],
            "judges": list(said), "against": base, "equal": equal, "ties": ties, "level": level,
            "n_pairs": len(sides.right), "n_clusters": sides.n_clusters, "places": counts,
            "left_out": sides.left_out, "notes": notes,
        },
        provenance=Provenance.capture(dataset=data.digest),
    )  # fmt: skip


def _tested(lines: list[dict[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    table = pd.DataFrame(lines).reindex(columns=list(columns))
    table["q_value"] = q_values(table["p_value"].to_numpy("float64"))
    return table


def _weights(
    name: str, fit: Decomposition, told: pd.DataFrame, terms: list[str], level: float
) -> list[dict[str, Any]]:
    """Return a judge's weights, P(right) at equal length, and what outweighs being right."""
    if told.empty:
        why = "no label that can be used"
        return [{"group": name, "term": f"weight: {term}", "unit": "log-odds", "n": 0.0,
                 "reason": why, "method": WEIGHT} for term in terms]  # fmt: skip
    kept = ("estimate", "std_error", "conf_low", "conf_high", "p_value", "n", "n_clusters",
            "reason")  # fmt: skip
    found = told.set_index("term")
    lines = [
        {"group": name, "term": f"weight: {term}", "unit": "log-odds", "method": WEIGHT,
         "per_sd": found.loc[term, "per_sd"], **found.loc[term, list(kept)].to_dict()}
        for term in terms
    ]  # fmt: skip
    base = {"group": name, "n": lines[0]["n"], "n_clusters": lines[0]["n_clusters"]}
    right = found.loc[terms[0]]
    # the same test as of the weight: no second p-value
    ends = {
        key: float(right[f"probability{end}"])
        for key, end in (("estimate", ""), ("conf_low", "_low"), ("conf_high", "_high"))
    }
    lines.append({**base, "term": EQUAL, "unit": "share", "method": _AT_EQUAL, **ends,
                  "reason": right["reason"]})  # fmt: skip
    one = fit.fits[name]
    at = [fit.terms.index(term) for term in terms[:2]]
    reason = next((line["reason"] for line in lines[:2] if isinstance(line["reason"], str)), None)
    ratio = traded.exchange(one.told[at], one.covariance[np.ix_(at, at)],
                            float(np.min(one.df[at])), level, reason)  # fmt: skip
    lines.append({**base, "term": EXCHANGE, "unit": "times", "method": traded.METHOD, **ratio})
    return lines


def _against(against: str | None, judges: list[str]) -> str | None:
    if against is not None and against not in judges:
        raise DesignError(
            f"There is no judge {against!r} to put others beside.",
            found=", ".join(judges),
            expected="one of the judges that have labels here",
            fix="Name one of these: against= (--against).",
        )
    if len(judges) < 2:
        return None
    return against or ("human" if "human" in judges else judges[0])


def _beside(
    fit: Decomposition, said: dict[str, Any], place: Any, sides: Sides, base: str | None,
    level: float,
) -> tuple[pd.DataFrame, list[str]]:  # fmt: skip
    """Return each judge beside the base: accuracies, and weights; and what could not be done."""
    if base is None:
        return pd.DataFrame(), []
    gaps = gaps_beside(said, place, sides.cluster, base, level)
    weights, notes = weights_beside(fit, base)
    table = pd.concat([one for one in (gaps, weights) if len(one)], ignore_index=True)
    table["q_value"] = q_values(table["p_value"].to_numpy("float64"))
    return table, notes


__all__ = ["EQUAL", "EXCHANGE", "GAP", "apart"]
