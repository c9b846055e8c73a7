"""Dialogues through a chat template: messages stay messages, tools stand beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from workbench.data.formats.messages import Message, text_of
from workbench.errors import ScoringError


class Asked(NamedTuple):
    """A prompt as messages, with the tools that the model had.

    Attributes
    ----------
    messages : sequence of dict
        As :func:`workbench.data.formats.messages.as_messages` gives them.
    tools : list of dict, optional
    """

    messages: Sequence[Message]
    tools: list[Any] | None = None


Prompt = str | Asked
"""A text, which a template takes for one turn of the user; or messages."""

Response = str | Sequence[Message]
"""A text, which a template takes for one turn of the assistant; or messages."""


class RefusedError(ScoringError):
    """A dialogue that a chat template does not take."""


def rendered(tokenizer: Any, prompt: Prompt, response: Response | None) -> str:
    """Return the text that a chat template makes of a prompt, and of a response to it.

    Parameters
    ----------
    tokenizer : transformers tokenizer
    prompt : str or Asked
    response : str or sequence of dict or None
        The answer is only opened when None.

    Raises
    ------
    ScoringError
        There is no chat template.
    RefusedError
        It does not take the dialogue.
    """
    if not getattr(tokenizer, "chat_template", None):
        raise ScoringError(
            "The tokenizer has no chat template.",
            found=str(getattr(tokenizer, "name_or_path", "")),
            expected="a tokenizer with a chat template",
            fix='Score raw text: mode="raw".',
        )
    from jinja2 import TemplateError

    tools = prompt.tools if isinstance(prompt, Asked) else None
    turns = [*asked_turns(prompt), *said_turns(response)]
    opens = response is None
    try:
        text = tokenizer.apply_chat_template(
            turns, tools=tools, add_generation_prompt=opens, tokenize=False
        )
    except (TemplateError, TypeError, ValueError, LookupError) as error:
        why = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise RefusedError(
            f"The chat template refuses the dialogue: {why}",
            found=", ".join(str(one.get("role")) for one in turns),
            expected="roles in an order that the template knows",
            fix="Leave the pair out, or take another template.",
        ) from error
    return str(text)


def asked_turns(prompt: Prompt) -> list[Message]:
    """Return a prompt as messages.

    Examples
    --------
    >>> asked_turns("Sky?")
    [{'role': 'user', 'content': 'Sky?'}]
    """
    if isinstance(prompt, Asked):
        return list(prompt.messages)
    return [{"role": "user", "content": prompt}]


def said_turns(response: Response | None) -> list[Message]:
    """Return a response as messages; none of None.

    Examples
    --------
    >>> said_turns("blue")
    [{'role': 'assistant', 'content': 'blue'}]
    """
    if response is None:
        return []
    if isinstance(response, str):
        return [{"role": "assistant", "content": response}]
    return list(response)


def control_token(tokenizer: Any, turns: Sequence[Message]) -> str | None:
    """Return a control token that stands in the words of a dialogue; None where none does.

    Parameters
    ----------
    tokenizer : transformers tokenizer
    turns : sequence of dict

    Notes
    -----
    A tokenizer would read it as what it is named for: the end of a turn in the middle of one.
    """
    known = getattr(tokenizer, "added_tokens_decoder", {}).values()
    names = {*tokenizer.all_special_tokens, *(str(one) for one in known if one.special)}
    text = "\n".join(text_of(one) for one in turns)
    return min((one for one in names if one and one in text), default=None)
