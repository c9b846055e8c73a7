"""What a message tells the reader to type is there: every flag, on the command it is said of."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from typer.main import get_command

from workbench.cli.main import app

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "workbench").rglob("*.py"))
FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]*[a-z]")
CALL = re.compile(
    r"workbench ([a-z][a-z-]*(?: (?:extract|vote|evaluate|groups|export))?)\b([^;\n]*)"
)

OTHERS = {
    "workbench/data/store.py": {"--upgrade"},  # pip
    "workbench/cli/dashboard.py": {"--force-reinstall"},  # pip
    "workbench/provenance.py": {"--porcelain"},  # git
    "workbench/engine/ray_cluster.py": {"--address", "--head", "--num-gpus", "--port"},  # ray
}
"""Flags of other programs."""

BROWSER = "workbench/report/forms/pdf.py"
"""A file all of whose flags are a browser's."""

ASKING = (
    "judge", "audit-judge", "principles extract", "principles vote", "principles evaluate",
    "factors", "plan", "run", "discover",
)  # fmt: skip
READING = "every command that takes DATA"
WHERE = {
    "workbench/data/formats": READING,
    "workbench/data/reading": READING,
    "workbench/data/alike": READING,
    "workbench/data/columns.py": READING,
    "workbench/data/parts": ("load",),
    "workbench/data/add_judge.py": ("add-judge",),
    "workbench/judges/judge.py": ("judge", "add-judge"),
    "workbench/llm": ASKING,
    "workbench/annotate/estimate.py": ASKING,
    "workbench/shard.py": ("judge", "factors", "resume"),
    "workbench/annotate/config.py": ("judge", "principles extract", "factors", "run"),
    "workbench/annotate/endpoints.py": ("app",),
    "workbench/annotate/auditing.py": ("audit-judge",),
    "workbench/annotate/tasks.py": ("discover",),
    "workbench/audit/judges/groups": ("audit-judge",),
    "workbench/audit/followed": ("followed",),
    "workbench/discover": ("discover",),
    "workbench/scoring": ("audit-model",),
    "workbench/audit/models/scored.py": ("audit-model",),
    "workbench/audit/models/seen.py": ("audit-model",),
    "workbench/audit/models/reward_scores.py": ("audit-rewards",),
    "workbench/curate": ("curate",),
    "workbench/decompose/posterior.py": ("dissect",),
    "workbench/ratings/baseline_rows.py": ("length-control",),
    "workbench/report/main_job.py": ("contrast", "report", "run"),
    "workbench/report/further.py": ("report", "run"),
    "workbench/factors/columns.py": READING,
    "workbench/explain/rationales": ("rationales",),
    "workbench/feedback": ("feedback",),
    "workbench/structure/labels.py": ("people", "groups", "mixed"),
    "workbench/structure/named.py": (
        "people",
        "groups",
        "mixed",
        "reliability",
        "rater-agreement",
    ),
    "workbench/structure/shared_prompts.py": ("people", "groups", "calibrate-verdicts"),
    "workbench/structure/context": ("context",),
    "workbench/structure/groups": ("groups",),
    "workbench/structure/reliability": ("reliability",),
    "workbench/structure/transitivity": ("transitivity",),
    "workbench/structure/values": ("values",),
    "workbench/structure/categories": ("categories",),
    "workbench/calibration/apart": ("apart",),
    "workbench/audit/models/likelihoods": ("on-policy",),
    "workbench/factors/listed.py": ("values",),
    "workbench/judges/pictures.py": ("judge", "plan"),
    "workbench/doctor": READING,
    "workbench/whole_run": ("run",),
    "workbench/config.py": READING,
}
"""Commands in which the messages of a file, or of a room, can arise."""

SHOWN = {
    "workbench/annotate/folder.py", "workbench/annotate/process.py",
    "workbench/report/build.py", "workbench/report/job.py",
}  # fmt: skip
"""Files whose texts name flags behind their command only."""

