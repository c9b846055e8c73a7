"""Files of benchmarks that hold no comparison: refused with the reason and the way out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from workbench.data.formats import Format
from workbench.errors import DataError

_TOTALS = (
    {"win_rate", "standard_error"},
    {"win_rate", "avg_length"},
    {"length_controlled_winrate"},
    {"Human agreement", "Proba. prefer longer"},
)
_ANSWERS = (
    {"instruction", "output", "generator"},
    {"question_id", "model_id", "choices"},
    {"question_id", "model_id", "answer_id", "text"},
    {"question_id", "category", "generation"},
)
_JUDGED = {"output_1", "output_2", "preference", "score", "games", "judge", "winner"}


def _is_leaderboard(columns: list[str], records: list[dict[str, Any]]) -> bool:
    have = set(columns)
    return any(wanted <= have for wanted in _TOTALS) and not have & _JUDGED


def _refuse_leaderboard(
    records: pa.Table, first_row: int, options: Mapping[str, Any]
) -> pd.DataFrame:
    raise DataError(
        "This is a leaderboard: totals of models or judges, not judgements.",
        found="columns " + ", ".join(name or "(unnamed)" for name in records.column_names),
        expected="one judgement of two responses a record",
        fix="Load the judgements that the totals were made of; AlpacaEval keeps them in each "
        "model's annotations.json.",
    )


def _is_answers(columns: list[str], records: list[dict[str, Any]]) -> bool:
    have = set(columns)
    return any(wanted <= have for wanted in _ANSWERS) and not have & _JUDGED


def _refuse_answers(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    raise DataError(
        "These are one model's answers to a benchmark: nobody compared them in this file.",
        found="columns " + ", ".join(records.column_names),
        expected="judgements of two responses",
        fix="Load the benchmark's folder (judgements beside questions and answers), or "
        "AlpacaEval's annotations.json.",
    )


def _is_verdicts(columns: list[str], records: list[dict[str, Any]]) -> bool:
    return columns == ["output"] and all(record["output"] in (0, 1, 2) for record in records)


def _refuse_verdicts(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    raise DataError(
        "These are Auto-J's verdicts alone: which pairs they judge is told by position only.",
        found="column output of 0, 1, 2",
        expected="the pairs beside the verdicts",
        fix="Load the folder that holds testdata_pairwise.jsonl and these outputs.",
    )


LEADERBOARD = Format(
    "leaderboard", "Leaderboard (refused: no judgements)", _is_leaderboard, _refuse_leaderboard
)

ANSWERS = Format(
    "model_answers", "A model's answers (refused: nobody compared)", _is_answers, _refuse_answers
)

VERDICTS = Format(
    "autoj_output", "Auto-J's outputs (refused: no pairs)", _is_verdicts, _refuse_verdicts
)
