"""``workbench decompose FILE`` as a whole process, beside scripts that do the same directly.

Text pairs in JSON lines in, weights of the core text factors with errors over clusters and
held-out scores out. Both scripts read with pandas and pyarrow, fit with statsmodels and score
five folds of whole prompts with scikit-learn; they differ in how texts become factors. ``loop``
is the plain `re` loop over each response, ``kernels`` counts all that a pattern can count with
pyarrow's kernels on whole columns, and only sets of words in Python. Each is a process of its
own, with one BLAS thread; CPU seconds are those of the process, from the start of Python to its
end, the peak that of its resident memory.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
SIDES = ("response_a", "response_b")


def write(path: Path, n: int) -> str:
    """Write pairs of chat replies, three a prompt, whose labels like length and bold words."""
    import numpy as np

    from bench.factor_speed import real_or_sample_pairs

    table, source = real_or_sample_pairs(n)
    rng = np.random.default_rng(0)
    size = table["response_a"].str.len() - table["response_b"].str.len()
    bold = table["response_a"].str.count(r"\*\*") - table["response_b"].str.count(r"\*\*")
    eta = 0.3 * size / size.std() + 0.4 * bold / bold.std()
    label = np.where(rng.random(n) < 1 / (1 + np.exp(-eta)), "a", "b")
    third = table.index // 3 * 3
    prompt = table["prompt"].iloc[third].reset_index(drop=True) + " " + third.astype("str")
    table.assign(prompt=prompt, label=label).to_json(path, orient="records", lines=True)
    return source


def loop(table: pd.DataFrame) -> dict[str, list[float]]:
    """Return the factors of each response by the plain loop over its text."""
    from bench.naive_factors import idf_of, naive_values

    prompts = table["prompt"].tolist()
    idf = idf_of(list(dict.fromkeys(prompts)))
    rows = [
        naive_values(text, prompt, idf)
        for side in SIDES
        for text, prompt in zip(table[side].tolist(), prompts, strict=True)
    ]
    return {name: [row[name] for row in rows] for name in rows[0]}


def kernels(table: pd.DataFrame) -> dict[str, Any]:
    """Return the factors of each response by kernels over the column of all of them."""
    import pandas as pd

    from bench import naive_factors as naive
    from workbench.factors.lexicon import PHRASES

    text = pd.concat([table[side] for side in SIDES], ignore_index=True)
    lower, plain = text.str.lower(), text.str.replace(r"```[^`]*(?:```|\z)", "", regex=True)
    found = {
        "code_blocks": text.str.count("```") // 2,
        "questions": plain.str.count(r"\?"),
        "exclamations": plain.str.count("!"),
        "numbers": text.str.count(naive.NUMBER.pattern),
        "emojis": text.str.count("[\U0001f300-\U0001faff\u2600-\u27bf]"),
    }
    for name, pattern in {
        "headers": naive.HEADER, "bullets": naive.BULLET, "numbered_items": naive.NUMBERED,
        "bold": naive.BOLD, "tables": naive.TABLE, "links": naive.LINK,
        "citations": naive.CITATION,
    }.items():  # fmt: skip
        found[name] = plain.str.count("(?m)" + pattern.pattern)
    for name, phrases in PHRASES.items():
        found[name] = lower.str.count(r"\b(?:" + "|".join(phrases) + r")\b")
    # a text of ASCII has no letter of another script
    some = text[~text.str.isascii()]
    letters, latin = some.str.count(r"\pL"), some.str.count(r"\p{Latin}")
    share = (letters - latin) / letters.clip(lower=1)
    found["non_latin_share"] = share.reindex(text.index, fill_value=0.0)
    sentences, syllables = text.str.count(r"[.!?]+(?:\s|\z)"), lower.str.count("[aeiouy]+")
    sets = of_words(lower.tolist(), table["prompt"].str.lower().tolist() * 2)
    n = pd.Series(sets["words"]).clip(lower=1)
    found["readability"] = 206.835 - 1.015 * n / sentences.clip(lower=1) - 84.6 * syllables / n
    return {**found, **sets}


def of_words(texts: list[str], prompts: list[str]) -> dict[str, list[float]]:
    """Return the factors that compare words, each text's and its prompt's by sets."""
    from bench.naive_factors import WORD
    from workbench.factors.lexicon import STOP_WORDS

    names = ("words", "type_token_ratio", "repeated_trigrams", "prompt_overlap", "echo")
    rows = []
    asked_of: dict[str, tuple[set[str], set[tuple[str, ...]]]] = {}
    for text, prompt in zip(texts, prompts, strict=True):
        if prompt not in asked_of:
            asked = WORD.findall(prompt)
            asked_of[prompt] = set(asked), set(zip(asked, asked[1:], asked[2:], strict=False))
        asked_words, asked_runs = asked_of[prompt]
        words = WORD.findall(text)
        n, distinct = max(len(words), 1), set(words)
        runs = set(zip(words, words[1:], words[2:], strict=False))
        content = distinct - STOP_WORDS
        rows.append(
            (len(words), len(distinct) / n, 1 - len(runs) / max(len(words) - 2, 1),
             len(content & asked_words) / max(len(content), 1),
             len(asked_runs & runs) / max(len(asked_runs), 1))
        )  # fmt: skip
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))


def script(how: str, path: str) -> None:
    """Read, compute factors, fit with errors by prompt, and score five folds of prompts."""
    import numpy as np
    import pandas as pd
    import statsmodels.api as sm
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score
    from sklearn.model_selection import GroupKFold, cross_val_predict

    from workbench.factors.catalog import CORE

    table = pd.read_json(path, lines=True, engine="pyarrow", dtype_backend="pyarrow")
    values = {"loop": loop, "kernels": kernels}[how](table)
    n, columns = len(table), {}
    for spec in CORE:
        both = np.asarray(values[spec.name], dtype=float)
        a, b = both[:n], both[n:]
        apart = (a - b) / np.maximum(a + b, 1) if spec.coding.transform == "relative" else a - b
        if apart.std() > 0:
            columns[spec.name] = apart / apart.std()
    X, y = pd.DataFrame(columns), (table["label"] == "a").to_numpy(float)
    prompts = table["prompt"].astype("category").cat.codes.to_numpy()
    del table, values
    fit = sm.Logit(y, X).fit(disp=0, cov_type="cluster", cov_kwds={"groups": prompts})
    model = LogisticRegression(C=np.inf, fit_intercept=False, solver="newton-cholesky")
    p = cross_val_predict(model, X, y, groups=prompts, cv=GroupKFold(5), method="predict_proba")[
        :, 1
    ]
    print(fit.summary())
    print(((p > 0.5) == y).mean(), roc_auc_score(y, p), log_loss(y, p), brier_score_loss(y, p))


def measured(command: list[str]) -> dict[str, float]:
    """Return CPU seconds, seconds and the peak of a process."""
    pinned = {f"{one}_NUM_THREADS": "1" for one in ("OPENBLAS", "OMP", "MKL")}
    begun = time.perf_counter()
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as told:
        child = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **pinned}, stdout=said, stderr=told
        )
        _, status, spent = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            told.seek(0)
            raise SystemExit(told.read().decode(errors="replace"))
    return {
        "cpu": spent.ru_utime + spent.ru_stime,
        "wall": time.perf_counter() - begun,
        "peak": spent.ru_maxrss / 2**10,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=3, help="the median is told")
    parser.add_argument("--write", metavar="FILE")
    parser.add_argument("--script", nargs=2, metavar=("HOW", "FILE"))
    options = parser.parse_args()
    if options.script:
        script(*options.script)
        return
    if options.write:
        print(write(Path(options.write), options.pairs))
        return
    with tempfile.TemporaryDirectory() as place:
        path = Path(place, "pairs.jsonl")
        # a process of its own: what this one holds would count as the peak of those it starts
        made = [sys.executable, "-m", "bench.command_speed", "--write", str(path)]
        made += ["--pairs", str(options.pairs)]
        source = subprocess.run(made, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        size = path.stat().st_size / 1e6
        print(
            f"{options.pairs:,} pairs ({source.strip()}), {size:.0f} MB of JSON lines", flush=True
        )
        start = "from workbench.cli.main import main; main()"
        ours = [sys.executable, "-c", start, "decompose", str(path)]
        rows = {"workbench decompose": ours}
        for how in ("kernels", "loop"):
            command = [sys.executable, "-m", "bench.command_speed", "--script", how, str(path)]
            rows[f"script, {how}"] = command
        base: dict[str, float] = {}
        for name, command in rows.items():
            runs = [measured(command) for _ in range(1 if "loop" in name else options.repeats)]
            found = sorted(runs, key=lambda run: run["cpu"])[len(runs) // 2]
            base = base or found
            print(
                f"  {name:20} CPU {found['cpu']:6.1f} s  wall {found['wall']:6.1f} s"
                f"  peak {found['peak']:6.0f} MiB; ours of it:"
                f" CPU {base['cpu'] / found['cpu']:.2f}, peak {base['peak'] / found['peak']:.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
