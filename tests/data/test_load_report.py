"""One line says what was lost; it survives saving, joining and adding a judge."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

import workbench as wb
from workbench.data.load_report import LeftOut, LoadReport


def votes(*labels: str, start: int = 0) -> pd.DataFrame:
    n = len(labels)
    return pd.DataFrame(
        {"prompt": [f"q{start + k}" for k in range(n)], "response_a": "x", "response_b": "y y",
         "label": labels, "annotator": "ann"}
    )  # fmt: skip


def test_reasons_counts_and_shares_stand_in_one_line() -> None:
    report = LoadReport("a\nb.csv", "tabular", 1000, 950, 9, 950,
                        {"empty": LeftOut(40), "unparseable": LeftOut(10)},
                        kept_oddly={"failed": 19, "repeated": 0})  # fmt: skip
    assert report.line() == (
        "Reading a b.csv: 50 of 1,000 rows left out (5.0%): 40 empty, 10 unparseable; "
        "unread verdicts, kept as failed: 19 of 950 (2.0%)"
    )


def test_nothing_lost_is_nothing_said() -> None:
    assert wb.load(votes("a", "b")).load_report.line() == ""


def test_a_file_pasted_twice_is_kept_and_told() -> None:
    once = votes(*["a", "b"] * 8)
    report = wb.load(pd.concat([once, once], ignore_index=True)).load_report
    assert report.kept_oddly == {"repeated": 16}
    assert "kept as judgements: 16 of 32 (50.0%)" in report.line()


def test_it_is_saved_and_opened_and_older_manifests_have_none(tmp_path: Path) -> None:
    data = wb.load(votes("a", "b", "failed"))
    opened = wb.open_folder(wb.save(data, tmp_path / "saved"))
    assert opened.load_report.line() == data.load_report.line() != ""
    record = data.load_report.to_dict()
    del record["kept_oddly"]
    assert LoadReport.from_dict(record).kept_oddly == {}


def test_a_judge_that_is_added_counts_too(tmp_path: Path) -> None:
    data = wb.load(votes("a", "b", "failed"))
    verdicts = pd.DataFrame({"pair_id": data.pairs["pair_id"], "verdict": ["A", "failed", "huh"]})
    verdicts.to_csv(tmp_path / "v.csv", index=False)
    report = wb.add_judge(data, tmp_path / "v.csv", name="judge").load_report
    assert report.kept_oddly == {"failed": 2}
    assert report.line().endswith(
        "1 of 6 rows left out (16.7%): 1 unknown label; "
        "unread verdicts, kept as failed: 2 of 5 (40.0%)"
    )
