"""What a report can be asked for about judges beside people."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

import workbench as wb
from tests.calibration.few_planted import planted
from workbench.calibration.paired.models import most_met
from workbench.cli.options import FURTHER as FLAG
from workbench.report.further import FURTHER
from workbench.report.job import MainJob
from workbench.report.main_job import main_job

NEW = ["monitor", "check-benchmark", "compare-models", "judge-card"]


@pytest.fixture(scope="module")
def job() -> MainJob:
    """Two judges of 200 pairs by three models, people on half of them (planted)."""
    data = planted(0, n=100, N=200, judges={"good": 0.9, "bad": 0.6})
    return main_job(data, factors=["words"], folds=0, level=0.9, further=NEW)


def test_sections_are_the_verbs_with_the_options_of_the_report(job: MainJob) -> None:
    data, two = job.data, most_met(job.data, "human")
    options = {"factors": ["words"], "level": 0.9}
    wanted = [
        wb.monitor(data, level=0.9),
        wb.check_benchmark(data, by="scenario", folds=2, **options),
        wb.compare_models(data, *two, level=0.9),
        wb.measure_judge(data, "bad", **options),
    ]
    for found, own in zip(job.further, wanted, strict=True):
        pd.testing.assert_frame_equal(found.to_frame(), own.to_frame())
    # which refuses what cannot be shown
    assert wb.report(job.further).results == job.further


def test_the_two_models_are_those_that_met_most() -> None:
    pairs = pd.DataFrame({
        "prompt": list("abcdef"), "response_a": "x", "response_b": "y",
        "model_a": ["m", "n", "n", "o", "o", "o"], "model_b": ["n", "m", None, "n", "o", "o"],
    })  # fmt: skip
    labels = pd.DataFrame({"pair": range(6), "annotator": "ann", "preference": 1.0})
    data = wb.PreferenceData.from_tables(pairs, labels)
    assert most_met(data, "ann") == ("m", "n")
    turned = replace(data, pairs=data.pairs.rename(
        columns={"model_a": "model_b", "model_b": "model_a"}))  # fmt: skip
    assert most_met(turned, "ann") == ("m", "n")


def test_what_data_cannot_tell_is_refused_with_the_reason(job: MainJob) -> None:
    alone = replace(job, judges=None, gap=None)
    for name in ("monitor", "judge-card"):
        with pytest.raises(wb.DesignError, match=r"no judge|nobody to watch"):
            FURTHER[name](replace(alone, data=job.data.filter(annotators=["human"])))
    nameless = replace(job.data, pairs=job.data.pairs.assign(model_a=None, model_b=None))
    with pytest.raises(wb.DesignError, match="no two models to compare"):
        FURTHER["compare-models"](replace(job, data=nameless))


def test_gold_beside_people_is_no_judge(job: MainJob) -> None:
    labels = job.data.labels
    gold = labels[labels["annotator"].eq("bad")].assign(annotator="a key", kind="objective")
    data = replace(job.data, labels=pd.concat([labels, gold], ignore_index=True))
    found = main_job(data, factors=["words"], folds=0, level=0.9)
    assert found.judge_names == ["a key", "bad", "good"]
    assert FURTHER["panel"](found).settings["judges"] == ["bad", "good"]
    # it has as many verdicts, and comes first by name
    assert FURTHER["route"](found).settings["judge"] == "bad"


def test_the_flag_names_every_result() -> None:
    told = FLAG.annotation.__metadata__[0].help
    assert not [name for name in FURTHER if f" {name}," not in told and f" {name}." not in told]
