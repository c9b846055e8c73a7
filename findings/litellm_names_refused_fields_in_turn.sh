#!/usr/bin/env bash
# litellm 1.108.7: what a model does not take is named in turn, in words of two kinds.
#
# A judge's request to o3-mini holds temperature, top_p and log-probabilities. The refusal is a list
# of names, and temperature is not in it. Sent again without what was listed, the request is refused
# once more, now for temperature, in a sentence without a list. A client that leaves out what a
# refusal names must go on until it is answered, and read both kinds; one that gives up after the
# first mend has no verdict. The mock reply shows that nothing was asked of any service.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" -qq --disable-pip-version-check install litellm==1.108.7
cd "$work"
LITELLM_LOCAL_MODEL_COST_MAP=True "$work/env/bin/python" - <<'PY' 2>/dev/null
from importlib.metadata import version

import litellm

FULL = {"temperature": 0, "top_p": 1, "logprobs": True, "top_logprobs": 5}
question = [{"role": "user", "content": "Which answer is better, A or B?"}]


def said(fields):
    try:
        reply = litellm.completion(
            model="openai/o3-mini", messages=question, mock_response="A", api_key="none", **fields
        )
    except litellm.UnsupportedParamsError as refusal:
        return str(refusal).split(" To drop")[0]
    return reply.choices[0].message.content


first = said(FULL)
second = said({"temperature": 0})
third = said({})
print("litellm", version("litellm"))
print("all four fields:", first)
print("temperature alone:", second)
print("none of them:", third)
assert "['top_p', 'logprobs', 'top_logprobs']" in first and "temperature" not in first
assert "temperature=0" in second and "[" not in second
assert third == "A"
print("seen: two refusals before an answer")
PY
