"""AlpacaEval annotations: what a preference means, and the published win rates."""

import gzip
import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from tests.conftest import SHARED
from workbench.data.formats.judged.alpaca_eval import FORMAT, shown_order
from workbench.data.load import load

ALPACA = Path(__file__).parents[4] / ".." / "shared" / "data" / "alpaca_eval"
FILES = sorted((ALPACA / "weighted_alpaca_eval_gpt4_turbo").glob("*.json.gz"))
needs_files = pytest.mark.skipif(not FILES, reason="needs alpaca_eval in ../shared/data")


def annotation(preference=1.0, **changed):
    return {
        "dataset": "helpful_base",
        "instruction": "2+2?",
        "output_1": "4",
        "generator_1": "baseline",
        "output_2": "5",
        "generator_2": "model",
        "annotator": "weighted_alpaca_eval_gpt4_turbo",
        "preference": preference,
        **changed,
    }


def read(records, **options):
    return FORMAT.translate(pa.Table.from_pylist(records), 1, options)


def annotations_of(path):
    with gzip.open(path) as stream:
        return json.load(stream)


def test_fields():
    row = read([annotation(raw_completion="Output (a)", price_per_example=0.01)]).iloc[0]
    assert (row.prompt, row.response_a, row.response_b) == ("2+2?", "4", "5")
    assert (row.model_a, row.model_b, row.scenario) == ("baseline", "model", "helpful_base")
    assert (row.annotator, row.kind) == ("weighted_alpaca_eval_gpt4_turbo", "llm")
    assert (row.raw, row.price_per_example, row.dataset) == ("Output (a)", 0.01, "helpful_base")


@pytest.mark.parametrize(
    ("preference", "p", "reason"),
    [(1, 1.0, None), (2, 0.0, None), (1.5, 0.5, "tie"), (0, 0.5, "tie"), (1.25, 0.75, None),
     ("2.0", 0.0, None)],
)  # fmt: skip
def test_verdicts(preference, p, reason):
    row = read([annotation(preference)]).iloc[0]
    assert row.preference == p
    assert (row.reason if isinstance(row.reason, str) else None) == reason


@pytest.mark.parametrize("preference", [None, math.nan, ""])
def test_a_failed_judge_is_kept_without_a_verdict(preference):
    frame = read([annotation(preference)])
    assert frame["preference"].isna().all()
    assert frame["reason"].tolist() == ["failed"]
    assert "problem" not in frame or frame["problem"].isna().all()


@pytest.mark.parametrize("preference", [3, -1, 0.5, "A", True, [1], {"a": 1}, math.inf])
def test_other_values_are_unknown_labels(preference):
    frame = read([annotation(preference)])
    assert frame["problem"].tolist() == ["unknown label"]
    assert frame["found"][0].startswith("preference")


@pytest.mark.parametrize("column", ["instruction", "output_1", "output_2"])
@pytest.mark.parametrize("value", [None, 3, ["x"], {"a": 1}])
def test_texts_of_a_wrong_type_are_counted(column, value):
    frame = read([annotation(**{column: value})])
    assert frame["problem"].tolist() == ["unparseable"]
    assert frame["found"][0].startswith(column)


@pytest.mark.parametrize("numbered", ["generator_1", "generator_2"])
def test_a_plain_generator_is_the_model_of_the_other_output(numbered):
    record = annotation()
    other = {"generator_1": "generator_2", "generator_2": "generator_1"}[numbered]
    record["generator"] = record.pop(other)
    row = read([record]).iloc[0]
    assert (row.model_a, row.model_b) == ("baseline", "model")


def test_a_generator_alone_tells_of_neither_output():
    record = annotation(generator="x")
    del record["generator_1"], record["generator_2"]
    frame = read([record])
    assert frame["model_a"].isna().all()
    assert frame["model_b"].isna().all()
    assert frame["generator"].tolist() == ["x"]


@pytest.mark.parametrize(("more", "prompt"), [("A sum.", "2+2?\n\nA sum."), ("", "2+2?"),
                                              (" ", "2+2?"), (None, "2+2?")])  # fmt: skip
