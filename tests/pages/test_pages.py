"""Each page as a session sees it, without a browser."""

from __future__ import annotations

import ast
import json
import shlex
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

import workbench as wb
from workbench.cli.main import app as cli
from workbench.report.main_job import main_job

PAGES = Path(__file__).resolve().parents[2] / "pages"
OPEN = ["overview.py", "load.py", "compare.py", "examples.py", "leaderboard.py", "add_judge.py",
        "curate.py", "report.py", "people.py"]  # fmt: skip
SHOWN = sorted(path.name for path in PAGES.glob("[a-z]*.py") if path.name != "app.py")


def _run(name: str, **query: str) -> AppTest:
    app = AppTest.from_file(str(PAGES / name), default_timeout=90)
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception, app.exception
    return app


def _frame(app: AppTest, column: str) -> pd.DataFrame:
    return next(d.value for d in app.dataframe if column in d.value.columns)


@pytest.mark.parametrize("page", OPEN)
def test_a_page_opens_with_the_simulated_sample_and_says_so(page):
    app = _run(page)
    assert any("simulated" in warning.value for warning in app.warning)
    assert any("2,000 pairs" in text.value and "digest" in text.value for text in app.text)


def test_a_page_says_what_was_lost_when_the_data_were_read(monkeypatch, tmp_path):
    table = pd.DataFrame(
        {"prompt": [f"q {k}" for k in range(20)], "response_a": "x", "response_b": "y y",
         "label": ["a", "b"] * 9 + ["huh", "failed"], "annotator": "ann"}
    )  # fmt: skip
    table.to_csv(tmp_path / "votes.csv", index=False)
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "votes.csv"))
    app = _run("examples.py")
    assert any("1 of 20 rows left out (5.0%): 1 unknown label" in one.value for one in app.text)
    assert any("unread verdicts, kept as failed: 1 of 19" in one.value for one in app.text)


def test_the_router_runs():
    assert not AppTest.from_file(str(PAGES / "navigation.py"), default_timeout=90).run().exception


def test_compare_shows_the_numbers_of_the_library():
    app = _run("compare.py")
    shown = _frame(app, "vif")
    job = main_job(wb.score_factors(wb.load("sample"), wb.factors.CORE))
    both = pd.concat([job.people.to_frame(), job.judges.to_frame()], ignore_index=True)
    pd.testing.assert_frame_equal(shown.reset_index(drop=True), both, check_dtype=False)


def test_choices_change_the_fit_and_come_from_the_url():
    app = _run("compare.py", factors="words", ties="drop", scenarios="coding")
    shown = _frame(app, "vif")
    assert set(shown["term"]) == {"words", "position"}
    data = wb.score_factors(wb.load("sample"), wb.factors.CORE).filter(scenarios=["coding"])
    job = main_job(data, factors=["words"], ties="drop")
    people = shown[shown["group"] == "human"]
    assert people["estimate"].iloc[0] == pytest.approx(job.people.to_frame()["estimate"].iloc[0])
    assert people["n"].iloc[0] == job.people.fits["human"].n


def test_who_has_no_label_under_a_criterion_is_not_compared_under_it(monkeypatch, tmp_path):
    rows = [
        {"x_a": k * 7 % 11, "x_b": k * 5 % 13, "label": "AB"[(k * k + k // 3) % 2],
         "annotator": name, "kind": kind, "criterion": criterion}
        for k in range(60)
        for name, kind, criterion in [("ann", "human", "helpful"), ("bob", "human", "honest"),
                                      ("one", "llm", "helpful"), ("two", "llm", "honest")]
    ]  # fmt: skip
    pd.DataFrame(rows).to_csv(tmp_path / "criteria.csv", index=False)
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "criteria.csv"))
    app = _run("compare.py")
    assert not app.error
    for criterion, judge in (("helpful", "one"), ("honest", "two"), ("helpful", "one")):
        app.selectbox(key="criterion").select(criterion).run()
        assert not app.exception
        assert not app.error
        assert set(_frame(app, "vif")["group"]) == {"human", judge}


