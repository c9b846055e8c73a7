"""The question and the answers out of the prompt that a judge was given.

Files of judgements hold no answers, but many hold the whole prompt of each game. FastChat
and Arena-Hard put the answers between marks, so the texts are there without a second file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from workbench.data.formats.messages import Message, as_messages, split_chats, text_of
from workbench.data.formats.records import Record

_OPEN, _CLOSE = r"(?:<\||\[)", r"(?:\|>|\])"
_ANSWER = (
    rf"{_OPEN}The Start of Assistant{{0}}'s Answer{_CLOSE}\n(.*?)\n"
    rf"{_OPEN}The End of Assistant{{0}}'s Answer"
)
_CHAT = (
    rf"{_OPEN}The Start of Assistant{{0}}'s Conversation with User{_CLOSE}\n\n(.*?)\n\n"
    rf"{_OPEN}The End of Assistant{{0}}'s Conversation"
)
_QUESTION = rf"(?:<\|User Prompt\|>|\[(?:User )?Question\])\n(.*?)\n\n{_OPEN}The Start of"


def chat_shown(prompt: Any, letter: str = "") -> list[Message] | None:
    r"""Return the question and the answer of one assistant as a judge's prompt shows them.

    Parameters
    ----------
    prompt : object
        The text of the prompt, or its messages, of which the last is taken.
    letter : str
        ``A`` or ``B``; empty where the judge rates a single answer.

    Returns
    -------
    list of dict, or None
        Messages; None where the prompt is not laid out by the marks of FastChat or Arena-Hard.

    Examples
    --------
    >>> rated = "[The Start of Assistant's Answer]\n4\n[The End of Assistant's Answer]"
    >>> chat_shown("[Question]\n2+2?\n\n" + rated)[1]
    {'role': 'assistant', 'content': '4'}
    """
    text = _text(prompt)
    if text is None:
        return None
    mark = f" {letter}" if letter else ""
    asked = re.search(_QUESTION, text, re.DOTALL)
    answer = re.search(_ANSWER.format(mark), text, re.DOTALL)
    if asked and answer:
        return chat_of([asked[1]], [answer[1]])
    # a single answer of several turns is shown as that of Assistant A
    mark = mark or " A"
    chat = re.search(_CHAT.format(mark), text, re.DOTALL)
    if not chat:
        return None
    pieces = re.split(rf"(?:^|\n\n)### (User|Assistant{mark}):\n", chat[1])[1:]
    if pieces[::2] != ["User", f"Assistant{mark}"] * (len(pieces) // 4):
        return None
    return chat_of(pieces[1::4], pieces[3::4])


def chat_of(asked: Sequence[Any], said: Sequence[Any]) -> list[Message] | None:
    """Return questions and answers as messages, in turn; None where one is missing.

    Examples
    --------
    >>> [message["role"] for message in chat_of(["Hi", "Why?"], ["Yes", "So."])]
    ['user', 'assistant', 'user', 'assistant']
    """
    if not asked or len(asked) != len(said) or not all(isinstance(t, str) for t in [*asked, *said]):
        return None
    return [
        {"role": role, "content": text}
        for turn in zip(asked, said, strict=True)
        for role, text in zip(("user", "assistant"), turn, strict=True)
    ]


def both_chats(a: list[Message] | None, b: list[Message] | None) -> Record:
    """Return the columns of :class:`~workbench.data.formats.messages.ChatPair`, if both are known.

    Examples
    --------
    >>> both_chats(chat_of(["Hi"], ["Yes"]), chat_of(["Hi"], ["No"]))["response_b"]
    'No'
    >>> both_chats(None, chat_of(["Hi"], ["No"]))
    {}
    """
    return {} if a is None or b is None else split_chats(a, b)._asdict()


def sides_shown(prompt: Any, order: str) -> Record:
    """Return prompt and responses of a pair as a judge's prompt shows them.

    Parameters
    ----------
    prompt : object
        As for :func:`chat_shown`.
    order : str
        ``ab`` where Assistant A of the prompt is side A, ``ba`` where it is side B.

    Examples
    --------
    >>> sides_shown("Which is better?", "ab")
    {}
    """
    letters = "AB" if order == "ab" else "BA"
    return both_chats(*(chat_shown(prompt, letter) for letter in letters))


def _text(prompt: Any) -> str | None:
    messages = as_messages(prompt)
    if messages:
        return text_of(messages[-1])
    if isinstance(prompt, list) and prompt and isinstance(prompt[0], str):
        # a text and the images beside it
        return prompt[0]
    return prompt if isinstance(prompt, str) else None
