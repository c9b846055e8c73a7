"""Run the measurements one after another, each in a process of its own.

``python bench/run.py`` runs all that measure speed, and those of ``structure/``, ``parts/``,
``discover/`` and ``calibration/`` beside other packages; ``python bench/run.py load_speed
structure.raters`` some, and ``python bench/run.py coverage`` the simulations of levels and
coverage, which take an hour or so.
A measurement that fails is told at the end, and the others still run.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
COVERAGE, ROOMS = "coverage", ("structure", "calibration", "parts", "discover")


def main(wanted: list[str]) -> int:
    known = sorted(p.stem for p in FOLDER.glob("*_speed.py"))
    for room in ROOMS:
        known += sorted(f"{room}.{p.stem}" for p in (FOLDER / room).glob("[!_]*.py"))
    unknown = sorted(set(wanted) - {*known, COVERAGE})
    if unknown:
        every = ", ".join([*known, COVERAGE])
        print(f"no measurement {unknown[0]!r}; there are: {every}", file=sys.stderr)
        return 2
    failed = []
    for name in wanted or known:
        print(f"== {name}", flush=True)
        command = [sys.executable, "-m", f"bench.{name}"]
        done = subprocess.run(command, cwd=FOLDER.parent, check=False)
        if done.returncode:
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
