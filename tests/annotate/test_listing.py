"""What the list, the settings and the comparison of runs say."""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.annotate.compared import compare_runs
from workbench.annotate.config import AnnotateConfig
from workbench.annotate.folder import RunFolder, Teller
from workbench.annotate.listing import runs_frame, settings_frame
from workbench.annotate.process import status
from workbench.annotate.run import execute, prepare
from workbench.data import store
from workbench.llm.progress import Progress

PAIRS = 40


def table() -> pd.DataFrame:
    # two pairs a prompt: the clusters are 20
    return pd.DataFrame({"prompt": [f"prompt number {k // 2} of all" for k in range(PAIRS)],
                         "response_a": [f"yes {k}" for k in range(PAIRS)],
                         "response_b": [f"no {k}" for k in range(PAIRS)]})  # fmt: skip


def judged(path, verdicts, **options) -> RunFolder:
    """Return a run whose model said these things: one a pair, NaN where it said nothing."""
    model = options.pop("model", "m")
    people = pd.DataFrame({"pair": range(PAIRS), "annotator": "h", "preference": 1.0})
    data = wb.PreferenceData.from_tables(table(), people)
    config = AnnotateConfig(model=model, base_url="http://127.0.0.1:1/v1", **options)
    run = prepare(config, data, path)
    own = pd.DataFrame({"pair": range(PAIRS), "annotator": config.annotator, "kind": "llm",
                        "preference": verdicts, "reason": None})  # fmt: skip
    own.loc[own["preference"].isna(), "reason"] = "failed"
    both = pd.concat([people.assign(kind="human"), own], ignore_index=True)
    store.save(wb.PreferenceData.from_tables(table(), both), run.results / "data")
    return run


def test_agreement_is_that_of_a_hand_calculation(tmp_path):
    one, other = np.ones(PAIRS), np.ones(PAIRS)
    one[:10] = 0.0  # 10 B, 30 A
    other[5:10] = 0.0  # 5 of them the same
    one[39], other[38], other[37] = np.nan, 0.5, np.nan
    runs = judged(tmp_path / "one", one), judged(tmp_path / "two", other, temperature=0.5)
    found = compare_runs(*runs)
    rows = found.to_frame().set_index("term")
    # 37 pairs count; the two differ on 5
    assert rows.loc["agreement", "n"] == 37
    assert rows.loc["agreement", "estimate"] == pytest.approx(32 / 37)
    expected = (10 * 5 + 27 * 32) / 37**2
    assert rows.loc["kappa", "estimate"] == pytest.approx((32 / 37 - expected) / (1 - expected))
    assert (
        rows.loc["agreement", "n_clusters"] == 19
    )  # the two pairs of the last prompt do not count
    assert rows.loc["agreement", "conf_low"] < 32 / 37 < rows.loc["agreement", "conf_high"]
    assert found.counts["pairs"].tolist() == [40, 37, 1, 2]
    assert found.differ.values.tolist() == [["temperature", "0.0", "0.5"]]
    assert "simulated" not in found.summary()


