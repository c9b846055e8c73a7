"""The tokens that a trainer saw, as it saved them, beside those that are scored."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd
import pyarrow as pa
import pyarrow.dataset as arrow

from workbench.audit.measures import Measures, share_row
from workbench.data.reading.arrow_files import read_arrow, saved_files
from workbench.errors import DataError
from workbench.finding import Finding, Rule, finding
from workbench.scoring.tokens import TokenPair

Ids = tuple[int, ...]
Three = tuple[Ids, Ids, Ids]
"""Prompt, chosen and rejected."""

COLUMNS = (
    ("prompt_ids", "chosen_ids", "rejected_ids"),
    ("prompt_input_ids", "chosen_input_ids", "rejected_input_ids"),
)
"""What TRL's DPOTrainer names them, now and before."""

SAME, TURNED = "the same", "chosen and rejected the other way round"
ABSENT = "not among them"
_EVIDENCE = 10

RULES = {
    "tokens-differ": Rule(
        "share of the pairs that the trainer saw whose tokens are the same here",
        "any pair with others",
        "Set the flags that make tokens (--like, --mode, --eos, --bos) as the training had them.",
    ),
}
"""What a trainer's saved tokens may show, by ``rule_id``."""


@dataclass(frozen=True, eq=False)
class SeenTokens(Measures):
    """Whether the tokens that are scored are those that a trainer saw."""

    heading: ClassVar[str] = "Tokens that training saw"
    about: ClassVar[str] = (
        "Pairs are found in what the trainer saved by the words of their responses; then prompt "
        "and responses are compared token by token, before anything is cut."
    )
    closing: ClassVar[str] = "A pair that is not among them was not trained on, or in other words."

    def findings(self) -> list[Finding]:
        """Return pairs whose tokens the trainer had otherwise."""
        table = self.estimates.set_index("term")
        row, kinds = table.loc["the same tokens"], self.settings["kinds"]
        if not kinds or not row["estimate"] < 1:
            return []
        told = "; ".join(f"{kind}: {n:,}" for kind, n in kinds.items())
        text = f"The trainer saw other tokens than are scored here ({told})"
        numbers = (float(row["estimate"]), float(row["conf_low"]), float(row["conf_high"]))
        return [finding(RULES, "tokens-differ", "warning", text, int(row["n"]), numbers,
                        evidence=tuple(self.settings["evidence"]))]  # fmt: skip


def compared(found: Mapping[str, TokenPair], path: Path, tokenizer: Any) -> pd.Series:
    """Return for each pair how its tokens stand to those that a trainer saved.

    Parameters
    ----------
    found : mapping of str to TokenPair
        By pair, before anything is cut.
    path : Path
        What ``trainer.train_dataset.save_to_disk(path)`` wrote, a folder that holds it, or a
        Parquet or JSON-lines file with its columns.
    tokenizer : transformers tokenizer

    Raises
    ------
    DataError
        There are no such tokens.
    """
    saved: dict[tuple[str, str], list[Three]] = defaultdict(list)
    for one in _saved(path):
        saved[_words(tokenizer, one[1:])].append(one)
    kinds = {}
    for name, pair in found.items():
        own = (pair.prompt, pair.chosen, pair.rejected)
        words = _words(tokenizer, own[1:])
        if words in saved:
            some = saved[words]
            kinds[name] = SAME if own in some else _difference(tokenizer, own, some[0])
        else:
            kinds[name] = TURNED if words[::-1] in saved else ABSENT
    return pd.Series(kinds, dtype=object)


def seen_tokens(kinds: pd.Series, cluster: pd.Series, level: float = 0.95) -> SeenTokens:
    """Return how many pairs a trainer saw, and with the same tokens.

    Parameters
    ----------
    kinds : Series of str
        By pair, of :func:`compared`.
    cluster : Series of str
        By pair.
    level : float

    Examples
    --------
    >>> kinds = pd.Series({"p": "the same", "q": "another prompt"})
    >>> seen_tokens(kinds, kinds).to_frame()["estimate"].tolist()
    [1.0, 0.5]
    """
    code = pd.factorize(cluster.reindex(kinds.index))[0]
    there = (kinds != ABSENT).to_numpy()
    same = (kinds == SAME).to_numpy()
    rows = [
        share_row("among those that the trainer saw", there.astype(float), code, level),
        share_row("the same tokens", same[there].astype(float), code[there], level,
                  "no pair is among those that the trainer saw"),
    ]  # fmt: skip
    off = kinds[there & ~same]
    settings = {"what": "Tokens that training saw", "level": level,
                "kinds": dict(Counter(off).most_common()),
                "evidence": list(off.index[:_EVIDENCE])}  # fmt: skip
    return SeenTokens.from_rows(rows, settings)


def _difference(tokenizer: Any, own: Three, other: Three) -> str:
    """Return in words where the tokens of a pair first differ."""
    parts = zip(("prompt", "chosen response", "rejected response"), own, other, strict=True)
    name, mine, theirs = next(one for one in parts if one[1] != one[2])
    at = next((k for k, (x, y) in enumerate(zip(mine, theirs, strict=False)) if x != y),
              min(len(mine), len(theirs)))  # fmt: skip
    here, there = (repr(tokenizer.decode(list(k[at : at + 3]))) if k[at:] else "nothing more"
                   for k in (mine, theirs))  # fmt: skip
    return f"the {name} has {here} where training had {there}"


def _words(tokenizer: Any, sides: tuple[Ids, ...]) -> tuple[str, str]:
    one, other = ("".join(tokenizer.decode(list(k), skip_special_tokens=True).split())
                  for k in sides)  # fmt: skip
    return one, other


def _saved(path: Path) -> Iterator[Three]:
    for table in _tables(path):
        names = next((k for k in COLUMNS if set(k) <= set(table.column_names)), None)
        if names is None:
            raise _none(path, ", ".join(table.column_names)[:200])
        for batch in table.select(list(names)).to_batches():
            for row in zip(*(batch.column(name).to_pylist() for name in names), strict=True):
                yield tuple(row[0]), tuple(row[1]), tuple(row[2])


def _tables(path: Path) -> list[pa.Table]:
    if path.is_file():
        kind = "json" if path.suffix in (".json", ".jsonl") else "parquet"
        try:
            return [arrow.dataset(path, format=kind).to_table()]
        except (pa.ArrowInvalid, OSError) as error:
            raise _none(path, str(error).splitlines()[0][:200]) from error
    folders = [path, *sorted(one.parent for one in path.glob("*/state.json"))]
    files = next((found for one in folders if (found := saved_files(one))), None)
    if files is None:
        raise _none(path, "no such file or folder" if not path.exists() else "no saved data set")
    return [read_arrow(file).table for file in files]


def _none(path: Path, found: str) -> DataError:
    return DataError(
        "There are no tokens that a trainer saw.",
        where=str(path),
        found=found,
        expected="columns prompt_ids, chosen_ids and rejected_ids",
        fix="Save them in the training: trainer.train_dataset.save_to_disk(folder).",
    )
