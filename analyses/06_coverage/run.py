"""Levels of tests and coverage of intervals, by simulation with a planted truth.

``python run.py [--full PART ...]`` measures every part of ``bench/coverage``, those named with
all of their runs and the others with few, and writes ``expected.json`` and the table of the
README. All data are simulated.
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from bench.coverage.__main__ import PARTS  # noqa: E402  (the root has to be on the path)

MARK = "<!-- table -->"


def cell(value: Any) -> str:
    """Return a number as the table shows it; undefined ones as a dash."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "-"
    return f"{value:.1f}" if isinstance(value, float) else str(value)


def table(found: dict[str, list[dict[str, Any]]]) -> str:
    """Return the rows of every part as Markdown."""
    lines = [
        "| what | setting | measure | % | interval | bound | runs |",
        "|---|---|---|---|---|---|---|",
    ]
    for rows in found.values():
        for row in rows:
            ends = f"{cell(row['low'])} to {cell(row['high'])}"
            cells = (row["what"], row["setting"], row["measure"], cell(row["value"]), ends,
                     row["bound"], row["runs"])  # fmt: skip
            lines.append("| " + " | ".join(str(c).replace("|", "/") for c in cells) + " |")
    return "\n".join(lines)


def written(found: dict[str, list[dict[str, Any]]]) -> str:
    """Return the README with the table of these rows."""
    text = (HERE / "README.md").read_text(encoding="utf-8")
    head, _, tail = text.split(MARK)
    return f"{head}{MARK}\n{table(found)}\n{MARK}{tail}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", nargs="*", default=[], choices=PARTS)
    full = parser.parse_args().full
    found = {}
    for part in PARTS:
        rows = importlib.import_module(f"bench.coverage.{part}").rows(part not in full)
        found[part] = json.loads(json.dumps(rows).replace("NaN", "null"))
        print(part, len(rows), flush=True)
    text = json.dumps(found, indent=1, ensure_ascii=False)
    (HERE / "expected.json").write_text(text + "\n", encoding="utf-8")
    (HERE / "README.md").write_text(written(found), encoding="utf-8")


if __name__ == "__main__":
    main()
