"""FastChat's llm_judge (MT-Bench, Vicuna bench): games of pairs, and ratings of single answers."""

from __future__ import annotations

import itertools
import math
import re
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
from workbench.data.formats.judged.places import SHOWN, by_scores, placed_verdict, verdict
from workbench.data.formats.judged.shown import both_chats, chat_of, chat_shown, sides_shown
from workbench.data.formats.nested import items, unpacked
from workbench.data.formats.orientation import SHUFFLE_RULE, chosen_is_a
from workbench.data.formats.records import Record, Unreadable, excerpt, require
from workbench.data.formats.single import gathered, number, scalars

_TIE = 0.1
RULE = (
    "answers to one question and turn, rated by one judge: the higher rating is preferred, "
    f"ratings up to {_TIE} apart are a tie"
)
"""Recorded where ratings became pairs; the difference is FastChat's own."""

_WINNERS = {"model_1": 1.0, "model_2": 0.0, "tie": 0.5, "error": math.nan}
_PAIR = ("question_id", "model_1", "model_2")
_RATING = ("question_id", "model", "judge", "score")
_TEXTS = ("turns", "answer", "answer_1", "answer_2", "reference")
_USED = {
    *_PAIR, *_RATING, *_TEXTS, "turn", "winner", "tstamp", "m1_score", "m2_score", "user_prompt",
    "judgment", "category", UNREAD,
    *(f"g{game}_{part}" for game in (1, 2) for part in ("winner", "user_prompt", "judgment")),
}  # fmt: skip


