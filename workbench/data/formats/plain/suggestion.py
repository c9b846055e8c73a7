"""A command to try on a table that was not recognised, made of what its columns look like."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from workbench.data.formats.plain.asking import flags
from workbench.data.formats.plain.columns import key_of_name, propose, tokens_of
from workbench.data.formats.plain.looks import Look
from workbench.data.formats.verdicts import number_of

_TEXT = ("texts", "messages", "files")
_LABEL_WORDS = {"preference", "prefer", "preferred", "label", "winner", "choice", "verdict", "vote",
                "better", "best", "rating", "score", "judgement", "judgment", "decision",
                "margin"}  # fmt: skip
_CRITERIA = {"style", "content", "helpfulness", "helpful", "harmlessness", "harmless", "honesty",
             "honest", "safety", "safe", "correctness", "accuracy", "factuality", "truthfulness",
             "fluency", "coherence", "consistency", "relevance", "clarity", "tone", "quality",
             "overall", "creativity", "conciseness", "brevity", "verbosity", "depth", "detail",
             "completeness", "grammar", "format", "formatting", "usefulness", "engagement",
             "humor", "naturalness", "originality", "readability", "structure", "faithfulness",
             "informativeness", "politeness", "reasoning", "instruction"}  # fmt: skip
"""Words in the names of what responses are judged by."""


def roles_to_try(looks: Sequence[Look]) -> dict[str, str]:
    """Return columns for the roles of a table, by name where that says it, else by content.

    Examples
    --------
    >>> roles_to_try([Look("q", "texts"), Look("one", "texts"), Look("two", "texts"),
    ...               Look("v", "codes", ("1", "2"))])
    {'prompt': 'q', 'response_a': 'one', 'response_b': 'two', 'label': 'v'}
    """
    named = propose([look.column for look in looks])
    roles = {role: named[role] for role in ("prompt",) if role in named}
    judged = _judged(looks)
    if judged:
        return roles | judged
    roles.update(_sides(looks, named))
    # a side's own score, and what is a side already, is no verdict on both
    sided = {*roles.values(), *(look.column for look in looks if _is_sided(look, looks))}
    label = named.get("label")
    label = label if label not in sided else None
    label = label or _label([look for look in looks if look.column not in sided], sided)
    if label is not None and "response_b" in roles | {"response_b": roles.get("model_b", "")}:
        roles["label"] = label
    return roles if {"response_a", "model_a"} & roles.keys() and "label" in roles else {}


_BETTER = {"preferred", "chosen", "better", "win", "winner", "winning", "good", "positive",
           "selected", "accepted"}  # fmt: skip
_WORSE = {"dispreferred", "rejected", "worse", "lose", "loser", "losing", "bad", "negative",
          "unselected", "unchosen"}  # fmt: skip


def _judged(looks: Sequence[Look]) -> dict[str, str]:
    """Return the columns of a better and a worse response, where names say which is which."""
    texts = [look.column for look in looks if look.kind in _TEXT]
    better, worse = (
        [name for name in texts if words & set(tokens_of(name))] for words in (_BETTER, _WORSE)
    )
    if len(better) == len(worse) == 1 and better != worse:
        return {"chosen": better[0], "rejected": worse[0]}
    return {}


def _is_sided(look: Look, looks: Sequence[Look]) -> bool:
    """Tell whether a column is one of two that differ in the side only."""
    names = {other.column.lower() for other in looks}
    name = look.column.lower()
    return any(
        name.endswith(end) and name[: -len(end)] + twin in names
        for end, twin in (("_a", "_b"), ("_b", "_a"), ("_1", "_2"), ("_2", "_1"))
    )


def command(file: str, looks: Sequence[Look]) -> str | None:
    """Return a complete command that reads a file, None where its columns suggest none.

    Examples
    --------
    >>> print(command("v.csv", [Look("one", "texts"), Look("two", "texts"), Look("v", "verdicts")]))
    workbench load v.csv --map response_a=one --map response_b=two --map label=v
    """
    roles = roles_to_try(looks)
    if not roles:
        return None
    if "chosen" in roles:
        told = [f"--map {shlex.quote(f'{role}={name}')}" for role, name in roles.items()]
        return " ".join([f"workbench load {shlex.quote(file)}", *told])
    columns = _verdict_columns(looks, roles)
    several = len(columns) > 1
    maps = [f"--map {shlex.quote(f'{role}={name}')}" for role, name in roles.items()
            if not (several and role == "label")]  # fmt: skip
    asked = [_several(columns)[0]] if several else []
    return " ".join([f"workbench load {shlex.quote(file)}", *maps, *asked, *_said(columns)[:1]])


def other_readings(looks: Sequence[Look]) -> list[str]:
    """Return in words what else the columns could mean, beside the command's reading.

    Examples
    --------
    >>> looks = [Look("one", "texts"), Look("two", "texts"), Look("ann", "codes", ("1", "2")),
    ...          Look("bob", "codes", ("1", "2"))]
    >>> for reading in other_readings(looks):
    ...     print(reading)
    or, if the sides are the other way round: --verdict 1=b --verdict 2=a
    or, if ann, bob are criteria, no people: --label ann=ann --label bob=bob
    """
    roles = roles_to_try(looks)
    if not roles or "chosen" in roles:
        return []
    columns = _verdict_columns(looks, roles)
    turned = _said(columns)[1:]
    found = [f"or, if the sides are the other way round: {text}" for text in turned]
    if len(columns) > 1:
        names = ", ".join(look.column for look in columns)
        what = "people, no criteria" if _are_criteria(columns) else "criteria, no people"
        found.append(f"or, if {names} are {what}: {_several(columns)[1]}")
    return found


def _said(columns: Sequence[Look]) -> list[str]:
    """Return the flags that say what the values of some columns of verdicts mean."""
    if columns[0].kind not in ("codes", "flags", "numbers"):
        return []
    return flags(list(dict.fromkeys(value for look in columns for value in look.values)))


def _several(columns: Sequence[Look]) -> list[str]:
    """Return the flags for several columns of verdicts: as people, as criteria; likely first."""
    names = [look.column for look in columns]
    people = f"--annotators {shlex.quote(','.join(names))}"
    criteria = " ".join(f"--label {shlex.quote(f'{name}={name}')}" for name in names)
    return [criteria, people] if _are_criteria(columns) else [people, criteria]


def _are_criteria(columns: Sequence[Look]) -> bool:
    named = sum(bool(_CRITERIA & set(tokens_of(look.column))) for look in columns)
    return 2 * named > len(columns)


def _verdict_columns(looks: Sequence[Look], roles: Mapping[str, str]) -> list[Look]:
    """Return the column of the label, and the others that hold verdicts of the same values."""
    label = next(look for look in looks if look.column == roles["label"])
    named = propose([look.column for look in looks])
    if label.column in named.values() or label.kind == "names":
        return [label]
    told = bool(_LABEL_WORDS & set(tokens_of(label.column)))
    taken = {*roles.values(), *named.values()} - {label.column}
    alike = [
        look
        for look in looks
        if look.column not in taken
        and _values_alike(look, label)
        and told == bool(_LABEL_WORDS & set(tokens_of(look.column)))
    ]
    return alike if label in alike else [label]


def _values_alike(one: Look, other: Look) -> bool:
    """Tell whether two columns of verdicts are written alike: words, or codes of one scale."""
    if "verdicts" in (one.kind, other.kind) or "flags" in (one.kind, other.kind):
        return one.kind == other.kind
    if not {one.kind, other.kind} <= {"codes", "numbers"}:
        return False
    if is_signed(one) or is_signed(other):
        return is_signed(one) and is_signed(other)
    mine, its = set(one.values), set(other.values)
    return len(mine & its) > 1 and (mine <= its or its <= mine)


def is_signed(look: Look) -> bool:
    """Tell whether numbers lie on both sides of 0, as on a scale from B to A.

    Examples
    --------
    >>> is_signed(Look("v", "numbers", ("-3", "1", "2"))), is_signed(Look("n", "codes", ("1",)))
    (True, False)
    """
    numbers = [number_of(value) for value in look.values]
    return look.kind in ("codes", "numbers") and min(numbers, default=0) < 0 < max(numbers)


def _sides(looks: Sequence[Look], named: Mapping[str, str]) -> dict[str, str]:
    """Return the two columns of the responses, or of the models where there is no text."""
    for stem in ("response", "media", "model"):
        if {f"{stem}_a", f"{stem}_b"} <= named.keys():
            return {f"{stem}_{side}": named[f"{stem}_{side}"] for side in "ab"}
    texts = [look.column for look in looks if look.kind in _TEXT]
    rest = [column for column in texts if column != named.get("prompt")]
    if len(rest) >= 2:
        one, other = _most_alike(rest)
        first = rest[0] if "prompt" not in named and rest[0] not in (one, other) else None
        prompt = {} if first is None else {"prompt": first}
        return {**prompt, "response_a": one, "response_b": other}
    models = [look for look in looks if look.kind == "names"]
    for i, look in enumerate(models):
        for other_look in models[i + 1 :]:
            if len({*look.values} & {*other_look.values}) > 1:
                return {"model_a": look.column, "model_b": other_look.column}
    return {}


def _most_alike(columns: Sequence[str]) -> tuple[str, str]:
    """Return the two columns whose names share most; the last two where none share anything."""
    best, pair = 0.0, (columns[-2], columns[-1])
    for i, one in enumerate(columns):
        for other in columns[i + 1 :]:
            mine, its = set(tokens_of(one)), set(tokens_of(other))
            alike = len(mine & its) / max(len(mine | its), 1)
            if alike > best:
                best, pair = alike, (one, other)
    return pair


def _label(looks: Sequence[Look], taken: set[str]) -> str | None:
    """Return the column that looks most like verdicts."""
    free = [look for look in looks if look.column not in taken]
    for kinds in (("verdicts",), ("codes", "flags"), ("numbers",), ("names",)):
        found = [look for look in free if look.kind in kinds]
        told = [look for look in found if _LABEL_WORDS & set(tokens_of(look.column))]
        if told or (found and kinds != ("numbers",) and kinds != ("names",)):
            return (told or found)[0].column
        scales = [look for look in found if kinds == ("numbers",) and is_signed(look)]
        if scales:
            return scales[0].column
    names = [look.column for look in free if look.kind == "names" and key_of_name(look.column)]
    return names[0] if len(names) == 1 else None
