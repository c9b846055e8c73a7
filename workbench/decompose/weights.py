"""Weights of many groups on the same terms: what every kind of fit can give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.decompose.kernel import Array
from workbench.errors import DesignError

SEPARATOR = " | "
"""Between the parts of a group's name, as in ``gpt-x | Code``."""


@dataclass(frozen=True, eq=False)
class Weights:
    """Weights of J groups on K factors, with draws that say how sure they are.

    Attributes
    ----------
    terms : list of str
        Names of the K factors; the position is not among them.
    keys : DataFrame, J rows
        What makes each group, a column each: ``annotator``, ``scenario``, ...
    values : ndarray, shape (J, K)
        Weights in logits per unit of the coded difference; NaN where undefined.
    draws : ndarray, shape (S, J, K), or None
        Posterior draws or bootstrap replicates. Draw s of all groups belongs together.
    n : ndarray of int, shape (J,)
        Labels behind each group; 0 where unknown.
    method : str
        How the weights, and the draws, were made.
    posterior : bool
        Draws come from a posterior, not from refits: each group's are its own, and their
        mean is shrunk towards the prior.

    Examples
    --------
    >>> keys = pd.DataFrame({"annotator": ["human", "judge"], "scenario": ["Code", "Code"]})
    >>> both = Weights(["words"], keys, np.array([[0.5], [1.0]]), None, np.array([9, 9]), "given")
    >>> both.groups, both.select(annotator="judge").values
    (['human | Code', 'judge | Code'], array([[1.]]))
    """

    terms: list[str]
    keys: pd.DataFrame
    values: Array
    draws: Array | None
    n: NDArray[np.int64]
    method: str
    posterior: bool = False

    def __post_init__(self) -> None:
        shape = (len(self.keys), len(self.terms))
        tail = None if self.draws is None else self.draws.shape[1:]
        if self.values.shape != shape or tail not in (None, shape):
            raise DesignError(
                "The weights do not match their groups and factors.",
                found=f"values {self.values.shape}, draws of {tail}",
                expected=f"{shape}: one row a group, one column a factor",
                fix="Give one weight for each group and factor.",
            )

    @property
    def groups(self) -> list[str]:
        """Names of the groups: the values of ``keys``, joined."""
        return [SEPARATOR.join(map(str, row)) for row in self.keys.itertuples(index=False)]

    def take(self, rows: Sequence[int] | NDArray[np.int64]) -> Weights:
        """Return some groups, by position."""
        at = np.asarray(rows, dtype=np.int64)
        draws = None if self.draws is None else self.draws[:, at]
        keys = self.keys.iloc[at].reset_index(drop=True)
        part = {"keys": keys, "values": self.values[at], "draws": draws, "n": self.n[at]}
        return replace(self, **part)

    def select(self, **keys: str) -> Weights:
        """Return the groups whose keys have these values.

        Raises
        ------
        DesignError
            No such key, or no group has the value.
        """
        wanted = np.ones(len(self.keys), dtype=bool)
        for name, value in keys.items():
            if name not in self.keys or not (self.keys[name] == value).any():
                known = self.keys[name].unique() if name in self.keys else self.keys.columns
                raise DesignError(
                    f"No weights have {name} = {value!r}.",
                    found=", ".join(map(str, known)),
                    expected="one of these",
                    fix="Check the spelling, or fit with another by=.",
                )
            wanted &= (self.keys[name] == value).to_numpy()
        return self.take(np.flatnonzero(wanted))
