"""Stages that ask models: judges, rubrics, principles and audits of judges."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from workbench.annotate.config import HOW, AnnotateConfig
from workbench.annotate.estimate import Estimate, estimate
from workbench.annotate.folder import RunFolder
from workbench.annotate.run import drawn, execute, found_in
from workbench.annotate.tasks import Found
from workbench.data.dataset import PreferenceData
from workbench.errors import ConfigError, JudgeError
from workbench.llm.sending.stage import Tell
from workbench.whole_run.kept import StageFolder, digest_of_file, key_of

_FILES = ("rubric", "template", "constitution", "known", "attacks", "extra_body")


@dataclass(frozen=True)
class Asked:
    """One stage that asks a model about some data.

    Attributes
    ----------
    config : AnnotateConfig
    input : str
        Digest of the data.
    root : Path
        Folder of the whole run.
    """

    config: AnnotateConfig
    input: str
    root: Path

    @property
    def key(self) -> str:
        """Digest of what is asked: how it is asked, and for how much, is not in it."""
        values = self.config.model_dump()
        asked = {key: value for key, value in values.items() if key not in HOW}
        # a file's name says nothing of its content
        files = {k: digest_of_file(Path(str(values[k]))) for k in _FILES if values[k] is not None}
        return key_of({**asked, "files": files}, self.input)

    @property
    def name(self) -> str:
        """Name of the stage, and of its folder: other settings are another stage."""
        return f"{self.config.slug('')}{self.key[:10]}"

    @property
    def folder(self) -> StageFolder:
        """Its folder."""
        return StageFolder(self.root / self.name)

    def estimate(self, data: PreferenceData) -> Estimate:
        """Return what it would take; nothing is written."""
        there = self.folder.exists and (self.root / "journal.sqlite").is_file()
        return estimate(self.config, data, self.folder if there else None)

    def do(self, data: PreferenceData, retry_failed: bool, tell: Tell | None) -> Found | None:
        """Ask what is open, and write the stage's results.

        Raises
        ------
        ConfigError
            A limit of the run ended it.
        JudgeError
            The endpoint refuses for good, or too many requests failed.
        """
        folder = self.folder
        if not folder.exists:
            # killed before it was a run: nothing in it was paid for
            shutil.rmtree(folder.path, ignore_errors=True)
        folder.prepare(self.config, drawn(data, self.config))
        found = execute(folder, retry_failed=retry_failed, tell=tell)
        progress = folder.progress()
        if progress["state"] == "stopped":
            raise ConfigError(
                "A limit of the run ended it.",
                where=self.name,
                found=str(progress["message"]),
                expected="a run whose questions all have a reply",
                fix="Raise the limit (--max-cost, --max-calls, --max-tokens) and run it again: "
                "what was answered is kept.",
            )
        if progress["state"] == "failed":
            raise JudgeError(
                "Too many requests failed.",
                where=self.name,
                found=str(progress["message"]),
                expected="at most the share max_failed of the requests",
                fix="Run it again with --retry-failed, or raise max_failed in the table.",
            )
        return found

    def found(self) -> Found | None:
        """Return what it found, from what is kept: nothing is asked."""
        return found_in(self.folder)

    def data(self) -> PreferenceData:
        """Return the data that it wrote: with the judge's labels, or the rubric's factors."""
        return RunFolder(self.folder.path / "results").data


def refuse_doubles(stages: list[Asked], taken: set[str]) -> None:
    """Refuse two judges, or a judge and an annotator of the data, of one name.

    Parameters
    ----------
    stages : list of Asked
        The judges.
    taken : set of str
        Annotators of the data.

    Raises
    ------
    ConfigError
    """
    seen = set(taken)
    for stage in stages:
        name = stage.config.annotator
        if name in seen:
            raise ConfigError(
                f"There are two annotators {name!r}.",
                where="[[judge]]",
                found="a judge called as another judge, or as an annotator of the data",
                expected="one name each",
                fix='Name it: name = "...".',
            )
        seen.add(name)