def test_a_fit_that_fails_says_what_to_do(monkeypatch, tmp_path):
    table = pd.DataFrame({"x_a": [1.0, 2.0], "x_b": [0.0, 3.0], "label": ["n/a", "failed"]})
    table.to_csv(tmp_path / "none.csv", index=False)
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "none.csv"))
    app = _run("compare.py")
    assert any("did not work" in error.value for error in app.error)
    assert any("No label can be fitted" in code.value for code in app.code)


def test_values_of_a_url_that_do_not_exist_are_ignored():
    app = _run("compare.py", reference="nobody", ties="sideways")
    assert app.selectbox(key="reference").value == "human"
    assert app.selectbox(key="ties").value == "half"


@pytest.mark.parametrize("page", OPEN)
def test_a_link_to_unknown_data_says_so_and_offers_the_sample(page):
    app = _run(page, data="0" * 32)
    assert any("not open here" in warning.value for warning in app.warning)
    assert not app.dataframe
    app.run()
    assert any("not open here" in warning.value for warning in app.warning)
    app.button(key="open-sample").click().run()
    assert not app.exception
    digest = wb.score_factors(wb.load("sample"), wb.factors.CORE).digest
    assert app.query_params["data"] == digest
    assert any("2,000 pairs" in text.value for text in app.text)


def test_a_family_is_computed_when_chosen():
    app = _run("compare.py", families="length")
    specs = wb.factors.FAMILIES["length"]
    assert set(_frame(app, "vif")["term"]) == {*(spec.name for spec in specs), "position"}
    job = main_job(wb.score_factors(wb.load("sample"), specs))
    shown = _frame(app, "vif").query("group == 'human'")["estimate"].to_numpy()
    assert shown == pytest.approx(job.people.to_frame()["estimate"].to_numpy(), nan_ok=True)


@pytest.mark.parametrize("view", ["Weights", "Differences"])
def test_without_anybody_chosen_only_the_reference_is_shown(view):
    app = _run("compare.py", view=view)
    app.multiselect(key="annotators").set_value([]).run()
    assert not app.exception
    if view == "Weights":
        assert set(_frame(app, "vif")["group"]) == {"human"}
    else:
        assert any("Choose at least one annotator" in info.value for info in app.info)


def test_a_reference_is_not_compared_with_itself():
    app = _run("compare.py", reference="sim-judge-length")
    assert "sim-judge-length" not in app.multiselect(key="annotators").options
    assert "sim-judge-length" in set(_frame(app, "vif")["group"])


def test_checks_show_whether_verdicts_are_missing_at_random():
    app = _run("compare.py", view="Checks", factors="words")
    shown = _frame(app, "n_failed")
    direct = wb.missing_verdicts(main_job(wb.load("sample")).data, factors=["words"]).to_frame()
    assert shown["estimate"].tolist() == pytest.approx(direct["estimate"].tolist(), nan_ok=True)
    assert any("No dependence was found." in text.value for text in app.text)


def test_the_fit_view_and_the_weights_say_whether_the_model_describes_the_labels():
    app = _run("compare.py", view="Fit", factors="words", folds="0")
    verdicts = _frame(app, "verdict")
    assert verdicts["group"].iloc[0] == "human"
    assert "interactions" in verdicts
    beside = _run("compare.py", factors="words", folds="0")
    assert any("What speaks against these models" in text.value for text in beside.caption)


def test_without_folds_there_are_no_held_out_scores():
    app = _run("compare.py", folds="0", view="Held-out")
    assert not any("accuracy" in frame.value.columns for frame in app.dataframe)
    assert any("held-out folds" in info.value for info in app.info)


@pytest.mark.parametrize(
    ("view", "column"),
    [("Similarity", "disattenuated"), ("Concordance", "confounded"), ("Scenarios", "shrinkage")],
)
def test_a_view_of_compare_is_the_further_result(view, column):
    app = _run("compare.py", view=view, factors="words")
    if view == "Similarity":
        # correlations need three factors: said, and the page stands
        assert any("at least 3" in code.value for code in app.code)
        app = _run("compare.py", view=view)
    assert column in _frame(app, column).columns
    assert not app.error


