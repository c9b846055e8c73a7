"""Responses that no training saw, to prompts that it did: a probe for where likelihood goes."""

from __future__ import annotations

from workbench.data.dataset import PreferenceData
from workbench.errors import ConfigError


def other_responses(data: PreferenceData, other: PreferenceData) -> list[tuple[str, str, str]]:
    """Return for every pair whose prompt has one a response that no pair holds.

    Parameters
    ----------
    data : PreferenceData
    other : PreferenceData
        With other responses to the same prompts.

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
    found = [
        (str(row["pair_id"]), str(row["prompt"]), by_prompt[row["prompt"]])
        for row in pairs.to_dict("records")
        if row["prompt"] in by_prompt
    ]
    if not found:
        raise ConfigError(
            "There is no unseen response.",
            found=f"{len(other.pairs):,} pairs, none with another response to a prompt of the data",
            expected="responses to the same prompts that the data do not hold",
            fix="Sample some, or leave the unseen responses out.",
        )
    return found
