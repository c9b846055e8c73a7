#!/usr/bin/env bash
# truescore 0.7.4: labels without an error make the corrected rate as certain as a perfect judge's.
#
# A judge that is right in 95 % of the cases marks 1,000 answers, of which 900 are good; people
# label 30 of them, and often (.95^30 = 21 % of the time) find no error. The delta method then
# takes sensitivity and specificity for exactly 1: the Rogan-Gladen interval is that of the
# judge's own rate, and the kappa's bootstrap has only perfect samples to draw from, [1, 1]. The
# Wilson intervals of the same report say that sensitivity may be below .9. Over such data sets
# the 95 % interval hardly ever holds the truth.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" -qq --disable-pip-version-check install truescore==0.7.4 numpy==2.4.6
cd "$work"
"$work/env/bin/python" - <<'PY'
import numpy as np
import truescore

truth = np.repeat([1, 0], [900, 100])
rng = np.random.default_rng(3)
perfect = held = widths = 0
while perfect < 400:
    order = rng.permutation(truth)
    judge = np.where(rng.random(1000) < 0.95, order, 1 - order)
    gold = order[:30]
    if (judge[:30] != gold).any() or gold.min() == gold.max():
        continue
    found = truescore.rogan_gladen_estimate(judge, gold, np.arange(30))
    perfect += 1
    held += found.low <= 0.9 <= found.high
    widths += found.high - found.low
report = truescore.judge_agreement(judge[:30], gold)
p = 0.86
binomial = 2 * 1.96 * np.sqrt(p * (1 - p) / 1000)
print("truescore", truescore.__version__)
print(f"30 of 30 labels agree: sensitivity from {report.sensitivity.low:.2f}, "
      f"kappa [{report.cohen_kappa.low:.2f}, {report.cohen_kappa.high:.2f}]")
print(f"mean width of the corrected rate's interval {widths / perfect:.3f}; "
      f"of the judge's own rate {binomial:.3f}")
print(f"it holds the true rate in {100 * held / perfect:.0f} % of {perfect} such data sets")
assert report.cohen_kappa.low == report.cohen_kappa.high == 1.0
assert report.sensitivity.low < 0.9
assert abs(widths / perfect - binomial) < 0.003
assert held / perfect < 0.2
print("seen: an interval without the labels' own uncertainty")
PY
