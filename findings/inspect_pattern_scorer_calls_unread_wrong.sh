#!/usr/bin/env bash
# inspect-ai 0.3.285: a verdict that the pattern scorer cannot find counts as a wrong one.
#
# A judge is asked which of two answers is better and scored by pattern(r"VERDICT: (\w)"). One of
# four replies holds no verdict. The scorer gives it the value "I" (incorrect), with no answer, so
# `accuracy` is over all four: a judge that is right whenever it can be read and one that is wrong
# once have the same number. The log tells them apart: answer is null where nothing was found.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" -qq --disable-pip-version-check install inspect-ai==0.3.285 openai==3.57.0
cd "$work"
"$work/env/bin/python" - <<'PY' 2>/dev/null
# token counts of the mock model need a vocabulary that is fetched from the network: words do here
import tiktoken


class Words:
    def encode(self, text, **options):
        return text.split()

    encode_ordinary = encode


tiktoken.get_encoding = tiktoken.encoding_for_model = lambda *args, **options: Words()

import inspect_ai
from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.model import ModelOutput, get_model
from inspect_ai.scorer import pattern
from inspect_ai.solver import generate

pairs = [Sample(id=k, input=f"Which answer to question {k} is better, A or B?", target="A")
         for k in range(4)]


def judged(replies):
    outputs = [ModelOutput.from_content("mockllm/model", reply) for reply in replies]
    task = Task(dataset=pairs, solver=generate(), scorer=pattern(r"VERDICT: (\w)"))
    model = get_model("mockllm/model", custom_outputs=outputs)
    log = eval(task, model=model, log_dir="logs", display="none", max_samples=1)[0]
    accuracy = log.results.scores[0].metrics["accuracy"].value
    return accuracy, [(s.scores["pattern"].value, s.scores["pattern"].answer) for s in log.samples]


silent = judged(["VERDICT: A", "VERDICT: A", "VERDICT: A", "Both have their merits."])
wrong = judged(["VERDICT: A", "VERDICT: A", "VERDICT: A", "VERDICT: B"])
print("inspect-ai", inspect_ai.__version__)
print("one reply without a verdict: accuracy", silent[0], "last score", silent[1][-1])
print("one wrong verdict:           accuracy", wrong[0], "last score", wrong[1][-1])
assert silent[0] == wrong[0] == 0.75
assert silent[1][-1] == ("I", None), silent[1][-1]
assert wrong[1][-1] == ("I", "B"), wrong[1][-1]
print("seen: the same accuracy; only the answer tells an unread verdict from a wrong one")
PY
