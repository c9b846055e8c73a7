"""Data in parts, with the factors that they have in memory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from workbench.data.dataset import PreferenceData
from workbench.data.parts.part import CODED, VALUES, write_part
from workbench.data.parts.parted import PartedData


def divided(data: PreferenceData, folder: Path, n: int) -> PartedData:
    """Write data in n parts of whole clusters, and their factors beside them."""
    number = pd.factorize(data.pairs["cluster"])[0] % n
    bare = data.pairs[["pair_id"]]
    plain = replace(data, factors=bare, factor_values=bare, factor_specs={})
    facts = []
    for k in range(n):
        ids = data.pairs["pair_id"][number == k]
        facts.append(write_part(plain.filter(pair_ids=ids), folder, f"part-{k:02}"))
    found = PartedData(folder, tuple(facts), data.load_report)
    if not data.factor_specs:
        return found
    # a table without columns has no rows either
    values = data.factor_values.assign(length_a=1.0, length_b=1.0)
    scored = replace(found, scored="test", factor_specs=dict(data.factor_specs))
    for ref in scored.refs:
        ids = replace(ref, scored=None, specs={}).open().pairs[["pair_id"]]
        for kind, table in ((CODED, data.factors), (VALUES, values)):
            own = ids.merge(table, on="pair_id", how="left", validate="1:1")
            ref.write(kind, "test", own.drop(columns="pair_id"))
    return scored
