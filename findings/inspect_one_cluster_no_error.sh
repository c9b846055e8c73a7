#!/usr/bin/env bash
# inspect-ai 0.3.285: samples that all come from one cluster have a clustered standard error of 0.
#
# Eight answers about one document are scored; stderr(cluster="document") is asked for, since they
# depend on each other. One cluster says nothing about its own spread: the error is unknown, and
# at least that of independent samples. What comes back is 0.0, the number of a mean that is known
# exactly, where stderr() without clusters gives .16. From two clusters on it is computed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" -qq --disable-pip-version-check install inspect-ai==0.3.285 numpy==2.4.6
cd "$work"
"$work/env/bin/python" - <<'PY'
from importlib.metadata import version

from inspect_ai.scorer import SampleScore, Score, stderr


def scored(documents):
    values = (1, 0, 0, 1, 1, 1, 1, 1)
    return [
        SampleScore(score=Score(value=value), sample_metadata={"document": document})
        for value, document in zip(values, documents, strict=True)
    ]


one, two = scored("aaaaaaaa"), scored("aaaabbbb")
alone, clustered, apart = stderr()(one), stderr(cluster="document")(one), stderr(cluster="document")(two)
print("inspect-ai", version("inspect-ai"))
print(f"8 samples: without clusters {alone:.3f}, one cluster {clustered:.3f}, two {apart:.3f}")
assert clustered == 0.0
assert alone > 0.16
assert apart > 0.0
print("seen: no information is told as certainty")
PY
