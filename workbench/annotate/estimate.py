"""What an annotation run would take, before anything is asked."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workbench.annotate.config import AnnotateConfig
from workbench.annotate.folder import RunFolder
from workbench.annotate.run import as_far_as_asked, drawn, model_of, prices_of
from workbench.annotate.tasks import Found
from workbench.data.dataset import PreferenceData
from workbench.judges.pictures import UNSHOWN
from workbench.llm.asker import Planner
from workbench.llm.budget import Budget, expected_usage
from workbench.llm.client import name_of
from workbench.llm.journal import Journal
from workbench.llm.reply import Usage
from workbench.llm.request import Request

_COLUMNS = (
    "stage", "requests", "kept", "to_ask", "prompt_tokens", "completion_tokens", "cost",
)  # fmt: skip


@dataclass(frozen=True)
class Estimate:
    """What a run would take.

    Attributes
    ----------
    stages : DataFrame
        One row a stage: ``stage, requests, kept, to_ask, prompt_tokens,
        completion_tokens, cost``. Tokens are estimated to err on the dear side: characters
        for the prompts, the longest reply for the completions. A later round that
        depends on the replies of this one is not in it.
    images : int
        Images that are still to be shown: nobody knows how many tokens a server takes for one,
        so they are in no number of these.
    unshown : dict of str to int
        Labels that are not asked for, by why an image cannot be shown.
    """

    stages: pd.DataFrame
    images: int = 0
    unshown: dict[str, int] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the estimate as plain JSON values."""
        stages = self.stages.to_dict("records")
        return {"stages": stages, "images": self.images, "unshown": self.unshown}

    def summary(self) -> str:
        """Return the estimate as text."""
        total = self.stages[["to_ask", "prompt_tokens", "completion_tokens"]].sum()
        cost = self.stages["cost"].sum(skipna=False)
        price = (
            "unknown: no price of the model (--prices FILE)" if np.isnan(cost) else f"{cost:.4f}"
        )
        shown = [f"{self.images:,} images are shown: their tokens are unknown, and not in these "
                 "numbers."] if self.images else []  # fmt: skip
        shown += [f"not asked: {n:,} labels, {why}" for why, n in self.unshown.items()]
        return "\n".join(
            [
                "Nothing was asked. Still to ask; a later round that depends on these replies "
                "comes on top:",
                self.stages.to_string(index=False) if len(self.stages) else "no request",
                f"calls {total['to_ask']:,}; prompt tokens {total['prompt_tokens']:,}; completion "
                f"tokens {total['completion_tokens']:,}; cost {price}",
                *shown,
            ]
        )


def estimate(config: AnnotateConfig, data: PreferenceData, folder: RunFolder | None) -> Estimate:
    """Return what a run would take; a folder tells what is kept already."""
    if folder is not None and folder.exists:
        with folder.journal() as journal:
            return _estimated(config, folder.data, journal, folder.file)
    with tempfile.TemporaryDirectory() as place, Journal(Path(place) / "none.sqlite") as journal:
        return _estimated(config, drawn(data, config), journal, lambda key, value: value)


def _estimated(
    config: AnnotateConfig,
    data: PreferenceData,
    journal: Journal,
    file: Callable[[str, str], str],
) -> Estimate:
    budget = Budget(prices_of(config, file))
    to_use: dict[str, Usage] = {}
    whom: dict[str, str] = {}
    images = 0

    def add(stage: str, request: Request) -> None:
        nonlocal images
        images += len(request.pictures)
        whom[stage] = request.model
        to_use[stage] = to_use.get(stage, Usage(calls=0)) + expected_usage(request)

    planner = Planner(name_of(model_of(config, file)), journal, budget=budget, opened=add)
    found = as_far_as_asked(data, config, planner, file)
    rows = []
    for spent in planner.spending():
        used = to_use.get(spent.stage, Usage(calls=0))
        rows.append(
            {
                "stage": spent.stage,
                "requests": spent.requests,
                "kept": spent.requests - spent.open,
                "to_ask": spent.open,
                "prompt_tokens": used.prompt_tokens,
                "completion_tokens": used.completion_tokens,
                "cost": budget.cost({whom.get(spent.stage, config.asked_model): used}),
            }
        )
    return Estimate(pd.DataFrame(rows, columns=list(_COLUMNS)), images, _unshown(found))


def _unshown(found: Found | None) -> dict[str, int]:
    """Return the labels that there will not be, for an image that cannot be shown, by reason."""
    lost = getattr(found, "failures", None)
    if not isinstance(lost, pd.DataFrame) or "reason" not in lost:
        return {}
    own = lost[lost["reason"].astype("str").str.startswith(UNSHOWN)]
    return {str(why): int(n) for why, n in zip(own["reason"], own["count"], strict=True)}
