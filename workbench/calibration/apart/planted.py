"""Simulated judges of right and wrong responses, whose weights are known: examples and tests."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from workbench.data.dataset import PreferenceData
from workbench.decompose.kernel import logistic


def planted_lengths(
    judges: Mapping[str, tuple[float, float]],
    prompts: int = 200,
    *,
    pairs: int = 2,
    spread: float = 1.0,
    noise: float = 0.0,
    tokens: bool = True,
    seed: int = 0,
) -> PreferenceData:
    """Simulate judges who weigh a response's being right and its length.

    Parameters
    ----------
    judges : mapping of str to (float, float)
        Weights of being right and of a doubling of the length, in log-odds.
    prompts : int
    pairs : int
        Of each prompt.
    spread : float
        Standard deviation of the doublings between both responses.
    noise : float
        Standard deviation of what the judges share on a prompt.
    tokens : bool
        Whether the columns ``tokens_a`` and ``tokens_b`` stand in the data.
    seed : int

    Returns
    -------
    PreferenceData
        With an ``objective`` annotator ``gold``; the judges' kind is ``rule``.

    Examples
    --------
    >>> data = planted_lengths({"sim-judge": (1.0, 0.5)}, prompts=3)
    >>> len(data), data.annotators["annotator"].tolist()
    (6, ['gold', 'sim-judge'])
    """
    rng = np.random.default_rng(seed)
    n = prompts * pairs
    prompt = np.repeat(np.arange(prompts), pairs)
    right = rng.choice([-1.0, 1.0], n)
    doublings = rng.normal(0.0, spread, n)
    short = rng.integers(60, 120, n).astype(float)
    ratio = np.exp2(np.abs(doublings))
    table = pd.DataFrame({
        "prompt": [f"question {i}" for i in prompt],
        "response_a": [f"answer a of {k}" for k in range(n)],
        "response_b": [f"answer b of {k}" for k in range(n)],
    })  # fmt: skip
    if tokens:
        table["tokens_a"] = np.where(doublings > 0, short * ratio, short)
        table["tokens_b"] = np.where(doublings > 0, short, short * ratio)
    shared = rng.normal(0.0, noise, prompts)[prompt] if noise else 0.0
    frames = [pd.DataFrame({"pair": range(n), "annotator": "gold", "kind": "objective",
                            "preference": (right + 1) / 2})]  # fmt: skip
    for name, (of_right, of_length) in judges.items():
        chance = logistic(of_right * right + of_length * doublings + shared)
        said = (rng.random(n) < chance).astype(float)
        frames.append(pd.DataFrame({"pair": range(n), "annotator": name, "kind": "rule",
                                    "preference": said}))  # fmt: skip
    return PreferenceData.from_tables(table, pd.concat(frames, ignore_index=True))


def planted_code(
    judges: Mapping[str, Mapping[str, float]], prompts: int = 200, *, seed: int = 0
) -> PreferenceData:
    """Simulate judges of programs whose tests, run time and scanner's findings are columns.

    Parameters
    ----------
    judges : mapping of str to mapping
        Weights, by judge, of ``passed`` (the share of tests that pass: more in A by 1),
        ``seconds`` (a doubling of the run time), ``findings`` (one more) and ``length`` (a
        doubling of the lines). A name that begins with ``person`` is of kind human.
    prompts : int
        With three pairs each.
    seed : int

    Returns
    -------
    PreferenceData
        With ``NAME_a`` and ``NAME_b`` of ``passed, seconds, findings, lines``, and no text: nothing
        is run here, what was measured comes as columns.

    Examples
    --------
    >>> data = planted_code({"person": {"passed": 2.0}}, prompts=4)
    >>> len(data), sorted(name for name in data.pairs if name.endswith("_a"))
    (12, ['findings_a', 'lines_a', 'model_a', 'passed_a', 'response_a', 'seconds_a'])
    """
    rng = np.random.default_rng(seed)
    n = 3 * prompts
    prompt = np.repeat(np.arange(prompts), 3)
    values = {
        "passed": rng.integers(0, 5, (n, 2)) / 4,
        "seconds": np.exp2(rng.normal(0, 1, (n, 2))),
        "findings": rng.poisson(0.7, (n, 2)).astype(float),
        "lines": np.exp2(rng.normal(5, 0.7, (n, 2))),
    }
    table = pd.DataFrame({"prompt": [f"task {i}" for i in prompt],
                          "item": [f"pair {i}" for i in range(n)]})  # fmt: skip
    for name, both in values.items():
        table[f"{name}_a"], table[f"{name}_b"] = both.T
    x = {"passed": np.subtract(*values["passed"].T), "findings": np.subtract(*values["findings"].T)}
    x |= {name: np.subtract(*np.log2(values[of]).T)
          for name, of in (("seconds", "seconds"), ("length", "lines"))}  # fmt: skip
    frames = []
    for name, weights in judges.items():
        chance = logistic(sum((w * x[of] for of, w in weights.items()), np.zeros(n)))
        kind = "human" if name.startswith("person") else "llm"
        frames.append(pd.DataFrame({"pair": range(n), "annotator": name, "kind": kind,
                                    "preference": (rng.random(n) < chance) * 1.0}))  # fmt: skip
    return PreferenceData.from_tables(table, pd.concat(frames, ignore_index=True))
