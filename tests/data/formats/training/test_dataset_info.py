"""LLaMA-Factory's description beside a file names its columns; so does a mapping."""

import json

import pandas as pd
import pytest

from workbench.data.formats.training.dataset_info import mapping_beside
from workbench.data.load import load

PAIRS = [{"q": "Ask?", "more": "Now.", "good": "Yes", "bad": "No", "sys": "Be kind."}]
ALPACA = {
    "ranking": True,
    "columns": {
        "prompt": "q",
        "query": "more",
        "chosen": "good",
        "rejected": "bad",
        "system": "sys",
    },
}


def write(folder, name, records, entry):
    path = folder / name
    path.write_text(json.dumps(records))
    info = {"mine": {"file_name": name, **entry}, "other": {"hf_hub_url": "x"}, "odd": 3}
    (folder / "dataset_info.json").write_text(json.dumps(info))
    return path


def better(data):
    row = data.labels.merge(data.pairs, on="pair_id").iloc[0]
    return row["response_a"] if row["preference"] == 1 else row["response_b"]


def test_renamed_columns_of_alpaca_pairs(tmp_path):
    data = load(write(tmp_path, "pairs.json", PAIRS, ALPACA))
    assert data.pairs["prompt"].tolist() == ["system: Be kind.\n\nuser: Ask?\nNow."]
    assert better(data) == "Yes"
    assert data.load_report.format == "trl"


def test_renamed_columns_of_sharegpt_pairs(tmp_path):
    chats = [{"talk": [{"from": "human", "value": "Ask?"}], "good": {"from": "gpt", "value": "Yes"},
              "bad": {"from": "gpt", "value": "No"}}]  # fmt: skip
    columns = {"messages": "talk", "chosen": "good", "rejected": "bad"}
    entry = {"formatting": "sharegpt", "ranking": True, "columns": columns}
    data = load(write(tmp_path, "pairs.json", chats, entry))
    assert data.pairs["prompt"].tolist() == ["Ask?"]
    assert better(data) == "Yes"


@pytest.mark.parametrize("chats", [False, True])
def test_renamed_columns_of_completions(tmp_path, chats):
    def record(text, up):
        if chats:
            said = [{"from": "human", "value": "Ask?"}, {"from": "gpt", "value": text}]
            return {"talk": said, "up": up}
        return {"q": "Ask?", "said": text, "up": up}

    columns = {"messages": "talk"} if chats else {"prompt": "q", "response": "said"}
    entry = {"columns": {**columns, "kto_tag": "up"}}
    if chats:
        entry["formatting"] = "sharegpt"
    records = [record("Yes", True), record("No", False)]
    data = load(write(tmp_path, "kto.json", records, entry))
    assert data.load_report.format == "trl-unpaired"
    assert data.pairs["prompt"].tolist() == ["Ask?"]
    assert better(data) == "Yes"


def test_other_files_are_not_described(tmp_path):
    path = write(tmp_path, "pairs.json", PAIRS, {"columns": {"prompt": "q"}})
    assert mapping_beside(path) is None
    assert mapping_beside(tmp_path / "none.json") is None
    (tmp_path / "dataset_info.json").write_text("{broken")
    assert mapping_beside(path) is None


def test_a_mapping_to_chosen_needs_no_format_name(tmp_path):
    path = tmp_path / "own.csv"
    pd.DataFrame(PAIRS).to_csv(path, index=False)
    mapping = {"prompt": "q", "chosen": "good", "rejected": "bad"}
    data = load(path, mapping=mapping)
    assert better(data) == "Yes"
    assert data.pairs["sys"].tolist() == ["Be kind."]
