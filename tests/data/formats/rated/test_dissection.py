"""The data of preference dissection in both layouts.

No file of it is at hand: the records are made by hand after the published description (the data
card's field names and label values, the annotation code's output). The strings of
query-specific items (``description | label``) and the fields of errors in the published data
set are the least sure of it.
"""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import workbench as wb
from workbench.data.dissection_ratings import PROPERTY_NAMES
from workbench.data.formats.rated.dissection import FORMAT
from workbench.data.load_report import REASONS
from workbench.data.reading.record_tables import table_of
from workbench.factors.dissection import dissection_factors, rating_problems
from workbench.factors.dissection_subsets import in_subsets, subsets

RATED = {
    "harmlessness": 0, "grammar, spelling, punctuation, and code-switching": 1, "friendly": 2,
    "polite": 3, "interactive": 4, "authoritative tone": 5, "funny and humorous": 6,
    "metaphors, personification, similes, hyperboles, irony, parallelism": 7,
    "complex word usage and sentence structure": 8,
    "use of direct and explicit supporting materials": 9, "well formatted": 10,
    "admit limitations or mistakes": 11, "persuade user": 12, "step by step solution": 13,
    "use of informal expressions": 14, "repetitive": 15, "clear and understandable": 16,
    "relevance without considering inaccuracy": 17, "innovative and novel": 18,
    "information richness without considering inaccuracy": 19,
}  # fmt: skip
STANCES = ["Strongly opposed", "Weakly opposed", "Neutral", "Weakly supported",
           "Strongly supported"]  # fmt: skip


def sign(x: float) -> int:
    return (x > 0) - (x < 0)


def errors(*levels: str, checked: bool = True, published: bool = False) -> dict:
    listed = [{"brief description": "?", "type": "factual error", "severity": x} for x in levels]
    state = "applicable" if checked else "not applicable"
    if published:
        return {"applicable or not": state, "errors": listed}
    return {"accuracy check": state, "inaccuracies": listed}


def query_info(**changed) -> dict:
    return {
        "clear intent": "Yes",
        "explicitly express feelings": "No",
        "explicit constraints": ["in verse", "two lines"],
        "explicit subjective stances": [],
        "explicit mistakes or biases": [],
        **changed,
    }


def resolved(i: int, checked: bool = True, **changed) -> dict:
    """Return a resolved row whose ratings depend on i, with its source row."""
    rng = np.random.default_rng(i)
    comparison = {}
    for name in RATED:
        a, b = rng.integers(0, 4, 2).tolist()
        code = sign(a - b) if "relevance" not in name else (a > 0) - (b > 0)
        comparison[name] = {"comparison": code, "diff": a - b, "norm_diff": (a - b) / 3,
                            "meta": {"Response 1": a, "Response 2": b}}  # fmt: skip
    code = {"Severe": -1, "Moderate": 0, "Minor": 1}
    comparison["accuracy"] = {
        "comparison": code if checked else 999, "diff": {}, "norm_diff": {},
        "meta": {"Response 1": errors("severe", " Severe"),
                 "Response 2": errors("minor", checked=checked)},
    }  # fmt: skip
    nothing = {"comparison": 0, "diff": 0, "norm_diff": 0, "meta": None}
    for name in ("clarify user intent", "showing empathetic",
                 "correcting explicit mistakes or biases"):  # fmt: skip
        comparison[name] = nothing
    comparison["satisfying explicit constraints"] = {
        "comparison": 1, "diff": 1.0, "norm_diff": 1 / 3,
        "meta": {f"in verse {i}": {"Response 1": "3", "Response 2": "1"},
                 f"two lines {i}": {"Response 1": "0", "Response 2": "0"}},
    }  # fmt: skip
    comparison["supporting explicit subjective stances"] = {
        "comparison": -1, "diff": -4.0, "norm_diff": -1.0,
        "meta": {"tea": {"Response 1": STANCES[0], "Response 2": STANCES[4]}},
    }  # fmt: skip
    comparison["length"] = {"comparison": 1, "diff": 80, "norm_diff": 0.7,
                            "meta": {"Response 1": 100, "Response 2": 20}}  # fmt: skip
    return {
        "query_info": query_info(**{"explicit subjective stances": ["tea"]}),
        "comparison": comparison,
        "model_a": "x", "model_b": "y", "winner": "model_a", "scenario": "poem",
        "group": "Creative Writing", "prompt": f"Write a poem {i}.", "response_a": f"A poem {i}.",
        "response_b": f"No {i}.", "response_a word": 100, "response_b word": 20, "id": i,
        "gpt4_ref_output": "Roses.", **changed,
    }  # fmt: skip


