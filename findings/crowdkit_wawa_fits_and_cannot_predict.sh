#!/usr/bin/env bash
# crowd-kit 1.4.2 with scikit-learn 1.9.1: Wawa, ZeroBasedSkill and GoldMajorityVote fit and cannot
# predict.
#
# The three ask scikit-learn whether they have been fitted before they aggregate. There that
# question now wants an estimator's tags, which crowd-kit's classes do not have: answers that were
# just fitted raise an AttributeError about `__sklearn_tags__`, which names neither crowd-kit nor a
# version. Majority vote and Dawid-Skene, which do not ask, work; with scikit-learn 1.5.2 all five
# do. pip takes either beside crowd-kit, without a word.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
pip() { "$work/env/bin/pip" -qq --disable-pip-version-check install "$@"; }
cat > "$work/ask.py" <<'PY'
import sys

import pandas as pd
import sklearn
from crowdkit.aggregation import DawidSkene, GoldMajorityVote, MajorityVote, Wawa, ZeroBasedSkill

votes = {"pair 1": "ABA", "pair 2": "BBB", "pair 3": "AAB", "pair 4": "BAB"}
said = pd.DataFrame(
    [{"task": pair, "worker": who, "label": one}
     for pair, all_three in votes.items() for who, one in zip(("ann", "bo", "cy"), all_three)]
)
gold = pd.Series({"pair 1": "A", "pair 2": "B"})
most = {"pair 1": "A", "pair 2": "B", "pair 3": "A", "pair 4": "B"}
print("scikit-learn", sklearn.__version__)
lost = []
for kind in (MajorityVote, DawidSkene, Wawa, ZeroBasedSkill, GoldMajorityVote):
    model = kind(n_iter=20) if kind is DawidSkene else kind()
    truths = (gold,) if kind is GoldMajorityVote else ()
    model.fit(said, *truths)
    try:
        found = dict(model.predict(said) if hasattr(model, "predict") else model.fit_predict(said))
        assert kind is not MajorityVote or found == most, found
        print(f"{kind.__name__}: {found}")
    except AttributeError as error:
        assert "__sklearn_tags__" in str(error), error
        lost.append(kind.__name__)
        print(f"{kind.__name__}: fitted, then AttributeError: {str(error)[:90]} ...")
wanted = ["Wawa", "ZeroBasedSkill", "GoldMajorityVote"] if sys.argv[1] == "lost" else []
assert lost == wanted, lost
PY
pip crowd-kit==1.4.2 scikit-learn==1.9.1 pandas==3.1.1 numpy==2.4.6
"$work/env/bin/python" "$work/ask.py" lost
pip crowd-kit==1.4.2 scikit-learn==1.5.2 pandas==3.1.1 numpy==2.4.6
"$work/env/bin/python" "$work/ask.py" none
echo "seen: what asks scikit-learn whether it is fitted cannot predict with 1.9.1"
