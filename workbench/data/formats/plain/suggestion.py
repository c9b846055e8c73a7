"""A command to try on a table that was not recognised, made of what its columns look like."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from workbench.data.formats.plain.asking import flags
from workbench.data.formats.plain.columns import key_of_name, propose, tokens_of
from workbench.data.formats.plain.looks import Look

_TEXT = ("texts", "messages", "files")
_LABEL_WORDS = {"preference", "prefer", "preferred", "label", "winner", "choice", "verdict", "vote",
                "better", "best", "rating", "score", "judgement", "judgment", "decision",
                "margin"}  # fmt: skip


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
    roles.update(_sides(looks, named))
    label = named.get("label") or _label(looks, {*roles.values()})
    if label is not None and "response_b" in roles | {"response_b": roles.get("model_b", "")}:
        roles["label"] = label
    return roles if {"response_a", "model_a"} & roles.keys() and "label" in roles else {}


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
    maps = " ".join(f"--map {shlex.quote(f'{role}={name}')}" for role, name in roles.items())
    label = next(look for look in looks if look.column == roles["label"])
    said = flags(label.values) if label.kind in ("codes", "flags", "numbers") else []
    return " ".join([f"workbench load {shlex.quote(file)}", maps, *said[:1]])


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
    names = [look.column for look in free if look.kind == "names" and key_of_name(look.column)]
    return names[0] if len(names) == 1 else None
