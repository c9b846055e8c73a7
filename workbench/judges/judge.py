"""The verb that lets judges label pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from workbench.data.columns import OVERALL, complete_labels
from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError, refuse_out_of_range
from workbench.json_values import json_ready
from workbench.judges.base import Judge
from workbench.judges.measures import measures
from workbench.judges.result import Judgement
from workbench.llm.progress import spending_frame
from workbench.provenance import Provenance

_LONGEST = 500


def judge(
    data: PreferenceData, judges: Sequence[Judge] | Judge, *, level: float = 0.95
) -> Judgement:
    """Let judges label the pairs, and measure how far their verdicts can be trusted.

    Parameters
    ----------
    data : PreferenceData
    judges : Judge or sequence of Judge
        Such as :class:`ChatJudge`, :class:`GradeJudge`, :class:`RewardJudge`,
        :class:`RuleJudge`.
    level : float
        Confidence level of the intervals.

    Returns
    -------
    Judgement
        Its ``data`` hold the labels: each judge is an annotator, and decomposes like one.

    Raises
    ------
    DesignError
        A name that an annotator has already, or no judge.
    JudgeError
        A judge cannot be asked at all.

    Examples
    --------
    >>> import workbench as wb
    >>> found = wb.judge(wb.load("sample"), wb.RuleJudge("longer"))
    >>> found.to_frame().set_index("term").loc["consistency", "estimate"]
    np.float64(1.0)
    """
    judges = list(judges) if isinstance(judges, Sequence) else [judges]
    refuse_out_of_range({"level": (0 < level < 1, level, "a number between 0 and 1")})
    _check(data, judges)
    parts = [
        one.verdicts(data).assign(annotator=one.name, kind=one.kind)
        for one in judges
    ]  # fmt: skip
    given = pd.concat(parts, ignore_index=True)
    if "criterion" not in given:
        # what the other labels answer: the judge is held against them
        given["criterion"] = data.criteria[0] if data.criteria else OVERALL
    new = complete_labels(given)
    failures = _failures(new)
    labels = pd.concat([data.labels, new.drop(columns="failure", errors="ignore")])
    judged = replace(data, labels=complete_labels(labels))
    judged.check()
    table = pd.concat([measures(judged, one.name, level) for one in judges], ignore_index=True)
    known = table["p_value"].notna()
    if known.any():
        # it loads what asking judges does not need
        from scipy.stats import false_discovery_control

        table.loc[known, "q_value"] = false_discovery_control(table.loc[known, "p_value"])
    made = [json_ready(one.settings()) for one in judges]
    return Judgement(
        data=judged,
        measures=table,
        verdicts=_verdicts(new),
        failures=failures,
        spending=_spending(made),
        settings={"level": level, "judges": made},
        provenance=Provenance.capture(dataset=data.digest),
    )


def _check(data: PreferenceData, judges: list[Judge]) -> None:
    names = [one.name for one in judges]
    taken = sorted({*data.annotators["annotator"]} & {*names})
    if not names or taken or len(set(names)) < len(names):
        raise DesignError(
            "The names of the judges cannot be used." if names else "There is no judge.",
            found=", ".join(taken or names) or "an empty list",
            expected="one name a judge that no annotator of the data has",
            fix="Give the judge another name (name=..., --name on the command line).",
        )
    # before anything is asked: which of several questions would the judge answer?
    data.decided()


def _verdicts(labels: pd.DataFrame) -> pd.DataFrame:
    said = pd.Series("soft", index=labels.index)
    said[labels["preference"] == 1.0], said[labels["preference"] == 0.0] = "A", "B"
    said[labels["preference"] == 0.5] = "tie"
    said[labels["preference"].isna()] = labels["reason"]
    table = pd.DataFrame(
        {
            "group": labels["annotator"],
            "order_shown": labels["order_shown"].fillna("not stated"),
            "verdict": said,
        }
    )
    return table.value_counts(sort=False).sort_index().rename("labels").reset_index()


def _failures(labels: pd.DataFrame) -> pd.DataFrame:
    """Return labels without a verdict by reason, with an example of what was heard."""
    lost = labels[labels["preference"].isna()]
    why = lost["failure"].astype("str") if "failure" in lost else pd.Series(dtype="str")
    # the detail after a colon differs from reply to reply
    reason = why.str.partition(":")[0] if len(why) else why
    reason = reason.where(reason.notna(), lost["reason"])
    rows: list[dict[str, Any]] = []
    for (name, text), part in lost.groupby([lost["annotator"], reason], sort=True):
        raw = part["raw"].dropna()
        example = None if raw.empty else str(raw.iloc[0])[:_LONGEST]
        pair = part["pair_id"].iloc[0]
        rows.append(
            {"group": name, "reason": text, "count": len(part), "pair_id": pair, "raw": example}
        )
    return pd.DataFrame(rows, columns=["group", "reason", "count", "pair_id", "raw"])


def _spending(settings: list[dict[str, Any]]) -> pd.DataFrame:
    parts = [
        spending_frame(one["spending"]).assign(group=one["name"])
        for one in settings
        if one.get("spending")
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
