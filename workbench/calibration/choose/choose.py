"""The verb that says which pairs to have labelled next."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.calibration.choose.layout import FACTORS, RATINGS, Layout, layout
from workbench.calibration.choose.promise import after_batches, promised_errors
from workbench.calibration.choose.result import OPTIMAL, PILOT, RANDOM, Choice
from workbench.calibration.choose.sequential import Turns, choose_in_sequence
from workbench.data.dataset import PreferenceData
from workbench.decompose.kernel import Array, Codes
from workbench.errors import DesignError, listed, refuse_out_of_range, seed_option, whole
from workbench.provenance import Provenance
from workbench.threads import on_one_thread

_BIASED = "chosen for what it tells: biased for every mean"


@on_one_thread
def choose_pairs(
    data: PreferenceData,
    n: int,
    *,
    reference: str = "human",
    factors: Sequence[str] | None = None,
    target: str | Sequence[str] | None = None,
    design: Literal["factors", "ratings"] = "factors",
    random_share: float = 0.25,
    batch: int = 25,
    seed: int = 0,
) -> Choice:
    r"""Choose the pairs whose labels would tell most of factor weights, or of ratings.

    One after the other, the pair is chosen that adds most to

    .. math:: \log \det \Big(H + \sum_{j\,\text{chosen}} w_j x_j x_j'\Big), \qquad
              w = p (1 - p), \quad p = \operatorname{logit}^{-1}(x' \hat b)

    where :math:`\hat b` and :math:`H` are of the labels that are there (*local* D-optimality).

    Parameters
    ----------
    data : PreferenceData
        With factors, or with names of the models. Candidates are the pairs without a decided
        label of the reference.
    n : int
        Pairs to choose.
    reference : str
        Annotator, or kind, whose labels are to be bought.
    factors : sequence of str, optional
        All when None.
    target : str or sequence of str, optional
        Factors (or models) whose variances are to fall, each on its standardised scale:
        A-optimal for these, in place of the determinant.
    design : {"factors", "ratings"}
        ``ratings``: items are models, and :math:`x = e_i - e_j` (Bradley-Terry).
    random_share : float
        Of the chosen pairs, for ever: they tell whether the model is wrong, and means.
    batch : int
        Pairs after which the labels are best read in and the rest is chosen again.
    seed : int
        Of what is drawn at random.

    Returns
    -------
    Choice

    Raises
    ------
    DesignError
        An option out of range, nothing to weigh, or nothing to choose from.
    DataError
        The reference is neither an annotator nor a kind.

    Notes
    -----
    With fewer labelled pairs than :math:`\max(100, 5K)` all that is chosen is a random pilot,
    at most as long as that: a design for weights of 0 gathers pairs whose answer is plain, and
    is worse than chance where answers are (RMSE .238 against .157 at 800 of 2,218 real labels).
    Weights are shrunken by one pseudo-label of half a vote a factor, which a promise leaves out.
    Promised errors are model-based: labels stand alone and the pilot's weights are right.

    References
    ----------
    Fedorov (1972), *Theory of Optimal Experiments*; Chernoff (1953) for local optimality.

    Examples
    --------
    >>> import workbench as wb
    >>> from workbench.structure.planted import planted_people
    >>> data, _ = planted_people(people=1, labels=200, pairs=600, tastes=[(1.5, -1.0, 0.5)])
    >>> found = wb.choose_pairs(data, 100)
    >>> found.chosen["why"].value_counts().to_dict()
    {'optimal': 75, 'random': 25}
    """
    _check(n, design, random_share, batch, seed)
    data = data.decided()
    laid = layout(data, reference, factors, design)
    told = _targets(laid, target)
    open_ = np.flatnonzero(~laid.labelled)
    have = int(laid.labelled.sum())
    if not len(open_):
        raise DesignError(
            "There is no pair to choose.",
            found=f"all {have:,} pairs that can be fitted have a label of {reference}",
            expected="pairs without one",
            fix="Add pairs, or name another reference.",
        )
    ready = have >= laid.pilot
    m = min(n, len(open_), *([] if ready else [laid.pilot - have]))
    places = _places(m, random_share if ready else 1.0, batch)
    weights = laid.fit() if ready else np.zeros(len(laid.terms))
    p = laid.probability(weights)[open_]
    known, prior = laid.information(weights)
    start: Array = np.asarray(np.linalg.inv(known + prior), dtype=np.float64)
    lot = np.random.default_rng(seed).permutation(len(open_))[: int(places.sum())]
    turns = choose_in_sequence(laid.X[open_], p * (1 - p), start, lot, places, told)
    options: dict[str, Any] = {
        "n": n, "reference": reference, "design": design, "terms": laid.terms,
        "target": None if target is None else listed("target", target),
        "random_share": random_share, "batch": batch, "labelled": have, "pilot": laid.pilot,
        "ready": ready, "candidates": len(open_), "seed": seed,
    }  # fmt: skip
    X, w = laid.X[open_], p * (1 - p)
    return Choice(
        estimates=promised_errors(laid, known, X, w, turns.chosen, ready),
        chosen=_table(data, laid.row[open_], p, turns, places, options),
        promised=after_batches(laid, known, X, w, turns.chosen, batch) if ready else pd.DataFrame(),
        exclusions=laid.exclusions,
        settings=options,
        provenance=Provenance.capture(seed=seed, dataset=data.digest),
    )


def _check(n: int, design: str, random_share: float, batch: int, seed: int) -> None:
    number = isinstance(random_share, Real) and not isinstance(random_share, bool)
    share = number and 0 <= random_share <= 1
    refuse_out_of_range(
        {
            "n": (whole(n, 1), n, "a whole number of pairs, 1 or more"),
            "design": (design in (FACTORS, RATINGS), design, f"{FACTORS} or {RATINGS}"),
            "random_share": (share, random_share, "a number from 0 to 1"),
            "batch": (whole(batch, 1), batch, "a whole number of pairs, 1 or more"),
            "seed": seed_option(seed),
        }
    )


def _targets(laid: Layout, target: str | Sequence[str] | None) -> Array | None:
    """Return the combinations of fitted weights whose variances are to fall, shape (K, t)."""
    if target is None:
        return None
    names = listed("target", target)
    unknown = [name for name in names if name not in laid.terms]
    if unknown or not names:
        raise DesignError(
            f"There is no weight of {unknown[0]!r}." if unknown else "No target is named.",
            found=", ".join(laid.terms),
            expected="names of what is weighed, and differs in some pair",
            fix="Name some of these as target=.",
        )
    at = [laid.terms.index(name) for name in dict.fromkeys(names)]
    # a factor in standard deviations, a model against the mean of all
    return np.asarray(laid.told[:, at] / np.abs(laid.told[:, at]).max(axis=0))


def _places(m: int, share: float, batch: int) -> NDArray[np.bool_]:
    """Return which turns are drawn at random: the first of each batch, so that later ones know.

    Examples
    --------
    >>> _places(8, 0.25, 4).astype(int).tolist()
    [1, 0, 0, 0, 1, 0, 0, 0]
    """
    turn = np.arange(m)
    start = turn // batch * batch
    end = np.minimum(start + batch, m)
    # rounded over all turns so far: small batches keep the share too
    before, after = (np.floor(share * edge + 0.5).astype(int) for edge in (start, end))
    return np.asarray(turn - start < after - before)


def _table(
    data: PreferenceData, row: Codes, p: Array, turns: Turns, places: NDArray[np.bool_],
    options: dict[str, Any],
) -> pd.DataFrame:  # fmt: skip
    """Return the chosen pairs, one row each, in their order."""
    m, drawn = len(places), int(places.sum())
    by_lot = RANDOM if options["ready"] else PILOT
    chance = drawn / len(row)
    return pd.DataFrame(
        {
            "rank": np.arange(1, m + 1),
            "batch": np.arange(m) // options["batch"] + 1,
            "pair_id": data.pairs["pair_id"].to_numpy()[row[turns.chosen]],
            "why": np.where(places, by_lot, OPTIMAL),
            "gain": turns.gain if options["ready"] else np.nan,
            "p_a": p[turns.chosen] if options["ready"] else np.nan,
            "weight": np.where(places, 1 / chance if drawn else np.nan, np.nan),
            "note": pd.Series(_BIASED, index=range(m)).mask(places, None),
        }
    )