def published(i: int, checked: bool = True, **changed) -> dict:
    """Return the same annotations in the layout of the published data set."""
    row = resolved(i, checked)
    record = {
        "query": row["prompt"], "scenario_auto-j": "poem", "scenario_group": "Creative Writing",
        "response_1": {"content": row["response_a"], "model": "x", "num_words": 100},
        "response_2": {"content": row["response_b"], "model": "y", "num_words": 20},
        "gpt-4-turbo_reference": "Roses.", **row["query_info"],
        "preference_labels": {"human": "response_1", "gpt-4-1106-preview": "response_2",
                              "llama-2-7b": "response_1"},
    }  # fmt: skip
    for k, side in (("1", "Response 1"), ("2", "Response 2")):
        meta = {name: entry["meta"] for name, entry in row["comparison"].items()}
        record[f"basic_response_{k}"] = {name: meta[name][side] for name in RATED}
        listed = ["severe", "Severe"] if k == "1" else ["minor"]
        record[f"errors_response_{k}"] = errors(
            *listed, checked=checked or k == "1", published=True
        )
        constraints = meta["satisfying explicit constraints"]
        record[f"query-specific_response_{k}"] = {
            "clarify user intent": None,
            "showing empathetic": None,
            "satisfying explicit constraints": [f"{d} | {v[side]}" for d, v in constraints.items()],
            "supporting explicit subjective stances": [
                f"tea | {meta['supporting explicit subjective stances']['tea'][side]}"
            ],
            "correcting explicit mistakes or biases": [],
        }
    return {**record, **changed}


def read(records, **options) -> pd.DataFrame:
    return FORMAT.translate(table_of(records)[0], 1, options)


@pytest.mark.parametrize("make", [resolved, published])
def test_recognised(make):
    assert FORMAT.recognise(list(make(0)), [make(0)])
    assert not FORMAT.recognise(["response_1", "response_2", "query"], [])


@pytest.mark.parametrize("make", [resolved, published])
def test_one_record(make):
    row = read([make(7)]).iloc[0]
    assert (row.annotator, row.kind, row.preference) == ("human", "human", 1.0)
    assert (row.prompt, row.response_a, row.response_b) == ("Write a poem 7.", "A poem 7.", "No 7.")
    assert (row.model_a, row.model_b, row.scenario) == ("x", "y", "Creative Writing")
    assert (row.scenario_auto_j, row.reference) == ("poem", "Roses.")
    assert (row.intent_clear, row.feelings) == ("Yes", "No")
    assert (row.constraints, row.stances, row.mistakes) == ("in verse; two lines", "tea", "")
    assert (row.lengthy_a, row.lengthy_b) == (100, 20)
    assert (row["no severe errors_a"], row["no minor errors_b"]) == (2, 1)
    assert (row["satisfy constraints_a"], row["satisfy constraints_b"]) == (1.5, 0.5)
    assert (row["support stances_a"], row["support stances_b"]) == (-2, 2)


def test_every_judge_is_an_annotator():
    frame = read([published(0), published(1, preference_labels={"human": "response_2"})])
    assert frame["row"].tolist() == [1, 1, 1, 2]
    assert frame["annotator"].tolist() == ["human", "gpt-4-1106-preview", "llama-2-7b", "human"]
    assert frame["kind"].tolist() == ["human", "llm", "llm", "human"]
    assert frame["preference"].tolist() == [1, 0, 1, 0]


