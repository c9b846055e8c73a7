"""The reliability of a judge: transitive over three responses, the same in other wordings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from workbench.audit.judges.item_sampling import sample_pairs, sample_triples
from workbench.audit.judges.scores import balanced_scores
from workbench.audit.judges.statistics import SHIFT, shift
from workbench.audit.judges.verdicts.preferences import reference_preference
from workbench.audit.measures import Measures, share_row
from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError, refuse_out_of_range
from workbench.judges.base import Judge
from workbench.results import TIDY

_EMPTY = "none could be compared"


@dataclass(frozen=True, eq=False)
class Instrument(Measures):
    """Circular triads of a judge, or differences between wordings of it; with ``kappa``."""

    heading: ClassVar[str] = "The judge as an instrument"
    about: ClassVar[str] = (
        "A judge that measures a quality orders three responses; three coin flips form a circle "
        "one time in four. What it says should not hang on how it is asked."
    )
    columns: ClassVar[tuple[str, ...]] = (*TIDY, "kappa", "n_clusters", "method", "reason")


def transitivity(
    data: PreferenceData, judge: Judge, *, n: int = 100, level: float = 0.95, seed: int = 0
) -> Instrument:
    """Let a judge compare three responses to one prompt, and count circles.

    Parameters
    ----------
    data : PreferenceData
        With prompts that have three different responses or more.
    judge : Judge
    n : int
        Prompts, at most; one triple each.
    level : float
    seed : int

    Returns
    -------
    Instrument
        The share of decided triples that form a circle; three coin flips do one time in
        four. Triples with a tie are counted apart.

    Raises
    ------
    DesignError
        No prompt has three responses.

    Examples
    --------
    >>> import workbench as wb
    >>> pairs = pd.DataFrame({"prompt": "p", "response_a": ["x", "x"], "response_b": ["yy", "zzz"]})
    >>> labels = pd.DataFrame({"pair": [0], "annotator": "ann", "preference": [1.0]})
    >>> data = PreferenceData.from_tables(pairs, labels)
    >>> transitivity(data, wb.RuleJudge("longer")).to_frame()["estimate"].tolist()
    [0.0, 0.0]
    """
    refuse_out_of_range({"n": (n >= 1, n, "1 or more"), "level": (0 < level < 1, level, "0 to 1")})
    triples = sample_triples(data, n, seed)
    pairs = [
        {"prompt": prompt, "response_a": texts[i], "response_b": texts[j], "cluster": cluster}
        for prompt, cluster, texts in triples
        for i, j in ((0, 1), (1, 2), (0, 2))
    ]
    scores = balanced_scores(judge, pd.DataFrame(pairs)).reshape(-1, 3)
    ab, bc, ac = np.sign(scores - 0.5).T
    cluster = pd.factorize(np.array([one[1] for one in triples]))[0]
    known = np.isfinite(scores).all(axis=1)
    decided = known & (ab != 0) & (bc != 0) & (ac != 0)
    circular = ((ab == bc) & (ab != ac))[decided].astype(float)
    rows = [
        share_row("circles among decided triples", circular, cluster[decided], level, _EMPTY),
        share_row("triples with a tie", 1.0 - decided[known], cluster[known], level, _EMPTY),
    ]
    settings = {"what": f"{judge.name}: triples of one prompt", "level": level}
    return Instrument.from_rows(rows, settings, dataset=data.digest)


def compare_wordings(
    data: PreferenceData,
    judges: Mapping[str, Judge],
    reference: str = "human",
    *,
    n: int = 200,
    level: float = 0.95,
    seed: int = 0,
) -> Instrument:
    """Ask one judge in several wordings, and say what the wording decides.

    Parameters
    ----------
    data : PreferenceData
    judges : mapping of str to Judge
        By wording: templates, with and without reasons, other labels of the alternatives.
        The first one is what the others are held against.
    reference : str
        Annotator or kind; where it has labels, agreement with it is compared too.
    n : int
        Pairs.
    level : float
    seed : int

    Returns
    -------
    Instrument
        For every two wordings the share of pairs with another verdict, with Cohen's kappa;
        for every wording but the first, its agreement with the reference minus the first's.

    Raises
    ------
    DesignError
        Fewer than two wordings, or no pair.

    Examples
    --------
    >>> import workbench as wb
    >>> both = {"longer": wb.RuleJudge("longer"), "first": wb.RuleJudge("first")}
    >>> compare_wordings(wb.load("sample"), both, n=50).to_frame()["term"].tolist()[0]
    'longer and first differ'
    """
    if len(judges) < 2:
        raise DesignError(
            "There is nothing to compare.",
            found=f"{len(judges)} wordings",
            expected="at least two",
            fix="Give other templates of the judge.",
        )
    pairs = sample_pairs(data, n, seed)
    verdicts = {name: np.sign(balanced_scores(one, pairs) - 0.5) for name, one in judges.items()}
    cluster = pd.factorize(pairs["cluster"])[0]
    rows: list[dict[str, Any]] = []
    for one, other in combinations(verdicts, 2):
        both = np.isfinite(verdicts[one]) & np.isfinite(verdicts[other])
        x, y = verdicts[one][both], verdicts[other][both]
        differ = (x != y).astype(float)
        row = share_row(f"{one} and {other} differ", differ, cluster[both], level, _EMPTY)
        rows.append({**row, "kappa": _kappa(x, y)})
    preferred = np.sign(reference_preference(data, reference).loc[pairs["pair_id"]] - 0.5)
    right = {name: (one == preferred).to_numpy(float) for name, one in verdicts.items()}
    first, *others = verdicts
    for name in others:
        use = np.isfinite(verdicts[name]) & np.isfinite(verdicts[first])
        use &= (preferred.notna() & (preferred != 0)).to_numpy()
        if use.any():
            found = shift((right[name] - right[first])[use], cluster[use], level)
            term = f"agreement with {reference}: {name} minus {first}"
            rows.append({"term": term, **found, "method": SHIFT})
    settings = {"what": "Wordings of a judge", "level": level}
    return Instrument.from_rows(rows, settings, dataset=data.digest)


def _kappa(x: Any, y: Any) -> float:
    """Return Cohen's kappa of two series of verdicts; NaN where chance agrees always."""
    if not len(x):
        return float("nan")
    chance = sum(float((x == v).mean() * (y == v).mean()) for v in (-1.0, 0.0, 1.0))
    return float(((x == y).mean() - chance) / (1 - chance)) if chance < 1 else float("nan")
