r"""CSV and TSV as other programs write them: the texts come back as they were.

The writers below follow the documentation of what they stand for: Spark (quotes inside
quoted fields as ``\"``, a backslash there as two), Python's csv with an escape character
(pandas ``doublequote=False``), PostgreSQL's COPY and ClickHouse's TabSeparated (no quotes,
``\N`` for nothing), MySQL's INTO OUTFILE, and R's write.csv.
"""

from __future__ import annotations

import csv
import io
import re

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import workbench as wb
from workbench.data.reading.containers import open_container

NAMES = ["prompt", "response_a", "response_b", "label"]
ROWS = [
    ["Who called?", "Nobody.", 'She said "hello", then hung up.', "b"],
    ["How wide?", '"About" 3"', "A C:\\temp folder\\", "a"],
    ["Two lines?", "first\nsecond", "one\twith a tab; and \\n written out", "a"],
    ["A formula?", r"$\frac{1}{2}$, say", "don't \\\\ know", "b"],
]


def spark(rows):
    def field(text):
        if text is None or not re.search(r'[",\n\r]', text):
            return '""' if text == "" else text or ""
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    return "".join(",".join(map(field, row)) + "\n" for row in rows)


def python_escapes(rows):
    out = io.StringIO()
    csv.writer(out, doublequote=False, escapechar="\\", lineterminator="\n").writerows(rows)
    return out.getvalue()


def _tabs(rows, marks):
    def field(text):
        if text is None:
            return "\\N"
        for mark, written in marks:
            text = text.replace(mark, written)
        return text

    return "".join("\t".join(map(field, row)) + "\n" for row in rows)


def postgres(rows):
    return _tabs(rows, [("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r")])


def clickhouse(rows):
    marks = [("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"), ("'", "\\'")]
    return _tabs(rows, marks)


def mysql(rows):
    return _tabs(rows, [("\\", "\\\\"), ("\t", "\\\t"), ("\n", "\\\n")])


def r_csv(rows, mark=","):
    def field(text):
        return "NA" if text is None else '"' + text.replace('"', '""') + '"'

    return "".join(mark.join(map(field, row)) + "\n" for row in rows)


def python_csv(rows):
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue()


WITHOUT_NULLS = (spark, python_escapes, python_csv)
WITH_NULLS = (postgres, clickhouse, mysql, r_csv)


