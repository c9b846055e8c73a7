"""Two runs side by side: what was asked otherwise, whether they say the same, what each took."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from workbench.agreement import agreement_and_kappa
from workbench.annotate.calls import call_counts
from workbench.annotate.folder import RunFolder
from workbench.annotate.listing import settings_that_differ
from workbench.annotate.process import status
from workbench.audit.judges.verdicts.preferences import annotator_preference
from workbench.audit.measures import SHARE, Measures
from workbench.data import store
from workbench.data.dataset import PreferenceData
from workbench.errors import DataError

KAPPA = "Cohen's kappa, the interval of a share for (1 + kappa) / 2"
VERDICTS, FACTORS = "verdicts", "factors"
_SAYS = {"judge": VERDICTS, "grade": VERDICTS, "rubric": FACTORS}


@dataclass(frozen=True, eq=False)
class RunComparison(Measures):
    """Agreement of two runs, beside the settings in which they differ and what each took.

    Attributes
    ----------
    differ : DataFrame
        ``setting, first, second``.
    spend : DataFrame
        ``measure, first, second``: requests, calls, tokens and cost.
    counts : DataFrame
        ``what, pairs``: those that both asked about, and why some of them do not count.
    """

    heading: ClassVar[str] = "Two runs"
    about: ClassVar[str] = (
        "How often two runs say the same of the same pairs. Prompts are the clusters. A pair on "
        "which one of them is undecided or silent does not count, and is told."
    )
    x_title: ClassVar[str] = "agreement"
    reference: ClassVar[float] = 0.5

    differ: pd.DataFrame = field(default_factory=pd.DataFrame)
    spend: pd.DataFrame = field(default_factory=pd.DataFrame)
    counts: pd.DataFrame = field(default_factory=pd.DataFrame)

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the agreement, the pairs, the settings and the spend."""
        return {
            "agreement": self.estimates,
            "pairs": self.counts,
            "settings that differ": self.differ,
            "spend": self.spend,
        }


def compare_runs(first: RunFolder, second: RunFolder, *, level: float = 0.95) -> RunComparison:
    """Hold two runs beside each other.

    Parameters
    ----------
    first, second : RunFolder
    level : float
        Confidence level of the intervals.

    Returns
    -------
    RunComparison
        Of judges the agreement and Cohen's kappa of their verdicts, means over orders and
        repeats by their side; of rubrics the agreement of the direction of each shared
        factor. Without an estimate where the runs do not say things of the same kind, or one
        has no results yet; the reason is told.

    Raises
    ------
    ConfigError
        A run cannot be read.
    """
    configs = first.config, second.config
    said = [_SAYS.get(config.task) for config in configs]
    notes = [f"{one.config.asked_model} is built in: its numbers are simulated"
             for one in (first, second) if one.config.offline]  # fmt: skip
    rows: list[dict[str, Any]] = []
    counts = pd.DataFrame({"what": [], "pairs": []})
    if said[0] is None or said[0] != said[1]:
        why = f"a run of {configs[0].task} and one of {configs[1].task} say no verdicts of the " \
            "same kind of the same pairs"  # fmt: skip
        rows.append(_nothing("agreement", why))
    else:
        try:
            data = _results(first), _results(second)
        except DataError as error:
            rows.append(_nothing("agreement", f"{error.where}: {error.what}"))
        else:
            found = _verdicts if said[0] == VERDICTS else _directions
            rows, counts = found(data, (first, second), level)
    settings = {
        "what": f"{first.path.name} and {second.path.name}: agreement on the same pairs",
        "level": level,
        "notes": list(dict.fromkeys(notes)),
    }
    whole = RunComparison.from_rows(rows, settings)
    return replace(
        whole,
        differ=_differ(first, second),
        spend=_spend(first, second),
        counts=counts,
    )


def _results(run: RunFolder) -> PreferenceData:
    return store.open_folder(store.results_in(run.path))


