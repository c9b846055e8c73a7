"""What is imported is declared, what is declared is bounded, and all of it is pinned."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS = PROJECT["project"]["optional-dependencies"]
CORE = [Requirement(text) for text in PROJECT["project"]["dependencies"]]
ALL = [*CORE, *(Requirement(text) for texts in EXTRAS.values() for text in texts)]
BUILD = [Requirement(text) for text in PROJECT["build-system"]["requires"]]
PINS = dict(
    line.split("==")
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
)
MODULES = packages_distributions()
OWN = {"workbench", "parts"}  # the pages import their own folder


def _imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Yield the packages that a file imports, and whether it does so at its top."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0], node in tree.body
        elif isinstance(node, ast.Import):
            yield from ((alias.name.split(".")[0], node in tree.body) for alias in node.names)


def _imported(*folders: str) -> dict[str, bool]:
    found: dict[str, bool] = {}
    for folder in folders:
        for path in (ROOT / folder).rglob("*.py"):
            for name, at_top in _imports(path):
                if name not in sys.stdlib_module_names and name not in OWN:
                    found[name] = found.get(name, False) or at_top
    return found


def _distribution(module: str) -> str:
    return canonicalize_name(MODULES.get(module, [module])[0])


def test_what_is_imported_is_declared():
    core = {canonicalize_name(one.name) for one in CORE}
    known = {canonicalize_name(one.name) for one in ALL}
    imported = _imported("workbench", "pages")
    assert {"numpy", "streamlit", "openai", "httpx2", "torch"} <= set(imported)
    assert {name for name in imported if _distribution(name) not in known} == set()
    # what is imported with the file is there without any extra
    assert {n for n, at_top in imported.items() if at_top and _distribution(n) not in core} == set()


def test_what_everybody_installs_is_imported():
    imported = {_distribution(name) for name in _imported("workbench", "pages")}
    assert {canonicalize_name(one.name) for one in CORE} <= imported


@pytest.mark.parametrize("one", [*ALL, *BUILD], ids=str)
def test_every_requirement_stops_at_a_major_release(one):
    bounds = {part.operator: part.version for part in one.specifier}
    assert {">=", "<"} <= set(bounds), str(one)
    assert re.fullmatch(r"\d+", bounds["<"]), "the next major release"


@pytest.mark.parametrize("one", [*ALL, *BUILD], ids=str)
def test_the_pinned_release_is_within_the_bounds(one):
    assert one.specifier.contains(PINS[canonicalize_name(one.name)])


def test_constraints_name_releases_and_nothing_else():
    assert all(re.fullmatch(r"[a-z0-9-]+", name) for name in PINS)
    assert all(re.fullmatch(r"[0-9][0-9a-z.]*", version) for version in PINS.values())
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert re.search(r"://|@|(?:^|\s)/\w|index|find-links", text) is None


def test_every_package_that_comes_with_others_is_pinned():
    seen: set[str] = set()
    open_ = [(canonicalize_name(one.name), tuple(one.extras)) for one in ALL]
    while open_:
        name, extras = open_.pop()
        if name in seen and not extras:
            continue
        seen.add(name)
        try:
            needs = [Requirement(text) for text in requires(name) or []]
        except PackageNotFoundError:
            continue  # of the measurements, which have an environment of their own
        for need in needs:
            wanted = need.marker is None or any(
                need.marker.evaluate({"extra": extra}) for extra in ("", *extras)
            )
            key = canonicalize_name(need.name)
            if wanted and key not in seen:
                open_.append((key, tuple(need.extras)))
    # a torch with CUDA pins what it brings by itself
    own = {name for name in seen if name.startswith(("nvidia-", "cuda-")) or name == "triton"}
    assert len(seen) > 80
    assert seen - own - set(PINS) == set()


def test_the_commands_install_by_the_constraints():
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    installs = [line for line in text.splitlines() if "$(PIP) install" in line]
    assert installs
    assert all("-c constraints.txt" in line or "$(ALONE)" in line for line in installs)


def test_the_demo_installs_no_extra():
    lines = (ROOT / "Makefile").read_text(encoding="utf-8").splitlines()
    extras = dict(re.findall(r"\$\(VENV\)/\.(\w+): EXTRAS := (.*)", "\n".join(lines)))
    assert "demo" not in extras
    assert extras["test"] == "models,test"
