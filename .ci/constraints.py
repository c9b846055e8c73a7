"""Write constraints.txt anew: the newest release of every package that the workbench needs.

The lines before the mark are kept: they hold packages back, each with its reason.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "constraints.txt"
MARK = "# --- what follows is written by `make upgrade` ---"
EXTRAS = "models,hub,cluster,sign-in,docs,test,lint,bench"


def resolved(held: str) -> dict[str, str]:
    """Return the releases that pip would install into an empty environment, by name."""
    with tempfile.TemporaryDirectory() as folder:
        back, report = Path(folder, "held.txt"), Path(folder, "report.json")
        back.write_text(held, encoding="utf-8")
        command = [sys.executable, "-m", "pip", "install", "-qq", "--dry-run"]
        options = ["--ignore-installed", "-c", str(back), "--report", str(report)]
        subprocess.run([*command, *options, f"{ROOT}[{EXTRAS}]"], check=True)  # noqa: S603
        found = json.loads(report.read_text(encoding="utf-8"))["install"]
    releases = {one["metadata"]["name"]: one["metadata"]["version"] for one in found}
    names = {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in releases.items()}
    names.pop("preference-workbench")
    # what a build is made for is no part of the release: cpu, cu130
    return {name: version.split("+")[0] for name, version in names.items()}


def main() -> None:
    """Write the file."""
    held = FILE.read_text(encoding="utf-8").partition(MARK)[0]
    kept = {line.partition("==")[0] for line in held.splitlines() if "==" in line}
    lines = [f"{name}=={v}" for name, v in sorted(resolved(held).items()) if name not in kept]
    FILE.write_text("\n".join([held.rstrip(), "", MARK, *lines]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
