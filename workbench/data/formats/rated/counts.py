"""Count tables: how often each of two was preferred, a row for many judgements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from workbench.data.formats import Format
from workbench.data.formats.plain.columns import counts_votes, names_verdict
from workbench.data.formats.rated.unfolded import beside, spoken_column
from workbench.data.formats.records import flag, judgements, metadata, names, numbers, texts
from workbench.errors import DataError

_COUNTS = (
    ("wins_a", "wins_b"), ("win_a", "win_b"), ("wins_1", "wins_2"), ("win_1", "win_2"),
    ("wins1", "wins2"), ("win1", "win2"), ("n_wins_a", "n_wins_b"), ("votes_a", "votes_b"),
    ("votes_1", "votes_2"), ("votes1", "votes2"), ("n_a", "n_b"), ("count_a", "count_b"),
    ("count_1", "count_2"), ("home.wins", "away.wins"), ("home_wins", "away_wins"),
    ("count.preference_ad1", "count.preference_ad2"),
)  # fmt: skip
_TIES = ("ties", "tie", "n_ties", "n_tie", "votes_tie", "count_tie", "draws", "draw", "n_draws",
         "equal", "count.preference_skip")  # fmt: skip
_MODELS = (
    ("model_a", "model_b"), ("model_1", "model_2"), ("model1", "model2"),
    ("player1", "player2"), ("player_1", "player_2"), ("player_a", "player_b"),
    ("item1", "item2"), ("item_1", "item_2"), ("item_a", "item_b"), ("system_a", "system_b"),
    ("system_1", "system_2"), ("team1", "team2"), ("home.team", "away.team"),
    ("home_team", "away_team"), ("option_a", "option_b"), ("option1", "option2"),
    ("left", "right"), ("model_ad1", "model_ad2"), ("source_ad1", "source_ad2"),
)  # fmt: skip
_RESPONSES = (
    ("response_a", "response_b"), ("response_1", "response_2"), ("response1", "response2"),
    ("text_a", "text_b"), ("output_a", "output_b"), ("output_1", "output_2"),
    ("answer_a", "answer_b"), ("answer_1", "answer_2"), ("generated_ad1", "generated_ad2"),
    ("ad1", "ad2"),
)  # fmt: skip
_PROMPTS = ("prompt", "instruction", "question", "query", "input_ad")
_ROLES = {
    "annotator": ("annotator", "judge", "rater"),
    "criterion": ("criterion", "dimension", "aspect", "attribute"),
    "scenario": ("scenario", "category", "domain"),
    "cluster": ("cluster", "prompt_id", "question_id"),
}


class _Layout(NamedTuple):
    """Columns of a count table by what they hold."""

    counts: tuple[str, str]
    ties: str | None
    models: tuple[str, str] | None
    responses: tuple[str, str] | None
    prompt: str | None
    roles: dict[str, str]


def _translate(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Translate counts: a row is the share for A of so many votes, a tie's vote half to each.

    The share is a judgement of the row's weight; ten votes for each side are ten wins each
    and no tie. A row without votes is no judgement.
    """
    layout = _layout(records.column_names)
    if layout is None:
        raise DataError(
            "The file is no table of counts.",
            found=", ".join(records.column_names),
            expected="two models or responses and their counts, such as model_a, model_b, "
            "wins_a, wins_b, ties",
            fix="Leave format out to have it recognised by content, or map the columns.",
        )
    extra, left_out = metadata(records, _used(layout))
    frame = beside(extra, _sides(records, layout))
    for role, name in layout.roles.items():
        frame[role] = names(records, name)
    people = layout.counts[0].startswith("count.preference")
    default = options.get("annotator") or ("crowd" if people else None)
    if default is not None:
        given = frame["annotator"].fillna(default) if "annotator" in frame else default
        frame["annotator"] = given
    frame["kind"] = options.get("kind") or ("human" if people else "unknown")
    a, b = (numbers(records, name) for name in layout.counts)
    ties = np.zeros(len(records)) if layout.ties is None else numbers(records, layout.ties)
    frame = beside(frame, shares(a, b, np.nan_to_num(ties)))
    settings = {
        "votes": "share of the counts for A, a tie half to each side; weight is their number",
        "columns_left_out": ", ".join(left_out),
    }
    return judgements(frame, first_row, settings)


