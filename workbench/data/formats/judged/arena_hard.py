"""Arena-Hard's judgements: of 2024 (v0.1) and of v2.0."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from workbench.data.formats import Format
from workbench.data.formats.judged.bench_folder import (
    UNREAD,
    answers_of,
    benchmark_in,
    judgements_in,
    question_id,
    questions_of,
    readable,
)
from workbench.data.formats.judged.places import SHOWN, placed_verdict
from workbench.data.formats.judged.shown import both_chats, chat_of, sides_shown
from workbench.data.formats.nested import fields, items
from workbench.data.formats.records import Record, Unreadable, excerpt, require
from workbench.data.formats.single import scalars, translate

BASELINE = "gpt-4-0314"
"""The baseline of Arena-Hard v0.1, whose judgements do not name it."""

_BASELINES = {
    "hard_prompt": "o3-mini-2025-01-31",
    "coding": "o3-mini-2025-01-31",
    "math": "o3-mini-2025-01-31",
    "creative_writing": "gemini-2.0-flash-001",
}
"""Those of v2.0 by category, where a record leaves its baseline open."""

_NEEDED = ("model", "judge", "games")
_TEXTS = ("turns", "answer_a", "answer_b")
_USED = {*_NEEDED, *_TEXTS, "question_id", "uid", "baseline", "category", UNREAD}


def _translate(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Translate judgements: a record is two games, in which letters are places.

    Game 1 shows the baseline as A, game 2 the model. ``>>`` is a strength, not three labels.
    The baseline is that of the record; else that of ``options["mapping"]["baseline"]``; else
    the benchmark's own.
    """
    require(records, _NEEDED, "Arena-Hard")
    given = (options.get("mapping") or {}).get("baseline")

    def read(record: Record) -> Iterable[Record]:
        return _games(readable(record), given, options)

    frame = translate(records, first_row, read, {})
    named = records.column("baseline") if "baseline" in records.column_names else None
    if given is None and (named is None or named.null_count):
        own = ", ".join(sorted(set(frame["model_a"].dropna()))) if "model_a" in frame else BASELINE
        frame.attrs["settings"]["baseline"] = own
        frame.attrs["notes"] = (
            f"the baseline is not in every record: taken as the benchmark's own ({own}); "
            'another one: mapping={"baseline": ...} (--map baseline=...)',
        )
    return frame


def _games(record: Record, baseline: str | None, options: Mapping[str, Any]) -> list[Record]:
    games = [fields(game) for game in items(record.get("games"))]
    if not games:
        raise Unreadable(f"games: {excerpt(record.get('games'))}")
    if any(isinstance(game.get("score"), int | float) for game in games):
        raise Unreadable("games: a rating of one answer, no comparison")
    category = record.get("category")
    base = record.get("baseline") or baseline or _BASELINES.get(str(category), BASELINE)
    common = {
        **scalars(record, _USED),
        **_texts(record, games),
        "model_a": base,
        "model_b": record.get("model"),
        "item": f"question {question_id(record)}",
        "cluster": question_id(record),
        "scenario": category,
        "annotator": record.get("judge") or options.get("annotator"),
        "kind": options.get("kind") or "llm",
    }
    return [
        {**common, **placed_verdict(game.get("score"), order, _said(game.get("judgment")))}
        for game, order in zip(games, SHOWN, strict=False)
    ]


def _said(judgment: Any) -> str | None:
    found = fields(judgment).get("answer", judgment)
    return found if isinstance(found, str) else None


def _prompt(game: Record) -> Any:
    """Return what the judge was given: text in 2024, messages in v2.0."""
    found = game.get("user_prompt")
    found = game.get("prompt") if found is None else found
    return items(found) or found


def _texts(record: Record, games: list[Record]) -> Record:
    asked = items(record.get("turns"))
    joined = both_chats(*(chat_of(asked, items(record.get(f"answer_{side}"))) for side in "ab"))
    for game, order in zip(games, SHOWN, strict=False):
        joined = joined or sides_shown(_prompt(game), order)
    return joined


def _of_folder(folder: Path) -> list[Record] | None:
    """Join the judgements of a benchmark with its questions and answers, and its baseline."""
    base = benchmark_in(folder)
    if base is None:
        return None
    files = [
        (path, records)
        for path, records in judgements_in(folder)
        if records and set(_NEEDED) <= set(records[0])
    ]
    if not files:
        return None
    asked, said = questions_of(base), answers_of(base)
    joined = []
    for path, records in files:
        baselines = _baselines(records, said)
        for record, baseline in zip(records, baselines, strict=True):
            name = question_id(record)
            about = {
                **asked.get(name, {}),
                "answer_a": said.get((baseline, name)),
                "answer_b": said.get((record.get("model"), name)),
                "baseline": baseline,
            }
            known = {key: value for key, value in about.items() if value}
            joined.append({**record, **known, "file": path.name})
    return joined


def _baselines(
    records: list[Record], said: Mapping[tuple[Any, str], list[str | None]]
) -> list[str | None]:
    """Tell the baseline of each record: the model whose answer the judge was shown first."""
    by_text = {(name, _last(turns)): model for (model, name), turns in said.items()}
    found: list[str | None] = []
    for record in records:
        games = [fields(game) for game in items(record.get("games"))]
        shown = sides_shown(_prompt(games[0]), "ab") if games else {}
        model = by_text.get((question_id(record), shown.get("response_a")))
        found.append(record.get("baseline") or (model if model != record.get("model") else None))
    usual = Counter(model for model in found if model).most_common(1)
    return [model or (usual[0][0] if usual else None) for model in found]


def _last(turns: list[str | None]) -> str | None:
    return turns[-1] if turns else None


def _recognise(columns: list[str], records: list[dict[str, Any]]) -> bool:
    return set(_NEEDED) <= set(columns) and bool({"question_id", "uid"} & set(columns))


FORMAT = Format(
    "arena_hard",
    "Arena-Hard judgements (2024 and v2.0)",
    _recognise,
    _translate,
    of_folder=_of_folder,
)
