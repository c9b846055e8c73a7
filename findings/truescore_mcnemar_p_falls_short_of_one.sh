#!/usr/bin/env bash
# truescore 0.7.4: where two systems win as often, the p-value of its McNemar test is not 1.
#
# Two systems answer the same cases; each is right once where the other is wrong. Nothing tells
# them apart, and every mid-p of McNemar's test is 1 there: 2 P(X < b) + P(X = b) with b = c. The
# two-sided exact p is cut to 1 first, and the point mass is taken off afterwards, so that the
# result is 1 - P(X = b): .5 with one case each, .82 with ten. The p-value falls as the cases
# become fewer, where it should stay; of unequal counts it is right (compared with the sum above).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" -qq --disable-pip-version-check install truescore==0.7.4 numpy==2.4.6 scipy==1.17.1
cd "$work"
"$work/env/bin/python" - <<'PY'
import numpy as np
import truescore
from scipy.stats import binom
from truescore.compare import mcnemar


def mid_p(b, c):
    low = min(b, c)
    return 2 * binom.cdf(low - 1, b + c, 0.5) + binom.pmf(low, b + c, 0.5)


print("truescore", truescore.__version__)
seen = {}
for b, c in ((1, 1), (3, 3), (10, 10), (2, 7), (4, 12)):
    first, second = np.r_[np.ones(b), np.zeros(c)], np.r_[np.zeros(b), np.ones(c)]
    seen[b, c] = mcnemar(first.astype(int), second.astype(int)).p_value
    print(f"{b} against {c}: p = {seen[b, c]:.4f}; mid-p is {mid_p(b, c):.4f}")
for b, c in ((1, 1), (3, 3), (10, 10)):
    assert abs(mid_p(b, c) - 1) < 1e-12
    assert abs(seen[b, c] - (1 - binom.pmf(b, b + c, 0.5))) < 1e-9
for b, c in ((2, 7), (4, 12)):
    assert abs(seen[b, c] - mid_p(b, c)) < 1e-9
print("seen: equal counts do not give p = 1")
PY
