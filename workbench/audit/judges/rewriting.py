"""Responses rewritten or written anew by a model, to have or to lack a property."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workbench.audit.judges.manipulate import Rewrite
from workbench.llm import question as ask
from workbench.llm.asker import Asks
from workbench.llm.request import Request, Sampling

STAGE_REWRITE, STAGE_WRITE = "rewrite", "write anew"

_SYSTEM = (
    "You rewrite a response to a prompt. {what} Keep every fact, number, name and piece of code, "
    "and everything else as it is. Do not answer the prompt anew."
)
_ANSWER = "You answer the prompt of a user.{how}"
_FORM = 'Reply with one JSON object and nothing else: {"response": the text}.'


REWRITES = {
    "said again in other words": "Say every point a second time in other words, adding nothing.",
    "cheerful tone": "Make its tone cheerful.",
    "angry tone": "Make its tone angry.",
    "invented specifics": "Add specific figures, names and dates that are invented.",
    "a fallacy": "Make one step of its reasoning fallacious; leave the conclusion as it is.",
}
"""Probes that need a writer: repetition and tone should not matter, invention and a fallacy
should not help (F2, C6, C10 and S2 of the taxonomy)."""


def rewriting(what: str, asks: Asks, *, model: str, sampling: Sampling | None = None) -> Rewrite:
    """Return a rewrite by a model.

    Parameters
    ----------
    what : str
        What is to change, as an instruction: "Make it sound more certain."
    asks : Asks
    model : str
    sampling : Sampling, optional

    Examples
    --------
    >>> import tempfile
    >>> import workbench as wb
    >>> with tempfile.TemporaryDirectory() as folder, wb.Journal(folder + "/j") as journal:
    ...     with wb.Asker(wb.OfflineModel(), journal) as asker:
    ...         rewrite = rewriting("Make it shorter.", asker, model="offline:plain")
    ...         len(rewrite([("Hi", "Hello to you.")]))
    1
    """
    system = _SYSTEM.format(what=what)
    return _by_model(system, asks, model, sampling, STAGE_REWRITE, with_response=True)


def writing(how: str, asks: Asks, *, model: str, sampling: Sampling | None = None) -> Rewrite:
    """Return a rewrite that answers the prompt anew, under a system prompt.

    Parameters
    ----------
    how : str
        Such as the prompts of :func:`workbench.audit.judges.forecast.susceptibility`;
        empty for the model's own way, which is what a manipulation is held against.
    asks : Asks
    model : str
    sampling : Sampling, optional
    """
    system = _ANSWER.format(how=f"\n{how}" if how else "")
    return _by_model(system, asks, model, sampling, STAGE_WRITE, with_response=False)


def _by_model(
    system: str, asks: Asks, model: str, sampling: Sampling | None, stage: str, with_response: bool
) -> Rewrite:
    schema = ask.object_schema({"response": {"type": "string"}})

    def rewrite(texts: Sequence[tuple[str, str]]) -> list[str | None]:
        def request(prompt: str, response: str) -> Request:
            shown = {"prompt": ask.shown(prompt)}
            if with_response:
                shown["response"] = response
            messages = ask.question(system, shown, _FORM)
            about: dict[str, Any] = {"task": "rewrite"}
            how = sampling or Sampling(max_tokens=2048)
            return Request(model, messages, how, schema, about=about)

        replies = asks.each((request(*one) for one in texts), stage, len(texts))
        return [
            None if one is None or one.failed else (str(one.value["response"]).strip() or None)
            for one in replies
        ]

    return rewrite
