"""What the factors mean, one click away from every figure of them."""

from __future__ import annotations

import pandas as pd
import streamlit as st

import workbench as wb
from workbench.decompose.design import POSITION
from workbench.factors.glossary import glossary


def explain_factors(data: wb.PreferenceData) -> None:
    """Offer a table of what each factor of the data counts, with an example."""
    with st.popover("What do these factors mean?", icon=":material/menu_book:", type="tertiary"):
        st.caption(
            "Each factor is a value of either response; what is fitted is its coded difference, A "
            "minus B. A weight above 0: the response that has more of it is preferred."
        )
        # names and meanings may be those of the data: cells of a table are no markup
        st.dataframe(_meanings(data), key="glossary", hide_index=True, width=900)


def meanings(data: wb.PreferenceData) -> dict[str, str]:
    """Return what each factor of the data means, where it says so."""
    specs = data.factor_specs
    told = {POSITION: "Being shown first, whatever the texts say."}
    return told | {
        name: str(spec["meaning"]) for name, spec in specs.items() if spec.get("meaning")
    }


def _meanings(data: wb.PreferenceData) -> pd.DataFrame:
    told = meanings(data)
    names = [*data.factor_names, POSITION]
    rows = pd.DataFrame({"factor": names, "meaning": [told.get(name, "") for name in names]})
    # an example is of the catalogue's factor, not of another that has its name
    known = glossary().drop(columns=["family", "unit"])
    return rows.merge(known, on=["factor", "meaning"], how="left")