def _translate(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Translate both layouts, also mixed, as a benchmark's folder holds them.

    A record of a pair is two judgements: game 1 shows model 1 first, game 2 model 2; both
    winners are models already. Records of rated answers become pairs by :data:`RULE`. The
    question is the cluster, its turn separates pairs.
    """
    names = records.column_names
    require(records, _RATING if "model" in names and "model_1" not in names else _PAIR, "FastChat")
    seed = int(options.get("seed") or 0)
    games: list[tuple[int, Record]] = []
    rated: list[tuple[int, Record]] = []
    for row, record in enumerate(records.to_pylist(), start=first_row):
        (rated if record.get("model") is not None else games).append((row, record))
    settings: dict[str, Any] = {"columns_left_out": ", ".join({"tstamp"} & set(names))}
    if rated:
        settings |= {"rule": RULE, "shuffle_rule": SHUFFLE_RULE, "shuffle_seed": str(seed)}

    def read(record: Record) -> Iterable[Record]:
        common = _judge(record, options)
        made = _games(record) if "group" not in record else _pairs_of_ratings(record, seed)
        return [{**common, **one} for one in made]

    frame = gathered([*games, *_groups(rated)], read, settings)
    kept = frame.sort_values("row", kind="stable", ignore_index=True)
    kept.attrs = frame.attrs
    return kept


def _judge(record: Record, options: Mapping[str, Any]) -> Record:
    judge = unpacked(record.get("judge"))
    parts = judge if isinstance(judge, list | tuple) else [judge]
    name = parts[0] if parts and isinstance(parts[0], str) else None
    named = re.match(r"(.+)_(?:pair|single)", str(options.get("source") or ""))
    return {
        "annotator": name or (named[1] if named else options.get("annotator")),
        "kind": options.get("kind") or "llm",
        "judge_template": parts[1] if len(parts) > 1 else None,
    }


def _turn(record: Record) -> int:
    turn = number(record.get("turn"))
    # records without a turn are of the first one
    return int(turn) if turn >= 1 else 1


def _pair(record: Record) -> Record:
    return {
        **scalars(record, {*_USED, "group"}),
        "item": f"question {question_id(record)}, turn {_turn(record)}",
        "turn": _turn(record),
        "cluster": question_id(record),
        "scenario": record.get("category"),
        "reference": _at(items(record.get("reference")), _turn(record) - 1),
    }


def _games(record: Record) -> Iterable[Record]:
    readable(record)
    pair = {
        **_pair(record),
        **_texts(record),
        "model_a": record.get("model_1"),
        "model_b": record.get("model_2"),
    }
    if record.get("m1_score") is not None:
        # one judgement of either answer alone, written as both games
        return [{**pair, **_single_mode(record)}]
    found = [record.get(f"g{game}_winner") for game in (1, 2)]
    if found == [None, None]:
        return [{**pair, **one} for one in _old_winner(record)]
    said = [record.get(f"g{game}_judgment") for game in (1, 2)]
    return [{**pair, **_won(*game)} for game in zip(found, SHOWN, said, strict=True)]


def _won(winner: Any, order: str | None, said: Any) -> Record:
    if winner is not None and winner not in _WINNERS:
        return {"problem": "unknown label", "found": f"winner: {excerpt(winner)}"}
    return verdict(_WINNERS.get(winner, math.nan), order, raw=said or winner)


def _old_winner(record: Record) -> list[Record]:
    """Read files that held one winner of two games: it is known only where both agreed."""
    winner = record.get("winner")
    if winner is None:
        return [{"problem": "no judgement", "found": "no winner"}]
    said = [record.get(f"g{game}_judgment") for game in (1, 2)]
    letters = [re.findall(r"\[\[([ABC])\]\]", text) if text else [] for text in said]
    if all(letters):
        games = zip(letters, SHOWN, said, strict=True)
        return [placed_verdict(found[0], order, text) for found, order, text in games]
    if winner == "inconsistent":
        return [{"problem": "unknown label", "found": "winner: inconsistent, without its games"}]
    if any(said):
        return [_won(winner, order, text) for order, text in zip(SHOWN, said, strict=True)]
    return [_won(winner, None, None)]


def _single_mode(record: Record) -> Record:
    scores = [_rating(record.get(f"m{side}_score")) for side in (1, 2)]
    said = [record.get(f"g{side}_judgment") for side in (1, 2)]
    unread = [text for score, text in zip(scores, said, strict=True) if math.isnan(score)]
    return {
        **by_scores(*scores, tie=_TIE, raw=unread[0] if unread else None),
        "score_a": scores[0],
        "score_b": scores[1],
    }


def _rating(value: Any) -> float:
    """Return a rating; -1 is one that could not be read."""
    score = number(value)
    return score if score >= 0 else math.nan


def _texts(record: Record) -> Record:
    """Return the texts of a pair: from the benchmark's folder, else from the judge's prompts."""
    joined = both_chats(_answered(record, "answer_1"), _answered(record, "answer_2"))
    prompts = [record.get(f"g{game}_user_prompt") for game in (1, 2)]
    for prompt, order in zip(prompts, SHOWN, strict=True):
        joined = joined or sides_shown(prompt, order)
    return joined or both_chats(*map(chat_shown, prompts))


def _answered(record: Record, name: str) -> list[Record] | None:
    turn = _turn(record)
    asked, said = items(record.get("turns"))[:turn], items(record.get(name))[:turn]
    return chat_of(asked, said) if len(asked) == turn else None


def _at(values: list[Any], place: int) -> Any:
    return values[place] if place < len(values) else None


def _groups(rated: list[tuple[int, Record]]) -> list[tuple[int, Record]]:
    """Gather the ratings of one question, turn and judge.

    A model that one judge rated again is of the next group, so that a rating meets each of
    the others once.
    """
    groups: dict[tuple[Any, ...], tuple[int, Record]] = {}
    seen: dict[tuple[Any, ...], int] = {}
    for row, record in rated:
        key = (question_id(record), _turn(record), str(record.get("judge")))
        again = seen[(*key, record["model"])] = seen.get((*key, record["model"]), -1) + 1
        group = groups.setdefault((*key, again), (row, {**record, "group": []}))
        group[1]["group"].append(record)
    return list(groups.values())


def _pairs_of_ratings(record: Record, seed: int) -> list[Record]:
    rated = record["group"]
    if len(rated) < 2:
        raise Unreadable(f"the only rating of question {question_id(record)}, {rated[0]['model']}")
    return [_rated_pair(*pair, seed) for pair in itertools.combinations(rated, 2)]


def _rated_pair(a: Record, b: Record, seed: int) -> Record:
    # by the models' names: the texts may be absent
    if not chosen_is_a(question_id(a), str(a["model"]), str(b["model"]), seed):
        a, b = b, a
    chats = [_answered(one, "answer") or chat_shown(one.get("user_prompt")) for one in (a, b)]
    scores = [_rating(one.get("score")) for one in (a, b)]
    unread = [one for one, score in zip((a, b), scores, strict=True) if math.isnan(score)]
    raw = (unread[0].get("judgment") or unread[0].get("score")) if unread else None
    return {
        **_pair(a),
        **both_chats(*chats),
        "model_a": a["model"],
        "model_b": b["model"],
        "score_a": scores[0],
        "score_b": scores[1],
        **by_scores(*scores, tie=_TIE, raw=raw),
    }


def _of_folder(folder: Path) -> list[Record] | None:
    """Join the judgements of a benchmark with its questions and answers."""
    base = benchmark_in(folder)
    if base is None:
        return None
    files = [
        (path, records)
        for path, records in judgements_in(folder)
        if records and _is_judged(set(records[0]))
    ]
    if not files:
        return None
    asked, said = questions_of(base), answers_of(base)
    right = {q: turns for (_, q), turns in answers_of(base, "reference_answer").items()}
    joined = []
    for path, records in files:
        for record in records:
            name = question_id(record)
            texts = {
                field: said.get((record.get(model), name))
                for field, model in (
                    ("answer", "model"), ("answer_1", "model_1"), ("answer_2", "model_2")
                )
            }  # fmt: skip
            about = {**asked.get(name, {}), **texts, "reference": right.get(name)}
            known = {key: value for key, value in about.items() if value}
            joined.append({**record, **known, "file": path.name})
    return joined


def _is_judged(columns: set[str]) -> bool:
    games = set(_PAIR) <= columns and bool({"g1_winner", "winner"} & columns)
    return games or set(_RATING) <= columns


def _recognise(columns: list[str], records: list[dict[str, Any]]) -> bool:
    return _is_judged(set(columns))


FORMAT = Format(
    "fastchat",
    "FastChat llm_judge: games of pairs, or rated answers",
    _recognise,
    _translate,
    whole=True,
    of_folder=_of_folder,
)
