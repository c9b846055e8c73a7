"""Written in any layout that can hold them and read again, judgements stay what they were."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import workbench as wb

QUIET = settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


class Vote(NamedTuple):
    """One judgement in plain words."""

    question: str
    models: tuple[str, str]
    answers: tuple[str, str]
    who: str
    verdict: str  # first, second, tie


QUESTIONS = ("Which colour?", 'Wie spät ist es, "genau"?', "列出三种茶\nund Kaffee")
ANSWERS = ("Teal.", "Rust, or so.", "- one\n- two", "=1+1", "茶", 'It\'s "it"', "{braces}")


@st.composite
def votes(draw: Any) -> list[Vote]:
    """Votes on few questions, answers and models, so that they often meet again."""
    n = draw(st.integers(1, 14))
    rows = []
    for _ in range(n):
        models = draw(st.permutations(["m1", "m2", "m3"]))[:2]
        answers = draw(st.permutations(ANSWERS))[:2]
        rows.append(
            Vote(
                draw(st.sampled_from(QUESTIONS)),
                (models[0], models[1]),
                (answers[0], answers[1]),
                draw(st.sampled_from(["ann", "bo"])),
                draw(st.sampled_from(["first", "second", "tie"])),
            )
        )
    return rows


Said = tuple[Any, ...]


def said(
    question: Any, a: tuple[Any, ...], b: tuple[Any, ...], who: Any, preference: float
) -> Said:
    """A judgement whichever side it stands on."""
    if b < a:
        a, b, preference = b, a, 1 - preference
    if a == b:
        preference = 0.5
    return (question, a, b, who, preference)


def meant(rows: list[Vote], *, text: bool = True, models: bool = True, who: bool = True) -> Counter:
    """What the votes say, as far as a layout can hold it."""

    def side(vote: Vote, k: int) -> tuple[Any, ...]:
        return (vote.answers[k] if text else None, vote.models[k] if models else None)

    values = {"first": 1.0, "second": 0.0, "tie": 0.5}
    return Counter(
        said(v.question if text else None, _key(side(v, 0)), _key(side(v, 1)),
             v.who if who else None, values[v.verdict])
        for v in rows
    )  # fmt: skip


def read(data: wb.PreferenceData, *, text: bool = True, models: bool = True, who: bool = True):
    """What a data set says, in the same words."""
    table = data.labels.merge(data.pairs, on="pair_id", suffixes=("", "_of_pair"))

    def side(row: Any, s: str) -> tuple[Any, ...]:
        return (row[f"response_{s}"] if text else None, row[f"model_{s}"] if models else None)

    return Counter(
        said(row["prompt"] if text else None, _key(side(row, "a")), _key(side(row, "b")),
             row["annotator"] if who else None, row["preference"])
        for row in table.to_dict("records")
    )  # fmt: skip


def _key(side: tuple[Any, ...]) -> tuple[str, ...]:
    return tuple("" if part is None else str(part) for part in side)


def plain(rows: list[Vote]) -> list[dict[str, Any]]:
    words = {"first": "a", "second": "b", "tie": "tie"}
    return [
        {"prompt": v.question, "response_a": v.answers[0], "response_b": v.answers[1],
         "model_a": v.models[0], "model_b": v.models[1], "annotator": v.who,
         "winner": words[v.verdict]}
        for v in rows
    ]  # fmt: skip


def arena(rows: list[Vote]) -> list[dict[str, Any]]:
    def chat(v: Vote, k: int) -> list[dict[str, str]]:
        return [
            {"role": "user", "content": v.question},
            {"role": "assistant", "content": v.answers[k]},
        ]

    words = {"first": "model_a", "second": "model_b", "tie": "tie"}
    return [
        {"question_id": f"q{i}", "model_a": v.models[0], "model_b": v.models[1],
         "winner": words[v.verdict], "judge": v.who, "conversation_a": chat(v, 0),
         "conversation_b": chat(v, 1), "turn": 1}
        for i, v in enumerate(rows)
    ]  # fmt: skip


def alpaca(rows: list[Vote]) -> list[dict[str, Any]]:
    values = {"first": 1.0, "second": 2.0, "tie": 1.5}
    return [
        {"instruction": v.question, "output_1": v.answers[0], "generator_1": v.models[0],
         "dataset": "x", "output_2": v.answers[1], "generator_2": v.models[1],
         "annotator": v.who, "preference": values[v.verdict]}
        for v in rows
    ]  # fmt: skip


def chosen(rows: list[Vote]) -> list[dict[str, Any]]:
    return [
        {"prompt": v.question, "chosen": v.answers[v.verdict == "second"],
         "rejected": v.answers[v.verdict != "second"]}
        for v in rows
    ]  # fmt: skip


def battles(rows: list[Vote]) -> list[dict[str, Any]]:
    words = {"first": "model_a", "second": "model_b", "tie": "tie"}
    return [
        {"model_a": v.models[0], "model_b": v.models[1], "winner": words[v.verdict]} for v in rows
    ]


def helpsteer(rows: list[Vote]) -> list[dict[str, Any]]:
    values = {"first": -2, "second": 1, "tie": 0}
    return [
        {"domain": "general", "language": "english",
         "context": [{"role": "user", "content": v.question}], "response1": v.answers[0],
         "response2": v.answers[1], "overall_preference": values[v.verdict],
         "individual_preference": [
             {"score": values[v.verdict], "reasoning": "so", "feedback1": "x", "feedback2": "y"}]}
        for v in rows
    ]  # fmt: skip


def reddit(rows: list[Vote]) -> list[dict[str, Any]]:
    return [
        {"post_id": f"p{i}", "domain": "ask_train", "upvote_ratio": 0.9, "history": v.question,
         "c_root_id_A": "x", "c_root_id_B": "y", "created_at_utc_A": 1, "created_at_utc_B": 2,
         "score_A": 5, "score_B": 3, "human_ref_A": v.answers[0], "human_ref_B": v.answers[1],
         "labels": int(v.verdict == "first"), "seconds_difference": 1.0, "score_ratio": 1.5}
        for i, v in enumerate(rows)
    ]  # fmt: skip


LAYOUTS: dict[str, tuple[Any, dict[str, bool], bool]] = {
    # writer, what it can hold, whether it has ties
    "plain": (plain, {}, True),
    "arena": (arena, {}, True),
    "alpaca": (alpaca, {}, True),
    "chosen": (chosen, {"models": False, "who": False}, False),
    "battles": (battles, {"text": False, "who": False}, True),
    "helpsteer": (helpsteer, {"models": False, "who": False}, True),
    "reddit": (reddit, {"models": False, "who": False}, False),
}


def write(folder: Path, records: list[dict[str, Any]], kind: str) -> Path:
    path = folder / f"votes.{kind}"
    frame = pd.DataFrame(records)
    if kind == "jsonl":
        path.write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    elif kind == "json":
        path.write_text(json.dumps(records), encoding="utf-8")
    elif kind == "csv":
        nested = [c for c in frame if isinstance(frame[c].iloc[0], list)]
        frame.assign(**{c: frame[c].map(json.dumps) for c in nested}).to_csv(path, index=False)
    else:
        frame.to_parquet(path)
    return path


@pytest.mark.parametrize("kind", ["jsonl", "json", "csv", "parquet"])
@pytest.mark.parametrize("layout", LAYOUTS)
@QUIET
@given(votes())
def test_a_layout_changes_no_judgement(tmp_path: Path, layout: str, kind: str, rows: list[Vote]):
    writer, holds, ties = LAYOUTS[layout]
    rows = [v for v in rows if ties or v.verdict != "tie"]
    if not rows:
        return
    data = wb.load(write(tmp_path, writer(rows), kind))
    assert data.load_report is not None
    assert data.load_report.left_out == {}
    assert read(data, **holds) == meant(rows, **holds)


@QUIET
@given(votes(), st.randoms(use_true_random=False))
def test_the_order_of_rows_and_columns_says_nothing(tmp_path: Path, rows: list[Vote], chance: Any):
    records = plain(rows)
    first = wb.load(pd.DataFrame(records))
    shuffled = [dict(chance.sample(list(r.items()), len(r))) for r in records]
    columns = chance.sample(list(records[0]), len(records[0]))
    chance.shuffle(shuffled)
    again = wb.load(pd.DataFrame(shuffled)[columns])
    assert again.digest == first.digest


@QUIET
@given(votes(), st.integers(0, 14))
def test_splits_over_files_say_nothing(tmp_path: Path, rows: list[Vote], at: int):
    records = plain(rows)
    parts = [part for part in (records[:at], records[at:]) if part]
    paths = []
    for k, part in enumerate(parts):
        paths.append(tmp_path / f"part-{k}.jsonl")
        paths[-1].write_text("".join(json.dumps(r) + "\n" for r in part), encoding="utf-8")
    whole = wb.load(pd.DataFrame(records))
    together = wb.load(paths)
    assert read(together) == read(whole)
    assert set(together.pairs["pair_id"]) == set(whole.pairs["pair_id"])
