"""Discovered directions as ordinary factors: columns, and what they are."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.dataset import PreferenceData
from workbench.embedding.base import Matrix
from workbench.factors.catalog import FactorSpec
from workbench.factors.coding import Coding

FAMILY = "discovered"


def factor_name(direction: int, name: str | None, taken: Collection[str] = ()) -> str:
    """Return what a direction's column is called.

    Parameters
    ----------
    direction : int
    name : str or None
    taken : collection of str
        Names of factors that are there, which it may not take the place of.

    Examples
    --------
    >>> factor_name(6, None), factor_name(6, "lists steps"), factor_name(6, "words", ["words"])
    ('direction 7 (no name)', 'lists steps', 'words (discovered)')
    """
    if name is None:
        return f"direction {direction + 1} (no name)"
    return f"{name} (discovered)" if name in taken else name


def spec_of(name: str, record: Mapping[str, Any], model: str, digest: str) -> FactorSpec:
    """Return what a discovered factor is: how it was named, and how far its name can be trusted.

    Parameters
    ----------
    name : str
        Of its column.
    record : mapping
        Row of the table of directions.
    model : str
        That named it and scored its name.
    digest : str
        Of the dictionary.
    """
    told = (
        f"The response {name}." if record["name"] is not None else "A direction without a name."
    ) + f" Activation of direction {record['direction'] + 1} of dictionary {digest[:8]}"
    if np.isfinite(record["fidelity"]):
        told += (
            f"; scores of its name by {model} follow it with r = {record['fidelity']:.2f} "
            f"[{record['fidelity_low']:.2f}, {record['fidelity_high']:.2f}] on "
            f"{record['fidelity_n']:.0f} pairs that it was not named on"
        )
    coding = Coding("difference", scale=float(record["unit"]))
    return FactorSpec(name, told + ".", FAMILY, "activation", coding, f"discovered {model}")


def with_directions(
    data: PreferenceData,
    pair_ids: Sequence[str] | NDArray[Any],
    activations: Matrix,
    directions: pd.DataFrame,
    model: str,
    digest: str,
) -> PreferenceData:
    """Return the data with a factor a direction: its activation over its unit.

    Parameters
    ----------
    data : PreferenceData
    pair_ids : sequence or ndarray of str
        Of the rows of ``activations``; other pairs have NaN, which a fit counts as left out.
    activations : ndarray, shape (n, m)
        A minus B, of all directions of the dictionary.
    directions : DataFrame
        Rows of the table of directions that become factors: ``direction, term, name, unit`` and
        their fidelity.
    model, digest : str
        As for :func:`spec_of`.
    """
    place = pd.Index(pair_ids).get_indexer(data.pairs["pair_id"])
    coded, specs = {}, {}
    for record in directions.to_dict("records"):
        column = activations[:, record["direction"]].astype(np.float64) / record["unit"]
        values = np.where(place >= 0, column[place], np.nan)
        name = str(record["term"])
        coded[name] = values
        specs[name] = spec_of(name, record, model, digest).to_dict()
    nothing = pd.DataFrame(index=data.factors.index)
    return data.with_factors(pd.DataFrame(coded, index=data.factors.index), nothing, specs)
