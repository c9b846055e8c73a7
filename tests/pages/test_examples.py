"""The example browser as a session sees it, without a browser."""

from __future__ import annotations

import base64
import html
import json
import re
import struct
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

import workbench as wb
from workbench.data.browse import find_pairs
from workbench.data.on_view.verdicts import verdicts_of
from workbench.data.on_view.word_diff import word_diff
from workbench.explain.attribution import attribute
from workbench.explain.hard_pairs import disagreements, most_wrong
from workbench.report.main_job import ensure_factors, main_job

PAGES = Path(__file__).resolve().parents[2] / "pages"
HOSTILE = "</div><script>alert(1)</script><img src=x onerror=alert(1)> :red[y] $z$ ![i](http://127.0.0.1:9/i)"


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


def _frame(app: AppTest, column: str) -> pd.DataFrame:
    return next(d.value for d in app.dataframe if column in d.value.columns)


def _shown(app: AppTest) -> str:
    line = next(text.value for text in app.text if text.value.startswith("Pair "))
    return line.split()[1].rstrip(",")


def _count(app: AppTest) -> int:
    line = next(text.value for text in app.text if text.value.startswith("of "))
    return int(re.sub(r"\D", "", line))


def test_the_first_pair_is_shown_with_its_labels_factors_and_shares(job):
    app = _run()
    pair = job.data.pairs.iloc[0]
    assert _shown(app) == pair["pair_id"]
    assert app.code[0].value == pair["prompt"]
    words = job.data.factor_values["words_a"].iloc[0]
    heads = [h.proto.body for h in app.get("html") if "Preferred by" in h.proto.body]
    assert f"Response A, {pair['model_a']}, {words:.0f} words" in heads[0]
    who = verdicts_of(job.data, pair["pair_id"])
    assert all(f"Preferred by {line}" in heads[0] for line in who.a)
    assert all(f"Preferred by {line}" in heads[1] for line in who.b)
    labels = _frame(app, "annotator")
    own = job.data.labels[job.data.labels["pair_id"] == pair["pair_id"]]
    assert sorted(labels["annotator"]) == sorted(own["annotator"])
    assert {"kind", "preference", "order_shown", "reason"} <= set(labels)
    factors = _frame(app, "coded").set_index("factor")
    assert factors.loc["words", "value_a"] == words
    assert factors.loc["words", "coded"] == job.data.factors["words"].iloc[0]
    shares = _frame(app, "std_error")
    expected = attribute(job.people, pairs=[pair["pair_id"]]).to_frame()
    np.testing.assert_allclose(shares["estimate"], expected["estimate"])


def test_next_previous_and_go_to():
    app = _run(example="3")
    ids = wb.load("sample").pairs["pair_id"]
    assert _shown(app) == ids.iloc[2]
    app.button(key="next").click().run()
    assert _shown(app) == ids.iloc[3]
    app.button(key="previous").click().run()
    assert _shown(app) == ids.iloc[2]
    app.number_input(key="example").set_value(2000).run()
    assert _shown(app) == ids.iloc[1999]
    assert app.button(key="next").disabled
    app.number_input(key="example").set_value(1).run()
    assert app.button(key="previous").disabled


def test_filters_select_and_start_again_at_the_first_pair(job):
    app = _run(example="40")
    app.text_input(key="search").set_value("FOOD waste").run()
    at = find_pairs(job.data, text="food waste")
    assert _count(app) == len(at)
    assert _shown(app) == job.data.pairs["pair_id"].iloc[at[0]]
    app.selectbox(key="agreement").select("disagree").run()
    assert _count(app) == len(find_pairs(job.data, text="food waste", agreement="disagree"))
    app.text_input(key="search").set_value("no such words").run()
    assert not app.exception
    assert any("No pair passes" in info.value for info in app.info)


def test_filters_and_the_group_come_from_the_url(job):
    app = _run(labelled="sim-person-03", within="coding", group="sim-reward", scale="logit")
    at = find_pairs(job.data, annotators=["sim-person-03"], scenarios=["coding"])
    assert _count(app) == len(at)
    pair = job.data.pairs["pair_id"].iloc[at[0]]
    expected = attribute(job.judges, group="sim-reward", pairs=[pair], scale="logit")
    shown = _frame(app, "std_error")
    assert set(shown["group"]) == {"sim-reward"}
    np.testing.assert_allclose(shown["estimate"], expected.to_frame()["estimate"])


