"""Levels and coverage by simulation: ``python -m bench.coverage [PART ...] [--quick]``."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path

import pandas as pd

FOLDER = Path(__file__).resolve().parent
PARTS = sorted(p.stem for p in FOLDER.glob("*.py") if p.stem not in ("__main__", "simulated"))
"""Modules with a function ``rows(quick)``."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--quick", action="store_true", help="few runs, wide intervals")
    parser.add_argument("--json", type=Path, help="file to write the rows to")
    options = parser.parse_args()
    unknown = sorted(set(options.parts) - set(PARTS))
    if unknown:
        print(f"no part {unknown[0]!r}; there are: {', '.join(PARTS)}", file=sys.stderr)
        return 2
    found = {}
    for part in options.parts or PARTS:
        found[part] = importlib.import_module(f"bench.coverage.{part}").rows(options.quick)
        print(f"== {part}", pd.DataFrame(found[part]).to_string(index=False), sep="\n", flush=True)
    if options.json:
        text = json.dumps(found, indent=1, ensure_ascii=False)
        options.json.write_text(text.replace("NaN", "null") + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
