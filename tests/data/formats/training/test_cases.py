"""Example files of the layouts: each judgement as the right reading has it, in every container."""

import json

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.conftest import SHARED
from workbench.data.formats.registry import FORMATS, get_format
from workbench.data.reading.containers import open_container
from workbench.errors import DataError

FOLDER = SHARED / "cases" / "formats"
CASES = (
    "trl_preference", "trl_conversational_implicit", "trl_unpaired", "trl_stepwise", "hh_rlhf",
    "tulu3_preference", "skywork_reward", "ultrafeedback_binarized", "orca_pairs",
    "llamafactory_sharegpt", "axolotl_intel", "axolotl_chat_template", "nemo_aligner",
)  # fmt: skip
KINDS = {"mixed": "unknown"}

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="needs ../shared/cases")


def records_of(path):
    text = path.read_text()
    if text.lstrip().startswith("["):
        return json.loads(text)
    return [json.loads(line) for line in text.splitlines() if line]


def json_text(records):
    return [
        {k: json.dumps(v) if isinstance(v, list | dict) else v for k, v in one.items()}
        for one in records
    ]


def write(records, path, how):
    if how == "json":
        path.write_text(json.dumps(records))
    elif how == "jsonl":
        path.write_text("\n".join(map(json.dumps, records)))
    elif how == "parquet":
        pq.write_table(pa.Table.from_pylist(records), path)
    elif how == "csv of python":
        pd.DataFrame(records).to_csv(path, index=False)
    elif how == "csv of json":
        pd.DataFrame(json_text(records)).to_csv(path, index=False)
    else:
        pa.Table.from_pylist(records).to_pandas().to_csv(path, index=False)


def sides_match(row, verdict, a, b):
    def shown(side):
        return " ".join(str(row.get(name)) for name in (f"response_{side}", f"model_{side}"))

    return all(key in shown("a") for key in verdict[a].split("|")) and all(
        key in shown("b") for key in verdict[b].split("|")
    )


def as_expected(row, verdict):
    straight = sides_match(row, verdict, "a", "b")
    if not straight and not sides_match(row, verdict, "b", "a"):
        return False
    wanted = {"a": 1.0, "b": 0.0}.get(verdict["pref"], 0.5)
    if row["preference"] != (wanted if straight else 1 - wanted):
        return False
    turned = {"ab": "ba", "ba": "ab"}
    order = verdict["order"] if straight else turned.get(verdict["order"])
    return (
        (row.get("order_shown") or None) == order
        and row["annotator"] == verdict["annotator"]
        and (verdict["strength"] is None or row["strength"] == verdict["strength"])
    )


@pytest.mark.parametrize(
    "how", ["json", "jsonl", "parquet", "csv of python", "csv of json", "csv of numpy"]
)
@pytest.mark.parametrize("case", CASES)
def test_case(case, how, tmp_path):
    if case == "nemo_aligner" and "csv" in how:
        pytest.skip("a table of one column has no delimiter")
    expected = json.loads((FOLDER / case / "expected.json").read_text())
    path = tmp_path / "data"
    write(records_of(FOLDER / case / expected["main_file"]), path, how)
    table = open_container(path).table
    head = table.to_pylist()
    found = next(get_format(name) for name in FORMATS if get_format(name).records_of is None
                 and get_format(name).recognise(table.column_names, head))  # fmt: skip
    if case == "nemo_aligner":
        found = get_format("nemo_aligner")
    if expected["must_refuse"]:
        with pytest.raises(DataError):
            found.translate(table, 1, {})
        return
    frame = found.translate(table, 1, {})
    rows = [
        {k: None if v is None or v != v else v for k, v in row.items()}
        for row in frame.astype(object).to_dict("records")
    ]
    assert len(rows) == expected["labels"] == len(expected["verdicts"])
    for row in rows:
        assert row["problem"] is None
        assert row["prompt"]
        assert sum(as_expected(row, verdict) for verdict in expected["verdicts"]) == 1
        kind = expected["annotators"][row["annotator"]]
        assert row["kind"] == KINDS.get(kind, kind)
