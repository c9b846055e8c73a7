"""The verb that says which part of what can be predicted the factors reach."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.ceiling.boxes import BOXES, annotators_of, margins_of
from workbench.ceiling.measured import Measured, Task
from workbench.ceiling.others import OTHERS
from workbench.ceiling.result import Ceiling
from workbench.ceiling.stacked import CEILING, FACTORS
from workbench.clustered import FEW_CLUSTERS
from workbench.data.dataset import PreferenceData
from workbench.decompose.design import build_design
from workbench.decompose.labelled import Ties
from workbench.decompose.parted.selection import select_annotators
from workbench.errors import (
    DesignError,
    level_option,
    listed,
    refuse_out_of_range,
    seed_option,
    whole,
)
from workbench.provenance import Provenance
from workbench.threads import on_one_thread

if TYPE_CHECKING:
    from workbench.embedding.base import Embedding

_TAKEN = {FACTORS, CEILING, OTHERS, *BOXES}

EVERYBODY, POOLED = "everybody", "these annotators"
"""What pooled labels are of, where no one name or kind says it."""


@on_one_thread
def ceiling(
    data: PreferenceData,
    *,
    annotator: str | Iterable[str] | None = None,
    factors: Sequence[str] | None = None,
    black_boxes: Sequence[str] = BOXES,
    judge: str | Sequence[str] | None = None,
    embedding: Embedding | str | Path = "offline",
    ties: Ties = "half",
    folds: int = 5,
    level: float = 0.95,
    seed: int = 0,
) -> Ceiling:
    r"""Say which part of what can be predicted of labels the factors reach.

    Parameters
    ----------
    data : PreferenceData
        With factors.
    annotator : str or iterable of str, optional
        Whose labels: these annotators or this kind, pooled; everybody but the judges when None.
    factors : sequence of str, optional
        Factors of the fit; all when None.
    black_boxes : sequence of {"boosting", "embedding"}
        Boosted trees on the values of both sides and the differences of *all* factors of the
        data, those that are not fitted and those with missing values among them (where there
        are more than 400, of those that are fitted); a logit on differences of embeddings of the
        responses.
    judge : str or sequence of str, optional
        Further black boxes: other annotators of the data, such as a judge or a reward model,
        or all of a kind pooled, with labels of either order counted alike; or numeric columns of
        the pairs, margins of A over B. Labels of pairs that one of them has not judged are left
        out of everything.
    embedding : Embedding, str or Path
        ``"offline"``, or what :func:`workbench.embedding.pairs.embed_pairs` takes.
    ties : {"half", "drop"}
        As in :func:`workbench.decompose`.
    folds : int
        Folds of whole prompts, those of ``decompose``: near-equal prompts are in one.
    level : float
        Confidence level.
    seed : int
        Of folds and trees.

    Returns
    -------
    Ceiling

    Raises
    ------
    DesignError
        No factor, no usable label, no such black box or judge, a judge among those whose labels
        are predicted, or an option out of range.

    Notes
    -----
    The share is

    .. math:: \hat R = \frac{A(\text{factors}) - \tfrac12}{A(\text{ceiling}) - \tfrac12}

    with the held-out AUC (and likewise accuracy; of the log-loss what it is below that of a
    coin). The ceiling is the weighting :math:`\sum_m a_m \eta_m`, :math:`a_m \ge 0`, of the
    log-odds of the factors' fit and of every black box that has the least log-loss on inner
    folds of the training folds: nothing is chosen by the labels on which it is scored, so that
    the largest of several numbers is never taken. All predictors are trained and scored on the
    same labels. Intervals of black boxes and of the share are over clusters, at twice the
    variance of a mean, since folds test each other's labels; that of the share is Fieller's.
    Where the ceiling is not surely above chance, or there are fewer than 40 clusters, no share is
    told. A share of 1 or more says that the black boxes found nothing that the factors lack:
    it is no proof that there is nothing.

    Every model turns where the sides are exchanged: logits have no intercept, and trees are
    trained on each pair in both orders and say the mean of both.

    References
    ----------
    Fudenberg, Kleinberg, Liang and Mullainathan (2022) for the completeness of a theory beside
    what can be predicted; Wolpert (1992) and van der Laan, Polley and Hubbard (2007) for the
    weighting; Fieller (1954) for the interval of a ratio; DeLong, DeLong and Clarke-Pearson
    (1988) and Obuchowski (1997) for errors of AUC over clusters.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["length"])
    >>> few = data.filter(pair_ids=data.pairs["pair_id"][:300])
    >>> found = wb.ceiling(few, annotator="human", black_boxes=["embedding"], folds=3)
    >>> found.held_out["predictor"].tolist()
    ['factors', 'embedding', 'ceiling', 'other labels of the pair']
    """
    wanted, judges = listed("black_boxes", black_boxes), listed("judge", judge or [])
    _check(wanted, judges, folds, level, seed)
    data = data.decided()
    chosen, group = _labels(data, annotator, judges)
    kept, lost = _judged(chosen, {name: margins_of(data, name) for name in judges})
    design = build_design(kept, by=[], factors=factors, ties=ties)
    task = Task(data, design, group, folds, level, seed)
    clusters = len(np.unique(design.cluster))
    if clusters < FEW_CLUSTERS:
        reason = f"fewer than {FEW_CLUSTERS} clusters (prompts): {clusters:,}"
        found = Measured.blank(task, [*wanted, *judges], reason)
    else:
        found = task.measure(wanted, judges, embedding)
    exclusions = design.exclusions[["reason", "n"]]
    return Ceiling(
        estimates=found.estimates,
        held_out=found.held_out,
        differences=found.differences,
        weights=found.weights,
        exclusions=pd.concat([exclusions, lost], ignore_index=True),
        settings={
            "group": group, "group_is": data.noun(group) if group in _kinds(data) else group,
            "annotators": sorted(chosen.annotators["annotator"]), "factors": design.terms[:-1],
            "black_boxes": wanted, "judge": judges, "made": found.about, "ties": ties,
            "folds": folds, "level": level, "n": int(design.n_labels.sum()),
            "n_clusters": clusters,
        },
        provenance=Provenance.capture(seed=seed, dataset=data.digest),
    )  # fmt: skip


def _labels(
    data: PreferenceData, annotator: str | Iterable[str] | None, judges: list[str]
) -> tuple[PreferenceData, str]:
    """Return the labels to predict, and what their annotators are called."""
    everybody = [str(name) for name in data.annotators["annotator"]]
    named = None if annotator is None else listed("annotator", annotator)
    if named is None and judges:
        apart = annotators_of(data, judges)
        named = [name for name in everybody if name not in apart]
    chosen, _ = select_annotators(data, named, [])
    own = set(chosen.annotators["annotator"]) & annotators_of(data, judges)
    if own:
        raise DesignError(
            "A judge may not be among those whose labels it predicts.",
            found=", ".join(sorted(own)),
            expected="another annotator",
            fix="Name whose labels are predicted: annotator=.",
        )
    names = named or sorted(chosen.annotators["annotator"])
    return chosen, names[0] if len(names) == 1 else EVERYBODY if annotator is None else POOLED


def _kinds(data: PreferenceData) -> set[str]:
    """Return the kinds that are no annotator's name."""
    return set(data.annotators["kind"].dropna()) - set(data.annotators["annotator"])


