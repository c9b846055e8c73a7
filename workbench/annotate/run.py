"""Doing an annotation run: asking, or planning and importing, and writing what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from workbench.annotate.beside import write_beside
from workbench.annotate.config import AnnotateConfig
from workbench.annotate.folder import RunFolder, Teller
from workbench.annotate.tasks import Found, annotate
from workbench.data.dataset import PreferenceData
from workbench.data.digests import content_digests
from workbench.data.load_report import LoadReport
from workbench.errors import ConfigError, DesignError
from workbench.llm.asker import Asker, Asks, Planner
from workbench.llm.asking.bends import Form, merged, told
from workbench.llm.asking.body import body_of
from workbench.llm.asking.extra_body import read_extra_body
from workbench.llm.batch import read_batch, write_batch
from workbench.llm.batches.import_report import ImportReport
from workbench.llm.batches.spooled import SpooledRequests
from workbench.llm.budget import Budget, Price, read_prices
from workbench.llm.client import Model, name_of
from workbench.llm.endpoint import Endpoint
from workbench.llm.journal import Journal
from workbench.llm.offline import OfflineModel
from workbench.llm.progress import Spending
from workbench.llm.reply import Usage
from workbench.llm.request import Request
from workbench.llm.sending.handed_over import Opened, handed_over
from workbench.llm.sending.stage import Tell
from workbench.shard import Shard


def prepare(config: AnnotateConfig, data: PreferenceData, path: Path) -> RunFolder:
    """Make the folder of a run, or check that it is this run's.

    Parameters
    ----------
    config : AnnotateConfig
    data : PreferenceData
    path : Path

    Raises
    ------
    ConfigError
        The folder holds another run.
    """
    folder = RunFolder(path)
    folder.prepare(config, drawn(data, config))
    return folder


def drawn(data: PreferenceData, config: AnnotateConfig) -> PreferenceData:
    """Return the pairs that a run asks about: drawn by prompt, at random.

    Examples
    --------
    >>> import workbench as wb
    >>> len(drawn(wb.load("sample"), AnnotateConfig(pairs=10)))
    10
    """
    if config.pairs is None or config.pairs >= len(data):
        return data
    cluster = data.pairs["cluster"]
    salted = str(config.seed) + "\0" + cluster.astype("str")
    order = pd.DataFrame({"key": content_digests([salted]), "pair": data.pairs["pair_id"]})
    first = order.sort_values(["key", "pair"])["pair"].iloc[: config.pairs]
    return data.filter(pair_ids=first)


def execute(
    folder: RunFolder,
    *,
    retry_failed: bool = False,
    tell: Tell | None = None,
    shard: Shard | None = None,
) -> Found | None:
    """Do a run, or what is left of it, and write its results.

    Parameters
    ----------
    folder : RunFolder
    retry_failed : bool
        Ask again where the reply, paid for, could not be read.
    tell : callable, optional
        Told the progress, beside ``progress.json``.
    shard : Shard, optional
        Ask only the requests of this share, beside other processes that ask the others: all
        keep to one budget, and the last one to end writes the results of all.

    Returns
    -------
    Judgement, RubricScores, Extraction, Discovery, JudgeAudit, Repair or None
        None where too little was asked before the budget ended to say anything, and where
        other shards are at work.

    Raises
    ------
    JudgeError
        The endpoint refuses for good; what was answered is kept.
    ConfigError
        Another process holds the run, or a limit on cost has no prices.
    UnwrittenError
        The folder is full, gone, or may not be written; nothing more was sent.
    """
    config = folder.config
    if shard is not None:
        with folder.sharing(shard):
            _asked(folder, config, retry_failed, tell, shard)
        return _joined(folder)
    with folder.locked():
        return _asked(folder, config, retry_failed, tell, None)


def _asked(
    folder: RunFolder,
    config: AnnotateConfig,
    retry_failed: bool,
    tell: Tell | None,
    shard: Shard | None,
) -> Found | None:
    """Ask what is open, and write what was found where all of it was to be asked."""
    data, teller = folder.data, Teller(folder, shard)

    def both(progress: object) -> None:
        for listener in (teller.tell, tell):
            if listener is not None:
                listener(progress)  # type: ignore[arg-type]

    try:
        with (
            _purse(folder, config, shard) as (journal, budget),
            Asker(
                model_of(config, folder.file), journal, budget=budget, tell=both,
                retry_failed=retry_failed, shard=shard,
            ) as asker,
        ):  # fmt: skip
            found = as_far_as_asked(data, config, asker, folder.file)
            spent = asker.spending()
        notes = journal.notes
    except KeyboardInterrupt:
        teller.end("stopped", "It was interrupted. What was answered is kept.")
        raise
    except Exception as error:
        teller.end("failed", str(error))
        raise
    if found is not None and shard is None:
        _save(folder, config, found, spent)
    teller.end(*_outcome(spent, notes, config.max_failed))
    return found


@contextmanager
def _purse(
    folder: RunFolder, config: AnnotateConfig, shard: Shard | None
) -> Iterator[tuple[Journal, Budget]]:
    """Open what is kept, and what may be spent."""
    if shard is None:
        with folder.journal() as journal:
            yield journal, _budget(folder, config, journal.used())
        return
    limits = _budget(folder, config, {})
    with (
        folder.shards.journal_of(shard) as own,
        folder.shards.budget(shard, own, limits) as budget,
    ):
        yield own, budget


def _joined(folder: RunFolder) -> Found | None:
    """Write what all shards found, where the last of them has ended."""
    if folder.shards.at_work():
        return None
    told = folder.progress()
    try:
        with folder.locked(wait=True):
            config = folder.config
            with folder.journal() as journal:
                planner, found = _planned(folder, config, journal, False, _let_go)
                notes = journal.notes
            spent = planner.spending()
            if found is not None:
                _save(folder, config, found, spent)
            teller = Teller(folder, stages=_of_whole(told.get("stages", {}), spent))
            teller.end(*_outcome_of_shards(told, spent, notes, config.max_failed))
    except ConfigError:
        # another shard began, or ended last
        return None
    return found


def _of_whole(
    stages: Mapping[str, Mapping[str, Any]], spent: Sequence[Spending]
) -> dict[str, dict[str, Any]]:
    """Return how far stages are: shards that ended before others began told of theirs alone."""
    found = {name: dict(stage) for name, stage in stages.items()}
    for one in (each for each in spent if each.stage in found):
        stage = found[one.stage]
        heard = stage["answered"] + stage["failed"]
        kept = max(one.requests - one.open - heard, 0)
        stage.update(requests=one.requests, open=one.open, kept=kept)
    return found


def _outcome(spent: Sequence[Spending], notes: Sequence[str], most: float) -> tuple[str, str]:
    """Return the state in which a run ends, and what is to be said of it."""
    left = sum(stage.open for stage in spent)
    failed = sum(stage.failed for stage in spent)
    heard = failed + sum(stage.answered for stage in spent)
    said = [f"The budget ended it with {left:,} requests still open."] if left else []
    said += ["; ".join([*notes, *_bends(spent)])]
    if failed > most * heard:
        many = f"{failed:,} of {heard:,} requests failed ({failed / heard:.1%}), more than the "
        many += f"{most:.1%} of max_failed. What was answered is kept, and the results are written."
        said = [many, *said]
        return "failed", " ".join(filter(None, said))
    return "stopped" if left else "finished", " ".join(filter(None, said))


def _outcome_of_shards(
    told: Mapping[str, Any], spent: Sequence[Spending], notes: Sequence[str], most: float
) -> tuple[str, str]:
    """Return how a run ends whose shards ended as they told."""
    state, left = told.get("state"), sum(stage.open for stage in spent)
    if state == "failed" or (state == "stopped" and left):
        return state, str(told.get("message", ""))
    if left:
        return "stopped", (
            f"{left:,} requests are still open: of shards that were not begun or were killed, or "
            "of a later round."
        )
    return _outcome(spent, notes, most)


def plan(
    folder: RunFolder, path: Path, *, retry_failed: bool = False, batch_format: str = "openai"
) -> list[Path]:
    """Write the requests of a run that are still open as batch files, and return the files."""
    config, model = folder.config, model_of(folder.config, folder.file)
    name = name_of(model)

    def shape(request: Request) -> tuple[dict[str, Any], Form]:
        if not isinstance(model, Endpoint):
            return body_of(request)
        bends = merged(model.bends, *learnt.get(request.model, ()))
        return body_of(request, bends, model.extra_body)

    def find(opened: Opened) -> None:
        with folder.journal() as journal:
            _planned(folder, config, journal, retry_failed, opened)

    with folder.journal() as journal:
        learnt = journal.learnt(name)
        return write_batch(
            path,
            handed_over(find),
            name,
            batch_format=batch_format,
            shape=shape,
            note=lambda form: journal.expect([form]),
        )


def take_in(folder: RunFolder, paths: Sequence[Path]) -> tuple[ImportReport, Found | None]:
    """Read replies that were made elsewhere, and write the results as far as they go."""
    config, model = folder.config, model_of(folder.config, folder.file)
    extra = model.extra_body if isinstance(model, Endpoint) else None
    with folder.locked(), folder.journal() as journal:
        with SpooledRequests() as asked:
            _planned(folder, config, journal, False, _let_go, asked)
            report = read_batch(paths, asked, journal, extra=extra)
        planner, found = _planned(folder, config, journal, False, _let_go)
        if found is not None:
            _save(folder, config, found, planner.spending())
    return report, found


def _save(
    folder: RunFolder, config: AnnotateConfig, found: Found, spent: Sequence[Spending]
) -> None:
    # an audit changes no data: its verdicts are on texts of its own
    data = getattr(found, "data", folder.data)
    folder.save(found, noted(data, config, spent))
    write_beside(folder, config, found)


def noted(
    data: PreferenceData, config: AnnotateConfig, spent: Sequence[Spending]
) -> PreferenceData:
    """Return data whose load report says which model was asked, and what that used."""
    report = data.load_report or LoadReport(
        "tables", "tables", len(data.labels), len(data.labels), len(data.pairs), len(data.labels)
    )
    who = config.asked_model
    where = "built in: it reckons with the text" if config.offline else f"at {config.base_url}"
    lines = [f"Asked of {who} ({where}). {stage.summary()}." for stage in spent]
    return replace(data, load_report=replace(report, notes=(*report.notes, *lines)))


def found_in(folder: RunFolder) -> Found | None:
    """Return what a run has found so far, from what is kept: nothing is asked."""
    with folder.journal() as journal:
        return _planned(folder, folder.config, journal, False, _let_go)[1]


def as_far_as_asked(
    data: PreferenceData, config: AnnotateConfig, asks: Asks, file: Callable[[str, str], str]
) -> Found | None:
    """Return what a run finds; None where too little of it was asked to say anything."""
    try:
        return annotate(data, config, asks, file)
    except DesignError:
        if not any(stage.open for stage in asks.spending()):
            raise
        return None


def _bends(spent: Sequence[Spending]) -> list[str]:
    """Return what the server wanted otherwise, over all stages, in words."""
    counts: Counter[str] = Counter()
    for stage in spent:
        counts.update(stage.bends)
    return [f"Asked as the server wants it: {told(counts)}."] if counts else []


def model_of(config: AnnotateConfig, file: Callable[[str, str], str]) -> Endpoint | Model:
    """Return what a run asks.

    Parameters
    ----------
    config : AnnotateConfig
    file : callable
        Where the file stands that a key of the configuration names.
    """
    if config.offline:
        return OfflineModel(config.asked_model)
    if config.extra_body is None:
        return config.endpoint
    extra = read_extra_body(Path(file("extra_body", config.extra_body)))
    return replace(config.endpoint, extra_body=extra)


def _budget(folder: RunFolder, config: AnnotateConfig, spent: dict[str, Usage]) -> Budget:
    prices = prices_of(config, folder.file)
    return Budget(prices, config.max_cost, config.max_calls, config.max_tokens, spent=spent)


def prices_of(config: AnnotateConfig, file: Callable[[str, str], str]) -> dict[str, Price]:
    """Return the prices of a run's models, by name.

    Parameters
    ----------
    config : AnnotateConfig
    file : callable
        As for :func:`model_of`.
    """
    if config.offline:
        return dict.fromkeys(filter(None, (config.asked_model, config.grader)), Price(0.0, 0.0))
    return {} if config.prices is None else read_prices(Path(file("prices", config.prices)))


def _let_go(stage: str, request: Request) -> None:
    """Hold nothing of a request that is open."""


def _planned(
    folder: RunFolder,
    config: AnnotateConfig,
    journal: Journal,
    retry_failed: bool,
    opened: Opened,
    asked: SpooledRequests | None = None,
) -> tuple[Planner, Found | None]:
    budget = _budget(folder, config, journal.used())
    name = name_of(model_of(config, folder.file))
    planner = Planner(
        name, journal, budget=budget, retry_failed=retry_failed, opened=opened, asked=asked
    )
    return planner, as_far_as_asked(folder.data, config, planner, folder.file)