def test_the_input_is_a_part_of_the_prompt(more, prompt):
    frame = read([annotation(input=more), annotation(input="Other.")])
    assert frame["prompt"].tolist() == [prompt, "2+2?\n\nOther."]


@pytest.mark.parametrize(
    "reply", ["m", {"text": "m"}, {"message": {"content": "m"}, "index": 0}]
)  # fmt: skip
def test_the_reply_is_what_the_judge_said(reply):
    frame = read([annotation(None, raw_completion=reply)])
    assert frame[["reason", "raw"]].to_numpy().tolist() == [["failed", "m"]]


def test_people_s_votes_on_equal_instructions_with_other_inputs(written):
    votes = [(1, 1, "spring"), (2, 2, "spring"), (3, 1, "spring"), (1, 2, "autumn")]
    data = load(written([
        annotation(preference, annotator=who, input=f"In {when}.", output_1=f"one, {when}")
        for who, preference, when in votes
    ]))  # fmt: skip
    assert (len(data.pairs), len(data.labels)) == (2, 4)
    assert data.pairs["cluster"].nunique() == 2
    assert set(zip(data.labels["annotator"], data.labels["kind"], strict=True)) == {
        ("1", "human"), ("2", "human"), ("3", "human"),
    }  # fmt: skip


def test_numbered_annotators_are_people():
    assert read([annotation(annotator=15)])["kind"].tolist() == ["human"]
    assert read([annotation(annotator=15)], kind="llm")["kind"].tolist() == ["llm"]


def test_the_order_is_recovered_on_request_only():
    assert "order_shown" not in read([annotation()])
    frame = read([annotation()], order="alpaca_eval")
    assert frame["order_shown"].tolist() == [shown_order("2+2?")]
    assert "recovered" in frame.attrs["settings"]["order"]


@needs_files
def test_published_win_rates():
    board = pd.read_csv(ALPACA / "leaderboard.csv", index_col=0)
    published = [path for path in FILES if path.name.removesuffix(".json.gz") in board.index]
    assert len(published) >= 25
    for path in published:
        name = path.name.removesuffix(".json.gz")
        frame = read(annotations_of(path))
        # a win of the model is a preference for output_2
        rate = 100 * (1 - frame["preference"]).mean()
        assert rate == pytest.approx(board.loc[name, "win_rate"], abs=1e-9)
        assert frame["preference"].notna().sum() == board.loc[name, "n_total"]


@needs_files
def test_published_draws_through_load():
    path = next(path for path in FILES if path.name.startswith("alpaca-7b.json"))
    data = load(path, order="alpaca_eval")
    report = data.load_report
    assert report.format == "alpaca_eval"
    assert report.rows_read == 805
    assert report.rows_kept + sum(e.count for e in report.left_out.values()) == 805
    assert set(data.labels["order_shown"]) == {"ab", "ba"}


@needs_files
def test_the_recovered_order_shows_the_known_position_effect():
    frame = pd.concat([read(annotations_of(p), order="alpaca_eval") for p in FILES[:8]])
    two_first = frame["order_shown"] == "ba"
    rates = (1 - frame["preference"]).groupby(two_first).mean()
    assert np.isfinite(rates).all()
    # shown first minus shown second: -8.6 points over all models (SE 0.9)
    assert -0.15 < rates[True] - rates[False] < -0.02


def test_outputs_exchanged_are_no_two_orders(tmp_path):
    """What was shown first is drawn by the evaluator, not told by the number of an output."""
    turned = annotation(2, output_1="5", output_2="4", generator_1="model", generator_2="baseline")
    path = tmp_path / "annotations.json"
    path.write_text(json.dumps([annotation(1), turned]))
    data = load(path)
    assert (len(data.pairs), len(data.labels)) == (1, 2)
    assert data.labels["order_shown"].isna().all()
    assert data.labels["preference"].nunique() == 1


def test_a_file_whose_generator_is_that_of_output_1():
    path = SHARED / "cases" / "alpaca-generator" / "alpaca.json"
    if not path.exists():
        pytest.skip("the case is not beside the project (../shared/cases)")
    pairs = load(path).pairs
    assert set(pairs["model_a"]) == {"gpt4_1106_preview"}
    assert set(pairs["model_b"]) == {"mymodel"}
