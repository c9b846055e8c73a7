"""What the data are, and what they could have shown where nothing was found."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from workbench.compare.contrast import Contrast
from workbench.compare.contrast_rows import POWER
from workbench.data.columns import NOUNS
from workbench.data.dataset import PreferenceData
from workbench.decompose.decomposition import Decomposition
from workbench.decompose.design import POSITION
from workbench.decompose.labelled import NO_VALUE
from workbench.overview.words import counted, few, points, what, who

_ONE = {"human": "person", "llm": "LLM judge", "reward_model": "reward model", "rule": "rule",
        "objective": "set of gold labels"}  # fmt: skip


def line_of(data: PreferenceData) -> str:
    """Say in one line what the data are: pairs, prompts, who labelled how much.

    Examples
    --------
    >>> import workbench as wb
    >>> line_of(wb.load("sample")).partition(" labelled ")[0]
    'sample (simulated): 2,000 pairs of responses to 653 prompts'
    """
    report, people = data.load_report, data.annotators
    name = "data" if report is None else report.source
    groups = []
    for kind, own in people.groupby("kind", sort=False):
        noun = counted(len(own), _ONE.get(str(kind), "annotator"), NOUNS.get(str(kind)))
        groups.append(
            (int(own["n_labels"].sum()), f"{noun} ({counted(int(own['n_labels'].sum()), 'label')})")
        )
    by = few([text for _, text in sorted(groups, reverse=True)], 5) if groups else "nobody"
    prompts = counted(int(data.pairs["cluster"].nunique()), "prompt")
    has = int(data.pairs[["response_a", "response_b"]].notna().all(axis=1).sum())
    of = " of responses" if has else " without text"
    of = of if has in (0, len(data.pairs)) else f", {has:,} of them with text,"
    return f"{name}: {counted(len(data.pairs), 'pair')}{of} to {prompts} labelled by {by}"


def unused(people: Decomposition, judges: Decomposition | None) -> list[str]:
    """Say whose labels are in no weight for want of a factor's value, as pairs without text."""
    lines = []
    for fits in (people, judges) if judges is not None else (people,):
        lost = fits.exclusions[fits.exclusions["reason"].eq(NO_VALUE)]
        lines += [
            f"{counted(int(n), 'label')} of {who(str(group))} {'counts' if n == 1 else 'count'} "
            f"for no weight, for want of a factor's value; {fits.fits[str(group)].n:,} do."
            for group, n in lost.groupby("group", sort=False)["n"].sum().items()
        ]
    return lines


def nothing_found(people: Decomposition, gap: Contrast | None) -> str:
    """Say that nothing was found, and which difference or weight such data would have shown."""
    if gap is None:
        return _weights(people)
    own = gap.estimates[gap.estimates["term"].ne(POSITION)]
    told = own.dropna(subset=["detectable"])
    names = few([who(name) for name in dict.fromkeys(gap.scale["group"])])
    if told.empty:
        why = own["reason"].dropna()
        return f"No difference between {names} and {who(gap.settings['reference'])} can be told" + (
            f": {why.iloc[0]}." if len(why) else "."
        )
    size = told.groupby("term", sort=False)["detectable"].min()
    reference = who(gap.settings["reference"])
    return f"No factor surely weighs otherwise for {names} than for {reference}. " + _found(size)


def _weights(people: Decomposition) -> str:
    table = people.to_frame()
    own = table[table["term"].ne(POSITION)]
    told = own[np.isfinite(own["per_sd_high"])]
    name = who(people.groups[0])
    if told.empty:
        why = own["reason"].dropna()
        n = counted(int(own["n"].max()), "label") if len(own) else "no label"
        return f"{n} of {name} cannot tell the weight of any factor" + (
            f": {why.iloc[0]}." if len(why) else "."
        )
    df = told["df"].fillna(np.inf).to_numpy()
    error = (told["per_sd_high"] - told["per_sd"]) / stdtrit(df, 0.5 + people.settings["level"] / 2)
    reach = (stdtrit(df, 0.975) + stdtrit(df, POWER)) * error
    size = pd.Series(reach.to_numpy(), told["term"].to_numpy())
    return f"No factor is surely rewarded or punished by {name}. " + _found(size)


def _found(size: pd.Series) -> str:
    """Say which size such data find with power 80 %."""
    size = size.sort_values(kind="stable")
    half, least, most = float(size.median()), size.index[0], size.index[-1]
    return (
        f"Such data find, four times in five, {half:.2f} log-odds per SD "
        f"({points(half)} of an even choice) on half of the factors: from {size.iloc[0]:.2f} on "
        f"{what(str(least))} to {size.iloc[-1]:.2f} on {what(str(most))}."
    )
