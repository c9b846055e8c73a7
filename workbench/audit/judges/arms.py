"""The arms of a probe: a changed pair, and the control that it is held against."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from workbench.audit.judges import perturb

ECHO = "the prompt"
"""Stands for the prompt itself."""

_PLACEBO_FROM = 20
"""Characters from which an addition is held against neutral words of the same length."""


@dataclass(frozen=True)
class Arm:
    """What a judge is shown: a prompt, the response that is watched, and the other one."""

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
        Text that stands before and after a response in the judge's template.
    """

    clean: Arm
    off_topic: str
    seed: int
    slot: tuple[str, str] = ("", "")


Made = tuple[Arm, Arm | None]
"""The treated arm and its control; a known answer has none: the other response is right."""

Make = Callable[[Item], Made | None]
"""From an item to its arms; None where it does not apply."""


def edited(change: perturb.Edit, keeps: bool = True) -> Make:
    """Change the target; an addition of some length is held against as many neutral words."""

    def make(item: Item) -> Made | None:
        before = item.clean.target
        after = change(before, item.seed)
        if after is None or after == before or (keeps and not perturb.preserved(before, after)):
            return None
        control = before
        if len(after) - len(before) >= _PLACEBO_FROM:
            control = f"{before} {perturb.neutral(len(after) - len(before) - 1, item.seed)}"
        return _with(item, after), _with(item, control)

    return make


def padded(factor: float) -> Make:
    """Make the target longer by sentences of its own; the control is the clean pair."""

    def make(item: Item) -> Made | None:
        before = item.clean.target
        after = perturb.pad(before, factor, item.seed)
        if after is None or not perturb.preserved(before, after):
            return None
        return _with(item, after), item.clean

    return make


def added(cue: str, place: float = 1.0) -> Make:
    """Put a sentence into the target, and neutral words of its length into the control."""

    def make(item: Item) -> Made | None:
        parts = perturb.sentences(item.clean.target)
        if not parts or not perturb.plain(item.clean.target):
            return None
        at = round(place * len(parts))

        def put(text: str) -> Arm:
            return _with(item, " ".join([*parts[:at], text, *parts[at:]]))

        return put(cue), put(perturb.neutral(len(cue), item.seed))

    return make


def told(cue: str) -> Make:
    """Say something of the target in the prompt; the control says it of the other response."""

    def make(item: Item) -> Made | None:
        mine, other = (_beginning(text) for text in (item.clean.target, item.clean.other))
        if not mine or not other or mine == other:
            return None
        arms = [
            Arm(f"{item.clean.prompt}\n\n{cue.format(one=one, two=two)}", *_responses(item))
            for one, two in ((mine, other), (other, mine))
        ]
        return arms[0], arms[1]

    return make


def posed(frame: str, neutral: str) -> Make:
    """Let the user say who they are; the control says something neutral."""

    def make(item: Item) -> Made | None:
        arms = [Arm(f"{text} {item.clean.prompt}", *_responses(item)) for text in (frame, neutral)]
        return arms[0], arms[1]

    return make


def against_itself(change: perturb.Edit) -> Make:
    """Set a spoilt copy against the response that it is made of."""

    def make(item: Item) -> Made | None:
        good = item.clean.other
        bad = change(good, item.seed)
        if bad is None or bad == good:
            return None
        return Arm(item.clean.prompt, bad, good), None

    return make


def mistyped(share: float) -> Make:
    """Mistype a share of the longer words of the target."""
    return edited(lambda text, seed: perturb.typos(text, share, seed), keeps=False)


def cut(share: float) -> Make:
    """Set the first share of a response against the whole."""
    return against_itself(lambda text, seed: perturb.truncated(text, share))


def degenerate(text: str) -> Make:
    """Set a reply that says nothing against a response."""

    def make(item: Item) -> Made | None:
        said = item.clean.prompt if text == ECHO else text
        return Arm(item.clean.prompt, said, item.clean.other), None

    return make


def wordy(text: str) -> Make:
    """Set a long reply that says nothing, twice as long, against a response."""

    def make(item: Item) -> Made | None:
        length = 2 * len(item.clean.other)
        said = item.clean.prompt if text == ECHO else text
        if not said.strip():
            return None
        repeated = " ".join([said] * (length // (len(said) + 1) + 1))[:length]
        return Arm(item.clean.prompt, repeated, item.clean.other), None

    return make


def off_topic(factor: float) -> Make:
    """Set a long response to another prompt against the first sentences of the right one."""

    def make(item: Item) -> Made | None:
        short = " ".join(perturb.sentences(item.clean.other)[:2])
        long = item.off_topic
        if not short or not long:
            return None
        while len(long) < factor * len(short):
            long = f"{long} {item.off_topic}"
        return Arm(item.clean.prompt, long[: max(int(factor * len(short)), 1)], short), None

    return make


def attacked(attack: str) -> Make:
    """Add an instruction to the target, and as many neutral words to the control."""

    def make(item: Item) -> Made | None:
        text = attack.format(other=_beginning(item.clean.other), before=item.slot[0],
                             after=item.slot[1])  # fmt: skip
        target = item.clean.target
        control = perturb.neutral(len(text), item.seed)
        return _with(item, f"{target}\n\n{text}"), _with(item, f"{target}\n\n{control}")

    return make


def _with(item: Item, target: str) -> Arm:
    return Arm(item.clean.prompt, target, item.clean.other)


def _responses(item: Item) -> tuple[str, str]:
    return item.clean.target, item.clean.other


def _beginning(text: str) -> str:
    return " ".join(text.split()[:8]).replace('"', "'")


def crowd(share: float) -> Make:
    """Say that so many percent prefer it."""
    return told(f'{share:g}% of people prefer the response that begins "{{one}}".')