@pytest.mark.parametrize("estimate", ["bootstrap", "posterior, normal prior"])
def test_the_estimate_of_the_weights_can_be_chosen(estimate):
    app = _run("compare.py", estimate=estimate, prior_scale="0.3", factors="words")
    shown = next(d.value for d in app.dataframe if "method" in d.value.columns)
    wanted = "bootstrap" if estimate == "bootstrap" else "normal prior of scale 0.3"
    assert shown["method"].str.lower().str.contains(wanted.lower()).all()


def test_further_results_come_into_the_report():
    app = _run("report.py", further="concordance", factors="words")
    assert any("--with concordance" in code.value for code in app.code)


def test_a_judge_can_be_added_and_stands_beside_the_reference(tmp_path):
    data = wb.load("sample")
    app = _run("add_judge.py")
    assert app.button(key="add-judge").disabled
    bad = "pair_id,verdict\nnone,A\n"
    app.text_input(key="judge-name").set_value("mine")
    app.file_uploader[0].set_value(("bad.csv", bad.encode(), "text/csv")).run()
    app.button(key="add-judge").click().run()
    assert any("did not work" in error.value for error in app.error)
    rows = pd.DataFrame({"pair_id": data.pairs["pair_id"], "verdict": ["A", "B"] * 1000})
    app.file_uploader[0].set_value(
        ("good.csv", rows.to_csv(index=False).encode(), "text/csv")
    ).run()
    app.button(key="add-judge").click().run()
    assert not app.exception
    assert set(_frame(app, "vif")["group"]) == {"human", "mine"}


HOSTILE = "![x](http://127.0.0.1:9/x.png) :red[y] $z$ <b>"


def _upload(app: AppTest, name: str, content: str) -> AppTest:
    app.file_uploader[0].set_value((name, content.encode(), "text/csv")).run()
    assert not app.exception
    return app


def _choose(app: AppTest, role: str, column: str) -> None:
    next(s for s in app.selectbox if s.key.startswith(f"map-{role}-")).select(column)


def _hostile_csv() -> str:
    rows = [f'"{HOSTILE} {k}","yes {k}","no {k}",{"ab"[k % 2]},"{HOSTILE}"' for k in range(12)]
    return "\n".join(["question,one,two,verdict,who", *rows, "q,yes,no,huh,x"])


def test_an_upload_is_mapped_loaded_and_shown_as_plain_text():
    app = _upload(_run("load.py"), "votes.csv", _hostile_csv())
    assert any("Recognised as: nothing that is known" in one.value for one in app.caption)
    preview = next(d.value for d in app.dataframe if "question" in d.value.columns)
    assert preview["question"].iloc[0] == f"{HOSTILE} 0"
    # content suggests prompt, responses and verdict; who judged is to be said
    assert any("a guess by what they hold" in warning.value for warning in app.warning)
    _choose(app, "annotator", "who")
    app.run()
    app.button(key="load").click().run()
    assert not app.exception
    assert any("votes.csv: 12 pairs, 12 labels" in text.value for text in app.text)
    assert any("12 kept; 1 left out: 1 unknown label" in text.value for text in app.text)
    assert not any("simulated" in warning.value for warning in app.warning)
    assert app.file_uploader[0].value == []
    assert HOSTILE in app.code[0].value
    marked_up = [app.markdown, app.caption, app.title, app.warning, app.error, app.info, app.metric]
    assert not any("127.0.0.1" in str(e.value) + str(e) for kind in marked_up for e in kind)


def test_an_upload_stays_in_its_session():
    app = _upload(_run("load.py"), "v.csv", "prompt,text_a,text_b,label\nq,x,y,a\n")
    app.button(key="load").click().run()
    digest = app.query_params["data"]
    assert any("v.csv: 1 pairs" in text.value for text in app.text)
    other = _run("load.py", data=digest)
    assert any("not open here" in warning.value for warning in other.warning)


def test_a_broken_upload_says_what_to_do_as_text():
    app = _upload(_run("load.py"), "votes.csv", f"one,two,{HOSTILE}\nx,y,z\n")
    assert [warning.value for warning in app.warning] == ["These files cannot be read yet."]
    assert app.button(key="load").disabled
    assert "The format of the file is not recognised." in app.code[0].value
    assert HOSTILE in app.code[0].value


