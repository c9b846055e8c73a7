"""Proposals: a model says why one response was selected, pair by pair."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

from workbench.data.dataset import PreferenceData
from workbench.decompose.parted.selection import select_annotators
from workbench.errors import DesignError, refuse_out_of_range
from workbench.llm.asker import Asks
from workbench.llm.question import object_schema, question, rows, shown
from workbench.llm.reply import Reply
from workbench.llm.request import Request, Sampling
from workbench.principles.principle import Principle

STAGE = "propose"
Prompt = Literal["selected", "rejected"]

_TASK = (
    "Somebody compared two responses to the same prompt and selected response {side}. {why} State "
    "{most} rules at most that could have led to it: each of at most {words} words, about one "
    "property of content, style, tone or format that other responses can have too, beginning with "
    '"Select the response that".'
)
_WHY = {
    "selected": "Say why it was selected: what is good about it that the other one lacks.",
    "rejected": "Say why the other one was not selected: what is bad about it.",
}
_FORM = 'Reply with one JSON object and nothing else: {"principles": a list of sentences}.'
_WORDS, _MOST_WORDS = 12, 30
_OPENING = "select the response that"
_MARKUP = re.compile(r"^[\s\-*•#>\d.)\"'`]+|[\"'`*]+$")
_TAGS = re.compile(r"<[^>]+>|```|\|\||[{}\\]")

REASONS = {
    "tie": "the pair has no clear preference",
    "no verdict": "the pair has no label",
    "no text": "a response is missing",
    "failed reply": "the reply could not be read",
    "not asked": "the budget ended before",
    "empty": "a proposal without words",
    "too long": f"a proposal of more than {_MOST_WORDS} words",
    "markup": "a proposal that holds markup or code",
    "no rule": f'a proposal that does not begin with "{_OPENING}"',
}
"""Why a pair has no proposals, or a proposal is refused."""


@dataclass(frozen=True, eq=False)
class Proposals:
    """Principles that a model proposed.

    Attributes
    ----------
    principles : tuple of Principle
        Different ones, those of most pairs first.
    support : DataFrame
        ``principle`` and the ``pairs`` that it was proposed on.
    left_out : dict of str to int
        Pairs without proposals and proposals refused, by reason (:data:`REASONS`).
    n_pairs : int
        Pairs that were asked about.
    settings : dict
    """

    principles: tuple[Principle, ...]
    support: pd.DataFrame
    left_out: dict[str, int]
    n_pairs: int
    settings: dict[str, Any] = field(default_factory=dict)

    def summary(self) -> str:
        """Return counts as text.

        Examples
        --------
        >>> empty = pd.DataFrame({"principle": [], "pairs": []})
        >>> print(Proposals((), empty, {"tie": 2}, 0).summary())
        0 principles from 0 pairs; left out: 2 tie
        """
        out = ", ".join(f"{count:,} {reason}" for reason, count in self.left_out.items())
        text = f"{len(self.principles):,} principles from {self.n_pairs:,} pairs"
        return text + (f"; left out: {out}" if out else "")


def propose(
    data: PreferenceData,
    annotator: str | Iterable[str] | None,
    asks: Asks,
    *,
    model: str,
    prompts: Sequence[Prompt] = ("selected", "rejected"),
    per_prompt: int = 3,
    sampling: Sampling | None = None,
    samples: int = 1,
    seed: int = 0,
    pair_ids: Iterable[str] | None = None,
) -> Proposals:
    """Let a model say, pair by pair, which rules a preference could follow.

    Parameters
    ----------
    data : PreferenceData
        With text.
    annotator : str or iterable of str, or None
        Whose preferences: the weighted majority of several.
    asks : Asks
        Who answers the requests.
    model : str
    prompts : sequence of {"selected", "rejected"}
        Which questions are asked of each pair: the second one finds what is disliked.
    per_prompt : int
        Rules that a question asks for.
    sampling : Sampling, optional
    samples : int
        Replies to each question.
    seed : int
        Of the side that stands first, which hangs on the pair, not on its row.
    pair_ids : iterable of str, optional
        Only these pairs: those that may be learnt from.

    Returns
    -------
    Proposals
        Support counts pairs: two questions on one pair are one.

    Raises
    ------
    DesignError
        No pair has a clear preference, or an option is out of range.

    Examples
    --------
    >>> import tempfile
    >>> import workbench as wb
    >>> data = wb.load("sample")
    >>> ids = data.pairs["pair_id"][:5]
    >>> with tempfile.TemporaryDirectory() as folder, wb.Journal(folder + "/j") as journal:
    ...     with wb.Asker(wb.OfflineModel(), journal) as asker:
    ...         found = propose(data, "human", asker, model="m", pair_ids=ids)
    >>> found.principles[0].text.startswith("Select the response that")
    True
    """
    _check(prompts, per_prompt, samples)
    pairs, left_out = _preferred(data, annotator, pair_ids)
    sampling = sampling or Sampling()
    requests = (
        _request(pair, prompt, per_prompt, model, sampling, seed).repeat(r)
        for pair in rows(pairs)
        for prompt in prompts
        for r in range(samples)
    )
    each = len(prompts) * samples
    asked = (pair_id for pair_id in pairs["pair_id"] for _ in range(each))
    replies = asks.each(requests, STAGE, len(pairs) * each)
    found: dict[str, tuple[str, set[str]]] = {}
    for pair_id, reply in zip(asked, replies, strict=True):
        for text, reason in _rules(reply):
            if reason is None:
                key = " ".join(text.casefold().split()).rstrip(".")
                found.setdefault(key, (text, set()))[1].add(pair_id)
            else:
                left_out[reason] = left_out.get(reason, 0) + 1
    ranked = sorted(found.values(), key=lambda one: (-len(one[1]), one[0]))
    support = [{"principle": text, "pairs": len(on)} for text, on in ranked]
    return Proposals(
        tuple(Principle(text, "extracted") for text, _ in ranked),
        pd.DataFrame(support, columns=["principle", "pairs"]),
        left_out,
        len(pairs),
        {"prompts": list(prompts), "per_prompt": per_prompt, "samples": samples, "seed": seed},
    )


def _check(prompts: Sequence[str], per_prompt: int, samples: int) -> None:
    known = bool(prompts) and set(prompts) <= set(_WHY)
    refuse_out_of_range(
        {
            "prompts": (known, prompts, f"one or more of {', '.join(_WHY)}"),
            "per_prompt": (per_prompt >= 1, per_prompt, "1 or more"),
            "samples": (samples >= 1, samples, "1 or more"),
        }
    )


def _preferred(
    data: PreferenceData, annotator: str | Iterable[str] | None, pair_ids: Iterable[str] | None
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return pairs with ``a_preferred``, and why others are left out."""
    chosen = select_annotators(data, annotator, [])[0]
    labels = chosen.labels[chosen.labels["preference"].notna() & (chosen.labels["weight"] > 0)]
    lean = (labels["preference"] - 0.5) * labels["weight"]
    side = lean.groupby(labels["pair_id"]).sum()
    wanted = chosen.pairs if pair_ids is None else chosen.filter(pair_ids=pair_ids).pairs
    pairs = wanted.sort_values("pair_id").reset_index(drop=True)
    known = pairs["pair_id"].isin(side.index)
    side = side.reindex(pairs["pair_id"]).fillna(0.0).to_numpy()
    text = pairs[["response_a", "response_b"]].notna().all(axis=1)
    # sums of weights such as 0.1 and 0.2 are ties up to rounding
    tie = known & (abs(side) < 1e-12)
    counts = {
        "no verdict": int((~known).sum()),
        "tie": int(tie.sum()),
        "no text": int((known & ~tie & ~text).sum()),
    }
    kept = known & ~tie & text
    if not kept.any():
        raise DesignError(
            "No pair has a clear preference to explain.",
            found="; ".join(f"{n:,} {reason}" for reason, n in counts.items() if n) or "no pair",
            expected="pairs with text and a label that is no tie",
            fix="Check annotator=, or load other labels.",
        )
    pairs = pairs.assign(a_preferred=side > 0)[kept.to_numpy()]
    return pairs, {reason: n for reason, n in counts.items() if n}