def read(tmp_path, content, name="votes.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return open_container(path)


def values(container):
    return [list(record.values()) for record in container.table.to_pylist()]


@pytest.mark.parametrize("write", [*WITHOUT_NULLS, *WITH_NULLS])
def test_texts_come_back_as_they_were(tmp_path, write):
    found = read(tmp_path, write([NAMES, *ROWS]))
    assert (found.columns, values(found)) == (NAMES, ROWS)


@pytest.mark.parametrize("write", WITH_NULLS)
def test_nothing_is_not_a_text(tmp_path, write):
    rows = [["Say it.", None, "NA" if write is r_csv else r"\N", "a"], ["And?", "", "x\\y", "b"]]
    assert values(read(tmp_path, write([NAMES, *ROWS, *rows]))) == [*ROWS, *rows]


@settings(max_examples=60, deadline=None)
@given(
    write=st.sampled_from([spark, postgres, clickhouse, mysql, r_csv, python_csv]),
    texts=st.lists(
        st.text(alphabet="ab \"\\\n\t,;n'é", min_size=1, max_size=9), min_size=2, max_size=8
    ),
)
def test_any_texts_beside_telling_ones_come_back(tmp_path_factory, write, texts):
    """One row with quotes, tabs and line ends shows how the rest is written."""
    rows = [*ROWS, *([f"q{n}", "A" + text + "Z", "plain", "a"] for n, text in enumerate(texts))]
    folder = tmp_path_factory.mktemp("any")
    assert values(read(folder, write([NAMES, *rows]))) == rows


@pytest.mark.parametrize("texts", [['\t\t"'], [";", '\t\t"'], ['\t"\n"', '"\t\t"x']])
def test_quotes_after_written_tabs_open_no_field(tmp_path, texts):
    """A quote behind a tab that MySQL escapes looked like a field that is not closed."""
    rows = [*ROWS, *([f"q{n}", "A" + text + "Z", "plain", "a"] for n, text in enumerate(texts))]
    assert values(read(tmp_path, mysql([NAMES, *rows]))) == rows


def test_spark_is_told_and_the_judgements_are_right(tmp_path):
    path = tmp_path / "part-00000.csv"
    path.write_text(spark([NAMES, *ROWS]))
    data = wb.load(path)
    assert data.pairs["response_b"].tolist() == [row[2] for row in ROWS]
    assert data.labels["preference"].tolist() == [0.0, 1.0, 1.0, 0.0]
    assert any("Spark" in note for note in data.load_report.notes)


def test_json_in_a_plain_table_keeps_its_backslashes(tmp_path):
    chat = r'[{"role": "user", "content": "say \"hi\""}]'
    rows = [[chat, "hi", "no", "a"], [r"a \"quoted\" word, and C:\ ", "x", "y", "b"]]
    assert values(read(tmp_path, python_csv([NAMES, *rows]))) == rows
    raw = "\n".join("\t".join(row) for row in [NAMES, rows[0]])
    assert values(read(tmp_path, raw, "raw.tsv")) == rows[:1]


def test_tabs_without_quotes_keep_quotes_that_a_field_starts_with(tmp_path):
    rows = [["q", '"Yes" he said', 'a 3" pipe', "a"], ["r", '"open', "x", "b"]]
    found = read(tmp_path, "\n".join("\t".join(row) for row in [NAMES, *rows]), "raw.tsv")
    assert values(found) == rows
    assert any("without quotes" in note for note in found.notes)


def test_formulas_and_paths_are_no_escapes(tmp_path):
    rows = [["q", r"the \nabla of \tau", r"C:\temp\new", "a"], ["r", "x", "y", "b"]]
    found = read(tmp_path, "\n".join("\t".join(row) for row in [NAMES, *rows]), "raw.tsv")
    assert (values(found), found.notes) == (rows, [])


def test_types_below_the_names_are_no_record(tmp_path):
    lines = [NAMES, ["String", "Nullable(String)", "String", "LowCardinality(String)"]]
    rows = [["q", "one\\ntwo", "x", "a"]]
    found = read(tmp_path, "\n".join("\t".join(row) for row in [*lines, *rows]), "names.tsv")
    assert values(found) == [["q", "one\ntwo", "x", "a"]]
    assert list(found.rows) == [1]


def test_na_of_r_is_missing_and_quoted_is_a_text(tmp_path):
    content = '"prompt","response_a","response_b","label","words_a"\n'
    content += '"q","NA","x","a",12\n"r","y",NA,"b",NA\n"s","z","x",NA,3\n'
    found = read(tmp_path, content)
    assert values(found)[0][1] == "NA"
    assert [row[2] for row in values(found)] == ["x", None, "x"]
    assert [row[3] for row in values(found)] == ["a", "b", None]
    assert any("NA without quotes" in note for note in found.notes)


def test_na_in_a_table_that_quotes_only_where_needed(tmp_path):
    # without a quoted "NA" beside it, NA among texts is somebody's answer
    plain = "prompt,response_a,response_b,label,n\nq,NA,x,a,1\nr,y,z,b,NA\n"
    assert [row[1] for row in values(read(tmp_path, plain))] == ["NA", "y"]
    # beside numbers it is none
    assert [row[4] for row in values(read(tmp_path, plain))] == ["1", None]
    # readr quotes a text that says NA
    readr = plain.replace("q,NA,x", 'q,"NA",x').replace("r,y,z", "r,NA,z")
    assert [row[1] for row in values(read(tmp_path, readr))] == ["NA", None]


def test_decimal_commas_become_points_where_all_of_a_column_are_numbers(tmp_path):
    content = "prompt;response_a;response_b;winner;score_a;score_b;n\n"
    content += "q;1,5;2,5;a;3,5;2;1.234,5\nr;x;0,1;b;1,25;about 4,5;2\ns;y;7;a;4;3;-1,0\n"
    found = read(tmp_path, content)
    table = found.table.to_pandas()
    assert table["score_a"].tolist() == ["3.5", "1.25", "4"]
    assert table["score_b"].tolist() == ["2", "about 4,5", "3"]
    assert table["n"].tolist() == ["1234.5", "2", "-1.0"]
    # what somebody answered is no number
    assert table["response_b"].tolist() == ["2,5", "0,1", "7"]
    assert found.notes == ["decimal commas are read as points: score_a, n"]


def test_commas_of_a_comma_table_are_no_decimals(tmp_path):
    found = read(tmp_path, 'prompt,score_a,winner\nq,"3,5",a\nr,"1,2",b\n')
    assert [row[1] for row in values(found)] == ["3,5", "1,2"]


def test_soft_labels_with_decimal_commas(tmp_path):
    path = tmp_path / "soft.csv"
    path.write_text(
        '"prompt";"response_a";"response_b";"label"\n"q";"x";"y";0,75\n"r";"v";"w";0,125\n'
    )
    assert wb.load(path).labels["preference"].tolist() == [0.75, 0.125]


@pytest.mark.parametrize(
    "header",
    ['"note\nmore"', " note  more ", '"note\r\nmore "'],
    ids=["line end", "spaces", "crlf"],
)
def test_line_ends_and_spaces_around_names(tmp_path, header):
    content = f" prompt,response_a ,response_b,label,{header}\nq,x,y,a,n\nr,v,w,b,m\n"
    found = read(tmp_path, content)
    assert found.columns == [*NAMES, "note more"]
    assert values(found) == [["q", "x", "y", "a", "n"], ["r", "v", "w", "b", "m"]]


def test_columns_without_names(tmp_path):
    content = ",prompt,text_a,text_b,label,,\n1,q,x,y,a,,\n2,r,v,w,b,,see below\n"
    found = read(tmp_path, content)
    assert found.columns == ["", "prompt", "text_a", "text_b", "label", "unnamed 3"]
    assert wb.load(tmp_path / "votes.csv").labels["preference"].tolist() == [1.0, 0.0]


def test_excels_line_of_the_delimiter(tmp_path):
    found = read(tmp_path, "sep=;\r\nprompt;text_a;text_b;label\r\nq;x;y;a\r\nbroken\r\n")
    assert values(found) == [["q", "x", "y", "a"]]
    assert [(row.row, row.problem) for row in found.bad] == [(2, "unparseable")]


def test_bars_between_fields(tmp_path):
    assert values(read(tmp_path, "prompt|text_a|text_b|label\nq|x, y|z|a\n")) == [
        ["q", "x, y", "z", "a"]
    ]


def test_an_escape_that_only_a_row_of_too_many_fields_shows(tmp_path):
    content = 'prompt,response_a,response_b,label\nq,"he wrote \\",x\\"",y,a\nr,v,w,b\n'
    assert values(read(tmp_path, content)) == [
        ["q", 'he wrote ",x"', "y", "a"],
        ["r", "v", "w", "b"],
    ]


def test_escapes_late_in_a_large_file(tmp_path):
    rows = [[f"q{n}", "x" * 100, "y", "a"] for n in range(12_000)]
    rows.append(["last", 'a "quoted", word', "y", "b"])
    found = read(tmp_path, spark([NAMES, *rows]))
    assert len(found.table) == 12_001
    assert values(found)[-1] == rows[-1]
    assert found.bad == []


def test_pandas_without_doubled_quotes(tmp_path):
    path = tmp_path / "votes.csv"
    frame = pd.DataFrame(ROWS, columns=NAMES)
    frame.to_csv(path, index=False, doublequote=False, escapechar="\\")
    assert wb.load(path).pairs["response_a"].tolist() == [row[1] for row in ROWS]