def test_a_pair_without_text_shows_its_columns(monkeypatch, tmp_path):
    frame = pd.DataFrame({"x_a": [1.0, 2.0], "x_b": [0.5, 3.0], "label": ["a", "b"]})
    frame.to_csv(tmp_path / "scores.csv", index=False)
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "scores.csv"))
    app = _run("load.py")
    shown = _frame(app, "column").set_index("column")["value"]
    assert shown["x_a"] == "1.0"
    assert not app.code


def test_the_command_of_the_report_gives_the_numbers_of_the_page(monkeypatch, tmp_path):
    query = {"families": "length", "scenarios": "coding", "annotators": "sim-reward", "folds": "0"}
    command = _run("report.py", **query).code[-1].value
    shown = _frame(_run("compare.py", **query), "vif")
    monkeypatch.chdir(tmp_path)
    for line in command.split(" && "):
        ran = CliRunner().invoke(cli, shlex.split(line)[1:])
        assert ran.exit_code == 0, ran.output
    results = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["results"]
    own = [row["estimate"] for result in results[:2] for row in result["tables"]["estimates"]]
    expected = shown["estimate"].astype(object).where(shown["estimate"].notna(), None)
    assert own == pytest.approx(expected.tolist())


def test_pages_are_small_and_hold_no_analysis():
    for page in PAGES.glob("*.py"):
        source = page.read_text(encoding="utf-8")
        assert source.count("\n") <= 120, page.name
        for word in ("groupby", "unsafe_allow_html", "decompose(", "contrast("):
            assert word not in source, (page.name, word)


def test_boxes_say_what_codes_mean_and_who_judged(tmp_path):
    rows = "\n".join(f"q{k},yes {k},no {k},{k % 2 + 1}" for k in range(8))
    app = _upload(_run("load.py"), "codes.csv", f"prompt,text_a,text_b,choice\n{rows}\n")
    told = next(code.value for code in app.code if "mean is not known" in code.value)
    assert '1=a, 2=b in the box "What verdicts mean"' in told
    assert "--" not in told
    for box, value in (("verdict", "1=a, 2=b"), ("annotator", "crowd")):
        next(t for t in app.text_input if t.key.startswith(f"{box}-")).set_value(value)
    next(s for s in app.selectbox if s.key.startswith("kind-")).select("human").run()
    app.button(key="load").click().run()
    assert not app.exception
    assert any("8 kept" in text.value for text in app.text)
    shown = _frame(app, "n_labels")
    assert shown[["annotator", "kind"]].values.tolist() == [["crowd", "human"]]


def test_boxes_that_cannot_be_understood_say_so():
    app = _upload(_run("load.py"), "v.csv", "prompt,text_a,text_b,choice\nq,x,y,1\n")
    next(t for t in app.text_input if t.key.startswith("verdict-")).set_value("1").run()
    assert not app.exception
    assert any("two parts" in code.value for code in app.code)


@pytest.mark.parametrize("families", [(), ("length",)])
def test_the_command_of_a_table_says_how_it_was_read(families):
    from parts.commands import report_command

    table = pd.DataFrame({"text_a": ["x", "z"], "text_b": ["y", "w"], "choice": [1, 2]})
    data = wb.load(table, verdicts={"1": "a", "2": "b"}, kind="human")
    command = report_command(data, {"families": families, "scenarios": (), "folds": 0})
    flags = "--verdict 1=a --verdict 2=b --kind human"
    assert flags in command.split(" && ")[0]
    assert command.count(flags) == 1


def test_no_page_shows_a_remark_of_its_code():
    # Streamlit writes every bare string of a page's own file on the page
    for path in PAGES.glob("*.py"):
        body = ast.parse(path.read_text(encoding="utf-8")).body[1:]
        bare = [one.lineno for one in body if isinstance(one, ast.Expr)
                and isinstance(one.value, ast.Constant)]  # fmt: skip
        assert bare == [], path.name
