"""Measured results that crossed a stated threshold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from workbench.decompose.contrast import Contrast
from workbench.decompose.decomposition import Decomposition
from workbench.decompose.design import POSITION
from workbench.results import Result

Q_LEVEL = 0.05
"""A finding needs a q-value below this."""

SLOT_POINTS = 0.025
"""A position bias needs P(first preferred | all else equal) this far from one half."""


@dataclass(frozen=True)
class Finding:
    """A result that a reader should act on.

    Attributes
    ----------
    rule_id : str
        ``position-bias``, ``differs-from-reference``, ``no-better-than-baseline`` or
        ``undefined-weight``.
    level : str
        ``warning`` or ``note``.
    message : str
    estimate, conf_low, conf_high : float
        NaN where the finding is not a number.
    threshold : str
        What was crossed.
    n : int
    help : str
        What to do.
    """

    rule_id: str
    level: str
    message: str
    estimate: float
    conf_low: float
    conf_high: float
    threshold: str
    n: int
    help: str

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as plain values."""
        return asdict(self)


def find(results: Iterable[Result]) -> list[Finding]:
    """Return the findings of results, differences first."""
    results = list(results)
    contrasts = [r for r in results if isinstance(r, Contrast)]
    fits = [r for r in results if isinstance(r, Decomposition)]
    found = [f for r in contrasts for f in _differences(r)]
    for fit in fits:
        found += _position_bias(fit) + _useless(fit)
    for fit in fits:
        found += _undefined(fit)
    return found


def _differences(result: Contrast) -> list[Finding]:
    table = result.to_frame()
    clear = table[(table["q_value"] < Q_LEVEL) & (table["term"] != POSITION)]
    clear = clear.reindex(clear["estimate"].abs().sort_values(ascending=False).index)
    return [
        Finding(
            "differs-from-reference",
            "warning",
            f"{row['group']} weighs {row['term']} {'more' if row['estimate'] > 0 else 'less'} "
            f"than {row['reference']}",
            row["estimate"],
            row["conf_low"],
            row["conf_high"],
            f"q < {Q_LEVEL}",
            int(row["n"]),
            "Do not let this judge stand for the reference where the factor varies.",
        )
        for row in clear.to_dict("records")
    ]


def _position_bias(result: Decomposition) -> list[Finding]:
    table = result.to_frame()
    slot = table[(table["term"] == POSITION) & (table["q_value"] < Q_LEVEL)]
    slot = slot[(slot["probability"] - 0.5).abs() > SLOT_POINTS]
    return [
        Finding(
            "position-bias",
            "warning",
            f"{row['group']} prefers the response shown "
            f"{'first' if row['estimate'] > 0 else 'second'}, all else equal: P(first)",
            row["probability"],
            row["probability_low"],
            row["probability_high"],
            f"q < {Q_LEVEL} and more than {SLOT_POINTS:.1%} from one half",
            int(row["n"]),
            "Ask this judge in both orders and average.",
        )
        for row in slot.to_dict("records")
    ]


def _useless(result: Decomposition) -> list[Finding]:
    """Report fits whose held-out log-loss is not below every baseline's."""
    found = []
    for group, table in result.held_out.groupby("group", sort=False):
        scores = table.set_index("predictor")
        fit = scores.loc["factors"]
        rest = scores.drop(index="factors")["log_loss"].dropna()
        if rest.empty or not np.isfinite(fit["log_loss"]) or fit["log_loss_high"] < rest.min():
            continue
        found.append(
            Finding(
                "no-better-than-baseline",
                "note",
                f"The factors predict held-out labels of {group} not clearly better than "
                f"the baseline {rest.idxmin()}: log-loss",
                fit["log_loss"],
                fit["log_loss_low"],
                fit["log_loss_high"],
                f"interval not below {rest.min():.3f}",
                int(fit["n"]),
                "Read this annotator's weights with care, or add factors.",
            )
        )
    return found


def _undefined(result: Decomposition) -> list[Finding]:
    table = result.to_frame()
    lost = table[table["reason"].notna() & (table["term"] != POSITION)]
    merged = lost.groupby(["term", "reason"], sort=False)["group"].agg(list)
    return [
        Finding(
            "undefined-weight",
            "note",
            f"No weight for {term} ({_some(groups, result.groups)}): {reason}",
            float("nan"),
            float("nan"),
            float("nan"),
            "the labels cannot tell it",
            int(lost["n"].max()),
            "Leave the factor out, or label pairs in which it varies.",
        )
        for (term, reason), groups in merged.items()
    ]


def _some(groups: list[str], everyone: list[str]) -> str:
    if len(groups) == len(everyone):
        return "every annotator" if len(groups) > 1 else groups[0]
    shown = ", ".join(groups[:3])
    return shown if len(groups) <= 3 else f"{shown} and {len(groups) - 3} more"


def findings_frame(found: list[Finding]) -> pd.DataFrame:
    """Return findings as a table."""
    return pd.DataFrame(
        [finding.to_dict() for finding in found], columns=list(Finding.__dataclass_fields__)
    )