def test_a_given_name_is_the_voters_and_hides_no_judge():
    labels = {"preference_labels": {"gpt-4": "response_2"}}
    frame = read([resolved(0, **labels)], annotator="gpt-4", kind="unknown")
    assert frame["annotator"].tolist() == ["gpt-4", "gpt-4"]
    assert frame["kind"].tolist() == ["unknown", "llm"]
    assert frame["preference"].tolist() == [1, 0]
    named = read([published(0)], annotator="ann", kind="rule")
    assert named["annotator"].tolist() == ["human", "gpt-4-1106-preview", "llama-2-7b"]
    assert named["kind"].tolist() == ["human", "llm", "llm"]


@pytest.mark.parametrize("value", ["response_3", "", 1, ["A"], {"x": 1}])
def test_an_unknown_label_is_counted_and_a_missing_one_was_not_asked(value):
    labels = {"human": value, "gpt": "B", "yi": None}
    frame = FORMAT.translate(pa.table({k: [v] for k, v in published(0).items()}).drop_columns(
        ["preference_labels"]).append_column("preference_labels", pa.array([json.dumps(labels)])),
        1, {})  # fmt: skip
    assert frame["annotator"].tolist() == ["human", "gpt"]
    if value != "":
        assert frame["problem"].fillna("").tolist() == ["unknown label", ""]
        assert frame["found"][0].startswith("human: ")
    none = read([published(0, preference_labels={"human": None})])
    assert none["problem"].tolist() == ["unknown label"]


def test_resolved_rows_bring_their_comparisons_as_factors():
    rows = [resolved(i) for i in range(30)]
    data = wb.load(pd.DataFrame(rows))
    assert data.load_report.format == "dissection"
    assert data.factor_names == list(PROPERTY_NAMES)
    for name, k in RATED.items():
        turn = -1 if name == "repetitive" else 1
        expected = [turn * row["comparison"][name]["comparison"] for row in rows]
        assert data.factors[PROPERTY_NAMES[k]].tolist() == expected
    rest = data.factors[list(PROPERTY_NAMES[20:])].iloc[0].tolist()
    assert rest == [1, 0, -1, 0, 0, 1, -1, 0, 1]
    assert data.factor_values["no severe errors_a"].unique().tolist() == [2]
    assert "clear" not in data.pairs


def test_coding_the_ratings_anew_gives_the_comparisons_of_the_file():
    data = wb.load(pd.DataFrame([resolved(i) for i in range(40)]))
    again = dissection_factors(data)
    assert len(again.factor_names) == 29
    pd.testing.assert_frame_equal(again.factors, data.factors)


@pytest.mark.parametrize("kind", ["parquet", "jsonl", "json"])
def test_the_published_layout_through_load(tmp_path, kind):
    records = [published(i, checked=i != 3) for i in range(12)]
    path = tmp_path / f"pairs.{kind}"
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist(records), path)
    else:
        text = "\n".join(map(json.dumps, records)) if kind == "jsonl" else json.dumps(records)
        path.write_text(text)
    data = wb.load(path)
    assert (data.load_report.format, len(data), len(data.labels)) == ("dissection", 12, 36)
    assert data.factor_names == []
    scored = dissection_factors(data)
    # of the 29, three apply to no query here
    assert len(scored.factor_names) == 26
    other = wb.load(pd.DataFrame([resolved(i) for i in range(12)]))
    for name in scored.factor_names:
        missing = [i for i in range(12) if np.isnan(scored.factors[name][i])]
        assert missing == ([3] if "errors" in name else [])
        kept = [i for i in range(12) if i not in missing]
        assert scored.factors[name][kept].tolist() == other.factors[name][kept].tolist()
    problems = rating_problems(data).set_index(["property", "reason"])["n_pairs"]
    assert problems[("no severe errors", "not applicable")] == 1


def test_unchecked_pairs_of_resolved_rows_are_missing_and_said():
    rows = [resolved(i, checked=i > 1) for i in range(5)]
    # codes and 999 in one column: their table can hold them as JSON text alone
    frame = pd.DataFrame(rows).assign(comparison=[json.dumps(row["comparison"]) for row in rows])
    data = wb.load(frame)
    assert data.factors["no severe errors"].isna().tolist() == [True, True, False, False, False]
    assert data.factors["clear"].notna().all()
    assert any(note.startswith("2 pairs lack a comparison") for note in data.load_report.notes)


