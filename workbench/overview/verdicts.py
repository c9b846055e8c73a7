"""One row a judge: how far it agrees, how sharp it is, whether it has the reference's taste."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from workbench.compare.contrast import Contrast
from workbench.decompose.decomposition import Decomposition
from workbench.decompose.design import POSITION
from workbench.finding import Finding
from workbench.overview.rules import Q_LEVEL
from workbench.overview.taste import clear_differences

WORDS = {
    "opposite": "its taste is the opposite",
    "unrelated": "no taste is surely shared",
    "differs": "a factor weighs otherwise, or all of them together do, sharpness apart",
    "biased": "no factor surely weighs otherwise, but the place of a response counts",
    "alike": "every factor that can be told weighs the same within the margin",
    "unclear": "no factor surely weighs otherwise, and not all can be told to weigh the same",
    "no reference": "nobody to compare it with",
    "no weights": "its verdicts alone are compared",
}
"""One word on a judge, and what it means; of several the first that holds."""

COLUMNS = (
    "judge", "verdict", "agreement", "agreement_low", "agreement_high", "n_pairs", "sharpness",
    "sharpness_low", "sharpness_high", "same_taste", "differ", "equivalent", "cannot_tell",
    "undefined", "first_preferred", "first_preferred_low", "first_preferred_high", "n", "reason",
)  # fmt: skip


def verdicts(
    judges: Decomposition | None, gap: Contrast | None, found: Sequence[Finding]
) -> pd.DataFrame:
    """Return one row a judge.

    Parameters
    ----------
    judges : Decomposition or None
    gap : Contrast or None
        Of those judges.
    found : sequence of Finding
        Of both.

    Returns
    -------
    DataFrame
        ``judge``; ``verdict``, a key of :data:`WORDS`; ``agreement`` with the reference on the
        ``n_pairs`` that both decide; ``sharpness``, the ratio of its weights to the
        reference's; ``same_taste`` (``no`` where the test of proportional weights says so at
        q < .05 or a factor differs, ``yes`` where all told factors are equivalent, else
        ``cannot tell``); how many factors ``differ``, are ``equivalent``, ``cannot_tell`` or
        are ``undefined``; ``first_preferred``, P(the response shown first is preferred, all
        else equal); intervals as ``_low`` and ``_high``; ``n`` labels; ``reason`` where
        something is undefined.
    """
    if judges is None:
        return pd.DataFrame(columns=list(COLUMNS))
    table = judges.to_frame()
    rows = [
        {
            "judge": group,
            **_beside(gap, group, table[table["group"].eq(group)], found),
            **_first(table, group),
            "n": judges.fits[group].n,
        }
        for group in judges.groups
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _beside(
    gap: Contrast | None, group: str, own: pd.DataFrame, found: Sequence[Finding]
) -> dict[str, Any]:
    """Return what a contrast says of a judge."""
    if gap is None:
        lost = int(own.loc[own["term"].ne(POSITION), "estimate"].isna().sum())
        return {"verdict": "no reference", "same_taste": "cannot tell", "undefined": lost,
                "reason": WORDS["no reference"]}  # fmt: skip
    scale = gap.scale[gap.scale["group"].eq(group)].iloc[0]
    both = gap.agreement[gap.agreement["group"].eq(group)].iloc[0]
    rows = gap.estimates[gap.estimates["group"].eq(group) & gap.estimates["term"].ne(POSITION)]
    differ = int(clear_differences([gap])["group"].eq(group).sum())
    equivalent, undefined = (int(rows["verdict"].eq(k).sum()) for k in ("equivalent", "undefined"))
    counts = {
        "differ": differ,
        "equivalent": equivalent,
        "cannot_tell": len(rows) - differ - equivalent - undefined,
        "undefined": undefined,
    }
    same = _same(counts, scale)
    crossed = {one.rule_id for one in found if one.group == group}
    whys = (both["reason"], scale["reason"] if np.isnan(scale["ratio"]) else None)
    return {
        "verdict": _word(same, crossed),
        "agreement": both["agreement"],
        "agreement_low": both["agreement_low"],
        "agreement_high": both["agreement_high"],
        "n_pairs": int(both["n"]),
        "sharpness": scale["ratio"],
        "sharpness_low": scale["ratio_low"],
        "sharpness_high": scale["ratio_high"],
        "same_taste": same,
        **counts,
        "reason": "; ".join(str(why) for why in whys if pd.notna(why)) or None,
    }


def _same(counts: dict[str, int], scale: pd.Series) -> str:
    if counts["differ"] or scale["q_value"] < Q_LEVEL:
        return "no"
    return "yes" if counts["equivalent"] and not counts["cannot_tell"] else "cannot tell"


def _word(same: str, crossed: set[str]) -> str:
    if "opposite-taste" in crossed:
        return "opposite"
    if "no-common-taste" in crossed:
        return "unrelated"
    if same == "no":
        return "differs"
    if "position-bias" in crossed:
        return "biased"
    return "alike" if same == "yes" else "unclear"


def _first(table: pd.DataFrame, group: str) -> dict[str, float]:
    row = table[table["group"].eq(group) & table["term"].eq(POSITION)].iloc[0]
    names = ("probability", "probability_low", "probability_high")
    return {name.replace("probability", "first_preferred"): float(row[name]) for name in names}


def in_words(table: pd.DataFrame) -> pd.DataFrame:
    """Return verdict rows as text for people: one cell a number with its interval.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["length"])
    >>> fits = wb.decompose(data, annotator=["sim-reward"], factors=["words"], folds=0)
    >>> row = in_words(verdicts(fits, None, [])).iloc[0]
    >>> row["Judge"], row["Verdict"], row["Agreement"]
    ('sim-reward', 'no reference', 'cannot tell')
    """
    rows = [
        {
            "Judge": row["judge"],
            "Verdict": row["verdict"],
            "Agreement": _ends(row, "agreement", 100, "%"),
            "Pairs": "–" if pd.isna(row["n_pairs"]) else f"{row['n_pairs']:,.0f}",
            "Sharpness": _ends(row, "sharpness", 1, ""),
            "Same taste": row["same_taste"],
            "Differs in": _counts(row),
            "First wins": _ends(row, "first_preferred", 100, "%"),
        }
        for row in table.to_dict("records")
    ]
    return pd.DataFrame(rows)


def _ends(row: dict[str, Any], name: str, unit: float, sign: str) -> str:
    value, low, high = (unit * row[f"{name}{end}"] for end in ("", "_low", "_high"))
    if not np.isfinite(value):
        return "cannot tell"
    form = ".0f" if sign else ".2f"
    ends = f" [{low:{form}}, {high:{form}}]" if np.isfinite([low, high]).all() else " (no interval)"
    return f"{value:{form}}{sign}{ends}"


def _counts(row: dict[str, Any]) -> str:
    counts = [row["differ"], row["equivalent"], row["cannot_tell"]]
    none = pd.isna(counts).any() or not sum(counts)
    return "–" if none else f"{counts[0]:.0f} of {sum(counts):.0f}"
