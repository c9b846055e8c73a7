"""Battles of data in parts: found once, then fitted by passes over them."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workbench.data.columns import check_nobody_vanishes
from workbench.data.parts.parted import PartedData, named
from workbench.decompose.kernel import Array, Codes
from workbench.decompose.parted.layout import answered
from workbench.decompose.parted.selection import Selecting
from workbench.engine import Engine
from workbench.errors import DesignError
from workbench.ratings.battles import BattleTies
from workbench.ratings.errors import robust
from workbench.ratings.kernel import Likelihood, RatingFit, Rows, Votes, refit
from workbench.ratings.parted.layout import Layout, Piece
from workbench.ratings.parted.likelihood import (
    LikelihoodInParts,
    MeatsAt,
    ResampledAt,
    StyledParts,
    gram_of,
)
from workbench.ratings.parted.sums import BattleSums
from workbench.ratings.style import with_style
from workbench.ratings.whose import no_battle, refuse_covariates, refuse_nameless, whose

WORK = "work"
_VALUES = 400_000
"""Values of one block of replicates."""


@dataclass(frozen=True, eq=False)
class PartedBattles:
    """Battles in parts, and the passes over them.

    Attributes
    ----------
    folder : Path
        Where they lie until :meth:`close`.
    engine : Engine
    sums : BattleSums
    pieces : list of Piece
    gram : ndarray or None
        Of the columns, among the models that are rated.
    """

    folder: Path
    engine: Engine
    sums: BattleSums
    pieces: list[Piece]
    gram: Array | None = None

    @classmethod
    def of(
        cls, data: PartedData, annotator: str | Iterable[str] | None, covariates: Sequence[str],
        ties: BattleTies, engine: Engine,
    ) -> PartedBattles:  # fmt: skip
        """Lay the battles out, in a folder beside the data that a run which goes on takes up.

        Raises
        ------
        DesignError
            No model names, an unknown annotator or covariate, or no usable label.
        """
        selection = Selecting(data).decided().selection
        people = data.annotators
        chosen = whose(annotator, people["annotator"], set(people["kind"]))
        refuse_covariates(data.factor_names, covariates)
        settings = {
            "data": data.digest,
            "selection": selection.__dict__,
            "whose": chosen.__dict__,
            "covariates": list(covariates),
            "ties": ties,
        }
        folder = data.folder.absolute() / WORK / f"rate-{named(settings)}"
        layout = Layout(str(folder), selection, chosen, tuple(covariates), ties)
        facts = list(engine.map(layout, data.refs))
        if selection.criteria is not None:
            check_nobody_vanishes(people["annotator"], answered(facts))
        refuse_nameless(len({name for one in facts for name in one["names"]}))
        models = tuple(sorted({name for one in facts for name in one["models"]}))
        exclusions = _exclusions(facts)
        if not models:
            raise no_battle(exclusions)
        place = {name: m for m, name in enumerate(models)}
        pieces = [
            Piece(str(folder / ref.name), np.array([place[m] for m in one["models"]], int), models)
            for ref, one in zip(data.refs, facts, strict=True)
        ]
        met = np.zeros((5, len(models), len(models)))
        for piece in pieces:
            met[np.ix_(np.arange(5), piece.place, piece.place)] += piece.met()
        clusters = sum(int(one["n_clusters"]) for one in facts)
        unknown = np.full(len(covariates), np.nan)
        sums = BattleSums(list(models), met, list(covariates), unknown, clusters, exclusions)
        return cls(folder, engine, sums, pieces)

    def among(self, models: Codes) -> PartedBattles:
        """Return the battles among some models, which are numbered anew."""
        K, M = len(self.sums.covariates), len(models)
        if len(self.sums.models) == M and not K:
            return self
        names = tuple(self.sums.models[m] for m in models)
        number = np.full(len(self.sums.models), -1)
        number[models] = np.arange(M)
        pieces = [replace(p, place=number[p.place], models=names) for p in self.pieces]
        clusters, gram = 0, np.zeros((M + K, M + K))
        for own, part in self.engine.map(gram_of, pieces):
            clusters += own
            gram += part
        bare = self.sums.among(models, clusters, self.sums.sd)
        total = max(float(bare.met[2:].sum()), np.finfo(float).tiny)
        sd = np.sqrt(np.diag(gram)[M:] / total)
        return replace(self, sums=replace(bare, sd=sd), pieces=pieces, gram=gram)

    def collapsed(self, davidson: bool) -> tuple[Rows, Votes]:
        """Return one row for each two models that met."""
        return self.sums.collapsed(davidson)

    def styled(
        self, names: list[str], plain: RatingFit, davidson: bool, ridge: float
    ) -> tuple[Any, list[str], dict[str, str]]:
        """Return the fit with covariates (:func:`workbench.ratings.style.with_style`)."""
        if self.gram is None:
            raise ValueError("no covariate was laid out")
        problem = StyledParts(self.pieces, self.engine, self.gram, plain.phi, davidson, ridge)
        return with_style(problem, names)

    def covariance(self, models: Sequence[Any], fits: list[RatingFit]) -> Array:
        """Return the joint cluster-robust covariance of fits (:func:`errors.sandwich`)."""
        size = sum(len(fit.phi) for fit in fits)
        if self.sums.n_clusters < 2:
            return np.full((size, size), np.nan)
        columns = models[1].columns if len(models) > 1 else []
        work = MeatsAt(tuple(fits), columns, bool(models[0].davidson))
        meats = [[np.zeros((len(a.phi), len(b.phi))) for b in fits] for a in fits]
        for part in self.engine.map(work, self.pieces):
            meats = [
                [one + two for one, two in zip(*rows, strict=True)]
                for rows in zip(meats, part, strict=True)
            ]
        return robust(meats, self.sums.n_clusters, len(self.sums), fits)

    def draws(
        self, models: Sequence[Likelihood | LikelihoodInParts], fits: list[RatingFit], count: int,
        seed: int,
    ) -> Array:  # fmt: skip
        """Refit resampled clusters: each is drawn a number of times that its name tells.

        Raises
        ------
        DesignError
            With covariates, where every resample needs the rows.
        """
        model = models[0]
        if len(models) > 1 or not isinstance(model, Likelihood):
            raise DesignError(
                "Resamples of battles with covariates need all rows at once.",
                found="data in parts",
                expected='intervals="cluster", or no covariates',
                fix="Or rate a sample, data.sample(100_000), or data.whole().",
            )
        if self.sums.n_clusters < 2:
            return np.full((count, model.P), np.nan)
        first, second = model.rows.first, model.rows.second
        width = max(1, min(count, _VALUES // max(len(first), 1)))
        found = []
        for start in range(0, count, width):
            replicates = (start, min(start + width, count))
            work = ResampledAt(first, second, replicates, seed, model.davidson)
            total = sum(self.engine.map(work, self.pieces))
            found.append(refit(model, Votes(*np.asarray(total)), fits[0]).T)
        return np.concatenate(found)

    def close(self) -> None:
        """Remove what was laid out, and the folder of unfinished work where nothing is left."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.folder.parent.is_dir() and not any(self.folder.parent.iterdir()):
            self.folder.parent.rmdir()


def _exclusions(facts: Sequence[dict[str, Any]]) -> pd.DataFrame:
    rows = [row for one in facts for row in one["exclusions"]]
    table = pd.DataFrame(rows, columns=["reason", "n"]).astype({"reason": "str", "n": "int64"})
    total = table.groupby("reason", sort=True)["n"].sum()
    return pd.DataFrame({"reason": total.index.astype("str"), "n": total.to_numpy()})
