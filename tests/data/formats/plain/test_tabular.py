"""Plain tables: which column is what, by whatever name, and in whatever container."""

from __future__ import annotations

import json

import pandas as pd
import pytest

import workbench as wb
from workbench.errors import DataError

ROWS = [
    {"prompt": "Name a bird.", "a": "Owl", "b": "A wren", "w": "a"},
    {"prompt": "Name a fish.", "a": "Cod", "b": "A carp", "w": "b"},
    {"prompt": "Name a tree.", "a": "Oak", "b": "An elm", "w": "tie"},
]


def named(a="response_a", b="response_b", w="winner", prompt="prompt", **more) -> pd.DataFrame:
    frame = pd.DataFrame(ROWS).rename(columns={"a": a, "b": b, "w": w, "prompt": prompt})
    return frame.assign(**more)


def read(data: wb.PreferenceData) -> list[tuple]:
    """Return each judgement with its texts, the same whichever side is A."""
    table = data.labels.merge(data.pairs, on="pair_id")
    rows = []
    for row in table.to_dict("records"):
        sides = [(row["response_a"], row["preference"]), (row["response_b"], 1 - row["preference"])]
        rows.append((row["prompt"], *sorted(sides), row["annotator"], row["criterion"]))
    return sorted(rows, key=str)


EXPECTED = read(wb.load(named()))


def test_the_plain_case():
    data = wb.load(named())
    assert data.labels["preference"].tolist() == [1.0, 0.0, 0.5]
    # nobody is said to be a person, or named at all
    assert data.annotators[["annotator", "kind"]].values.tolist() == [["unnamed", "unknown"]]


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("response_1", "response_2"), ("response1", "response2"), ("Response A", "Response B"),
        ("response_0", "response_1"), ("text_a", "text_b"), ("output_1", "output_2"),
        ("answerA", "answerB"), ("assistant_a", "assistant_b"), ("summary_a", "summary_b"),
        ("story_1", "story_2"), ("completion_a", "completion_b"), ("A", "B"), ("left", "right"),
        ("model_a_response", "model_b_response"), ("first_response", "second_response"),
        ("Input.response_a", "Input.response_b"), ("generation 1", "generation 2"),
        ("candidate-a", "candidate-b"), (" response_a", "response_b\n"),
    ],
)  # fmt: skip
def test_sides_by_other_names(a, b):
    assert read(wb.load(named(a, b))) == EXPECTED


@pytest.mark.parametrize("words", [
    ("model_1", "model_2", "Equally Good"), ("Response A", "Response B", "Tie"),
    ("assistant_a", "assistant_b", "A=B"), ("A>B", "B>A", "C"), ("[[A]]", "[[B]]", "[[C]]"),
    ("m", "M", "draw"), ("left", "right", "same"), ("A-is-clearly-better", "B>>A", "neither"),
])  # fmt: skip
def test_labels_by_other_words(words):
    table = named().assign(winner=list(words))
    assert read(wb.load(table)) == EXPECTED


def test_a_winner_by_its_models_name():
    models = {"model_a": ["m-red", "m-blue", "m-red"], "model_b": ["m-blue", "m-red", "m-blue"]}
    table = named(**models).assign(winner=["m-red", "M-Red ", "tie"])
    assert read(wb.load(table)) == EXPECTED
    # without models, or with a third name, it says nothing
    lost = wb.load(table.assign(winner=["m-red", "m-grey", "tie"])).load_report
    assert lost.left_out["unknown label"].count == 1
    assert any("'m-grey' in 1 rows" in note for note in lost.notes)
    same = table.assign(model_b=table["model_a"])
    with pytest.raises(DataError, match="not known"):
        wb.load(same)


def test_a_models_name_that_is_a_word_for_the_other_side_is_not_guessed():
    table = named(model_a=["b", "b", "b"], model_b=["a", "a", "a"], w="label")
    report = wb.load(table.assign(label=["a", "model_b", "model_a"])).load_report
    assert report.left_out["unknown label"].count == 1
    agreeing = named(model_a=["a"] * 3, model_b=["b"] * 3)
    assert read(wb.load(agreeing)) == EXPECTED


def test_a_winner_by_its_columns_name_or_its_own_text():
    by_column = named("response_0", "response_1").assign(winner=["response_0", "response_1", "tie"])
    assert read(wb.load(by_column)) == EXPECTED
    by_text = named(w="preferred_response").assign(preferred_response=["Owl", "A carp ", "tie"])
    assert read(wb.load(by_text)) == EXPECTED


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("a_preferred", [1, 0]), ("prefers_a", [True, False]), ("winner_model_a", ["1", "0"]),
        ("is_b_better", [0, 1]), ("b_wins", ["false", "true"]), ("p_a", [1.0, 0.0]),
        ("first_response_preferred", ["yes", "no"]), ("response_2_preferred", [0, 1]),
    ],
)  # fmt: skip
def test_flags_whose_name_says_the_side(column, values):
    table = named().iloc[:2].drop(columns="winner").assign(**{column: values})
    assert wb.load(table).labels["preference"].tolist() == [1.0, 0.0]


