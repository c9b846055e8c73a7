"""Mixed logit of the electricity data (361 people, 4,308 choices of 4), beside xlogit and Laplace.

All from zero, with the same 100 Halton draws; seconds of the processor on one thread.
``--peer PYTHON`` names an interpreter that has xlogit where this one has not.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

from workbench.compare.pooling import pool
from workbench.structure.labels import person_labels
from workbench.structure.mixed.choices import fit_choices
from workbench.structure.mixed.mixed import mixed
from workbench.structure.planted import planted_people
from workbench.threads import one_thread

DEFAULT = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
COLUMNS = ["pf", "cl", "loc", "wk", "tod", "seas"]
PEER = """
import sys, time
import pandas as pd
from xlogit import MixedLogit
table = pd.read_csv(sys.argv[1])
columns = sys.argv[2].split(",")
model = MixedLogit()
start = time.process_time()
model.fit(X=table[columns], y=table["choice"], varnames=columns, ids=table["chid"],
          panels=table["id"], alts=table["alt"], n_draws=100,
          randvars={name: "n" for name in columns}, verbose=0)
print(time.process_time() - start, model.loglikelihood)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT)
    parser.add_argument("--peer", default=sys.executable)
    options = parser.parse_args()
    source = options.data / "electricity" / "electricity_long.csv"
    if source.is_file():
        electricity(source, options.peer)
    else:
        print(f"the electricity data are not at {options.data}")
    laplace()


def electricity(source: Path, peer: str) -> None:
    table = pd.read_csv(source)
    X = table[COLUMNS].to_numpy("float64").reshape(-1, 4, len(COLUMNS))
    chosen = table["choice"].to_numpy("float64").reshape(-1, 4)
    who = pd.factorize(table["id"].to_numpy()[::4])[0]
    start = time.process_time()
    found = fit_choices(X, chosen, who, draws="halton", n_draws=100)
    ours = time.process_time() - start
    print(
        f"ours     {ours:6.2f} s, log-likelihood {found.log_likelihood:.3f} (exact Hessian errors)"
    )
    one = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [peer, "-c", PEER, str(source), ",".join(COLUMNS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=one)
    if done.returncode:
        print("xlogit is not installed (--peer PYTHON names an interpreter that has it)")
        return
    theirs, likelihood = map(float, done.stdout.split())
    print(f"xlogit   {theirs:6.2f} s, log-likelihood {likelihood:.3f}, ratio {theirs / ours:.1f}")


def laplace() -> None:
    """Print the time of a pooled fit by Laplace's method, of pairs, beside that by simulation."""
    data, _ = planted_people(people=361, labels=36, tau=0.5, tastes=[np.linspace(-1, 1, 6)])
    subsets = person_labels(data).subsets()
    with one_thread():
        start = time.process_time()
        pool(subsets)
        quick = time.process_time() - start
    labels = person_labels(data)
    start = time.process_time()
    beside = labels.X[:, None] * np.array([1.0, 0.0])[:, None]
    fit_choices(beside, np.c_[labels.votes, labels.weight - labels.votes], labels.person,
                n_draws=128)  # fmt: skip
    drawn = time.process_time() - start
    print(f"361 people, 12,996 pairs, 6 factors: Laplace {quick:.2f} s, 128 draws {drawn:.2f} s, "
          f"ratio {drawn / quick:.1f}")  # fmt: skip
    small, _ = planted_people(people=60, labels=40, tau=0.5)
    start = time.process_time()
    found = mixed(small)
    whole = time.process_time() - start
    print(f"the whole verb, 60 people of 40 labels, 3 factors: {whole:.2f} s, "
          f"{found.settings['n_draws']:,} draws")  # fmt: skip


if __name__ == "__main__":
    main()
