"""Add a judge: every shape of verdicts, and every way in which they go wrong."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.data.add_judge import add_judge
from workbench.errors import DataError


def build(n: int = 4) -> wb.PreferenceData:
    table = pd.DataFrame(
        {
            "id": [f"q{i}" for i in range(n)],
            "number": range(10, 10 + n),
            "prompt": [f"p{i}" for i in range(n)],
            "text_a": [f"yes {i}" for i in range(n)],
            "text_b": [f"no {i}" for i in range(n)],
            "label": "a",
        }
    )
    return wb.load(table, annotator="human", kind="human")


DATA = build()
IDS = DATA.pairs["pair_id"].tolist()


def verdicts_of(data: wb.PreferenceData, name: str = "judge") -> list[float | str]:
    """Return the judge's verdict on each pair in order, "-" where it gave none."""
    mine = data.labels[data.labels["annotator"] == name].set_index("pair_id")["preference"]
    return [mine.get(pair, "-") for pair in data.pairs["pair_id"]]


def counts(data: wb.PreferenceData) -> dict[str, int]:
    return {reason: entry.count for reason, entry in data.load_report.left_out.items()}


GIVEN = [
    ["A", "B", "tie", 0.25],
    ("a", "b", "TIE", "0.25"),
    np.array([1.0, 0.0, 0.5, 0.25]),
    pd.Series(["model_a", "model_b", "draw", "0.25"]),
    pd.DataFrame({"verdict": ["A", "B", "tie", "0.25"]}),
]


@pytest.mark.parametrize("given", GIVEN)
def test_a_list_in_the_order_of_the_pairs(given):
    more = add_judge(DATA, given, name="judge", in_order=True)
    assert verdicts_of(more) == [1.0, 0.0, 0.5, 0.25]
    assert more.annotators.set_index("annotator").loc["judge", "kind"] == "llm"
    assert verdicts_of(more, "human") == [1.0] * 4
    assert (more.pairs["pair_id"] == DATA.pairs["pair_id"]).all()


@pytest.mark.parametrize("given", GIVEN)
def test_a_list_is_taken_for_the_pairs_order_only_where_that_is_said(given):
    with pytest.raises(DataError, match="in_order=True"):
        add_judge(DATA, given, name="judge")


KEYED = [
    dict(zip(IDS, "ABBA", strict=True)),
    pd.Series(list("ABBA"), index=IDS),
    pd.DataFrame({"pair_id": IDS, "choice": list("abba")}),
    pd.DataFrame({"answer": list("abba"), "pair_id": IDS}),
    pd.DataFrame({"id": [f"q{i}" for i in range(4)], "what": list("ABBA")}),
    pd.DataFrame({"number": [10, 11, 12, 13], "winner": list("abba")}),
    pd.DataFrame({"number": [10.0, 11.0, 12.0, 13.0], "winner": list("abba")}),
    pd.DataFrame({"verdict": list("abba")}, index=pd.Index(IDS, name="pair_id")),
    pd.DataFrame({"pair_id": IDS, "verdict": [1, 0, 0, 1], "prompt": ["p"] * 4}),
    [{"pair_id": pair, "verdict": v} for pair, v in zip(IDS, "ABBA", strict=True)],
]


@pytest.mark.parametrize("given", KEYED)
def test_verdicts_by_pair_in_any_order(given):
    assert verdicts_of(add_judge(DATA, given, name="judge")) == [1.0, 0.0, 0.0, 1.0]
    if isinstance(given, pd.DataFrame | pd.Series):
        more = add_judge(DATA, given.iloc[::-1], name="judge", kind="rule")
        assert verdicts_of(more) == [1.0, 0.0, 0.0, 1.0]


FILES = {
    "a.json": json.dumps(["A", "B", None, "A"]),
    "b.json": json.dumps({"verdicts": ["A", "B", None, "A"]}),
    "c.txt": "A\nB\n\nA\n",
    "d.csv": 'verdict\r\n"A"\r\nB\r\n\r\nA\r\n',
    "e.csv": "\ufeffverdict\n1\n0\n\n1",
}
KEYED_FILES = {
    "a.json": json.dumps(dict(zip(IDS, ["A", "B", None, "A"], strict=True))),
    "b.jsonl": "\n".join(json.dumps({"id": f"q{i}", "winner": w})
                         for i, w in enumerate(["A", "B", None, "A"])),
    "c.csv": "pair_id,verdict\n" + "\n".join(f"{p},{v}" for p, v in zip(IDS, ["a", "b", "", "a"],
                                                                        strict=True)),
    "d.tsv": "number\tjudgement\n10\tA\n11\tB\n13\tA\n12\t\n",
    "e.json": json.dumps([{"pair_id": p, "v": v} for p, v in zip(IDS, "AB?A", strict=True)
                          if v != "?"]),
}  # fmt: skip


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(("files", "in_order"), [(FILES, True), (KEYED_FILES, False)])
def test_files(tmp_path, files, in_order, packed):
    for name, content in files.items():
        path = tmp_path / (name + (".gz" if packed else ""))
        path.write_bytes(gzip.compress(content.encode()) if packed else content.encode())
        more = add_judge(DATA, path, name="judge", in_order=in_order)
        assert verdicts_of(more) == [1.0, 0.0, "-", 1.0], name
        assert counts(more) == ({} if name == "e.json" else {"no verdict": 1}), name
        assert path.name in more.load_report.notes[-1]
        assert "1 of 4 pairs have none" in more.load_report.notes[-1]


