"""How often anything is expressed in labels that follow nothing, and seconds of a discovery."""

from __future__ import annotations

import argparse
import time

import numpy as np

import workbench as wb
from tests.discover.planted import planted


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--pairs", type=int, default=600)
    options = parser.parse_args()
    some, directions, began = 0, 0, time.process_time()
    for seed in range(options.runs):
        data = planted(options.pairs, seed=seed, shuffle=True)
        found = wb.discover(data, "human", k=8, fidelity_pairs=2, shown=2, seed=seed)
        hits = int(found.directions["expressed"].sum())
        some, directions = some + (hits > 0), directions + hits
    took = (time.process_time() - began) / options.runs
    error = np.sqrt(some * (options.runs - some) / options.runs) / options.runs
    told = f"({some / options.runs:.3f}, error {error:.3f})"
    print(f"any expressed: {some} of {options.runs} runs {told}")
    print(f"directions expressed: {directions}; {took:.1f} s a run")


if __name__ == "__main__":
    main()
