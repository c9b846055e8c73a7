"""The pairs behind findings, quoted: who preferred which response, and how the factor differs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from workbench.data.dataset import PreferenceData
from workbench.decompose.design import POSITION
from workbench.finding import Finding
from workbench.report.page import Quote, Quoted, Section, Text
from workbench.report.pair_view import factor_values, labels_of

_PAIRS = 3
"""Pairs that a finding shows."""

_FINDINGS = 12
"""Findings whose pairs are quoted: the others' are in the dashboard and in the JSON file."""

_PROMPT, _RESPONSE = 600, 1200
"""Characters that are shown of a text."""

_VOTERS = 6
_ABOUT = (
    "Pairs that speak most for a finding, not a sample: they show what it is made of, and do not "
    "prove it. Texts are quoted from the data as they are; how much of a long one is shown stands "
    "below it."
)


def quoted(findings: Sequence[Finding], data: PreferenceData | None) -> dict[int, Quoted]:
    """Return the pairs behind findings, by the number of the finding.

    Parameters
    ----------
    findings : sequence of Finding
        With the pairs that show them.
    data : PreferenceData or None
        That holds their texts; without it nothing is quoted.

    Examples
    --------
    >>> quoted([], None)
    {}
    """
    if data is None:
        return {}
    known = pd.Index(data.pairs["pair_id"])
    found: dict[int, Quoted] = {}
    for k, finding in enumerate(findings):
        pairs = [pair for pair in finding.evidence if pair in known][:_PAIRS]
        if pairs and len(found) < _FINDINGS:
            quotes = tuple(_quote(pair, finding, data) for pair in pairs)
            found[k] = Quoted(f"pairs-{k + 1}", finding.message, quotes)
    return found


def section(
    shown: Mapping[int, Quoted], findings: int, licence: str | None, *, simulated: bool
) -> Section:
    """Return the section of the quoted pairs, with a caution where others may hold rights."""
    rest = findings - len(shown)
    more = f" Of {findings} findings {len(shown)} have pairs here." if rest else ""
    text = [_ABOUT + more]
    if licence is not None:
        text.append(f"Licence of the data: {licence}. See that it allows texts to be passed on.")
    elif not simulated:
        text.append("The licence of the data is not stated: ask before texts are passed on.")
    groups = tuple(shown.values())
    return Section("pairs", "Pairs behind the findings", tuple(text), quoted=groups)


def _quote(pair_id: str, finding: Finding, data: PreferenceData) -> Quote:
    at = int(pd.Index(data.pairs["pair_id"]).get_indexer([pair_id])[0])
    pair, labels = data.pairs.iloc[at], labels_of(data, pair_id).dropna(subset=["preference"])
    named = [one for one in (finding.group, finding.against) if one is not None]
    own = [_group(name, labels) for name in named]
    # a group that is neither an annotator nor a kind: all who judged the pair are told
    facts = [_prefers(name, one) for name, one in zip(named, own, strict=True) if one is not None]
    facts = facts if facts and len(facts) == len(named) else _voters(labels)
    if finding.term is not None and finding.term != POSITION:
        facts.append(_values(data, pair_id, finding.term))
    texts = (
        ("Prompt", pair.get("prompt"), _PROMPT),
        ("Prompt of B", pair.get("prompt_b"), _PROMPT),
        ("Response A", pair.get("response_a"), _RESPONSE),
        ("Response B", pair.get("response_b"), _RESPONSE),
    )
    shown = [(_named(what, pair), cut(str(text), room)) for what, text, room in texts
             if not _absent(text)]  # fmt: skip
    return Quote(pair_id, tuple(filter(None, facts)), tuple(shown))


def _named(what: str, pair: pd.Series) -> str:
    model = pair.get(f"model_{what[-1].lower()}") if what.startswith("Response") else None
    return what if _absent(model) else f"{what} ({model})"


def cut(whole: str, room: int) -> Text:
    """Return the beginning of a text, and how much of it that is.

    Examples
    --------
    >>> cut("a" * 3310, 1204).cut
    '… 1,204 of 3,310 characters'
    """
    if len(whole) <= room:
        return Text(whole)
    return Text(whole[:room], f"… {room:,} of {len(whole):,} characters")


def _absent(text: object) -> bool:
    return text is None or text is pd.NA or (isinstance(text, float) and np.isnan(text))


def _group(name: str, labels: pd.DataFrame) -> pd.Series | None:
    """Return the preferences of an annotator or of a kind; None where there are none."""
    for column in ("annotator", "kind"):
        own = labels.loc[labels[column].eq(name), "preference"]
        if len(own):
            return own
    return None


def _prefers(who: str, preference: pd.Series) -> str:
    share, n = float(preference.mean()), len(preference)
    if share == 0.5:
        return f"{who} is even between A and B ({_labels(n)})"
    side, part = ("A", share) if share > 0.5 else ("B", 1 - share)
    return f"{who} prefers {side} ({_labels(n)}{'' if part == 1 else f', {part:.0%} for {side}'})"


def _voters(labels: pd.DataFrame) -> list[str]:
    groups = labels.groupby("annotator", sort=False)["preference"]
    told = [_prefers(str(who), own) for who, own in groups]
    more = len(told) - _VOTERS
    return told[:_VOTERS] + ([f"and {more} more annotators"] if more > 0 else [])


def _values(data: PreferenceData, pair_id: str, term: str) -> str:
    values = factor_values(data, pair_id).set_index("factor")
    if term not in values.index:
        return ""
    row = values.loc[term]
    sides = [f"{side.upper()} {row[f'value_{side}']:.4g}" for side in "ab"
             if np.isfinite(row[f"value_{side}"])]  # fmt: skip
    coded = f"coded difference A minus B {row['coded']:+.3g}"
    return f"{term}: {', '.join([*sides, coded])}"


def _labels(n: int) -> str:
    return "1 label" if n == 1 else f"{n:,} labels"
