#!/usr/bin/env bash
# datasets 5.2.0 + pandas 3.1.1: a message whose content is text comes back quoted.
#
# Where the contents of messages are of two shapes (text in one row, a list of parts in another),
# `Dataset.from_list(..., on_mixed_types="use_json")` stores every content as JSON, in the Parquet
# type arrow.json inside the struct of the message. datasets reads its own file back as it was.
# pandas, given the same file, returns each content as the JSON text: a plain sentence has quotes
# around it and its line ends are a backslash and an n, so counts of lines, lists and quotes are
# wrong while nothing fails.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" -qq --disable-pip-version-check install datasets==5.2.0 pandas==3.1.1 pyarrow==26.0.1
cd "$work"
HF_HUB_OFFLINE=1 HF_HOME="$work/cache" "$work/env/bin/python" - <<'PY' 2>/dev/null
import datasets
import pandas as pd

rows = [
    {"prompt": "Name two trees", "chosen": [{"role": "assistant", "content": "an oak\nan elm"}]},
    {"prompt": "And a bird", "chosen": [{"role": "assistant",
                                         "content": [{"type": "text", "text": "a wren"}]}]},
]
datasets.Dataset.from_list(rows, on_mixed_types="use_json").to_parquet("pairs.parquet")
own = datasets.load_dataset("parquet", data_files="pairs.parquet", split="train")
theirs = pd.read_parquet("pairs.parquet")
first, second = own["chosen"][0][0]["content"], theirs["chosen"][0][0]["content"]
print("datasets", datasets.__version__, "reads", repr(first))
print("pandas  ", pd.__version__, "reads", repr(second))
assert first == "an oak\nan elm", first
assert second == '"an oak\\nan elm"', second
assert (first.count("\n"), second.count("\n")) == (1, 0)
print("seen: the text in pandas has its JSON quotes and no line end")
PY
