"""One load report of the reports of parts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from workbench.data.alike.merged import examples_of, note_of
from workbench.data.alike.one_row import OF_LABELS, OF_PAIRS
from workbench.data.alike.repeats import NO_REPEATS, Repeats
from workbench.data.load_report import REPEATED, LeftOut, LoadReport, summed

_EXAMPLES = 5
_NUMBER = re.compile(r"\d[\d,]*")


def whole_report(
    parts: Iterable[LoadReport | dict[str, LeftOut]],
    *,
    source: str,
    format: str,
    settings: Mapping[str, Any],
    notes: Sequence[str],
    groups: Sequence[Sequence[str]] | None,
    people: str | None = None,
    repeats: Repeats = NO_REPEATS,
    nobody: bool = False,
) -> LoadReport:
    """Return the report of a set from those of its parts.

    Parameters
    ----------
    parts : iterable of LoadReport or dict
        Of each part; of one in which no row is usable, what was left out.
    source, format : str
    settings : mapping
        What the reader decided.
    notes : sequence of str
        Of the whole stream.
    groups : sequence, or None
        Prompts that share a cluster; None where they were not looked for.
    people : str, optional
        A note on how far people label the same prompts.
    repeats : Repeats
        Of the rows of all parts.
    nobody : bool
        Whether the files leave open who judged.

    Examples
    --------
    >>> one = LoadReport("a", "tabular", 3, 2, 2, 2, {"empty": LeftOut(1)})
    >>> kept = whole_report(
    ...     [one, one], source="a", format="tabular", settings={}, notes=(), groups=[]
    ... )
    >>> print(kept)
    4 kept; 2 left out: 2 empty
    """
    reports = list(parts)
    kept = [one for one in reports if isinstance(one, LoadReport)]
    lost = [one.left_out if isinstance(one, LoadReport) else one for one in reports]
    told = list(notes)
    if groups is None:
        told.append(
            "near-equal prompts were not looked for: the distinct prompts are too many to hold"
        )
    merged = pd.DataFrame(
        [(text, k) for k, group in enumerate(groups or ()) for text in group],
        columns=["prompt", "cluster"],
    )
    told += added_up(note for one in kept for note in one.notes)
    told += [note for note in [note_of(merged), people] if note]
    again, pasted_note = repeats.told(nobody=nobody)
    told += pasted_note
    oddly = {**summed(one.kept_oddly for one in kept), **({REPEATED: again} if again else {})}
    left_out = _left_out(lost)
    n_lost = sum(entry.count for entry in left_out.values())
    n_kept = sum(one.rows_kept for one in kept)
    return LoadReport(
        source=source,
        format=format,
        rows_read=n_kept + n_lost,
        rows_kept=n_kept,
        n_pairs=sum(one.n_pairs for one in kept),
        n_labels=sum(one.n_labels for one in kept),
        left_out=left_out,
        settings=dict(settings),
        notes=tuple(told),
        kept_oddly=oddly,
        near_equal=examples_of(merged) if len(merged) else (),
    )


def added_up(notes: Iterable[str]) -> list[str]:
    """Return notes that differ in their numbers only as one, with the numbers added up.

    Examples
    --------
    >>> added_up(["annotator: missing in 1,200 rows", "annotator: missing in 3 rows", "other"])
    ['annotator: missing in 1,203 rows', 'other']
    """
    totals: dict[str, list[int]] = {}
    listed: dict[str, dict[str, None]] = {}
    for note in notes:
        start = next((one for one in (OF_LABELS, OF_PAIRS) if note.startswith(one)), None)
        if start is not None:
            names = note.removeprefix(start).split(", ")
            listed.setdefault(start, {}).update(dict.fromkeys(names))
            continue
        if "%" in note:
            # shares of parts do not add up: the first one's stands for all
            totals.setdefault(f"{note} (in one part)", [])
            continue
        numbers = [int(one.replace(",", "")) for one in _NUMBER.findall(note)]
        form = _NUMBER.sub("\0", note)
        totals[form] = [
            a + b for a, b in zip(totals.get(form, [0] * len(numbers)), numbers, strict=True)
        ]
    told = [_filled(form, numbers) if numbers else form for form, numbers in totals.items()]
    return [*told, *(start + ", ".join(names) for start, names in listed.items())]


def _filled(form: str, numbers: list[int]) -> str:
    texts = [f"{number:,}" for number in numbers]
    parts = form.split("\0")
    return "".join(a + b for a, b in zip(parts, [*texts, ""], strict=True))


def _left_out(parts: Iterable[Mapping[str, LeftOut]]) -> dict[str, LeftOut]:
    total: dict[str, LeftOut] = {}
    for part in parts:
        for reason, entry in part.items():
            had = total.get(reason, LeftOut(0))
            examples = sorted(
                (*had.examples, *entry.examples),
                key=lambda one: (str(one.get("file") or ""), int(one["row"])),
            )
            total[reason] = LeftOut(had.count + entry.count, tuple(examples[:_EXAMPLES]))
    return total
