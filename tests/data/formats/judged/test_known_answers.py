"""Sets whose better response is known: EvalBiasBench, HHH, PPE, RM-Bench."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest

import workbench as wb
from tests.data.formats.judged.conftest import of_text, said
from workbench.data.formats.judged import ppe_correctness, rm_bench


def put(path, records):
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def preferred(data):
    """Return the preferred text of each label; a tie is None."""
    side = {1.0: "response_a", 0.0: "response_b", 0.5: "reason"}
    texts = [row[side[row["preference"]]] for row in said(data).to_dict("records")]
    return [None if text == "tie" else text for text in texts]


def biased(k=0, bias="length", **changed):
    return {"bias": bias, "instruction": f"Say {k}.", "response1": f"good {k}",
            "response2": f"bad {k}", "label": 1, **changed}  # fmt: skip


def test_evalbiasbench_is_an_object_of_lists(tmp_path):
    path = tmp_path / "bench.json"
    lists = {b: [biased(f"{b} {k}", b) for k in range(20)] for b in ("length", "empty")}
    for text in (json.dumps(lists), json.dumps(lists, indent=1)):
        path.write_text(text)
        data = wb.load(path)
        assert data.load_report.format == "evalbiasbench"
        assert all(text.startswith("good") for text in preferred(data))
        assert 5 < data.labels["preference"].sum() < 35
        assert data.pairs["scenario"].value_counts().to_dict() == {"length": 20, "empty": 20}
        assert set(data.labels["kind"]) == {"objective"}


def test_evalbiasbench_as_rows(written):
    data = wb.load(written([biased(0), biased(1, label=2), biased(2, label=3)]))
    assert preferred(data) == ["good 0", "bad 1"]
    assert data.load_report.left_out["unknown label"].count == 1


def graded(k, text):
    return (
        f"###Task Description:\nGrade.\n\n###The instruction to evaluate:\nQ {k}?\n\nMore.\n\n"
        f"###Response to evaluate:\n{text} {k}\n\n###Score Rubrics:\n[Is it so?]\nScore 1: no\n\n"
        "###Feedback: "
    )


def hhh(k, source="harmless", **changed):
    return {"source": source, "chosen_instruction": graded(k, "good"),
            "rejected_instruction": graded(k, "bad"), **changed}  # fmt: skip


def test_prometheus_sets_hold_two_prompts_of_a_grader(written):
    data = wb.load(written([hhh(k) for k in range(20)]))
    assert data.load_report.format == "prometheus_eval"
    assert preferred(data) == [f"good {k}" for k in range(20)]
    assert data.pairs["prompt"].tolist()[0] == "Q 0?\n\nMore."
    assert set(data.pairs["rubric"]) == {"[Is it so?]\nScore 1: no"}
    assert set(data.labels["kind"]) == {"objective"}
    assert set(data.pairs["scenario"]) == {"harmless"}


def test_prometheus_sets_of_others_say_nothing_of_who_judged(tmp_path):
    path = tmp_path / "eval.json"
    path.write_text(json.dumps([hhh(0, None, tie=0), hhh(1, None, tie=1),
                                hhh(2, chosen_instruction="cut off")]))  # fmt: skip
    data = wb.load(path)
    assert preferred(data) == ["good 0", None]
    assert set(data.labels["kind"]) == {"unknown"}
    assert data.load_report.left_out["unparseable"].count == 1


def ppe(k=0, scores=(True, False, True), **changed):
    return {
        "question_id": f"q{k}", "prompt": f"{k}?",
        **{f"response_{j}": f"{'right' if right else 'wrong'} {k}.{j}"
           for j, right in enumerate(scores, start=1)},
        "scores": list(scores), "mean_score": 0.5, "conflict_pairs": [[0, 1], [2, 1]],
        "sampled_conflict_pairs": [[0, 1]], "model_name": "oak", **changed,
    }  # fmt: skip


def test_ppe_compares_right_with_wrong(written):
    data = wb.load(written([ppe(0), ppe(1)]))
    assert data.load_report.format == "ppe_correctness"
    assert preferred(data) == ["right 0.1", "right 0.3", "right 1.1", "right 1.3"]
    assert data.pairs["sampled"].astype(float).tolist() == [1, 0, 1, 0]
    assert set(data.pairs["model_a"]) == set(data.pairs["model_b"]) == {"oak"}
    assert data.pairs["cluster"].tolist() == ["q0", "q0", "q1", "q1"]


def test_ppe_numbers_its_responses_beyond_nine():
    record = ppe(0, (*[False] * 9, True))
    frame = ppe_correctness.FORMAT.translate(pa.Table.from_pylist([record]), 1, {})
    better = frame["response_a"].where(frame["preference"].eq(1), frame["response_b"])
    assert better.tolist() == ["right 0.10"] * 9


def test_ppe_without_a_difference_is_counted():
    frame = ppe_correctness.FORMAT.translate(
        pa.Table.from_pylist([ppe(0), ppe(1, (True, True, True)), ppe(2, response_2=None)]), 1, {}
    )
    assert frame["problem"].fillna("").tolist() == ["", "", "unparseable", "unparseable"]


def bench(k=0, **changed):
    return {"id": f"r{k}", "prompt": f"Who {k}?", "domain": "chat",
            "chosen": ["right.", "right, long.", "**right**"],
            "rejected": ["wrong.", "wrong, long.", "**wrong**"], **changed}  # fmt: skip


def test_rm_bench_is_nine_pairs_by_style(written):
    data = wb.load(written([bench(0), bench(1)]))
    assert data.load_report.format == "rm_bench"
    assert (len(data.pairs), data.pairs["cluster"].nunique()) == (18, 2)
    assert set(data.labels["annotator"]) == {"gold"}
    assert set(data.labels["kind"]) == {"objective"}
    assert all("right" in text for text in preferred(data))


def test_rm_bench_keeps_styles_that_are_written_alike(tmp_path):
    same = ["right.", "right.", "**right**"]
    path = put(tmp_path / "bench.jsonl", [bench(0, chosen=same), bench(1)])
    pairs = wb.load(path).pairs
    assert len(pairs) == 18
    assert pairs["style_a"].notna().all()


def test_rm_bench_s_scores_are_a_model_s_labels(written):
    records = [
        bench(0, score_chosen=[3.0, 2.0, 1.0], score_rejected=[1.0, 2.0, 2.5]),
        bench(1, score_chosen=[0.0, 0.0, 0.0], score_rejected=[1.0, 1.0, None]),
    ]
    data = wb.load(written(records, "total_dataset_my-rm_REWORD_MODEL_20250101"))
    assert data.labels["annotator"].value_counts().to_dict() == {"gold": 18, "my-rm": 18}
    rows = said(data).query("annotator == 'my-rm'").to_dict("records")
    good = [of_text(row, "right") for row in rows]
    assert good[:9] == [1, 1, 1, 1, 0.5, 0, 0.5, 0, 0]
    assert data.labels["kind"].value_counts().to_dict() == {"objective": 18, "reward_model": 18}
    assert data.labels["reason"].dropna().tolist().count("failed") == 3


def test_rm_bench_is_told_by_its_lists_of_three():
    assert not rm_bench.FORMAT.recognise(list(bench()), [bench(chosen=["one"])])


@pytest.mark.parametrize(
    ("name", "n", "ties"),
    [("evalbiasbench/biasbench.json", 80, 0), ("hhh_alignment/hhh_alignment_eval.json", 221, 0),
     ("auto_j/testdata_pairwise.jsonl", 1392, 373), ("auto_j", 4176, 488)],
)  # fmt: skip
def test_the_real_sets_arrive_whole(shared_data, name, n, ties):
    """Counts of the sets' own descriptions, and of a reading by other hands."""
    if not (shared_data / name).exists():
        pytest.skip(f"{name} is absent")
    data = wb.load(shared_data / name)
    assert (len(data.labels), int(data.labels["preference"].eq(0.5).sum())) == (n, ties)
    assert not data.load_report.left_out