def _judged(
    data: PreferenceData, margins: dict[str, NDArray[np.float64]]
) -> tuple[PreferenceData, pd.DataFrame]:
    """Return the labels of pairs that every judge has judged, and how many others there are."""
    keep, rows = np.ones(len(data.pairs), dtype=bool), []
    for name, margin in margins.items():
        known = np.isfinite(margin)
        n = int((keep & ~known)[data.pair_rows].sum())
        rows += [{"reason": f"no verdict of {name}", "n": n}] if n else []
        keep &= known
    lost = pd.DataFrame(rows, columns=["reason", "n"])
    if keep.all():
        return data, lost
    # all pairs stay, so that the rows of the design are those of the judges
    return replace(data, labels=data.labels[keep[data.pair_rows]].reset_index(drop=True)), lost


def _check(wanted: list[str], judges: list[str], folds: int, level: float, seed: int) -> None:
    unknown = [name for name in wanted if name not in BOXES]
    refuse_out_of_range(
        {
            "black_boxes": (not unknown and bool(wanted or judges), wanted,
                            f"{' or '.join(BOXES)}, or a judge"),
            # of two predictors of one name, one would stand for the other
            "judge": (not _TAKEN.intersection(judges), judges,
                      f"another name than {', '.join(sorted(_TAKEN))}: rename it"),
            "folds": (whole(folds, 2), folds, "a whole number, 2 or more"),
            "level": level_option(level),
            "seed": seed_option(seed),
        }
    )  # fmt: skip