ELSEWHERE = {
    ("workbench/audit/models/likelihoods/on_policy.py", "--model"): ("audit-model",),
    ("workbench/data/formats/plain/nearest.py", "--explain"): ("load",),
    ("workbench/data/columns.py", "--by"): ("decompose",),
    ("workbench/whole_run/config.py", "--rubric"): ("factors",),
    ("workbench/structure/context/findings.py", "--by"): ("decompose",),
    ("workbench/structure/labels.py", "--explain"): ("load",),
    ("workbench/annotate/tasks.py", "--pointwise"): ("judge", "plan"),
    ("workbench/annotate/tasks.py", "--images"): ("judge", "plan"),
    ("workbench/annotate/tasks.py", "--image-urls"): ("judge", "plan"),
    ("workbench/discover/expressed.py", "--out"): ("factors",),
    ("workbench/doctor/stated.py", "--column"): ("rationales", "values"),
    ("workbench/doctor/fits.py", "--folds"): ("decompose",),
    ("workbench/doctor/fits.py", "--reference"): ("contrast",),
    ("workbench/doctor/fits.py", "--annotator"): ("contrast",),
    ("workbench/doctor/fits.py", "--baseline"): ("length-control",),
    ("workbench/doctor/judged.py", "--folds"): ("principles extract",),
    ("workbench/doctor/judged.py", "--model"): ("principles extract", "audit-model"),
    ("workbench/doctor/judged.py", "--from-verdicts"): ("audit-judge",),
    ("workbench/doctor/judged.py", "--out"): ("curate",),
    ("workbench/explain/rationales/rationales.py", "--template"): ("judge",),
    ("workbench/llm/batch.py", "--batch-format"): ("plan",),
    ("workbench/llm/batches/anthropic_batch.py", "--soft"): ("judge", "plan"),
}
"""Flags that a message names with the command they belong to, or that one command alone has."""


@cache
def commands() -> dict[str, set[str]]:
    """Return the flags of every command by its name."""
    found: dict[str, set[str]] = {}

    def walk(command, name: str) -> None:
        inner = getattr(command, "commands", None)
        if inner is None:
            found[name] = {o for p in command.params for o in (*p.opts, *p.secondary_opts)}
        for key, one in (inner or {}).items():
            walk(one, f"{name} {key}".strip())

    walk(get_command(app), "")
    return found


def where(place: str) -> tuple[str, ...]:
    """Return the commands in which the messages of a place can arise."""
    if WHERE[place] != READING:
        return WHERE[place]
    reading = tuple(name for name, flags in commands().items() if "source" in flags)
    assert {"load", "report", "app", "curate"} <= set(reading)
    return (*reading, "run")


def texts(path: Path) -> Iterator[str]:
    """Yield the text constants of a file, docstrings left out; parts of one text as one."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        and node.body and isinstance(node.body[0], ast.Expr)
    }  # fmt: skip
    joined = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
    inside = {id(part) for node in joined for part in node.values}
    for node in joined:
        yield "".join(str(p.value) if isinstance(p, ast.Constant) else "{}" for p in node.values)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in docs | inside:
            yield node.value if isinstance(node.value, str) else ""


@cache
def named() -> dict[str, set[str]]:
    """Return the flags that each file of the library names in a text."""
    found = {str(path.relative_to(ROOT)): set[str]() for path in SOURCES}
    for path in SOURCES:
        name = str(path.relative_to(ROOT))
        for text in texts(path):
            found[name].update(FLAG.findall(text))
        found[name] -= found[name] if name == BROWSER else OTHERS.get(name, set())
    return {name: flags for name, flags in found.items() if flags}


def test_every_flag_that_a_text_names_exists():
    known = {flag for flags in commands().values() for flag in flags} | {"--help"}
    wrong = {name: flags - known for name, flags in named().items() if flags - known}
    assert wrong == {}
    assert len(named()) > 40  # the walk sees texts


@pytest.mark.parametrize("place", WHERE)
def test_a_message_names_flags_of_the_commands_where_it_arises(place):
    files = [name for name in named() if name == place or name.startswith(f"{place}/")]
    assert files, f"{place} names no flag any more"
    lacking = {
        (name, flag, command)
        for name in files
        for flag in named()[name]
        for command in ELSEWHERE.get((name, flag), where(place))
        if flag not in commands()[command]
    }
    assert lacking == set()


def test_every_file_that_names_a_flag_is_looked_at():
    seen = {n for n in named() for place in WHERE if n == place or n.startswith(f"{place}/")}
    rest = {name for name in named() if not name.startswith("workbench/cli/")} - seen - SHOWN
    assert rest == set()


def test_a_command_that_a_text_shows_takes_the_flags_beside_it():
    wrong = []
    for path in SOURCES:
        for text in texts(path):
            for verb, rest in CALL.findall(text):
                if verb in commands():
                    own = commands()[verb]
                    wrong += [(path.name, verb, f) for f in FLAG.findall(rest) if f not in own]
    assert wrong == []
