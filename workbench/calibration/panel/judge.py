"""A panel as a judge: it asks its members, and says what they say together."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.calibration.panel.combine import led
from workbench.calibration.panel.votes import side_of
from workbench.clustered import Array
from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError
from workbench.judges.base import FAILED, NOT_ASKED, Judge, label_rows

ABSTAINED = "not_applicable"
_STATES = ("no label", NOT_ASKED, FAILED, "abstained", "verdict")


class PanelJudge:
    """A judge that asks several judges, and combines what they say of a pair.

    It is taken up again where its members are: one with a journal asks nothing twice.

    Parameters
    ----------
    members : sequence of Judge
        Two or more, of different names.
    how : {"majority", "weighted"}
        Every member has one vote, or the weight of its name.
    weights : mapping of str to float, optional
        Log-odds by name, such as :meth:`workbench.Panel.weights` returns.
    name : str

    Raises
    ------
    DesignError
        Fewer than two members, a name twice, or weights that are not of every member.

    Examples
    --------
    >>> import workbench as wb
    >>> rules = [wb.RuleJudge("longer"), wb.RuleJudge("tie"), wb.RuleJudge("random")]
    >>> found = wb.judge(wb.load("sample"), PanelJudge(rules))
    >>> found.data.labels.query("annotator == 'panel'")["preference"].isin([0, 0.5, 1]).all()
    np.True_
    """

    def __init__(
        self,
        members: Sequence[Judge],
        *,
        how: Literal["majority", "weighted"] = "majority",
        weights: Mapping[str, float] | None = None,
        name: str = "panel",
    ) -> None:
        self.members = sorted(members, key=lambda one: one.name)
        names = [one.name for one in self.members]
        lacking = [one for one in names if one not in (weights or {})]
        if len(set(names)) < max(len(names), 2) or name in names:
            raise DesignError(
                "These members make no panel.",
                found=f"{', '.join(names) or 'no judge'}; the panel is called {name}",
                expected="two judges or more, each with a name of its own",
                fix="Name the judges (name=...).",
            )
        if how not in ("majority", "weighted") or (how == "weighted") != (weights is not None) or (
            weights is not None and (lacking or not np.isfinite([weights[n] for n in names]).all())
        ):  # fmt: skip
            raise DesignError(
                "The panel cannot be combined like that.",
                found=f"how={how!r}, weights of {', '.join(weights or {}) or 'nobody'}",
                expected='how="majority" without weights, or "weighted" with one for each member',
                fix=f"Give weights of {', '.join(names)} (weights={{name: number}}).",
            )
        self.name, self.how = name, how
        self.weights = None if weights is None else {one: float(weights[one]) for one in names}
        kinds = {one.kind for one in self.members}
        self.kind = kinds.pop() if len(kinds) == 1 else "unknown"

    def settings(self) -> dict[str, Any]:
        """Return what made the verdicts, as plain JSON values."""
        own = [one.settings() for one in self.members]
        spent = [row for one in own for row in one.get("spending") or []]
        return {
            "judge": "panel", "name": self.name, "how": self.how, "weights": self.weights,
            "members": own, "spending": spent,
        }  # fmt: skip

    def verdicts(self, data: PreferenceData) -> pd.DataFrame:
        """Return a label a pair: its ``raw`` says what each member said, or why it said nothing.

        ``n_verdicts``, ``n_abstained`` and ``n_lost`` count the members; a pair without any
        verdict is not asked where nobody was, failed where somebody's reply was lost.
        """
        said, state = self._asked(data)
        side = side_of(2.0 * said - 1.0)
        weights = np.ones(len(self.members)) if self.weights is None else np.array(
            [self.weights[one.name] for one in self.members])  # fmt: skip
        lead, strength = led(side, weights)
        rows = label_rows(
            data.pairs, (lead + 1.0) / 2.0, reason=_reasons(lead, state), raw=self._raw(side, state)
        )
        return rows.assign(
            strength=strength,
            n_verdicts=(state == 4).sum(axis=1),
            n_abstained=(state == 3).sum(axis=1),
            n_lost=(state < 3).sum(axis=1),
        )

    def _asked(self, data: PreferenceData) -> tuple[Array, NDArray[np.int64]]:
        """Return mean verdicts and states, shape (pairs, members): positions in the states."""
        index = pd.Index(data.pairs["pair_id"])
        said = np.full((len(index), len(self.members)), np.nan)
        state = np.zeros(said.shape, dtype=np.int64)
        for j, one in enumerate(self.members):
            rows = one.verdicts(data)
            at = index.get_indexer(rows["pair_id"])
            p = rows["preference"].to_numpy("float64")
            given = np.isfinite(p)
            count = np.bincount(at[given], minlength=len(index))
            total = np.bincount(at[given], p[given], len(index))
            said[:, j] = np.divide(total, count, out=said[:, j], where=count > 0)
            why = rows["reason"].astype("object").fillna(FAILED).to_numpy()
            kind = np.where(given, 4, np.where(why == NOT_ASKED, 1, np.where(why == FAILED, 2, 3)))
            np.maximum.at(state[:, j], at, kind)
        return said, state

    def _raw(self, side: Array, state: NDArray[np.int64]) -> list[str]:
        words = {1.0: "A", -1.0: "B", 0.0: "tie"}
        names = [one.name for one in self.members]
        return [
            json.dumps({
                name: words[v] if s == 4 else _STATES[s]
                for name, v, s in zip(names, row, states, strict=True)
            })
            for row, states in zip(side, state, strict=True)
        ]  # fmt: skip


def _reasons(lead: Array, state: NDArray[np.int64]) -> list[str | None]:
    """Return why a pair has no verdict: nobody was asked, a reply was lost, or all abstained."""
    most = np.where((state == 2).any(axis=1), FAILED,
                    np.where((state == 3).any(axis=1), ABSTAINED, NOT_ASKED))  # fmt: skip
    return [str(why) if np.isnan(v) else None for v, why in zip(lead, most, strict=True)]
