"""What rows of one pair say differently stays with the labels, sessions above all."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

import workbench as wb
from workbench.cli.main import app
from workbench.data.alike.clusters import cluster_codes, labels_without


def votes(sessions: list[str | None], pairs: int = 4, **columns: object) -> pd.DataFrame:
    """Return a judgement a session, pair after pair."""
    n = len(sessions)
    at = [k * pairs // n for k in range(n)]
    return pd.DataFrame(
        {
            "prompt": [f"Question {chr(65 + k)} about {k * k} birds?" for k in at],
            "response_a": [f"yes {k}" for k in at],
            "response_b": [f"no, not {k}" for k in at],
            "annotator": [f"r{k}" for k in range(n)],
            "preferred": ["A", "B"] * (n // 2),
            "session": sessions,
            **columns,
        }
    )


SESSIONS = ["s1", None, "s2", "s1", None, None, "s3", None]


def test_sessions_of_judgements_are_the_labels_own(tmp_path: Path) -> None:
    path = tmp_path / "votes.csv"
    votes(SESSIONS, topic=["x", "x", "y", "y", None, None, "z", "z"]).to_csv(path, index=False)
    data = wb.load(path)
    found = data.labels.set_index("annotator")["session"].sort_index()
    assert found.astype(object).where(found.notna(), None).tolist() == SESSIONS
    assert data.pairs["topic"].dropna().tolist() == ["x", "y", "z"]
    # no pair is of a session, so pairs are clustered by their prompts
    assert (data.pairs["cluster"] == data.pairs["prompt_id"]).all()
    assert "3 of 4 pairs name several, so it is the prompt; all names: session" in str(
        data.load_report
    )
    codes, _ = cluster_codes(data, "session")
    assert len(set(codes)) == 3 + 4 == 3 + labels_without(data, "session")
    again = wb.load(wb.save(data, tmp_path / "saved"))
    pd.testing.assert_frame_equal(again.labels, data.labels)
    pd.testing.assert_frame_equal(again.pairs, data.pairs)
    told = wb.explain(path).columns.set_index("column")["read_as"]
    assert told["session"] == "cluster, metadata of the labels"
    assert told["topic"] == "metadata"


def test_the_order_of_rows_says_nothing() -> None:
    table = votes(SESSIONS)
    assert wb.load(table).digest == wb.load(table.iloc[::-1]).digest


def test_few_pairs_of_several_sessions_have_the_least_named() -> None:
    data = wb.load(votes(["s2", "s1", "s2", "s2", "s3", "s3", None, "s4"]))
    assert sorted(data.pairs["cluster"]) == ["s1", "s2", "s3", "s4"]
    assert sorted(data.labels["session"].dropna()) == ["s1", "s2", "s2", "s2", "s3", "s3", "s4"]


def test_a_session_of_whole_pairs_is_named_too() -> None:
    data = wb.load(votes(["s1", "s1", "s1", "s1", "s2", "s2", "s2", "s2"]))
    assert data.pairs["session"].tolist() == data.pairs["cluster"].tolist()
    assert "session" not in data.labels
    assert data.pairs["cluster"].nunique() == 2


def test_a_scenario_that_differs_is_kept_by_label() -> None:
    data = wb.load(votes(["s1"] * 8, category=list("abbbcccc")))
    assert sorted(data.pairs["scenario"]) == ["a", "b", "c", "c"]
    assert sorted(data.labels["source_scenario"]) == list("abbbcccc")
    assert "scenario (source_scenario)" in str(data.load_report)


@pytest.mark.parametrize("verb", ["decompose", "check-fit"])
def test_labels_without_a_session_are_counted_where_sessions_cluster(
    verb: str, tmp_path: Path
) -> None:
    path = tmp_path / "votes.csv"
    table = votes([None if k % 2 else f"s{k % 7}" for k in range(80)], pairs=40)
    table["response_a"] = [f"yes {'word ' * (k // 2 % 5)}{k // 2}" for k in range(80)]
    table.to_csv(path, index=False)
    done = CliRunner().invoke(
        app,
        [verb, str(path), "--cluster", "prompt,session", "--by", "criterion", "--folds", "0"],
    )
    assert done.exit_code == 0
    assert "40 of 80 labels have no session: each is a cluster of its own" in done.stdout
    whole = CliRunner().invoke(app, [verb, str(path), "--cluster", "session", "--json", "--quiet"])
    assert "40 of 80 labels have no session" in json.loads(whole.stdout)["notes"][0]
