"""A whole run gives what the verbs give, does again only what changed, and pays once."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

import workbench as wb
from tests.llm_server import Server, serving
from workbench.cli.fail_on import FAILED
from workbench.cli.main import app
from workbench.errors import ConfigError, JudgeError, UnwrittenError, WorkbenchError
from workbench.report.main_job import main_job
from workbench.whole_run import kept, steps
from workbench.whole_run.config import WholeConfig

ROOT = Path(__file__).resolve().parents[2]
PAIRS = 60


@pytest.fixture
def votes(tmp_path: Path) -> Path:
    path = tmp_path / "votes.csv"
    rows = [
        f"question {k} of {k * k},{'word ' * (k % 7 + 1)}{k},{'term ' * (k % 5 + 1)}{k},"
        f"{'ab'[k % 3 == 0]}"
        for k in range(PAIRS)
    ]
    path.write_text("\n".join(["prompt,response_a,response_b,label", *rows]) + "\n")
    return path


class Page:
    """Stands in for a report, whose figures take longer than all the rest."""

    def __init__(self, results: object, *, title: str = "", **more: object) -> None:
        self.title = title

    def save(self, path: Path) -> None:
        path.write_text(self.title)
        path.with_suffix(".json").write_text('{"findings": []}')


@pytest.fixture
def no_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "report", Page)
    monkeypatch.setattr(sys.modules["workbench.report.build"], "report", Page)


def settings(votes: Path, url: str = "", **more: object) -> WholeConfig:
    endpoint = {"model": "m", "base_url": url, "attempts": 2, "concurrency": 4} if url else {
        "model": "offline:plain"}  # fmt: skip
    return WholeConfig().updated(
        source=str(votes), annotator_name="ann", kind="human", factors=("words",), folds=0,
        endpoint=endpoint, **more,
    )  # fmt: skip


def states(done: wb.WholeRun) -> dict[str, str]:
    names = done.stages["stage"].str.replace(r"-[0-9a-f]{10}$", "", regex=True)
    return dict(zip(names, done.stages["state"], strict=True))


def paid(server: Server) -> int:
    return sum(server.answered.values())


def test_it_gives_what_the_verbs_give(votes: Path, tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("Mine, of today.")
    config = settings(
        votes, judge=({"pairs": 20},), audit_judge=({"from_verdicts": True},), notes=str(notes),
        sections=("findings", "weights"),
    )  # fmt: skip
    done = wb.run(config, tmp_path / "run")
    assert set(done.stages["state"]) == {"done"}
    assert list(states(done)) == ["read", "judge-offline-plain", "factors", "data", "compare",
                                  "audit-verdicts-1", "report"]  # fmt: skip
    data = wb.load(done.path)
    assert data.digest == wb.load(done.data).digest
    assert data.annotators.set_index("annotator")["n_labels"].to_dict() == {
        "ann": PAIRS, "offline:plain": 40}  # fmt: skip
    job = main_job(data, factors=["words"], folds=0)
    told = json.loads((done.path / "results" / "compare.json").read_text())
    assert [one["tables"] for one in told] == [r.to_dict()["tables"] for r in job.results]
    assert job.summary() in done.summary()
    page = json.loads((done.path / "report.json").read_text())
    assert "JudgeBoard" in [one["type"] for one in page["results"]]
    assert [f.to_dict() for f in done.findings] == page["findings"]
    assert done.spent is not None
    assert done.spent["calls"] == 40


@pytest.mark.usefixtures("no_pages")
def test_a_second_call_does_again_only_what_changed(votes: Path, tmp_path: Path) -> None:
    with serving() as server:
        first = settings(votes, server.url, judge=({"pairs": 10},))
        wb.run(first, tmp_path / "run")
        assert paid(server) == 20
        again = wb.run(first, tmp_path / "run")
        assert set(again.stages["state"]) == {"kept"}
        titled = wb.run(first.updated(title="Mine"), tmp_path / "run")
        assert {k for k, v in states(titled).items() if v == "done"} == {"report"}
        assert "Mine" in titled.report.read_text()
        wider = wb.run(first.updated(level=0.9), tmp_path / "run")
        assert {k for k, v in states(wider).items() if v == "done"} == {"compare", "report"}
        assert paid(server) == 20
        # of more pairs only the new ones are asked
        more = wb.run(first.updated(judge=({"pairs": 15},)), tmp_path / "run")
        assert {k for k, v in states(more).items() if v == "kept"} == {"read", "factors"}
        assert paid(server) == 30
        # and the way back costs nothing
        back = wb.run(first, tmp_path / "run")
        assert states(back)["judge-m"] == "kept"
        assert paid(server) == 30
        # other rows are another set
        votes.write_text(votes.read_text().replace("question 1 ", "question one "))
        changed = wb.run(first, tmp_path / "run")
        assert states(changed)["read"] == "done"
        assert paid(server) <= 32


@pytest.mark.usefixtures("no_pages")
def test_limits_are_over_all_stages(votes: Path, tmp_path: Path) -> None:
    judges = ({"pairs": 10, "name": "one"}, {"pairs": 10, "name": "two", "temperature": 0.5})
    with serving() as server:
        config = settings(votes, server.url, judge=judges)
        with pytest.raises(ConfigError, match="A limit of the run ended it") as stop:
            wb.run(config, tmp_path / "run", max_calls=25)
        assert "--max-calls" in str(stop.value)
        assert paid(server) == 25
        done = wb.run(config, tmp_path / "run", max_calls=40)
        assert paid(server) == 40
        assert done.spent is not None
        assert done.spent["calls"] == 40
        assert max(server.answered.values()) == 1


@pytest.mark.usefixtures("no_pages")
def test_a_server_that_is_gone_costs_nothing_twice(votes: Path, tmp_path: Path) -> None:
    judges = ({"pairs": 10, "name": "one"}, {"pairs": 20, "name": "two", "temperature": 0.5})
    with serving() as server:
        port = server.server_address[1]
        config = settings(votes, server.url, judge=judges)
        with pytest.raises(ConfigError):
            wb.run(config, tmp_path / "run", max_calls=30)
    with pytest.raises(WorkbenchError):
        wb.run(config, tmp_path / "run")
    with serving(port=port) as second:
        done = wb.run(config, tmp_path / "run")
        assert paid(second) == 30
        assert not set(second.answered) & set(server.answered)
    assert states(done)["judge-m"] in ("kept", "done")
    assert len(wb.load(done.data).annotators) == 3


def command(settings: Path, out: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "workbench.cli", "run", str(settings), "--out", str(out)],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.usefixtures("no_pages")
def test_an_ended_run_goes_on_where_it_stopped(
    votes: Path, tmp_path: Path, sign: signal.Signals
) -> None:
    file, at_once = tmp_path / "run.toml", 4
    with serving(latency_s=0.02) as server:
        file.write_text(settings(votes, server.url, judge=({},)).to_toml())
        process = command(file, tmp_path / "run")
        end = time.monotonic() + 30
        while paid(server) < 40 and time.monotonic() < end:
            time.sleep(0.005)
        assert process.poll() is None, "it ended before it was killed"
        process.send_signal(sign)
        _, said = process.communicate(timeout=30)
        if sign == signal.SIGINT:
            assert process.returncode == 130
            assert "run it again to go on" in said
        before = paid(server)
        assert before < 2 * PAIRS
        done = wb.run(file, tmp_path / "run")
        # what was on the way when it was killed was not heard
        assert 2 * PAIRS <= paid(server) <= 2 * PAIRS + at_once
        alone = wb.run(file, tmp_path / "alone")
    own, other = (run.path / "results" / "compare.json" for run in (done, alone))
    assert own.read_text() == other.read_text()


@pytest.mark.usefixtures("no_pages")
def test_a_full_disk_loses_nothing(
    votes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving() as server:
        config = settings(votes, server.url, judge=({"pairs": 10},))
        plain = kept.write_text

        def full(path: Path, text: str) -> None:
            if path.name == "stages.json" and "judge-m" in text:
                raise UnwrittenError(path, "No space left on device")
            plain(path, text)

        with monkeypatch.context() as patch:
            patch.setattr(kept, "write_text", full)
            with pytest.raises(UnwrittenError, match="No space left"):
                wb.run(config, tmp_path / "run")
        assert states(wb.run(config, tmp_path / "run"))["read"] == "kept"
        assert paid(server) == 20


@pytest.mark.usefixtures("no_pages")
def test_a_stage_that_was_killed_before_it_began_is_begun_anew(votes: Path, tmp_path: Path) -> None:
    config = settings(votes, judge=({"pairs": 5},))
    done = wb.run(config, tmp_path / "run")
    [stage] = done.path.glob("judge-*")
    (stage / "run.toml").unlink()
    shutil.rmtree(stage / "results")
    assert states(wb.run(config, tmp_path / "run"))["judge-offline-plain"] == "done"


@pytest.mark.usefixtures("no_pages")
def test_a_dry_run_asks_and_writes_nothing(votes: Path, tmp_path: Path) -> None:
    prices = tmp_path / "prices.toml"
    prices.write_text("[m]\nprompt = 1.0\ncompletion = 2.0\n")
    with serving() as server:
        config = settings(votes, server.url, judge=({"pairs": 10},), prices=str(prices))
        planned = wb.run(config, tmp_path / "run", dry_run=True)
        assert not (tmp_path / "run").exists()
        assert not server.seen
        assert set(planned.stages["state"]) == {"to do"}
        assert planned.total["calls"] == 20
        assert planned.total["cost"] > 0
        assert "calls 20;" in planned.summary()
        done = wb.run(config, tmp_path / "run")
        assert done.spent is not None
        assert done.spent["calls"] == 20
        assert 0 < done.spent["cost"] <= planned.total["cost"]
        later = wb.run(config.updated(judge=({"pairs": 12},)), tmp_path / "run", dry_run=True)
        new = dict.fromkeys(("judge-m", "data", "compare", "report"), "to do")
        assert states(later) == {"read": "kept", "factors": "kept", **new}
        without = wb.run(config.updated(title="x"), tmp_path / "run", dry_run=True)
        assert without.total["calls"] == 0
        unpriced = settings(votes, server.url, judge=({"pairs": 10},))
        assert "cost unknown" in wb.run(unpriced, tmp_path / "new", dry_run=True).summary()


def test_a_server_that_refuses_is_told(votes: Path, tmp_path: Path) -> None:
    with serving(key="right") as server, pytest.raises(JudgeError):
        wb.run(settings(votes, server.url, judge=({},)), tmp_path / "run")


@pytest.mark.slow
def test_principles_and_audits_of_models_that_are_asked(votes: Path, tmp_path: Path) -> None:
    config = settings(
        votes, principles={"evaluate": False}, audit_judge=({"suite": "smoke", "pairs": 5},),
        rubric=({"pairs": 8},),
    )  # fmt: skip
    done = wb.run(config, tmp_path / "run")
    page = json.loads(done.report.with_suffix(".json").read_text())
    assert {"Extraction", "JudgeAudit"} <= {one["type"] for one in page["results"]}
    data = wb.load(done.data)
    added = set(data.factor_names) - {spec.name for spec in wb.factors.CORE}
    assert added
    # a rubric that was asked about some pairs says nothing of the others
    assert data.factors[sorted(added)].notna().any(axis=1).sum() == 8
    assert set(wb.run(config, tmp_path / "run").stages["state"]) == {"kept"}


def test_battles_without_text_are_rated(tmp_path: Path) -> None:
    file = tmp_path / "battles.csv"
    rows = [f"{a},{b},{w}" for a in "mnk" for b in "mnk" if a != b for w in ("model_a", "model_b")]
    file.write_text("\n".join(["model_a,model_b,winner", *rows * 5]) + "\n")
    done = wb.run(WholeConfig(source=str(file)), tmp_path / "run")
    [told] = json.loads((done.path / "results" / "compare.json").read_text())
    assert told["type"] == "Ratings"


def test_the_command_has_the_exit_codes_of_the_house(
    votes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("run.toml").write_text(settings(votes, judge=({"pairs": 10},)).to_toml())
    done = CliRunner().invoke(app, ["run"])
    assert done.exit_code == 0, done.output
    assert "Report: runs/run/report.html" in done.stdout
    told = json.loads(CliRunner().invoke(app, ["run", "--json", "--quiet"]).stdout)
    assert {row["state"] for row in told["stages"]} == {"kept"}
    levels = {one["level"] for one in told["findings"]}
    assert levels
    failed = CliRunner().invoke(app, ["run", "--fail-on", ",".join(sorted(levels))])
    assert failed.exit_code == FAILED
    absent = CliRunner().invoke(app, ["run", "none.toml"])
    assert absent.exit_code == 2
    assert "none.toml" in absent.stderr
    # flags win over the file, as with every command
    flags = ["run", "--level", "0.9", "--model", "offline:long", "--dry-run"]
    other = CliRunner().invoke(app, flags)
    assert other.exit_code == 0, other.output
    assert "judge-offline-long" in other.stdout
    # other commands take the same file
    same = CliRunner().invoke(app, ["load", "--config", "run.toml"])
    assert same.exit_code == 0, same.output
    # what a message says to type is taken here too
    Path("run.toml").write_text(f"source = {json.dumps(str(votes))}\n")
    votes.write_text(votes.read_text().replace(",a\n", ",1\n").replace(",b\n", ",2\n"))
    asked = CliRunner().invoke(app, ["run", "--dry-run"])
    said = CliRunner().invoke(app, ["run", "--out", "coded"])
    assert asked.exit_code == 0, asked.output  # nothing is asked, and nothing is read
    assert "--verdict 1=" in said.stderr


def test_a_folder_of_something_else_is_left_alone(votes: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "mine.txt").write_text("mine")
    with pytest.raises(ConfigError, match="holds something else"):
        wb.run(settings(votes), tmp_path / "run")
    with kept.Kept(tmp_path / "held").locked(), pytest.raises(ConfigError, match="under way"):
        wb.run(settings(votes), tmp_path / "held")