def test_a_flag_for_each_side():
    table = named().drop(columns="winner")
    table = table.assign(winner_a=[1, 0, 0], winner_b=[0, 1, 0], winner_tie=[0, 0, 1])
    assert read(wb.load(table)) == EXPECTED
    table.loc[0, "winner_b"] = 1
    assert wb.load(table).load_report.left_out["unknown label"].count == 1


@pytest.mark.parametrize("column", [
    "WorkerId", "worker", "coder", "participant", "user", "labeler", "evaluator", "rater_id",
    "annotator_id", "judge", "PROLIFIC_PID", "Rater ID", "annotatorName", "user_hash",
])  # fmt: skip
def test_raters_by_other_names(column):
    data = wb.load(named(**{column: ["p1", "p2", "p1"]}), kind="human")
    assert data.labels["annotator"].tolist() == ["p1", "p2", "p1"]
    assert set(data.labels["kind"]) == {"human"}


def test_votes_of_nobody_named_stay_five():
    table = pd.concat([named().head(1)] * 4 + [named().head(1).assign(winner="b")])
    data = wb.load(table)
    assert (len(data.pairs), sorted(data.labels["preference"])) == (1, [0, 1, 1, 1, 1])
    named_ = wb.load(table, annotator="crowd", kind="human")
    assert named_.annotators[["annotator", "kind"]].values.tolist() == [["crowd", "human"]]


def test_one_column_a_person():
    table = named(w="ann", bob=["B", None, "tie"])
    data = wb.load(table, annotators=["ann", "bob"], kind="human")
    assert data.labels["annotator"].value_counts().to_dict() == {"ann": 3, "bob": 2}
    assert set(data.labels["kind"]) == {"human"}
    assert data.load_report.left_out["no judgement"].count == 1
    kinds = wb.load(table, annotators={"ann": "human", "bob": "llm"}).annotators
    assert kinds.set_index("annotator")["kind"].to_dict() == {"ann": "human", "bob": "llm"}
    again = table.rename(columns={"ann": "annotator1", "bob": "annotator2"})
    assert wb.load(again).annotators["annotator"].tolist() == ["annotator1", "annotator2"]


def test_criteria_by_a_column_or_in_columns_of_their_own():
    rows = pd.concat(
        [named(dimension="overall", rater="r"),
         named(dimension="brevity", rater="r").assign(winner="b")]
    )  # fmt: skip
    by_column = wb.load(rows)
    assert (len(by_column.pairs), len(by_column.labels)) == (3, 6)
    wide = named(w="main", short="b", rater="r")
    criteria = {"overall": "main", "brevity": "short"}
    assert read(wb.load(wide, criteria=criteria)) == read(by_column)
    assert read(wb.load(wide, mapping={"label": criteria})) == read(by_column)
    with pytest.raises(DataError, match="a person's and a criterion's"):
        wb.load(wide, criteria=criteria, annotators=["main"])


def test_the_order_is_claimed_only_where_it_is_said():
    assert wb.load(named()).labels["order_shown"].isna().all()
    assert set(wb.load(named(), order="shown").labels["order_shown"]) == {"ab"}
    with pytest.raises(DataError, match="order"):
        wb.load(named(), order="random")


def test_both_orders_as_rows_are_one_pair():
    table = pd.DataFrame({"prompt": "Q", "response_a": ["x", "y"], "response_b": ["y", "x"],
                          "judge": "j", "winner": "a"})  # fmt: skip
    data = wb.load(table, order="shown")
    assert len(data.pairs) == 1
    assert sorted(data.labels["preference"]) == [0.0, 1.0]
    assert sorted(data.labels["order_shown"]) == ["ab", "ba"]


