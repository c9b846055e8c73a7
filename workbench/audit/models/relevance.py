"""Whether a reward is for relevance, or for length."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from workbench.audit.judges.perturb import pad, seed_of, truncated
from workbench.audit.judges.verdicts.preferences import people_preference
from workbench.audit.measures import COLUMNS, Measures
from workbench.clustered import Array, cluster_error, mean_difference, share
from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError
from workbench.finding import Finding, Rule, finding
from workbench.intervals import MID_P, correlation_ends
from workbench.judges.base import text_pairs
from workbench.judges.reward import Score
from workbench.provenance import Provenance
from workbench.threads import on_one_thread

_MEAN = "mean over pairs, cluster-robust t interval"
_SHARE = f"share of pairs, {MID_P}"
_PARTIAL = "partial correlation without a constant, cluster-robust t interval of Fisher's z"

RULES = {
    "reward-for-length": Rule(
        "change of the reward, in its standard deviations, where sentences are said again",
        "interval above 0",
        "Take the length out of the reward, or pad the training pairs too.",
    ),
    "reward-off-topic": Rule(
        "share of responses that beat one to another prompt, of the same length",
        "interval below 0.9",
        "Do not optimise against this reward: it does not read the prompt.",
    ),
}
"""What a reward model may show, by ``rule_id``."""

ON_TOPIC = 0.9
"""Share of responses to other prompts that a reward should tell."""


@dataclass(frozen=True, eq=False)
class Relevance(Measures):
    """Whether a reward is for relevance, or for length."""

    heading: ClassVar[str] = "Relevance and length of what is rewarded"
    about: ClassVar[str] = (
        "A response to another prompt should lose, whatever its length; saying sentences again "
        "should not pay. Differences are in standard deviations of the reward."
    )

    def findings(self) -> list[Finding]:
        """Return a reward for length, and one that does not read the prompt."""
        table = self.estimates.set_index("term")
        said = table.loc["change where said again to twice the length"]
        away = table.loc["beats a response to another prompt"]
        found = []
        if said["conf_low"] > 0:
            text = "Saying sentences again is rewarded"
            found.append(_of(said, "reward-for-length", text))
        if away["conf_high"] < ON_TOPIC:
            text = "Responses to other prompts are often rewarded more"
            found.append(_of(away, "reward-off-topic", text))
        return found


@on_one_thread
def relevance(
    data: PreferenceData, score: Score, *, n: int = 200, level: float = 0.95, seed: int = 0
) -> Relevance:
    """Probe a reward for relevance and length, without labels but where they are there.

    Parameters
    ----------
    data : PreferenceData
        With prompts.
    score : callable
        From (prompt, response) pairs to rewards.
    n : int
        Pairs; the first response of each is probed.
    level : float
    seed : int

    Raises
    ------
    DesignError
        Fewer than two prompts.

    Notes
    -----
    Kim et al. (2024), rethinking proxy rewards. *Off topic*: the response of another prompt
    that is nearest in length. *Partial correlation*: of the difference of rewards with that
    of log lengths, given which response is preferred.
    """
    pairs = text_pairs(data)
    keys = [seed_of(seed, str(one)) for one in pairs["pair_id"]]
    pairs = pairs.iloc[np.argsort(keys, kind="stable")].head(n).reset_index(drop=True)
    prompts, own = pairs["prompt"].fillna("").tolist(), pairs["response_a"].tolist()
    if len(set(prompts)) < 2:
        raise DesignError(
            "There is no other prompt to take a response from.",
            found=f"{len(set(prompts))} prompts",
            expected="at least two",
            fix="Load data with several prompts.",
        )
    code = pd.factorize(pairs["cluster"])[0]
    clean = np.asarray(score(list(zip(prompts, own, strict=True))), float)
    finite = clean[np.isfinite(clean)]
    spread = (float(finite.std()) if len(finite) else 0.0) or 1.0
    other = [own[k] for k in _nearest(prompts, own)]
    away = np.asarray(score(list(zip(prompts, other, strict=True))), float)
    right = np.where(clean == away, 0.5, (clean > away).astype(float))
    right[~np.isfinite(clean - away)] = np.nan
    told, kept = _known(right, code)
    rows = [{"term": "beats a response to another prompt", "method": _SHARE,
             **(share(told, kept, level) if len(told) else _NOTHING)}]  # fmt: skip
    changes: dict[str, Callable[[str, int], str | None]] = {
        "said again to twice the length": lambda text, own_seed: pad(text, 2.0, own_seed),
        "cut to its first half": lambda text, _: truncated(text, 0.5),
    }
    for name, change in changes.items():
        changed = [change(text, seed_of(seed, text)) for text in own]
        some = [k for k, text in enumerate(changed) if text is not None]
        new = np.full(len(own), np.nan)
        if some:
            new[some] = score([(prompts[k], str(changed[k])) for k in some])
        moved, kept = _known((new - clean) / spread, code)
        row = mean_difference(moved, kept, level) if len(moved) else _NOTHING
        rows.append({"term": f"change where {name}", "method": _MEAN, **row})
    rows.append(_partial(data, pairs, score, prompts, code, level))
    table = pd.DataFrame(rows).reindex(columns=list(COLUMNS))
    settings = {"what": "Relevance and length", "level": level, "n": len(pairs)}
    return Relevance(table, settings, Provenance.capture(seed=seed, dataset=data.digest))


def _of(row: pd.Series, rule: str, text: str) -> Finding:
    numbers = (float(row["estimate"]), float(row["conf_low"]), float(row["conf_high"]))
    return finding(RULES, rule, "warning", text, int(row["n"]), numbers)


_NOTHING = {
    "estimate": np.nan,
    "n": 0.0,
    "reason": "no response that has a reward",
}


def _known(values: Array, code: Any) -> tuple[Array, Any]:
    use = np.isfinite(values)
    return values[use], code[use]


def _nearest(prompts: Sequence[str], texts: Sequence[str]) -> Iterator[int]:
    """Yield for each prompt the text of another one that is nearest in length to its own."""
    length = np.array([len(text) for text in texts], dtype=float)
    names = np.array(prompts, dtype=object)
    for k in range(len(texts)):
        gap = np.where(names == names[k], np.inf, np.abs(length - length[k]))
        yield int(gap.argmin())


def _partial(
    data: PreferenceData, pairs: pd.DataFrame, score: Score, prompts: list[str], code: Any,
    level: float,
) -> dict[str, Any]:  # fmt: skip
    term = "partial correlation with log length, given the preference"
    side = (people_preference(data).loc[pairs["pair_id"]].to_numpy("float64") - 0.5) * 2
    texts = [pairs[f"response_{s}"].tolist() for s in "ab"]
    rewards = [np.asarray(score(list(zip(prompts, t, strict=True))), float) for t in texts]
    sizes = [np.log([max(len(text), 1) for text in t]) for t in texts]
    reward, size = rewards[0] - rewards[1], sizes[0] - sizes[1]
    use = np.isfinite(reward) & np.isfinite(side)
    if use.sum() < 10 or not np.ptp(side[use]):
        return {"term": term, "estimate": np.nan, "n": float(use.sum()), "method": _PARTIAL,
                "reason": "fewer than ten pairs with a preference"}  # fmt: skip
    given = side[use] / np.linalg.norm(side[use])
    u, v = (x[use] - given * (given @ x[use]) for x in (reward, size))
    if not (u.any() and v.any()):
        return {"term": term, "estimate": np.nan, "n": float(use.sum()), "method": _PARTIAL,
                "reason": "no variation"}  # fmt: skip
    u, v = u / np.linalg.norm(u), v / np.linalg.norm(v)
    r = float(u @ v)
    error = cluster_error(u * v - r / 2 * (u * u + v * v), code[use])
    row: dict[str, Any] = {"term": term, "estimate": r, "n": float(use.sum()), "method": _PARTIAL,
           "n_clusters": float(len(np.unique(code[use])))}  # fmt: skip
    if not error > 1e-12 or abs(r) > 1 - 1e-12:
        return row | {"reason": "no error can be told"}
    low, high, p = correlation_ends(r, error, row["n_clusters"], level)
    return row | {"std_error": error, "conf_low": low, "conf_high": high, "p_value": p}
