"""Files of a visitor's own on the Load page: what is read is seen before it is loaded."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

import workbench as wb
from workbench.data.store import save

PAGES = Path(__file__).resolve().parents[2] / "pages"
VOTES = "prompt,text_a,text_b,label\n" + "".join(
    f"q {k},yes {k},no no {k},{'ab'[k % 3 % 2]}\n" for k in range(12)
)
HOSTILE = "![x](http://127.0.0.1:9/x.png) :red[y] $z$ <b>"


@pytest.fixture(autouse=True)
def _pages_importable(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(PAGES))
    monkeypatch.setenv("WORKBENCH_DATA", "sample")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def upload(*files: tuple[str, str | bytes]) -> AppTest:
    app = AppTest.from_file(str(PAGES / "load.py"), default_timeout=90).run()
    as_sent = [(name, c if isinstance(c, bytes) else c.encode(), "") for name, c in files]
    app.file_uploader[0].set_value(as_sent).run()
    assert not app.exception, app.exception
    return app


def box(app: AppTest, kind: str, start: str):
    return next(one for one in getattr(app, kind) if one.key.startswith(f"{start}-"))


def loaded(app: AppTest) -> wb.PreferenceData:
    app.button(key="load").click().run()
    assert not app.exception, app.exception
    return app.session_state["uploads"][app.session_state["data"]]


def as_read(app: AppTest) -> pd.DataFrame:
    return next(d.value for d in app.dataframe if "verdict" in d.value.columns)


def said(app: AppTest) -> str:
    return "\n".join(str(e.value) for kind in (app.text, app.code, app.error) for e in kind)


def test_pairs_are_shown_as_read_with_what_is_left_out_before_anything_is_loaded():
    app = upload(("votes.csv", VOTES + "q,yes,no,huh\n"))
    rows = as_read(app)
    assert rows["verdict"].tolist()[:3] == ["A preferred", "B preferred", "A preferred"]
    assert rows["response_a"].tolist()[:2] == ["yes 0", "yes 1"]
    assert "12 pairs, 12 judgements. 12 kept; 1 left out: 1 unknown label" in said(app)
    assert "uploads" not in app.session_state or not app.session_state["uploads"]


def test_no_numbers_of_other_data_stand_below_files_that_wait_or_fail():
    waiting = upload(("votes.csv", VOTES))
    failing = upload(("votes.json", json.dumps([{"prompt": "q"}] * 3)[:-9]))
    assert "The JSON ends in the middle" in said(failing)
    for app in (waiting, failing):
        assert not app.metric
        assert "2,000 pairs" not in said(app)
        assert not any("simulated" in warning.value for warning in app.warning)


def test_a_box_of_each_verdict_says_what_it_means():
    rows = "".join(f"q{k},yes {k},no {k},{k % 2 + 1}\n" for k in range(8))
    app = upload(("codes.csv", f"prompt,text_a,text_b,choice\n{rows}"))
    assert app.button(key="load").disabled
    assert "1: not read" in said(app)
    for place, meaning in enumerate("ba"):
        box(app, "selectbox", f"meaning-{place}").select(meaning)
    app.run()
    assert as_read(app)["verdict"].tolist()[:2] == ["B preferred", "A preferred"]
    data = loaded(app)
    assert data.labels["preference"].mean() == 0.5
    assert data.load_report.settings["said"]["verdict"] == ["1=b", "2=a"]


def test_columns_of_people_have_their_kinds_and_columns_of_criteria_their_names():
    table = "text_a,text_b,ann,gpt\n" + "".join(f"y {k},n n {k},a,b\n" for k in range(6))
    app = upload(("people.csv", table))
    box(app, "multiselect", "people").select("ann").select("gpt").run()
    for place, kind in enumerate(("human", "llm")):
        box(app, "selectbox", f"kind-{place}").select(kind)
    app.run()
    kinds = loaded(app).annotators.set_index("annotator")["kind"]
    assert kinds.to_dict() == {"ann": "human", "gpt": "llm"}
    app = upload(("people.csv", table))
    box(app, "text_input", "label").set_value("tone=ann, safety=gpt").run()
    assert set(loaded(app).criteria) == {"tone", "safety"}


def test_a_scale_an_order_a_seed_and_repeats_are_said_by_boxes():
    table = "prompt,text_a,text_b,score\n" + "".join(
        f"q {k % 5},y {k % 5},n n {k % 5},{k % 5 - 2}\n" for k in range(10)
    )
    app = upload(("scores.csv", table))
    box(app, "selectbox", "map-label").select("score")
    box(app, "text_input", "scale").set_value("-2..2:b")
    box(app, "selectbox", "order").select("shown")
    next(c for c in app.checkbox if c.key.startswith("again-")).check().run()
    data = loaded(app)
    assert data.load_report.rows_kept == 5
    assert set(data.labels["order_shown"]) <= {"ab", "ba"}
    assert data.load_report.settings["scale"].startswith("-2..2")


def test_ratings_of_single_responses_become_pairs_by_a_rule():
    rows = [{"prompt": f"q{k}", "response": f"r {m}" * m, "helpfulness": m, "correctness": 3 - m,
             "coherence": 1} for k in range(4) for m in (1, 2)]  # fmt: skip
    content = "\n".join(map(json.dumps, rows))
    app = upload(("ratings.jsonl", content))
    box(app, "multiselect", "rated").select("correctness").run()
    data = loaded(app)
    rule = {"columns": ["correctness"]}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "ratings.jsonl")
        path.write_text(content, encoding="utf-8")
        assert data.digest == wb.score_factors(wb.load(path, rule=rule), wb.factors.CORE).digest


def test_several_files_and_a_zip_are_one_set_as_in_the_library(tmp_path):
    more = VOTES.replace("q ", "another ")
    both = io.BytesIO()
    with zipfile.ZipFile(both, "w") as archive:
        archive.writestr("one.csv", VOTES)
        archive.writestr("two.csv", more)
    for name, content in (("one.csv", VOTES), ("two.csv", more)):
        (tmp_path / name).write_text(content, encoding="utf-8")
    direct = wb.load([tmp_path / "one.csv", tmp_path / "two.csv"])
    for app in (upload(("one.csv", VOTES), ("two.csv", more)), upload(("b.zip", both.getvalue()))):
        data = loaded(app)
        assert len(data) == len(direct) == 24
        assert set(data.pairs["pair_id"]) == set(direct.pairs["pair_id"])
    assert "one.csv, two.csv: 24 pairs" in said(
        upload_and_load(("one.csv", VOTES), ("two.csv", more))
    )


def upload_and_load(*files: tuple[str, str | bytes]) -> AppTest:
    app = upload(*files)
    loaded(app)
    return app


def test_files_that_belong_together_are_joined(tmp_path):
    save(wb.load("sample").filter(scenarios=["coding"]), tmp_path / "saved")
    files = [(path.name, path.read_bytes()) for path in (tmp_path / "saved").iterdir()]
    app = upload(*files)
    assert len(loaded(app)) == len(wb.load(tmp_path / "saved"))


def test_a_folder_is_read_as_the_library_reads_it(tmp_path):
    (tmp_path / "set" / "more").mkdir(parents=True)
    (tmp_path / "set" / "a.csv").write_text(VOTES.replace(",label", ",choice"), encoding="utf-8")
    (tmp_path / "set" / "more" / "b.csv").write_text(
        VOTES.replace(",label", ",choice").replace("q ", "p "), encoding="utf-8"
    )
    (tmp_path / "set" / "dataset_info.json").write_text('{"features": {}}', encoding="utf-8")
    app = AppTest.from_file(str(PAGES / "load.py"), default_timeout=90).run()
    app.radio(key="upload-kind").set_value("A folder").run()
    files = [path for path in sorted((tmp_path / "set").rglob("*")) if path.is_file()]
    sent = [(str(path.relative_to(tmp_path)), path.read_bytes(), "") for path in files]
    app.file_uploader[0].set_value(sent).run()
    assert "a: A preferred" in said(app)
    data, direct = loaded(app), wb.load(tmp_path / "set")
    assert data.load_report.source == "set"
    assert set(data.pairs["pair_id"]) == set(direct.pairs["pair_id"])
    assert len(data) == 24


def test_names_of_files_lead_nowhere_and_are_no_markdown(tmp_path):
    from parts.opening.names import safe_names

    names = ["../../etc/x.csv", "..\\..\\y.csv", "/abs/z.csv", "..", "", "a\0\nb.csv", "a.csv",
             "a.csv", "s/a.csv", "x" * 400 + ".jsonl.gz"]  # fmt: skip
    found = safe_names(names)
    assert found[:6] == ["etc/x.csv", "y.csv", "abs/z.csv", "file", "2/file", "ab.csv"]
    assert len(set(found)) == len(found)
    assert len(found[-1]) == 100
    assert found[-1].endswith(".jsonl.gz")
    assert safe_names(["set/a.csv", "set/b/c.csv"]) == ["a.csv", "b/c.csv"]
    app = upload((f"../{HOSTILE.replace('/', '')}.csv", VOTES))
    data = loaded(app)
    assert ":red[y] $z$ <b>.csv" in data.load_report.source
    marked_up = [app.markdown, app.caption, app.subheader, app.warning, app.error, app.button]
    assert not any("127.0.0.1" in str(e) for kind in marked_up for e in kind)


def test_nothing_of_an_upload_stays_on_the_disk(tmp_path):
    for app in (upload(("v.csv", VOTES)), upload(("broken.json", "[{")), upload(("e.csv", ""))):
        app.run()
        assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    loaded(upload(("v.csv", VOTES)))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_click_elsewhere_reads_no_file_again(monkeypatch):
    reads = []
    explain = wb.explain
    monkeypatch.setattr(wb, "explain", lambda *a, **o: reads.append(1) or explain(*a, **o))
    app = upload(("v.csv", VOTES))
    app.run()
    app.run()
    assert len(reads) == 1
    box(app, "text_input", "annotator").set_value("ann").run()
    assert len(reads) == 2


def test_of_a_large_file_the_first_records_are_read_and_all_of_it_when_loaded(monkeypatch):
    import parts.opening.look as look

    monkeypatch.setattr(look, "_WHOLE", 5_000)
    rows = [{"prompt": f"q {k}", "chosen": "yes " * 5, "rejected": f"no {k}"} for k in range(1500)]
    app = upload(("big.jsonl", "\n".join(map(json.dumps, rows))))
    assert "Of the first 1,000 rows (all are counted once it is loaded): 1,000 pairs" in said(app)
    assert len(loaded(app)) == 1500


def test_files_without_a_head_are_read_when_asked(monkeypatch):
    import parts.opening.look as look

    monkeypatch.setattr(look, "_WHOLE", 100)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("one.csv", VOTES)
    app = upload(("one.zip", packed.getvalue()))
    assert not [d for d in app.dataframe if "verdict" in d.value.columns]
    app.button(key="explain").click().run()
    assert len(as_read(app)) == 8
    app.run()
    assert len(as_read(app)) == 8


@pytest.mark.parametrize(
    ("content", "box_named"),
    [
        ("question,one,two\nq is,yes,no\n", 'in the box "Columns"'),
        (",".join(f"c{k}" for k in range(2100)) + "\n" + ",".join("1" * 2100),
         'columns=4000 in the box "What the file may cost"'),
    ],
)  # fmt: skip
def test_advice_names_boxes_and_no_flags(content, box_named):
    app = upload(("v.csv", content))
    told = next(code.value for code in app.code if "to do" in code.value)
    assert box_named in told
    assert "--" not in told
    assert "workbench load" not in told
    assert "Python" not in told


def test_a_limit_is_widened_by_its_box_and_the_server_s_own_is_not():
    app = upload(("v.csv", VOTES))
    box(app, "text_input", "limits").set_value("columns=3").run()
    assert "more columns than are read" in said(app)
    box(app, "text_input", "limits").set_value("columns=4").run()
    assert len(loaded(app)) == 12
    app = upload(("v.csv", VOTES))
    box(app, "text_input", "limits").set_value("unpacked=90GiB").run()
    assert not app.exception
    assert "This limit cannot be widened in the app" in said(app)
    assert not [button for button in app.button if button.key == "load"]


def test_too_many_megabytes_are_refused(monkeypatch):
    import parts.opening.uploading as uploading

    monkeypatch.setattr(uploading, "_ALL", 0.0001)
    app = upload(("a.csv", VOTES), ("b.csv", VOTES))
    assert "more files than the app takes at once" in said(app)
