"""Differential functioning: a judge that measures otherwise in one group, or favours a family."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.audit.measures import DIFFERENCE
from workbench.calibration.instrument.favour import NO_PAIR, Favours, sides_of
from workbench.calibration.instrument.judged import Judged
from workbench.calibration.instrument.strength import Strength
from workbench.calibration.instrument.values import NULL, Value, beside_others, values_of
from workbench.calibration.instrument.verdicts import Fit, Said, fit_verdicts, sums_by
from workbench.clustered import Array
from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError, listed
from workbench.flips import paired_difference

MOST_GROUPS = 40
FEWEST = 20
"""Verdicts below which a judge is not measured in a group."""

IN_GROUP = "in the group minus the mean of the others by labels, t over clusters"
FAVOUR = "favour"
BEYOND = "preference beyond the reference's"
"""What a sharper judge has for strong models' families, too, whom it does not favour."""


def families_of(
    data_models: Sequence[str], families: Mapping[str, Sequence[str]] | None
) -> dict[str, list[str]]:
    """Return models by family: as given, or by the letters that their names begin with.

    Raises
    ------
    DesignError
        A model that the data do not have, or that is in two families.

    Examples
    --------
    >>> families_of(["gpt-4", "gpt-3.5-turbo", "claude-v1"], None)
    {'claude': ['claude-v1'], 'gpt': ['gpt-4', 'gpt-3.5-turbo']}
    """
    if families is not None:
        given = {str(name): listed("families", models) for name, models in families.items()}
        times = Counter(one for models in given.values() for one in set(models))
        wrong = sorted(one for one, n in times.items() if n > 1 or one not in data_models)
        if wrong:
            raise DesignError(
                "The families cannot be compared.",
                found=", ".join(f"{one} in {times[one]} families" if times[one] > 1 else
                                f"no model {one}" for one in wrong),
                expected=f"each of {', '.join(list(data_models)[:20])} in one family at most",
                fix="Correct families=.",
            )  # fmt: skip
        return given
    found: dict[str, list[str]] = {}
    for model in data_models:
        found.setdefault(family_of(model), []).append(model)
    return dict(sorted(found.items()))


def family_of(name: str) -> str:
    """Return the letters that a name begins with, after the maker's where there is a slash.

    Examples
    --------
    >>> family_of("openai/GPT-4"), family_of("vicuna-13b")
    ('gpt', 'vicuna')
    """
    last = str(name).rsplit("/", 1)[-1].lower()
    found = re.match(r"[a-z]+", last)
    return found.group() if found else last


def is_own(judge: str, family: str, members: Sequence[str]) -> bool:
    """Return whether a judge is of a family, by names.

    Examples
    --------
    >>> is_own("gpt-4o", "OpenAI", ["gpt-4"]), is_own("gpt-4o", "Meta", ["llama-2"])
    (True, False)
    """
    return judge in members or family_of(judge) in map(family_of, (family, *members))


def by_group(
    judged: Judged, strength: Strength, by: str, said_by_people: Said | None, level: float
) -> list[dict[str, Any]]:
    """Return how each judge measures in each group, beside the other groups.

    Raises
    ------
    DesignError
        No such column of pairs, one group, or too many.
    """
    groups = _groups(judged, by)
    fits: dict[str, dict[str, dict[str, Value]]] = {name: {} for name in judged.judges}
    for group, inside in groups.items():
        try:
            own = strength.within(inside)
        except DesignError as error:
            for name in judged.judges:
                fits[name][group] = _unknown(judged, str(error.found))
            continue
        people = None if said_by_people is None else _fit(said_by_people, inside, own, judged)
        for name in judged.judges:
            fit = _fit(judged.said[name], inside, own, judged)
            fits[name][group] = values_of(fit, people)
    rows = []
    for name in judged.judges:
        for measure in NULL:
            values = {group: found[measure] for group, found in fits[name].items()}
            rows += _beside_others(name, by, measure, values, level)
    return rows


