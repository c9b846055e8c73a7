"""The arms of a probe: a changed pair, and the control that it is held against."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Concatenate, ParamSpec

from workbench.audit.judges import perturb

ECHO = "the prompt"
"""Stands for the prompt itself."""

_PLACEBO_FROM = 20
"""Characters from which an addition is held against neutral words of the same length."""


@dataclass(frozen=True)
class Arm:
    """What a judge is shown: a prompt, the target response, and the other one."""

    prompt: str
    target: str
    other: str


@dataclass(frozen=True)
class Item:
    """A pair that a probe starts from.

    Attributes
    ----------
    clean : Arm
    off_topic : str
        A response to another prompt.
    seed : int
        Of this pair.
    slot : tuple of str
        Text before and after the slot of a response in the judge's template.
    """

    clean: Arm
    off_topic: str
    seed: int
    slot: tuple[str, str] = ("", "")


Arms = tuple[Arm, Arm | None]
"""The treated arm and its control; a known answer has none: the other response is right."""

Treatment = Callable[[Item], Arms | None]
"""From an item to its arms; None where it does not apply."""

Options = ParamSpec("Options")


def _treatment(
    arms: Callable[Concatenate[Item, Options], Arms | None],
) -> Callable[Options, Treatment]:
    """Make of a function of an item and options one that takes the options first."""

    @wraps(arms)
    def of_options(*args: Options.args, **kwargs: Options.kwargs) -> Treatment:
        return lambda item: arms(item, *args, **kwargs)

    return of_options


@_treatment
def edited(item: Item, change: perturb.Edit, keeps: bool = True) -> Arms | None:
    """Change the target; an addition of some length is held against as many neutral words."""
    before = item.clean.target
    after = change(before, item.seed)
    if after is None or after == before or (keeps and not perturb.preserved(before, after)):
        return None
    control = before
    if len(after) - len(before) >= _PLACEBO_FROM:
        control = f"{before} {perturb.neutral(len(after) - len(before) - 1, item.seed)}"
    return _with(item, after), _with(item, control)


@_treatment
def padded(item: Item, factor: float) -> Arms | None:
    """Make the target longer by sentences of its own; the control is the clean pair."""
    before = item.clean.target
    after = perturb.pad(before, factor, item.seed)
    if after is None or not perturb.preserved(before, after):
        return None
    return _with(item, after), item.clean


@_treatment
def response_cue(item: Item, cue: str, depth: float = 1.0) -> Arms | None:
    """Put a sentence into the target, and neutral words of its length into the control.

    A share ``depth`` of the target's sentences stands before it.
    """
    parts = perturb.sentences(item.clean.target)
    if not parts or not perturb.plain(item.clean.target):
        return None
    at = round(depth * len(parts))

    def put(text: str) -> Arm:
        return _with(item, " ".join([*parts[:at], text, *parts[at:]]))

    return put(cue), put(perturb.neutral(len(cue), item.seed))


@_treatment
def prompt_cue(item: Item, cue: str) -> Arms | None:
    """Say something of the target in the prompt; the control says it of the other response."""
    mine, other = (_beginning(text) for text in (item.clean.target, item.clean.other))
    if not mine or not other or mine == other:
        return None
    said = cue.format(one=mine, two=other), cue.format(one=other, two=mine)
    prompt = item.clean.prompt
    return _asked(item, f"{prompt}\n\n{said[0]}"), _asked(item, f"{prompt}\n\n{said[1]}")


def bandwagon(share: float) -> Treatment:
    """Say that so many percent prefer it."""
    return prompt_cue(f'{share:g}% of people prefer the response that begins "{{one}}".')


@_treatment
def user_identity(item: Item, identity: str, neutral: str) -> Arms | None:
    """Let the user say who they are; the control says something neutral."""
    prompt = item.clean.prompt
    return _asked(item, f"{identity} {prompt}"), _asked(item, f"{neutral} {prompt}")


@_treatment
def corrupted(item: Item, change: perturb.Edit) -> Arms | None:
    """Set a spoilt copy against the response that it is made of."""
    bad = change(item.clean.other, item.seed)
    return None if bad is None or bad == item.clean.other else (_with(item, bad), None)


def mistyped(share: float) -> Treatment:
    """Mistype a share of the longer words of the target."""
    return edited(lambda text, seed: perturb.typos(text, share, seed), keeps=False)


def truncated(share: float) -> Treatment:
    """Set the first share of a response against the whole."""
    return corrupted(lambda text, seed: perturb.truncated(text, share))


@_treatment
def degenerate(item: Item, text: str) -> Arms | None:
    """Set a reply that says nothing against a response."""
    return _with(item, item.clean.prompt if text == ECHO else text), None


@_treatment
def verbose_degenerate(item: Item, text: str) -> Arms | None:
    """Set a long reply that says nothing, twice as long, against a response."""
    length = 2 * len(item.clean.other)
    said = item.clean.prompt if text == ECHO else text
    if not said.strip():
        return None
    repeated = " ".join([said] * (length // (len(said) + 1) + 1))[:length]
    return _with(item, repeated), None


@_treatment
def off_topic(item: Item, factor: float) -> Arms | None:
    """Set a long response to another prompt against the first sentences of the right one."""
    short = " ".join(perturb.sentences(item.clean.other)[:2])
    long = item.off_topic
    if not short or not long:
        return None
    while len(long) < factor * len(short):
        long = f"{long} {item.off_topic}"
    return Arm(item.clean.prompt, long[: max(int(factor * len(short)), 1)], short), None


@_treatment
def attacked(item: Item, attack: str) -> Arms | None:
    """Add an instruction to the target, and as many neutral words to the control."""
    text = attack.format(other=_beginning(item.clean.other), before=item.slot[0],
                         after=item.slot[1])  # fmt: skip
    target = item.clean.target
    control = perturb.neutral(len(text), item.seed)
    return _with(item, f"{target}\n\n{text}"), _with(item, f"{target}\n\n{control}")


def _with(item: Item, target: str) -> Arm:
    return Arm(item.clean.prompt, target, item.clean.other)


def _asked(item: Item, prompt: str) -> Arm:
    return Arm(prompt, item.clean.target, item.clean.other)


def _beginning(text: str) -> str:
    return " ".join(text.split()[:8]).replace('"', "'")
