"""The judge before and after beside people: labels, weights, win rates, ratings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.audit.judges.verdicts.preferences import reference_mask
from workbench.calibration.repair.candidates import CORRECTED, JUDGE, PROMPT, Candidate
from workbench.calibration.repair.judged import Judged
from workbench.clustered import share
from workbench.compare.contrast import contrast
from workbench.data.columns import complete_labels
from workbench.data.dataset import PreferenceData
from workbench.decompose.decomposition import decompose
from workbench.decompose.errors.tidy import q_values
from workbench.errors import WorkbenchError
from workbench.flips import paired_difference
from workbench.ratings.bradley_terry import rate
from workbench.results import TIDY

PEOPLE = "people"
WHEN = {JUDGE: "before", CORRECTED: "after", PROMPT: "after, by prompt"}
"""What a judge is called in a table of weights."""

WEIGHT_COLUMNS = (
    "group", *TIDY, "people", "judge", "ratio", "per_sd", "per_sd_low", "per_sd_high", "verdict",
    "raw", "raw_low", "raw_high", "raw_q", "method", "reason",
)  # fmt: skip
RATE_COLUMNS = (
    "term", "group", "estimate", "std_error", "conf_low", "conf_high", "n", "n_clusters", "gap",
    "gap_low", "gap_high", "p_value", "q_value", "reason",
)  # fmt: skip
RATING_COLUMNS = ("term", "group", "estimate", "std_error", "conf_low", "conf_high", "n", "reason")


def labelled(pairs: Judged, found: Mapping[str, Candidate], judge: str, people: str) -> Any:
    """Return data of the pairs with the labels of people, the judge and its repairs.

    Returns
    -------
    data : PreferenceData
        People keep their names; a repair is an annotator of its own, whose labels are out of
        fold.
    names : dict of str to str
        Name of the annotator by what it is.
    """
    data = pairs.data
    ids = data.pairs["pair_id"].to_numpy()[pairs.row]
    mine = data.labels["annotator"].eq(judge)
    kind = str(data.annotators.set_index("annotator")["kind"][judge])
    kept = data.labels[(mine | reference_mask(data, people)) & data.labels["pair_id"].isin(ids)]
    names, parts = {JUDGE: judge}, [kept]
    criterion = kept["criterion"].iloc[0]
    for what in (CORRECTED, PROMPT):
        if what not in found:
            continue
        names[what] = f"{judge} ({what})"
        known = np.isfinite(found[what].p)
        parts.append(complete_labels(pd.DataFrame({
            "pair_id": ids[known], "annotator": names[what], "kind": kind,
            "preference": found[what].p[known], "criterion": criterion, "weight": 1.0,
        })))  # fmt: skip
    labels = complete_labels(pd.concat(parts, ignore_index=True))
    return replace(data.filter(pair_ids=ids), labels=labels), names


def weights(
    data: PreferenceData, names: Mapping[str, str], people: str, factors: list[str], level: float
) -> tuple[pd.DataFrame, str | None]:
    """Return how the judge's weights differ from people's, before and after; or why not.

    Parameters
    ----------
    data : PreferenceData
    names : mapping of str to str
        Of :func:`labelled`.
    people : str
    factors : list of str
    level : float
    """
    options: dict[str, Any] = {"factors": factors, "folds": 0, "level": level}
    empty = pd.DataFrame(columns=list(WEIGHT_COLUMNS))
    if not factors:
        return empty, "no factor differs on these pairs"
    try:
        reference = decompose(data, annotator=people, **options)
        gap = contrast(decompose(data, annotator=[*names.values()], **options), reference)
    except WorkbenchError as error:
        return empty, str(error).splitlines()[0]
    table = gap.to_frame().rename(columns={"group_estimate": "judge",
                                           "reference_estimate": "people"})  # fmt: skip
    columns = {"estimate": "raw", "conf_low": "raw_low", "conf_high": "raw_high",
               "q_value": "raw_q"}  # fmt: skip
    raw = gap.raw[["group", "term", *columns]].rename(columns=columns)
    table = table.merge(raw, on=["group", "term"], how="left")
    called = {name: WHEN[what] for what, name in names.items()}
    order = {name: k for k, name in enumerate(WHEN.values())}
    table["group"] = table["group"].map(called)
    table = table.sort_values("group", key=lambda column: column.map(order), kind="stable")
    return table.reindex(columns=list(WEIGHT_COLUMNS)).reset_index(drop=True), None


def win_rates(pairs: Judged, found: Mapping[str, Candidate], level: float) -> pd.DataFrame:
    """Return each model's win rate by people, by the judge, and by its repairs, on these pairs."""
    columns = [pairs.data.pairs[f"model_{side}"].iloc[pairs.row] for side in "ab"]
    a, b = (column.astype("object").to_numpy() for column in columns)
    models = sorted({str(m) for m in (*a, *b) if pd.notna(m)})
    said = {PEOPLE: Candidate(pairs.said, pairs.said)}
    said |= {name: found[name] for name in WHEN if name in found}
    rows = [
        {"term": model, "group": who, **_rate(pairs, one, a == model, b == model, who, level)}
        for model in models
        for who, one in said.items()
    ]
    table = pd.DataFrame(rows).reindex(columns=list(RATE_COLUMNS))
    table["q_value"] = q_values(table["p_value"].to_numpy("float64"))
    return table


def _rate(
    pairs: Judged, one: Candidate, a: NDArray[np.bool_], b: NDArray[np.bool_], who: str,
    level: float,
) -> dict[str, Any]:  # fmt: skip
    p = one.p
    used = (a ^ b) & np.isfinite(p)
    mine = np.where(a, p, 1.0 - p)[used]
    theirs = np.where(a, pairs.said, 1.0 - pairs.said)[used]
    row = share(mine, pairs.cluster[used], level, spread=one.spread)
    if who != PEOPLE:
        gap = paired_difference(mine - theirs, pairs.cluster[used], level, one.spread)
        row |= {"gap": gap["estimate"], "gap_low": gap["conf_low"], "gap_high": gap["conf_high"],
                "p_value": gap["p_value"]}  # fmt: skip
    return row


def ratings(
    data: PreferenceData, names: Mapping[str, str], people: str, level: float
) -> pd.DataFrame:
    """Return Bradley-Terry ratings by people, by the judge, and by its repairs."""
    parts = []
    for who, annotator in {PEOPLE: people, **names}.items():
        try:
            table = rate(data, annotator=annotator, level=level).to_frame()
        except WorkbenchError as error:
            table = pd.DataFrame([{"term": "", "reason": str(error).splitlines()[0]}])
        parts.append(table.assign(group=who))
    table = pd.concat(parts, ignore_index=True)
    return table.reindex(columns=list(RATING_COLUMNS))