def by_family(
    judged: Judged, strength: Strength, families: Mapping[str, Sequence[str]] | None, level: float
) -> tuple[list[dict[str, Any]], dict[str, list[str]]]:
    """Return how much more each judge prefers each family's responses than people do.

    Pairs of which exactly one response is of the family, and that people judged too; as it is,
    and beyond what the judge's slope on people's ratings of other models explains. Of two families
    that are all models, it is the one that the judge favours.
    """
    pairs = judged.data.pairs
    names = [pairs[f"model_{side}"] for side in "ab"]
    models = sorted({str(one) for side in names for one in side.dropna()})
    if len(models) < 2:
        return [], {}
    found = families_of(models, families)
    people = strength.votes.share
    means = {name: _mean(judged.said[name], len(pairs)) for name in judged.judges}
    favours = Favours(judged, strength.votes)
    sums = {name: favours.sums(judged.said[name]) for name in judged.judges}
    rows = []
    sides = [sides_of(members, names) for members in found.values()]
    for (family, members), side in zip(found.items(), sides, strict=True):
        one = (side != 0) & np.isfinite(people)
        for name in judged.judges:
            use = one & np.isfinite(means[name])
            excess = (side * (means[name] - people))[use]
            row = paired_difference(excess, judged.cluster[use], level)
            if not use.any():
                row = {**row, "reason": NO_PAIR}
            of = {"term": name, "by": "family", "group": family,
                  "own": is_own(name, family, members)}  # fmt: skip
            own = favours.row(sums[name], side, level)
            rows.append({**of, "measure": FAVOUR, **own})
            rows.append({**of, "measure": BEYOND, **row, "method": DIFFERENCE})
    if len(sides) == 2 and np.array_equal(sides[0], -sides[1]):
        # two families that are all models: one number is the other turned round
        favoured = {row["term"]: row["group"] for row in rows
                    if row["measure"] == FAVOUR and row["estimate"] > 0}  # fmt: skip
        first = next(iter(found))
        rows = [row for row in rows if row["group"] == favoured.get(row["term"], first)]
    return rows, found


def refuse_groups(data: PreferenceData, by: str) -> list[str]:
    """Return the groups of a column of pairs.

    Raises
    ------
    DesignError
        No such column, one group, or too many.

    Examples
    --------
    >>> import workbench as wb
    >>> len(refuse_groups(wb.load("sample"), "scenario")) > 1
    True
    """
    if by not in data.pairs:
        raise DesignError(
            f"There is no column {by!r} of groups.",
            found=", ".join(map(str, data.pairs.columns)),
            expected="a column of the pairs",
            fix="Name one of these in by=.",
        )
    names = sorted(data.pairs[by].dropna().astype("str").unique())
    if not 2 <= len(names) <= MOST_GROUPS:
        raise DesignError(
            "The groups cannot be compared.",
            found=f"{len(names):,} values of {by}",
            expected=f"2 to {MOST_GROUPS}",
            fix="Name another column in by=.",
        )
    return names


def _groups(judged: Judged, by: str) -> dict[str, NDArray[np.bool_]]:
    names = refuse_groups(judged.data, by)
    column = judged.data.pairs[by].astype("str").where(judged.data.pairs[by].notna())
    return {name: column.eq(name).fillna(False).to_numpy(bool) for name in names}


def _fit(said: Said, inside: NDArray[np.bool_], strength: Strength, judged: Judged) -> Fit:
    return fit_verdicts(said.take(inside[said.pair]), strength, judged.cluster)


def _unknown(judged: Judged, why: str) -> dict[str, Value]:
    nothing = np.zeros(int(judged.cluster.max()) + 1)
    return {name: Value(np.nan, nothing, nothing, 0.0, why) for name in NULL}


def _beside_others(
    name: str, by: str, measure: str, values: dict[str, Value], level: float
) -> list[dict[str, Any]]:
    known = {g: v for g, v in values.items() if v.reason is None and v.n >= FEWEST}
    made = beside_others(list(known.values()), level) if len(known) > 1 else []
    told = dict(zip(known, made, strict=False))
    rows = []
    for group, value in values.items():
        start = {"term": name, "by": by, "group": group, "measure": measure, "own": False,
                 "method": IN_GROUP}  # fmt: skip
        if group in told:
            rows.append({**start, **told[group], "value": value.estimate})
            continue
        few = f"fewer than {FEWEST} verdicts" if value.n < FEWEST else "no other group has it"
        rows.append({**start, "estimate": np.nan, "n": value.n, "reason": value.reason or few})
    # of two groups one difference is the other turned round
    return rows[:1] if len(values) == 2 else rows


def _mean(said: Said, pairs: int) -> Array:
    total = sums_by(said.pair, said.weight, pairs)
    sums = sums_by(said.pair, said.weight * said.side / 2, pairs)
    return np.asarray(np.divide(sums, total, out=np.full(pairs, np.nan), where=total > 0))
