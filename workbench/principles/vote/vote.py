"""Voting: which response each principle selects, by a model."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError, refuse_out_of_range
from workbench.llm import question as ask
from workbench.llm.asker import Asks
from workbench.llm.question import rows
from workbench.llm.request import Request, Sampling
from workbench.principles.principle import Principle
from workbench.principles.vote.votes import Codes, Vote, Votes

STAGE, AGAIN = "vote", "vote: missing rules"

_SYSTEM = (
    "Two responses to the same prompt and a numbered list of principles are given. Say for each "
    "principle by itself which response it selects: A or B; both or neither where it holds for "
    "both responses alike or for none; not_applicable where it has nothing to do with them. Do not "
    "say which response you prefer, and do not let the order or length of the responses sway you."
)
_SAID = {
    "A": Vote.A,
    "B": Vote.B,
    "both": Vote.BOTH,
    "neither": Vote.NEITHER,
    "not_applicable": Vote.NOT_APPLICABLE,
}
_TURNED = {Vote.A: Vote.B, Vote.B: Vote.A}


@dataclass(frozen=True)
class _Question:
    """One call: a pair, some principles in the order shown, a repeat."""

    row: int
    places: tuple[int, ...]
    repeat: int
    ab: bool


def vote(
    data: PreferenceData,
    principles: Sequence[Principle],
    asks: Asks,
    *,
    model: str,
    repeats: int = 2,
    per_call: int = 40,
    sampling: Sampling | None = None,
    seed: int = 0,
    pair_ids: Iterable[str] | None = None,
    known: Votes | None = None,
) -> Votes:
    """Let a model say, pair by pair, which response each principle selects.

    Parameters
    ----------
    data : PreferenceData
        With text.
    principles : sequence of Principle
    asks : Asks
        Who answers the requests.
    model : str
    repeats : int
        Votes on each pair; of two repeats one shows A first and the other B.
    per_call : int
        Principles in one question.
    sampling : Sampling, optional
    seed : int
        Of the order of principles and of the side that stands first.
    pair_ids : iterable of str, optional
        Only these pairs.
    known : Votes, optional
        Votes that are taken over: only principles and pairs that it lacks are asked about.

    Returns
    -------
    Votes
        What could not be read is INVALID; what was not asked yet, NOT_ASKED.

    Raises
    ------
    DesignError
        No principle, no pair with text, or an option out of range.

    Notes
    -----
    At most N ceil(K / per_call) repeats calls, in one stage without barriers; a reply that
    lacks some of its principles is asked once more, for just those.

    Examples
    --------
    >>> import tempfile
    >>> import workbench as wb
    >>> data = wb.load("sample")
    >>> short = Principle("Select the response that is more concise")
    >>> with tempfile.TemporaryDirectory() as folder, wb.Journal(folder + "/j") as journal:
    ...     with wb.Asker(wb.OfflineModel(), journal) as asker:
    ...         found = vote(data, [short], asker, model="m", pair_ids=data.pairs["pair_id"][:3])
    >>> found.codes.shape
    (3, 1, 2)
    """
    principles, pairs = list(principles), _chosen(data, pair_ids)
    _check(principles, pairs, repeats, per_call)
    sampling = sampling or Sampling(max_tokens=2048)
    ids = pairs["pair_id"].to_numpy()
    codes = np.full((len(pairs), len(principles), repeats), Vote.NOT_ASKED, dtype=np.int8)
    shown = np.array([[_shows_ab(seed, one, r) for r in range(repeats)] for one in ids])
    taken = _taken(codes, ids, principles, known)

    def questions() -> Iterator[_Question]:
        for i in range(len(pairs)):
            for r in range(repeats):
                for part in _parts(np.flatnonzero(~taken[i]), ids[i], r, seed, per_call):
                    yield _Question(i, part, r, bool(shown[i, r]))

    most = repeats * int(np.ceil((~taken).sum(axis=1) / per_call).sum())
    how = (pairs, principles, model, sampling)
    missing = _ask(questions, most, codes, asks, how, STAGE)
    lost = _ask(lambda: iter(missing), len(missing), codes, asks, how, AGAIN)
    for question in lost:
        codes[question.row, list(question.places), question.repeat] = Vote.INVALID
    spent = [s.to_dict() for s in asks.spending() if s.stage in (STAGE, AGAIN)]
    return Votes(
        ids,
        tuple(principles),
        codes,
        np.broadcast_to(shown[:, None, :], codes.shape).copy(),
        model,
        {"repeats": repeats, "per_call": per_call, "seed": seed, "sampling": sampling.body(),
         "spending": spent},
    )  # fmt: skip


def _chosen(data: PreferenceData, pair_ids: Iterable[str] | None) -> pd.DataFrame:
    pairs = data.pairs if pair_ids is None else data.filter(pair_ids=pair_ids).pairs
    return pairs[pairs[["response_a", "response_b"]].notna().all(axis=1)].reset_index(drop=True)


def _check(principles: list[Principle], pairs: pd.DataFrame, repeats: int, per_call: int) -> None:
    refuse_out_of_range(
        {
            "repeats": (repeats >= 1, repeats, "1 or more"),
            "per_call": (per_call >= 1, per_call, "1 or more"),
        }
    )
    texts = [one.text for one in principles]
    if not texts or len(set(texts)) < len(texts) or not len(pairs):
        raise DesignError(
            "There is nothing to vote on.",
            found=f"{len(texts)} principles, {len(set(texts))} of them different; {len(pairs):,} "
            "pairs with text",
            expected="principles, each once, and pairs with both responses",
            fix="Give other principles or pairs.",
        )


def _digest(*parts: Any) -> bytes:
    text = "\0".join(map(str, parts))
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest()


def _shows_ab(seed: int, pair_id: str, repeat: int) -> bool:
    """Return whether A stands first: repeats take turns, beginning by a digest of the pair."""
    return bool((_digest(seed, pair_id)[0] + repeat) % 2)


def _parts(
    places: NDArray[Any], pair_id: str, repeat: int, seed: int, most: int
) -> list[tuple[int, ...]]:
    """Return principles by question, in an order of their own for each pair and repeat."""
    rng = np.random.default_rng(int.from_bytes(_digest(seed, pair_id, repeat)))
    order = places[rng.permutation(len(places))].tolist()
    # the same principles stand together in every pair, so that a change asks little anew
    chunk = {k: j // most for j, k in enumerate(sorted(places.tolist()))}
    parts: dict[int, list[int]] = {}
    for k in order:
        parts.setdefault(chunk[k], []).append(k)
    return [tuple(parts[j]) for j in sorted(parts)]


def _taken(
    codes: Codes, ids: NDArray[Any], principles: list[Principle], known: Votes | None
) -> NDArray[np.bool_]:
    """Put known votes in their place, and return where no question is needed."""
    taken = np.zeros(codes.shape[:2], dtype=bool)
    if known is None:
        return taken
    texts = {one.text: k for k, one in enumerate(known.principles)}
    rows = pd.Index(known.pair_ids).get_indexer(ids)
    for k, one in enumerate(principles):
        if one.text in texts and known.codes.shape[2] >= codes.shape[2]:
            old = known.codes[rows, texts[one.text], : codes.shape[2]]
            have = (rows >= 0) & (old != Vote.NOT_ASKED).all(axis=1)
            codes[have, k, :] = old[have]
            taken[have, k] = True
    return taken


def _ask(
    questions: Callable[[], Iterator[_Question]],
    most: int,
    codes: Codes,
    asks: Asks,
    how: tuple[pd.DataFrame, list[Principle], str, Sampling],
    stage: str,
) -> list[_Question]:
    """Ask, write the votes down, and return what was asked and could not be read."""
    if not most:
        return []
    # made twice, for to hold them takes more than to make them
    replies = asks.each(_requests(questions(), *how), stage, most)
    again = []
    for question, reply in zip(questions(), replies, strict=True):
        if reply is None:
            continue
        said = {} if reply.failed else reply.value
        lacking = []
        for j, place in enumerate(question.places, start=1):
            found = _SAID.get(str(said.get(str(j))))
            if found is None:
                lacking.append(place)
            else:
                found = found if question.ab else _TURNED.get(found, found)
                codes[question.row, place, question.repeat] = found
        if lacking:
            again.append(_Question(question.row, tuple(lacking), question.repeat, question.ab))
    return again


@lru_cache
def _schema(count: int) -> dict[str, Any]:
    numbers = [str(j) for j in range(1, count + 1)]
    return ask.object_schema({k: {"type": "string", "enum": list(_SAID)} for k in numbers})


def _requests(
    questions: Iterable[_Question],
    pairs: pd.DataFrame,
    principles: list[Principle],
    model: str,
    sampling: Sampling,
) -> Iterator[Request]:
    # questions stand by pair, so that each row is read once
    row, all_rows, pair = -1, rows(pairs), dict[str, Any]()
    for question in questions:
        while row < question.row:
            row, pair = row + 1, next(all_rows)
        yield _request(question, pair, principles, model, sampling)


def _request(
    question: _Question,
    pair: dict[str, Any],
    principles: list[Principle],
    model: str,
    sampling: Sampling,
) -> Request:
    sides = ("response_a", "response_b") if question.ab else ("response_b", "response_a")
    listed = [principles[k].text for k in question.places]
    texts = {
        "prompt": ask.shown(pair["prompt"]),
        "response A": pair[sides[0]],
        "response B": pair[sides[1]],
        "principles": "\n".join(f"{j}. {text}" for j, text in enumerate(listed, start=1)),
    }
    schema = _schema(len(listed))
    form = f"Reply with one JSON object and nothing else: a vote by number, 1 to {len(listed)}."
    messages = ask.question(_SYSTEM, texts, form)
    about = {"task": "vote", "pair_id": pair["pair_id"], "order": "ab" if question.ab else "ba"}
    return Request(model, messages, sampling, schema, question.repeat, about, partial=True)
