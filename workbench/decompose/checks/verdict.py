"""One verdict a group: whether anything in its labels speaks against the model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from workbench.decompose.errors.tidy import q_values

Q_LEVEL = 0.05
"""A finding needs a q-value below this."""
POOR = 0.02
"""Share of the fit's gain over a coin that an added term must add to be a warning."""

FAMILIES = {
    "link": "link",
    "calibration": "calibration",
    "bend": "curvature",
    "step": "curvature",
    "interaction": "interaction",
    "slope": "slope",
}
"""The families of tests, within which q-values are taken, by kind of term."""

COLUMNS = ("group", "verdict", "p_value", "q_value", "kinds", "coin_gain", "added_gain",
           "scanned", "factors", "interactions", "undefined", "n", "n_clusters", "method",
           "reason")  # fmt: skip
METHOD = "Simes within a kind of test, Bonferroni over the kinds; q: Benjamini-Hochberg over groups"

FITS = "no misfit was found"
TOO_CERTAIN = f"{FITS}, but predictions of held-out labels are too certain"
SLIGHT = "misfit, too small to change predictions much"
BAD = "the model does not describe the labels"
UNKNOWN = "cannot be told"


def verdicts(
    about: pd.DataFrame, tests: pd.DataFrame, interactions: pd.DataFrame
) -> pd.DataFrame:  # fmt: skip
    """Return one row a group: its verdict, with a p-value over all tests of the group.

    Parameters
    ----------
    about : DataFrame
        ``group, n, n_clusters, coin_gain, scanned, factors, reason`` where known.
    tests, interactions : DataFrame
        Of all groups.
    """
    every = pd.concat([tests, interactions], ignore_index=True)
    every = every.assign(family=every["kind"].map(FAMILIES))
    tested = every[every["p_value"].notna()]
    rows = [
        {
            **record,
            **_of_group(tested[tested["group"] == record["group"]]),
            **_counted(interactions[interactions["group"] == record["group"]]),
        }
        for record in about.to_dict("records")
    ]
    table = pd.DataFrame(rows).reindex(columns=list(COLUMNS))
    table["q_value"] = q_values(table["p_value"].to_numpy("float64"))
    certain = set(too_certain(tests)["group"])
    table["verdict"] = [_verdict(row, row["group"] in certain) for row in table.to_dict("records")]
    reason = table["reason"].astype("object")
    none = table["p_value"].isna() & reason.isna()
    table["reason"] = reason.where(reason.notna(), None).mask(none, "nothing could be tested")
    return table.assign(method=METHOD)


def _of_group(own: pd.DataFrame) -> dict[str, Any]:
    # the smallest Benjamini-Hochberg value of a family is Simes' p-value of all of it
    least = own.groupby("family")["q_within"].min()
    if least.empty:
        return {}
    clear = own[own["q_value"] < Q_LEVEL]
    if clear.empty:
        # they may be clear together only
        clear = own.nsmallest(1, "p_value")
    gain = float(clear["gain"].max())
    kinds = ", ".join(least.index[least * len(least) < Q_LEVEL])
    return {"p_value": min(1.0, float(least.min()) * len(least)), "added_gain": gain,
            "kinds": kinds}  # fmt: skip


def _counted(own: pd.DataFrame) -> dict[str, int]:
    return {"interactions": len(own), "undefined": int(own["p_value"].isna().sum())}


def too_certain(tests: pd.DataFrame) -> pd.DataFrame:
    """Return the held-out slopes whose interval is below 1.

    Parameters
    ----------
    tests : DataFrame
        Of a check.
    """
    return tests[(tests["kind"] == "slope") & (tests["conf_high"] < 1)]


def _verdict(row: dict[Any, Any], certain: bool) -> str:
    if not np.isfinite(row["p_value"]):
        return UNKNOWN
    if not row["q_value"] < Q_LEVEL:
        return TOO_CERTAIN if certain else FITS
    return BAD if row["added_gain"] > POOR * row["coin_gain"] else SLIGHT
