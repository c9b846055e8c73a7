"""Why a file holds no comparison, and which known layout comes nearest to it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import NamedTuple

from workbench.data.formats.plain.columns import key_of_name, propose
from workbench.data.formats.plain.looks import Look
from workbench.data.formats.plain.suggestion import command, other_readings
from workbench.errors import DataError


class Layout(NamedTuple):
    """A known layout and the columns by which it is known.

    Attributes
    ----------
    title : str
    columns : tuple of str
    """

    title: str
    columns: tuple[str, ...]


_LAYOUTS = (
    Layout("a table of pairs", ("prompt", "response_a", "response_b", "label")),
    Layout("TRL preference data", ("prompt", "chosen", "rejected")),
    Layout("Chatbot Arena votes",
           ("model_a", "model_b", "winner", "conversation_a", "conversation_b")),
    Layout("battles without text", ("model_a", "model_b", "winner")),
    Layout("AlpacaEval annotations",
           ("instruction", "output_1", "output_2", "generator_1", "generator_2", "preference")),
    Layout("UltraFeedback", ("instruction", "completions")),
    Layout("HelpSteer ratings",
           ("prompt", "response", "helpfulness", "correctness", "coherence")),
    Layout("HelpSteer preferences",
           ("prompt", "response_1", "response_2", "preference_strength")),
    Layout("PKU-SafeRLHF", ("prompt", "response_0", "response_1", "better_response_id")),
    Layout("SHP", ("history", "human_ref_A", "human_ref_B", "labels")),
    Layout("WebGPT comparisons", ("question", "answer_0", "answer_1", "score_0", "score_1")),
    Layout("PRISM", ("interaction_id", "user_prompt", "model_response", "model_name", "score")),
    Layout("MultiPref",
           ("comparison_id", "completion_a", "completion_b", "normal_worker_annotations")),
    Layout("OpenAssistant messages", ("message_id", "parent_id", "text", "role", "rank")),
    Layout("Nectar rankings", ("prompt", "answers")),
    Layout("LLMBar", ("input", "output_1", "output_2", "label")),
    Layout("JudgeBench", ("question", "response_A", "response_B", "label", "judgments")),
    Layout("FastChat judgments", ("question_id", "model_1", "model_2", "g1_winner", "g2_winner")),
    Layout("Arena-Hard judgments", ("question_id", "model", "judge", "games")),
    Layout("RewardBench scores",
           ("text_chosen", "text_rejected", "scores_chosen", "scores_rejected")),
    Layout("Pick-a-Pic", ("caption", "image_0_uid", "image_1_uid", "label_0", "label_1")),
)  # fmt: skip
_ENOUGH = 0.5
"""Share of a layout's columns from which on it is worth naming."""

_SCORES = {"winrate", "elo", "rating", "arenascore", "standarderror", "ntotal", "avglength",
           "score", "rank", "lengthcontrolledwinrate", "average"}  # fmt: skip
_RANKED = {"model", "modelname", "system", "name", "unnamed", ""}
_RESPONSES = {"response", "completion", "output", "answer", "text", "generation", "reply"}


def nearest(columns: Sequence[str]) -> tuple[Layout, list[str]] | None:
    """Return the layout that shares most with a file's columns, and what it lacks.

    Examples
    --------
    >>> layout, missing = nearest(["prompt", "chosen"])
    >>> layout.title, missing
    ('TRL preference data', ['rejected'])
    """
    have = set(map(key_of_name, columns))
    scored = [
        (sum(key_of_name(name) in have for name in layout.columns), layout) for layout in _LAYOUTS
    ]
    enough = [(n / len(layout.columns), n, layout) for n, layout in scored]
    share, _, best = max(enough, key=lambda found: found[:2])
    if share < _ENOUGH:
        return None
    return best, [name for name in best.columns if key_of_name(name) not in have]


def unrecognised(file: str, looks: Sequence[Look]) -> DataError:
    """Return the error for a file of no known format: what its columns look like, what to try.

    Parameters
    ----------
    file : str
        Its name.
    looks : sequence of Look
        A look at each column.

    Examples
    --------
    >>> looks = [Look("one", "texts"), Look("two", "texts"), Look("v", "codes", ("1", "2"))]
    >>> print(unrecognised("v.csv", looks).fix.splitlines()[0].partition("label=")[2])
    v --verdict 1=a --verdict 2=b
    """
    columns = [look.column for look in looks]
    reason = no_comparison(looks)
    lines = ["columns " + (", ".join(columns) or "none"), *(f"  {x.column}: {x}" for x in looks)]
    return DataError(
        "The format of the file is not recognised."
        if reason is None
        else f"The file holds no comparison: {reason}.",
        where=file,
        found="\n  ".join(lines),
        expected=_expected(columns),
        fix=_fix(file, looks, reason),
    )


def _expected(columns: Sequence[str]) -> str:
    found = nearest(columns)
    if found is None:
        return "two responses (or models) and a verdict in each row, or a known layout"
    layout, missing = found
    lack = f", of which it lacks {', '.join(missing)}" if missing else ""
    return f"the nearest known layout is {layout.title}: {', '.join(layout.columns)}{lack}"


def _fix(file: str, looks: Sequence[Look], reason: str | None) -> str:
    tried = command(file, looks)
    if reason is not None:
        return (
            "Read a file that says which of two responses is better. Several responses to one "
            'prompt with a rating each become pairs by a rule: rule={"columns": ["rating"]} in '
            "workbench.load."
        )
    if tried is None:
        tried = (
            f"workbench load {shlex.quote(file)} --map response_a=COLUMN --map "
            "response_b=COLUMN --map label=COLUMN"
        )
    others = "".join(f"\n  {reading}" for reading in other_readings(looks))
    return (
        f"Try: {tried}{others}\n  (in Python mapping={{...}}; the label is enough for data "
        f"without text).{way_to_explain(file)}"
    )


def way_to_explain(file: str) -> str:
    """Return the sentence that says how to see what is read of a file.

    Examples
    --------
    >>> way_to_explain("v.csv")
    ' workbench load --explain v.csv shows what is read.'
    """
    return f" workbench load --explain {shlex.quote(file)} shows what is read."


def no_comparison(looks: Sequence[Look]) -> str | None:
    """Return why a file holds nothing that compares two responses; None where it may.

    Examples
    --------
    >>> no_comparison([Look("model", "names"), Look("win_rate", "numbers")])
    'it is a leaderboard: a row is a model with its scores, not a comparison'
    """
    keys = {key_of_name(look.column): look for look in looks}
    have = set(keys)
    if "customid" in have and have & {"response", "error"}:
        return "it holds the replies of a batch without their requests"
    if "steps" in have or ({"completions", "labels"} <= have):
        return "it labels single steps of a response, none compares two responses"
    named = propose([look.column for look in looks])
    if {"response_b", "model_b", "media_b"} & named.keys():
        return None
    texts = [key for key, look in keys.items() if look.kind in ("texts", "messages")]
    if (
        have & {"model", "modelname", "system", "name", "unnamed", ""}
        and have & _SCORES
        and not texts
    ):
        return "it is a leaderboard: a row is a model with its scores, not a comparison"
    if len(texts) == 1 and keys[texts[0]].kind == "messages":
        return "it holds conversations that nobody compared"
    labelled = any(look.kind in ("codes", "flags", "numbers", "names") for look in looks)
    if len(_RESPONSES & have) == 1 and len(texts) <= 2 and labelled:
        return "it holds single responses with labels of their own, none compares two"
    return None
