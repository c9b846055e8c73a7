"""How far a voter can be trusted: both orders, repeats, replies that could not be read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.clustered import share
from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError, refuse_out_of_range
from workbench.intervals import MID_P
from workbench.principles.vote.votes import Vote, Votes
from workbench.provenance import Provenance
from workbench.results import TIDY, Result

if TYPE_CHECKING:
    import plotly.graph_objects as go

OVERALL = "all principles"
MEASURES = ("invalid", "swap consistency", "repeat agreement", "first side")
_REASONS = {
    "invalid": "no vote was asked for",
    "swap consistency": "no pair was voted on in both orders",
    "repeat agreement": "no pair was voted on twice in one order",
    "first side": "no vote takes a side",
}

Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Reliability(Result):
    """Reliability of the votes, overall and of each principle.

    Attributes
    ----------
    estimates : DataFrame
        One row a measure (``group``) and principle (``term``), with the tidy columns.
    """

    heading: ClassVar[str] = "Reliability of the voter"
    about: ClassVar[str] = (
        "Share of votes that could not be read; of votes that stay the same when the order is "
        "turned, or when they are asked again in the same order; and that go to what stands first."
    )

    estimates: pd.DataFrame
    settings: dict[str, Any]
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Return the measures, overall first."""
        return self.estimates

    def summary(self) -> str:
        """Return the overall measures as text, with n, interval and method."""
        own = self.estimates[self.estimates["term"] == OVERALL]
        lines = [f"Votes of {self.settings['voter']}, {self.settings['level']:.0%} intervals"]
        for row in own.to_dict("records"):
            if pd.isna(row["estimate"]):
                lines.append(f"  {row['group']}: undefined ({row['reason']})")
            else:
                interval = f"[{row['conf_low']:.3f}, {row['conf_high']:.3f}]"
                lines.append(
                    f"  {row['group']}: {row['estimate']:.3f} {interval}, n = {row['n']:,.0f}"
                )
        return "\n".join([*lines, f"method: {MID_P}"])

    def plot(self) -> go.Figure:
        """Return the measures with their intervals, a colour a measure."""
        from workbench.plots.forest import forest

        return forest(self.estimates, x_title="share", reference=None)


def reliability(data: PreferenceData, votes: Votes, *, level: float = 0.95) -> Reliability:
    """Measure how far a voter can be trusted.

    Parameters
    ----------
    data : PreferenceData
        Whose clusters the pairs belong to.
    votes : Votes
    level : float

    Returns
    -------
    Reliability
        ``swap consistency``: pairs of votes on one pair, shown in both orders, that say the
        same of the data's sides. ``repeat agreement``: the same for one order. ``first
        side``: votes for what stood first among those that take a side; 0.5 is fair where
        both orders were shown. A measure without votes is NaN with a reason.

    Raises
    ------
    DesignError
        A voted pair that the data do not have.

    Examples
    --------
    >>> import workbench as wb
    >>> from workbench.principles.principle import Principle
    >>> data = wb.load("sample")
    >>> codes = np.full((3, 1, 2), Vote.A, dtype=np.int8)
    >>> shown = np.array([[[True, False]]] * 3)
    >>> votes = Votes(data.pairs["pair_id"][:3].to_numpy(), (Principle("Be brief"),), codes, shown)
    >>> table = reliability(data, votes).to_frame().set_index(["group", "term"])
    >>> table.loc[("swap consistency", OVERALL), "estimate"]
    np.float64(1.0)
    """
    refuse_out_of_range({"level": (0 < level < 1, level, "a number between 0 and 1")})
    rows = pd.Index(data.pairs["pair_id"]).get_indexer(votes.pair_ids)
    if (rows < 0).any():
        raise DesignError(
            "A voted pair is not in the data.",
            found=f"{int((rows < 0).sum()):,} pairs",
            expected="votes on pairs of these data",
            fix="Give the data that were voted on.",
        )
    cluster = pd.factorize(data.pairs["cluster"])[0][rows]
    parts = dict(_measured(votes))
    names = [one.text for one in votes.principles]
    table = [
        _row(group, term, values, where, cluster, level)
        for group in MEASURES
        for term, values, where in _terms(*parts[group], names)
    ]
    columns = ["group", *TIDY, "n_clusters", "method", "reason"]
    return Reliability(
        pd.DataFrame(table).reindex(columns=columns),
        {"voter": votes.voter or "an unnamed model", "level": level},
        Provenance.capture(dataset=data.digest),
    )


def _measured(votes: Votes) -> Iterator[tuple[str, tuple[Bools, Bools]]]:
    """Yield, by measure, whether it holds and where it is known, shape (n, K, cases)."""
    codes, shown = votes.codes, votes.shown_ab
    asked = codes != Vote.NOT_ASKED
    read = asked & (codes != Vote.INVALID)
    yield "invalid", (codes == Vote.INVALID, asked)
    repeats = range(codes.shape[2])
    couples = [(i, j) for i in repeats for j in repeats if i < j]
    i, j = np.array(couples, dtype=int).reshape(-1, 2).T
    both, same = read[:, :, i] & read[:, :, j], codes[:, :, i] == codes[:, :, j]
    turned = shown[:, :, i] != shown[:, :, j]
    yield "swap consistency", (same, both & turned)
    yield "repeat agreement", (same, both & ~turned)
    sided = np.isin(codes, [Vote.A, Vote.B])
    yield "first side", ((codes == Vote.A) == shown, sided)


def _terms(values: Bools, where: Bools, names: list[str]) -> Iterator[tuple[str, Bools, Bools]]:
    yield OVERALL, values, where
    for k, name in enumerate(names):
        yield name, values[:, k : k + 1], where[:, k : k + 1]


def _row(
    group: str, term: str, values: Bools, where: Bools, cluster: NDArray[Any], level: float
) -> dict[str, Any]:
    row = {"group": group, "term": term, "method": MID_P}
    if not where.any():
        return {**row, "estimate": np.nan, "n": 0.0, "reason": _REASONS[group]}
    at = np.broadcast_to(cluster[:, None, None], where.shape)
    return {**row, **share(values[where].astype(float), at[where], level)}