def _verdicts(
    data: tuple[PreferenceData, PreferenceData], runs: tuple[RunFolder, RunFolder], level: float
) -> tuple[list[dict[str, Any]], pd.DataFrame]:
    asked = [
        annotator_preference(one, run.config.annotator).reindex(run.data.pairs["pair_id"])
        for one, run in zip(data, runs, strict=True)
    ]
    ids = asked[0].index.intersection(asked[1].index)
    both = np.column_stack([one.reindex(ids).to_numpy("float64") for one in asked])
    return _agree(both, _clusters(data[0], ids), "", level)


def _directions(
    data: tuple[PreferenceData, PreferenceData], runs: tuple[RunFolder, RunFolder], level: float
) -> tuple[list[dict[str, Any]], pd.DataFrame]:
    names = [_factors(run) for run in runs]
    shared = [name for name in names[0] if name in names[1]]
    if not shared:
        return [_nothing("agreement", "the two rubrics share no factor")], pd.DataFrame()
    frames = [one.factors.set_index("pair_id")[shared] for one in data]
    ids = frames[0].index.intersection(frames[1].index)
    cluster = _clusters(data[0], ids)
    rows: list[dict[str, Any]] = []
    parts = []
    for name in shared:
        values = [frame.loc[ids, name].to_numpy("float64") for frame in frames]
        # which side has more: as a preference for A, one half where neither has
        both = np.column_stack([(np.sign(one) + 1) / 2 for one in values])
        found, counts = _agree(both, cluster, f"{name}, ", level)
        rows += found
        parts.append(counts.assign(factor=name))
    return rows, pd.concat(parts, ignore_index=True)


def _factors(run: RunFolder) -> list[str]:
    record = json.loads((run.results / "result.json").read_text("utf-8"))
    return [str(one["name"]) for one in record["settings"]["rubric"]["factors"]]


def _clusters(data: PreferenceData, ids: pd.Index) -> Any:
    cluster = data.pairs.set_index("pair_id")["cluster"].reindex(ids)
    return pd.factorize(cluster)[0].astype(np.int64)


def _agree(
    both: Any, cluster: Any, name: str, level: float
) -> tuple[list[dict[str, Any]], pd.DataFrame]:
    silent = np.isnan(both).any(axis=1)
    tied = ~silent & (both == 0.5).any(axis=1)
    use = ~silent & ~tied
    a, b = both[use, 0] > 0.5, both[use, 1] > 0.5
    agreement, kappa = agreement_and_kappa(a, b, cluster[use], level)
    rows = [
        {"term": f"{name}agreement", **agreement, "method": SHARE},
        {"term": f"{name}kappa", **kappa, "method": KAPPA},
    ]
    counts = {
        "asked by both": len(both),
        "decided by both": int(use.sum()),
        "undecided in one (a tie, no difference)": int(tied.sum()),
        "no verdict in one (failed, not asked)": int(silent.sum()),
    }
    return rows, pd.DataFrame({"what": list(counts), "pairs": list(counts.values())})


def _nothing(term: str, why: str) -> dict[str, Any]:
    return {"term": term, "estimate": math.nan, "n": 0.0, "reason": why, "method": SHARE}


def _differ(first: RunFolder, second: RunFolder) -> pd.DataFrame:
    table = settings_that_differ(first.config, second.config)
    digests = [run.data.digest[:12] for run in (first, second)]
    if digests[0] != digests[1]:
        table.loc[len(table)] = ["data (digest)", *digests]
    return table


def _spend(first: RunFolder, second: RunFolder) -> pd.DataFrame:
    columns = {}
    for side, run in (("first", first), ("second", second)):
        now = status(run)
        columns[side] = {
            **{name: float(n) for name, n in call_counts(run).items()},
            "calls": now.calls,
            "prompt tokens": float(now.prompt_tokens),
            "reply tokens": float(now.completion_tokens),
            "cost": now.cost,
        }
    return pd.DataFrame(columns).rename_axis("measure").reset_index()
