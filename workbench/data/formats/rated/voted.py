"""HelpSteer2-preference and HelpSteer3: the votes of several people, in a list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from workbench.data.formats import Format
from workbench.data.formats.nested import fields, items
from workbench.data.formats.rated.unfolded import Judged, named, spoken, unfolded
from workbench.data.formats.records import Record
from workbench.data.formats.single import number

_NEITHER = -100
"""The strength that says that neither response is valid."""

_TWO = {"prompt", "response_1", "response_2", "preference_strength"}
_THREE = {"context", "response1", "response2", "overall_preference"}
_REASONING = ("justification", "reasoning", "elaboration")


def _translate(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Translate records of either release: every vote is a judgement of somebody unnamed.

    A negative strength says that the first response is the better one. The consensus that
    the file holds beside the votes is kept with the pair, positive for the better side, and
    is itself the judgement only where a record has no votes.
    """
    third = "context" in records.column_names
    prompt, listed, consensus = (
        ("context", "individual_preference", "overall_preference")
        if third
        else ("prompt", "all_preferences_unprocessed", "preference_strength")
    )
    a, b = ("response1", "response2") if third else ("response_1", "response_2")

    def read(record: Record) -> list[Judged]:
        agreed = number(record.get(consensus))
        pair = {
            **spoken(record.get(prompt), "prompt"),
            # a model's answer can be nothing, which is not a missing one
            **spoken(record.get(a) or "", "response_a"),
            **spoken(record.get(b) or "", "response_b"),
            "consensus_a": 0.0 - agreed,
            "consensus_b": agreed,
        }
        if third:
            pair["scenario"] = named(record.get("domain"))
        votes = [fields(vote) for vote in items(record.get(listed))]
        if not votes:
            return [Judged(pair, [{**_verdict(agreed), **_who(options, "consensus")}])]
        labels = [{**_vote(vote), **_who(options, None)} for vote in votes]
        return [Judged(pair, labels)]

    used = {prompt, a, b, listed, consensus, "domain"} if third else {prompt, a, b, listed}
    return unfolded(records, first_row, read, {*used, consensus})


def _vote(vote: Record) -> Record:
    strength = number(vote.get("strength", vote.get("score")))
    said = next((vote[name] for name in _REASONING if isinstance(vote.get(name), str)), None)
    return {**_verdict(strength), "raw": said}


def _verdict(strength: float) -> Record:
    if strength == _NEITHER:
        return {"preference": 0.5, "reason": "both_bad"}
    if not -3 <= strength <= 3:
        missing = strength != strength
        problem = "no judgement" if missing else "unknown label"
        return {"problem": problem, "found": "no strength" if missing else f"strength {strength}"}
    preference = 0.5 if strength == 0 else float(strength < 0)
    reason = "tie" if strength == 0 else None
    return {"preference": preference, "reason": reason, "strength": abs(strength)}


def _who(options: Mapping[str, Any], name: str | None) -> Record:
    return {
        "annotator": options.get("annotator") or name,
        "kind": options.get("kind") or "human",
    }


def _recognise_two(columns: list[str], _: list[dict[str, Any]]) -> bool:
    return set(columns) >= _TWO


def _recognise_three(columns: list[str], _: list[dict[str, Any]]) -> bool:
    return set(columns) >= _THREE


HELPSTEER2 = Format(
    "helpsteer2_preference", "HelpSteer2-preference (votes)", _recognise_two, _translate
)
HELPSTEER3 = Format("helpsteer3_preference", "HelpSteer3 (votes)", _recognise_three, _translate)
