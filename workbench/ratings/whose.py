"""Whose labels are rated, and what cannot be rated at all."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError


@dataclass(frozen=True)
class Whose:
    """Whose labels are rated: everybody's where there are no names.

    Attributes
    ----------
    names : tuple of str, or None
    column : {"annotator", "kind"}
        What the names are names of.
    """

    names: tuple[str, ...] | None = None
    column: Literal["annotator", "kind"] = "annotator"

    def of(self, data: PreferenceData) -> NDArray[np.bool_]:
        """Return which labels of some data are theirs, shape (labels,)."""
        if self.names is None:
            return np.ones(len(data.labels), dtype=bool)
        return data.coded("labels", self.column).among(self.names)


def whose(
    annotator: str | Iterable[str] | None, annotators: pd.Series, kinds: Collection[str]
) -> Whose:
    """Return whose labels are meant, of some annotators and kinds, or raise."""
    if annotator is None:
        return Whose()
    names = (annotator,) if isinstance(annotator, str) else tuple(annotator)
    known = set(annotators)
    if len(names) == 1 and names[0] not in known and names[0] in kinds:
        return Whose(names, "kind")
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise DesignError(
            f"The data have no annotator {unknown[0]!r}." if unknown else "No annotator is named.",
            found=", ".join(annotators.head(12)),
            expected="names of annotators, or one kind such as 'human'",
            fix="Check the spelling; names are case-sensitive.",
        )
    return Whose(names)


def no_battle(exclusions: pd.DataFrame) -> DesignError:
    """Return the error of data of which no label can be rated."""
    found = "; ".join(f"{r.n:,} {r.reason}" for r in exclusions.itertuples()) or "no labels"
    return DesignError(
        "No label can be rated.",
        found=found,
        expected="at least one verdict on a pair of two named models",
        fix="Check model_a and model_b, the annotator, the covariates and ties=.",
    )


def refuse_nameless(names: int) -> None:
    """Refuse data with fewer than two names of models."""
    if names < 2:
        raise DesignError(
            "The data do not say which models wrote the responses.",
            found=f"{names} model names in model_a and model_b",
            expected="at least two",
            fix="Give the file columns model_a and model_b (or map them when loading).",
        )


def refuse_covariates(known: Sequence[str], covariates: Sequence[str]) -> None:
    """Refuse covariates that are no factors of the data, or are named twice."""
    missing = [name for name in covariates if name not in known]
    if missing:
        raise DesignError(
            f"The data have no factor {missing[0]!r}.",
            found=", ".join(known) or "no factor columns",
            expected="names of scored factors",
            fix="Score them first: data = workbench.score_factors(data).",
        )
    if len(set(covariates)) < len(covariates):
        raise DesignError(
            "A covariate is named twice.",
            found=", ".join(covariates),
            expected="each factor once",
            fix="Drop the repeated name from covariates=.",
        )
