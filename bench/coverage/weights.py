"""Levels of weights, contrasts and findings where clusters are few, unequal or shared."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

import workbench as wb
from bench.coverage.simulated import data_of, drawn, labels_of, rate
from workbench.overview.findings import find

BETA = np.array([0.8, 0.5, 0.4, -0.3, 0.3, 0.0])
POSITION = "position"


def sizes(groups: int, mean: int, zipf: bool) -> np.ndarray:
    """Return sizes of clusters: equal, or falling as 1 / rank."""
    if not zipf:
        return np.full(groups, mean)
    share = 1 / np.arange(1, groups + 1)
    return np.maximum(1, (groups * mean * share / share.sum()).astype(int))


def one_weight(groups: int, mean: int, zipf: bool, runs: int, bound: str) -> dict[str, Any]:
    """Return the level of weights of mean 0 that vary by cluster."""
    shares = []
    for run in range(runs):
        rng = np.random.default_rng(1000 * groups + run)
        cluster = np.repeat(np.arange(groups), sizes(groups, mean, zipf))
        x = (rng.normal(size=(len(cluster), 4)) + rng.normal(size=(groups, 4))[cluster]) / 2**0.5
        labels = [
            labels_of(drawn(rng, 0.5 * rng.normal(size=groups)[cluster]), f"h{a:02d}")
            for a in range(40)
        ]
        table = wb.decompose(data_of(x, labels, cluster), folds=0).to_frame()
        p = table.loc[table["term"] != POSITION, "p_value"].dropna()
        shares.append(float((p < 0.05).mean()))
    kind = "Zipf-sized" if zipf else "equal"
    return rate("one weight", f"{groups} {kind} clusters", "p < .05", shares, bound)


def rare(prompts: int, runs: int) -> list[dict[str, Any]]:
    """Return the level of a factor without weight that differs in few prompts of 200."""
    shares: dict[str, list[float]] = {"weight": [], "contrast": []}
    undefined = 0
    for run in range(runs):
        rng = np.random.default_rng(1000 * prompts + run)
        cluster = np.repeat(np.arange(200), 5)
        few = np.where(cluster < prompts, rng.integers(0, 4, 1000), 0)
        x = np.column_stack([rng.normal(size=(1000, 2)), few])
        labels = [
            labels_of(drawn(rng, x[:, :2] @ [0.5, 0.3]), name, kind)
            for name, kind in (("ann", "human"), ("judge", "llm"))
        ]
        fit = wb.decompose(data_of(x, labels, cluster), folds=0)
        gap = wb.contrast(fit, "ann").to_frame()
        for name, table in (("weight", fit.to_frame()), ("contrast", gap)):
            p = table.loc[table["term"] == "f2", "p_value"].dropna()
            undefined += p.empty
            shares[name].append(float((p < 0.05).mean()) if len(p) else np.nan)
    setting = f"differs in {prompts} of 200 prompts ({undefined} of {2 * runs} undefined)"
    return [
        rate(f"rare factor, {name}", setting, "p < .05", found, "undefined, or 5 +- 1.5")
        for name, found in shares.items()
    ]


def contrasts(
    scale: float, ties: float, difference: float, runs: int, bound: str
) -> list[dict[str, Any]]:
    """Return levels or power for a judge of the same relative weights, or one that differs."""
    found: dict[str, list[float]] = {"some q < .05": [], "raw: some q < .05": [], "ratio": []}
    own = scale * BETA + difference * np.eye(6)[1]
    for run in range(runs):
        rng = np.random.default_rng(run)
        x = rng.normal(size=(1000, 6))
        votes = drawn(rng, x @ own)
        votes[rng.random(1000) < ties] = 0.5
        labels = [labels_of(drawn(rng, x @ BETA), "ann"), labels_of(votes, "judge", "llm")]
        gap = wb.contrast(wb.decompose(data_of(x, labels, np.arange(1000)), folds=0), "ann")
        for name, table in (("some q < .05", gap.to_frame()), ("raw: some q < .05", gap.raw)):
            q = table.loc[table["term"] != POSITION, "q_value"]
            found[name].append(float((q < 0.05).any()))
        row = gap.scale.iloc[0]
        found["ratio"].append(float(row["ratio_low"] <= scale <= row["ratio_high"]))
    setting = f"judge {scale:g} times as sharp"
    setting += f", {ties:.0%} random ties" if ties else ""
    setting += f", one weight {difference:+g}" if difference else ", same taste"
    bounds = {"some q < .05": bound, "raw: some q < .05": "-"}
    rows = [rate("contrast", setting, name, found[name], bounds[name]) for name in bounds]
    if not ties and not difference:
        rows.append(rate("contrast", setting, "ratio covered", found["ratio"], "93-97"))
    return rows


def pooled_reference(runs: int) -> dict[str, Any]:
    """Return the level for a sharper judge with the mean taste of twenty people who differ."""
    hits = []
    for run in range(runs):
        rng = np.random.default_rng(run)
        x = rng.normal(size=(2000, 6))
        labels = []
        for a in range(20):
            pair = np.arange(100 * a, 100 * (a + 1))
            own = BETA + 0.5 * rng.normal(size=6)
            labels.append(labels_of(drawn(rng, x[pair] @ own), f"h{a:02d}", pair=pair))
        labels.append(labels_of(drawn(rng, x @ (1.5 * BETA)), "judge", "llm"))
        data = data_of(x, labels, np.arange(2000))
        judge = wb.decompose(data, annotator="judge", folds=0)
        gap = wb.contrast(judge, wb.decompose(data, annotator="human", folds=0)).to_frame()
        hits.append(float((gap.loc[gap["term"] != POSITION, "q_value"] < 0.05).any()))
    setting = "judge of the mean taste, 20 pooled people who differ (SD .5)"
    return rate("contrast", setting, "some q < .05", hits, "5 +- 1.5")


def joint(groups: int, terms: int, runs: int, pairs: bool) -> dict[str, Any]:
    """Return the level of joint tests of two annotators with the same weights (or none)."""
    hits = []
    for run in range(runs):
        rng = np.random.default_rng(run)
        cluster = np.repeat(np.arange(groups), 20 if pairs else 5)
        x = rng.normal(size=(len(cluster), terms))
        beta = np.zeros(terms)
        if pairs:
            x = (x + rng.normal(size=(groups, terms))[cluster]) / 2**0.5
            beta = np.linspace(0.6, -0.3, terms)
        slope = 0.5 * pairs
        labels = [
            labels_of(drawn(rng, x @ beta + slope * rng.normal(size=groups)[cluster]), f"{s}{j}")
            for j in range(10)
            for s in "ab"
        ]
        fit = wb.decompose(data_of(x, labels, cluster), folds=0)
        p = [wb.contrast(fit[f"a{j}"], fit[f"b{j}"]).wald["p_value"].iloc[0] for j in range(10)]
        known = [one < 0.05 for one in p if np.isfinite(one)]
        hits.append(float(np.mean(known)) if known else np.nan)
    return rate("joint test of a contrast", f"{terms} terms, {groups} clusters", "p < .05", hits,
                "5 +- 1.5, or undefined")  # fmt: skip


def people(count: int, pairs: int, sd: float, same: bool, runs: int) -> dict[str, Any]:
    """Return the level of the claim on people: a factor of mean weight 0 over them."""
    hits, over = [], ""
    for run in range(runs):
        rng = np.random.default_rng(run)
        n = pairs if same else count * pairs
        x = rng.normal(size=(n, 2))
        weights = np.array([0.5, 0.0]) + sd * rng.normal(size=(count, 2))
        labels = []
        for a in range(count):
            pair = np.arange(n) if same else np.arange(a * pairs, (a + 1) * pairs)
            labels.append(labels_of(drawn(rng, x[pair] @ weights[a]), f"h{a:02d}", pair=pair))
        table = wb.decompose(data_of(x, labels, np.arange(n)), annotator="human", folds=0)
        row = table.to_frame().set_index("term").loc["f1"]
        over = str(row["over"])
        hits.append(float(row["p_value"] < 0.05) if np.isfinite(row["p_value"]) else np.nan)
    setting = f"{count} people x {pairs} {'shared' if same else 'own'} pairs, SD {sd:g} ({over})"
    return rate("pooled people", setting, "p < .05", hits, "5 +- 1.5")


def equal_judges(runs: int) -> dict[str, Any]:
    """Return the share of reports, with twenty judges equal to the people, that find one."""
    beta = np.array([0.6, 0.3, -0.3, 0, 0, 0])
    hits = []
    for run in range(runs):
        rng = np.random.default_rng(run)
        x = rng.normal(size=(600, 6))
        labels = [labels_of(drawn(rng, x @ beta), "ann")]
        labels += [labels_of(drawn(rng, x @ beta), f"j{j:02d}", "llm") for j in range(20)]
        gap = wb.contrast(wb.decompose(data_of(x, labels, np.arange(600)), folds=0), "ann")
        hits.append(float(any(f.rule_id == "differs-from-reference" for f in find([gap]))))
    return rate("findings", "20 judges equal to the people", "a 'differs' finding", hits, "<= 5")


def rows(quick: bool) -> list[dict[str, Any]]:
    """Return every measured level; ``quick`` with few runs."""
    k = 1 if quick else 10
    found = [
        one_weight(10, 20, False, 4 * k, "5 +- 1"),
        one_weight(20, 20, False, 4 * k, "5 +- 1"),
        one_weight(40, 20, False, 4 * k, "5 +- 1"),
        one_weight(40, 20, True, 4 * k, "5 +- 1.5"),
        one_weight(100, 8, True, 4 * k, "5 +- 1.5"),
    ]
    for prompts in (1, 2, 3, 5, 10, 20):
        found += rare(prompts, 20 * k)
    for scale in (1.0, 2.0, 0.5):
        found += contrasts(scale, 0.0, 0.0, 40 * k, "5 +- 1.5")
    found += contrasts(1.0, 0.3, 0.0, 40 * k, "5 +- 1.5")
    for difference in (-0.5, 0.6):
        found += contrasts(1.0, 0.0, difference, 20 * k, ">= 90")
    found.append(pooled_reference(20 * k))
    for groups, terms, pairs in ((30, 18, False), (60, 18, False), (20, 8, True), (40, 8, True)):
        found.append(joint(groups, terms, 4 * k, pairs))
    for count, pairs, sd, same in (
        (10, 100, 0.3, False), (15, 200, 0.5, True), (30, 30, 0.5, False), (10, 100, 0.0, False),
    ):  # fmt: skip
        found.append(people(count, pairs, sd, same, 30 * k))
    found.append(equal_judges(10 * k))
    return found


if __name__ == "__main__":
    print(pd.DataFrame(rows(quick=True)).to_string(index=False))
