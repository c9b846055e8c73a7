"""Other forms of a report: Markdown that holds only text, and PDF by a browser."""

from __future__ import annotations

import re
import stat
import tempfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

import workbench as wb
from tests.planted import planted
from workbench.errors import ConfigError
from workbench.report.forms import pdf
from workbench.report.forms.markdown import fenced, line
from workbench.report.page import Section, Table

HOSTILE = [
    "# heading", "- item", "1. item", "<img src=x onerror=alert(1)>", "[a](http://leak.invalid)",
    "![a](http://leak.invalid/x.png)", "`code`", "**b** _i_ ~~s~~", "| a | b |", "a\n\n---\nb",
    "$x$", "&lt;b&gt;", "https://leak.invalid", "www.leak.invalid", "@somebody", "#12", "+ x", "=1",
    "<!-- -->", "[x]: http://leak.invalid", "> quote", "```", "\\", "{{x}}", "    code",
]  # fmt: skip


def rendered(text: str) -> str:
    return MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(text)


def plain(html: str) -> str:
    import html as escapes

    return escapes.unescape(re.sub(r"<[^>]*>", "", html)).strip()


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_renders_as_itself(text: str) -> None:
    html = rendered(line(text))
    assert set(re.findall(r"<(\w+)", html)) <= {"p"}
    assert plain(html) == " ".join(text.split())
    # GitHub makes links of addresses and names that it sees in the source
    assert not re.search(r"://|www\.|@", line(text))


@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_any_text_renders_as_a_paragraph_or_nothing(text: str) -> None:
    html = rendered(line(text))
    assert set(re.findall(r"<(\w+)", html)) <= {"p"}


@given(st.text(st.sampled_from("`~\n ab<"), min_size=1))
def test_no_text_leaves_its_fence(text: str) -> None:
    html = rendered(fenced(text))
    assert html.count("<pre>") == 1
    assert re.fullmatch(r'<pre><code class="language-text">.*</code></pre>\s*', html, re.DOTALL)


def test_a_table_is_githubs_with_hostile_cells() -> None:
    from workbench.report.forms.markdown import _section

    frame = pd.DataFrame({"term": HOSTILE, "estimate": 1.0, "conf_low": 0.5, "conf_high": 2.0})
    text = "\n\n".join(_section(Section("a", "T", tables=(Table.of(frame, "c"),))))
    html = rendered(text)
    assert html.count("<tr>") == len(HOSTILE) + 1
    cells = [plain(cell) for cell in re.findall(r"<td>(.*?)</td>", html, re.DOTALL)]
    assert cells == [" ".join(t.split()) for t in HOSTILE]
    assert "1.000 [0.500, 2.000]" in html


@pytest.fixture(scope="module")
def report():
    data = planted({"ann": [1.0, 0.0], "judge": [1.0, 0.9]}, n=300)
    fits = wb.decompose(data, folds=0)
    return wb.report([fits, wb.contrast(fits, "ann")], data=data, title="<b>T</b>",
                     notes="First.\n\n<script>alert(1)</script>")  # fmt: skip


def test_markdown_has_the_sections_of_the_page(report, tmp_path: Path) -> None:
    text = report.save(tmp_path / "r.md").read_text("utf-8")
    assert text == report.markdown()
    html = rendered(text)
    assert plain(re.search(r"<h1>(.*?)</h1>", html)[1]) == "<b>T</b>"
    titles = [plain(found) for found in re.findall(r"<h2>(.*?)</h2>", html)]
    assert titles == [section.title for section in report.sections]
    assert "<script" not in html
    assert list(tmp_path.iterdir()) == [tmp_path / "r.md"]


def test_sections_and_notes_are_chosen(report) -> None:
    some = wb.report(list(report.results), sections=["rerun", "weights"], notes="mine")
    assert [s.anchor for s in some.sections] == ["notes", "weights-1", "rerun"]
    assert some.sections[0].unfolded
    assert [s.anchor for s in report.sections][:2] == ["notes", "findings"]
    with pytest.raises(ConfigError, match="no such section"):
        wb.report(list(report.results), sections=["wieghts"])
    # the numbers are all in the record, whatever the page shows
    assert len(some.to_dict()["results"]) == 2


def test_the_report_of_a_main_job_opens_with_the_overview() -> None:
    from workbench.report.main_job import main_job

    data = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["tone"])
    job = main_job(data, annotators=["sim-judge-format"], folds=0)
    report = job.report()
    first = report.sections[0]
    assert (first.anchor, first.unfolded) == ("overview", True)
    found = wb.overview(job)
    assert first.paragraphs[0] == found.line
    told = [row[0].parts[0].text for row in first.tables[0].rows]
    assert told == [point.message for point in found.points]
    assert len(first.tables[1].rows) == len(found.verdicts) == 1
    record = report.to_dict()["overview"]
    assert [one["message"] for one in record["points"]] == told
    assert len(record["tables"]["verdicts"]) == 1
    page = report.html()
    assert page.index('<section id="overview"') < page.index('<section id="findings"')
    assert page.split('<section id="overview"')[1].split("</section>")[0].count("<svg ") == 2


def test_a_pdf_says_what_it_needs_where_no_browser_is(report, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(pdf.shutil, "which", lambda name: None)
    with pytest.raises(ConfigError, match="needs a browser"):
        report.pdf(tmp_path / "r.pdf")
    with pytest.raises(ConfigError, match=r"ends in \.pdf"):
        report.pdf(tmp_path / "r.txt")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("body", "said"), [("exec sleep 60", "nothing within"), ("echo no >&2", "no")]
)
def test_a_browser_that_writes_nothing_is_stopped_and_told(
    body: str, said: str, tmp_path: Path, monkeypatch
) -> None:
    program = tmp_path / "chromium"
    program.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(pdf, "browser", lambda: str(program))
    made = tmp_path / "temporary"
    made.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(made))
    with pytest.raises(ConfigError, match=f"wrote no PDF[\\s\\S]*{said}"):
        pdf.pdf_of("<p>x</p>", tmp_path / "r.pdf", seconds=0.5)
    assert list(made.iterdir()) == []
    assert not (tmp_path / "r.pdf").exists()


@pytest.mark.browser
@pytest.mark.skipif(pdf.browser() is None, reason="no Chromium or Chrome is installed")
def test_a_pdf_is_printed_unfolded(report, tmp_path: Path) -> None:
    whole = report.save(tmp_path / "r.pdf").read_bytes()
    assert whole.startswith(b"%PDF")
    folded = pdf.pdf_of("<details><summary>x</summary>y</details>", tmp_path / "x.pdf")

    def pages(file: bytes) -> int:
        return len(re.findall(rb"/Type\s*/Page[^s]", file))

    assert pages(folded.read_bytes()) == 1
    # folded, all of it would stand on two pages
    assert pages(whole) > 6