def test_ids_of_votes_comparisons_and_prompts():
    table = pd.concat([named(), named()], ignore_index=True)
    unique = wb.load(table.assign(id=range(6)))
    assert (len(unique.pairs), unique.labels["row_id"].nunique()) == (3, 6)
    pairs = wb.load(table.assign(pair_id=[1, 2, 3] * 2))
    assert len(pairs.pairs) == 3
    assert pairs.pairs["item"].tolist() == ["1", "2", "3"]
    # the same texts as two comparisons of the file are two pairs
    assert len(wb.load(table.assign(comparison_id=range(6))).pairs) == 6
    same = wb.load(table.assign(id=[1, 2, 3] * 2))
    assert same.pairs["item"].tolist() == ["1", "2", "3"]
    other = table.assign(response_b=[f"other {i}" for i in range(6)], id=[1, 2, 3] * 2)
    assert wb.load(other).pairs["cluster"].nunique() == 3
    # an index that starts anew in each part of a file numbers nothing
    parts = table.assign(index=[1, 1, 2, 2, 3, 3])
    assert wb.load(parts).pairs["cluster"].tolist() == wb.load(table).pairs["cluster"].tolist()
    prompts = wb.load(table.assign(question_id=[7, 8, 9] * 2))
    assert prompts.pairs["cluster"].tolist() == ["7", "8", "9"]


def test_only_the_same_vote_id_is_a_duplicate():
    table = pd.concat([named(), named()], ignore_index=True)
    assert len(wb.load(table).labels) == 6
    report = wb.load(table.assign(vote_id=["v1", "v2", "v3"] * 2)).load_report
    assert (report.rows_kept, report.left_out["duplicate"].count) == (3, 3)


def test_withdrawn_answers_are_no_votes():
    report = wb.load(named(AssignmentStatus=["Approved", "Rejected", "Approved"])).load_report
    assert report.rows_kept == 2
    assert report.left_out["no judgement"].count == 1


def test_an_empty_label_is_a_failed_verdict_of_a_judge_and_no_judgement_of_a_person():
    table = named().assign(winner=["a", None, ""])
    labels = wb.load(table, kind="llm").labels
    assert labels["reason"].dropna().tolist() == ["failed", "failed"]
    report = wb.load(table, kind="human").load_report
    assert (report.rows_kept, report.left_out["no judgement"].count) == (1, 2)


EMPTY = {
    "one column": {"mapping": {"label": "bob"}},
    "one person": {"annotators": ["bob"]},
    "two people": {"annotators": ["ann", "bob"]},
    "criteria": {"criteria": {"style": "ann", "content": "bob"}},
}


@pytest.mark.parametrize("way", EMPTY)
@pytest.mark.parametrize("kind", ["unknown", "human", "rule", "llm", "reward_model"])
def test_an_empty_cell_is_no_judgement_but_a_failure_of_a_model(way, kind):
    table = named(w="ann", bob=["B", None, "  "])
    data = wb.load(table, kind=kind, **EMPTY[way])
    report = data.load_report
    failed = int((data.labels["reason"] == "failed").sum())
    left = report.left_out["no judgement"].count if "no judgement" in report.left_out else 0
    assert (failed, left) == ((2, 0) if kind in ("llm", "reward_model") else (0, 2))
    assert ("2 no judgement" in str(report)) == (left == 2)
    said = wb.explain(table, kind=kind, **EMPTY[way]).verdicts
    empty = said[(said["column"] == "bob") & (said["value"].str.strip() == "")]
    assert set(empty["meaning"]) == {"failed" if failed else "no judgement"}


def test_an_empty_cell_follows_the_kind_of_its_own_annotator():
    table = named(w="ann", bob=["B", None, None]).assign(ann=["a", "b", None])
    data = wb.load(table, annotators={"ann": "human", "bob": "llm"})
    failed = data.labels[data.labels["reason"] == "failed"]
    assert failed["annotator"].tolist() == ["bob", "bob"]
    assert data.load_report.left_out["no judgement"].count == 1


def test_failed_verdicts_keep_what_was_found():
    labels = wb.load(named(judge="j").assign(winner=["a", "$ERROR$", "b"]), kind="llm").labels
    assert labels["raw"].dropna().tolist() == ["$ERROR$"]
    assert labels["reason"].dropna().tolist() == ["failed"]


def test_columns_called_kind_and_reason_that_hold_something_else_are_metadata():
    data = wb.load(named(kind=["riddle", "fact", "fact"], reason=["It is short.", "x", "y"]))
    assert set(data.labels["kind"]) == {"unknown"}
    assert data.labels["reason"].fillna("").tolist() == ["", "", "tie"]
    assert data.pairs["source_kind"].tolist() == ["riddle", "fact", "fact"]


def test_votes_that_are_counted_are_shares_with_weights():
    table = (
        named()
        .drop(columns="winner")
        .assign(votes_a=[3, 10, 0], votes_b=[1, 10, 0], ties=[0, 0, 2])
    )
    data = wb.load(table, "tabular")
    labels = data.labels
    assert labels["preference"].tolist() == [0.75, 0.5, 0.5]
    assert labels["weight"].tolist() == labels["n_votes"].tolist() == [4, 20, 2]
    assert labels["n_ties"].tolist() == [0, 0, 2]
    # ten wins each are no tie
    assert labels["reason"].fillna("").tolist() == ["", "", "tie"]


