"""What a result must carry so that somebody else can make it again."""

from __future__ import annotations

import platform
import subprocess
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_PACKAGES = ("numpy", "scipy", "pandas", "pyarrow", "scikit-learn")


@dataclass(frozen=True)
class Provenance:
    """Versions, code state, seed and data digest of one result.

    Holds no clock time and no path, so the same data, configuration and seed
    give the same bytes.

    Attributes
    ----------
    workbench : str
        Version of the workbench.
    python : str
        Version of Python.
    packages : dict of str to str
        Versions of the packages that compute numbers.
    git : str or None
        Commit of the source checkout, ``+dirty`` appended when it had changes;
        None for an installed wheel.
    seed : int or None
        Seed of the random steps.
    dataset : str or None
        Digest of the data.
    engine : str or None
        What mapped the work over parts; None where there were none.

    Examples
    --------
    >>> Provenance.capture(seed=1, dataset="ab12").seed
    1
    """

    workbench: str
    python: str
    packages: dict[str, str] = field(default_factory=dict)
    git: str | None = None
    seed: int | None = None
    dataset: str | None = None
    engine: str | None = None

    @classmethod
    def capture(
        cls, *, seed: int | None = None, dataset: str | None = None, engine: str | None = None
    ) -> Provenance:
        """Record the running code together with a seed, a data digest and an engine's name."""
        packages = (*_PACKAGES, "ray") if engine == "ray" else _PACKAGES
        return cls(
            workbench=_version("preference-workbench"),
            python=platform.python_version(),
            packages={name: _version(name) for name in packages},
            git=_git_state(),
            seed=seed,
            dataset=dataset,
            engine=engine,
        )

    def by(self, engine: str | None) -> Provenance:
        """Return the record of the same work, done by an engine.

        Examples
        --------
        >>> Provenance.capture(seed=1).by("local").engine
        'local'
        """
        return Provenance.capture(seed=self.seed, dataset=self.dataset, engine=engine)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON values; no engine where there were no parts."""
        fields = asdict(self)
        if self.engine is None:
            del fields["engine"]
        return fields


@cache
def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


@cache
def _git_state() -> str | None:
    root = Path(__file__).resolve().parent.parent
    if not (root / ".git").exists():
        return None
    commit = _git(root, "rev-parse", "HEAD")
    if commit is None:
        return None
    return f"{commit}+dirty" if _git(root, "status", "--porcelain") else commit


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603 - fixed program, fixed arguments
            ["git", "-C", str(root), *arguments],  # noqa: S607 - git is found on PATH
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
