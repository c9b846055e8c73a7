"""The results of a whole run: of the comparison, of principles, of audits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

from workbench.annotate.config import AnnotateConfig
from workbench.annotate.run import drawn
from workbench.curate.rules import read_rule
from workbench.data.dataset import PreferenceData
from workbench.engine import Engine, Local
from workbench.errors import ConfigError
from workbench.report.further import curation
from workbench.report.main_job import main_job, with_factors
from workbench.results import Result
from workbench.whole_run import in_parts
from workbench.whole_run.config import TOKENS, WholeConfig
from workbench.whole_run.in_parts import Parted

FIT = (
    "reference", "annotators", "factors", "covariance", "cluster", "ties", "folds", "level",
    "further", "seed",
)  # fmt: skip
"""Keys of the configuration that the comparison hangs on."""


Progress = Callable[[str], AbstractContextManager[Any]]
"""Gets what is being done, and returns a context for it."""


def compared(
    data: PreferenceData | Parted, config: WholeConfig, engine: Engine | None = None
) -> tuple[list[Result], str]:
    """Return the results of the main job and their summary; of bare battles, the ratings.

    Parameters
    ----------
    data : PreferenceData or Parted
        Of parts the fits are of all of them, what needs rows of a sample.
    config : WholeConfig
    engine : Engine, optional
        Where parts are worked on.

    Examples
    --------
    >>> import workbench as wb
    >>> config = WholeConfig(factors=("words",), folds=0)
    >>> [type(one).__name__ for one in compared(wb.load("sample"), config)[0]]
    ['Decomposition', 'Decomposition', 'Contrast']
    """
    options = {key: getattr(config, key) for key in FIT}
    for key in ("annotators", "factors", "cluster"):
        options[key] = list(options[key]) or None
    if isinstance(data, Parted):
        return in_parts.compared(data, config, options, engine or Local())
    data = with_factors(data)
    if not data.factor_names and data.pairs["model_a"].notna().any():
        from workbench.ratings.bradley_terry import rate

        rated = rate(data, annotator=config.annotators or None, level=config.level)
        return [rated], rated.summary()
    job = main_job(data, options.pop("reference"), **options)
    if config.rule is not None:
        job = replace(job, further=(*job.further, curation(job, read_rule(Path(config.rule)))))
    return job.results, job.summary()


def notes_of(config: WholeConfig) -> str | None:
    """Return the notes that stand first in the report, where a file of them is named.

    Raises
    ------
    ConfigError
        It cannot be read.

    Examples
    --------
    >>> notes_of(WholeConfig()) is None
    True
    """
    if config.notes is None:
        return None
    try:
        return Path(config.notes).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            "The notes cannot be read.",
            where=config.notes,
            found=str(error),
            expected="a text file in UTF-8",
            fix="Check the name after notes.",
        ) from None


def from_verdicts(data: PreferenceData, table: Mapping[str, Any], seed: int) -> list[Result]:
    """Return the audit of the judges whose verdicts are there.

    Parameters
    ----------
    data : PreferenceData
        With factors.
    table : mapping
        Keys of :data:`workbench.whole_run.config.VERDICTS`.
    seed : int
    """
    from workbench.audit.judges.forecast import susceptibility
    from workbench.audit.judges.verdicts.board import judge_board
    from workbench.audit.judges.verdicts.observed import observe
    from workbench.audit.judges.verdicts.preferences import reference_mask
    from workbench.decompose.decomposition import decompose

    names, reference = (
        list(table.get("annotators", ())) or None,
        str(table.get("reference", "human")),
    )
    if not reference_mask(data, reference).any():
        return [observe(data, names, reference)]
    board = judge_board(data, names, reference, style=True, seed=seed)
    found = [board, *board.parts()]
    if table.get("manipulate"):
        judges = board.settings["judges"]
        fit = decompose(data, annotator=judges, folds=0)
        found += [susceptibility(fit, name) for name in judges]
    return found


def of_model(
    data: PreferenceData,
    table: Mapping[str, Any],
    folder: Path,
    seed: int,
    engine: Engine,
    progress: Progress,
) -> list[Result]:
    """Return the audit of a trained model; its scores are kept as they come.

    Parameters
    ----------
    data : PreferenceData
    table : mapping
        Keys of :data:`workbench.whole_run.config.MODELS`.
    folder : Path
    seed : int
    engine : Engine
        Where parts of the pairs are scored.
    progress : callable
    """
    from workbench.audit.models.scored import score_models
    from workbench.audit.models.whole import audit_scores
    from workbench.scoring.presets import policy_like

    own = dict(table)
    some = drawn(data, AnnotateConfig(pairs=own.pop("pairs", None), seed=seed))
    tokens = {key: own.pop(key) for key in TOKENS if key in own}
    policy = policy_like(own.pop("like", None), own.pop("mode", "raw"), **tokens)
    folder.mkdir(parents=True, exist_ok=True)
    found = score_models(
        some,
        own.pop("model"),
        policy=policy,
        folder=folder,
        progress=progress,
        engine=engine,
        **own,
    )
    found.save(folder)
    return audit_scores(found, some, seed=seed)


def kept_audit(data: PreferenceData, folder: Path, seed: int) -> list[Result]:
    """Return the audit of a model whose scores are kept."""
    from workbench.audit.models.whole import audit_scores
    from workbench.scoring.training.kept import read_scores

    return audit_scores(read_scores(folder), data, seed=seed)
