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
from workbench.data.assemble import assemble
from workbench.data.dataset import PreferenceData
from workbench.errors import DataError

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
_FAULTS = {"unparseable": 7, "no judgement": 5, "duplicate": 9}
"""Raw rows that cannot become labels, by the reason for which they must be left out."""

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
    codings : dict of str to dict
        By factor, its ``transform`` (the relative difference (a - b) / (a + b), 0 where
        both are 0), ``standardise`` and ``scale``, the root mean square that is divided by.
    tie_share, both_bad_share : float
        Shares of all verdicts but the reward model's that are replaced at random, whatever
        the responses: the truth holds with ties dropped; ties as half votes shrink every
        weight by about their share.
    failed_share, not_applicable_share : float
        Shares of the judges' verdicts that are missing, at random too.
    seed : int
    """

    weights: dict[str, dict[str, float]]
    position: dict[str, float]
    codings: dict[str, dict[str, Any]]
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
        The same seed gives the same data on every machine (PCG64 streams of numpy).

    Returns
    -------
    data : PreferenceData
        Its load report counts the raw rows that were made unusable.
    plan : Plan

    Raises
    ------
    DataError
        Fewer than one pair.

    Examples
    --------
    >>> data, truth = generate(100, seed=1)
    >>> print(str(data.load_report).splitlines()[0])
    715 kept; 21 left out: 9 duplicate, 5 no judgement, 7 unparseable
    """
    if n_pairs < 1:
        raise DataError(
            "A sample needs pairs.", found=f"n_pairs={n_pairs}", expected="1 or more pairs"
        )
    rng = np.random.Generator(np.random.PCG64(seed))
    pairs = _pairs(rng, n_pairs)
    coded, codings = _coded(pairs)
    labels = pd.concat(
        [_crowd(rng, coded), *(_judge(rng, coded, name) for name in JUDGES), _reward(rng, coded)],
        ignore_index=True,
    )
    rows = pairs.take(labels["pair"]).reset_index(drop=True)
    data = assemble(
        _with_faults(rng, pd.concat([rows, labels.drop(columns="pair")], axis=1)),
        source="sample (simulated)",
        format="sample",
        settings={"seed": seed},
        notes=("All texts, annotators and labels are simulated.",),
    )
    weights = {group: dict(zip(PLANTED, w, strict=True)) for group, w in _WEIGHTS.items()}
    rates = (_TIES, _BOTH_BAD, _FAILED, _NOT_APPLICABLE)
    return data, Plan(weights, dict(_POSITION), codings, *rates, seed)


def draw_labels(
    differences: Array,
    weights: Array,
    position: float,
    order: Array,
    rng: np.random.Generator,
) -> Array:
    r"""Draw verdicts of an annotator with known weights.

    Parameters
    ----------
    differences : ndarray, shape (n, K)
        Coded differences, A minus B.
    weights : ndarray, shape (K,)
        Logit weights.
    position : float
        Logit weight of the shown order.
    order : ndarray, shape (n,)
        +1 where A was shown first, -1 where B was, 0 where it plays no part.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (n,)
        1 where A is preferred, else 0, with
        :math:`P(1) = 1 / (1 + e^{-(x'w + \pi s)})`, independently.

    Examples
    --------
    >>> x, order = np.array([[40.0], [-40.0]]), np.zeros(2)
    >>> draw_labels(x, np.ones(1), 0.0, order, np.random.default_rng(0))
    array([1., 0.])
    """
    eta = differences @ weights + position * order
    return (rng.random(len(eta)) < 1 / (1 + np.exp(-eta))).astype(np.float64)


def ledger(text: str) -> dict[str, int]:
    r"""Return the planted counts of a reply, by the rules of the factors of these names.

    Examples
    --------
    >>> ledger("- Perhaps so.\n- It might **not**.")["hedges"]
    2
    """
    plain = _FENCED.sub("\n", text)
    return {
        name: len(rule.findall(text if name in ("words", "hedges", "apologies") else plain))
        for name, rule in _RULES.items()
    }


def _pairs(rng: np.random.Generator, n: int) -> pd.DataFrame:
    prompts = [
        (scenario, topic, template.format(task=topic.task, slot=slot, facts=" ".join(topic.facts)))
        for scenario, topics in bank.TOPICS.items()
        for topic in topics
        for template in bank.TEMPLATES[scenario]
        for slot in bank.SLOTS[scenario]
    ]
    chosen = rng.permutation(len(prompts))[: max(1, round(n / 2.9))]
    rows: dict[tuple[str, str, str], tuple[str, str, str]] = {}
    while len(rows) < n:
        scenario, topic, prompt = prompts[chosen[rng.integers(len(chosen))]]
        model_a, model_b = rng.permutation(list(bank.STYLES))[:2]
        a, b = _reply(rng, scenario, topic, model_a), _reply(rng, scenario, topic, model_b)
        if a != b:
            rows.setdefault((prompt, a, b), (model_a, model_b, scenario))
    names = ["prompt", "response_a", "response_b", "model_a", "model_b", "scenario"]
    return pd.DataFrame([(*text, *rest) for text, rest in rows.items()], columns=names)


