"""The page of runs: what it shows of each, and that texts stay texts and secrets secret."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

import workbench as wb
from tests import hostile
from workbench.annotate.config import AnnotateConfig
from workbench.annotate.folder import RunFolder
from workbench.annotate.run import execute, prepare
from workbench.data.on_view.slices import Slice
from workbench.llm.journal import Journal
from workbench.llm.reply import Reply, Usage
from workbench.llm.request import Request

PAGES = Path(__file__).resolve().parents[2] / "pages"
HOSTILE = "\n".join([*hostile.HOSTILE, "![x](http://127.0.0.1:9/x.png) :red[y] $z$ <b>"])
MARKED_UP = ("markdown", "caption", "title", "subheader", "warning", "error", "info", "metric")


@pytest.fixture(autouse=True)
def root(tmp_path, monkeypatch) -> Path:
    monkeypatch.syspath_prepend(str(PAGES))
    monkeypatch.setenv("WORKBENCH_DATA", "sample")
    monkeypatch.setenv("WORKBENCH_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


def opened(page: str = "runs.py", **query: str) -> AppTest:
    app = AppTest.from_file(str(PAGES / page), default_timeout=90)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception, app.exception
    return app


def made(root: Path, name: str, **options) -> RunFolder:
    config = AnnotateConfig(**{"model": "offline:plain", "pairs": 8, **options})
    run = prepare(config, wb.load("sample"), root / name)
    execute(run)
    return run


def shown(app: AppTest) -> str:
    texts = [*app.text, *app.code, *app.warning, *app.error, *app.caption]
    frames = [frame.value.to_string() for frame in app.dataframe]
    return "\n".join([*(str(one.value) for one in texts), *frames])


def frame(app: AppTest, column: str) -> pd.DataFrame:
    return next(d.value for d in app.dataframe if column in d.value.columns)


def test_without_a_run_it_says_how_to_make_one():
    assert "There is no run yet" in shown(opened())


def test_every_run_is_listed_with_its_state_and_spend(root):
    made(root, "whole")
    made(root, "part", max_calls=5)
    rows = frame(opened(), "State").set_index("Run")
    assert rows.loc[["whole", "part"], "State"].tolist() == ["done", "paused"]
    assert rows.loc[["whole", "part"], "Answers"].tolist() == [16, 5]
    assert rows.loc["whole", "Calls"] == 16
    assert rows["Simulated"].all()
    app = opened(**{"of-run": "part"})
    assert "5 requests" not in shown(app)
    assert "11 requests still open" in shown(app)
    assert app.button("resume")
    assert "not a bill" in shown(app)


def test_calls_are_shown_whole_a_page_at_a_time(root):
    run = made(root, "whole")
    app = opened(**{"run-view": "Calls"})
    assert "Calls 1 to 15 of 16" in shown(app)
    assert "simulated" in shown(app)
    first = run.data.pairs
    assert any(one in app.code[2].value or one in app.code[3].value for one in first["response_a"])
    assert "about this pair" in shown(app)
    app.button("calls-on").click().run()
    assert "Calls 16 to 16 of 16" in shown(app)
    assert app.button("calls-on").disabled
    app.button("calls-back").click().run()
    assert "Calls 1 to 15 of 16" in shown(app)
    app.text_input("calls-search").set_value("no reply says this").run()
    assert "No call holds these words, of 16." in shown(app)
    words = first["response_a"].iloc[0][:40]
    app.text_input("calls-search").set_value(words).run()
    assert "that hold these words" in shown(app)


def test_a_failure_shows_what_the_server_said_as_text(root):
    run = made(root, "whole")
    request = Request("m", ({"role": "user", "content": HOSTILE},))
    reason = f"status 400: {HOSTILE}"
    with Journal(run.path / "journal.sqlite") as journal:
        lost = Reply(HOSTILE, None, reason=reason, usage=Usage(7, 3), thinking=HOSTILE)
        journal.put({"lost": lost}, {"lost": request})
    app = opened(**{"run-view": "Calls", "calls-of": "failures only"})
    codes = [one.value for one in app.code]
    assert codes.count(HOSTILE) == 3  # the reply, the thoughts, what was sent
    assert reason in codes
    assert "Calls 1 to 1 of 1" in shown(app)
    for kind in MARKED_UP:
        assert not [one for one in getattr(app, kind) if "127.0.0.1:9" in str(one.value)], kind


def test_settings_and_files_hold_no_secret(root, monkeypatch):
    monkeypatch.setenv("MY_KEY", "abc-secret")
    config = AnnotateConfig(model="m", base_url="http://127.0.0.1:1/v1", key_variable="MY_KEY",
                            headers=("X-Api-Key=abc-secret",), pairs=4)  # fmt: skip
    run = prepare(config, wb.load("sample"), root / "far")
    run.write_progress({"state": "failed", "stages": {}, "message": "the key in MY_KEY is refused"})
    for view in ("State", "Settings", "Calls", "Files"):
        text = shown(opened(**{"run-view": view}))
        assert "MY_KEY" not in text
        assert "abc-secret" not in text
    assert "X-Api-Key" in shown(opened(**{"run-view": "Settings"}))
    assert "the key is refused" in shown(opened(**{"run-view": "State"}))


def test_the_files_are_the_results_and_the_calls(root):
    from parts.calls.files import _lines, _results, _zipped

    run = made(root, "whole")
    (run.results / "link.csv").symlink_to("/etc/hostname")
    assert "16 calls" in shown(opened(**{"run-view": "Files"}))
    files = _results(run)
    with zipfile.ZipFile(io.BytesIO(_zipped(run, files)())) as archive:
        names = archive.namelist()
        whole = b"".join(archive.read(name) for name in names)
    assert {"settings.csv", "results/summary.txt", "results/data/labels.arrow"} <= set(names)
    assert "results/link.csv" not in names
    assert str(root).encode() not in whole
    calls = [json.loads(line) for line in _lines(run)().decode().splitlines()]
    assert len(calls) == 16
    assert {"messages", "reply", "read", "reason"} <= set(calls[0])


def test_two_runs_stand_beside_each_other(root):
    made(root, "one", pairs=40)
    made(root, "two", pairs=30, orders="ab")
    app = opened(**{"of-run": "one", "run-view": "Compare with another"})
    text = shown(app)
    assert "one and two: agreement on the same pairs" in text
    assert "kappa" in text
    assert "simulated" in text
    differ = frame(app, "setting").set_index("setting")
    assert differ.loc["pairs"].tolist() == ["40", "30"]
    assert differ.loc["orders"].tolist() == ["both", "ab"]
    assert frame(app, "measure").set_index("measure").loc["calls"].tolist() == [80, 30]


def test_two_runs_stand_side_by_side_by_what_they_reward(root):
    made(root, "one", pairs=120)
    made(root, "two", pairs=90, orders="ab")
    app = opened("side_by_side.py", sides="Two runs")
    text = shown(app)
    assert "factors differ" in text
    assert "simulated" in text
    counts = frame(app, "what").set_index("what")
    assert counts.loc["of them in both sets"].tolist() == [90, 90]
    assert not app.error


def test_one_data_set_alone_is_told_and_a_set_stands_beside_the_sample(tmp_path, monkeypatch):
    assert "There is only one" in shown(opened("side_by_side.py"))
    data = wb.load("sample")
    wb.save(data.filter(pair_ids=data.pairs["pair_id"].head(600)), tmp_path / "part")
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "part"))
    app = opened("side_by_side.py")
    assert not app.error
    counts = frame(app, "what").set_index("what")
    assert counts.loc["of them in both sets"].tolist() == [600, 600]
    # the same labels on the same pairs
    assert "agreement 1.000" in shown(app)


def test_two_slices_stand_side_by_side_and_the_one_on_view_cuts_neither():
    data = wb.load("sample")
    kept = {name: Slice(name, scenarios=(name,)).to_json() for name in ("coding", "advice")}
    app = AppTest.from_file(str(PAGES / "side_by_side.py"), default_timeout=90)
    app.session_state["slices"] = kept
    app.query_params["sides"], app.query_params["slice"] = "Two slices", kept["coding"]
    app.run()
    app.selectbox(key="side-0").set_value(kept["coding"]).run()
    app.selectbox(key="side-1").set_value(kept["advice"]).run()
    assert not app.exception
    assert not app.error
    people = set(data.filter(kinds=["human"]).labels["pair_id"])
    own = data.pairs[data.pairs["pair_id"].isin(people)]["scenario"]
    judged = frame(app, "what").set_index("what").loc["pairs that were judged"].tolist()
    assert judged == [int((own == name).sum()) for name in ("coding", "advice")]


def test_a_run_that_cannot_be_read_is_listed_and_the_page_stands(root):
    made(root, "whole")
    broken = made(root, "broken")
    (broken.path / "manifest.json").unlink()
    app = opened(**{"of-run": "broken"})
    assert frame(app, "State").set_index("Run").loc["broken", "State"] == "unreadable"
    assert "no readable manifest" in shown(app)
