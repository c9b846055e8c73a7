"""Layouts that tell who preferred."""

import json

import numpy as np
import pyarrow as pa
import pytest

from workbench.data.formats.registry import FORMATS, get_format


def chat(ask, answer):
    return [{"role": "user", "content": ask}, {"role": "assistant", "content": answer}]


def recognised(records):
    columns = list(records[0])
    return next(get_format(name) for name in FORMATS if get_format(name).records_of is None
                and get_format(name).recognise(columns, records))  # fmt: skip


def read(records, **options):
    found = recognised(records)
    return found.name, found.translate(pa.Table.from_pylist(records), 1, options)


SIDES = {"chosen": chat("Ask?", "Yes"), "rejected": chat("Ask?", "No")}
MODELS = {"chosen_model": "m1", "rejected_model": "m2"}
H4 = {
    "prompt": "Ask?",
    "prompt_id": "p1",
    **SIDES,
    "messages": SIDES["chosen"],
    "score_chosen": 8.0,
    "score_rejected": 6.5,
}
ARGILLA = {
    "source": "evol",
    "prompt": "Ask?",
    **SIDES,
    "chosen-rating": 5.0,
    "chosen-model": "m1",
    "rejected-rating": 3.5,
    "rejected-model": "m2",
}
ARGILLA_FIRST = {
    "source": "evol",
    "instruction": "Ask?",
    "chosen_response": "Yes",
    "rejected_response": "No",
    "chosen_avg_rating": 5.0,
    "rejected_avg_rating": 3.5,
    "chosen_model": "m1",
}
TULU = {"id": "t", "source": "wild", "prompt": "Ask?", **SIDES, **MODELS}
DISTILABEL = {
    "prompt": "Ask?",
    "prompt_id": "p1",
    **SIDES,
    **MODELS,
    "chosen_rating": 5.0,
    "rejected_rating": 2.0,
}
HH = {
    "chosen": "\n\nHuman: Ask?\n\nAssistant: Yes",
    "rejected": "\n\nHuman: Ask?\n\nAssistant: No",
}
CASES = {
    "hh": (HH, "hh_rlhf", "human", "human", np.nan),
    "hh with a prompt": (
        {"prompt": "\n\nHuman: Ask?\n\nAssistant:", "response": " Yes", "chosen": " Yes",
         "rejected": " No"}, "hh_rlhf", "human", "human", np.nan),
    "ultrafeedback": (H4, "ultrafeedback_binarized", "gpt-4", "llm", 1.5),
    "argilla, cleaned": (ARGILLA, "ultrafeedback_binarized", "gpt-4", "llm", 1.5),
    "argilla": (ARGILLA_FIRST, "ultrafeedback_binarized", "gpt-4", "llm", 1.5),
    "tulu": (TULU, "tulu3_preference", "gpt-4o", "llm", np.nan),
    "skywork": ({**SIDES, "source": "x"}, "skywork_reward", "preference", "unknown", np.nan),
    "distilabel": (DISTILABEL, "distilabel_pairs", "ratings", "llm", 3.0),
    "distilabel, named": (
        {**DISTILABEL, "model_name": "judge"}, "distilabel_pairs", "judge", "llm", 3.0),
    "own file of the same kind": (
        {"id": "t", "source": "wild", "prompt": "Ask?", **SIDES}, "trl", "preference", "unknown",
        np.nan),
    "own file with scores": (
        {**SIDES, "score_chosen": 2, "score_rejected": 1}, "trl", "preference", "unknown", 1.0),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_who_preferred(case):
    record, name, annotator, kind, strength = CASES[case]
    found, frame = read([record])
    row = frame.iloc[0]
    assert (found, row.annotator, row.kind) == (name, annotator, kind)
    assert (row.response_a if row.preference == 1 else row.response_b).strip() == "Yes"
    assert row.prompt.replace("Human: ", "").replace("\n\nAssistant:", "").strip() == "Ask?"
    np.testing.assert_equal(row.strength, strength)


@pytest.mark.parametrize("record", [ARGILLA, TULU, DISTILABEL])
def test_models_and_scenario(record):
    row = read([record])[1].iloc[0]
    models = (row.model_a, row.model_b)
    assert models == (("m1", "m2") if row.preference == 1 else ("m2", "m1"))
    assert row.get("scenario") == record.get("source")


def test_equal_scores_are_kept_and_told():
    _, frame = read([H4, {**H4, "score_rejected": 8.0}])
    assert frame["strength"].tolist() == [1.5, 0.0]
    assert frame["preference"].isin([0.0, 1.0]).all()
    assert any("equal scores" in note for note in frame.attrs["notes"])


def test_the_user_s_word_goes_before_the_layout_s():
    _, frame = read([H4], annotator="crowd", kind="human")
    assert frame[["annotator", "kind"]].values.tolist() == [["crowd", "human"]]


def orca(chosen, rejected, status="unchanged", rating=(9.0, 5.0), shown=None):
    return {
        "system": "Be brief.", "input": "Ask?", "chosen": chosen, "rejected": rejected,
        "generations": shown or [chosen, rejected], "order": ["chosen", "rejected"],
        "labelling_model": "gpt-x", "labelling_prompt": [{"role": "user", "content": "judge"}],
        "raw_labelling_response": "9 5", "rating": list(rating), "rationale": "r",
        "status": status, "original_chosen": chosen, "original_rejected": rejected,
        "chosen_score": max(rating), "in_gsm8k_train": False,
    }  # fmt: skip


@pytest.mark.parametrize("write", [lambda value: value, str, json.dumps])
def test_orca_pairs(write):
    def written(record):
        return {k: write(v) if isinstance(v, list) else v for k, v in record.items()}

    records = [
        orca("Yes", "No"),
        orca("Well", "Bad", "swapped", (2.0, 8.0), ["Bad", "Well"]),
        orca("Even", "Odd", "tie", (7.0, 7.0)),
        orca("Lost", "Gone", rating=(9.0, 5.0), shown=["other", "texts"]),
    ]
    name, frame = read(list(map(written, records)))
    assert name == "orca_pairs"
    first = frame["preference"] == 1.0
    assert frame["annotator"].tolist() == ["gpt-x"] * 4
    assert frame["kind"].tolist() == ["llm"] * 4
    assert set(frame["prompt"]) == {"system: Be brief.\n\nuser: Ask?"}
    assert frame["preference"][2] == 0.5
    assert frame["reason"][2] == "tie"
    np.testing.assert_equal(frame["strength"].to_numpy(), [4.0, 6.0, np.nan, np.nan])
    shown_first = [
        row.response_a if row.order_shown == "ab" else row.response_b for row in frame.itertuples()
    ]
    assert shown_first[:3] == ["Yes", "Bad", "Even"]
    assert frame["order_shown"].isna().tolist() == [False, False, False, True]
    assert better_of(frame, first)[:2] == ["Yes", "Well"]


def better_of(frame, first):
    return np.where(first, frame["response_a"], frame["response_b"]).tolist()


def test_orca_s_texts_before_the_judgement_are_no_metadata_of_a_side():
    _, frame = read([orca("Yes", "No")])
    assert not {"original_a", "original_b", "order", "source_order"} & set(frame)
