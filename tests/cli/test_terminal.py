"""Text of the data is shown on the terminal and never steers it, whatever command prints it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import workbench as wb
from tests.hostile import HOSTILE
from workbench.cli.main import app
from workbench.cli.terminal import escaped, visible

STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
# clear the screen, set the title, colours by C1, write backwards
MARKS = "\x1b[2J\x1b]0;owned\x07\x9b31m\x90\x7f\r\b\u202e\u202a\u2066\u2069\u200e\u200f\u061c"
SOME = ("--factors", "words")


def _run(*arguments: object) -> Any:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def _said(*arguments: object, code: int | None = 0) -> Any:
    """Run a command; nothing that it prints may steer a terminal."""
    done = _run(*arguments)
    assert done.exit_code == code, done.output
    for stream in (done.stdout, done.stderr):
        assert STEERING.search(stream) is None, repr(STEERING.search(stream))
    return done


@pytest.fixture(scope="module")
def votes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file in which every text and every name is hostile."""
    rng = np.random.default_rng(0)
    n = 120
    texts = [f"{HOSTILE[k % len(HOSTILE)]} {MARKS} {k}" for k in range(n)]
    one = pd.DataFrame(
        {
            "prompt": [f"question {MARKS} {k // 2}" for k in range(n)],
            "response_a": [texts[k] + " word" * int(rng.integers(1, 30)) for k in range(n)],
            "response_b": [texts[-k] + " term." * int(rng.integers(1, 30)) for k in range(n)],
            "model_a": rng.choice([f"m1{MARKS}", f"m2{MARKS}"], n),
            "model_b": f"m3{MARKS}",
            "scenario": rng.choice([f"code{MARKS}", f"advice{MARKS}"], n),
            f"extra{MARKS}": f"more{MARKS}",
            "kind": "human",
        }
    )
    sides = [rng.choice(["A", "B"], n) for _ in range(2)]
    table = pd.concat(
        [one.assign(annotator=f"ann{MARKS}", label=sides[0]),
         one.assign(annotator=f"judge{MARKS}", kind="llm", label=sides[1]),
         one.head(2).assign(annotator=f"ann{MARKS}", label=[f"huh{MARKS}", f"what{MARKS}"])]
    )  # fmt: skip
    path = tmp_path_factory.mktemp("data") / f"votes{MARKS[:4]}.jsonl"
    table.to_json(path, orient="records", lines=True, force_ascii=True)
    return path


ANN = ("--annotator", f"ann{MARKS}")
VERBS: dict[str, tuple[object, ...]] = {
    "load": (),
    "load --explain": ("--explain",),
    "factors": ("--families", "length"),
    "decompose": (*SOME, "--folds", 0),
    "contrast": (*SOME, "--folds", 0),
    "dissect": (*SOME, "--folds", 0, "--draws", 200),
    "bootstrap": (*SOME, "--replicates", 20),
    "check-fit": (*SOME, "--folds", 0),
    "similarity": ("--factors", "words,readability,type_token_ratio"),
    "scenarios": SOME,
    "concordance": (*SOME, "--replicates", 100),
    "attribute": (*SOME, "--group", f"ann{MARKS}"),
    "rate": (),
    "length-control": ("--baseline", f"m3{MARKS}", *ANN, "--replicates", 20),
    "screen": ANN,
    "judge": ("--model", "offline:plain", "--pairs", 6, "--dry-run"),
    "audit-judge": ("--from-verdicts",),
    "doctor": (),
}


@pytest.mark.parametrize("verb", VERBS)
def test_what_every_verb_prints(verb: str, votes: Path) -> None:
    done = _said(verb.split()[0], votes, *VERBS[verb])
    # the names are there, in signs
    assert "␛[2J" in done.stdout or verb in ("judge", "factors", "scenarios")


@pytest.mark.parametrize("verb", ["load", "load --explain", "decompose", "rate", "audit-judge"])
def test_json_is_escaped_and_says_the_same(verb: str, votes: Path) -> None:
    done = _said(verb.split()[0], votes, *VERBS[verb], "--json", "--quiet")
    assert any(MARKS in text for text in _texts(json.loads(done.stdout)))


def _texts(value: Any) -> list[str]:
    """Return all texts in a JSON value, keys among them."""
    if isinstance(value, dict):
        return [*value, *(text for item in value.values() for text in _texts(item))]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return [value] if isinstance(value, str) else []


