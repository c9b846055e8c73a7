#!/usr/bin/env bash
# datasets 5.2.0: which code a class has is the order of its names, and only Parquet keeps them.
#
# A column of winners ("a", "b") that is cast to a ClassLabel is exported as codes. Parquet keeps
# the names in the schema's metadata, JSON lines and CSV keep nothing. With names=["b", "a"], a
# valid order, the code 1 says that "a" won: a reader that takes 1 for B, or 0 for A, turns every
# label round, and from JSON lines or CSV nobody can tell.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" -qq --disable-pip-version-check install datasets==5.2.0 pandas==3.1.1 pyarrow==26.0.1
cd "$work"
HF_HUB_OFFLINE=1 HF_HOME="$work/cache" "$work/env/bin/python" - <<'PY' 2>/dev/null
import json

import datasets
import pandas as pd
import pyarrow.parquet as pq

winners = datasets.Dataset.from_dict({"winner": ["a", "a", "b"]})
winners = winners.cast_column("winner", datasets.ClassLabel(names=["b", "a"]))
winners.to_parquet("w.parquet")
winners.to_json("w.jsonl")
winners.to_csv("w.csv")
stored = json.loads(pq.read_schema("w.parquet").metadata[b"huggingface"])
names = stored["info"]["features"]["winner"]["names"]
lines = [json.loads(line)["winner"] for line in open("w.jsonl")]
print("datasets", datasets.__version__)
print("pandas reads", pd.read_parquet("w.parquet")["winner"].tolist(), "from Parquet; names", names)
print("JSON lines hold", lines, "and CSV", open("w.csv").read().split())
assert pd.read_parquet("w.parquet")["winner"].tolist() == [1, 1, 0]
assert names == ["b", "a"]
assert lines == [1, 1, 0]
assert open("w.csv").read().split() == ["winner", "1", "1", "0"]
print("seen: a, a, b left as 1, 1, 0; the names stand in Parquet's metadata only")
PY
