"""Scores on disk as they come, so that a killed run goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from workbench.errors import ConfigError
from workbench.shard import Shard
from workbench.whole_file import write_text, written

Values = dict[str, dict[str, float]]
"""Scores by pair."""


class Parts:
    """A folder of Parquet files, one a batch, beside the settings that made them.

    Parameters
    ----------
    folder : Path
    settings : dict
        What has to be the same for scores to be taken up.
    shard : Shard
        Whose scores are added: several processes share a folder, a shard each.

    Raises
    ------
    ConfigError
        The folder holds scores of other settings.

    Notes
    -----
    A part is named by its shard and the digest of its pairs: the same batch has the same name
    whoever scores it, and no name hangs on which parts are there already.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     Parts(Path(place), {"model": "m"}).add({"p": {"chosen": -1.0}})
    ...     Parts(Path(place), {"model": "m"}).read()
    {'p': {'chosen': -1.0}}
    """

    def __init__(self, folder: Path, settings: dict[str, Any], shard: Shard | None = None) -> None:
        self.folder, self.shard = folder, shard or Shard()
        of_one_run(folder, settings)

    def add(self, values: Values) -> None:
        """Keep the scores of a batch: whole or not at all."""
        table = pd.DataFrame.from_dict(values, orient="index").rename_axis("pair_id").reset_index()
        digest = digest_of_names(values)
        with written(self.folder / f"part-{self.shard}-{digest}.parquet") as draft:
            table.to_parquet(draft, index=False)

    def read(self) -> Values:
        """Return the scores that are kept."""
        return self._read("part-*.parquet")

    def own(self) -> Values:
        """Return the scores that are kept of the shard."""
        return self._read(f"part-{self.shard}-*.parquet")

    def _read(self, pattern: str) -> Values:
        found: Values = {}
        for file in sorted(self.folder.glob(pattern)):
            table = pd.read_parquet(file).set_index("pair_id")
            found |= {str(k): v for k, v in table.to_dict("index").items()}
        return found


def digest_of_names(names: Iterable[str]) -> str:
    """Return what names a batch or part: a digest of its pairs, in whatever order.

    Examples
    --------
    >>> digest_of_names(["p", "q"]) == digest_of_names(["q", "p"])
    True
    """
    text = "\n".join(sorted(names)).encode()
    return hashlib.blake2b(text, digest_size=16).hexdigest()


def of_one_run(folder: Path, settings: dict[str, Any]) -> None:
    """Keep what made the scores of a folder; refuse one that others made, by name.

    Parameters
    ----------
    folder : Path
        Made where it is not there.
    settings : dict

    Raises
    ------
    ConfigError
        The folder holds scores of other settings.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "settings.json"
    wanted = json.dumps(settings, indent=1, sort_keys=True)
    there = file.read_text(encoding="utf-8") if file.is_file() else None
    if there == wanted:
        return
    if there is not None:
        before = json.loads(there)
        differ = [k for k in settings if before.get(k) != settings[k]]
        raise ConfigError(
            "The folder holds scores of another run.",
            where=str(folder),
            found=f"scores that differ in {', '.join(differ)}",
            expected="a new folder, or the same run to take up again",
            fix="Name another folder.",
        )
    write_text(file, wanted)