def test_a_nested_source_row_and_judges_beside_resolved_rows():
    row = resolved(0)
    source = {key: row.pop(key) for key in list(row) if key not in ("query_info", "comparison")}
    row |= {"source": source, "preference_labels": {"yi-6b": "B"}}
    frame = FORMAT.translate(pa.Table.from_pylist([row]), 5, {"annotator": "visitors"})
    assert frame["annotator"].tolist() == ["visitors", "yi-6b"]
    assert frame["kind"].tolist() == ["human", "llm"]
    assert frame["preference"].tolist() == [1.0, 0.0]
    assert frame["prompt"].tolist() == ["Write a poem 0."] * 2


def test_a_fit_by_judge_and_subset():
    rng = np.random.default_rng(0)
    records = [
        published(
            i,
            scenario_group=("Code", "Advice")[i % 2],
            **{"clear intent": ("Yes", "No")[i % 3 == 0], "explicit constraints": []},
            preference_labels={"human": f"response_{rng.integers(1, 3)}", "gpt": "response_1"},
        )
        for i in range(80)
    ]
    data = dissection_factors(wb.load(pd.DataFrame(records)))
    assert subsets(data).columns.tolist() == ["Advice", "Code", "intent_unclear", "w_stances"]
    fit = wb.decompose(in_subsets(data), annotator="human", by=["annotator", "subset"],
                       factors=["clear", "polite"], folds=0)  # fmt: skip
    assert fit.to_frame().groupby("group")["n"].first().to_dict() == {
        "human | Advice": 40, "human | Code": 40, "human | intent_unclear": 27,
        "human | w_stances": 80,
    }  # fmt: skip


def test_what_else_a_record_says_is_kept_or_named():
    row = resolved(0, **{"toxic tag": "", "prompt word": 14, "clear": "yes", "weight": "x",
                         "scores": [1, 2]})  # fmt: skip
    frame = read([row])
    one = frame.iloc[0]
    assert (one["toxic tag"], one["prompt word"], one["source_weight"]) == ("", 14, "x")
    assert (one["source_clear"], one["clear"]) == ("yes", read([resolved(0)])["clear"][0])
    assert frame.attrs["settings"] == {"columns_left_out": "scores"}
    assert (
        len(FORMAT.translate(pa.table({name: pa.array([], pa.string()) for name in row}), 1, {}))
        == 0
    )


@pytest.mark.parametrize(
    "changed",
    [{"query": None}, {"response_1": None}, {"response_2": {"content": 3}}, {"response_1": "text"}],
)
def test_records_without_text_are_counted(changed):
    good, bad = published(0), published(1, **changed)
    rows = [read([record]) for record in (good, bad)]
    assert rows[0]["problem"].isna().all()
    assert rows[1]["problem"].tolist() == ["unparseable"]


plain = st.one_of(st.none(), st.booleans(), st.integers(-3, 1000), st.floats(), st.text(max_size=5),
                  st.sampled_from(["Yes", "response_1", "x | 3", '{"human": "A"}']))  # fmt: skip
anything = st.one_of(
    plain,
    st.lists(plain, max_size=2),
    st.dictionaries(
        st.sampled_from(["human", "content", "Response 1", "polite", "accuracy"]),
        st.one_of(plain, st.dictionaries(st.sampled_from(["comparison", "meta"]), plain)),
        max_size=2,
    ),
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(data=st.data(), make=st.sampled_from([resolved, published]))
def test_any_values_are_read_or_counted(data, make):
    record = make(0)
    changed = data.draw(st.dictionaries(st.sampled_from(sorted(record)), anything, max_size=3))
    frame = read([{**record, **changed}])
    assert set(frame["row"]) == {1}
    problem = frame["problem"].dropna()
    assert set(problem) <= set(REASONS)
    assert frame.loc[problem.index, "found"].notna().all()
    kept = frame[frame["problem"].isna()]
    assert kept["preference"].dropna().between(0, 1).all()
    if len(kept):
        assert kept[["prompt", "response_a", "response_b"]].notna().all(axis=None)
