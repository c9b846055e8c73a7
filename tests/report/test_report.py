"""The report: one page without network, whose numbers are those of the results."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

import workbench as wb
from tests.planted import planted
from workbench.data.load_report import LeftOut, LoadReport
from workbench.errors import ConfigError, DesignError
from workbench.provenance import Provenance
from workbench.report.build import SCHEMA_VERSION
from workbench.results import TIDY, Result

ROOT = Path(__file__).resolve().parents[2]
ALERT = "<script>alert(1)</script>"
FORMULA = "=cmd()"
MATHS = "$x$"
REASON = "<img src=http://example.org/x.png onerror=alert(2)>"


class Page(HTMLParser):
    """What a browser makes of the page: elements, text, scripts and tables."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.scripts: list[tuple[dict[str, str], str]] = []
        self.tables: list[dict[str, Any]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.elements.append((tag, found))
        if tag in ("meta", "br", "img", "link"):
            return
        self.open.append(tag)
        if tag == "script":
            self.scripts.append((found, ""))
        elif tag == "table":
            self.tables.append({"caption": "", "columns": [], "rows": []})
        elif tag == "tr" and "tbody" in self.open:
            self.tables[-1]["rows"].append([])
        elif tag in ("th", "td") and "tbody" in self.open:
            self.tables[-1]["rows"][-1].append({"text": "", "values": []})
        elif tag == "th":
            self.tables[-1]["columns"].append("")
        elif tag == "data":
            self.tables[-1]["rows"][-1][-1]["values"].append(found["value"])

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            attrs, text = self.scripts[-1]
            self.scripts[-1] = (attrs, text + data)
            return
        self.text.append(data)
        if "caption" in self.open:
            self.tables[-1]["caption"] += data
        elif "tbody" in self.open and {"td", "th"} & set(self.open):
            self.tables[-1]["rows"][-1][-1]["text"] += data
        elif "thead" in self.open and self.tables[-1]["columns"]:
            self.tables[-1]["columns"][-1] += data.strip()

    def ids(self, tag: str) -> list[str]:
        return [attrs["id"] for name, attrs in self.elements if name == tag and "id" in attrs]

    def table(self, caption: str) -> dict[str, Any]:
        [found] = [t for t in self.tables if t["caption"].startswith(caption)]
        return found


@pytest.fixture(scope="module")
def report() -> wb.report:
    """A report of data in which every name and note is hostile."""
    data = planted({"ann": [1.0, 0.0], "judge-x": [1.0, 0.9]}, n=600, position=0.5)
    labels = data.labels.replace({"annotator": {"ann": FORMULA, "judge-x": ALERT}})
    # some verdicts that are none, for the counts by reason
    labels.loc[:9, "preference"], labels.loc[:9, "reason"] = 0.5, "tie"
    labels.loc[10:13, "preference"], labels.loc[10:13, "reason"] = np.nan, "failed"
    factors = data.factors[["f0", "f1"]].rename(columns={"f0": MATHS, "f1": ALERT})
    factors["flat"] = 0.0
    left_out = {"empty": LeftOut(3, ({"row": 7, "found": REASON},))}
    log = LoadReport(
        "votes<b>.csv", "tabular", 1203, 1200, 600, 1200, left_out, {}, (f"A note {REASON}",)
    )
    data = replace(data, labels=labels, factors=data.factors[["pair_id"]], load_report=log)
    specs = {name: {"coding": {"transform": "difference", "scale": 1.0}} for name in factors}
    data = data.with_factors(factors, pd.DataFrame(index=factors.index), specs)
    fits = wb.decompose(data, folds=3)
    gap = wb.contrast(fits, FORMULA)
    return wb.report([fits, gap], data=data, title=ALERT, licence=REASON)


@pytest.fixture(scope="module")
def page(report) -> Page:
    return Page(report.html())


@pytest.fixture(scope="module")
def saved(report, tmp_path_factory) -> Path:
    return report.save(tmp_path_factory.mktemp("run") / "demo" / "report.html")


def test_sections_stand_in_order_under_headings_in_order(page: Page) -> None:
    expected = (
        "findings pairs data method weights-1 differences-1 held-out fit limits provenance rerun"
    )
    assert page.ids("section") == expected.split()
    headings = [tag for tag, _ in page.elements if tag in ("h1", "h2", "h3", "h4")]
    quoted = headings.count("h3")
    assert quoted >= 1
    assert headings == ["h1", "h2", "h2"] + ["h3"] * quoted + ["h2"] * 9
    ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    links = [attrs["href"] for tag, attrs in page.elements if tag == "a"]
    contents = [f"#{anchor}" for anchor in page.ids("section")]
    assert links[: len(contents)] == contents
    assert {link[1:] for link in links if link.startswith("#")} <= set(ids)


def test_only_findings_are_unfolded_and_every_section_is_in_a_fold_of_its_own(page: Page) -> None:
    folds = [attrs for tag, attrs in page.elements if tag == "details"]
    assert len(folds) == len(page.ids("section"))
    assert ["open" in attrs for attrs in folds] == [True] + [False] * (len(folds) - 1)


def test_nothing_is_loaded_from_anywhere(page: Page) -> None:
    loads = ("src", "srcset", "data", "poster", "action", "background", "xlink:href")
    for tag, attrs in page.elements:
        assert not set(attrs) & set(loads)
        assert tag not in ("img", "link", "iframe", "object", "embed", "base", "form")
        assert not [name for name in attrs if name.startswith("on")]
        assert re.match(r"#|data:application/json;base64,[A-Za-z0-9+/=]+$", attrs.get("href", "#"))


def test_the_policy_allows_no_script_and_there_is_none(report, page: Page) -> None:
    [policy] = [
        attrs["content"]
        for tag, attrs in page.elements
        if tag == "meta" and attrs.get("http-equiv") == "Content-Security-Policy"
    ]
    rules = {rule.split()[0]: rule.split()[1:] for rule in policy.split("; ")}
    assert rules["default-src"] == ["'none'"]
    assert set(rules) == {"default-src", "style-src", "base-uri", "form-action"}
    assert "http" not in policy
    assert page.scripts == []
    assert "<script" not in report.html()


def test_each_figure_has_a_fixed_place_an_alternative_text_and_its_numbers(
    report, page: Page
) -> None:
    figures = [f.figure for s in report.sections for f in s.figures]
    assert page.ids("figure") == [f"figure-{k}" for k in range(1, len(figures) + 1)]
    pictures = [attrs for tag, attrs in page.elements if tag == "svg" and "role" in attrs]
    assert len(pictures) == len(figures) == 7
    assert all(attrs["role"] == "img" and attrs["aria-label"] for attrs in pictures)
    assert "No static picture" not in report.html()
    files = [attrs for tag, attrs in page.elements if "download" in attrs]
    for attrs, figure in zip(files, figures, strict=True):
        text = base64.b64decode(attrs["href"].split(",")[1])
        # what comes down opens in plotly, with the numbers of the figure
        again = go.Figure(json.loads(text))
        assert len(again.data) == len(figure.data)
        for one, other in zip(again.data, figure.data, strict=True):
            np.testing.assert_allclose(
                np.array(one.x, dtype=float), np.array(other.x, dtype=float), rtol=1e-6
            )


def test_tables_have_captions_and_scoped_headers(page: Page) -> None:
    assert all(table["caption"] and table["columns"] for table in page.tables)
    assert all(len(row) == len(table["columns"]) for table in page.tables for row in table["rows"])
    scopes = [attrs.get("scope") for tag, attrs in page.elements if tag == "th"]
    assert set(scopes) == {"col", "row"}


def test_text_of_the_data_is_only_text(report, page: Page) -> None:
    text = "".join(page.text)
    for name in (ALERT, FORMULA, MATHS, REASON):
        assert name in text
    assert ALERT not in report.html()
    assert page.scripts == []
    assert "$x$" not in json.dumps([f.figure.to_plotly_json()["layout"]["yaxis"].get("ticktext")
                                    for s in report.sections for f in s.figures])  # fmt: skip


def test_the_same_report_has_the_same_bytes_in_another_process() -> None:
    code = (
        "import hashlib, workbench as wb; from tests.planted import planted;"
        "data = planted({'ann': [1.0, 0.0], 'judge': [0.5, 0.5]}, n=200);"
        "fits = wb.decompose(data, folds=2);"
        "report = wb.report([fits, wb.contrast(fits, 'ann')], data=data);"
        "text = report.html() + wb.results.to_json(report.to_dict());"
        "print(hashlib.sha256(text.encode()).hexdigest())"
    ).replace("wb.results.to_json", "__import__('workbench.json_values').json_values.to_json")
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1


def test_json_csv_and_page_hold_the_numbers_of_the_result(report, page: Page, saved: Path) -> None:
    record = json.loads(saved.with_suffix(".json").read_text(encoding="utf-8"))
    assert record["schema_version"] == SCHEMA_VERSION
    own = f"tables/{saved.stem}"
    files = {f"{own}/{path.name}" for path in saved.parent.glob(f"{own}/*")}
    assert set(record["tables"]) == files
    captions = {"decomposition": "Weight per SD: log-odds", "contrast": "Weight minus ratio"}
    for number, (result, stored) in enumerate(
        zip(report.results, record["results"], strict=True), start=1
    ):
        name = type(result).__name__.lower()
        frame = result.to_frame()
        table = pd.read_csv(saved.parent / own / f"{number:02d}_{name}_estimates.csv")
        numbers = frame.select_dtypes("number")
        rows = pd.DataFrame(stored["tables"]["estimates"])
        for column in numbers:
            expected = numbers[column].to_numpy("float64")
            np.testing.assert_array_equal(table[column].to_numpy("float64"), expected)
            np.testing.assert_array_equal(rows[column].to_numpy("float64"), expected)
        shown = page.table(captions[name])
        wanted = "weight per unit" if name == "decomposition" else "difference per unit"
        [column] = [k for k, c in enumerate(shown["columns"]) if c.startswith(wanted)]
        for cells, row in zip(shown["rows"], frame.itertuples(), strict=True):
            exact = [float(value) for value in cells[column]["values"]]
            defined = np.isfinite(row.estimate)
            assert exact == ([row.estimate, row.conf_low, row.conf_high] if defined else [])


def test_csv_cells_run_nothing_and_can_be_read(saved: Path) -> None:
    tables = [pd.read_csv(path) for path in sorted(saved.parent.glob("tables/*/*.csv"))]
    assert len(tables) == 4 + 5 + 5
    first = pd.read_csv(saved.parent / "tables" / saved.stem / "01_decomposition_estimates.csv")
    assert set(first["group"]) == {ALERT, "'" + FORMULA}
    assert (first["estimate"].dropna() < 0).any()


def test_an_undefined_weight_says_why(report, page: Page) -> None:
    shown = page.table("Weight per SD: log-odds")
    flat = [row for row in shown["rows"] if row[1]["text"] == "flat"]
    assert len(flat) == 2
    for row in flat:
        assert row[2]["text"] == "undefined"
        assert row[-1]["text"] == "the difference is 0 on every labelled pair"
    stored = report.to_dict()["results"][0]["tables"]["estimates"]
    assert [r["estimate"] for r in stored if r["term"] == "flat"] == [None, None]
    assert "NaN" not in json.dumps(report.to_dict())


def test_the_data_card_counts_every_label_and_row(report, page: Page) -> None:
    card = report.to_dict()["data"]
    assert card["verdicts"] == {"decided": 1186, "failed": 4, "tie": 10}
    assert sum(a["n_labels"] for a in card["annotators"]) == card["n_labels"] == 1200
    assert card["load_report"]["left_out"]["empty"]["count"] == 3
    rows = page.table("1,203 rows read")["rows"]
    assert [(r[0]["text"], r[1]["text"]) for r in rows] == [("kept", "1,200"), ("empty", "3")]


def test_every_threshold_of_a_finding_is_stated(report, page: Page) -> None:
    found = {finding.rule_id for finding in report.findings}
    assert {"differs-from-reference", "position-bias", "undefined-weight"} <= found
    stated = page.table("Rules of the findings")["rows"]
    assert {row[0]["text"] for row in stated} == found
    listed = page.table("Findings, warnings first")["rows"]
    assert [row[1]["text"] for row in listed] == [f.message for f in report.findings]
    assert "q < 0.05 and more than 2.5 points from 50%" in [row[2]["text"] for row in stated]


def test_numbers_come_with_n_interval_and_method(page: Page) -> None:
    for caption in ("Weight per SD: log-odds", "Weight minus ratio", "Held-out scores"):
        table = page.table(caption)
        assert "Method: " in table["caption"]
        assert [c for c in table["columns"] if c.endswith("[95% interval]")]
        assert [c for c in table["columns"] if c == "n" or c.startswith("n of")]


def test_simulated_data_say_so_first_and_real_data_do_not(report) -> None:
    assert report.to_dict()["simulated"] is None
    assert "role=note" not in report.html().replace('"', "")
    data = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["length"])
    fit = wb.decompose(data, annotator="human", factors=["words"], folds=0)
    text = wb.report(fit, data=data).to_dict()["simulated"]
    assert "All texts, annotators and labels are simulated." in text
    named = wb.decompose(planted({"sim-judge": [1.0]}, n=200), folds=0)
    first = wb.report(named).html().split("</header>")[0]
    assert 'role="note">Simulated data.' in first


