"""What was discovered: directions, their names, and what labels say of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import pandas as pd

from workbench.data.dataset import PreferenceData
from workbench.discover.columns import with_directions
from workbench.discover.dictionary import Dictionary
from workbench.discover.fidelity import factor_of
from workbench.embedding.base import Embedding
from workbench.embedding.offline import OfflineEmbedding
from workbench.embedding.pairs import embed_pairs
from workbench.errors import DesignError
from workbench.factors.rubric.definition import Rubric
from workbench.intervals import ends_text
from workbench.llm.progress import spending_frame
from workbench.provenance import Provenance
from workbench.results import TIDY, Result

if TYPE_CHECKING:
    import plotly.graph_objects as go

METHOD = "joint logit of the measurable directions, CR2 errors by prompt"

_FATES = {
    "survives": "a named factor",
    "no name": "without a name",
    "no fidelity": "named, but scores of the name do not follow it",
    "joined": "joined into another",
    "not measurable": "the screening prompts hardly vary in it",
}
"""What became of a direction."""

_FIRST = ("term", "direction", "name", "fate", "survives", "expressed")
_LAST = (
    "active", "active_low", "active_high", "active_pairs", "variance", "measurable",
    "fidelity", "fidelity_error", "fidelity_low", "fidelity_high", "fidelity_p", "fidelity_q",
    "fidelity_n", "fidelity_reason", "joined_into", "correlation", "unit",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Discovery(Result):
    """Directions in which responses differ, and which of them are factors.

    Attributes
    ----------
    data : PreferenceData
        The screening part, whose prompts chose neither directions nor names, with the surviving
        directions as factors.
    directions : DataFrame
        One row a direction of the dictionary: the tidy columns (its weight on the labels of the
        screening part, beside the other measurable directions, per root mean square of its
        activation), ``expressed`` (q up to 1 - level), ``active`` (share of pairs),
        ``variance`` (share of the differences' squared length), ``measurable``, ``fidelity`` (the
        correlation of its name's scores with it) with interval, p, q and n, ``joined_into``, and
        ``fate``; ``survives`` says that it is a factor.
    shown : DataFrame
        Pairs that each name was made of.
    held_out : DataFrame
        Held-out scores of the joint fit of the measurable directions.
    dictionary : Dictionary
    embedding : OfflineEmbedding or None
        What made the vectors, where no model did.
    settings : dict
    provenance : Provenance
    """

    heading: ClassVar[str] = "Discovered factors"
    about: ClassVar[str] = (
        "Properties that nobody named beforehand: directions of embedding differences, found on "
        "some prompts, named and tested on others. Measurable: the set varies in it. Fidelity: "
        "scores of the name follow the direction on pairs that it was not named on. Expressed: "
        "labels follow it on prompts that chose neither, beside the other directions."
    )

    data: PreferenceData = field(repr=False)
    directions: pd.DataFrame
    shown: pd.DataFrame = field(repr=False)
    held_out: pd.DataFrame = field(repr=False)
    dictionary: Dictionary = field(repr=False)
    embedding: OfflineEmbedding | None = field(repr=False)
    settings: dict[str, Any]
    provenance: Provenance

    @property
    def survivors(self) -> pd.DataFrame:
        """Return the directions that are factors."""
        return self.directions[self.directions["survives"]]

    def rubric(self) -> Rubric:
        """Return the names as a rubric: a model scores new pairs by them, without embeddings.

        Raises
        ------
        DesignError
            No direction survived.
        """
        self._refuse_none()
        factors = tuple(factor_of(str(name)) for name in self.survivors["name"])
        about = f"Discovered in data {self.provenance.dataset}; named by {self.settings['model']}."
        return Rubric("discovered", factors, about)

    def apply(
        self, data: PreferenceData, embedding: Embedding | str | None = None
    ) -> PreferenceData:
        """Return data with the survivors as factors, measured by the dictionary.

        Parameters
        ----------
        data : PreferenceData
            Of the same data or of others.
        embedding : Embedding or str, optional
            What made the vectors that the dictionary was learnt from; the offline one, which is
            kept, when None.

        Returns
        -------
        PreferenceData
            A pair without an embedding has NaN, which a fit counts as left out.

        Raises
        ------
        DesignError
            No direction survived; or the embedding is another one.
        """
        self._refuse_none()
        own = self.embedding if embedding is None else embedding
        if own is None:
            raise DesignError(
                "The embedding of these factors is not kept with them.",
                found=f"vectors of {self.settings['embedding']['name']}",
                expected="embedding= what made them",
                fix="Pass the same embedding, or let a model score the names: rubric().",
            )
        vectors = embed_pairs(data, own)
        named = self.settings["embedding"]
        if (
            vectors.d != self.dictionary.decoder.shape[1]
            or vectors.embedding["name"] != named["name"]
        ):
            raise DesignError(
                "The embedding is another one.",
                found=f"{vectors.embedding['name']}, {vectors.d} numbers",
                expected=f"{named['name']}, {self.dictionary.decoder.shape[1]} numbers",
                fix="Pass the embedding that the factors were discovered with.",
            )
        activations = np.concatenate(
            [self.dictionary.activations(block) for _, block in vectors.blocks()]
        )
        return with_directions(
            data, vectors.pair_ids, activations, self.survivors, self.settings["model"],
            self.dictionary.digest,
        )  # fmt: skip

    def _refuse_none(self) -> None:
        if not self.directions["survives"].any():
            raise DesignError(
                "No factor was discovered.",
                found=_counted(self.directions),
                expected="a direction with a name that its scores follow",
                fix="Look for more directions, take more pairs, or another embedding or model.",
            )

    def save(self, folder: str | Path) -> None:
        """Write it into a folder: JSON and Parquet.

        Parameters
        ----------
        folder : str or Path
        """
        from workbench.discover.saved import save

        save(self, Path(folder))

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read what :meth:`save` wrote.

        Parameters
        ----------
        folder : str or Path

        Raises
        ------
        DataError
            The folder holds no discovery.
        """
        from workbench.discover.saved import read

        return cls(**read(Path(folder)))

    def to_frame(self) -> pd.DataFrame:
        """Return the directions, survivors first, each by its q-value."""
        table = self.directions
        order = np.lexsort(
            (table["direction"], table["q_value"].fillna(2.0), ~table["survives"].to_numpy(bool))
        )
        return table.iloc[order].reset_index(drop=True)

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return directions, the pairs that they were named on, held-out scores and spending."""
        found = {"directions": self.to_frame(), "shown": self.shown}
        if len(self.held_out):
            found["held_out"] = self.held_out
        return {**found, "spending": spending_frame(self.settings["spending"])}

    def summary(self) -> str:
        """Return survivors with weights and fidelity, and what became of the others."""
        used, pairs = self.settings, self.settings["pairs"]
        offline = " (built in: it counts words)" if used["model"].startswith("offline:") else ""
        lines = [
            f"{len(self.survivors)} factors of {len(self.directions)} directions; embeddings: "
            f"{used['embedding']['name']}; named and scored by {used['model']}{offline}",
            f"learnt on {pairs['learn']:,} pairs, named on {pairs['name']:,}, weights of "
            f"{pairs['screen']:,} of other prompts; {used['level']:.0%} intervals; "
            f"{1 - used['unexplained']:.1%} of the differences' squared length explained on "
            "prompts that they were not learnt on",
        ]
        for row in self.to_frame()[self.to_frame()["survives"]].to_dict("records"):
            lines += _lines(row)
        lines.append(f"directions: {_counted(self.directions)}")
        lines += [f"left out: {n:,} pairs, {why}" for why, n in used["left_out"].items()]
        lines.append(f"method: {METHOD}; Benjamini-Hochberg over directions")
        return "\n".join(lines)

    def plot(self) -> go.Figure:
        """Return the weights of the survivors with their intervals."""
        from workbench.plots.forest import forest

        return forest(
            self.to_frame()[self.to_frame()["survives"]],
            x_title="weight on prompts that did not choose it (log-odds per RMS)",
        )


def table_of(
    table: pd.DataFrame, weights: pd.DataFrame, options: Mapping[str, Any]
) -> pd.DataFrame:
    """Return the table of directions: what is known of each, and what became of it.

    Parameters
    ----------
    table : DataFrame
        One row a direction: ``direction, term, name``, fidelity, activity and joins.
    weights : DataFrame
        Of the measurable directions that were not joined, by ``term``.
    options : mapping
        With ``level`` and ``least_fidelity``.
    """
    rate = 1.0 - options["level"] + 1e-12
    found = table.merge(weights, on="term", how="left")
    true_name = (found["fidelity_q"] <= rate) & (found["fidelity"] >= options["least_fidelity"])
    fates = [
        (found["joined_into"].notna(), "joined"),
        (~found["measurable"], "not measurable"),
        (found["name"].isna(), "no name"),
        (~true_name, "no fidelity"),
    ]
    found["fate"] = np.select([one for one, _ in fates], [name for _, name in fates], "survives")
    found["survives"] = found["fate"] == "survives"
    found["expressed"] = (found["q_value"] <= rate).fillna(False).astype(bool)
    untested = found["joined_into"].notna() | ~found["measurable"]
    why = found["fate"].map(_FATES)
    found["reason"] = found["reason"].astype(object).where(~untested, why)
    for column in ("name", "reason", "fidelity_reason"):
        words = found[column].astype(object)
        found[column] = words.where(words.notna(), None)
    columns = [*_FIRST, *(c for c in TIDY if c != "term"), "n_clusters", "method", *_LAST, "reason"]
    found["method"] = METHOD
    return found.reindex(columns=columns)


def _counted(directions: pd.DataFrame) -> str:
    counts = directions["fate"].value_counts()
    parts = [f"{counts[fate]} {words}" for fate, words in _FATES.items() if counts.get(fate, 0)]
    return "; ".join(parts) or "none"


def _lines(row: Mapping[Any, Any]) -> list[str]:
    ends = ends_text(row["conf_low"], row["conf_high"], row["reason"])
    q = f", q = {row['q_value']:.3g}" if np.isfinite(row["q_value"]) else ""
    mark = "expressed" if row["expressed"] else "not expressed"
    said = (
        f"weight {row['estimate']:+.3f} {ends}{q}" if np.isfinite(row["estimate"]) else "no weight"
    )
    return [
        f"  {row['term']}: {mark}: {said}, n = {row['n']:,.0f}",
        f"    active in {row['active']:.1%} of pairs; fidelity {row['fidelity']:+.2f} "
        f"[{row['fidelity_low']:+.2f}, {row['fidelity_high']:+.2f}], q = {row['fidelity_q']:.2g}, "
        f"{row['fidelity_n']:,.0f} pairs",
    ]
