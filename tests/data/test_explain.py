"""How a file is read, and what to try on one that is not recognised."""

from __future__ import annotations

import json
import shlex

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

import workbench as wb
from workbench.cli.main import app
from workbench.errors import DataError


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


VOTES = pd.DataFrame(
    {
        "prompt": ["Name a bird.", "Name a fish.", "Name a tree."],
        "response_a": ["Owl", "Cod", "Oak"],
        "response_b": ["A wren", "A carp", "An elm"],
        "winner": ["A>>B", "B", "huh"],
        "WorkerId": ["w1", "w2", "w1"],
        "note": ["x", "y", "z"],
    }
)


def test_every_column_verdict_and_row_is_told():
    found = wb.explain(VOTES)
    assert found.format == "tabular"
    assert found.columns.set_index("column")["read_as"].to_dict() == {
        "prompt": "prompt", "response_a": "response_a", "response_b": "response_b",
        "winner": "label", "WorkerId": "annotator", "note": "metadata",
    }  # fmt: skip
    said = found.verdicts.set_index("value")["meaning"].to_dict()
    assert said == {"A>>B": "A preferred, strength 3", "B": "B preferred", "huh": "not read"}
    assert found.rows["response_a"].tolist() == ["Owl", "Cod"]
    assert found.rows["verdict"].tolist() == ["A preferred, strength 3", "B preferred"]
    assert found.report.left_out["unknown label"].count == 1
    assert found.problem is None
    for word in ("read as tabular", "WorkerId", "'huh' in 1 rows", "1 unknown label", "A wren"):
        assert word in str(found), word


def test_options_are_those_of_load():
    table = VOTES.assign(winner=[1, 2, 1])
    assert "--verdict 1=a" in str(wb.explain(table).problem)
    assert wb.explain(table).verdicts["meaning"].tolist() == ["not read", "not read"]
    found = wb.explain(table, verdicts={"1": "a", "2": "b"})
    assert found.verdicts["meaning"].tolist() == ["A preferred", "B preferred"]


def test_the_command_prints_the_same(tmp_path):
    path = tmp_path / "votes.csv"
    VOTES.to_csv(path, index=False)
    done = run("load", "--explain", path)
    assert done.exit_code == 0
    assert done.stdout.strip() == str(wb.explain(path)).strip()
    record = json.loads(run("load", path, "--explain", "--json").stdout)
    assert record["format"] == "tabular"
    assert record["columns"][0]["read_as"] == "prompt"
    assert record["load_report"]["rows_kept"] == 2


def test_other_formats_are_explained_too(tmp_path):
    path = tmp_path / "t.jsonl"
    rows = [{"prompt": f"p{i}", "chosen": "yes", "rejected": "no"} for i in range(4)]
    path.write_text("\n".join(map(json.dumps, rows)))
    found = wb.explain(path)
    assert found.format == "trl"
    assert set(found.columns["read_as"]) == {"read by the format trl"}
    assert found.verdicts["count"].sum() == 4


