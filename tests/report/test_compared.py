"""The record of a report, its schema, and two reports beside each other."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import workbench as wb
from tests.planted import planted
from workbench.errors import DataError
from workbench.report.compared import CAME, SAME, WENT
from workbench.report.forms.record import check_record, read_record, schema
from workbench.report.main_job import main_job


def made(weights: dict[str, list[float]], n: int = 900, **options: Any) -> dict[str, Any]:
    data = planted(weights, n=n)
    fits = wb.decompose(data, folds=0, **options)
    return wb.report([fits, wb.contrast(fits, "ann")], data=data).to_dict()


@pytest.fixture(scope="module")
def before() -> dict[str, Any]:
    return made({"ann": [1.0, 0.5, 0.8, -0.6], "judge": [1.0, 1.7, 0.8, -0.6]})


@pytest.fixture(scope="module")
def after() -> dict[str, Any]:
    """The judge no longer likes f1 more, but f2; the labels and the level are others."""
    weights = {"ann": [1.0, 0.5, 0.8, -0.6], "judge": [1.0, 0.5, 2.0, -0.6]}
    return made(weights, n=1000, level=0.9)


def test_the_schema_is_one_and_every_report_holds_to_it(before, after) -> None:
    Draft202012Validator.check_schema(schema())
    sample = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["length"])
    job = main_job(sample, annotators=["sim-judge-length"], folds=0, further=["strength"])
    for record in (before, after, job.report().to_dict(), wb.report(job.people).to_dict()):
        assert check_record(json.loads(json.dumps(record))) == record


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda r: r.update(schema_version=1), "/schema_version"),
        (lambda r: r.pop("findings"), "'findings' is a required property"),
        (lambda r: r.update(more=1), "'more' was unexpected"),
        (lambda r: r["findings"][0].update(n="many"), "/findings/0/n"),
        (lambda r: r["findings"][0].update(level="fatal"), "/findings/0/level"),
        (lambda r: r["results"][0].pop("settings"), "/results/0"),
        (lambda r: r.update(results=[]), "/results"),
        (lambda r: r["tables"].append("../x.csv"), "/tables/"),
    ],
)
def test_what_is_no_report_is_refused_with_its_place(before, change, told: str) -> None:
    record = copy.deepcopy(before)
    change(record)
    with pytest.raises(DataError, match="no report of schema version 2") as error:
        check_record(record)
    assert told in str(error.value)


@pytest.mark.parametrize("raw", [b"{", b'{"a": NaN}', b"\xff\xfe", b"[" * 200_000, b"null", b""])
def test_a_file_that_is_no_report_is_refused(raw: bytes, tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_bytes(raw)
    for source in (raw, file):
        with pytest.raises(DataError):
            read_record(source)
    with pytest.raises(DataError, match="cannot be read") as absent:
        read_record(tmp_path / "nothing.json")
    assert "no such file" in str(absent.value)
    assert "Errno" not in str(absent.value)


def test_a_report_is_the_same_as_itself(before, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_text(json.dumps(before), encoding="utf-8")
    same = wb.compare_reports(file, file.read_bytes())
    assert set(same.findings["change"]) == {SAME}
    assert [len(t) for t in (same.weights, same.settings, same.data)] == [0, 0, 0]
    assert same.same_weights == sum(
        len(next(iter(result["tables"].values()))) for result in before["results"]
    )


def test_what_changed_is_told_with_both_intervals(before, after) -> None:
    change = wb.compare_reports(before, after)
    told = dict(zip(change.findings["message"], change.findings["change"], strict=True))
    [went] = [m for m, c in told.items() if c == WENT and "f1" in m]
    assert went == "judge rewards f1 more than ann"
    assert told["judge rewards f2 more than ann"] == CAME
    rows = change.weights.set_index(["result", "group", "term"])
    row = rows.loc[("Decomposition", "judge", "f1")]
    stored = {}
    for name, record in (("first", before), ("second", after)):
        [own] = [
            r for r in record["results"][0]["tables"]["estimates"]
            if (r["group"], r["term"]) == ("judge", "f1")
        ]  # fmt: skip
        stored |= {name: own["estimate"], f"{name}_low": own["conf_low"],
                   f"{name}_high": own["conf_high"], f"{name}_n": own["n"]}  # fmt: skip
    assert {key: row[key] for key in stored} == stored
    assert row["apart"] is True
    assert (stored["first_low"] > stored["second_high"]) is True
    settings = change.settings.set_index("setting")
    assert tuple(settings.loc["level", ["first", "second"]]) == ("0.95", "0.9")
    facts = change.data.set_index("what")
    assert tuple(facts.loc["n_pairs", ["first", "second"]]) == ("900", "1000")
    assert tuple(facts.loc["labels of judge", ["first", "second"]]) == ("900", "1000")
    text = change.summary()
    assert f"went: {went}" in text
    assert "no test" in text
    assert json.loads(json.dumps(change.to_dict()))["weights"]


def test_the_other_way_round_came_and_went_change_places(before, after) -> None:
    one, two = wb.compare_reports(before, after), wb.compare_reports(after, before)

    def of(change, kind: str) -> set[str]:
        return set(change.findings.loc[change.findings["change"] == kind, "message"])

    assert of(one, WENT) == of(two, CAME)
    assert of(one, CAME) == of(two, WENT)
    assert len(one.weights) == len(two.weights)


def test_other_data_are_told_first_and_a_row_says_of_which_result_it_is(before, after) -> None:
    other = copy.deepcopy(after)
    other["data"]["n_pairs"] = 7
    told = wb.compare_reports(before, other).summary().splitlines()
    assert told[0].startswith("Data: ")
    assert any("n_pairs" in line and line.endswith("-> 7") for line in told[1:10])
    shown = [line for line in told if "log" not in line and " -> " in line]
    assert any(line.strip().startswith(("Decomposition,", "Contrast to ")) for line in shown)
    # a weight that neither report can tell is no line
    assert not [line for line in told if line.rstrip().endswith("position")]
