"""The commands of principles, and the page: the library's numbers, told and written."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

import workbench as wb
from workbench.annotate.folder import RunFolder
from workbench.annotate.process import runs_in, status
from workbench.annotate.run import found_in
from workbench.cli.main import app
from workbench.judges.templates import find_template
from workbench.llm.reply import Reply
from workbench.principles.constitution import read_constitution
from workbench.principles.held_out.personal import personal
from workbench.principles.interchange.rubric import read_rubric

PAGES = Path(__file__).resolve().parents[2] / "pages"
ASKED = ("sample", "--annotator", "sim-judge-length", "--model", "offline:plain", "--pairs", 150)


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["principles", *map(str, arguments)])


@pytest.fixture(scope="module")
def extracted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("principles") / "run"
    done = run("extract", *ASKED, "--out", folder)
    assert done.exit_code == 0, done.stderr
    return folder


def test_the_command_gives_the_library_s_numbers(extracted, tmp_path):
    data = wb.open_folder(extracted / "data")
    with wb.Journal(tmp_path / "j") as journal, wb.Asker(wb.OfflineModel(), journal) as asker:
        found = wb.extract(data, asker, "sim-judge-length", model="offline:plain")
    saved = json.loads((extracted / "results" / "result.json").read_text())
    assert saved["tables"]["effects"] == found.to_dict()["tables"]["effects"]
    assert saved["constitution"]["digest"] == found.constitution.digest
    assert (extracted / "results" / "summary.txt").read_text() == found.summary()


def test_principles_are_factors_of_the_run_s_data(extracted):
    data = wb.load(extracted)
    name = next(one for one in data.factor_names if "longer" in one)
    fit = wb.decompose(data, annotator="sim-judge-length", factors=[name], folds=0).to_frame()
    assert fit.set_index("term").loc[name, "conf_low"] > 0


def test_the_report_names_the_offline_model(extracted):
    page = (extracted / "results" / "report.html").read_text()
    assert "Offline model." in page
    for section in ("Constitution on held-out pairs", "Reliability of the voter"):
        assert section in page


def test_every_form_of_export(extracted, tmp_path):
    own = json.loads((extracted / "results" / "result.json").read_text())["constitution"]
    for form, name in (("json", "c.json"), ("markdown", "c.md"), ("judge", "judge.txt"),
                       ("annotated-pairs", "ap.json"), ("rubric", "r.toml"),
                       ("rubric-json", "r.json"), ("unseen", "unseen.txt")):  # fmt: skip
        done = run("export", extracted, "--to", form, "--out", tmp_path / name)
        assert done.exit_code == 0, done.stderr
    texts = [one["text"] for one in own["principles"]]
    for name in ("c.json", "c.md"):
        assert [one.text for one in read_constitution(tmp_path / name).principles] == texts
    unseen = (tmp_path / "unseen.txt").read_text().splitlines()
    assert tuple(unseen) == found_in(RunFolder(extracted)).unseen
    rubrics = [read_rubric((tmp_path / f"r.{ending}").read_text()) for ending in ("toml", "json")]
    assert rubrics[0] == rubrics[1]
    assert [one.text for one in rubrics[0].criteria] == texts
    assert texts[0] in find_template(str(tmp_path / "judge.txt")).system
    assert wb.load(tmp_path / "ap.json").annotators["n_labels"].max() > 50
    assert texts[0].split("that ")[1] in run("export", extracted).stdout


def test_a_constitution_is_evaluated_whole(extracted, tmp_path):
    file = tmp_path / "mine.txt"
    file.write_text("Select the response that uses no bold\nSelect the response that sings\n")
    done = run("evaluate", *ASKED, "--constitution", file, "--out", tmp_path / "run", "--json")
    assert done.exit_code == 0, done.stderr
    result = json.loads(done.stdout)
    assert len(result["constitution"]["principles"]) == 2
    terms = [row["term"] for row in result["tables"]["accuracy"]]
    assert {"judge with the constitution", "judge without it", "longer"} <= set(terms)
    missing = run("evaluate", *ASKED, "--out", tmp_path / "other")
    assert missing.exit_code == 1
    assert "--constitution" in missing.stderr


def test_an_edit_asks_for_votes_on_what_is_new_only(extracted, tmp_path):
    before = json.loads((extracted / "results" / "result.json").read_text())["constitution"]
    texts = [one["text"] for one in before["principles"]]
    file = tmp_path / "edited.txt"
    file.write_text("\n".join([*texts, "Select the response that uses emoji"]))
    folder = tmp_path / "run"
    known = extracted / "results" / "votes.parquet"
    edit = ("--constitution", file, "--known", known, "--out", folder)
    done = run("evaluate", *ASKED, *edit)
    assert done.exit_code == 0, done.stderr
    with RunFolder(folder).journal() as journal:
        asked = [
            json.loads(row[0])["messages"][1]["content"]
            for row in journal._connection.execute("SELECT asked FROM answers")
        ]
    voted = [text.split("<<<principles")[1] for text in asked if "uses emoji" in text]
    votes = [text for text in voted if texts[0] not in text]
    # two repeats on each pair, of the new principle alone; the judge is shown them all
    assert len(votes) == 2 * len(wb.load(extracted).pairs)
    assert all(texts[0] in text for text in voted if text not in votes)


def test_a_dry_run_tells_the_first_round(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run("extract", *ASKED, "--dry-run")
    assert done.exit_code == 0, done.stderr
    assert "propose" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_the_budget_stops_goes_on(extracted, tmp_path):
    folder = tmp_path / "run"
    for calls in (20, 400, 100_000):
        done = run("extract", *ASKED, "--max-calls", calls, "--out", folder)
        assert done.exit_code == 0, done.stderr
    for name in ("result.json", "summary.txt", "effects.csv"):
        assert (folder / "results" / name).read_bytes() == (
            extracted / "results" / name
        ).read_bytes()


def test_many_invalid_votes_are_an_exit_code(tmp_path, monkeypatch):
    from workbench.llm.offline import OfflineModel

    honest = OfflineModel.ask

    async def half_broken(self, request):
        if request.about["task"] == "vote" and int(request.key("x")[:2], 16) < 128:
            return Reply("no JSON", None, reason="unreadable: no JSON")
        return await honest(self, request)

    monkeypatch.setattr(OfflineModel, "ask", half_broken)
    asked = ("vote", *ASKED[:-1], 30, "--traits")
    done = run(*asked, "--out", tmp_path / "run", "--max-failed", 1)
    assert done.exit_code == 1
    assert "votes stay invalid" in done.stderr
    many = run(*asked, "--out", tmp_path / "other")
    assert many.exit_code == 1
    assert "requests failed" in many.stderr


def test_groups_are_the_library_s(extracted, tmp_path):
    done = run("groups", extracted, "--by", "kind", "--n", 2, "--out", tmp_path / "g")
    assert done.exit_code == 0, done.stderr
    folder = RunFolder(extracted)
    found = found_in(folder)
    apart = personal(folder.data, found.votes, by="kind", n=2, pair_ids=found.unseen)
    lost = folder.data.load_report.line()
    assert done.stdout.strip() == f"{apart.summary()}\n\n{lost}".strip()
    assert (tmp_path / "g" / "separation.csv").is_file()
    wrong = run("groups", extracted, "--by", "nothing")
    assert wrong.exit_code == 1
    assert "nothing" in wrong.stderr


def test_folds_and_adaptive_voting_go_through(tmp_path):
    for flags, said in ((("--folds", 3), "each held out once in 3 folds"),
                        (("--adaptive",), "Adaptive voting")):  # fmt: skip
        folder = tmp_path / flags[0].strip("-")
        done = run("extract", *ASKED[:-1], 60, *flags, "--out", folder)
        assert done.exit_code == 0, done.stderr
        page = (folder / "results" / "report.html").read_text()
        assert said in (done.stdout if "folds" in said else page)
        dry = run("extract", *ASKED[:-1], 60, *flags, "--dry-run")
        assert dry.exit_code == 0, dry.stderr


@pytest.fixture
def page(tmp_path, monkeypatch) -> Path:
    monkeypatch.syspath_prepend(str(PAGES))
    monkeypatch.setenv("WORKBENCH_DATA", "sample")
    monkeypatch.setenv("WORKBENCH_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


def opened() -> AppTest:
    shown = AppTest.from_file(str(PAGES / "principles.py"), default_timeout=120).run()
    assert not shown.exception, shown.exception
    return shown


@pytest.mark.usefixtures("let_in")
def test_the_page_starts_a_run_and_shows_it(page):
    shown = opened()
    assert any("simulated" in one.value for one in shown.warning)
    shown.number_input("p-pairs").set_value(60)
    shown.button("p-start").click().run()
    assert not shown.exception, shown.exception
    (folder,) = runs_in(page)
    end = time.monotonic() + 90
    while status(folder).state in ("new", "running") or folder.running:
        assert time.monotonic() < end
        time.sleep(0.1)
    shown = opened()
    assert (folder.results / "summary.txt").read_text() in [one.value for one in shown.code]
    frames = [one.value for one in shown.dataframe]
    assert any("in_sample" in frame.columns for frame in frames)
    shown.number_input("least").set_value(5)
    shown.button("personal").click().run()
    assert not shown.exception, shown.exception
    assert any("separation" in one.key for one in shown.download_button)
