"""Text, JSON, CSV, page and Python say the same numbers of the sample."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import workbench as wb
from workbench.cli.main import app
from workbench.data.dataset import PreferenceData
from workbench.json_values import records, to_json

FACTORS = ["words", "sentences"]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["length"])
    return wb.save(data, tmp_path_factory.mktemp("data") / "sample")


def _contrast(data: PreferenceData) -> Any:
    people = wb.decompose(data, annotator="human", factors=FACTORS)
    return wb.contrast(wb.decompose(data, annotator="sim-judge-length", factors=FACTORS), people)


LENGTH = ("--baseline", "sim-model-a", "--annotator", "sim-judge-length", "--replicates", "20")
JUDGE = "sim-judge-length"
WHOSE = ("--annotator", "human", "--factors", ",".join(FACTORS))
VERBS: dict[str, tuple[tuple[str, ...], Callable[[PreferenceData], Any], tuple[str, str]]] = {
    "decompose": (
        (*WHOSE, "--by", "kind"),
        lambda data: wb.decompose(data, annotator="human", by=["kind"], factors=FACTORS),
        ("estimate", "{:+.3f}"),
    ),
    "contrast": (
        ("--reference", "human", "--annotator", "sim-judge-length", "--factors", *WHOSE[3:]),
        _contrast,
        ("estimate", "{:+.3f}"),
    ),
    "check-fit": (
        WHOSE,
        lambda data: wb.check_fit(wb.decompose(data, annotator="human", factors=FACTORS, folds=0)),
        ("p_value", "p = {:.3g}"),
    ),
    "rate": (
        ("--annotator", "human"),
        lambda data: wb.rate(data, annotator=["human"]),
        ("estimate", "{:+.3f}"),
    ),
    "length-control": (
        LENGTH,
        lambda data: wb.length_control(
            data, baseline="sim-model-a", annotator="sim-judge-length", replicates=20
        ),
        ("estimate", "{:.1f}"),
    ),
    "strength": ((), wb.strength, ("estimate", "{:.3f}")),
    "curate": (
        ("--min-agreement", "0.6", "--balance", "words", "--soft"),
        lambda data: wb.curate(data, {"min_agreement": 0.6, "balance": ["words"], "soft": True}),
        ("estimate", "{:.3f}"),
    ),
    "few-labels": (
        ("--judge", JUDGE, "--factors", WHOSE[3]),
        lambda data: wb.few_labels(data, [JUDGE], factors=FACTORS),
        ("estimate", "{:.3f}"),
    ),
    "panel": ((), wb.panel, ("estimate", "{:.3f}")),
    "compare-annotators": (
        ("--a", JUDGE, "--b", "sim-judge-format"),
        lambda data: wb.compare_annotators(data, a=JUDGE, b="sim-judge-format"),
        ("estimate", "{:+.3f}"),
    ),
    "repair-judge": (
        ("--judge", JUDGE, "--factors", WHOSE[3]),
        lambda data: wb.repair_judge(data, JUDGE, factors=FACTORS),
        ("estimate", "{:+.3f}"),
    ),
}


def run(*arguments: object) -> str:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("verb", VERBS)
def test_each_way_out_has_the_numbers_of_the_result(
    verb: str, sample: Path, tmp_path: Path
) -> None:
    flags, call, (column, shape) = VERBS[verb]
    result = call(wb.load(sample))
    frame = result.to_frame()
    told = frame[frame[column].notna()]
    text = run(verb, sample, *flags)
    assert text.startswith(result.summary())
    shown = told if verb != "check-fit" else told[told["factor"].isna()]
    assert len(shown)
    for value in shown[column]:
        assert shape.format(value) in text
    printed = json.loads(run(verb, sample, *flags, "--json", "--quiet"))["tables"]
    run(verb, sample, *flags, "--out", tmp_path, "--quiet")
    written = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))["tables"]
    for name, table in result.tables().items():
        expected = json.loads(to_json(records(table)))
        assert printed[name] == expected == written[name], name
        read = pd.read_csv(tmp_path / f"{name}.csv") if len(table) else table
        for number in table.select_dtypes("number"):
            np.testing.assert_array_equal(
                read[number].to_numpy("float64"), table[number].to_numpy("float64")
            )
    page = wb.report([result]).html()
    exact = {float(value) for value in re.findall(r'<data value="([^"]+)"', page)}
    assert set(told[column]) <= exact
