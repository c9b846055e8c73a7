"""The folder of a run: what may be taken up, what may not, and who holds it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

import workbench as wb
from workbench.annotate.config import AnnotateConfig
from workbench.annotate.estimate import estimate
from workbench.annotate.folder import RunFolder
from workbench.annotate.process import runs_in, status
from workbench.annotate.run import drawn, execute, plan, prepare
from workbench.data.dataset import PreferenceData
from workbench.errors import ConfigError, DataError, JudgeError, UnwrittenError
from workbench.llm.offline import OfflineModel
from workbench.llm.reply import Reply

CONFIG = AnnotateConfig(model="offline:plain", pairs=30)


@pytest.fixture(scope="module")
def data() -> PreferenceData:
    return wb.load("sample")


def test_a_run_writes_all_that_it_is(data, tmp_path):
    folder = prepare(CONFIG, data, tmp_path / "run")
    assert folder.config == CONFIG
    assert len(folder.data) == 30
    manifest = json.loads((folder.path / "manifest.json").read_text())
    assert manifest["dataset"] == folder.data.digest
    assert manifest["offline"] is True
    with pytest.raises(DataError, match="no results yet"):
        wb.load(folder.path)


def test_the_same_run_is_taken_up_and_another_is_refused(data, tmp_path):
    prepare(CONFIG, data, tmp_path)
    prepare(CONFIG.updated(concurrency=2, max_calls=5), data, tmp_path)
    assert RunFolder(tmp_path).config.max_calls == 5
    with pytest.raises(ConfigError, match="repeats = None"):
        prepare(CONFIG.updated(repeats=2), data, tmp_path)
    other = wb.concat([data.filter(kinds=["human"])])
    with pytest.raises(ConfigError, match="the data"):
        prepare(CONFIG, other.filter(pair_ids=other.pairs["pair_id"].iloc[:40]), tmp_path)


def test_a_folder_of_something_else_is_left_alone(data, tmp_path):
    (tmp_path / "thesis.txt").write_text("do not touch")
    with pytest.raises(ConfigError, match="something else"):
        prepare(CONFIG, data, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_changed_template_is_another_run(data, tmp_path):
    template = tmp_path / "mine.txt"
    text = "Which is better?\n{prompt}\n{response_a}\n{response_b}\n"
    template.write_text(text)
    config = CONFIG.updated(template=str(template))
    folder = prepare(config, data, tmp_path / "run")
    template.write_text("Say it. " + text)
    with pytest.raises(ConfigError, match="content of --template"):
        prepare(config, data, folder.path)
    template.unlink()
    prepare(config, data, folder.path)
    assert Path(folder.file("template", str(template))).read_text() == text


def test_a_price_file_that_is_absent_is_refused(data, tmp_path):
    with pytest.raises(ConfigError, match="--prices"):
        prepare(CONFIG.updated(prices="nowhere.toml"), data, tmp_path / "run")


def test_one_process_at_a_time(data, tmp_path):
    folder = prepare(CONFIG, data, tmp_path)
    assert not folder.running
    with folder.locked():
        assert folder.running
        with pytest.raises(ConfigError, match="another process"):
            execute(RunFolder(tmp_path))
    assert not folder.running


def test_pairs_are_drawn_whatever_the_order_of_the_rows(data):
    ids = set(drawn(data, CONFIG).pairs["pair_id"])
    tables = {name: getattr(data, name) for name in ("pairs", "factors", "factor_values")}
    turned = replace(
        data, **{name: t.iloc[::-1].reset_index(drop=True) for name, t in tables.items()}
    )
    assert set(drawn(turned, CONFIG).pairs["pair_id"]) == ids
    assert set(drawn(data, CONFIG.updated(seed=1)).pairs["pair_id"]) != ids


def test_the_results_are_the_same_bytes_however_often_it_stopped(data, tmp_path):
    whole = prepare(CONFIG, data, tmp_path / "whole")
    execute(whole)
    parts = prepare(CONFIG.updated(max_calls=20), data, tmp_path / "parts")
    execute(parts)
    assert parts.progress()["state"] == "stopped"
    assert "open" in parts.progress()["message"]
    for calls in (45, None):
        prepare(CONFIG.updated(max_calls=calls), data, parts.path)
        execute(parts)
    assert parts.progress()["state"] == "finished"
    names = sorted(path.name for path in whole.results.iterdir() if path.is_file())
    assert names == sorted(path.name for path in parts.results.iterdir() if path.is_file())
    for name in names:
        assert (whole.results / name).read_bytes() == (parts.results / name).read_bytes(), name
    assert wb.load(whole.path).digest == wb.load(parts.path).digest


def test_an_error_is_told_in_the_folder(data, tmp_path):
    config = AnnotateConfig(model="m", base_url="http://127.0.0.1:9/v1", attempts=1, pairs=2)
    folder = prepare(config.updated(max_cost=1.0), data, tmp_path)
    with pytest.raises((ConfigError, JudgeError)):
        execute(folder)
    assert folder.progress()["state"] == "failed"
    assert "price" in folder.progress()["message"]


def test_an_estimate_asks_nothing_and_knows_what_is_kept(data, tmp_path):
    before = estimate(CONFIG, data, None)
    assert before.stages["to_ask"].tolist() == [60]
    folder = prepare(CONFIG.updated(max_calls=25), data, tmp_path)
    execute(folder)
    assert estimate(CONFIG, data, folder).stages["to_ask"].tolist() == [35]


def test_no_model_is_an_error_that_says_what_to_do():
    with pytest.raises(ConfigError, match="--model"):
        AnnotateConfig().asked_model  # noqa: B018


def test_a_run_has_a_report_that_says_what_it_used(data, tmp_path):
    folder = prepare(CONFIG, data, tmp_path)
    execute(folder)
    page = (folder.results / "report.html").read_text()
    assert "pull of the first" in page
    assert "offline:plain" in page
    assert "60 requests" in page
    assert str(tmp_path) not in page


@pytest.mark.parametrize(
    ("manifest", "said"),
    [(None, "No such file"), ("{", "no JSON object"), ("[]", "no JSON object"),
     ('{"schema_version": 2}', "schema_version 2"), ('{"schema_version": "x"}', "'x'")],
)  # fmt: skip
def test_a_manifest_that_cannot_be_used_says_what_to_do(data, tmp_path, manifest, said):
    folder = prepare(CONFIG, data, tmp_path / "one")
    path = folder.path / "manifest.json"
    if manifest is None:
        path.unlink()
    else:
        path.write_text(manifest)
    for use in (lambda: folder.config, lambda: execute(folder), lambda: plan(folder, tmp_path)):
        with pytest.raises(ConfigError, match=said) as told:
            use()
        assert "to do: " in str(told.value)
        assert "manifest.json" in str(told.value)
    assert status(folder).state == "new"
    assert [run.path for run in runs_in(tmp_path)] == [folder.path]
    assert runs_in(tmp_path, "judge") == []


def test_more_failures_than_the_share_are_told(data, tmp_path, monkeypatch):
    async def ask(self, request):
        fine = "\nA" in request.messages[1]["content"]
        reason = None if fine else "unreadable: planted"
        return Reply("", {"verdict": "A"} if fine else None, reason=reason)

    monkeypatch.setattr(OfflineModel, "ask", ask)
    folder = prepare(CONFIG, data, tmp_path)
    execute(folder)
    stages = folder.progress()["stages"]["judge"]
    share = stages["failed"] / 60
    assert 0.05 < share < 1
    assert status(folder).state == "failed"
    assert f"{stages['failed']} of 60 requests failed" in status(folder).message
    # at the share it is fine
    prepare(CONFIG.updated(max_failed=share), data, tmp_path)
    execute(folder)
    assert status(folder).state == "finished"


def test_a_full_disk_is_told_with_its_path(data, tmp_path, monkeypatch):
    folder = prepare(CONFIG, data, tmp_path)
    write, left = folder.write_progress, [2]

    def full(record):
        left[0] -= 1
        if left[0] < 0:
            raise UnwrittenError(tmp_path / "progress.json", "No space left on device")
        write(record)

    monkeypatch.setattr(folder, "write_progress", full)
    with pytest.raises(UnwrittenError, match="No space left"):
        execute(folder)
    monkeypatch.undo()
    execute(folder)
    assert status(folder).state == "finished"
