"""The rules of the house that a linter cannot hold."""

from __future__ import annotations

import ast
import inspect
import io
import re
import resource
import subprocess
import sys
import tokenize
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import workbench as wb

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("workbench", "pages", "tests", "bench", "analyses")
SOURCES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
LIBRARY = [path for path in SOURCES if path.is_relative_to(ROOT / "workbench")]
PAGES = [path for path in SOURCES if path.is_relative_to(ROOT / "pages")]
HEAVY = ("streamlit", "torch", "openai", "transformers", "statsmodels")
VAGUE = ("util", "helper", "manager", "handler", "misc", "common")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def run_python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    return done.stdout


def functions(path: Path) -> Iterator[Function]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    yield from (node for node in ast.walk(tree) if isinstance(node, Function))


def code_lines(source: str) -> set[int]:
    """Lines that hold code: no blank line, no comment."""
    skip = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    return {
        line
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type not in skip
        for line in range(token.start[0], token.end[0] + 1)
    }


def size_of(function: Function, lines: set[int]) -> int:
    """Lines of code of a function's body, its docstring left out."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    inside = range(body[0].lineno, (body[-1].end_lineno or 0) + 1) if body else range(0)
    return len(lines.intersection(inside))


@pytest.mark.parametrize("path", LIBRARY, ids=name_of)
def test_library_files_are_small(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_pages_are_small(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 120


@pytest.mark.parametrize("path", LIBRARY + PAGES, ids=name_of)
def test_functions_are_small(path: Path) -> None:
    lines = code_lines(path.read_text(encoding="utf-8"))
    sizes = {function.name: size_of(function, lines) for function in functions(path)}
    assert {name: size for name, size in sizes.items() if size > 60} == {}


def test_no_room_is_crowded() -> None:
    per_room = Counter(path.parent for path in LIBRARY + PAGES if path.name != "__init__.py")
    assert {name_of(room): n for room, n in per_room.items() if n > 20} == {}


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path, modules: set[str]) -> set[str]:
    """Modules of the library that a file imports, for type checking or at run time."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= inner & modules or {node.module} & modules
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names} & modules
    return found - {module_of(path)}


def test_no_two_files_import_each_other() -> None:
    by_module = {module_of(path): path for path in LIBRARY}
    imports = {name: imports_of(path, set(by_module)) for name, path in by_module.items()}
    mutual = {tuple(sorted((a, b))) for a in imports for b in imports[a] if a in imports[b]}
    assert len(imports["workbench.results"]) > 1  # the walk sees imports
    assert mutual == set()


def test_no_file_has_a_vague_name() -> None:
    vague = [name_of(p) for p in SOURCES if any(word in p.stem.lower() for word in VAGUE)]
    assert vague == []


def test_pages_never_pass_raw_html() -> None:
    found = [p for p in LIBRARY + PAGES if "unsafe_allow_html" in p.read_text(encoding="utf-8")]
    assert found == []


def test_no_file_names_a_place_of_one_machine() -> None:
    place = re.compile(r"(?<![\w.<])/(?:home|Users|root|work|tmp|mnt)/\w")
    found = [
        f"{name_of(path)}:{number}"
        for path in SOURCES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if place.search(line)
    ]
    assert found == []


def test_no_pickle_is_read() -> None:
    reads = re.compile(r"\bread_pickle\b|\bpickle\.load|\bimport pickle\b|allow_pickle=True")
    found = [name_of(p) for p in LIBRARY + PAGES if reads.search(p.read_text(encoding="utf-8"))]
    assert found == []


def test_import_is_light() -> None:
    code = f"import sys, workbench; print([m for m in {(*HEAVY, 'pandas')!r} if m in sys.modules])"
    assert run_python(code).strip() == "[]"


def test_loading_every_verb_leaves_the_extras_alone() -> None:
    code = (
        "import sys, workbench as wb; [getattr(wb, name) for name in dir(wb)];"
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    assert run_python(code).strip() == "[]"


def test_the_command_line_is_light() -> None:
    code = (
        "import sys, workbench.cli.main;"
        f"print([m for m in {(*HEAVY, 'pandas', 'numpy', 'plotly')!r} if m in sys.modules])"
    )
    assert run_python(code).strip() == "[]"


def test_help_answers_well_under_a_second() -> None:
    # processor time, which other work on the machine does not stretch
    def seconds() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [sys.executable, "-m", "workbench.cli", "--help"],
            capture_output=True,
            cwd=ROOT,
            check=True,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime

    assert min(seconds() for _ in range(3)) < 1.0


def public_names(path: Path) -> Iterator[ast.stmt]:
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, (Function, ast.ClassDef)) and not node.name.startswith("_"):
            yield node


@pytest.mark.parametrize("path", LIBRARY, ids=name_of)
def test_public_names_are_documented(path: Path) -> None:
    bare = [node.name for node in public_names(path) if ast.get_docstring(node) is None]
    assert bare == []


def test_public_verbs_show_an_example() -> None:
    names = [name for name in wb._EXPORTS if not name.endswith("Error")]
    verbs = {name: getattr(wb, name) for name in names}
    functions_only = {n: v for n, v in verbs.items() if inspect.isfunction(v)}
    bare = [n for n, v in functions_only.items() if ">>>" not in (inspect.getdoc(v) or "")]
    assert bare == []
