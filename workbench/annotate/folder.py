"""The folder of an annotation run: all that is needed to watch it, and to take it up again."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from workbench.annotate.config import AnnotateConfig
from workbench.annotate.shards import Shards, waiting
from workbench.data import store
from workbench.data.dataset import PreferenceData
from workbench.errors import ConfigError, UnwrittenError
from workbench.json_values import to_json
from workbench.llm.journal import Journal
from workbench.llm.progress import Progress
from workbench.provenance import Provenance
from workbench.results import Result
from workbench.shard import Shard
from workbench.whole_file import write_text, written

SCHEMA_VERSION = 1
_ASKED = (
    "rubric", "template", "constitution", "unseen", "known", "attacks", "lexicon", "extra_body",
    "templates", "shares",
)  # fmt: skip
"""Keys that may name a file whose content is part of what is asked."""

_FILES = (*_ASKED, "prices")
"""Keys that may name a file: it is copied, so that the run does not hang on it."""

_ADD_UP = ("requests", "kept", "answered", "failed", "open", "attempts", "seconds")
"""What of a stage adds up where it is begun several times, as by an audit."""

_BUILT_IN = ("rubric", "template")
"""Keys that may name something built in instead."""


class RunFolder:
    """A run on disk: ``run.toml``, ``manifest.json``, the data, the journal, the results.

    ``progress.json`` tells how far it is; a lock that dies with its process, whether it runs.

    Parameters
    ----------
    path : Path

    Examples
    --------
    >>> RunFolder(Path("nowhere")).exists
    False
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def exists(self) -> bool:
        """Whether there is a run."""
        return (self.path / "run.toml").is_file()

    @property
    def config(self) -> AnnotateConfig:
        """What the run asks.

        Raises
        ------
        ConfigError
            There is no run, a newer version wrote it, or its manifest or configuration cannot
            be read.
        """
        if not self.exists:
            raise ConfigError(
                "There is no run in this folder.",
                where=str(self.path),
                expected="the folder of an annotation run, with run.toml",
                fix="Start one: workbench judge DATA --model NAME --out FOLDER",
            )
        self._known()
        text = (self.path / "run.toml").read_text(encoding="utf-8")
        return AnnotateConfig.from_toml(text, f"{self.path.name}/run.toml")

    @property
    def data(self) -> PreferenceData:
        """The pairs that are asked about."""
        return store.open_folder(self.path / "data")

    @property
    def results(self) -> Path:
        """Where results are written."""
        return self.path / "results"

    def file(self, key: str, value: str) -> str:
        """Return the copy of the file that a key names, or the built-in name that it is."""
        copy = self._copy_of(key, value)
        return str(copy) if copy.is_file() else value

    def prepare(self, config: AnnotateConfig, data: PreferenceData) -> None:
        """Write what the run is; a run that is there already must be the same one.

        Raises
        ------
        ConfigError
            The folder holds another run, or something else, or a named file is absent.
        """
        # before anything is written
        manifest = to_json(self._manifest(config, data))
        if self.exists:
            self._check_same(config, data)
        elif self.path.is_dir() and any(self.path.iterdir()) and not self._begun.is_file():
            raise ConfigError(
                "The folder holds something else.",
                where=str(self.path),
                expected="a new folder, or one of an annotation run",
                fix="Name another folder with --out.",
            )
        self.path.mkdir(parents=True, exist_ok=True)
        # several processes may begin a run that they are going to share
        with FileLock(self._begun):
            for key in _FILES:
                value = getattr(config, key)
                if value is not None:
                    self._keep_file(key, value)
            if not store.is_saved(self.path / "data"):
                store.save(data, self.path / "data")
            self._write("manifest.json", manifest)
            # last: from here on the folder is a run
            self._write("run.toml", config.to_toml())

    @property
    def shards(self) -> Shards:
        """What several processes keep that divide its requests."""
        return Shards(self.path)

    def journal(self) -> Journal:
        """Open the journal, with what shards have kept."""
        return self.shards.journal()

    @contextmanager
    def locked(self, wait: bool = False) -> Iterator[None]:
        """Hold the run: one process at a time works on it, and what shards kept is joined.

        Parameters
        ----------
        wait : bool
            For one that is only writing what was found.

        Raises
        ------
        ConfigError
            Another process holds it, or one of its shards.
        """
        lock = self._held(wait)
        try:
            self.shards.refuse_at_work()
            self.shards.join()
            yield
        finally:
            lock.release()

    @contextmanager
    def sharing(self, shard: Shard) -> Iterator[None]:
        """Hold one of the shards into which a run is divided.

        Parameters
        ----------
        shard : Shard

        Raises
        ------
        ConfigError
            Another process holds it or the whole run, or others divide the run otherwise.
        """
        with self.shards.taking_part(shard, self._held(True)):
            yield

    def _held(self, wait: bool) -> FileLock:
        lock = self._lock()
        try:
            if not wait:
                lock.acquire()
                return lock
            return waiting(lock, lambda: self._told().get("state") == "running")
        except Timeout:
            raise ConfigError(
                "The run is under way in another process.",
                where=str(self.path),
                found=f"process {self._told().get('pid', 'unknown')}",
                expected="a run that nobody works on",
                fix="Wait for it, or end it: Ctrl-C there, or Cancel on the Annotate page.",
            ) from None

    @property
    def _begun(self) -> Path:
        return self.path / "prepare.lock"

    def _lock(self) -> FileLock:
        # anew each time: a lock that holds itself would not be seen as held
        return FileLock(self.path / "run.lock", timeout=0)

    @property
    def running(self) -> bool:
        """Whether a process works on the run."""
        if not self.exists:
            return False
        try:
            with self._lock():
                return bool(self.shards.at_work())
        except Timeout:
            return True

    def progress(self) -> dict[str, Any]:
        """Return what the run last said of itself, all shards together; else nothing yet."""
        return self.shards.record(self._told()) if self.shards.there else self._told()

    def processes(self) -> list[int]:
        """Return the ids of the processes that work on the run."""
        if not self.running:
            return []
        one = self._told().get("pid")
        # the lock shows that the process that wrote its id is still that one
        return self.shards.processes() if self.shards.at_work() else [one] if one else []

    def _told(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads((self.path / "progress.json").read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return found

    def write_progress(self, record: dict[str, Any]) -> None:
        """Say how far the run is."""
        self._write("progress.json", to_json({**record, "updated": time.time()}))

    def save(self, result: Result, data: PreferenceData) -> None:
        """Write a result: the data with its labels or factors, its tables, text and report."""
        from workbench.data.on_view.spreadsheet import to_csv
        from workbench.report.build import report

        self.results.mkdir(exist_ok=True)
        store.save(data, self.results / "data")
        texts = {f"{name}.csv": to_csv(table) for name, table in result.tables().items()}
        texts |= {"result.json": to_json(result.to_dict()), "summary.txt": result.summary()}
        for name, text in texts.items():
            self._write(f"results/{name}", text)
        parts = [result, *result.parts()]
        page = report(parts, data=data, title=result.heading, command="workbench resume FOLDER")
        page.save(self.results / "report.html")

    def _check_same(self, config: AnnotateConfig, data: PreferenceData) -> None:
        other = self.config
        differ = [f"{key} = {getattr(other, key)!r}" for key in config.differences(other)]
        if not differ:
            then = self._known()
            now = self._manifest(config, data)
            # the run's own copy, for digests of an earlier version were made otherwise
            differ += ["the data"] if now["dataset"] != self.data.digest else []
            differ += [
                f"the content of --{key}" for key in now["files"] if now["files"] != then["files"]
            ]
        if differ:
            raise ConfigError(
                "The folder holds another run.",
                where=str(self.path),
                found=f"a run that differs in {', '.join(differ)}",
                expected="a new folder, or the same run to take up again",
                fix="Name another folder with --out, or take that run up: workbench resume FOLDER",
            )

    def _known(self) -> dict[str, Any]:
        """Return the manifest of the run as it was written.

        Raises
        ------
        ConfigError
            It is missing or broken, or of a newer version.
        """
        where = f"{self.path.name}/manifest.json"
        try:
            then = json.loads((self.path / "manifest.json").read_text("utf-8"))
            version = then.get("schema_version", 1)
        except (OSError, ValueError, AttributeError) as error:
            raise ConfigError(
                "The run has no readable manifest.",
                where=where,
                found=getattr(error, "strerror", None) or "no JSON object",
                expected="the manifest.json that the run wrote",
                fix="Copy it back. Where it is lost, start the run anew in another folder, stop it "
                "and copy journal.sqlite into that one: what was answered is not asked again.",
            ) from None
        if not isinstance(version, int) or not 1 <= version <= SCHEMA_VERSION:
            raise ConfigError(
                "The run was written by another version.",
                where=where,
                found=f"schema_version {version!r}",
                expected=f"schema_version 1 to {SCHEMA_VERSION}",
                fix="Update the workbench, or name another folder.",
            )
        known: dict[str, Any] = then
        return known

    def _manifest(self, config: AnnotateConfig, data: PreferenceData) -> dict[str, Any]:
        named = {key: self._source_of(key, getattr(config, key)) for key in _ASKED}
        return {
            "kind": "annotation run",
            "schema_version": SCHEMA_VERSION,
            "task": config.task,
            "model": config.asked_model,
            "offline": config.offline,
            "base_url": None if config.offline else config.base_url,
            "files": {
                key: hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
                for key, path in named.items()
                if path is not None
            },
            "dataset": data.digest,
            "n_pairs": len(data.pairs),
            "provenance": Provenance.capture(seed=config.seed, dataset=data.digest).to_dict(),
        }

    def _source_of(self, key: str, value: str | None) -> Path | None:
        """Return the file that a key names: as given, or the copy that was kept."""
        if value is None:
            return None
        return next((p for p in (Path(value), self._copy_of(key, value)) if p.is_file()), None)

    def _copy_of(self, key: str, value: str) -> Path:
        return self.path / f"{key}{Path(value).suffix or '.txt'}"

    def _keep_file(self, key: str, value: str) -> None:
        source, copy = self._source_of(key, value), self._copy_of(key, value)
        if source is not None and source != copy:
            with written(copy) as draft:
                shutil.copyfile(source, draft)
        elif source is None and key not in _BUILT_IN:
            raise ConfigError(
                f"The file of --{key.replace('_', '-')} is not there.",
                where=value,
                expected="a file that can be read",
                fix="Check the path.",
            )

    def _write(self, name: str, text: str) -> None:
        # whole or not at all: the app reads while the run writes
        write_text(self.path / name, text)


class Teller:
    """Writes the progress of a run, or of one of its shards, as it comes."""

    def __init__(
        self,
        folder: RunFolder,
        shard: Shard | None = None,
        stages: dict[str, dict[str, Any]] | None = None,
    ) -> None:
        self._folder, self._shard = folder, shard
        # what a stage counted whenever it was begun before, and how far it is this time
        self._before: dict[str, dict[str, Any]] = {}
        self._now: dict[str, dict[str, Any]] = {}
        self._record: dict[str, Any] = {
            "state": "running", "pid": os.getpid(), "started": time.time(),
            "stages": stages or {},
        }  # fmt: skip
        self._write()

    def tell(self, progress: Progress) -> None:
        """Write how far a stage is: one that is begun again adds to what it counted before."""
        name, now = progress.stage, progress.to_dict()
        last = self._now.get(name)
        if last is not None and now["seconds"] < last["seconds"]:
            self._before[name] = self._added(name, last)
        self._now[name] = now
        self._record["stages"][name] = self._added(name, now)
        self._write()

    def _write(self) -> None:
        if self._shard is None:
            self._folder.write_progress(self._record)
        else:
            self._folder.shards.write_progress(self._shard, self._record)

    def _added(self, name: str, now: dict[str, Any]) -> dict[str, Any]:
        before = self._before.get(name, {})
        return {**now, **{count: before.get(count, 0) + now[count] for count in _ADD_UP}}

    def end(self, state: str, message: str = "") -> None:
        """Write how the run ended: ``finished``, ``stopped`` or ``failed``, and why."""
        self._record |= {"state": state, "message": message}
        # what ended the run is told by whoever ended it, though the disk may be full
        with suppress(UnwrittenError):
            self._write()
