"""What a whole run has done: the stages in its folder, each under a digest of what made it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from workbench import __version__
from workbench.annotate.folder import RunFolder
from workbench.data import store
from workbench.data.parts.parted import MANIFEST, is_parted
from workbench.data.reading.several import paths_of
from workbench.errors import ConfigError, UnwrittenError
from workbench.json_values import to_json
from workbench.llm.journal import Journal
from workbench.whole_file import write_text

SCHEMA_VERSION = 1
SETTINGS, STAGES, JOURNAL = "settings.toml", "stages.json", "journal.sqlite"
_BLOCK = 1 << 20


class StageFolder(RunFolder):
    """The folder of a stage that asks a model: its replies are in the whole run's journal.

    So a limit holds over all stages, and a question that two settings share is paid for once.

    Parameters
    ----------
    path : Path

    Examples
    --------
    >>> StageFolder(Path("nowhere")).exists
    False
    """

    def journal(self) -> Journal:
        """Open the journal of the whole run."""
        shared, own = self.path.parent / JOURNAL, self.path / JOURNAL
        journal = Journal(shared)
        # for those who look into the stage's own folder; not every system has such links
        with suppress(OSError):
            if self.path.is_dir() and not own.exists():
                own.symlink_to(Path("..") / JOURNAL)
        return journal


class Kept:
    """The folder of a whole run.

    ``settings.toml`` is what was asked last, ``stages.json`` what is done: for each stage
    the digest of its settings and inputs (``key``), and that of what it gave.

    Parameters
    ----------
    path : Path

    Examples
    --------
    >>> Kept(Path("nowhere")).done("read", "some key")
    False
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def stages(self) -> dict[str, dict[str, Any]]:
        """What is done, by stage.

        Raises
        ------
        ConfigError
            A newer version wrote it.
        """
        try:
            record = json.loads((self.path / STAGES).read_text("utf-8"))
            version, found = record["schema_version"], dict(record["stages"])
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError):
            return {}  # broken: what it named is made again, and no reply is paid for twice
        if version != SCHEMA_VERSION:
            raise ConfigError(
                "The run was written by another version.",
                where=f"{self.path.name}/{STAGES}",
                found=f"schema_version {version!r}",
                expected=f"schema_version {SCHEMA_VERSION}",
                fix="Update the workbench, or name another folder with --out.",
            )
        return found

    def done(self, stage: str, key: str) -> bool:
        """Tell whether a stage was done with these settings and inputs, and is still there."""
        record = self.stages.get(stage)
        return (
            record is not None
            and record["key"] == key
            and all((self.path / name).exists() for name in record["files"])
        )

    def gave(self, stage: str) -> str:
        """Return the digest of what a stage gave."""
        return str(self.stages[stage]["gave"])

    def put(
        self, stage: str, key: str, gave: str, files: Sequence[str], seconds: float, **more: Any
    ) -> None:
        """Keep that a stage is done; its files are on the disk."""
        record = {"key": key, "gave": gave, "files": list(files), "seconds": seconds, **more}
        stages = {**self.stages, stage: record}
        text = to_json({"schema_version": SCHEMA_VERSION, "stages": stages})
        write_text(self.path / STAGES, text)

    def prepare(self, settings: str) -> None:
        """Make the folder, or check that it is one of a whole run.

        Raises
        ------
        ConfigError
            It holds something else.
        """
        there = self.path.is_dir() and {one.name for one in self.path.iterdir()} - {"run.lock"}
        if there and not (self.path / SETTINGS).is_file():
            raise ConfigError(
                "The folder holds something else.",
                where=str(self.path),
                expected="a new folder, or one of workbench run",
                fix="Name another folder with --out.",
            )
        write_text(self.path / SETTINGS, settings)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run: one process at a time works on it.

        Raises
        ------
        ConfigError
            Another process holds it.
        """
        lock = FileLock(self.path / "run.lock", timeout=0)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except Timeout:
            raise ConfigError(
                "The run is under way in another process.",
                where=str(self.path),
                expected="a run that nobody works on",
                fix="Wait for it, or end it with Ctrl-C there.",
            ) from None
        except OSError as error:
            raise UnwrittenError(self.path, error.strerror or error) from error
        try:
            yield
        finally:
            lock.release()


def key_of(settings: Mapping[str, Any], *inputs: str) -> str:
    """Return the digest of what makes a stage: settings, digests of inputs, and the version.

    Examples
    --------
    >>> key_of({"a": 1}) == key_of({"a": 1}), key_of({"a": 1}) == key_of({"a": 2})
    (True, False)
    """
    told = json.dumps([__version__, dict(settings), inputs], sort_keys=True, default=list)
    return hashlib.blake2b(told.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def digest_of_source(source: str) -> str:
    """Return what tells whether a source has changed: the content of its files.

    Of the hub and of the sample only the name is looked at.

    Examples
    --------
    >>> digest_of_source("sample")
    'sample'
    """
    if source == "sample" or source.startswith("hub:"):
        return source
    total = hashlib.blake2b(digest_size=16)
    folder = Path(source)
    if is_parted(folder):
        # the manifest has what tells one set from another
        return digest_of_file(folder / MANIFEST)
    if store.is_run(folder):
        folder /= "results/data"
    elif store.is_whole_run(folder):
        folder /= "data"
    saved = store.is_saved(folder)
    # of tables that are mapped, the manifest holds checksums, which opening compares
    files = [p for p in sorted(folder.glob("*")) if p.suffix != ".arrow"] if saved else None
    for path in paths_of(source) if files is None else files:
        total.update(os.fsencode(path.name))
        total.update(digest_of_file(path).encode())
    return total.hexdigest()


def digest_of_file(path: Path) -> str:
    """Return the digest of a file's content; empty where there is none to read.

    Examples
    --------
    >>> digest_of_file(Path("nowhere"))
    ''
    """
    found = hashlib.blake2b(digest_size=16)
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                found.update(block)
    except OSError:
        return ""  # what opens it says why
    return found.hexdigest()