def test_pictures_that_are_compared_are_kept_by_name():
    table = named("image_a", "image_b").assign(image_a=["1.png", "2.png", "3.png"], image_b="x.png")
    data = wb.load(table)
    assert data.pairs["media_a"].tolist() == ["1.png", "2.png", "3.png"]
    assert len(data.pairs) == 3
    assert data.pairs["response_a"].isna().all()


@pytest.mark.parametrize("suffix", ["csv", "tsv", "json", "jsonl", "parquet"])
def test_containers_hold_the_same(tmp_path, suffix):
    table = named(judge="j", dimension=["tone", "tone", "overall"])
    path = tmp_path / f"t.{suffix}"
    if suffix == "parquet":
        table.to_parquet(path)
    elif suffix in ("csv", "tsv"):
        table.to_csv(path, sep=",\t"[suffix == "tsv"], index=False)
    else:
        table.to_json(path, orient="records", lines=suffix == "jsonl")
    assert wb.load(path).digest == wb.load(table).digest


def test_row_and_column_order_change_nothing():
    table = named(judge="j", id=[4, 5, 6])
    turned = table.iloc[::-1, ::-1].reset_index(drop=True)
    assert read(wb.load(turned)) == read(wb.load(table))
    assert set(wb.load(turned).pairs["pair_id"]) == set(wb.load(table).pairs["pair_id"])


def test_exchanged_sides_turn_every_verdict():
    table = named(model_a="m", model_b="n")
    swap = {"response_a": "response_b", "response_b": "response_a", "model_a": "model_b",
            "model_b": "model_a"}  # fmt: skip
    turned = table.rename(columns=swap).assign(winner=["b", "a", "tie"])
    assert read(wb.load(turned)) == read(wb.load(table))


def test_a_column_is_found_by_its_name_without_spaces_and_case(tmp_path):
    path = tmp_path / "t.json"
    path.write_text(
        json.dumps(named().rename(columns={"winner": "Final\nChoice "}).to_dict("records"))
    )
    assert read(wb.load(path, mapping={"label": "final\nchoice"})) == EXPECTED
    with pytest.raises(DataError, match="unknown column"):
        wb.load(path, mapping={"label": "first choice"})


def test_a_row_pasted_again_does_not_change_what_an_id_means():
    table = pd.DataFrame(
        {"id": [1, 2, 3], "response_a": "x", "response_b": "y", "winner": ["a", "b", "a"]}
    )
    once, twice = wb.load(table), wb.load(pd.concat([table, table[2:]], ignore_index=True))
    assert (len(once.pairs), len(once.labels)) == (len(twice.pairs), len(twice.labels)) == (1, 3)
    assert twice.load_report.left_out["duplicate"].count == 1


def test_a_share_of_several_votes():
    table = named(w="share").assign(share=[0.75, 0.5, 0.5], n_votes=[4, 10, 1])
    labels = wb.load(table.rename(columns={"share": "preference"})).labels
    assert labels["n_votes"].tolist() == labels["weight"].tolist() == [4, 10, 1]
    assert labels["reason"].isna().tolist()[:2] == [True, True]
    more = wb.load(table.rename(columns={"share": "preference"}).assign(weight=2)).labels
    assert more["weight"].tolist() == [2, 2, 2]
    assert more["n_votes"].tolist() == [4, 10, 1]
    assert wb.load(named().assign(n_votes=3)).labels["reason"].tolist()[2] == "tie"


def test_two_prompts_and_turns_are_pairs_of_their_own():
    table = pd.DataFrame(
        {"prompt_a": ["p", "p", "p"], "prompt_b": ["q", "r", "p"], "response_a": "x",
         "response_b": "y", "winner": ["a", "b", "a"]}
    )  # fmt: skip
    pairs = wb.load(table).pairs
    assert len(pairs) == 3
    assert pairs["prompt"].tolist() == ["p"] * 3
    assert pairs["prompt_b"].tolist()[:2] == ["q", "r"]
    assert "prompt_b" not in wb.load(table.assign(prompt_b="p")).pairs
    turns = named().iloc[[0, 0, 0]].assign(turn=[1, 2, 2])
    for more in ({}, {"question_id": 81}):
        data = wb.load(turns.assign(**more))
        assert (len(data.pairs), len(data.labels)) == (2, 3)
        assert data.pairs["turn"].astype(str).tolist() == ["1", "2"]