def test_runs_that_ask(votes: Path, tmp_path: Path) -> None:
    asked = ("--model", "offline:plain", "--pairs", 6)
    _said("judge", votes, *asked, "--name", f"mine{MARKS}", "--out", tmp_path / "run")
    _said("resume", tmp_path / "run")
    _said("plan", votes, *asked, "--out", tmp_path / "plan")
    given = ("extract", votes, *ANN, *asked[:3], 16, "--out", tmp_path / "found")
    _said("principles", *given)
    for to in ("markdown", "json", "judge", "annotated-pairs"):
        text = _said("principles", "export", tmp_path / "found", "--to", to).stdout
        assert to not in ("json", "annotated-pairs") or json.loads(text)
    report = ("report", votes, *SOME, "--folds", 0, "--out")
    _said(*report, tmp_path / f"report{MARKS[:4]}.html")
    made = tmp_path / f"report{MARKS[:4]}.json"
    _said("report", "--check", made)
    _said("report", "--compare", made, made, "--out", tmp_path / "beside")


def test_a_whole_run(votes: Path, tmp_path: Path) -> None:
    asked = f"""
source = {json.dumps(str(votes))}
factors = ["words"]
folds = 0
[judge]
model = "offline:plain"
name = {json.dumps(f"mine{MARKS}")}
pairs = 4
"""
    file = tmp_path / f"run{MARKS[:4]}.toml"
    file.write_text(asked, encoding="utf-8")
    for more in (("--dry-run",), (), ()):
        done = _said("run", file, *more, "--out", tmp_path / "whole")
    assert "␛[2J" in done.stdout
    file.write_text(f'"key{json.dumps(MARKS)[1:-1]}" = {json.dumps(MARKS)}', encoding="utf-8")
    assert "Unknown key" in _said("run", file, code=1).stderr


def test_a_judge_is_added(votes: Path, tmp_path: Path) -> None:
    ids = wb.load(votes).pairs["pair_id"]
    table = pd.DataFrame({"pair_id": [*ids, f"none{MARKS}"], "verdict": "A"})
    table.to_csv(tmp_path / "verdicts.csv", index=False)
    given = ("--verdicts", tmp_path / "verdicts.csv", "--name", f"new{MARKS}")
    _said("add-judge", votes, *given, "--out", tmp_path / "more")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (f"prompt,{MARKS[:9]},{MARKS[:9]}\n", "stands twice"),
        (f'{{"x": "{MARKS[5:]}\n' * 3, ""),
        (json.dumps({f"a{MARKS}": MARKS, "b": 1}) * 2, "not recognised"),
    ],
)
@pytest.mark.parametrize("debug", [(), ("--debug",)])
def test_errors_that_quote_the_data(
    tmp_path: Path, content: str, what: str, debug: tuple[str, ...]
) -> None:
    path = tmp_path / "votes"
    path.write_text(content, encoding="utf-8")
    assert what in _said("load", path, *debug, code=1).stderr


def test_wrong_calls_that_quote_what_was_typed(votes: Path) -> None:
    _said("load", votes, f"--no{MARKS}", code=2)
    _said(f"verb{MARKS}", code=2)
    _said("decompose", votes, "--level", f"1{MARKS}", code=2)
    _said("load", votes, "--map", MARKS, code=2)
    _said("load", f"none{MARKS}.csv", code=1)


def test_every_character_that_steers_has_a_sign() -> None:
    steering = [chr(c) for c in range(0x10FFFF) if STEERING.match(chr(c))]
    assert len(steering) == 30 + 33 + 12 + 2048
    assert STEERING.search(visible("".join(steering))) is None
    assert json.loads(escaped(json.dumps(steering, ensure_ascii=False))) == steering
    assert visible("a\tb\nç 你 👩‍🚀 שלום") == "a\tb\nç 你 👩‍🚀 שלום"


def test_nothing_is_printed_elsewhere() -> None:
    folder = Path(wb.__file__).parent
    direct = re.compile(r"typer\.echo|click\.echo|(?<![\w.>])print\(|sys\.std(?:out|err)\.write")
    found = [
        str(path.relative_to(folder))
        for path in folder.rglob("*.py")
        if any(direct.search(line) and ">>>" not in line and "... " not in line
               for line in path.read_text(encoding="utf-8").splitlines())
    ]  # fmt: skip
    assert found == ["cli/terminal.py"]