def shares(
    a: NDArray[np.float64], b: NDArray[np.float64], ties: NDArray[np.float64]
) -> pd.DataFrame:
    """Return the judgement columns of counts for A, for B, and of ties.

    Parameters
    ----------
    a, b, ties : ndarray of float, shape (n,)
        How many preferred A, B, and neither.

    Returns
    -------
    DataFrame
        ``preference`` (a + ties / 2) / n, ``weight`` and ``n_votes`` n, ``n_ties``, and the
        ``problem`` of counts that are none, or nothing.

    Examples
    --------
    >>> shares(np.array([3.0]), np.array([1.0]), np.array([1.0]))[["preference", "weight"]].values
    array([[0.7, 5. ]])
    """
    votes = a + b + ties
    sound = np.isfinite(votes) & (np.minimum(np.minimum(a, b), ties) >= 0)
    given = sound & (votes > 0)
    preference = np.full(len(votes), np.nan)
    np.divide(a + ties / 2, votes, out=preference, where=given)
    frame = pd.DataFrame({"preference": preference, "weight": np.where(given, votes, np.nan)})
    # half of the votes each is no tie
    frame["reason"] = pd.Series([None] * len(frame), dtype="str")
    frame["n_votes"] = frame["weight"]
    frame["n_ties"] = np.where(given, ties, np.nan)
    found = [f"counts {x:g}, {y:g}, {t:g}" for x, y, t in zip(a, b, ties, strict=True)]
    flag(frame, ~sound, "unknown label", found)
    flag(frame, ~given, "no judgement", found)
    return frame


def _sides(records: pa.Table, layout: _Layout) -> pd.DataFrame:
    parts = []
    if layout.prompt is not None:
        parts.append(spoken_column(records, layout.prompt, "prompt")[0])
    for letter, name in zip("ab", layout.responses or (), strict=False):
        parts.append(spoken_column(records, name, f"response_{letter}")[0])
    for letter, name in zip("ab", layout.models or (), strict=False):
        parts.append(names(records, name).to_frame(f"model_{letter}"))
    return beside(*parts)


def _used(layout: _Layout) -> set[str]:
    several = (*layout.counts, *(layout.models or ()), *(layout.responses or ()))
    alone = (layout.ties, layout.prompt)
    return {*several, *(name for name in alone if name is not None), *layout.roles.values()}


def _layout(columns: Iterable[str]) -> _Layout | None:
    have = {name.strip().lower(): name for name in columns}

    def both(known: Iterable[tuple[str, str]]) -> tuple[str, str] | None:
        return next(((have[a], have[b]) for a, b in known if a in have and b in have), None)

    def one(known: Iterable[str]) -> str | None:
        return next((have[name] for name in known if name in have), None)

    counts, models, responses = both(_COUNTS), both(_MODELS), both(_RESPONSES)
    if counts is None or (models is None and responses is None):
        return None
    bare = not any(map(counts_votes, counts)) and not counts[0].startswith("count.preference")
    if bare and names_verdict(have.values()):
        # beside a verdict they are numbers of tokens or the like
        return None
    roles = {role: name for role, known in _ROLES.items() if (name := one(known)) is not None}
    return _Layout(counts, one(_TIES), models, responses, one(_PROMPTS), roles)


def _recognise(columns: list[str], records: list[dict[str, Any]]) -> bool:
    layout = _layout(columns)
    if layout is None:
        return False
    counted = pa.Table.from_pylist([{name: r.get(name) for name in layout.counts} for r in records])
    return all(
        np.isfinite(numbers(counted, name)).any() and not _has_text(counted, name)
        for name in layout.counts
    )


def _has_text(records: pa.Table, name: str) -> bool:
    given = texts(records, name).notna().to_numpy()
    return bool((given & np.isnan(numbers(records, name))).any())


FORMAT = Format("counts", "Count table (wins of pairs)", _recognise, _translate)
