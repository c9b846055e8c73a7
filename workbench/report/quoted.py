"""The pairs behind findings, quoted: who preferred which response, and how the factor differs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from workbench.compare.contrast import Contrast
from workbench.data.dataset import PreferenceData
from workbench.decompose.decomposition import Decomposition
from workbench.decompose.design import POSITION
from workbench.errors import DesignError
from workbench.explain.behind import behind
from workbench.finding import Finding
from workbench.report.page import Quote, Quoted, Section, Text
from workbench.report.pair_view import factor_values, labels_of
from workbench.results import Result

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


def quoted(
    findings: Sequence[Finding], results: Iterable[Result], data: PreferenceData | None
) -> dict[int, Quoted]:
    """Return the pairs behind findings, by the number of the finding.

    Parameters
    ----------
    findings : sequence of Finding
    results : iterable of Result
        Whose decompositions and contrasts hold the findings' numbers.
    data : PreferenceData or None
        That holds their texts; without it nothing is quoted.

    Examples
    --------
    >>> quoted([], [], None)
    {}
    """
    if data is None:
        return {}
    results = list(results)
    found: dict[int, Quoted] = {}
    for k, finding in enumerate(findings):
        if len(found) == _FINDINGS:
            break
        pairs = _behind(finding, results, data)
        if len(pairs):
            quotes = tuple(_quote(row, finding, data) for row in pairs.to_dict("records"))
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


def _behind(finding: Finding, results: Sequence[Result], data: PreferenceData) -> pd.DataFrame:
    """Return the pairs that speak for a finding: those it names, or those behind its number."""
    known = set(data.pairs["pair_id"])
    if finding.evidence:
        named = [pair for pair in finding.evidence if pair in known]
        return pd.DataFrame({"pair_id": named[:_PAIRS]})
    nothing = pd.DataFrame({"pair_id": []})
    if finding.group is None or finding.term is None:
        return nothing
    fit, base = (_fit_of(name, results) for name in (finding.group, finding.against))
    if fit is None or (finding.against is not None and base is None):
        return nothing
    against = None if base is None or finding.against is None else (base, finding.against)
    try:
        pairs = behind(
            fit, finding.group, finding.term, against=against, n=_PAIRS,
            ratio=_ratio(finding, results), among=known,
        )  # fmt: skip
    except DesignError:
        # a number that the fit alone does not tell has no pairs of its own
        return nothing
    return pairs[pairs["speaks"] == "for"]


def _fit_of(group: str | None, results: Sequence[Result]) -> Decomposition | None:
    fits = (r for r in results if isinstance(r, Decomposition) and group in r.groups)
    return next(fits, None)


def _ratio(finding: Finding, results: Sequence[Result]) -> float | None:
    for result in results:
        if isinstance(result, Contrast) and result.settings["reference"] == finding.against:
            own = result.scale.loc[result.scale["group"] == finding.group, "ratio"]
            if len(own):
                return float(own.iloc[0])
    return None


def _quote(row: Mapping[str, object], finding: Finding, data: PreferenceData) -> Quote:
    pair_id = str(row["pair_id"])
    at = int(pd.Index(data.pairs["pair_id"]).get_indexer([pair_id])[0])
    pair = data.pairs.iloc[at]
    if finding.group is None or "label" not in row:
        facts = _voters(data, pair_id)
    else:
        facts = [_prefers(finding.group, row["label"], row["n_labels"])]
        if finding.against is not None:
            facts.append(_prefers(finding.against, row["other_label"], row["other_n_labels"]))
    if finding.term is not None and finding.term != POSITION:
        facts.append(_values(data, pair_id, finding.term))
    texts = (
        ("Prompt", pair.get("prompt"), _PROMPT),
        ("Response A", pair.get("response_a"), _RESPONSE),
        ("Response B", pair.get("response_b"), _RESPONSE),
    )
    shown = [(_named(what, pair), cut(str(text), room)) for what, text, room in texts
             if not _absent(text)]  # fmt: skip
    return Quote(pair_id, tuple(filter(None, facts)), tuple(shown))


def _named(what: str, pair: pd.Series) -> str:
    model = pair.get(f"model_{what[-1].lower()}") if what != "Prompt" else None
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


def _prefers(who: str, label: object, count: object) -> str:
    share, n = float(str(label)), int(float(str(count)))
    if np.isnan(share) or not n:
        return f"{who}: no label of this pair"
    if share == 0.5:
        return f"{who} is even between A and B ({_labels(n)})"
    side, part = ("A", share) if share > 0.5 else ("B", 1 - share)
    return f"{who} prefers {side} ({_labels(n)}{'' if part == 1 else f', {part:.0%} for {side}'})"


def _voters(data: PreferenceData, pair_id: str) -> list[str]:
    labels = labels_of(data, pair_id).dropna(subset=["preference"])
    means = labels.groupby("annotator", sort=False)["preference"].agg(["mean", "size"])
    told = [_prefers(str(who), row["mean"], row["size"]) for who, row in means.iterrows()]
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
