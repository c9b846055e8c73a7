"""What others read from our files, and what we read from theirs, is the same votes."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.principles.voted import voted
from workbench.errors import DataError
from workbench.principles.interchange.annotated_pairs import (
    DEFAULT_ID,
    DEFAULT_NAME,
    to_annotated_pairs,
    votes_of,
    write_annotated_pairs,
)
from workbench.principles.interchange.icai_folder import read_icai, read_votes
from workbench.principles.measure.measure import measure
from workbench.principles.principle import Principle
from workbench.principles.vote.votes import Vote, Votes


def strengths(document: dict) -> dict[str, float]:
    """Return (agree - disagree) / N of each principle, as Feedback Forensics defines it."""
    rows = [one["annotations"] for one in document["comparisons"]]
    rows = [row for row in rows if row[DEFAULT_ID]["pref"] in ("a", "b")]
    found = {}
    for key, about in document["annotators"].items():
        prefs = [(row[DEFAULT_ID]["pref"], row.get(key, {}).get("pref")) for row in rows]
        agree = sum(mine == other for mine, other in prefs)
        against = sum(other is not None and mine != other for mine, other in prefs)
        found[about["description"]] = (agree - against) / len(rows)
    return found


def made(n: int = 60, k: int = 5):
    preference = np.random.default_rng(2).choice([0.0, 0.5, 1.0], n)
    codes = np.random.default_rng(3).choice([1, -1, 2, 3, 4, 5], (n, k)).astype(np.int8)
    columns = ("prompt", "response_a", "response_b")
    texts = {name: [f"{name} {i}" for i in range(n)] for name in columns}
    return voted(codes, preference, **texts)


def test_the_exported_strengths_are_ours_to_1e_9():
    data, votes = made()
    document = to_annotated_pairs(data, votes, "ann")
    ours = measure(data, votes, "ann").to_frame().set_index("term")["estimate"]
    theirs = strengths(document)
    for text, strength in ours.items():
        assert theirs[text] == pytest.approx(strength, abs=1e-9)


def test_the_document_is_as_its_readers_want_it(tmp_path):
    data, votes = made()
    document = to_annotated_pairs(data, votes, "ann")
    path = write_annotated_pairs(tmp_path / "ap.json", document)
    read = json.loads(path.read_text())
    assert next(iter(read)) == "metadata"
    assert read["metadata"]["default_annotator"] == DEFAULT_ID == "ba751e7b"
    assert read["comparisons"]
    annotated = {key for one in read["comparisons"] for key in one["annotations"]}
    assert set(read["annotators"]) == annotated
    assert all(len(key) == 8 for key in annotated)
    assert len({one["id"] for one in read["comparisons"]}) == len(read["comparisons"])
    ties = (data.labels["preference"] == 0.5).sum()
    assert read["metadata"]["left_out"] == ties
    assert write_annotated_pairs(tmp_path / "2", document).read_bytes() == path.read_bytes()


def test_the_default_annotator_is_named_as_the_first_view_asks_for_it():
    """Feedback Forensics 0.5.0 chooses the column "Default: preferred_text", and fails without."""
    data, votes = made()
    for annotator in (None, "ann"):
        document = to_annotated_pairs(data, votes, annotator)
        default = document["annotators"][DEFAULT_ID]
        assert default["name"] == DEFAULT_NAME == "preferred_text"
        assert (annotator or "majority") in default["description"]
        assert document["metadata"]["version"].split(".")[0] == "2"
        assert all("text" in one[side] for one in document["comparisons"]
                   for side in ("response_a", "response_b"))  # fmt: skip


def test_the_package_itself_shows_our_strengths_first(tmp_path):
    pytest.importorskip("feedback_forensics", reason="feedback-forensics is not installed")
    from bench.opened_elsewhere import first_view

    data, votes = made()
    path = write_annotated_pairs(tmp_path / "ap.json", to_annotated_pairs(data, votes, "ann"))
    shown = first_view(path)["strength"]
    ours = measure(data, votes, "ann").to_frame().set_index("term")["estimate"]
    assert len(shown) == len(ours)
    for text, strength in ours.items():
        name = text.replace("Select the response that", "").strip(" .")
        assert shown[name] == pytest.approx(strength, abs=1e-9)


def test_votes_come_back_from_our_own_export(tmp_path):
    data, votes = made()
    path = write_annotated_pairs(tmp_path / "ap.json", to_annotated_pairs(data, votes, "ann"))
    loaded = wb.load(path)
    back = votes_of(loaded, [one.text for one in votes.principles])
    own = dict(zip(data.pairs["response_a"], range(len(data)), strict=True))
    rows = [own[text] for text in loaded.pairs["response_a"]]
    assert (back.merged() == votes.merged()[rows]).all()
    ours = measure(data, votes, "ann").to_frame().set_index("term")["estimate"]
    again = measure(loaded, back, DEFAULT_NAME).to_frame().set_index("term")["estimate"]
    pd.testing.assert_series_equal(again, ours, check_exact=False, atol=1e-9)


def test_the_example_of_icai_opens_with_the_strengths_by_definition(shared_data):
    files = sorted((shared_data / "icai_synthetic").rglob("example_ap.json"))
    if not files:
        pytest.skip("the example of inverse constitutional AI is absent")
    document = json.loads(files[0].read_text())
    names = {a["description"]: a for a in document["annotators"].values()}
    data = wb.load(files[0])
    principles = [
        n for n in data.annotators["annotator"] if names.get(n, {}).get("type") == "principle"
    ]
    votes = votes_of(data, principles)
    default = document["annotators"][DEFAULT_ID]
    told = default.get("name") or default["description"]
    ours = measure(data, votes, told).to_frame().set_index("term")["estimate"]
    theirs = strengths(document)
    assert len(ours) == len(principles) > 0
    for text, strength in ours.items():
        assert strength == pytest.approx(theirs[text], abs=1e-9)


def test_pairs_without_text_cannot_be_exported():
    data, votes = voted(np.ones((4, 1), np.int8), np.ones(4))
    with pytest.raises(DataError, match="texts"):
        to_annotated_pairs(data, votes, "ann")


@pytest.mark.parametrize("header", ["votes", "0"])
def test_a_results_folder_of_icai(tmp_path, header):
    folder = tmp_path / "results"
    folder.mkdir()
    table = pd.DataFrame({"text_a": ["a1", "a2"], "text_b": ["b1", "b2"],
                          "preferred_text": ["text_a", "text_b"]})  # fmt: skip
    table.to_csv(folder / "000_train_data.csv", index_label="index")
    rules = {"0": "Select the response that sings", "1": "Select the response that is fine"}
    (folder / "030_distilled_principles_per_cluster.json").write_text(json.dumps(rules))
    votes = [{0: True, 1: False}, {0: True, 1: "Both"}]
    pd.DataFrame({header: [str(v) for v in votes]}).to_csv(
        folder / "040_votes_per_comparison.csv", index_label="index"
    )
    (folder / "060_constitution.json").write_text(json.dumps(f"1. {rules['0']}\n"))
    found = read_icai(tmp_path)
    side = found.data.pairs.set_index("response_a").index
    codes = dict(zip(side, found.votes.codes[:, :, 0].tolist(), strict=True))
    # for the preferred response: A on the first pair, B on the second
    assert codes == {"a1": [Vote.A, Vote.B], "a2": [Vote.B, Vote.BOTH]}
    assert [one.text for one in found.constitution.principles] == [rules["0"]]
    assert measure(found.data, found.votes).to_frame()["estimate"].tolist() == [1.0, -0.5]
    for bad in ("[1]", "import os", "{0: "):
        pd.DataFrame({header: [bad]}).to_csv(folder / "040_votes_per_comparison.csv")
        with pytest.raises(DataError, match="votes cannot be read"):
            read_icai(folder)
    with pytest.raises(DataError, match="not whole"):
        read_icai(tmp_path / "nowhere")


def test_votes_as_a_table_wide_or_long(tmp_path):
    data, _ = made(3)
    ids = data.pairs["pair_id"].tolist()
    said = {"Be brief": ["A", "b", ""], "Sing": ["both", "NEITHER", "invalid"]}
    wide = pd.DataFrame({"pair_id": ids, **said})
    wide.to_csv(tmp_path / "wide.csv", index=False)
    found = read_votes(tmp_path / "wide.csv", data)
    expected = [[Vote.A, Vote.BOTH], [Vote.B, Vote.NEITHER], [Vote.NOT_ASKED, Vote.INVALID]]
    assert found.codes[:, :, 0].tolist() == expected
    assert found.principles == (Principle("Be brief", "imported"), Principle("Sing", "imported"))
    wide.melt("pair_id", var_name="principle", value_name="vote").to_csv(
        tmp_path / "long.csv", index=False
    )
    long = read_votes(tmp_path / "long.csv", data).take(pair_ids=np.array(ids))
    texts = [one.text for one in long.principles]
    order = [texts.index("Be brief"), texts.index("Sing")]
    assert long.codes[:, order, 0].tolist() == expected


@pytest.mark.parametrize(
    "text", ["a,b\n1,2", "pair_id,Be brief\nnobody,A", "pair_id,Be brief\n{id},maybe",
             "pair_id,Be brief\n{id},A\n{id},B"],
)  # fmt: skip
def test_votes_that_cannot_be_read_are_refused(tmp_path, text):
    data, _ = made(3)
    (tmp_path / "votes.csv").write_text(text.replace("{id}", data.pairs["pair_id"][0]))
    with pytest.raises(DataError, match="votes cannot be read"):
        read_votes(tmp_path / "votes.csv", data)
    with pytest.raises(DataError, match="No annotator of the data is a principle"):
        votes_of(data)


def test_repeats_and_orders_of_votes_survive(tmp_path):
    pairs = pd.DataFrame({"prompt": ["p"], "response_a": ["a"], "response_b": ["b"]})
    labels = pd.DataFrame({"pair": [0, 0], "annotator": "Select the response that sings",
                           "preference": [1.0, 0.0], "replicate": [0, 1],
                           "order_shown": ["ab", "ba"]})  # fmt: skip
    found = votes_of(wb.PreferenceData.from_tables(pairs, labels))
    assert found.codes[0, 0].tolist() == [Vote.A, Vote.B]
    assert found.shown_ab[0, 0].tolist() == [True, False]
    assert isinstance(found, Votes)


FEEDBACK_FORENSICS = {
    "is kind": 0.03501094091903719,
    "is long": 0.03938730853391693,
    "has a list": -0.024617067833698034,
    "is never relevant to anything": 0.0,
}


def feedback_forensics_case() -> tuple[wb.PreferenceData, Votes]:
    """Votes of all kinds at random on pairs of the sample, for what Feedback Forensics says."""
    data = wb.load("sample").filter(kinds=["human"])
    rng = np.random.default_rng(5)
    names = ("is kind", "is long", "has a list", "is never relevant to anything")
    principles = tuple(Principle(f"Select the response that {name}") for name in names)
    chances = ([0.4, 0.2, 0.1, 0.1, 0.1, 0.1], [0.2, 0.6, 0.05, 0.05, 0.05, 0.05],
               [0.1, 0.1, 0.2, 0.2, 0.2, 0.2], [0.0, 0.0, 0.0, 0.5, 0.5, 0.0])  # fmt: skip
    columns = [rng.choice([1, -1, 2, 3, 4, 5], len(data.pairs), p=chance) for chance in chances]
    codes = np.stack(columns, axis=1).astype(np.int8)[:, :, None]
    return data, Votes(data.pairs["pair_id"].to_numpy(), principles, codes)


def test_strengths_are_those_that_feedback_forensics_shows():
    """Numbers of feedback-forensics 0.5.0, which opened the export of these votes."""
    data, votes = feedback_forensics_case()
    table = measure(data, votes, "human").to_frame().set_index("term")["estimate"]
    for name, strength in FEEDBACK_FORENSICS.items():
        assert table[f"Select the response that {name}"] == pytest.approx(strength, abs=1e-9)
