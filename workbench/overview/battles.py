"""What can be said of labels without a fit: of battles without text, or where none can be made."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from workbench.audit.judges.verdicts.board import judge_board
from workbench.data.dataset import PreferenceData
from workbench.errors import WorkbenchError
from workbench.overview.findings import find
from workbench.overview.point import Point
from workbench.overview.points import MOST, of_one
from workbench.overview.verdicts import COLUMNS
from workbench.overview.words import counted, few, who
from workbench.ratings.bradley_terry import rate
from workbench.ratings.result import Ratings

_PEOPLE = "human"


def rated(data: PreferenceData) -> Ratings | None:
    """Return the ratings of the models by the people, or else by everybody; None without any."""
    people = data.annotators["kind"].eq(_PEOPLE).any()
    try:
        return rate(data, annotator=_PEOPLE if people else None)
    except WorkbenchError:
        return None


def points_of(data: PreferenceData, ratings: Ratings | None, judges: pd.DataFrame) -> list[Point]:
    """Return what was lost, whom models were preferred to, and how far judges agree."""
    found = [of_one(data, one) for one in find([], data, pairs=False)]
    found += [] if ratings is None else _best(data, ratings)
    found += [_agrees(row) for row in judges.to_dict("records") if np.isfinite(row["agreement"])]
    return found[:MOST]


def _best(data: PreferenceData, ratings: Ratings) -> list[Point]:
    table = ratings.to_frame()
    table = table[np.isfinite(table["estimate"])]
    if table.empty:
        return []
    row = table.iloc[0]
    of = "people" if data.annotators["kind"].eq(_PEOPLE).any() else "the annotators"
    alone = row["rank_high"] == 1
    others = table.loc[table["rank_low"].eq(1), "term"].astype(str).tolist()
    told = (f"prefer {row['term']} to every other model" if alone
            else f"cannot be said to prefer one of {few(others)}")  # fmt: skip
    return [
        Point(
            message=f"{of[0].upper()}{of[1:]} {told}: rating {row['estimate']:+.2f} logits "
            f"[{row['conf_low']:.2f}, {row['conf_high']:.2f}], rank {row['rank']:.0f} "
            f"[{row['rank_low']:.0f}, {row['rank_high']:.0f}] of {len(table)}, {row['n']:,} labels",
            level="note",
            rule_id="rated-first",
            why="Ratings say who was preferred to whom, and nothing of why.",
            how_sure=f"{ratings.settings['level']:.0%} interval and rank set, {row['method']}; "
            f"n = {row['n']:,} labels of this model.",
            to_do="See all models under Leaderboard.",
            n=int(row["n"]),
            estimate=row["estimate"],
            conf_low=row["conf_low"],
            conf_high=row["conf_high"],
            unit="logits",
        )
    ]


def _agrees(row: dict[str, Any]) -> Point:
    share, low, high = (100 * row[f"agreement{end}"] for end in ("", "_low", "_high"))
    told = np.isfinite([low, high]).all()
    ends = f"[{low:.0f}%, {high:.0f}%]" if told else "(no interval)"
    return Point(
        message=f"{row['judge']} agrees with most people on {share:.0f}% {ends} "
        f"of {counted(row['n_pairs'], 'pair')}",
        level="note",
        rule_id="agreement",
        why="A tie of one side is half an agreement; a verdict that was not read is none.",
        how_sure=f"{row['method']}; n = {counted(row['n_pairs'], 'pair')}.",
        to_do="See under Judge audit which other verdicts can be checked without texts.",
        n=row["n_pairs"],
        estimate=row["agreement"],
        conf_low=row["agreement_low"],
        conf_high=row["agreement_high"],
        unit="share of pairs",
    )


def agreements(data: PreferenceData) -> pd.DataFrame:
    """Return one row a judge, as :func:`workbench.overview.verdicts.verdicts` without weights."""
    kinds = data.annotators["kind"]
    if not kinds.eq(_PEOPLE).any() or kinds.eq(_PEOPLE).all():
        return pd.DataFrame(columns=list(COLUMNS))
    try:
        table = judge_board(data).to_frame()
    except WorkbenchError:
        return pd.DataFrame(columns=list(COLUMNS))
    judges = table[table["term"].isin(set(data.annotators.loc[kinds.ne(_PEOPLE), "annotator"]))]
    rows = [
        {
            "judge": row["term"],
            "verdict": "no weights",
            "agreement": row["estimate"],
            "agreement_low": row["conf_low"],
            "agreement_high": row["conf_high"],
            "n_pairs": int(row["n"]),
            "same_taste": "cannot tell",
            "n": int(row["n"]),
            "method": row["method"],
            "reason": f"without weights nothing but agreement with {who(_PEOPLE)} can be told",
        }
        for row in judges.to_dict("records")
    ]
    return pd.DataFrame(rows, columns=[*COLUMNS, "method"])
