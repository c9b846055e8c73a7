"""Labels of pairs as answers {A, tie, B} of workers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.data.columns import as_text
from workbench.data.dataset import PreferenceData
from workbench.decompose.kernel import Codes
from workbench.errors import DesignError
from workbench.structure.labels import LEAST_EACH, chosen_labels
from workbench.structure.named import NOBODY, person_column

NO_VERDICT = "no verdict"
WEIGHTLESS = "no positive weight"
SHARE = "a share of several votes is no answer of one worker"
ALONE = "labels no pair that another worker labels"


@dataclass(frozen=True, eq=False)
class Answers:
    """N answers of W workers on T pairs, by names in alphabetical order.

    Attributes
    ----------
    task, worker, answer : ndarray of int, shape (N,)
        ``answer`` is a position in ``classes``.
    first : ndarray of int, shape (N,)
        Position in ``classes`` of the side that was shown first; -1 where unknown.
    cluster : ndarray of int, shape (N,)
        Prompt of each answer.
    pairs, workers : Index
        Ids and names of the codes.
    prompts : Index
        Prompt of each pair.
    classes : tuple of str
        ``("A", "B")``, or ``("A", "tie", "B")`` where some answers are ties.
    exclusions : DataFrame
        ``annotator, reason, n``.
    """

    task: Codes
    worker: Codes
    answer: Codes
    first: Codes
    cluster: Codes
    pairs: pd.Index
    workers: pd.Index
    prompts: pd.Index
    classes: tuple[str, ...]
    exclusions: pd.DataFrame

    def shared(self) -> np.ndarray:
        """Return which answers are on pairs that another worker answered too, shape (N,)."""
        both = np.unique(np.stack([self.task, self.worker]), axis=1)
        several = np.bincount(both[0], minlength=len(self.pairs)) > 1
        return np.asarray(several[self.task])


def answers(data: PreferenceData, annotators: str | Iterable[str] | None, by: str) -> Answers:
    """Lay out labels as answers, and refuse what says nothing of workers.

    Raises
    ------
    DesignError
        No answers, one worker, no pair with two workers, or one answer throughout.

    Examples
    --------
    >>> from workbench.structure.planted import planted_people
    >>> found = answers(planted_people(people=5, labels=20)[0], None, "annotator")
    >>> len(found.workers), found.classes
    (5, ('A', 'B'))
    """
    chosen = chosen_labels(data, annotators)
    labels = chosen.labels
    who = person_column(chosen, by)
    y = labels["preference"].to_numpy("float64")
    pooled = ~np.isin(y, (0.0, 0.5, 1.0)) & ~np.isnan(y)
    if "n_votes" in labels:
        pooled |= labels["n_votes"].to_numpy("float64") > 1
    gone = np.where(np.isnan(y), NO_VERDICT, np.where(pooled, SHARE, ""))
    gone = np.where(labels["weight"].to_numpy("float64") > 0, gone, WEIGHTLESS)
    gone = np.where(who.notna(), gone, NOBODY)
    keep = gone == ""
    who = as_text(who)
    left = pd.DataFrame({"annotator": who.fillna(""), "reason": gone})[~keep]
    exclusions = left.groupby(["annotator", "reason"]).size().rename("n").reset_index()
    kept, side = labels[keep], y[keep]
    task, pairs = pd.factorize(kept["pair_id"].astype(str), sort=True)
    worker, workers = pd.factorize(who[keep].astype(str), sort=True)
    tied = bool((side == 0.5).any())
    classes = ("A", "tie", "B") if tied else ("A", "B")
    answer = np.where(side == 1.0, 0, np.where(side == 0.5, 1, len(classes) - 1))
    shown = kept["order_shown"].map({"ab": 0, "ba": len(classes) - 1}).fillna(-1)
    own = chosen.pairs.set_index(chosen.pairs["pair_id"].astype(str))["cluster"].reindex(pairs)
    prompts = pd.Index(own.astype(str))
    found = Answers(
        np.asarray(task), np.asarray(worker), answer.astype(np.int64),
        shown.to_numpy().astype(np.int64), pd.factorize(prompts, sort=True)[0][task],
        pd.Index(pairs), pd.Index(workers), prompts, classes, exclusions,
    )  # fmt: skip
    _refuse_empty(found)
    return found


def _refuse_empty(found: Answers) -> None:
    """Refuse answers from which nothing can be learnt of who is right."""
    why = None
    if not len(found.task):
        why = "no answers of single workers"
    elif len(found.workers) < 2:
        why = f"one worker: {found.workers[0]}"
    elif not found.shared().any():
        why = "no pair that two workers answered: nobody can be checked by another"
    elif len(found.task) < LEAST_EACH * len(found.workers):
        each = len(found.task) / len(found.workers)
        why = f"{each:.2f} answers a worker on average: of one answer nobody can be told by others"
    elif (found.answer == found.answer[0]).all():
        why = f"every answer is {found.classes[found.answer[0]]}: no variation"
    if why:
        raise DesignError(
            "Nothing tells who is right.",
            found=why,
            expected="several workers on the same pairs, who do not all say one thing",
            fix="Have pairs labelled by several workers, or name their column (by=...).",
        )
