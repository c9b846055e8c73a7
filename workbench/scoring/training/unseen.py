"""Responses that no training saw, to prompts that it did: a probe for where likelihood goes."""

from __future__ import annotations

from dataclasses import replace

from workbench.data.dataset import PreferenceData
from workbench.errors import ConfigError
from workbench.scoring.dialogues import dialogue_of, with_messages
from workbench.scoring.policy import TokenPolicy
from workbench.scoring.template import Prompt, Response


def other_responses(
    data: PreferenceData, other: PreferenceData, policy: TokenPolicy | None = None
) -> list[tuple[str, Prompt, Response]]:
    """Return for every pair whose prompt has one a response that no pair holds.

    Parameters
    ----------
    data : PreferenceData
    other : PreferenceData
        With other responses to the same prompts.
    policy : TokenPolicy, optional
        Whether prompts are texts or messages.

    Returns
    -------
    list of (pair_id, prompt, response)

    Raises
    ------
    ConfigError
        There is none.
    """
    pairs = data.pairs
    known = {*pairs["response_a"].dropna(), *pairs["response_b"].dropna()}
    by_prompt: dict[str, str] = {}
    for row in other.pairs.sort_values("pair_id").to_dict("records"):
        for text in (row["response_a"], row["response_b"]):
            if isinstance(text, str) and text not in known and isinstance(row["prompt"], str):
                by_prompt.setdefault(row["prompt"], text)
    # its own turns, whatever the pair's responses are
    policy = replace(policy or TokenPolicy(), split="turn")
    rows = with_messages(data, pairs.assign(side="a"))
    rows = rows.assign(chosen_messages=None, rejected_messages=None)
    found = list[tuple[str, Prompt, Response]]()
    for row in rows.to_dict("records"):
        if row["prompt"] in by_prompt:
            text = by_prompt[row["prompt"]]
            one = dialogue_of(row | {"chosen": text, "rejected": text}, policy)
            found.append((str(row["pair_id"]), one.prompt, one.chosen))
    if not found:
        raise ConfigError(
            "There is no unseen response.",
            found=f"{len(other.pairs):,} pairs, none with another response to a prompt of the data",
            expected="responses to the same prompts that the data do not hold",
            fix="Sample some, or leave the unseen responses out.",
        )
    return found
