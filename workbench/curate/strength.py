"""The verb that says how strong and how sure each label is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from workbench.audit.models.calibration_bins import Bins
from workbench.clustered import Array
from workbench.curate.sources import (
    SOURCES,
    Strengths,
    held_out_vote,
    pair_table,
    strengths_of,
)
from workbench.curate.strength_result import Strength
from workbench.curate.suspects import cast_votes, suspect_table, two_way
from workbench.data.dataset import PreferenceData
from workbench.errors import refuse_out_of_range
from workbench.provenance import Provenance
from workbench.results import TIDY
from workbench.threads import on_one_thread

_COLUMNS = (*TIDY, "source", "n_clusters", "method", "reason")
_MEASURES = ("ECE", "Brier", "log-loss")
_BINS = 10
_REPLICATES = 200


@on_one_thread
def strength(
    data: PreferenceData,
    *,
    annotators: Sequence[str] | None = None,
    source: str | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> Strength:
    r"""Say how strong and how sure each pair's preference is, and which labels are suspect.

    Parameters
    ----------
    data : PreferenceData
        With factors for out-of-fold margins and suspects (see :func:`workbench.score_factors`).
    annotators : sequence of str, optional
        Whose labels are judged; people's, or without people everybody's, when None.
    source : {"votes", "grades", "model", "judge"}, optional
        What ``p_soft`` and ``strength`` stand on; the first that the data have when None.
    level : float
    seed : int
        Of folds, resamples, and of the vote that is left out.

    Returns
    -------
    Strength

    Raises
    ------
    DataError
        Nothing says how strong a label is.

    Notes
    -----
    *Votes*: posterior mean :math:`(n_A + \alpha) / (n + 2 \alpha)` under the symmetric
    beta-binomial prior of greatest likelihood; a tie is half a vote. *Grades*: means of the
    intervals of an ordered logit. *Model*: ten bootstrap logits on the factors, out of fold
    by cluster. *Judge*: mean log-odds of labels that are probabilities. Margins are divided
    by a temperature that votes on other prompts give, where there are such votes. The
    spread of the fits says nothing of people's disagreement and is not sold as such: ``p_sd``
    of the model adds what pairs of the same factors differ by, at most, as repeated votes
    bound it; without such votes it is :math:`\sqrt{P (1 - P)}`, the most.

    References
    ----------
    Wang et al. (2024), Secrets of RLHF II; Northcutt et al. (2021) for suspects by
    out-of-sample probability (cleanlab); Swayamdipta et al. (2020) for the two-way reading.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["length"])
    >>> found = wb.strength(data)
    >>> found.settings["source"], len(found.pairs), "suspects" in found.tables()
    ('votes', 2000, True)
    """
    refuse_out_of_range(
        {
            "level": (0 < level < 1, level, "a number between 0 and 1, such as 0.95"),
            "source": (source in (None, *SOURCES), source, " or ".join(SOURCES)),
        }
    )
    data = data.decided()
    found = strengths_of(data, annotators, level=level, seed=seed)
    chosen = found.chosen(source)
    rows = _agreement_rows(found) + _calibration_rows(found, level, seed)
    table = pd.DataFrame(rows).reindex(columns=list(_COLUMNS))
    suspects = cells = people = pd.DataFrame()
    if found.margins is not None:
        cast = cast_votes(data, found)
        if len(cast.pair):
            suspects = suspect_table(cast, found.p["model"], found.code, level)
            cells, people = two_way(cast, found.code, level)
    settings: dict[str, Any] = {
        "annotators": None if annotators is None else list(annotators),
        "source": chosen,
        "sources": dict(found.temperatures),
        "n_pairs": len(data.pairs),
        "n_voted": int((found.votes.n > 0).sum()),
        "n_repeated": int(found.votes.repeated.sum()),
        "factors": data.factor_names,
        "level": level,
    }
    provenance = Provenance.capture(seed=seed, dataset=data.digest)
    pairs = pair_table(data, found, chosen)
    return Strength(table, suspects, cells, people, found.cutpoints, pairs, settings, provenance)


def _agreement_rows(found: Strengths) -> list[dict[str, Any]]:
    """Return how far two votes on one pair go together."""
    prior = found.prior
    about = {"source": "votes", "n": prior.n, "n_clusters": prior.n_clusters,
             "method": "beta-binomial, by likelihood; cluster-robust, even on the logit scale",
             "reason": prior.reason}  # fmt: skip
    value = prior.icc
    one: dict[str, Any] = {"term": "correlation of two votes on a pair", "estimate": value,
           "std_error": prior.std_error, "conf_low": prior.conf_low,
           "conf_high": prior.conf_high, **about}  # fmt: skip
    agree = {key: (1 + one[key]) / 2 for key in ("estimate", "conf_low", "conf_high")}
    return [one, {**one, "term": "chance that two votes on a pair agree", **agree,
                  "std_error": prior.std_error / 2}]  # fmt: skip


def _calibration_rows(found: Strengths, level: float, seed: int) -> list[dict[str, Any]]:
    """Return how well each source tells votes that it has not seen."""
    rows = []
    for name, p in found.p.items():
        if name == "votes":
            if not found.votes.repeated.any():
                continue
            told, y, use = held_out_vote(found.votes, found.prior.alpha, seed)
            how = "one vote a pair left out"
            code = found.code[use]
        elif found.temperatures[name].startswith("not calibrated"):
            continue
        else:
            use = np.isfinite(p) & np.isfinite(found.votes.share)
            told, y, code = p[use], found.votes.share[use], found.code[use]
            how = "share of the votes"
        rows += [{**row, "source": name, "method": f"{how}; {row['method']}"}
                 for row in _measured(name, told, y, code, level, seed)]  # fmt: skip
    return rows


def _measured(
    name: str, p: Array, y: Array, code: Any, level: float, seed: int
) -> list[dict[str, Any]]:
    dense: Any = np.unique(code, return_inverse=True)[1]
    rows = Bins(p, y, dense, _BINS).rows(level, _REPLICATES, seed)
    method = f"{_BINS} bins, both orderings, cluster bootstrap"
    return [{**row, "term": f"{row['term']}, {name}", "method": method}
            for row in rows if row["term"] in _MEASURES]  # fmt: skip
