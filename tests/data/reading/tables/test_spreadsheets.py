"""Workbooks: which sheet, which types, and what a cell cannot hold."""

from __future__ import annotations

import zipfile
from xml.sax.saxutils import escape

import pytest

import workbench as wb

_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACK = "http://schemas.openxmlformats.org/package/2006"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
NAMES = ["prompt", "response_a", "response_b", "label"]
ROWS = [["Name a day.", "Monday", "May", "a"], ["Name a month.", "Friday", "June", "b"]]


class Day(float):
    """A cell whose number is shown as a date."""


def _cell(value, place):
    if value is None:
        return ""
    if isinstance(value, bool):
        return f'<c r="{place}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, int | float):
        style = ' s="1"' if isinstance(value, Day) else ""
        return f'<c r="{place}"{style}><v>{float(value)}</v></c>'
    text = f'<t xml:space="preserve">{escape(value)}</t>'
    return f'<c r="{place}" t="inlineStr"><is>{text}</is></c>'


def write(path, sheets):
    """Write a workbook of sheets by name, each a list of rows."""
    names = list(sheets)
    files = {
        "[Content_Types].xml": f'{_HEAD}<Types xmlns="{_PACK}/content-types">'
        '<Default Extension="xml" ContentType="application/xml"/>'
        '<Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/></Types>',
        "_rels/.rels": f'{_HEAD}<Relationships xmlns="{_PACK}/relationships"><Relationship Id="r" '
        f'Type="{_REL}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'{_HEAD}<workbook {_MAIN} xmlns:r="{_REL}"><sheets>'
        + "".join(
            f'<sheet name="{name}" sheetId="{n}" r:id="r{n}"/>' for n, name in enumerate(names, 1)
        )
        + "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'{_HEAD}<Relationships xmlns="{_PACK}/relationships">'
        + "".join(
            f'<Relationship Id="r{n}" Type="{_REL}/worksheet" Target="worksheets/s{n}.xml"/>'
            for n in range(1, len(names) + 1)
        )
        + f'<Relationship Id="st" Type="{_REL}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": f'{_HEAD}<styleSheet {_MAIN}><cellXfs count="2"><xf numFmtId="0"/>'
        '<xf numFmtId="14" applyNumberFormat="1"/></cellXfs></styleSheet>',
    }
    for n, rows in enumerate(sheets.values(), 1):
        lines = [
            f'<row r="{r}">'
            + "".join(_cell(value, f"{chr(65 + c)}{r}") for c, value in enumerate(row))
            + "</row>"
            for r, row in enumerate(rows, 1)
        ]
        files[f"xl/worksheets/s{n}.xml"] = (
            f"{_HEAD}<worksheet {_MAIN}><sheetData>{''.join(lines)}</sheetData></worksheet>"
        )
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def test_a_sheet_is_read_and_named(tmp_path):
    path = write(tmp_path / "votes.xlsx", {"Votes": [NAMES, *ROWS], "About": [["by", "us"]]})
    data = wb.load(path)
    assert data.labels["preference"].tolist() == [1.0, 0.0]
    assert data.pairs["response_a"].tolist() == ["Monday", "Friday"]
    note = next(note for note in data.load_report.notes if "sheet" in note)
    assert "'Votes' is read" in note
    assert "not read: 'About' (1 rows)" in note


def test_the_first_sheet_that_holds_a_table(tmp_path):
    path = write(tmp_path / "votes.xlsx", {"Cover": [], "Title": [["x"]], "Data": [NAMES, *ROWS]})
    data = wb.load(path)
    assert len(data.labels) == 2
    assert any("'Data' is read" in note for note in data.load_report.notes)


def test_types_of_cells(tmp_path):
    rows = [
        [*NAMES, " words\n a ", "day", "sure"],
        ["q", "4", 5, 1.0, 12, Day(46023), True],
        ["r", "six", None, 0.0, 7.5, Day(46023.5), False],
        [None] * 7,
        ["s", "x", "y", 1.0, 3, Day(46024), True],
    ]
    data = wb.load(
        write(tmp_path / "votes.xlsx", {"S": rows}), mapping={"labels": {"1": "a", "0": "b"}}
    )
    pairs = data.pairs.set_index("prompt")
    assert pairs.loc["q", ["response_a", "response_b"]].tolist() == ["4", "5"]
    assert pairs["words a"].tolist()[0] == 12
    assert pairs.loc["q", "day"] == "2026-01-01"
    assert data.labels["preference"].iloc[0] == 1.0


def test_rows_are_numbered_below_the_header(tmp_path):
    rows = [NAMES, *ROWS, [None] * 4, ["q", "x", "y", "neither of them is"]]
    report = wb.load(write(tmp_path / "votes.xlsx", {"S": rows})).load_report
    assert report.left_out["unknown label"].examples[0]["row"] == 4


def test_texts_that_a_cell_cut_off_are_told(tmp_path):
    rows = [NAMES, ["q", "x" * 32_767, "y", "a"]]
    report = wb.load(write(tmp_path / "votes.xlsx", {"S": rows})).load_report
    assert any("1 cells hold 32,767 characters" in note for note in report.notes)


@pytest.mark.parametrize(
    ("sheets", "what"),
    [({"S": []}, "holds no table"), ({"S": [["a", "a"], [1, 2]]}, "stands twice")],
)
def test_what_is_no_table_says_so(tmp_path, sheets, what):
    with pytest.raises(wb.DataError, match=what) as caught:
        wb.load(write(tmp_path / "votes.xlsx", sheets))
    assert "votes.xlsx" in str(caught.value.where)


def test_a_damaged_workbook(tmp_path):
    path = write(tmp_path / "votes.xlsx", {"S": [NAMES, *ROWS]})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook")
    with pytest.raises(wb.DataError, match="cannot be opened"):
        wb.load(path)