def test_the_most_wrong_pairs_come_first(job):
    app = _run(order="most wrong first", group="sim-judge-length")
    expected = most_wrong(job.judges, "sim-judge-length", n=200)
    assert _shown(app) == expected["pair_id"].iloc[0]
    assert _frame(app, "log_loss")["pair_id"].tolist() == expected["pair_id"].tolist()
    app.button(key="next").click().run()
    assert _shown(app) == expected["pair_id"].iloc[1]


def test_two_annotators_disagree(job):
    app = _run(order="two annotators disagree", against="sim-judge-length", within="coding")
    at = find_pairs(job.data, scenarios=["coding"])
    expected = disagreements(
        job.people,
        "human",
        "sim-judge-length",
        against=job.judges,
        n=200,
        among=job.data.pairs["pair_id"].iloc[at],
    )
    assert _frame(app, "label_a")["pair_id"].tolist() == expected["pair_id"].tolist()
    assert _shown(app) == expected["pair_id"].iloc[0]


def test_data_that_cannot_be_fitted_can_still_be_read(monkeypatch, tmp_path):
    frame = pd.DataFrame({"x_a": [1.0, 2.0], "x_b": [0.0, 3.0], "label": ["n/a", "failed"]})
    frame.to_csv(tmp_path / "none.csv", index=False)
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "none.csv"))
    app = _run()
    assert any("did not work" in error.value for error in app.error)
    assert _count(app) == 2
    assert any("No fit" in info.value for info in app.info)
    assert _frame(app, "column").set_index("column")["value"]["x_a"] == "1.0"


def test_hostile_text_is_shown_as_text(monkeypatch, tmp_path):
    rows = [
        {
            "prompt": f"{HOSTILE} {k}",
            "response_a": f"same {HOSTILE} a{k}",
            "response_b": f"same b{k} {HOSTILE}",
            "label": "ab"[k % 2],
            "annotator": HOSTILE,
            "scenario": HOSTILE,
            "model_a": HOSTILE,
        }
        for k in range(8)
    ]
    pd.DataFrame(rows).to_csv(tmp_path / "bad.csv", index=False)
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "bad.csv"))
    app = _run()
    boxes = [element.proto.body for element in app.get("html")]
    assert len(boxes) == 4  # above each response, and the response
    allowed = {"div", "mark", "br", "strong"}
    for box in boxes:
        assert set(re.findall(r"</?(\w+)", box)) <= allowed
    assert sum("&lt;script&gt;" in box for box in boxes) == 3
    marked_up = [app.markdown, app.caption, app.title, app.warning, app.error, app.info]
    assert not any("127.0.0.1" in str(e.value) for kind in marked_up for e in kind)


def test_marked_text_is_the_text_escaped():
    from parts.pairs.difference import marked

    a, b = f"one {HOSTILE}\n two", "one & 'two'"
    for kind, text in (("only_a", a), ("only_b", b)):
        box = marked(word_diff(a, b), kind)
        inside = re.sub(r"</?(div|mark)[^>]*>", "", box)
        assert html.unescape(inside) == text
        assert "white-space:pre-wrap" in box


PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)


def _with_images(folder: Path) -> Path:
    for name in "ab":
        (folder / f"{name}.png").write_bytes(PNG)
    rows = [
        {"prompt": f"Which {k}?", "response_a": f"The first {k}.", "response_b": "The second.",
         "media_a": "a.png", "media_b": "b.png" if k else "../b.png", "winner": "ab"[k % 2]}
        for k in range(12)
    ]  # fmt: skip
    path = folder / "votes.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_images_beside_the_served_data_are_shown_and_named(monkeypatch, tmp_path):
    monkeypatch.setenv("WORKBENCH_DATA", str(_with_images(tmp_path)))
    app = _run(example="2")
    assert [block.value for block in app.code if block.value in ("a.png", "b.png")] == [
        "a.png",
        "b.png",
    ]
    assert len(app.get("image")) == 2


