"""A judge's prompt that is repaired by principles extracted from people's labels."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.audit.judges.verdicts.preferences import reference_mask
from workbench.calibration.repair.candidates import Candidate
from workbench.calibration.repair.judged import Judged
from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError
from workbench.json_values import to_json
from workbench.judges.chat import ChatJudge
from workbench.judges.judge import judge as ask
from workbench.judges.verdict_features import verdict_features
from workbench.llm.progress import spending_frame
from workbench.llm.request import OFFLINE
from workbench.principles.constitution import Constitution
from workbench.principles.extraction import Extraction
from workbench.whole_file import write_text

_RUBRIC = (
    "Judge by the principles above the texts where they apply, before any opinion of your own; "
    "where they contradict each other, the earlier one counts more."
)


@dataclass(frozen=True)
class RepairedPrompt:
    """A judge that is told principles beside its own prompt.

    Attributes
    ----------
    judge : ChatJudge
        The judge with the repaired prompt; it runs and is audited like any other.
    constitution : Constitution
    unseen : tuple of str or None
        Pairs that the principles were not extracted from; None: all.
    """

    judge: ChatJudge
    constitution: Constitution
    unseen: tuple[str, ...] | None = None

    def __str__(self) -> str:
        return f"{self.judge.name}: {len(self.constitution.principles)} principles"

    def save(self, path: str | Path) -> None:
        """Write the prompt to a JSON file that ``workbench judge --template`` reads."""
        write_text(Path(path), to_json(vars(self.judge.template)))


def repair_prompt(
    judge: ChatJudge, principles: Constitution | Extraction, *, unseen: Iterable[str] | None = None
) -> RepairedPrompt:
    """Return a judge whose prompt is followed by principles.

    Parameters
    ----------
    judge : ChatJudge
        As it is asked now.
    principles : Constitution or Extraction
        Of :func:`workbench.extract` from people's labels; an extraction knows which pairs it
        did not see.
    unseen : iterable of str, optional
        Pairs that the principles were not extracted from; all, where a constitution is given
        and they are not named.

    Returns
    -------
    RepairedPrompt
        For ``repair_judge(..., constitution=...)``.

    Raises
    ------
    DesignError
        No principle.

    Examples
    --------
    >>> import tempfile
    >>> import workbench as wb
    >>> with tempfile.TemporaryDirectory() as folder, wb.Journal(folder + "/j") as journal:
    ...     with wb.Asker(wb.OfflineModel(), journal) as asker:
    ...         mine = wb.Constitution((wb.Principle("Select the response that is shorter."),))
    ...         found = repair_prompt(wb.ChatJudge("offline:plain", asker), mine)
    >>> found.judge.name, found.judge.template.principles
    ('offline:plain (repaired prompt)', '1. Select the response that is shorter.')
    """
    constitution = principles.constitution if isinstance(principles, Extraction) else principles
    if not constitution.principles:
        raise DesignError(
            "There is no principle to repair the prompt by.",
            found="an empty constitution",
            expected="at least one principle",
            fix="Extract them from more labels, or write them.",
        )
    if unseen is None and isinstance(principles, Extraction):
        unseen = principles.unseen
    told = "\n".join(f"{k}. {one.text}" for k, one in enumerate(constitution.principles, start=1))
    template, other = judge.template, copy(judge)
    system = template.system if _RUBRIC in template.system else f"{template.system} {_RUBRIC}"
    other.template = replace(
        template, name=f"{template.name}-repaired", system=system, principles=told
    )
    other.name = f"{judge.name} (repaired prompt)"
    return RepairedPrompt(other, constitution, None if unseen is None else tuple(unseen))


def prompt_candidate(
    pairs: Judged, constitution: str | RepairedPrompt, judge: str, people: str
) -> tuple[Candidate, pd.DataFrame, list[str]]:
    """Return what the repaired prompt says of the pairs, what it used, and what is to be said.

    Parameters
    ----------
    pairs : Judged
    constitution : str or RepairedPrompt
    judge, people : str
        Beside whom it stands.

    Raises
    ------
    DesignError
        No such annotator, one of the people or the judge, or no pair that the principles have
        not seen.
    """
    asked = constitution if isinstance(constitution, str) else constitution.judge.name
    _refuse_same(pairs.data, asked, judge, people)
    if isinstance(constitution, str):
        data, name, spending = pairs.data, constitution, pd.DataFrame()
        notes = [f"{name}: verdicts in the data; they are held out only if no principle of its "
                 "prompt came from these pairs"]  # fmt: skip
    else:
        ids = pairs.data.pairs["pair_id"].to_numpy()[pairs.row]
        held = ids if constitution.unseen is None else ids[np.isin(ids, constitution.unseen)]
        _refuse_seen(held)
        before = _spent(constitution.judge)
        data = ask(pairs.data.filter(pair_ids=held), constitution.judge).data
        # who answers may have answered others before
        name, spending = constitution.judge.name, (_spent(constitution.judge) - before).to_frame().T
        source = "named as unseen" if constitution.unseen is not None else "taken as unseen"
        notes = [f"{name}: asked about {len(held):,} pairs {source} by its principles"]
        if constitution.judge.model.startswith(OFFLINE):
            notes.append(f"{constitution.judge.model} simulates a judge and is none")
    counts = data.labels["weight"].gt(0)
    mine = (data.labels["annotator"].eq(name) & counts).to_numpy(dtype=bool)
    _refuse_nobody(data, name, mine)
    features = verdict_features(data.pair_rows[mine], data.labels[mine], len(data))
    verdict = _placed(data, features["verdict"], pairs)
    return Candidate(verdict, (verdict + 1.0) / 2.0), spending, notes


def _spent(judge: ChatJudge) -> pd.Series:
    table = spending_frame(judge.settings()["spending"])
    return table[["calls", "prompt_tokens", "completion_tokens", "cost"]].sum(skipna=False)


def _placed(data: PreferenceData, values: pd.Series, pairs: Judged) -> NDArray[np.float64]:
    by_pair = pd.Series(values.to_numpy(), index=data.pairs["pair_id"].to_numpy())
    ids = pairs.data.pairs["pair_id"].to_numpy()[pairs.row]
    return np.asarray(by_pair.reindex(ids).to_numpy("float64"))


def _refuse_same(data: PreferenceData, name: str, judge: str, people: str) -> None:
    theirs = set(data.labels["annotator"][reference_mask(data, people)])
    if name == judge or name in theirs:
        raise DesignError(
            "The repaired prompt is the judge, or one of the people, that it stands beside.",
            found=f"constitution {name!r}, judge {judge!r}, people {people!r}",
            expected="an annotator of its own",
            fix="Name another: constitution=..., or give the repaired judge a name of its own.",
        )


def _refuse_seen(held: NDArray[np.str_]) -> None:
    if not len(held):
        raise DesignError(
            "The principles have seen every pair that people and the judge decided.",
            found="no pair held out",
            expected="pairs that nothing was extracted from",
            fix="Extract with a test share, or have people label other prompts.",
        )


def _refuse_nobody(data: PreferenceData, name: str, mine: NDArray[np.bool_]) -> None:
    if not mine.any():
        raise DesignError(
            f"There is no annotator {name!r} whose verdicts a repaired prompt made.",
            found=", ".join(data.annotators["annotator"]),
            expected="an annotator of the data, or what repair_prompt returns",
            fix="Name one: constitution=...",
        )
