"""A generated sample with planted weights, so that every analysis can be checked.

Nothing in it is real: texts are put together from a bank of sentences, people, judges and
models are simulated, and their names say so (``sim-``).
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data import sample_text as bank
from workbench.data.dataset import PreferenceData
from workbench.data.load_report import LeftOut, LoadReport

Array = NDArray[np.float64]

PLANTED = ("words", "bullets", "bold", "hedges", "apologies", "questions", "exclamations")
"""Factors with a planted weight; given these, every other factor weighs 0."""

JUDGES = ("sim-judge-length", "sim-judge-format", "sim-judge-plain")
REWARD = "sim-reward"
PEOPLE = tuple(f"sim-person-{i:02d}" for i in range(1, 13))

_WEIGHTS = {
    "human": (0.25, 0.15, 0.10, -0.30, -0.25, 0.0, -0.15),
    "sim-judge-length": (0.90, 0.15, 0.10, -0.10, -0.25, 0.0, -0.15),
    "sim-judge-format": (0.25, 0.70, 0.50, -0.30, -0.25, 0.0, 0.20),
    "sim-judge-plain": (0.25, 0.15, 0.10, -0.30, -0.25, 0.0, -0.15),
    "sim-reward": (0.50, 0.15, 0.10, -0.30, -0.60, 0.15, 0.0),
}

_POSITION = {"sim-judge-length": 0.35, "sim-judge-format": 0.0, "sim-judge-plain": -0.25}

_VOTES_PER_PAIR = 3
_TIES = 0.06
_BOTH_BAD = 0.01
_FAILED = 0.015
_NOT_APPLICABLE = 0.005
_BOTH_ORDERS = 0.15

# sentences, bullets, bold, hedges, apologies, questions, exclamations: means of a reply
_STYLES = {
    "sim-model-a": (5.0, 1.0, 0.5, 0.5, 0.10, 0.2, 0.3),
    "sim-model-b": (7.0, 3.0, 2.0, 0.3, 0.05, 0.2, 0.4),
    "sim-model-c": (3.5, 0.8, 0.4, 1.3, 0.50, 0.5, 0.2),
    "sim-model-d": (5.5, 1.8, 0.8, 0.6, 0.15, 0.8, 1.3),
}

_IDLE = {"sim-model-a": 0.10, "sim-model-b": 0.25, "sim-model-c": 0.15, "sim-model-d": 0.20}
"""Share of replies with each property that no annotator rewards or punishes."""

_RULES = {
    "words": re.compile(r"[^\W_]+(?:['’\-][^\W_]+)*"),
    "bullets": re.compile(r"^ *[-*+] ", re.M),
    "bold": re.compile(r"\*\*[^*\n]+\*\*"),
    "hedges": re.compile(
        r"\b(?:perhaps|might|probably|it seems|maybe|could be|i think|possibly)\b", re.I
    ),
    "apologies": re.compile(r"\b(?:sorry|i apologize)\b", re.I),
    "questions": re.compile(r"\?"),
    "exclamations": re.compile(r"!"),
}
_FENCED = re.compile(r"^```.*?^```$", re.M | re.S)


@dataclass(frozen=True)
class Plan:
    """The truth behind a generated sample.

    Attributes
    ----------
    weights : dict of str to dict
        By group (``human`` for all people, who share their weights, or an annotator), the
        logit weight per unit of the coded difference of each planted factor. It does not
        differ between scenarios.
    position : dict of str to float
        By judge, the weight of the shown order (+1 where A came first).
    scales : dict of str to float
        By factor, the root mean square of its relative difference (a - b) / (a + b), by
        which the coded difference is divided.
    tie_share, both_bad_share, failed_share, not_applicable_share : float
        Shares of verdicts replaced at random, whatever the responses: the truth holds with
        ties dropped; ties as half votes shrink every weight by about their share.
    seed : int
    """

    weights: dict[str, dict[str, float]]
    position: dict[str, float]
    scales: dict[str, float]
    tie_share: float
    both_bad_share: float
    failed_share: float
    not_applicable_share: float
    seed: int

    def to_frame(self) -> pd.DataFrame:
        """Return the true weights: ``group, term, weight``."""
        rows = [
            {"group": group, "term": term, "weight": weight}
            for group, terms in self.weights.items()
            for term, weight in {**terms, "position": self.position.get(group, 0.0)}.items()
        ]
        return pd.DataFrame(rows)

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain JSON values."""
        return asdict(self)


def load() -> PreferenceData:
    """Return the bundled sample: 2,000 pairs of three scenarios, 16 simulated annotators.

    Examples
    --------
    >>> data = load()
    >>> data.annotators["kind"].value_counts().to_dict()
    {'human': 12, 'llm': 3, 'reward_model': 1}
    """
    return _bundled()[0]


