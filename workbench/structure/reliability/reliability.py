"""The verb: who labels wrongly, where a truth exists."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import entr

from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError, level_option, refuse_out_of_range, seed_option
from workbench.provenance import Provenance
from workbench.structure.reliability.answers import Answers, answers
from workbench.structure.reliability.dawid_skene import SMOOTHING, Truth, dawid_skene, without_own
from workbench.structure.reliability.gate import Gate, taste_gate
from workbench.structure.reliability.result import Reliability
from workbench.structure.reliability.workers import worker_table
from workbench.threads import on_one_thread

EXISTS = "exists"


@on_one_thread
def reliability(
    data: PreferenceData,
    *,
    truth: str | None = None,
    annotators: str | Iterable[str] | None = None,
    by: str = "annotator",
    level: float = 0.95,
    seed: int = 0,
) -> Reliability:
    r"""Estimate which answer of each pair is true, and how often each worker is right.

    Parameters
    ----------
    data : PreferenceData
        Factors, where there are some, serve to check that people do not differ in taste.
    truth : {"exists"}
        Must be said: one answer of each pair is right, whoever is asked. Without it a minority
        would be told to be wrong.
    annotators : str or iterable of str, optional
        Names or one kind; people where the data have some, else everybody.
    by : str
        Column of labels that names the worker.
    level : float
    seed : int
        Of the folds of the check.

    Returns
    -------
    Reliability

    Raises
    ------
    DesignError
        ``truth`` is not said; people differ in taste; or nothing tells who is right.

    Notes
    -----
    Answers {A, tie, B} of worker w given the truth t have a table :math:`\pi^w_{tl}` (Dawid
    and Skene 1979), fitted by EM from the shares of the votes, 0.01 added to each count. A
    worker's accuracy is of posterior counts, on pairs that others labelled too; its effective
    count is that of as many answers with a known truth as tell as much, given the posterior
    *without that worker's answer*. *Sensitivity* is P(says A | A is right), *specificity* that
    of B, and *slot bias* P(says first shown | it is right) - P(says second shown | it is right), by
    Newcombe's interval.

    *Gate*: where weights of each person's own predict labels of held-out prompts better than one
    set of weights times each person's sharpness, by two standard errors, people differ in taste
    and the verb refuses.

    References
    ----------
    Dawid and Skene (1979); Zheng et al. (2017) for how such models compare; Wilson (1927);
    Newcombe (1998).

    Examples
    --------
    >>> from workbench.structure.planted import planted_people
    >>> data, _ = planted_people(people=12, labels=60, pairs=80, tastes=[(3.0, 0.0)])
    >>> found = reliability(data, truth="exists")
    >>> bool(found.to_frame()["estimate"].min() > 0.6), len(found.pairs)
    (True, 80)
    """
    refuse_out_of_range({"level": level_option(level), "seed": seed_option(seed)})
    if truth != EXISTS:
        raise DesignError(
            "Whether one answer is right must be said.",
            found=f"truth={truth!r}",
            expected=f"truth={EXISTS!r}: right and wrong do not depend on who is asked",
            fix="Say it where it holds (facts, counts, tests): --truth exists. Where people may "
            "like different things, a minority is not wrong: ask how their weights differ (mixed).",
        )
    found = answers(data, annotators, by)
    gate = taste_gate(data, annotators, by, seed)
    if gate.taste:
        raise DesignError(
            "People differ in taste here; a model of one truth would call a minority unreliable.",
            found=gate.sentence,
            expected="labels that weights of each person's own do not predict better",
            fix="Ask how people's weights differ (mixed) instead of who is wrong.",
        )
    fitted = dawid_skene(found.task, found.worker, found.answer, len(found.classes))
    alone = without_own(fitted, found.task, found.worker, found.answer)
    workers = worker_table(found, alone, level)
    pairs = _pairs(found, fitted)
    settings: dict[str, Any] = {
        "truth": EXISTS, "by": by, "classes": list(found.classes), "smoothing": SMOOTHING,
        "rounds": fitted.rounds, "converged": fitted.converged,
        "log_likelihood": fitted.log_likelihood, "gate": gate.to_dict(),
        "n_workers": len(found.workers), "n_pairs": len(found.pairs), "n_labels": len(found.task),
        "n_shared": int(found.shared().sum()),
        "n_changed": int(pairs["changed"].sum()), "level": level,
    }  # fmt: skip
    provenance = Provenance.capture(seed=seed, dataset=data.digest)
    return Reliability(workers, pairs, _gate_table(gate), found.exclusions, settings, provenance)


def _pairs(found: Answers, fitted: Truth) -> pd.DataFrame:
    """Return the posterior of each pair beside its votes."""
    K, T = len(found.classes), len(found.pairs)
    votes = np.zeros((T, K))
    np.add.at(votes, (found.task, found.answer), 1.0)
    classes = np.array(found.classes)
    top = votes.max(axis=1, keepdims=True)
    several = (votes == top).sum(axis=1) > 1
    most = np.where(several, "split", classes[votes.argmax(axis=1)])
    best = classes[fitted.posterior.argmax(axis=1)]
    both = np.unique(np.stack([found.task, found.worker]), axis=1)[0]
    columns: dict[str, Any] = {"pair_id": found.pairs, "prompt": found.prompts}
    columns |= {f"p_{name.lower()}": fitted.posterior[:, k]
                for k, name in enumerate(found.classes)}  # fmt: skip
    columns |= {
        "entropy": entr(fitted.posterior).sum(axis=1) / np.log(2.0),
        "answer": best, "majority": most, "changed": ~several & (best != most),
        "n_labels": votes.sum(axis=1).astype(np.int64),
        "n_workers": np.bincount(both, minlength=T),
    }  # fmt: skip
    return pd.DataFrame(columns)


def _gate_table(gate: Gate) -> pd.DataFrame:
    half = 2.0 * gate.std_error
    return pd.DataFrame([{
        "term": "taste minus reliability, log-loss a label", "estimate": gate.gain,
        "std_error": gate.std_error, "conf_low": gate.gain - half, "conf_high": gate.gain + half,
        "n": gate.n, "n_prompts": gate.n_prompts,
        "method": "five folds of prompts, two standard errors over prompts",
        "reason": None if gate.checked else gate.sentence,
    }])  # fmt: skip