def test_parquet_and_the_order_of_rows_of_a_keyed_table(tmp_path):
    path = tmp_path / "verdicts.parquet"
    table = pd.DataFrame({"pair_id": IDS, "verdict": list("ABBA")})
    table.to_parquet(path)
    assert verdicts_of(add_judge(DATA, str(path), name="judge")) == [1.0, 0.0, 0.0, 1.0]
    # said to be in order, the ids are not asked
    shifted = table.assign(pair_id="?")
    assert verdicts_of(add_judge(DATA, shifted, name="judge", in_order=True)) == [1, 0, 0, 1]


@pytest.mark.parametrize("n", [0, 3, 5])
def test_a_list_of_another_length_is_refused_with_both_numbers(n):
    with pytest.raises(DataError, match=f"(?s){n} rows.*4 verdicts"):
        add_judge(DATA, ["A"] * n, name="judge", in_order=True)


def test_rows_that_cannot_be_used_are_counted_by_reason_with_examples():
    rows = [
        (IDS[0], "A"), (IDS[0], "A"), (IDS[1], "A"), (IDS[1], "B"),  # repeats
        ("nobody", "A"), (None, "B"),  # unknown
        (IDS[2], "perhaps"), (IDS[3], None), (IDS[3], " "),
    ]  # fmt: skip
    more = add_judge(DATA, pd.DataFrame(rows, columns=["pair_id", "verdict"]), name="judge")
    mine = more.labels[more.labels["annotator"] == "judge"]
    assert mine["preference"].tolist() == [1.0, 1.0, 1.0, 0.0]
    assert mine["replicate"].tolist() == [0, 1, 0, 1]
    assert counts(more) == {"unknown pair": 2, "unknown label": 1, "no verdict": 2}
    report = more.load_report
    assert report.rows_read == report.rows_kept + sum(counts(more).values()) == 4 + 9
    assert report.n_labels == len(more.labels) == 8
    example = report.left_out["unknown label"].examples[0]
    assert example["row"] == 7
    assert "perhaps" in example["found"]
    assert "judge" in example["found"]
    assert "2 of 4 pairs have none" in report.notes[-1]


def test_failed_and_other_verdicts_that_are_none_stay_what_they_are():
    more = add_judge(DATA, ["failed", "n/a", "both_bad", "tie"], name="judge", in_order=True)
    mine = more.labels[more.labels["annotator"] == "judge"]
    assert mine["reason"].tolist() == ["failed", "not_applicable", "both_bad", "tie"]
    assert mine["preference"].isna().tolist() == [True, True, False, False]
    # failures are judgements too: a repeat that failed does not take the verdict with it
    table = pd.DataFrame(
        {
            "pair_id": [IDS[0], IDS[0], IDS[1], IDS[1]],
            "verdict": ["failed", "failed", "failed", "A"],
        }
    )
    more = add_judge(DATA, table, name="judge")
    assert counts(more) == {}
    assert more.labels["preference"].isna().sum() == 3


def test_both_orders_and_numbered_replicates_are_all_kept():
    table = pd.DataFrame(
        {
            "pair_id": [IDS[0], IDS[0], IDS[1], IDS[1], IDS[1]],
            "verdict": ["A", "B", "A", "A", "A"],
            "order_shown": ["ab", "BA", "ab", "ab", "?"],
        }
    )
    more = add_judge(DATA, table, name="judge")
    mine = more.labels[more.labels["annotator"] == "judge"]
    assert mine["order_shown"].fillna("").tolist() == ["ab", "ba", "ab", "ab", ""]
    assert mine["replicate"].tolist() == [0, 0, 0, 1, 0]
    assert counts(more) == {}
    numbered = table.drop(columns="order_shown").assign(replicate=[0, 1, 0, 1, 2])
    assert counts(add_judge(DATA, numbered, name="judge")) == {}
    assert len(add_judge(DATA, numbered, name="judge").labels) == 4 + 5


def test_numbers_that_mean_sides_need_their_meaning():
    with pytest.raises(DataError, match="labels hold whole numbers"):
        add_judge(DATA, [1, 2, 2, 1], name="judge", in_order=True)
    meaning = {"1": "a", "2": "b"}
    more = add_judge(DATA, [1, 2, 2, 1], name="judge", in_order=True, labels=meaning)
    assert verdicts_of(more) == [1.0, 0.0, 0.0, 1.0]