def plan() -> Plan:
    """Return the true weights of the bundled sample.

    Examples
    --------
    >>> plan().weights["sim-judge-length"]["words"]
    0.9
    """
    return _bundled()[1]


@cache
def _bundled() -> tuple[PreferenceData, Plan]:
    return generate()


def generate(n_pairs: int = 2000, seed: int = 0) -> tuple[PreferenceData, Plan]:
    """Generate a sample and its plan.

    Parameters
    ----------
    n_pairs : int
        Pairs with two distinct, non-empty responses.
    seed : int
        The same seed gives the same data everywhere.

    Returns
    -------
    data : PreferenceData
    plan : Plan
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    pairs = _pairs(rng, n_pairs)
    coded, scales = _coded(pairs)
    labels = pd.concat(
        [_crowd(rng, coded), *(_judge(rng, coded, name) for name in JUDGES), _reward(rng, coded)],
        ignore_index=True,
    )
    data = PreferenceData.from_tables(pairs, labels)
    report = _report(rng, len(data.pairs), len(labels), seed)
    weights = {group: dict(zip(PLANTED, w, strict=True)) for group, w in _WEIGHTS.items()}
    truth = Plan(weights, dict(_POSITION), scales, _TIES, _BOTH_BAD, _FAILED, _NOT_APPLICABLE, seed)
    return PreferenceData(
        data.pairs, data.labels, data.factors, data.factor_values, load_report=report
    ), truth


def ledger(text: str) -> dict[str, int]:
    """Return the planted counts of a reply, by the rules of the factors of these names."""
    plain = _FENCED.sub("\n", text)
    return {
        name: len(rule.findall(text if name in ("words", "hedges", "apologies") else plain))
        for name, rule in _RULES.items()
    }


def _pairs(rng: np.random.Generator, n: int) -> pd.DataFrame:
    prompts = [
        (scenario, template.format(first, second))
        for scenario, (templates, firsts, seconds) in bank.PROMPTS.items()
        for template in templates
        for first in firsts
        for second in seconds
    ]
    chosen = rng.permutation(len(prompts))[: max(1, round(n / 2.9))]
    rows: list[tuple[str, ...]] = []
    seen = set()
    while len(rows) < n:
        scenario, prompt = prompts[chosen[rng.integers(len(chosen))]]
        model_a, model_b = rng.permutation(list(_STYLES))[:2]
        a, b = _reply(rng, scenario, model_a), _reply(rng, scenario, model_b)
        if a == b or (prompt, a, b) in seen:
            continue
        seen.add((prompt, a, b))
        rows.append((prompt, a, b, model_a, model_b, scenario))
    names = ["prompt", "response_a", "response_b", "model_a", "model_b", "scenario"]
    return pd.DataFrame(rows, columns=names)


def _reply(rng: np.random.Generator, scenario: str, model: str) -> str:
    means = _STYLES[model]
    size = 0.6 + 0.8 * rng.random()
    sentences, bullets, bold, hedges, apologies, questions, exclamations = (
        int(k) for k in rng.poisson(np.asarray(means) * size)
    )
    body = _some(rng, bank.SENTENCES[scenario], sentences)
    body += _some(rng, bank.HEDGED, hedges)
    body += _some(rng, bank.EXCLAMATIONS, exclamations)
    for idle in (bank.COURTESIES, bank.CERTAINTIES, bank.REFUSALS, bank.SOURCES):
        body += _some(rng, idle, int(rng.random() < _IDLE[model]))
    body = [body[i] for i in rng.permutation(len(body))]
    opening = _some(rng, bank.OPENINGS[scenario], 1)
    blocks = _some(rng, bank.HEADINGS, int(rng.random() < _IDLE[model]))
    blocks.append(" ".join(_some(rng, bank.APOLOGIES, apologies) + opening + body))
    points = _some_points(rng, bank.POINTS[scenario], bullets, bold)
    if points:
        blocks.append(points)
    if rng.random() < _IDLE[model]:
        steps = _some(rng, bank.SENTENCES[scenario], 3)
        blocks.append("\n".join(f"{k}. {step}" for k, step in enumerate(steps, start=1)))
    if scenario == "coding" and rng.random() < 0.5:
        blocks.append(bank.CODE[rng.integers(len(bank.CODE))])
    asked = _some(rng, bank.QUESTIONS, questions)
    return "\n\n".join([*blocks, *([" ".join(asked)] if asked else [])])


def _some(rng: np.random.Generator, sentences: tuple[str, ...], n: int) -> list[str]:
    return [sentences[i] for i in rng.permutation(len(sentences))[:n]]


def _some_points(
    rng: np.random.Generator, points: tuple[tuple[str, str], ...], n: int, bold: int
) -> str:
    lines = []
    for k, i in enumerate(rng.permutation(len(points))[: max(n, bold)]):
        head, text = points[i]
        label = f"**{head}**" if k < bold else head
        lines.append(f"{'- ' if k < n else ''}{label}: {text}")
    return "\n".join(lines)


def _coded(pairs: pd.DataFrame) -> tuple[Array, dict[str, float]]:
    """Return standardised relative differences of the planted counts, and their scales."""
    a, b = (
        pd.DataFrame([ledger(text) for text in pairs[side]])[list(PLANTED)].to_numpy("float64")
        for side in ("response_a", "response_b")
    )
    total = a + b
    relative = np.divide(a - b, total, out=np.zeros_like(total), where=total > 0)
    scale = np.sqrt((relative**2).mean(axis=0))
    scale[scale == 0] = 1.0
    return relative / scale, dict(zip(PLANTED, scale.tolist(), strict=True))


def _verdicts(
    rng: np.random.Generator, coded: Array, group: str, order: Array, faults: bool
) -> pd.DataFrame:
    """Draw one verdict a row of coded differences, with ties and faults at random."""
    eta = coded @ np.asarray(_WEIGHTS[group]) + _POSITION.get(group, 0.0) * order
    preference = (rng.random(len(eta)) < 1 / (1 + np.exp(-eta))).astype(np.float64)
    reason = np.full(len(eta), "", dtype=object)
    raw = np.full(len(eta), None, dtype=object)
    u = rng.random(len(eta))
    edges = np.cumsum([_TIES, _BOTH_BAD] + ([_FAILED, _NOT_APPLICABLE] if faults else []))
    for k, (name, value) in enumerate(
        (("tie", 0.5), ("both_bad", 0.5), ("failed", np.nan), ("not_applicable", np.nan))[
            : len(edges)
        ]
    ):
        hit = (u < edges[k]) & (reason == "")
        reason[hit], preference[hit] = name, value
        if name == "failed":
            replies = rng.integers(len(bank.SIMULATED_FAULTS), size=int(hit.sum()))
            raw[hit] = [bank.SIMULATED_FAULTS[i] for i in replies]
    return pd.DataFrame(
        {
            "preference": preference,
            "reason": pd.Series(reason, dtype="str").replace("", None),
            "raw": pd.Series(raw, dtype="str"),
        }
    )


def _crowd(rng: np.random.Generator, coded: Array) -> pd.DataFrame:
    """Three of the twelve people label each pair; the order they saw is not recorded."""
    n = len(coded)
    who = np.argsort(rng.random((n, len(PEOPLE))), axis=1)[:, :_VOTES_PER_PAIR].ravel()
    pair = np.repeat(np.arange(n), _VOTES_PER_PAIR)
    table = _verdicts(rng, coded[pair], "human", np.zeros(len(pair)), faults=False)
    return table.assign(pair=pair, annotator=np.asarray(PEOPLE)[who], kind="human")


def _judge(rng: np.random.Generator, coded: Array, name: str) -> pd.DataFrame:
    """One verdict a pair in a random order; the plain judge sees some pairs in both."""
    n = len(coded)
    pair = np.arange(n)
    order = rng.choice([1.0, -1.0], n)
    if name == "sim-judge-plain":
        again = rng.permutation(n)[: round(n * _BOTH_ORDERS)]
        pair, order = np.concatenate([pair, again]), np.concatenate([order, -order[again]])
    table = _verdicts(rng, coded[pair], name, order, faults=True)
    shown = np.where(order > 0, "ab", "ba")
    return table.assign(pair=pair, annotator=name, kind="llm", order_shown=shown)


def _reward(rng: np.random.Generator, coded: Array) -> pd.DataFrame:
    """Draw a reward model's labels: a noisy margin decides, its size is the strength."""
    eta = coded @ np.asarray(_WEIGHTS[REWARD])
    margin = eta + rng.logistic(size=len(eta))
    return pd.DataFrame(
        {
            "pair": np.arange(len(eta)),
            "annotator": REWARD,
            "kind": "reward_model",
            "preference": (margin > 0).astype(np.float64),
            "strength": np.abs(margin),
        }
    )


def _report(rng: np.random.Generator, n_pairs: int, n_labels: int, seed: int) -> LoadReport:
    """Count the generated rows, a few of them made unusable to show how that is told."""
    faulty = {"empty": 7, "identical": 5, "duplicate": 9}
    left_out = {}
    for reason, count in faulty.items():
        rows = np.sort(rng.integers(1, n_labels, count))
        examples = tuple({"row": int(row), "found": "simulated fault"} for row in rows[:5])
        left_out[reason] = LeftOut(count, examples)
    return LoadReport(
        source="sample (simulated)",
        format="sample",
        rows_read=n_labels + sum(faulty.values()),
        rows_kept=n_labels,
        n_pairs=n_pairs,
        n_labels=n_labels,
        left_out=left_out,
        settings={"seed": seed},
        notes=("All texts, annotators and labels are simulated.",),
    )
