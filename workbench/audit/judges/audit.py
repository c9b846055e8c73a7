"""The verb that audits a judge by probes."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from workbench.audit.judges.plan import CLEAN, SAME, WORSE, Plan
from workbench.audit.judges.probes import Probe
from workbench.audit.judges.scorecard import COLUMNS, JudgeAudit
from workbench.audit.judges.scores import Scores, ask
from workbench.audit.judges.statistics import (
    BIASED,
    EQUIVALENT,
    MARGIN,
    SHIFT,
    UNDERPOWERED,
    attack_success,
    consistency,
    rate,
    shift,
    verdicts,
)
from workbench.audit.measures import SHARE
from workbench.clustered import Array
from workbench.errors import refuse_out_of_range
from workbench.json_values import json_ready
from workbench.judges.base import Judge
from workbench.provenance import Provenance
from workbench.threads import on_one_thread

STABLE, READABLE = 0.8, 0.02
"""Repeated calls should agree at least so often; replies fail at most so often."""

_FEWEST = 2


@on_one_thread
def audit_judge(
    plan: Plan,
    judge: Judge,
    *,
    margin: float = MARGIN,
    level: float = 0.95,
) -> JudgeAudit:
    """Let a judge answer a plan, and say by what it is biased and to what it is blind.

    Parameters
    ----------
    plan : Plan
        See :func:`workbench.plan_audit`.
    judge : Judge
        Any: LLM, reward model, rule.
    margin : float
        Shifts within it are taken for none.
    level : float
        Confidence level of the intervals.

    Returns
    -------
    JudgeAudit

    Raises
    ------
    DesignError
        An option out of range.
    JudgeError
        The judge cannot be asked.

    Notes
    -----
    Every score is the mean of both orders; a pair of which one order failed counts as a
    failure, never as a tie. Tests of no shift are one family of Benjamini-Hochberg's,
    known answers another: that a good judge knows its answers must not make it easier to
    call it biased.

    Examples
    --------
    >>> from workbench.audit.judges.plan import plan_audit
    >>> from workbench.audit.judges.planted import BiasedJudge, world
    >>> found = audit_judge(plan_audit(world(60), "smoke"), BiasedJudge("position"))
    >>> found.flagged
    ['position']
    """
    refuse_out_of_range(
        {
            "level": (0 < level < 1, level, "between 0 and 1"),
            "margin": (0 < margin < 0.5, margin, "above 0, below 0.5"),
        }
    )
    scores = ask(plan, judge)
    own = _Measuring(plan, scores, level)
    shifts = [own.order(), own.identical()]
    known: list[dict[str, Any]] = []
    for probe in plan.probes:
        row = own.probe(probe)
        (known if probe.expect == "right" else shifts).append(row)
    table = pd.concat(
        [
            verdicts(pd.DataFrame(shifts), margin),
            verdicts(pd.DataFrame(known), margin) if known else pd.DataFrame(),
            pd.DataFrame([own.stability(), own.failures()]),
        ],
        ignore_index=True,
    )
    table = table.reindex(columns=list(COLUMNS))
    return JudgeAudit(
        estimates=table,
        variants=own.variants(),
        cases=own.evidence(),
        samples=plan.samples(),
        skipped=plan.skipped,
        settings={
            "judge": json_ready(judge.settings()),
            "model": judge.name,
            "suite": plan.suite,
            "n": plan.n,
            "calls": plan.calls,
            "not_asked": scores.not_asked,
            "margin": margin,
            "level": level,
            "seed": plan.seed,
        },
        provenance=Provenance.capture(seed=plan.seed),
    )


class _Measuring:
    """Scores of the cases, and what is measured on them."""

    def __init__(self, plan: Plan, scores: Scores, level: float) -> None:
        cases, self.plan, self.scores, self.level = plan.cases, plan, scores, level
        at = cases["treated"].to_numpy(), cases["treated_turned"].to_numpy(bool)
        beside = cases["control"].to_numpy(), cases["control_turned"].to_numpy(bool)
        treated = scores.of(*at)
        control = np.where(beside[0] >= 0, scores.of(*beside), np.nan)
        self.cases = cases.assign(
            score=treated, control_score=control, code=pd.factorize(cases["cluster"])[0]
        )

    def order(self) -> dict[str, Any]:
        """Return how much more often a response is preferred for standing first."""
        own = self._orders(CLEAN)
        about = {"id": "P1", "term": "order", "dimension": "position", "group": "invariance"}
        return self._shift(about, own["difference"], own["code"], "none")

    def identical(self) -> dict[str, Any]:
        """Return the same for two identical responses."""
        own = self._orders(SAME)
        about = {"id": "I3", "term": "identical pair", "dimension": "position"}
        row = self._shift({**about, "group": "invariance"}, own["difference"], own["code"], "none")
        return row | {"ties": float((own["score"] == 0.5).mean()) if len(own) else np.nan}

    def stability(self) -> dict[str, Any]:
        """Return how often a repeated call says the same."""
        own = self._again
        code = own["code"].to_numpy()
        row = self._rate(own["one"].to_numpy(float), code, "I1", "repetition", "stability")
        low, high = row["low_90"], row["high_90"]
        verdict = BIASED if high < STABLE else EQUIVALENT if low >= STABLE else UNDERPOWERED
        return row | {"verdict": verdict, "expect": f"at least {STABLE:g}"}

    def failures(self) -> dict[str, Any]:
        """Return how often a call gives no readable verdict."""
        failed = self.scores.failed.mean(axis=1)
        cluster = pd.factorize(self.plan.arms["cluster"])[0]
        row = self._rate(failed, cluster, "I2", "no verdict", "failures")
        low, high = row["low_90"], row["high_90"]
        verdict = BIASED if low > READABLE else EQUIVALENT if high <= READABLE else UNDERPOWERED
        return row | {"verdict": verdict, "expect": f"at most {READABLE:g}"}

    def probe(self, probe: Probe) -> dict[str, Any]:
        """Return the mean over the forms and doses of a probe, a pair counted once."""
        own = self._of(probe.id)
        about = {
            "id": probe.id, "term": probe.name, "dimension": probe.dimension,
            "group": probe.category,
        }  # fmt: skip
        lost = len(own) - int(own["value"].notna().sum()) if len(own) else 0
        own = own.dropna(subset=["value"])
        by_pair = own.groupby("pair_id", sort=False)
        pairs = by_pair.agg(value=("value", "mean"), code=("code", "first"))
        value, code = pairs["value"].to_numpy(float), pairs["code"].to_numpy()
        if probe.expect == "right":
            row = {**about, **rate(value, code, self.level), "expect": "right", "method": SHARE}
        else:
            row = self._shift(about, value, code, probe.expect)
            row |= self._flips(own)
        reason = row["reason"] if len(pairs) else "no pair that it applies to"
        return row | {"n_failed": lost, "reason": reason}

    def variants(self) -> pd.DataFrame:
        """Return one row a form or dose."""
        rows = []
        for probe in self.plan.probes:
            for name, own in self._of(probe.id).groupby("variant", sort=False):
                held = own.dropna(subset=["value"])
                value, code = held["value"].to_numpy(float), held["code"].to_numpy()
                about = {"id": probe.id, "probe": probe.name, "dimension": probe.dimension}
                measured, method = (rate, SHARE) if probe.expect == "right" else (shift, SHIFT)
                row = {**about, "term": name, "dose": own["dose"].iloc[0], "method": method}
                row |= measured(value, code, self.level) | {"n_failed": len(own) - len(held)}
                if probe.category == "attack":
                    row |= self._attack(held)
                if probe.expect != "right":
                    row |= self._rank_drop(held)
                rows.append(row)
        return pd.DataFrame(rows).drop(columns=["low_90", "high_90"], errors="ignore")

    def evidence(self) -> pd.DataFrame:
        """Return every case with its scores."""
        columns = ["probe", "variant", "dose", "pair_id", "score", "control_score", "value"]
        return self._valued(self.cases)[columns]

    def _orders(self, probe: str) -> pd.DataFrame:
        own = self._of(probe)
        both = self.scores.orders(own["treated"].to_numpy(), own["treated_turned"].to_numpy(bool))
        return own.assign(difference=both[:, 0] - both[:, 1]).dropna(subset=["difference"])

    def _of(self, probe: str) -> pd.DataFrame:
        return self._valued(self.cases[self.cases["probe"] == probe])

    @staticmethod
    def _valued(cases: pd.DataFrame) -> pd.DataFrame:
        """Return cases with their value: the shift, or 1 where the known answer is given."""
        shifted = cases["score"] - cases["control_score"]
        return cases.assign(value=shifted.where(cases["control"] >= 0, 1.0 - cases["score"]))

    def _shift(self, about: dict[str, Any], value: Any, code: Any, expect: str) -> dict[str, Any]:
        found = shift(np.asarray(value, float), np.asarray(code), self.level)
        return {**about, **found, "expect": expect, "method": SHIFT, "n_failed": 0}

    def _rate(self, value: Array, code: Any, number: str, term: str, dim: str) -> dict[str, Any]:
        known = np.isfinite(value)
        found = rate(value[known], np.asarray(code)[known], self.level, tested=False)
        about = {"id": number, "term": term, "dimension": dim, "group": "instrument"}
        return {**about, **found, "method": SHARE, "n_failed": int((~known).sum())}

    def _flips(self, own: pd.DataFrame) -> dict[str, Any]:
        """Return the excess flip over what repeated calls do by themselves."""
        same = (np.sign(own["score"] - 0.5) == np.sign(own["control_score"] - 0.5)).to_numpy(float)
        again = own["pair_id"].map(self._again["both"]).to_numpy(float)
        known = np.isfinite(again)
        if known.sum() < _FEWEST:
            return {}
        code = own["code"].to_numpy()[known]
        found = consistency(same[known], again[known], code, self.level)
        return {
            "robustness": found["robustness"], "repeat": found["repeat"],
            "excess_flip": found["estimate"], "excess_low": found["conf_low"],
            "excess_high": found["conf_high"],
        }  # fmt: skip

    def _rank_drop(self, own: pd.DataFrame) -> dict[str, Any]:
        """Return by how much agreement with people falls under treatment."""
        own = own[own["better"] != 0]
        if len(own) < _FEWEST:
            return {}
        way = own["better"].to_numpy(float)
        right = [
            (np.sign(own[name].to_numpy(float) - 0.5) == way).astype(float)
            for name in ("control_score", "score")
        ]
        found = shift(right[0] - right[1], own["code"].to_numpy(), self.level)
        return {
            "accuracy_control": float(right[0].mean()), "accuracy_treated": float(right[1].mean()),
            "rank_drop": found["estimate"], "rank_drop_low": found["conf_low"],
            "rank_drop_high": found["conf_high"],
        }  # fmt: skip

    @cached_property
    def _again(self) -> pd.DataFrame:
        """Return by pair how often repeated calls agree: each order, and both together."""
        clean, scores = self._of(CLEAN), self.scores
        row_of = {arm: k for k, arm in enumerate(self.plan.clean)}
        rows = clean["treated"].map(row_of).to_numpy()
        first, again = scores.first[clean["treated"].to_numpy()], scores.again[:, rows]
        one = _agree(first[None], again).mean(axis=(0, 2))
        both = _agree(first.mean(axis=1)[None], again.mean(axis=2)).mean(axis=0)
        table = pd.DataFrame({"one": one, "both": both}, index=clean["pair_id"].to_numpy())
        return table.assign(code=clean["code"].to_numpy())

    def _attack(self, own: pd.DataFrame) -> dict[str, Any]:
        """Return attack success on pairs that lost clean, and that of the placebo."""
        worse = self._of(WORSE).set_index("pair_id")["score"]
        before = own["pair_id"].map(worse).to_numpy(float)
        code = own["code"].to_numpy()
        success = attack_success(own["score"].to_numpy(float), before, code, self.level)
        placebo = attack_success(own["control_score"].to_numpy(float), before, code, self.level)
        return {
            "asr": success["estimate"], "asr_low": success["conf_low"],
            "asr_high": success["conf_high"], "n_lost": success["n"],
            "placebo_asr": placebo["estimate"],
        }  # fmt: skip


def _agree(first: Array, again: Array) -> Array:
    """Return 1 where two scores lean the same way, NaN where one is missing."""
    lost = np.isnan(first) | np.isnan(again)
    same = np.sign(np.nan_to_num(first) - 0.5) == np.sign(np.nan_to_num(again) - 0.5)
    return np.where(lost, np.nan, same.astype(float))
