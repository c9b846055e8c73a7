"""Checks of what stands beside verdicts: reasons, and lists of what responses hold."""

from __future__ import annotations

import pandas as pd

from workbench.doctor.checkup import Check, State
from workbench.doctor.facts import Facts
from workbench.doctor.fits import NO_FACTOR
from workbench.explain.rationales.rationales import LEAST
from workbench.explain.rationales.sources import pooled
from workbench.explain.rationales.texts import REASON, reason_columns, reasons_of
from workbench.factors.listed import held_lists
from workbench.structure.values.theories import theories_in
from workbench.structure.values.values import LEAST as LEAST_APART

_UNIT = "reasons of one annotator"


def rationales(facts: Facts) -> Check:
    """Check whether labels have reasons that can be held against weights."""
    name, command = "rationales", "workbench rationales DATA"
    found = reason_columns(facts.data)
    if not found:
        need = "reasons: a column (--column NAME), or what judges wrote beside verdicts (raw)"
        return Check(name, command, "needs more", lacking=need)
    column = REASON if next(iter(found)) in (REASON, "raw") else next(iter(found))
    command += "" if column == REASON else f" --column {column}"
    told = pd.notna(reasons_of(facts.data, column).text)
    # people are told of as one
    n = int(pooled(facts.data).labels.loc[told, "annotator"].value_counts().max())
    if not facts.factors:
        return Check(name, command, "needs more", n, _UNIT, lacking=NO_FACTOR)
    state: State = "yes" if n >= LEAST else "too small"
    where = ", ".join(f"{one} ({count:,})" for one, count in found.items())
    return Check(name, command, state, n, _UNIT, LEAST, also=f"they stand in {where}")


def values(facts: Facts) -> Check:
    """Check whether responses have lists of values, or of anything else that they hold."""
    name, command = "values", "workbench values DATA"
    found = held_lists(facts.data)
    if not found:
        need = "lists of what each response holds (values_a and values_b, or --column NAME)"
        return Check(name, command, "needs more", lacking=need)
    column, listed = next(iter(found.items()))
    command += "" if column == "values" else f" --column {column}"
    counts = listed.counts()
    n = sum(a is not None and b is not None for a, b in zip(*listed.sides, strict=True))
    apart = sum(count >= LEAST_APART for count in counts.values())
    kinds = theories_in(facts.data, column)
    also = f"{apart:,} of {len(listed.names):,} names tell {LEAST_APART} pairs apart or more"
    also += f"; theories: {', '.join(kinds.kinds)}" if kinds else ""
    also += f"; other lists: {', '.join(list(found)[1:])}" if len(found) > 1 else ""
    state: State = "yes" if apart else "too small"
    return Check(name, command, state, n, "pairs with lists", also=also)
