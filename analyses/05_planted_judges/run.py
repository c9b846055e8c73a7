"""How often an audit flags exactly the bias that was planted in a simulated judge.

``python run.py [SEEDS [FIRST]]`` prints JSON: for every planted bias the seeds whose audit flagged
something else than the planted dimensions, with what it flagged.
"""

from __future__ import annotations

import json
import sys

from workbench.audit.judges.audit import audit_judge
from workbench.audit.judges.plan import plan_audit
from workbench.audit.judges.planted import BIASES, BiasedJudge, world

PAIRS = 200


def flagged(seed: int) -> dict[str, list[str]]:
    """Return what the default suite flags in each planted judge, in a world of its own."""
    plan = plan_audit(world(PAIRS, seed), "default", seed=seed)
    return {bias: audit_judge(plan, BiasedJudge(bias, seed=seed)).flagged for bias in BIASES}


def analyse(seeds: int, first: int) -> dict[str, object]:
    found = {seed: flagged(seed) for seed in range(first, first + seeds)}
    other = {
        bias: {str(k): one[bias] for k, one in found.items() if set(one[bias]) != wanted}
        for bias, wanted in BIASES.items()
    }
    exact = {bias: seeds - len(seen) for bias, seen in other.items()}
    about = {"first": first, "seeds": seeds, "pairs": PAIRS}
    return {**about, "flagged_exactly": exact, "otherwise": other}


if __name__ == "__main__":
    seeds, first = (int(one) for one in (sys.argv[1:] + ["100", "100"][len(sys.argv) - 1 :])[:2])
    print(json.dumps(analyse(seeds, first), indent=1))
