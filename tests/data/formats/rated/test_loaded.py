"""What readers of ratings and crowds say is still there when the data are assembled."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

import workbench as wb
from tests.data.formats.rated.layouts import RECORDS, compared, steered
from workbench.data.reading.record_tables import table_of


def _load(records: list[dict], *args: object, **options: object) -> wb.PreferenceData:
    # a table of Arrow's types, as a file gives it
    frame = table_of(records)[0].to_pandas(types_mapper=pd.ArrowDtype)
    return wb.load(frame, *args, **options)


def test_unnamed_votes_stay_four_to_one(tmp_path):
    record = {**RECORDS["helpsteer2_preference"][0]}
    record["all_preferences_unprocessed"] = [{"strength": s} for s in (-1, -1, -1, -1, 2)]
    data = _load([record])
    assert len(data.pairs) == 1
    assert len(data.labels) == 5
    assert data.labels["preference"].value_counts().tolist() == [4, 1]
    assert set(data.labels["annotator"]) == {"unnamed"}


def test_a_worker_who_comes_again_is_a_repeat_not_a_duplicate():
    data = _load([compared(0, "w1", 8), compared(0, "w1", 8), compared(1, "w2", 3)])
    assert len(data.labels) == 3
    repeats = data.labels[data.labels["annotator"] == "w1"]["replicate"]
    assert repeats.nunique() == 2


def test_criteria_are_columns_of_labels_on_one_pair():
    data = _load([steered("p", "x", 4, 1, 2, 1, 1), steered("p", "y", 1, 3, 2, 1, 2)])
    assert len(data.pairs) == 1
    better = data.labels.set_index("criterion")["preference"]
    sign = 1 if data.pairs["response_a"].iloc[0] == "x" else -1
    assert ((better - 0.5) * sign).to_dict() == {
        "helpfulness": 0.5, "correctness": -0.5, "coherence": 0.0}  # fmt: skip


def test_groups_of_evaluators_stay_with_their_judgements():
    data = _load(RECORDS["multipref"])
    assert len(data.pairs) == 2
    groups = data.labels.groupby("annotator")["evaluator_group"].unique().str[0].to_dict()
    assert groups == {"ann": "normal", "bob": "normal", "eve": "expert"}


def test_counts_weigh_as_their_votes():
    data = _load(RECORDS["counts"])
    assert data.labels["weight"].sum() == 25
    # ten to ten is no tie
    assert data.labels["reason"].isna().all()
    assert data.load_report.left_out["no judgement"].count == 1
    assert set(data.labels["kind"]) == {"unknown"}


def test_real_crowds_and_sittings_keep_every_judgement(shared_data):
    known = pd.read_parquet(shared_data / "normalised" / "labels.parquet")
    of_pairs = pd.read_parquet(shared_data / "normalised" / "pairs.parquet")
    main = wb.load(shared_data / "adparaphrase" / "adparaphrase_v2_main.csv")
    told = of_pairs[of_pairs["pair_id"].str.startswith("v2_main")]["pair_id"]
    votes = known[(known["dataset"] == "adparaphrase") & known["pair_id"].isin(told)]["weight"]
    assert main.labels["weight"].sum() == votes.sum()
    sittings = wb.load(shared_data / "hf_not_gold" / "granular_full.parquet")
    report = sittings.load_report
    assert report.rows_read == report.rows_kept
    overall = sittings.labels[sittings.labels["criterion"] == "overall"]
    # the oracle left out two sittings that share their time with another
    counted = known[(known["dataset"] == "hf_not_gold") & (known["dimension"] == "overall")]
    assert len(overall) == len(counted) + 2
    assert sittings.pairs["cluster"].nunique() > 100
    test_set = wb.load(shared_data / "auto_j" / "testdata_pairwise.jsonl")
    people = known[(known["dataset"] == "auto_j") & (known["annotator"] == "human")]
    ties = (people["label"] == "tie").sum()
    assert (test_set.labels["preference"] == 0.5).sum() == ties
    assert len(test_set.labels) == len(people)
    sides = people["label"].value_counts()
    assert np.isclose(test_set.labels["preference"].sum(), sides["a"] + ties / 2)


def test_ratings_of_an_unknown_layout_are_read_where_a_rule_names_them(tmp_path):
    """By hand: of 1 and 3 the higher is preferred, which is the second response of each."""
    rows = [{"prompt": f"q{k}", "response": text, "tidiness": rated} for k in range(2)
            for text, rated in (("poor", 1), ("good", 3))]  # fmt: skip
    path = tmp_path / "own.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    data = wb.load(path, rule={"columns": ["tidiness"]})
    better = data.labels.merge(data.pairs, on="pair_id")
    won = better["response_a"].where(better["preference"] == 1, better["response_b"])
    assert won.tolist() == ["good", "good"]
