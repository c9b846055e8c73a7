"""What a reader wants to see of runs: how each stands, what it used, how it was set."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from workbench.annotate.calls import call_counts, learnt_forms
from workbench.annotate.config import AnnotateConfig
from workbench.annotate.folder import RunFolder
from workbench.annotate.process import status
from workbench.errors import WorkbenchError

STATES = {
    "new": "starting",
    "running": "running",
    "finished": "done",
    "stopped": "paused",
    "failed": "failed",
    "ended": "paused",
}
"""What a state of :class:`workbench.annotate.process.Status` is called."""

UNREADABLE = "unreadable"

COUNTED = (
    "Calls count when they are sent, so retries and calls without an answer are in them. Tokens "
    "are those that the server told; where it told none, as many as were expected. The cost is "
    "those tokens at the prices that were given for the run, not a bill."
)
"""What the spend of a run is, to stand beside it."""

_COLUMNS = (
    "run", "what", "model", "simulated", "state", "why", "answered", "failed", "open", "calls",
    "prompt_tokens", "completion_tokens", "cost", "begun", "changed",
)  # fmt: skip
_OF_JUDGE = ("template", "orders", "repeats", "soft", "name")
_OF_TASK = {
    "judge": (*_OF_JUDGE, "images", "image_urls"),
    "grade": ("repeats", "name"),
    "repair": (*_OF_JUDGE, "mends", "people", "constitution", "unseen", "images",
               "image_urls"),
    "rubric": ("rubric", "pointwise", "orders", "repeats"),
    "rationales": ("reasons", "lexicon", "exchange", "told", "annotators", "factors"),
    "feedback": ("feedback", "chats"),
    "principles": (
        "principles", "constitution", "traits", "known", "embedding", "propose", "annotators", "n",
        "test_share", "folds", "adaptive", "evaluate", "repeats",
    ),
    "discover": (
        "directions", "active", "embedding", "embedding_model", "shown", "fidelity_pairs",
        "controls", "annotators",
    ),
    "followed": ("followed", "turns", "grader"),
    "audit": (
        *_OF_JUDGE, "suite", "vetoed", "margin", "manipulate", "rewrites", "wordings", "triples",
        "lists", "known_answers", "attacks", "templates", "shares",
    ),
}  # fmt: skip
"""Settings that a task heeds."""

_ASKED = ("task", "pairs")
_WHOM = ("model", "base_url", "omit", "rename", "headers", "extra_body")
_SAMPLING = ("temperature", "top_p", "reply_tokens", "seed")
_LIMITS = (
    "concurrency", "timeout_s", "attempts", "max_calls", "max_tokens", "max_cost", "prices",
    "max_failed",
)  # fmt: skip
_FILES = (
    "rubric", "template", "constitution", "unseen", "known", "attacks", "lexicon", "templates",
    "shares", "extra_body", "prices",
)  # fmt: skip


def runs_frame(runs: Mapping[str, RunFolder]) -> pd.DataFrame:
    """Return one row a run: what it is, how it stands, what it used.

    Parameters
    ----------
    runs : mapping of str to RunFolder
        By the name that a reader knows it by.

    Returns
    -------
    DataFrame
        ``run, what, model, simulated, state`` (a value of :data:`STATES`, or ``unreadable``),
        ``why``; ``answered, failed``: replies that are kept, those that could not be read or did
        not come apart; ``open``: requests of the last stage without a reply; ``calls,
        prompt_tokens, completion_tokens, cost`` (NaN without prices), ``begun, changed``. A
        run that cannot be read is a row with a reason.

    Examples
    --------
    >>> runs_frame({}).empty
    True
    """
    return pd.DataFrame([_row(name, run) for name, run in runs.items()], columns=list(_COLUMNS))


def _row(name: str, run: RunFolder) -> dict[str, Any]:
    try:
        config, now, kept = run.config, status(run), call_counts(run)
    except WorkbenchError as error:
        return {"run": name, "state": UNREADABLE, "why": error.what}
    return {
        "run": name,
        "what": config.task,
        "model": config.asked_model,
        "simulated": config.offline,
        "state": STATES[now.state],
        "why": shown_message(now.message, run),
        "answered": kept["answered"],
        "failed": kept["failed"],
        "open": int(now.stages["open"].sum()),
        "calls": now.calls,
        "prompt_tokens": now.prompt_tokens,
        "completion_tokens": now.completion_tokens,
        "cost": now.cost,
        "begun": _time(now.started),
        "changed": _time(now.updated),
    }


def shown_message(message: str, run: RunFolder) -> str:
    """Return what a run said of its end, without names that are no visitor's business.

    A refused key is told by the variable that holds it, a full disk by the path of the folder.

    Parameters
    ----------
    message : str
    run : RunFolder
    """
    variable = run.config.key_variable
    said = message.replace(f"the key in {variable}", "the key")
    said = said.replace(variable, "(its variable)")
    for path in {str(run.path), str(run.path.resolve())}:
        said = said.replace(path, run.path.name)
    return said


def settings_frame(folder: RunFolder) -> pd.DataFrame:
    """Return the settings of a run: ``group, setting, value``; no secret and no path.

    What was asked, of whom, the forms of requests that were learnt on the way, the sampling,
    and the limits. Of files and added headers only the names are told.

    Parameters
    ----------
    folder : RunFolder

    Raises
    ------
    ConfigError
        There is no run, or it cannot be read.
    """
    config = folder.config
    rows = [
        {"group": group, "setting": key, "value": value}
        for group, keys in _groups(config).items()
        for key in keys
        if (value := shown_value(config, key)) not in (None, "")
    ]
    rows += [
        {"group": "learnt form of requests", "setting": model, "value": ", ".join(bends)}
        for model, bends in learnt_forms(folder).items()
    ]
    return pd.DataFrame(rows, columns=["group", "setting", "value"])


def _groups(config: AnnotateConfig) -> dict[str, tuple[str, ...]]:
    asked = (*_ASKED, *_OF_TASK[config.task])
    return {"asked": asked, "of whom": _WHOM, "sampling": _SAMPLING, "limits": _LIMITS}


def shown_value(config: AnnotateConfig, key: str) -> str | None:
    """Return a setting as it may be shown; None where it is not set.

    Examples
    --------
    >>> config = AnnotateConfig(model="m", headers=("X-Team=blue",), prices="far/away.toml")
    >>> shown_value(config, "headers"), shown_value(config, "prices")
    ('X-Team', 'away.toml')
    """
    value = config.task if key == "task" else getattr(config, key)
    if value is None or value is False or value == ():
        return None
    if key == "base_url" and config.offline:
        return None
    if key == "headers":
        return ", ".join(one.partition("=")[0] for one in value)
    if key in _FILES:
        return Path(value).name
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def settings_that_differ(one: AnnotateConfig, other: AnnotateConfig) -> pd.DataFrame:
    """Return the settings in which two runs differ: ``setting, first, second``.

    Examples
    --------
    >>> settings_that_differ(AnnotateConfig(model="m"), AnnotateConfig(model="n")).values.tolist()
    [['model', 'm', 'n']]
    """
    rows = []
    both = [key for config in (one, other) for keys in _groups(config).values() for key in keys]
    for key in dict.fromkeys(both):
        values = [shown_value(config, key) for config in (one, other)]
        if values[0] != values[1]:
            first, second = (value or "not set" for value in values)
            rows.append({"setting": key, "first": first, "second": second})
    return pd.DataFrame(rows, columns=["setting", "first", "second"])


def _time(seconds: float) -> pd.Timestamp | None:
    return None if math.isnan(seconds) else pd.Timestamp(seconds, unit="s").floor("s")