def test_a_path_that_leads_out_is_named_only(monkeypatch, tmp_path):
    inside = tmp_path / "inside"
    inside.mkdir()
    path = _with_images(inside)
    (tmp_path / "b.png").write_bytes(PNG)
    monkeypatch.setenv("WORKBENCH_DATA", str(path))
    assert len(_run(example="1").get("image")) == 1


def test_an_upload_names_its_media_and_shows_none(monkeypatch, tmp_path):
    served, uploaded = tmp_path / "served", tmp_path / "uploaded"
    served.mkdir()
    uploaded.mkdir()
    monkeypatch.setenv("WORKBENCH_DATA", str(_with_images(served)))
    path = _with_images(uploaded)
    # the names are those of images that lie beside the served data
    path.write_text(path.read_text(encoding="utf-8").replace("Which", "Whose"), encoding="utf-8")
    data = ensure_factors(wb.load(path))
    app = AppTest.from_file(str(PAGES / "examples.py"), default_timeout=90)
    app.session_state["uploads"] = {data.digest: data}
    app.query_params["data"] = data.digest
    app.query_params["example"] = "2"
    app.run()
    assert not app.exception, app.exception
    assert app.code[0].value.startswith("Whose")
    assert {"a.png", "b.png"} <= {block.value for block in app.code}
    assert len(app.get("image")) == 0


def test_media_of_the_prompt_urls_and_hostile_names_are_text(monkeypatch, tmp_path):
    path = _with_images(tmp_path)
    url = "https://example.org/c.png"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for row in rows:
        row |= {"media": f"{url}\n{HOSTILE}\na.png", "media_b": f"[b]({url}).png"}
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    monkeypatch.setenv("WORKBENCH_DATA", str(path))
    app = _run(example="1")
    assert f"{url}\n{HOSTILE}\na.png" in [block.value for block in app.code]
    marked_up = [app.markdown, app.caption, app.title, app.warning, app.error, app.info]
    assert not any(url in str(e.value) for kind in marked_up for e in kind)
    assert len(app.get("image")) == 2  # of the prompt and of response A


def _png_of(width: int, height: int) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return PNG[:8] + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(8_000, 8_000), (10_000, 10_000), (60_000, 60_000), (400, 2)])
def test_images_that_are_huge_or_damaged_are_not_unpacked(monkeypatch, tmp_path, size):
    path = _with_images(tmp_path)
    (tmp_path / "b.png").write_bytes(_png_of(*size))
    monkeypatch.setenv("WORKBENCH_DATA", str(path))
    app = _run(example="2")
    assert len(app.get("image")) == 1
    assert any("cannot be shown" in line.value for line in app.text)


def _inline(url: str) -> list[dict]:
    part = {"type": "image_url", "image_url": {"url": url}}
    return [{"role": "user", "content": [{"type": "text", "text": "What is it?"}, part]}]


def test_images_in_the_data_are_drawn_and_hostile_ones_told_in_a_line(monkeypatch, tmp_path):
    fine = "data:image/png;base64," + base64.b64encode(PNG).decode()
    page = "data:image/png;base64," + base64.b64encode(b"<html><b>no</b></html>").decode()
    urls = [fine, page, "https://example.org/c.png"]
    rows = [{"prompt": _inline(url), "chosen": f"A cat {k}.", "rejected": "A dog."}
            for k, url in enumerate(urls * 4)]  # fmt: skip
    path = tmp_path / "votes.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    monkeypatch.setenv("WORKBENCH_DATA", str(path))
    monkeypatch.setattr("socket.create_connection", lambda *_, **__: pytest.fail("fetched"))
    seen = []
    for number in ("1", "2", "3"):
        app = _run(example=number)
        lines = [line.value for line in app.text if "cannot be shown" in line.value]
        seen.append((len(app.get("image")), *(line.partition(": ")[2] for line in lines)))
        blocks = [block.value for block in app.code]
        assert not any("base64" in value for value in blocks)
    assert sorted(seen) == [
        (0, "it is no image of a known kind (PNG, JPEG, GIF, WebP, BMP)."),
        (0, "it is on another machine, and not fetched."),
        (1,),
    ]
