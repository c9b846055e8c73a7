"""Examples in the order behind a number, with more filters, tags and notes."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

import workbench as wb
from workbench.data.browse import find_pairs
from workbench.explain.behind import behind
from workbench.report.main_job import main_job

PAGES = Path(__file__).resolve().parents[2] / "pages"
BEHIND = "behind a number"


@pytest.fixture(scope="module")
def job():
    return main_job(wb.score_factors(wb.load("sample"), wb.factors.CORE))


def _run(**query: str) -> AppTest:
    app = AppTest.from_file(str(PAGES / "examples.py"), default_timeout=90)
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception, app.exception
    return app


def _said(app: AppTest, part: str) -> str:
    return next(text.value for text in app.text if part in text.value)


def _shown(app: AppTest) -> str:
    return re.match(r"Pair (\w+)", _said(app, "Pair ")).group(1)


def _count(app: AppTest) -> int:
    line = next(text.value for text in app.text if re.fullmatch(r"of [\d,]+ pairs", text.value))
    return int(re.sub(r"\D", "", line))


def _ranking(app: AppTest) -> pd.DataFrame:
    return next(d.value for d in app.dataframe if "pull" in d.value.columns)


@pytest.mark.parametrize("order", [BEHIND, "behind"])
def test_the_pairs_behind_a_weight_come_with_the_number(job, order):
    group, term = "sim-judge-length", "bold"
    app = _run(order=order, group=group, term=term)
    expected = behind(job.judges, group, term, n=200)
    assert _ranking(app)["pair_id"].tolist() == expected["pair_id"].tolist()
    assert _shown(app) == expected["pair_id"].iloc[0]
    row = job.judges.to_frame().query("group == @group and term == @term").iloc[0]
    line = _said(app, f"weight of {term} for {group}")
    assert f"{row['estimate']:+.3f} [{row['conf_low']:+.3f}, {row['conf_high']:+.3f}]" in line
    assert f"n = {row['n']:,} labels" in line
    assert row["method"] in line
    values = job.data.factor_values.set_index(job.data.pairs["pair_id"]).loc[_shown(app)]
    sides = f"A {values[f'{term}_a']:.4g}, B {values[f'{term}_b']:.4g}"
    assert sides in _said(app, "speaks for it")
    assert f"pull {expected['pull'].iloc[0]:+.3g}" in _said(app, "speaks for it")
    factors = next(d.value for d in app.dataframe if "coded" in d.value.columns)
    assert factors["factor"].iloc[0] == term


def test_the_pairs_against_a_difference_come_when_asked(job):
    group, term = "sim-judge-length", "words"
    app = _run(order=BEHIND, group=group, term=term, against="human", speak="against it")
    ratio = float(job.gap.scale.query("group == @group")["ratio"].iloc[0])
    every = behind(
        job.judges, group, term, against=(job.people, "human"), ratio=ratio, n=len(job.data)
    )
    assert _ranking(app)["pair_id"].tolist() == every["pair_id"][::-1].head(200).tolist()
    assert "speaks against it" in _said(app, "coded difference")
    row = job.gap.to_frame().query("group == @group and term == @term").iloc[0]
    assert f"{row['estimate']:+.3f}" in _said(app, "difference of taste for words")


def test_two_judges_are_compared_with_each_other(job):
    app = _run(order=BEHIND, group="sim-judge-plain", term="words", against="sim-judge-length")
    gap = wb.contrast(job.judges["sim-judge-plain"], job.judges["sim-judge-length"])
    row = gap.to_frame().query("term == 'words'").iloc[0]
    assert f"{row['estimate']:+.3f}" in _said(app, "sim-judge-plain beside sim-judge-length")


def test_without_a_factor_one_is_asked_for():
    app = _run(order=BEHIND, group="human")
    assert any("Choose the factor" in info.value for info in app.info)
    assert _count(app) == 2000
    app.selectbox(key="term").select("words").run()
    assert _count(app) == 200


def test_filters_hold_within_the_order(job):
    app = _run(order=BEHIND, group="human", term="words", within="coding")
    ids = job.data.pairs["pair_id"].iloc[find_pairs(job.data, scenarios=["coding"])]
    expected = behind(job.people, "human", "words", n=200, among=ids)
    assert _ranking(app)["pair_id"].tolist() == expected["pair_id"].tolist()


@pytest.mark.parametrize(
    "wrong", [{"group": "nobody"}, {"term": "no_factor"}, {"against": "<img src=x>"}]
)
def test_a_link_to_an_unknown_number_says_so_and_shows_all_pairs(wrong):
    app = _run(order=BEHIND, **{"group": "human", "term": "words", **wrong})
    assert any("not among those computed here" in warning.value for warning in app.warning)
    assert any(repr(next(iter(wrong.values()))) in block.value for block in app.code)
    assert app.selectbox(key="order").value == "as in the data"
    assert _count(app) == 2000
    assert _shown(app) == wb.load("sample").pairs["pair_id"][0]


def test_filters_by_factor_and_model(job):
    app = _run(factor="words", at_least="0.5", by_model="sim-model-a")
    at = find_pairs(job.data, factors=[("words", 0.5, None)], models=["sim-model-a"])
    assert 0 < len(at) < 1000
    assert _count(app) == len(at)
    assert "words A minus B at least 0.5" in _said(app, "Filtered")
    app.number_input(key="at_most").set_value(0.7).run()
    value = job.data.factors["words"]
    model = (job.data.pairs[["model_a", "model_b"]] == "sim-model-a").any(axis=1)
    assert _count(app) == int((value.between(0.5, 0.7) & model).sum())


def _votes(folder: Path) -> Path:
    rows = [
        {"prompt": f"q {k}", "text_a": f"x {'y ' * (k % 5)}", "text_b": "x", "annotator": who,
         "criterion": what, "label": "ab"[(k + len(who)) % 2],
         "timestamp": f"2024-05-{1 + k % 20:02}"}
        for k in range(40)
        for who in ("ann", "bobby")
        for what in ("help", "safety")
        if what == "help" or k < 10
    ]  # fmt: skip
    pd.DataFrame(rows).to_csv(folder / "votes.csv", index=False)
    return folder / "votes.csv"


def test_filters_by_criterion_and_date(monkeypatch, tmp_path):
    monkeypatch.setenv("WORKBENCH_DATA", str(_votes(tmp_path)))
    app = _run(of_criterion="safety")
    assert _count(app) == 10
    app = _run()
    assert _count(app) == 40
    app.date_input(key="first_day").set_value(dt.date(2024, 5, 6)).run()
    app.date_input(key="last_day").set_value(dt.date(2024, 5, 7)).run()
    assert not app.exception
    assert _count(app) == 4
    heads = " ".join(element.proto.body for element in app.get("html"))
    assert "help: " in heads


def test_tags_and_notes_are_kept_and_listed():
    app = _run()
    first = _shown(app)
    name = app.session_state["data"]
    app.multiselect(key=f"tags-{name}-{first}").set_value(["wrong label"]).run()
    app.text_area(key=f"note-{name}-{first}").set_value("=1+1 see line two").run()
    app.button(key="next").click().run()
    assert not app.exception
    kept = next(d.value for d in app.dataframe if "note" in d.value.columns)
    assert kept[["pair_id", "tags", "note"]].values.tolist() == [
        [first, "wrong label", "=1+1 see line two"]
    ]
    app.button(key="previous").click().run()
    assert app.multiselect(key=f"tags-{name}-{first}").value == ["wrong label"]
    assert app.text_area(key=f"note-{name}-{first}").value == "=1+1 see line two"
    line = f'{{"pair_id": "{first}", "tags": ["other"], "note": ""}}\n'
    file = next(f for f in app.file_uploader if f.key.startswith("tags-file"))
    file.set_value(("tags.jsonl", line.encode(), "application/jsonl")).run()
    assert not app.exception
    assert app.multiselect(key=f"tags-{name}-{first}").value == ["other"]
    assert app.session_state["tags"][name][first].note == ""


def test_tags_of_a_data_set_are_there_again_after_another_was_open():
    data = wb.score_factors(wb.load("sample"), wb.factors.CORE)
    part = data.filter(scenarios=["coding"])
    app = AppTest.from_file(str(PAGES / "examples.py"), default_timeout=90)
    app.session_state["uploads"] = {part.digest: part}
    app.query_params["data"] = part.digest
    app.run()
    app.multiselect(key=f"tags-{part.digest}-{_shown(app)}").set_value(["unclear"]).run()
    app.session_state["data"] = data.digest
    app.query_params["data"] = data.digest
    app.run()
    assert not any("note" in d.value.columns for d in app.dataframe)
    app.query_params["data"] = part.digest
    app.run()
    assert any("note" in d.value.columns for d in app.dataframe)


def test_rendered_texts_are_markdown_that_can_do_nothing(monkeypatch, tmp_path):
    hostile = "**b** <script>x</script> [l](http://127.0.0.1:9/l) ![i](http://127.0.0.1:9/i)"
    rows = [{"prompt": hostile, "text_a": hostile + " a", "text_b": "# h", "label": "ab"[k % 2]}
            for k in range(2)]  # fmt: skip
    pd.DataFrame(rows).assign(annotator=["x", "y"]).to_csv(tmp_path / "v.csv", index=False)
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "v.csv"))
    app = _run(texts="rendered")
    boxes = [element.proto.body for element in app.get("html")]
    assert sum("<strong>b</strong> &lt;script&gt;" in box for box in boxes) == 2
    assert sum("l (http://127.0.0.1:9/l) [image: i] (http" in box for box in boxes) == 2
    assert any("<h1" in box for box in boxes)
    assert not any(re.search(r"<(a|img|script)\b|href|src=", box) for box in boxes)
    written = _run()
    assert not any("<h1" in element.proto.body for element in written.get("html"))
    assert np.all(["<strong>b" not in e.proto.body for e in written.get("html")])