def test_two_contrasts_and_fits_have_places_of_their_own() -> None:
    data = planted({"a": [1.0], "b": [0.5]}, n=300)
    fits = wb.decompose(data, folds=0)
    results = [fits, fits["a"], wb.contrast(fits, "a"), wb.contrast(fits, "b")]
    ids = Page(wb.report(results).html()).ids("section")
    assert ids == ["findings", "method", "weights-1", "weights-2", "differences-1",
                   "differences-2", "fit", "fit-2", "limits", "provenance", "rerun"]  # fmt: skip


def test_the_verdict_counts_groups_that_differ_and_names_undefined_tests() -> None:
    same = [1.0, 0.0, 0.8, -0.6]
    weights = {"ann": same, "judge-same": [2 * w for w in same], "judge-odd": [1.0, 1.5, 0.8, -0.6]}
    data = planted(weights, n=1500, position=0.5)
    # this judge saw too little for any weight, so that its joint test has no answer
    few = data.labels["annotator"].eq("judge-same") & (np.arange(len(data.labels)) % 1500 > 1)
    lost = replace(data, labels=data.labels[~few].reset_index(drop=True))
    texts = []
    for part in (data, lost):
        gap = wb.contrast(wb.decompose(part, folds=0), "ann")
        texts.append(wb.report(gap).sections[0])
    assert "from that of ann, sharpness apart, in 1 of 2 groups" in texts[0].paragraphs[0]
    assert texts[0].paragraphs[0].endswith(": judge-odd.")
    assert texts[1].paragraphs[0].endswith("The test is undefined for judge-same.")
    glance = {row[0].parts[0].text: row[5].parts[0].text for row in texts[0].tables[0].rows}
    assert glance == {"judge-odd": "1 of 4", "judge-same": "0 of 4"}


