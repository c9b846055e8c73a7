"""The verb that makes pairs of conversations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from workbench.data.dataset import PreferenceData
from workbench.errors import level_option, refuse_out_of_range, seed_option
from workbench.feedback.asked import LONGEST, ask_signals
from workbench.feedback.conversations import Rows, conversations
from workbench.feedback.measures import agreement, rates, selection
from workbench.feedback.reading import PAIR, Read
from workbench.feedback.result import Feedback
from workbench.feedback.signals import FOREIGN
from workbench.feedback.turns import conversations_in, nothing, table_of, turns_of
from workbench.llm.asker import Asks
from workbench.llm.request import OFFLINE, Sampling
from workbench.provenance import Provenance
from workbench.threads import on_one_thread

By = Literal["rule", "model", "both"]

_PAIRS = [
    "conversation", "cluster", "user", "model", "turn", "later_turn", "corrections", "prompt",
    "prompt_messages", "earlier", "later", "complaint", "praise", "rule", "apologises",
    "apologised",
]  # fmt: skip
_METHOD = (
    "a pair is the first answer of a run of complaints and the answer that ended it with praise; "
    "rules: English phrases in the first 30 words, a repeated or rephrased request; shares with "
    "score intervals, clusters are users where the file names them, else conversations"
)


@on_one_thread
def feedback(
    source: str | Path | Iterable[Any],
    *,
    column: str | None = None,
    asks: Asks | None = None,
    model: str | None = None,
    sampling: Sampling | None = None,
    by: By | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> Feedback:
    """Read what users say of answers in conversations, and make pairs of it.

    Parameters
    ----------
    source : str, Path or iterable
        A file of conversations (JSON lines, JSON, Parquet, CSV), read piece by piece where its
        kind allows it; or records or lists of messages. Messages have role and content, or from
        and value; they stand in ``messages``, ``conversations`` or ``conversation``.
    column : str, optional
        That holds the messages, where it is called otherwise.
    asks : Asks, optional
        Who reads the turns besides the rules; then ``model`` is asked about each.
    model : str, optional
    sampling : Sampling, optional
    by : {"rule", "model", "both"}, optional
        Whose signals make pairs; ``both`` where the two agree. The model's where one is asked.
    level : float
    seed : int
        Of the sides of pairs.

    Returns
    -------
    Feedback

    Raises
    ------
    DataError
        No such file, or no conversation in it.
    DesignError
        An option out of range.

    Notes
    -----
    The preferred answer is the later one, which has seen the complaint. Nothing is generated:
    both answers are the file's.

    References
    ----------
    WildFeedback, arXiv 2408.15549, for pairs from users' feedback; the rules, and
    pairs of answers that are there in place of generated ones, are ours.

    Examples
    --------
    >>> import workbench as wb
    >>> said = ["Name a river.", "Etna.", "That's wrong.", "The Po.", "Perfect, thanks!"]
    >>> chat = [{"role": ("user", "assistant")[k % 2], "content": s} for k, s in enumerate(said)]
    >>> found = wb.feedback([{"messages": chat}])
    >>> data = found.to_preference_data()
    >>> data.pairs["prompt"].tolist(), len(data.labels)
    (['Name a river.'], 1)
    """
    _check(asks, model, by, level, seed)
    rows = Rows(Path(source).name if isinstance(source, str | Path) else "conversations")
    some = conversations(source, rows, column)
    if asks is not None:
        data = turns_of(some, rows)
        return feedback_of(data, asks=asks, model=model, sampling=sampling, by=by, level=level,
                           seed=seed)  # fmt: skip
    read = Read(by or "rule").take(some)
    if not read.conversations:
        raise nothing(rows)
    return _result(read, rows.source, rows.left_out, {}, None, level, seed, _digest(read))


def feedback_of(
    data: PreferenceData,
    *,
    asks: Asks | None = None,
    model: str | None = None,
    sampling: Sampling | None = None,
    by: By | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> Feedback:
    """Return the feedback in turns that were read before: what a run keeps in its folder.

    Parameters
    ----------
    data : PreferenceData
        From :func:`workbench.feedback.turns.turns_of`.
    asks, model, sampling, by, level, seed
        As for :func:`feedback`.
    """
    _check(asks, model, by, level, seed)
    turns = table_of(data)
    heard: dict[tuple[str, int], str] = {}
    counts: dict[str, int] = {}
    if asks is not None and model is not None:
        heard, counts = ask_signals(turns, asks, model=model, sampling=sampling)
    read = Read(by or ("rule" if model is None else "model"))
    read.take(
        conversations_in(turns),
        None if model is None else lambda name, turn: heard.get((name, turn)),
    )
    report = data.load_report
    lost = {} if report is None else {why: one.count for why, one in report.left_out.items()}
    source = "conversations" if report is None else report.source
    return _result(read, source, lost, counts, model, level, seed, data.digest)


def _check(asks: Asks | None, model: str | None, by: str | None, level: float, seed: int) -> None:
    needs_model = by in ("model", "both") and asks is None
    refuse_out_of_range(
        {
            "model": ((asks is None) == (model is None), model,
                      "a model and who asks it, or neither"),
            "by": (by in (None, "rule", "model", "both") and not needs_model, by,
                   '"rule"; "model" or "both" where a model is asked'),
            "level": level_option(level),
            "seed": seed_option(seed),
        }
    )  # fmt: skip


def _digest(read: Read) -> str:
    """Return what names conversations that no data set holds."""
    from workbench.data.digests import content_digests

    texts = [f"{one.conversation}\0{one.turn}\0{one.reply}" for one in read.turns]
    return str(content_digests([pd.Series(["\n".join(sorted(texts))])]).iloc[0])


def _result(
    read: Read, source: str, lost: dict[str, int], counts: dict[str, int], model: str | None,
    level: float, seed: int, digest: str,
) -> Feedback:  # fmt: skip
    kappa, table = agreement(read.turns, level)
    signals = pd.DataFrame(
        [(t.conversation, t.turn, t.rule.signal, t.rule.rule, t.rule.evidence[:200], t.model,
          t.reply) for t in read.turns],
        columns=["conversation", "turn", "signal", "rule", "evidence", "model", "reply"],
    )  # fmt: skip
    pairs = pd.DataFrame(read.pairs, columns=_PAIRS)
    return Feedback(
        rates=rates(read.turns, read.conversations, level), agreement=kappa, counts=table,
        signals=signals.sort_values(["conversation", "turn"], ignore_index=True),
        outcomes=_outcomes(read, lost),
        pairs=pairs.sort_values(["conversation", "turn"], ignore_index=True),
        selection=selection(read.conversations, level),
        settings={
            "source": source, "by": read.by, "model": model, "level": level, "seed": seed,
            "n_conversations": len(read.conversations), "n_answers": len(read.turns),
            "n_pairs": len(pairs), "generated": 0, "asked": counts,
            "simulated": model is not None and model.startswith(OFFLINE),
            "notes": _notes(read, counts), "method": _METHOD,
        },
        provenance=Provenance.capture(seed=seed, dataset=digest),
    )  # fmt: skip


def _outcomes(read: Read, lost: dict[str, int]) -> pd.DataFrame:
    counts = Counter(one.outcome for one in read.conversations)
    order = sorted(counts, key=lambda one: (one != PAIR, -counts[one], one))
    rows = [("conversations", why, counts[why]) for why in order]
    rows += [("rows", why, n) for why, n in sorted(lost.items())]
    return pd.DataFrame(rows, columns=["unit", "outcome", "n"])


def _notes(read: Read, counts: dict[str, int]) -> list[str]:
    foreign = sum(one.rule.rule == FOREIGN for one in read.turns)
    notes = []
    if foreign:
        notes.append(
            f"{foreign:,} replies are not English and say nothing by rule, whatever they say"
        )
    told = {
        "failed": "replies of the model could not be read",
        "open": "turns were not asked about yet",
        "cut": f"turns had a text of which the model saw {LONGEST:,} characters",
    }
    return notes + [f"{counts[key]:,} {words}" for key, words in told.items() if counts.get(key)]