ODD = {
    "codes": {"q": ["What is a bird?", "What is a fish?"], "one": ["It is an owl.", "It is a cod."],
              "two": ["It is a wren here.", "It is a carp."], "code": [1, 2]},
    "models": {"champion": ["m1", "m2", "m1"], "challenger": ["m2", "m1", "m2"],
               "who": ["m1", "m2", "m2"]},
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_a_command_to_try_reads_what_was_not_recognised(tmp_path, monkeypatch, name):
    pd.DataFrame(ODD[name]).to_csv(tmp_path / f"{name}.csv", index=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError) as caught:
        wb.load(f"{name}.csv")
    error = caught.value
    assert "not recognised" in error.what
    for column in ODD[name]:
        assert f"{column}: " in error.found
    words = shlex.split(error.fix.splitlines()[0].removeprefix("Try: "))
    assert words[:2] == ["workbench", "load"]
    done = run(*words[1:])
    assert done.exit_code == 0, done.stderr
    assert wb.explain(f"{name}.csv").command == shlex.join(words)
    assert f"{len(next(iter(ODD[name].values())))} kept" in done.stdout


TEXTS = {
    "prompt": [f"What is a bird of kind {i}?" for i in range(6)],
    "response_a": [f"It is an owl number {i}." for i in range(6)],
    "response_b": [f"It is a wren, the {i} one." for i in range(6)],
}
SEVERAL = {
    "people": ({"ann": [1, 2, 0, 1, 2, 1], "bob": [2, 2, 1, 1, 1, 2]},
               "--annotators ann,bob --verdict 1=a --verdict 2=b --verdict 0=tie",
               "--label ann=ann --label bob=bob", 12),
    "criteria": ({"style": ["A", "B"] * 3, "content": ["A", "B", "tie"] * 2},
                 "--label style=style --label content=content",
                 "--annotators style,content", 12),
    "scales": ({"ann": [-3, 2, 0, 1, -1, 3], "bob": [-2, 2, 0, 1, 1, 2]},
               "--annotators ann,bob --scale -3..3:a", "--scale -3..3:b", 12),
    "one scale": ({"mine": [-3, 2, 0, 1, -1, 3]}, "--map label=mine --scale -3..3:a",
                  "--scale -3..3:b", 6),
    "told": ({"vote_here": [1, 2, 1, 1, 2, 2], "turn": [1, 2, 1, 2, 1, 2]},
             "--map label=vote_here --verdict 1=a --verdict 2=b", "--verdict 1=b", 6),
}  # fmt: skip


@pytest.mark.parametrize("name", SEVERAL)
def test_no_column_of_verdicts_is_left_out_of_the_command(tmp_path, monkeypatch, name):
    columns, first, other, n = SEVERAL[name]
    pd.DataFrame({**TEXTS, **columns}).to_csv(tmp_path / "t.csv", index=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError) as caught:
        wb.load("t.csv")
    told = caught.value.fix.splitlines()
    assert told[0].endswith(first)
    assert any(other in line for line in told[1:])
    done = run(*shlex.split(told[0].removeprefix("Try: "))[1:], "--json", "--quiet")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["n_labels"] == n


def test_an_unread_file_is_told_once_and_with_short_numbers(tmp_path):
    path = tmp_path / "t.csv"
    more = {"ann": [1, 2] * 3, "bob": [2, 1] * 3, "pace": [0.0036694171092744865] * 6}
    pd.DataFrame({**TEXTS, **more}).to_csv(path, index=False)
    shown = run("load", "--explain", path).stdout
    assert shown.count("--annotators ann,bob") == 1
    assert "--explain" not in shown
    assert "0.003669" in shown
    assert "0.0036694" not in shown
    with pytest.raises(DataError, match="--explain"):
        wb.load(path)


NOTHING = {
    "single": ({"prompt": ["What is it then?"] * 3, "response": ["It is some bird."] * 3,
                "is_safe": [True, False, True]}, "single response"),
    "rude": ({"comment": ["It is some bird."] * 3, "text": ["What is it then?"] * 3,
              "toxicity": [0.2, 0.4, 0.1]}, "single responses"),
    "steps": ({"prompt": ["p"], "steps": ["one"], "ok": ["x"]}, "single steps"),
    "leaders": ({"model": ["m1", "m2"], "win_rate": [0.4, 0.6], "n_total": [9, 9]}, "leaderboard"),
    "batch": ({"custom_id": ["c1"], "response": ["{}"]}, "what was asked"),
}  # fmt: skip


@pytest.mark.parametrize("name", NOTHING)
def test_what_holds_no_comparison_is_refused_with_that_reason(tmp_path, name):
    columns, reason = NOTHING[name]
    path = tmp_path / f"{name}.csv"
    pd.DataFrame(columns).to_csv(path, index=False)
    with pytest.raises(DataError, match=reason):
        wb.load(path)
    done = run("load", "--explain", path)
    assert (done.exit_code, reason in done.stdout) == (0, True)


def test_chats_that_nobody_compared(tmp_path):
    path = tmp_path / "chats.jsonl"
    chat = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes?"}]
    path.write_text("\n".join(json.dumps({"conversation": chat, "n": i}) for i in range(3)))
    with pytest.raises(DataError, match="nobody compared"):
        wb.load(path)


def test_the_nearest_known_layout_is_named_with_what_it_lacks():
    with pytest.raises(DataError) as caught:
        wb.load(pd.DataFrame({"prompt": ["p"], "chosen": ["x"], "text": ["y"]}))
    assert "TRL" in caught.value.expected
    assert "lacks rejected" in caught.value.expected


def test_a_folder_of_tables_has_its_columns_and_verdicts_explained(tmp_path):
    for name, n in (("one", 2), ("two", 3)):
        rows = "".join(f"{name} {k},x,y {k},{k % 2 + 1}\n" for k in range(n))
        (tmp_path / f"{name}.csv").write_text(f"prompt,text_a,text_b,choice\n{rows}", "utf-8")
    found = wb.explain(tmp_path)
    assert found.source == tmp_path.name
    assert found.columns["column"].tolist() == ["prompt", "text_a", "text_b", "choice"]
    assert dict(zip(found.verdicts["value"], found.verdicts["count"], strict=True)) == {
        "1": 3, "2": 2
    }  # fmt: skip
    assert found.problem is not None