@dataclass(frozen=True, eq=False)
class Other(Result):
    """A result that the report has no section for."""

    frame: pd.DataFrame
    settings: dict[str, Any]
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        return self.frame

    def summary(self) -> str:
        return "other"

    def plot(self) -> go.Figure:
        return go.Figure()


def other(columns: tuple[str, ...]) -> Other:
    values = {c: ["x"] if c in ("term", "method") else [0.25] for c in columns}
    return Other(pd.DataFrame(values), {}, Provenance("0", "3"))


def test_a_result_of_another_kind_is_shown_not_dropped() -> None:
    page = Page(wb.report(other((*TIDY, "method"))).html())
    assert "result-1" in page.ids("section")
    assert page.table("Other: estimates")["rows"]


@pytest.mark.parametrize("lacking", ["n", "conf_low", "method"])
def test_a_number_without_n_interval_or_method_is_refused(lacking: str) -> None:
    columns = tuple(c for c in (*TIDY, "method") if c != lacking)
    with pytest.raises(DesignError, match=lacking):
        wb.report(other(columns))


def test_nothing_to_report_and_a_wrong_name_are_explained(report, tmp_path: Path) -> None:
    with pytest.raises(DesignError, match="nothing to report"):
        wb.report([])
    with pytest.raises(ConfigError, match=r"ends in \.html, \.md, \.json or \.pdf"):
        report.save(tmp_path / "report.docx")
    assert list(tmp_path.iterdir()) == []