def test_clusters_widen_the_interval(tmp_path):
    rng = np.random.default_rng(0)
    whole = np.repeat((rng.random(PAIRS // 2) < 0.7).astype(float), 2)
    mixed = rng.permutation(whole)
    wide, narrow = (
        compare_runs(judged(tmp_path / f"{name}1", np.ones(PAIRS)),
                     judged(tmp_path / f"{name}2", values)).to_frame().iloc[0]
        for name, values in (("c", whole), ("m", mixed))
    )  # fmt: skip
    assert wide["estimate"] == narrow["estimate"]
    assert wide["std_error"] > narrow["std_error"]


def test_runs_that_say_other_things_have_a_reason_and_no_number(tmp_path):
    data = wb.load("sample")
    audit = prepare(AnnotateConfig(model="offline:plain", pairs=4, suite="smoke"), data,
                    tmp_path / "audit")  # fmt: skip
    judge = prepare(AnnotateConfig(model="offline:plain", pairs=4), data, tmp_path / "judge")
    row = compare_runs(judge, audit).to_frame().iloc[0]
    assert np.isnan(row["estimate"])
    assert "no verdicts of the same kind" in row["reason"]
    row = compare_runs(judge, judge).to_frame().iloc[0]
    assert "no results yet" in row["reason"]


def test_rubrics_are_compared_by_the_direction_of_each_factor(tmp_path):
    data = wb.load("sample")
    run = prepare(AnnotateConfig(model="offline:plain", pairs=20, rubric="values"), data,
                  tmp_path / "rubric")  # fmt: skip
    execute(run)
    found = compare_runs(run, run)
    own = found.to_frame()
    assert own["term"].str.contains("honesty, agreement").any()
    shares = own[own["term"].str.endswith("agreement") & own["n"].gt(0)]
    assert (shares["estimate"] == 1.0).all()
    assert "offline:plain is built in: its numbers are simulated" in found.summary()
    assert found.counts["factor"].nunique() == len(own) // 2


def test_the_list_says_how_runs_stand(tmp_path):
    data = wb.load("sample")
    done = prepare(AnnotateConfig(model="offline:plain", pairs=4), data, tmp_path / "done")
    execute(done)
    paused = prepare(AnnotateConfig(model="offline:plain", pairs=4, max_calls=3), data,
                     tmp_path / "paused")  # fmt: skip
    execute(paused)
    killed = prepare(AnnotateConfig(model="m", pairs=4, key_variable="MY_KEY"), data,
                     tmp_path / "killed")  # fmt: skip
    killed.write_progress({"state": "running", "pid": os.getpid(), "stages": {},
                           "message": f"the key in MY_KEY: {killed.path}/x"})  # fmt: skip
    broken = RunFolder(tmp_path / "broken")
    broken.path.mkdir()
    (broken.path / "run.toml").write_text("model = [")
    new = prepare(AnnotateConfig(model="m", pairs=4), data, tmp_path / "new")
    runs = {run.path.name: run for run in (done, paused, killed, broken, new)}
    rows = runs_frame(runs).set_index("run")
    states = ["done", "paused", "paused", "unreadable", "starting"]
    assert rows["state"].tolist() == states
    assert rows["answered"].tolist()[:2] == [8, 3]
    assert rows.loc["paused", "open"] == 5
    assert "5 requests still open" in rows.loc["paused", "why"]
    assert rows.loc["done", "calls"] == 8
    assert rows.loc["killed", "why"] == "the key: killed/x"
    assert rows["simulated"].tolist()[:2] == [True, True]
    assert not rows.loc["killed", "simulated"]


def test_settings_hold_no_secret_and_no_path(tmp_path, monkeypatch):
    monkeypatch.setenv("MY_KEY", "abc-secret")
    template = tmp_path / "deep" / "mine.toml"
    template.parent.mkdir()
    template.write_text(
        'name = "mine"\nmessage = "{prompt} {response_a} {response_b}"\nsystem = "Judge."\n'
    )
    config = AnnotateConfig(
        model="m", base_url="http://127.0.0.1:1/v1", key_variable="MY_KEY",
        headers=("X-Api-Key=abc-secret", "X-Team=blue"), template=str(template),
    )  # fmt: skip
    run = prepare(config, wb.load("sample"), tmp_path / "run")
    shown = settings_frame(run)
    text = shown.to_csv()
    assert "mine.toml" in text
    assert "X-Api-Key, X-Team" in text
    for hidden in ("abc-secret", "MY_KEY", "blue", "deep", str(tmp_path)):
        assert hidden not in text
    assert set(shown["group"]) == {"asked", "of whom", "sampling", "limits"}
    # what another task heeds is not told of this one
    assert "propose" not in set(shown["setting"])


def test_a_stage_that_is_begun_again_adds_to_what_it_counted(tmp_path):
    run = prepare(AnnotateConfig(model="offline:plain", pairs=2), wb.load("sample"), tmp_path)
    teller = Teller(run)
    for progress in (
        Progress("judge", 10, answered=4, seconds=1.0),
        Progress("judge", 10, answered=9, failed=1, attempts=12, seconds=2.0),
        Progress("judge", 4, seconds=0.1),
        Progress("judge", 4, answered=1, attempts=1, seconds=0.5),
    ):
        teller.tell(progress)
    (stage,) = status(run).stages.to_dict("records")
    counts = {name: stage[name] for name in ("requests", "answered", "failed", "open", "attempts")}
    assert counts == {"requests": 14, "answered": 10, "failed": 1, "open": 3, "attempts": 13}
    assert stage["done"] == 11
