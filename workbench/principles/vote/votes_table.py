"""Votes as a table, to keep and to take over."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from workbench.errors import DataError
from workbench.principles.principle import Principle
from workbench.principles.vote.votes import Vote, Votes
from workbench.whole_file import written

COLUMNS = ("pair_id", "principle", "repeat", "vote", "shown_ab", "voter")


def write_votes(votes: Votes, path: str | Path) -> Path:
    """Write votes as Parquet, one row a vote that was asked for.

    Examples
    --------
    >>> import tempfile
    >>> votes = Votes(np.array(["p"]), (Principle("Be brief"),), np.array([[[1, 6]]], np.int8))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     read_votes_table(write_votes(votes, folder + "/v.parquet")).codes.tolist()
    [[[1, 6]]]
    """
    path = Path(path)
    n, k, repeats = votes.codes.shape
    texts = np.array([one.text for one in votes.principles], dtype=object)
    table = pd.DataFrame(
        {
            "pair_id": np.repeat(votes.pair_ids, k * repeats),
            "principle": np.tile(np.repeat(texts, repeats), n),
            "repeat": np.tile(np.arange(repeats), n * k),
            "vote": votes.codes.ravel(),
            "shown_ab": votes.shown_ab.ravel(),
            "voter": votes.voter,
        }
    )
    with written(Path(path)) as draft:
        table.to_parquet(draft, index=False)
    return path


def read_votes_table(path: str | Path) -> Votes:
    """Read votes that :func:`write_votes` wrote.

    Raises
    ------
    DataError
        The file cannot be read, or is no table of votes.
    """
    path = Path(path)
    try:
        table = pd.read_parquet(path)
        lacking = [name for name in COLUMNS if name not in table]
    except (OSError, ValueError) as error:
        raise _bad(path, str(error)[:100]) from None
    if lacking or table.empty:
        raise _bad(path, f"no column {', '.join(lacking)}" if lacking else "no vote")
    pairs, ids = pd.factorize(table["pair_id"])
    columns, texts = pd.factorize(table["principle"])
    repeat = table["repeat"].to_numpy()
    shape = (len(ids), len(texts), int(repeat.max()) + 1)
    codes = np.full(shape, Vote.NOT_ASKED, dtype=np.int8)
    shown = np.ones(shape, dtype=bool)
    codes[pairs, columns, repeat] = table["vote"]
    shown[pairs, columns, repeat] = table["shown_ab"]
    principles = tuple(Principle(str(text), "imported") for text in texts)
    return Votes(np.asarray(ids), principles, codes, shown, str(table["voter"].iloc[0]))


def _bad(path: Path, found: str) -> DataError:
    return DataError(
        "The votes cannot be read.",
        where=path.name,
        found=found,
        expected="votes.parquet in the results of a run of principles",
        fix="Name that file.",
    )
