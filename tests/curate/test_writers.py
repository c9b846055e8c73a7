"""Training files: what trainers read, and what loading reads back."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import workbench as wb
from workbench.curate.writers.cells import json_texts
from workbench.curate.writers.layouts import LAYOUTS
from workbench.errors import ConfigError, DataError

RULE = {"soft": True, "margin": "logit", "weight": "confidence", "stages": 2}
HOSTILE = 'a "quote", a \\ slash,\n a line\r\n\ta tab \u2028 ünïcode 🙂 </s> {"role": "x"}'


@pytest.fixture(scope="module")
def made() -> wb.Curation:
    data = wb.load("sample")
    return wb.curate(data.filter(pair_ids=data.pairs["pair_id"][:300]), RULE)


def kept(data: wb.PreferenceData) -> pd.DataFrame:
    """What a round trip must keep, whichever side is A."""
    both = data.pairs.merge(data.labels, on="pair_id").sort_values("pair_id")
    first = both["preference"] > 0.5
    for name, base in (("chosen", "response"), ("model", "model")):
        both[name] = both[f"{base}_a"].where(first, both[f"{base}_b"])
    columns = ["pair_id", "prompt", "chosen", "model", "cluster", "scenario", "annotator", "kind",
               "strength", "weight", "p", "stage"]  # fmt: skip
    return both[[name for name in columns if name in both]].reset_index(drop=True)


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_loading_reads_every_layout_back(
    made: wb.Curation, layout: str, kind: str, tmp_path: Path
) -> None:
    found = wb.load(made.write(tmp_path, layout, kind)[0])
    pd.testing.assert_frame_equal(kept(found), kept(made.data), check_dtype=False)
    assert not found.load_report.left_out
    # what was read once is written and read without a change
    again = wb.curate(found)
    assert wb.load(again.write(tmp_path / "again", layout, kind)[0]).digest == again.data.digest


def test_the_same_data_rule_and_seed_give_the_same_bytes(tmp_path: Path) -> None:
    data = wb.load("sample")
    digests = set()
    for place in ("one", "other"):
        paths = wb.curate(data, {**RULE, "test_share": 0.2}).write(tmp_path / place)
        assert [path.name for path in paths] == ["train.jsonl", "test.jsonl"]
        digests.add(tuple(hashlib.sha256(path.read_bytes()).hexdigest() for path in paths))
    assert len(digests) == 1


def pair(prompt: str | None, chosen: str, rejected: str, **more: object) -> wb.PreferenceData:
    table = pd.DataFrame([{"prompt": prompt, "response_a": chosen, "response_b": rejected, **more}])
    labels = pd.DataFrame({"pair": [0], "annotator": ["ann"], "preference": [1.0]})
    return wb.PreferenceData.from_tables(table, labels)


@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_hostile_texts_stay_as_they_are(layout: str, tmp_path: Path) -> None:
    data = pair(HOSTILE, HOSTILE + "1", HOSTILE + "2")
    path = wb.curate(data).write(tmp_path, layout)[0]
    rows = [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]
    assert len(rows) == (2 if layout == "trl-unpaired" else 1)
    text = json.dumps(rows, ensure_ascii=False)
    assert json.dumps(HOSTILE, ensure_ascii=False)[1:-1] in text
    found = wb.load(path)
    assert found.pairs["pair_id"].tolist() == data.pairs["pair_id"].tolist()


@pytest.mark.parametrize("control", [[], ["\x00\x1f\x7f \\ \n"]])
def test_json_strings_are_json(control: list[str]) -> None:
    import pyarrow as pa

    texts = ["", HOSTILE, "plain", *control, None]
    found = json_texts(pa.array(texts, pa.large_string())).slice(0).to_pylist()
    assert [None if one is None else json.loads(one) for one in found] == texts


def rows_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_the_layouts_are_as_documented(tmp_path: Path) -> None:
    data = wb.curate(pair("Q?", "good", "bad")).data
    write = wb.curate(data).write
    who = {"annotator": "ann", "kind": "unknown", "cluster": data.pairs["cluster"].iloc[0]}
    user = [{"role": "user", "content": "Q?"}]
    said = [{"role": "assistant", "content": text} for text in ("good", "bad")]
    plain = {"prompt": "Q?", "chosen": "good", "rejected": "bad", **who}
    assert rows_of(write(tmp_path, "trl")[0]) == [plain]
    assert rows_of(write(tmp_path, "openrlhf")[0]) == [plain]
    chats = {"prompt": user, "chosen": said[:1], "rejected": said[1:], **who}
    assert rows_of(write(tmp_path, "trl-conversational")[0]) == [chats]
    # Axolotl's chat_template.default: messages, one message on each side
    axolotl = {"messages": user, "chosen": said[0], "rejected": said[1], **who}
    assert rows_of(write(tmp_path, "axolotl")[0]) == [axolotl]
    unpaired = [{"prompt": "Q?", "completion": text, "label": liked,
                 "pair_id": data.pairs["pair_id"].iloc[0], **who}
                for text, liked in (("good", True), ("bad", False))]  # fmt: skip
    assert rows_of(write(tmp_path, "trl-unpaired")[0]) == unpaired
    path, info = write(tmp_path, "llama-factory")
    assert rows_of(path) == [{"instruction": "Q?", "chosen": "good", "rejected": "bad", **who}]
    assert json.loads(info.read_text(encoding="utf-8")) == {
        "train": {"file_name": "train.jsonl", "ranking": True,
                  "columns": {"prompt": "instruction", "chosen": "chosen",
                              "rejected": "rejected"}}
    }  # fmt: skip


CHAT = {
    "prompt": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
    "chosen": [{"role": "assistant", "content": "Yes?"}],
    "rejected": [{"role": "assistant", "content": "What."}],
}


@pytest.mark.parametrize("layout", ["trl", "trl-unpaired", "axolotl", "llama-factory"])
@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_chats_stay_chats(layout: str, kind: str, tmp_path: Path) -> None:
    source = tmp_path / "chats.jsonl"
    source.write_text(json.dumps(CHAT) + "\n", encoding="utf-8")
    data = wb.curate(wb.load(source)).data
    paths = wb.curate(data).write(tmp_path / "out", layout, kind)
    found = wb.load(paths[0])
    assert found.pairs["prompt_messages"].tolist() == data.pairs["prompt_messages"].tolist()
    assert found.pairs["pair_id"].tolist() == data.pairs["pair_id"].tolist()
    assert found.digest == data.digest
    if layout == "llama-factory":
        entry = json.loads(paths[1].read_text(encoding="utf-8"))["train"]
        assert entry["formatting"] == "sharegpt"
        assert entry["columns"]["messages"] == "conversations"
        assert entry["tags"]["role_tag"] == "role"


def test_dialogue_texts_stay_texts(tmp_path: Path) -> None:
    source = tmp_path / "hh.jsonl"
    start = "\n\nHuman: Hi\n\nAssistant: Yes?\n\nHuman: 2+2?\n\nAssistant:"
    source.write_text(json.dumps({"chosen": start + " 4", "rejected": start + " 5"}) + "\n")
    data = wb.curate(wb.load(source)).data
    found = wb.load(wb.curate(data).write(tmp_path / "out")[0])
    assert found.pairs["prompt"].tolist() == data.pairs["prompt"].tolist()
    assert found.pairs["pair_id"].tolist() == data.pairs["pair_id"].tolist()


def test_responses_of_several_messages_are_refused_where_a_layout_has_one(tmp_path: Path) -> None:
    more = {"prompt": CHAT["prompt"]}
    for side, said in (("chosen", ("A", "B")), ("rejected", ("C", "D"))):
        turns = [{"role": "assistant", "content": text} for text in said]
        more[side] = [turns[0], {"role": "user", "content": "And?"}, turns[1]]
    source = tmp_path / "chats.jsonl"
    source.write_text(json.dumps(more) + "\n", encoding="utf-8")
    made = wb.curate(wb.load(source))
    with pytest.raises(DataError, match="one message for each response"):
        made.write(tmp_path / "out", "axolotl")
    assert wb.load(made.write(tmp_path / "out", "trl")[0]).digest == made.data.digest


def test_what_cannot_be_written_is_refused(tmp_path: Path) -> None:
    from workbench.curate.writers.write import write

    made = wb.curate(pair("Q?", "good", "bad"))
    with pytest.raises(ConfigError, match="no training file of this format"):
        made.write(tmp_path, "word")
    with pytest.raises(ConfigError, match="no training file of this kind"):
        made.write(tmp_path, "trl", "xml")
    with pytest.raises(DataError, match="not curated"):
        write(wb.load("sample"), tmp_path)


@pytest.fixture(scope="module")
def opened(made: wb.Curation, tmp_path_factory: pytest.TempPathFactory) -> dict:
    """The layouts of TRL, as Hugging Face datasets opens them."""
    datasets = pytest.importorskip("datasets")
    root = tmp_path_factory.mktemp("opened")
    found = {}
    for layout in ("trl", "trl-conversational", "trl-unpaired"):
        for kind, builder in (("jsonl", "json"), ("parquet", "parquet")):
            path = made.write(root / layout, layout, kind)[0]
            found[layout, kind] = datasets.load_dataset(
                builder, data_files=str(path), split="train", cache_dir=str(root / "cache")
            )
    return found


def test_datasets_opens_json_and_parquet_alike(opened: dict, made: wb.Curation) -> None:
    for layout in ("trl", "trl-conversational", "trl-unpaired"):
        one, other = opened[layout, "jsonl"], opened[layout, "parquet"]
        assert len(one) == len(made.data) * (2 if layout == "trl-unpaired" else 1)
        assert one.to_list() == other.to_list()


def test_trl_knows_its_types(opened: dict) -> None:
    utilities = pytest.importorskip("trl.data_utils")
    explicit = opened["trl", "jsonl"]
    assert not utilities.is_conversational(explicit[0])
    assert utilities.is_conversational(opened["trl-conversational", "jsonl"][0])
    unpaired = utilities.unpair_preference_dataset(explicit.select_columns(
        ["prompt", "chosen", "rejected"]
    ))  # fmt: skip
    ours = opened["trl-unpaired", "jsonl"].select_columns(["prompt", "completion", "label"])
    key = str
    assert sorted(map(key, unpaired.to_list())) == sorted(map(key, ours.to_list()))


def test_trl_reads_the_margin(opened: dict, made: wb.Curation) -> None:
    trainer = pytest.importorskip("trl.trainer.reward_trainer")
    collator = trainer.DataCollatorForPreference(pad_token_id=0)
    rows = opened["trl", "parquet"].select(range(4)).to_list()
    tokens = {"chosen_ids": [1, 2], "rejected_ids": [3]}
    batch = collator([{**tokens, "margin": row["margin"]} for row in rows])
    np.testing.assert_allclose(
        batch["margin"].numpy(), made.data.labels["strength"].to_numpy()[:4], rtol=1e-6
    )


def test_parquet_has_messages_as_lists(made: wb.Curation, tmp_path: Path) -> None:
    table = pq.read_table(made.write(tmp_path, "trl-conversational", "parquet")[0])
    assert str(table.schema.field("prompt").type).startswith("list<")
    assert table["chosen"][0].as_py()[0]["role"] == "assistant"


def several(prompts: list[str | None], **more: list[object]) -> wb.PreferenceData:
    n = len(prompts)
    sides = {f"response_{side}": [f"{side}{i}" for i in range(n)] for side in "ab"}
    table = pd.DataFrame({"prompt": prompts, **sides, **more})
    labels = pd.DataFrame({"pair": range(n), "annotator": "ann", "preference": [1.0, 0.0, 1.0][:n]})
    return wb.PreferenceData.from_tables(table, labels)


WITHOUT = {"some": ["q1", None, "q3"], "none": [None, None, None], "empty": ["q1", "", "q3"]}
HOLDS = {
    ("trl", "some"), ("openrlhf", "some"), ("llama-factory", "some"), ("trl", "none"),
    ("openrlhf", "none"), ("trl-conversational", "none"),
}  # fmt: skip


@pytest.mark.parametrize("layout", list(LAYOUTS))
@pytest.mark.parametrize("case", list(WITHOUT))
@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_pairs_without_a_prompt_come_back_or_are_refused_by_name(
    layout: str, case: str, kind: str, tmp_path: Path
) -> None:
    made = wb.curate(several(WITHOUT[case]))
    if (layout, case) in HOLDS:
        found = wb.load(made.write(tmp_path, layout, kind)[0])
        pd.testing.assert_frame_equal(kept(found), kept(made.data), check_dtype=False)
        return
    with pytest.raises(DataError) as told:
        made.write(tmp_path / "out", layout, kind)
    count = {"some": "1 of 3", "none": "3 of 3", "empty": "1 of 3"}[case]
    assert count in told.value.found
    assert layout in told.value.what or case == "empty"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["score", "rating", "quality", "model", "policy", "chosen_rank"])
def test_columns_that_are_read_as_of_one_completion_are_refused(name: str, tmp_path: Path) -> None:
    made = wb.curate(several(["q1", "q2", "q3"], **{name: [1.0, 2.0, 3.0], "topic": ["x"] * 3}))
    with pytest.raises(DataError, match="one response a row") as told:
        made.write(tmp_path, "trl-unpaired")
    assert told.value.found == name
    found = wb.load(made.write(tmp_path, "trl")[0]).pairs.set_index("pair_id")[name]
    wanted = made.data.pairs.set_index("pair_id")[name]
    assert found.reindex(wanted.index).tolist() == wanted.tolist()


@pytest.mark.parametrize("name", ["preference", "reason", "judge_model", "image", "file", "split"])
def test_columns_that_reading_takes_for_others_are_left_out_and_named(
    name: str, tmp_path: Path
) -> None:
    made = wb.curate(several(["q1", "q2", "q3"], **{name: ["x", "y", "z"], "topic": ["x"] * 3}))
    assert made.settings["columns_left_out"] == [name]
    found = wb.load(made.write(tmp_path, "trl-unpaired")[0])
    assert name not in found.pairs
    pd.testing.assert_frame_equal(kept(found), kept(made.data), check_dtype=False)
    assert found.pairs["topic"].tolist() == ["x"] * 3


def test_equal_responses_are_told_by_count() -> None:
    data = several(["q1", "q2", "q3"], response_a=["x", "y", "z"], response_b=["x", "n", "z"])
    assert wb.curate(data).settings["notes"]["equal responses"].startswith("2 of the pairs kept")
    assert "equal responses" in wb.curate(data).summary()
    assert "equal responses" not in wb.curate(several(["q1"])).settings["notes"]
