"""The verb that does a whole run."""

from __future__ import annotations

import shlex
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from workbench.errors import ConfigError
from workbench.llm.sending.stage import Tell
from workbench.whole_run.config import WholeConfig
from workbench.whole_run.found import Progress
from workbench.whole_run.kept import Kept
from workbench.whole_run.result import WholeRun
from workbench.whole_run.steps import Steps


def run(
    settings: str | Path | WholeConfig,
    out: str | Path | None = None,
    *,
    dry_run: bool = False,
    retry_failed: bool = False,
    progress: Progress = nullcontext,
    tell: Tell | None = None,
    **limits: Any,
) -> WholeRun:
    """Load, score, ask, compare, audit and report in one run that is taken up where it stopped.

    Parameters
    ----------
    settings : str, Path or WholeConfig
        A TOML file; its keys are those of :class:`workbench.whole_run.config.WholeConfig`.
    out : str or Path, optional
        Folder of the run; ``runs/`` and the file's name when None.
    dry_run : bool
        Say what it would take; ask nothing, write nothing.
    retry_failed : bool
        Ask again where a reply, paid for, could not be read.
    progress : callable
        Gets what is being done; returns a context.
    tell : callable, optional
        Told how far each stage that asks a model is.
    **limits
        ``max_cost, max_calls, max_tokens, prices`` in the place of those of the file.

    Returns
    -------
    WholeRun

    Raises
    ------
    ConfigError
        The file cannot be used, the folder holds something else or is held by another
        process, or a limit ended the run.
    JudgeError
        An endpoint refuses for good, or too many requests failed.
    UnwrittenError
        The disk is full.

    Notes
    -----
    What a stage gave is kept under a digest of its settings, of what it was made from, and
    of the workbench's version: a second call does again only what changed. Replies are kept
    one by one, in one journal for all stages, and limits are over all of it. Fits are not
    kept as objects: where the report has to be written anew they are made again.

    Examples
    --------
    >>> import tempfile
    >>> place = tempfile.TemporaryDirectory()
    >>> config = WholeConfig(factors=("words",), folds=0)
    >>> done = run(config, place.name + "/first")
    >>> done.report.is_file(), set(run(config, place.name + "/first").stages["state"])
    (True, {'kept'})
    """
    config = settings if isinstance(settings, WholeConfig) else _read(Path(settings))
    given = {key: value for key, value in limits.items() if value is not None}
    config = config.updated("options", **given) if given else config
    file = Path("run.toml" if isinstance(settings, WholeConfig) else settings)
    kept = Kept(Path("runs") / file.stem if out is None else Path(out))
    command = shlex.join(["workbench", "run", file.name])
    steps = Steps(config, kept, command, dry_run, retry_failed, progress, tell)
    if dry_run:
        return steps.go()
    with kept.locked():
        kept.prepare(config.to_toml())
        return steps.go()


def _read(path: Path) -> WholeConfig:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            "The settings of the run cannot be read.",
            where=str(path),
            found=getattr(error, "strerror", None) or "no UTF-8 text",
            expected="a run.toml",
            fix="Check the path.",
        ) from None
    return WholeConfig.from_toml(text, path.name)