def test_the_command_to_rerun_is_given() -> None:
    fit = wb.decompose(planted({"a": [1.0]}, n=100), folds=0)
    page = Page(wb.report(fit, command="workbench report 'my <file>' --out r.html").html())
    assert "workbench report 'my <file>' --out r.html" in page.text


def test_two_reports_in_a_folder_keep_their_tables_apart(report, tmp_path: Path) -> None:
    report.save(tmp_path / "first.html")
    kept = {p: p.read_bytes() for p in tmp_path.glob("tables/first/*.csv")}
    assert len(kept) == 4 + 5 + 5
    wb.report([report.results[0]]).save(tmp_path / "second.html")
    assert {p: p.read_bytes() for p in tmp_path.glob("tables/first/*.csv")} == kept
    for name in ("first", "second"):
        listed = json.loads((tmp_path / f"{name}.json").read_text(encoding="utf-8"))["tables"]
        assert listed
        assert all((tmp_path / one).is_file() for one in listed)
    # a name of dots alone leads to no other folder
    report.save(tmp_path / "in" / "...html")
    assert not list((tmp_path / "in").glob("*.csv"))


def test_a_smaller_report_leaves_no_table_of_the_larger_one(report, tmp_path: Path) -> None:
    path = report.save(tmp_path / "report.html")
    folder = tmp_path / "tables" / "report"
    mine = folder / "99_mine.csv"
    mine.write_text("kept", encoding="utf-8")
    wb.report([report.results[0]]).save(path)
    listed = json.loads(path.with_suffix(".json").read_text("utf-8"))["tables"]
    found = {f"tables/report/{table.name}" for table in folder.glob("*.csv")}
    assert found == {*listed, "tables/report/99_mine.csv"}
    for content in ("[]", "no JSON", '{"tables": ["../report.html", "tables/99_mine.csv", 3]}'):
        path.with_suffix(".json").write_text(content, encoding="utf-8")
        wb.report([report.results[0]]).save(path)
        assert path.is_file()