def _reply(rng: np.random.Generator, scenario: str, topic: bank.Topic, model: str) -> str:
    size = 0.6 + 0.8 * rng.random()
    n, bullets, bold, hedges, apologies, questions, exclamations = (
        int(k) for k in rng.poisson(np.asarray(bank.STYLES[model]) * size)
    )

    def idle(sentences: tuple[str, ...], most: int = 1) -> list[str]:
        return _some(rng, sentences, most * int(rng.random() < bank.IDLE[model]))

    start = _some(rng, bank.APOLOGIES, min(apologies, 2))
    start += idle(bank.REFUSALS) + idle(bank.COURTESIES)
    opening = _some(rng, bank.OPENINGS[scenario], 1)[0].format(noun=topic.noun)
    facts = _some(rng, topic.facts, n)
    general = _some(rng, bank.SENTENCES[scenario], len(bank.SENTENCES[scenario]))
    asides = _some(rng, bank.HEDGED[scenario], hedges) + idle(bank.CERTAINTIES)
    body = _some(rng, tuple(general[: n - len(facts)] + asides), n + hedges + 1)
    body += idle(bank.SOURCES)
    blocks = [*idle(bank.HEADINGS), " ".join([*start, opening, *facts])]
    if body:
        blocks.append(" ".join(body))
    if topic.code and rng.random() < 0.5:
        blocks.append(f"```python\n{topic.code}\n```")
    blocks += _points(rng, bank.POINTS[scenario], bullets, bold)
    steps = idle(tuple(general[n:]), most=3)
    if steps:
        blocks.append("\n".join(f"{k}. {step}" for k, step in enumerate(steps, start=1)))
    end = _some(rng, bank.EXCLAMATIONS[scenario], exclamations)
    end += idle(bank.CLOSINGS) + _some(rng, bank.QUESTIONS[scenario], questions)
    return "\n\n".join([*blocks, " ".join(end)] if end else blocks)


def _some(rng: np.random.Generator, sentences: tuple[str, ...], n: int) -> list[str]:
    return [sentences[i] for i in rng.permutation(len(sentences))[:n]] if n else []


def _points(
    rng: np.random.Generator, points: tuple[tuple[str, str], ...], n: int, bold: int
) -> list[str]:
    """Return paragraphs of bold labels without a bullet, then one list of bullets."""
    lines = []
    for k, i in enumerate(rng.permutation(len(points))[: max(n, bold)]):
        label, text = points[i]
        lines.append(f"**{label}**: {text}" if k < bold else f"{label}: {text}")
    listed = "\n".join(f"- {line}" for line in lines[:n])
    return [f"{line}." for line in lines[n:]] + ([listed] if listed else [])


def _coded(pairs: pd.DataFrame) -> tuple[Array, dict[str, dict[str, Any]]]:
    """Return standardised relative differences of the planted counts, and their codings."""
    a, b = (
        pd.DataFrame([ledger(text) for text in pairs[side]])[list(PLANTED)].to_numpy("float64")
        for side in ("response_a", "response_b")
    )
    total = a + b
    relative = np.divide(a - b, total, out=np.zeros_like(total), where=total > 0)
    scale = np.sqrt((relative**2).mean(axis=0))
    scale[scale == 0] = 1.0
    codings = {
        name: {"transform": "relative", "standardise": True, "scale": size}
        for name, size in zip(PLANTED, scale.tolist(), strict=True)
    }
    return relative / scale, codings


def _verdicts(
    rng: np.random.Generator, coded: Array, group: str, order: Array, faults: bool
) -> pd.DataFrame:
    """Draw one verdict a row of coded differences, with ties and faults at random."""
    weights = np.asarray(_WEIGHTS[group])
    preference = draw_labels(coded, weights, _POSITION.get(group, 0.0), order, rng)
    reason, raw = np.full(len(coded), "", object), np.full(len(coded), None, object)
    shares = [("tie", 0.5, _TIES), ("both_bad", 0.5, _BOTH_BAD)]
    if faults:
        shares += [("failed", np.nan, _FAILED), ("not_applicable", np.nan, _NOT_APPLICABLE)]
    u = rng.random(len(coded))
    low = 0.0
    for name, value, share in shares:
        hit = (u >= low) & (u < low + share)
        low += share
        reason[hit], preference[hit] = name, value
    failed = reason == "failed"
    replies = rng.integers(len(bank.SIMULATED_FAULTS), size=int(failed.sum()))
    raw[failed] = [bank.SIMULATED_FAULTS[i] for i in replies]
    reasons = pd.Series(reason, dtype="str").replace("", None)
    return pd.DataFrame({"preference": preference, "reason": reasons, "raw": raw})


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
            "strength": np.abs(margin).round(6),  # the same digits on every machine
        }
    )


def _with_faults(rng: np.random.Generator, rows: pd.DataFrame) -> pd.DataFrame:
    """Add raw rows that must be left out, at random places; number all rows."""
    rows = rows.assign(row_id=[f"vote-{k}" for k in range(len(rows))])
    source = rng.integers(len(rows), size=sum(_FAULTS.values()))
    faulty = rows.take(source).reset_index(drop=True)
    kind = pd.Series(np.repeat(list(_FAULTS), list(_FAULTS.values())), dtype="str")
    faulty["problem"] = kind.mask(kind == "duplicate")
    faulty["found"] = kind.map({"unparseable": "half a row", "no judgement": "skipped"})
    place = np.append(np.arange(len(rows)), rng.integers(len(rows), size=len(faulty)))
    mixed = pd.concat([rows, faulty], ignore_index=True)
    mixed = mixed.take(np.argsort(place, kind="stable")).reset_index(drop=True)
    return mixed.assign(row=np.arange(1, len(mixed) + 1))
