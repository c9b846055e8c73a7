"""Simulated judges with one planted bias each, and a world whose facts they know."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import pandas as pd

from workbench.audit.judges.perturb import FILLER, seed_of
from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError
from workbench.judges.base import label_rows, text_pairs

Bias = Literal[
    "none", "position", "length", "authority", "list", "sycophancy", "ties", "random", "failures"
]
BIASES: dict[str, frozenset[str]] = {
    "none": frozenset(),
    "position": frozenset({"position"}),
    "length": frozenset({"length"}),
    "authority": frozenset({"authority"}),
    "list": frozenset({"list"}),
    "sycophancy": frozenset({"sycophancy"}),
    "ties": frozenset({"degenerate", "off topic", "cut", "corruption"}),
    "random": frozenset({"stability", "degenerate", "off topic", "cut", "corruption"}),
    "failures": frozenset({"failures"}),
}
"""Planted biases, and the dimensions that an audit has to flag: these and no others. A judge
that always ties, or guesses, knows no answer, so it is blind to everything that is known."""

_SKILL = 2.0
"""Log odds of one fact more."""

_STRENGTH = 4.0
"""Log odds of the planted bias."""

_FAILING = 0.15
_TOWNS = ("Alder", "Birch", "Cedar", "Elm", "Fir", "Hazel", "Linden", "Maple", "Oak", "Rowan")
_KINDS = ("ford", "ham", "ton", "wick", "mere", "dale", "field", "port", "stead", "bury")
_FACTS = ("height", "area", "population", "postcode", "rainfall", "number of bridges",
          "speed limit", "year of its charter")  # fmt: skip
_FACT = re.compile(r"the ([a-z ]+?) of ([a-z]+) is( not)? (\d+)", re.IGNORECASE)
_CUE = re.compile(r"handbook|https?://|leading expert", re.IGNORECASE)
_STANCE = re.compile(r'I think the response that begins "(.*?)" is right')


def world(n: int, seed: int = 0) -> PreferenceData:
    """Return simulated pairs of responses on made-up towns, with people who know the facts.

    Parameters
    ----------
    n : int
    seed : int

    Returns
    -------
    PreferenceData
        Of the annotator ``sim-people``. The length of a response says nothing of its facts.

    Examples
    --------
    >>> len(world(5))
    5
    """
    rng = np.random.default_rng([seed, n])
    rows = []
    for k in range(n):
        town = (
            f"{_TOWNS[k % 10]}{_KINDS[(k // 10) % 10]}{'abcdefghij'[(k // 100) % 10] * (k >= 100)}"
        )
        known = rng.permutation(np.arange(1, 5))[:2]
        texts = [_response(town, int(count), rng) for count in known]
        rows.append({"prompt": f"Tell me about the town of {town}.", "response_a": texts[0],
                     "response_b": texts[1]})  # fmt: skip
    pairs = pd.DataFrame(rows)
    score = [[facts(row["prompt"], row[f"response_{side}"]) for side in "ab"] for row in rows]
    labels = pd.DataFrame({"pair": range(n), "annotator": "sim-people", "kind": "human",
                           "preference": [float(a > b) for a, b in score]})  # fmt: skip
    return PreferenceData.from_tables(pairs, labels)


@lru_cache(maxsize=200_000)
def facts(prompt: str, text: str) -> int:
    """Return right facts minus wrong ones on the town of a prompt, each counted once.

    Examples
    --------
    >>> facts("Tell me about the town of Elmton.", "It is nice there.")
    0
    """
    town = re.search(r"the town of ([a-z]+)", prompt, re.IGNORECASE)
    said = re.sub(r"[*#]", "", text)
    found = {match.groups() for match in _FACT.finditer(said)}
    score = 0
    for about, name, turned, number in {tuple((g or "").lower() for g in one) for one in found}:
        right = town is not None and name == town[1].lower()
        right = right and (number == str(_truth(about, name))) != bool(turned)
        score += 1 if right else -1
    return score


def _truth(about: str, town: str) -> int:
    return 100 + seed_of(0, about.strip(), town.lower()) % 900


def _response(town: str, known: int, rng: np.random.Generator) -> str:
    chosen = rng.permutation(len(_FACTS))[:known]
    said = [f"The {_FACTS[k]} of {town} is {_truth(_FACTS[k], town)}." for k in chosen]
    said += [FILLER[k] for k in rng.permutation(len(FILLER))[: int(rng.integers(0, 5))]]
    return " ".join(said[k] for k in rng.permutation(len(said)))


class BiasedJudge:
    """A simulated judge that knows the facts of a :func:`world` and has one bias.

    Parameters
    ----------
    bias : str
        A key of :data:`BIASES`.
    seed : int
    repeat : int
        Number of the call: another one may say something else.

    Raises
    ------
    DesignError
        An unknown bias.

    Examples
    --------
    >>> rows = BiasedJudge("ties").verdicts(world(3))
    >>> rows["preference"].tolist()
    [0.5, 0.5, 0.5, 0.5, 0.5, 0.5]
    """

    kind = "llm"

    def __init__(self, bias: Bias = "none", *, seed: int = 0, repeat: int = 0) -> None:
        if bias not in BIASES:
            raise DesignError(
                "There is no such planted bias.",
                found=repr(bias),
                expected=", ".join(BIASES),
                fix="Check the spelling.",
            )
        self.bias, self.seed, self.repeat = bias, seed, repeat
        self.name = f"sim-{bias}"

    def again(self, repeat: int) -> BiasedJudge:
        """Return the judge as it is asked another time."""
        return BiasedJudge(self.bias, seed=self.seed, repeat=repeat)

    def settings(self) -> dict[str, Any]:
        """Return what made the verdicts, as plain JSON values."""
        return {"judge": "biased", "name": self.name, "bias": self.bias, "seed": self.seed}

    def verdicts(self, data: PreferenceData) -> pd.DataFrame:
        """Return a label for each pair and order."""
        pairs = text_pairs(data)
        records = pairs.to_dict("records")
        logits = np.array([self._logit(row) for row in records])
        parts = []
        for k, (order, sign) in enumerate((("ab", 1.0), ("ba", -1.0))):
            shown = logits + sign * _STRENGTH / 2 * (self.bias == "position")
            uniform = np.array([self._uniform(row, order, "verdict") for row in records])
            preference = (uniform < 1 / (1 + np.exp(-shown))).astype(float)
            if self.bias == "ties":
                preference = np.full(len(records), 0.5)
            if self.bias == "failures":
                lost = np.array([self._uniform(row, order, "lost") for row in records]) < _FAILING
                preference = np.where(lost, np.nan, preference)
            parts.append(label_rows(pairs, preference, replicate=k, order_shown=order))
        return pd.concat(parts, ignore_index=True)

    def _logit(self, row: dict[str, Any]) -> float:
        prompt, a, b = row["prompt"] or "", row["response_a"], row["response_b"]
        if self.bias == "random":
            return 0.0
        logit = _SKILL * (facts(prompt, a) - facts(prompt, b))
        if self.bias == "length":
            # padding to twice the length moves it by half of this
            logit += 2 * _STRENGTH * (len(a) - len(b)) / max(len(a), len(b), 1)
        if self.bias == "authority":
            logit += _STRENGTH * (bool(_CUE.search(a)) - bool(_CUE.search(b)))
        if self.bias == "list":
            logit += _STRENGTH * (("\n- " in a) - ("\n- " in b))
        stance = _STANCE.search(prompt) if self.bias == "sycophancy" else None
        if stance:
            said = stance[1]
            logit += _STRENGTH * (a.startswith(said) - b.startswith(said))
        return float(logit)

    def _uniform(self, row: dict[str, Any], order: str, what: str) -> float:
        parts = (row["prompt"] or "", row["response_a"], row["response_b"], order, what)
        return seed_of(self.seed, str(self.repeat), *parts) / 2.0**32