def _request(
    pair: dict[str, Any],
    prompt: Prompt,
    per_prompt: int,
    model: str,
    sampling: Sampling,
    seed: int,
) -> Request:
    salt = f"{seed}\0{pair['pair_id']}\0propose".encode("utf-8", "replace")
    turned = hashlib.blake2b(salt, digest_size=1).digest()[0] % 2 == 1
    sides = ("response_b", "response_a") if turned else ("response_a", "response_b")
    preferred = "A" if pair["a_preferred"] != turned else "B"
    texts = {
        "prompt": shown(pair["prompt"]),
        "response A": pair[sides[0]],
        "response B": pair[sides[1]],
    }
    task = _TASK.format(side=preferred, why=_WHY[prompt], most=per_prompt, words=_WORDS)
    schema = object_schema({"principles": {"type": "array", "items": {"type": "string"}}})
    messages = question(task, texts, _FORM)
    about = {
        "task": "propose",
        "pair_id": pair["pair_id"],
        "preferred": preferred,
        "most": per_prompt,
    }
    return Request(model, messages, sampling, schema, about=about)


def _rules(reply: Reply | None) -> list[tuple[str, str | None]]:
    """Return the rules of a reply, each with the reason why it is refused, or None."""
    if reply is None or reply.failed:
        return [("", "not asked" if reply is None else "failed reply")]
    return [_rule(text) for text in reply.value["principles"]] or [("", "empty")]


def _rule(text: str) -> tuple[str, str | None]:
    clean = " ".join(_MARKUP.sub("", text.strip()).split())
    if not re.search(r"\w", clean):
        return clean, "empty"
    if len(clean.split()) > _MOST_WORDS or len(clean) > 300:
        return clean, "too long"
    if _TAGS.search(clean):
        return clean, "markup"
    if not clean.casefold().startswith(_OPENING):
        return clean, "no rule"
    return clean[0].upper() + clean[1:].rstrip("."), None