@pytest.mark.parametrize(
    ("given", "options", "said"),
    [
        (["A"] * 4, {"name": "human"}, "annotator 'human' already"),
        (["A"] * 4, {"name": " "}, "no name"),
        (["A"] * 4, {"kind": "robot"}, "Unknown kind"),
        (["?"] * 4, {}, "No verdict can be used"),
        ([None] * 4, {}, "No verdict can be used"),
        (3, {}, "no verdicts"),
        ({"x": "A"}, {"in_order": False}, "No column names pairs"),
        ({}, {"in_order": False}, "No column names pairs"),
        (pd.DataFrame({"pair_id": IDS, "x": "A", "y": "B"}), {"in_order": False}, "holds the verd"),
        (pd.DataFrame({"x": list("AABB"), "y": 1}), {}, "No column holds"),
        (pd.DataFrame({"pair_id": IDS}), {"in_order": False}, "pair_id for each"),
    ],
)
def test_what_cannot_be_used_at_all_says_why(given, options, said):
    with pytest.raises(DataError, match=said) as caught:
        add_judge(DATA, given, **{"name": "judge", "in_order": True, **options})
    assert caught.value.found is not None
    assert caught.value.expected
    assert caught.value.fix


BROKEN = {
    "empty.csv": b"", "blank.txt": b"\n \n", "cut.json": b'["A", "B"', "cut.jsonl": b'{"pair_id": ',
    "latin.txt": "A\nB\n\u00e9\nA".encode("latin-1"), "pickle.txt": b"\x80\x04\x95\x00.",
    "utf16.csv": "pair_id,verdict\nx,A".encode("utf-16"), "nested.json": b"[[1], [2], [3], [4]]",
    "number.json": b"3", "text.json": b'"A"', "cut.csv.gz": gzip.compress(b"A\n" * 9000)[:-30],
    "none.json": b"[]", "object.json": b"{}", "deep.json": b"[" * 5000 + b"]" * 5000,
    "nul.txt": b"A\0\nB", "quote.csv": b'pair_id,verdict\nx,"A\ny,B\n', "null.json": b"null",
}  # fmt: skip


@pytest.mark.parametrize("in_order", [True, False])
@pytest.mark.parametrize("name", BROKEN)
def test_broken_files_give_a_clear_error(tmp_path, name, in_order):
    path = tmp_path / name
    path.write_bytes(BROKEN[name])
    with pytest.raises(DataError) as caught:
        add_judge(DATA, path, name="judge", in_order=in_order)
    assert str(tmp_path) not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        add_judge(DATA, tmp_path / "none.csv", name="judge")
    with pytest.raises(DataError, match="folder"):
        add_judge(DATA, tmp_path, name="judge")


def test_lines_that_are_no_record_are_counted(tmp_path):
    path = tmp_path / "a.jsonl"
    lines = [json.dumps({"pair_id": IDS[0], "verdict": "A"}), "{broken", "3",
             json.dumps({"pair_id": IDS[1], "verdict": "B"})]  # fmt: skip
    path.write_text("\n".join(lines))
    more = add_judge(DATA, path, name="judge")
    assert verdicts_of(more)[:2] == [1.0, 0.0]
    assert counts(more) == {"unparseable": 2}
    report = more.load_report
    assert report.rows_read == report.rows_kept + 2
    with pytest.raises(DataError, match="2 of them unreadable"):
        add_judge(DATA, path, name="judge", in_order=True)


def test_data_without_a_report_and_two_judges_after_another():
    bare = wb.PreferenceData(DATA.pairs, DATA.labels, DATA.factors, DATA.factor_values)
    more = add_judge(bare, {IDS[0]: "A", "?": "A"}, name="one")
    more = add_judge(more, {IDS[0]: "B", "??": "A", "?": "A"}, name="two")
    assert counts(more) == {"unknown pair": 3}
    assert len(more.load_report.notes) == 2
    assert more.load_report.rows_read == 4 + 2 + 3
    assert set(more.annotators["annotator"]) == {"human", "one", "two"}


def test_the_judge_can_be_fitted_beside_the_others_and_saved(tmp_path):
    from workbench.data import store

    data = wb.load("sample")
    table = pd.DataFrame({"pair_id": data.pairs["pair_id"], "verdict": "B"})
    table["verdict"] = table["verdict"].where(data.pairs["response_a"].str.len() < 900, "A")
    more = add_judge(data, table, name="long-lover")
    scored = wb.score_factors(more, [s for s in wb.factors.STYLE if s.name in ("words", "bold")])
    weights = wb.decompose(scored, annotator="long-lover", folds=0).to_frame().set_index("term")
    assert weights.loc["words", "conf_low"] > 0
    assert more.digest != data.digest
    store.save(more, tmp_path / "set")
    assert wb.load(tmp_path / "set").digest == more.digest
