"""The command line gives what the library gives, and says plainly what is wrong."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import workbench as wb
from tests.planted import planted
from workbench.annotate.endpoints import Endpoints
from workbench.cli import dashboard
from workbench.cli.main import app
from workbench.json_values import records, to_json
from workbench.report.main_job import main_job

VERBS = (
    "load", "factors", "decompose", "contrast", "report", "app", "demo", "dissect", "bootstrap",
    "check-fit", "similarity", "scenarios", "concordance", "attribute", "rate", "length-control",
    "screen", "add-judge", "doctor", "run",
)  # fmt: skip
WEIGHTS = {"ann": [0.8, 0.0], "bob": [0.8, 0.0], "judge-x": [0.8, 0.6]}


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def run_json(*arguments: object) -> Any:
    done = run(*arguments, "--json", "--quiet")
    assert done.exit_code == 0, done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout)


def frame_json(frame: Any) -> Any:
    return json.loads(to_json(records(frame)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "planted"
    wb.save(planted(WEIGHTS, n=600), path)
    return path


@pytest.fixture
def votes(tmp_path: Path) -> Path:
    path = tmp_path / "votes.csv"
    rows = ["prompt,response_a,response_b,preference,annotator"]
    rows += [
        f"question {i},{'word ' * (i % 7 + 1)},{'term ' * (i % 5 + 1)},{'ba'[i % 2]},ann"
        for i in range(60)
    ]
    path.write_text("\n".join([*rows, "question 99,word,text,huh,ann"]) + "\n", encoding="utf-8")
    return path


def test_load_says_what_became_of_every_row(votes: Path) -> None:
    done = run("load", votes)
    assert done.exit_code == 0
    assert "60 kept; 1 left out: 1 unknown label" in done.stdout
    record = run_json("load", votes)
    assert record["n_labels"] == 60
    assert record["load_report"]["left_out"]["unknown label"]["count"] == 1
    assert record["digest"] == wb.load(votes).digest


def test_load_out_saves_what_it_read(votes: Path, tmp_path: Path) -> None:
    out = tmp_path / "saved"
    done = run("load", votes, "--out", out)
    assert done.exit_code == 0
    assert str(out) in done.stderr
    assert wb.open_folder(out).digest == wb.load(votes).digest
    assert run_json("load", out)["n_labels"] == 60


def test_load_maps_columns(votes: Path, tmp_path: Path) -> None:
    text = votes.read_text(encoding="utf-8").replace("response_a,response_b", "left,right", 1)
    renamed = tmp_path / "renamed.csv"
    renamed.write_text(text, encoding="utf-8")
    flags = ("--map", "response_a=left", "--map", "response_b=right")
    mapped = run_json("load", renamed, *flags)
    assert mapped["digest"] == wb.load(votes).digest


def test_load_takes_several_files_as_one_set(votes: Path, tmp_path: Path) -> None:
    head, *rows = votes.read_text(encoding="utf-8").splitlines(keepends=True)
    parts = [tmp_path / "parts" / f"part-{n}.csv" for n in range(2)]
    parts[0].parent.mkdir()
    for part, own in zip(parts, (rows[:20], rows[20:]), strict=True):
        part.write_text(head + "".join(own), encoding="utf-8")
    whole = wb.load(votes).digest
    several = run_json("load", *parts)
    assert several["digest"] == whole
    assert several["load_report"]["source"] == "part-0.csv, part-1.csv"
    for source in (parts[0].parent, parts[0].parent / "*.csv"):
        assert run_json("load", source)["digest"] == whole
        assert run("decompose", source, "--quiet").exit_code == 0
    assert "columns" in run_json("load", *parts, "--explain")
    assert run("load").exit_code == 2


def test_factors_describes_and_saves(votes: Path, tmp_path: Path) -> None:
    out = tmp_path / "scored"
    record = run_json("factors", votes, "--families", "length", "--out", out)
    scored = wb.score_factors(wb.load(votes), wb.factors.FAMILIES["length"])
    assert [row["factor"] for row in record["factors"]] == scored.factor_names
    assert record["digest"] == scored.digest == wb.open_folder(out).digest


def test_an_unknown_family_is_explained(votes: Path) -> None:
    done = run("factors", votes, "--families", "smell")
    assert done.exit_code == 1
    assert "length" in done.stderr


def test_decompose_is_the_library_s(folder: Path) -> None:
    found = run_json("decompose", folder, "--folds", 3, "--seed", 4, "--ties", "drop")
    fit = wb.decompose(wb.open_folder(folder), folds=3, seed=4, ties="drop")
    # planted data were read from no file
    assert found == {"load_report": None, **json.loads(to_json(fit.to_dict()))}
    assert run("decompose", folder, "--folds", 3).stdout.startswith("Decomposition by annotator")


def test_decompose_options_choose(folder: Path) -> None:
    flags = ("--by", "kind", "--factors", "f1", "--covariance", "HC1", "--folds", 0)
    found = run_json("decompose", folder, *flags)
    fit = wb.decompose(wb.open_folder(folder), by="kind", factors=["f1"], covariance="HC1", folds=0)
    assert found["tables"]["estimates"] == frame_json(fit.to_frame())
    pooled = run_json("decompose", folder, "--annotator", "human", "--folds", 0)
    assert {row["group"] for row in pooled["tables"]["estimates"]} == {"human"}
    two = run_json("decompose", folder, "--annotator", "ann,judge-x", "--folds", 0)
    assert {row["group"] for row in two["tables"]["estimates"]} == {"ann", "judge-x"}


def test_out_holds_the_run_and_its_configuration(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "fit"
    first = run_json("decompose", folder, "--factors", "f0", "--level", 0.9, "--out", out)
    assert any(path.suffix == ".csv" for path in out.rglob("*"))
    again = run_json("decompose", "--config", out / "run.toml")
    assert again == first


def test_flags_win_over_the_configuration(folder: Path, tmp_path: Path) -> None:
    config = tmp_path / "run.toml"
    config.write_text(f"source = '{folder}'\nlevel = 0.5\nfolds = 0\n", encoding="utf-8")
    settings = run_json("decompose", "--config", config, "--level", 0.9)["settings"]
    assert (settings["level"], settings["folds"]) == (0.9, 0)


def test_contrast_is_the_main_job_s(folder: Path) -> None:
    found = run_json("contrast", folder, "--reference", "human", "--folds", 0)
    gap = main_job(wb.open_folder(folder), folds=0).gap
    assert gap is not None
    assert found == {"load_report": None, **json.loads(to_json(gap.to_dict()))}


def test_contrast_computes_its_contrast_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room = sys.modules[wb.contrast.__module__]
    calls: list[Any] = []
    plain = room.sides  # type: ignore[attr-defined]
    monkeypatch.setattr(room, "sides", lambda *a: calls.append(a) or plain(*a))
    found = run_json("contrast", folder, "--folds", 0, "--margin", 0.3)
    assert len(calls) == 1
    assert found["settings"]["margin"] == 0.3


def test_contrast_needs_two(folder: Path) -> None:
    done = run("contrast", folder, "--annotator", "judge-x", "--reference", "judge-x")
    assert done.exit_code == 1
    assert "nobody to compare" in done.stderr


def test_report_writes_the_same_file_twice(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "new" / "audit.html"
    done = run("report", folder, "--out", path)
    assert done.exit_code == 0, done.stderr
    assert str(path) in done.stdout
    first = path.read_bytes()
    assert b"<html" in first
    assert run("report", folder, "--out", path).exit_code == 0
    assert path.read_bytes() == first


def test_the_command_that_a_report_shows_makes_it_again(folder: Path, tmp_path: Path) -> None:
    first, again = tmp_path / "first" / "a.html", tmp_path / "again" / "a.html"
    flags = ("--annotator", "judge-x", "--factors", "f0,f1", "--level", 0.9, "--ties", "drop")
    assert run("report", folder, *flags, "--out", first).exit_code == 0
    command = json.loads(first.with_suffix(".json").read_text(encoding="utf-8"))["rerun"]
    words = shlex.split(command)
    assert words[-2:] == ["--out", "a.html"]
    assert run(*words[1:-1], again).exit_code == 0
    assert again.read_bytes() == first.read_bytes()


def test_missing_factors_are_scored_and_said(votes: Path) -> None:
    flags = ("--factors", "words", "--folds", 0)
    done = run("decompose", votes, *flags)
    assert done.exit_code == 0, done.stderr
    assert "no factors yet" in done.stderr
    assert "no factors" not in done.stdout
    assert run("decompose", votes, *flags, "--quiet").stderr == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ("decompose",),
        ("decompose", "sample", "--covariance", "HC9"),
        ("decompose", "sample", "--level", "2"),
        ("decompose", "sample", "--folds", "1"),
        ("decompose", "sample", "--seed", "many"),
        ("decompose", "sample", "--colour"),
        ("load", "sample", "--map", "prompt"),
        ("report", "--config", "no-such-file.toml"),
        ("dissolve", "sample"),
    ],
)
def test_a_wrong_call_exits_with_2(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("load", "no-such-file.csv"),
        ("report", "no-such-file.csv"),
        ("app", "no-such-file.csv"),
    ],
)
def test_an_error_exits_with_1_and_its_message(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.exit_code == 1
    assert done.stdout == ""
    assert done.stderr.startswith("Error: ")
    assert "no-such-file.csv" in done.stderr
    assert "to do:" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Traceback" in run(*arguments, "--debug").stderr


def test_a_wrong_configuration_file_is_explained(tmp_path: Path) -> None:
    config = tmp_path / "run.toml"
    config.write_text("foldz = 5", encoding="utf-8")
    done = run("decompose", "--config", config)
    assert done.exit_code == 1
    assert "Unknown key 'foldz'" in done.stderr
    assert str(config) in done.stderr


@pytest.mark.parametrize("verb", [("decompose", "--config"), ("run",)])
def test_a_configuration_that_is_no_text_is_explained(verb: tuple[str, ...], tmp_path: Path) -> None:
    config = tmp_path / "run.toml"
    config.write_bytes(b"\xff\xfe\x00")
    done = run(*verb, config)
    assert done.exit_code == 1
    assert "cannot be read" in done.stderr
    assert "UTF-8" in done.stderr
    assert "--debug" not in done.stderr


def test_run_names_its_own_file_where_it_is_missing() -> None:
    done = run("run", "no-such-file.toml")
    assert done.exit_code == 2
    assert "no-such-file.toml" in done.stderr
    assert "RUN.TOML" in done.stderr.split("Error", 1)[1]
    assert "--config" not in done.stderr


def test_a_file_in_the_place_of_a_folder_is_explained(folder: Path, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("x", encoding="utf-8")
    done = run("decompose", folder, "--folds", 0, "--out", taken)
    assert done.exit_code == 1
    assert done.stderr.splitlines()[-1].startswith("  to do: Check the path")
    assert str(taken) in done.stderr


def test_an_unexpected_error_has_no_traceback(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("planted")

    # by its full name: wb.report is the verb, not the room
    monkeypatch.setattr(sys.modules["workbench.report.main_job"], "decompose", fail)
    done = run("contrast", folder)
    assert done.exit_code == 1
    assert "ZeroDivisionError: planted" in done.stderr
    assert "--debug" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb: str) -> None:
    done = run(verb, "--help")
    assert done.exit_code == 0
    assert "--debug" in done.stdout


def test_the_module_runs_as_a_command(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "workbench.cli", "decompose", str(folder), "--json"],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=True,
    )
    assert json.loads(done.stdout)["type"] == "Decomposition"
    assert done.stderr == ""


class Streamlit:
    """Stands in for the process that serves the pages."""

    def __init__(self) -> None:
        self.command: list[str] = []
        self.source = ""
        self.folder = Path()
        self.env: dict[str, str] = {}

    def __call__(self, command: list[str], cwd: Path, env: dict[str, str], check: bool) -> Any:
        self.command, self.folder, self.source = command, cwd, env["WORKBENCH_DATA"]
        self.env = env
        return subprocess.CompletedProcess(command, 0)


@pytest.fixture
def streamlit(monkeypatch: pytest.MonkeyPatch) -> Streamlit:
    served = Streamlit()
    monkeypatch.setattr("workbench.cli.dashboard.subprocess.run", served)
    return served


def test_app_serves_the_pages_on_this_machine_only(streamlit: Streamlit, folder: Path) -> None:
    assert run("app", folder, "--port", 8765).exit_code == 0
    assert streamlit.command[1:4] == ["-m", "streamlit", "run"]
    assert Path(streamlit.command[4]).name == "app.py"
    assert "--server.address=127.0.0.1" in streamlit.command
    assert "--server.port=8765" in streamlit.command
    assert streamlit.source == str(folder.resolve())
    assert (streamlit.folder / ".streamlit" / "config.toml").is_file()
    assert run("app").exit_code == 0
    assert streamlit.source == "sample"


def test_app_reads_as_its_flags_say(
    streamlit: Streamlit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # bare codes are asked for, and what the message says to type is taken
    file = tmp_path / "codes.csv"
    rows = [f"q{k},{'word ' * (k % 5 + 1)},text,{k % 2 + 1}" for k in range(30)]
    file.write_text("\n".join(["prompt,response_a,response_b,label", *rows]) + "\n")
    asked = run("load", file)
    assert asked.exit_code == 1
    assert "--verdict 1=" in asked.stderr
    done = run("app", file, "--verdict", "1=a", "--verdict", "2=b", "--annotator", "ann")
    assert done.exit_code == 0, done.output
    for name in (dashboard.DATA, dashboard.READING):
        monkeypatch.setenv(name, streamlit.env[name])
    opened = dashboard.read_as(*dashboard.served())
    assert opened.annotators["annotator"].tolist() == ["ann"]
    assert sorted(opened.labels["preference"].unique()) == [0.0, 1.0]
    # a run.toml says the same, its source included
    settings = tmp_path / "run.toml"
    settings.write_text(f"source = {json.dumps(str(file))}\nverdict = ['1=b', '2=a']\n")
    assert run("app", "--config", settings).exit_code == 0
    assert streamlit.source == str(file.resolve())
    assert 'verdict = ["1=b", "2=a"]' in streamlit.env[dashboard.READING]


def test_app_prints_a_link_whose_token_stands_in_no_argument(streamlit: Streamlit) -> None:
    links = []
    for _ in range(2):
        done = run("app", "--port", 8765)
        assert done.exit_code == 0, done.output
        [link] = [word for word in done.stdout.split() if word.startswith("http")]
        assert link.startswith("http://127.0.0.1:8765/?token=")
        token = link.partition("token=")[2]
        assert len(token) >= 40
        assert streamlit.env[dashboard.TOKEN] == token
        assert not [word for word in streamlit.command if token in word]
        assert "--server.headless=true" in streamlit.command
        links.append(link)
    assert links[0] != links[1]


def test_app_is_open_to_all_only_where_that_is_asked_for(
    streamlit: Streamlit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(dashboard.TOKEN, dashboard.NO_TOKEN)
    assert run("app").exit_code == 0
    assert streamlit.env[dashboard.TOKEN] != dashboard.NO_TOKEN
    done = run("app", "--no-token")
    assert streamlit.env[dashboard.TOKEN] == dashboard.NO_TOKEN
    assert "token=" not in done.output


def test_app_gives_the_pages_the_endpoints_and_says_where_their_keys_are(
    streamlit: Streamlit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY_A", "not-to-be-shown")
    flags = ("--endpoint", "a=http://127.0.0.1:1/v1", "--endpoint", "b=http://127.0.0.1:2/v1")
    done = run("app", *flags, "--key-variable", "MY_KEY")
    assert done.exit_code == 0, done.output
    known = Endpoints.from_json(streamlit.env[dashboard.ENDPOINTS])
    assert known.urls == {"a": "http://127.0.0.1:1/v1", "b": "http://127.0.0.1:2/v1"}
    assert "its key from MY_KEY_A\n" in done.stdout
    assert "its key from MY_KEY_B, which is not set" in done.stdout
    assert "not-to-be-shown" not in done.output + streamlit.env[dashboard.ENDPOINTS]
    assert run("app", "--endpoint", "nonsense").exit_code == 1


def test_a_request_to_end_ends_the_server_of_the_app(tmp_path: Path) -> None:
    # stands in for the server: it says its number, and runs on
    said = tmp_path / "said"
    (tmp_path / "streamlit.py").write_text(
        f"import os, pathlib, time\npathlib.Path({str(said)!r}).write_text(str(os.getpid()))\n"
        "time.sleep(60)\n"
    )
    path = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])])
    process = subprocess.Popen(
        [sys.executable, "-m", "workbench.cli", "app", "sample"],
        env={**os.environ, "PYTHONPATH": path}, cwd=tmp_path,
    )  # fmt: skip
    while process.poll() is None and not (said.exists() and said.read_text()):
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 0
    state = Path("/proc") / said.read_text() / "stat"
    # what ended may stand in the table of processes until somebody asks for its exit code
    assert not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z"


def test_pages_are_found_in_a_wheel_and_beside_a_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "workbench"
    beside, inside = tmp_path / "pages" / "app.py", package / "_pages" / "app.py"
    monkeypatch.setattr(dashboard, "__file__", str(package / "cli" / "dashboard.py"))
    with pytest.raises(wb.ConfigError, match="pages"):
        dashboard.router()
    for script in (beside, inside):
        script.parent.mkdir(parents=True)
        script.touch()
        assert dashboard.router() == script.resolve()


def test_demo_does_the_main_job_without_a_terminal(streamlit: Streamlit, tmp_path: Path) -> None:
    done = run("demo", "--out", tmp_path)
    assert done.exit_code == 0, done.stderr
    assert (tmp_path / "report.html").is_file()
    assert "What they reward" in done.stdout
    assert "weight minus ratio x that of human" in done.stdout
    assert streamlit.command == []


def test_a_scenario_is_chosen_after_scoring_as_in_the_dashboard() -> None:
    done = run_json("decompose", "sample", "--annotator", "human", "--scenario", "coding",
                    "--factors", "words,hedges", "--folds", "0")  # fmt: skip
    data = wb.score_factors(wb.load("sample"), wb.factors.CORE).filter(scenarios=["coding"])
    fit = wb.decompose(data, annotator="human", factors=["words", "hedges"], folds=0)
    assert done["tables"]["estimates"] == frame_json(fit.to_frame())
